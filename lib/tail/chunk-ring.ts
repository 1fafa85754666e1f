import type { Clock } from '../clock.js'
import type { Chunk } from './chunks.js'

const MAX_BYTES = 512 * 1024
/** Short, because a row may be deleted from the log meanwhile. */
const MAX_AGE_MS = 10_000

/** The last encoded chunks of one task: a storm of reconnecting viewers does not read the log again and again. */
export class ChunkRing {
  readonly #clock: Clock
  readonly #entries = new Map<number, { readonly chunk: Chunk, readonly atMs: number }>()
  #bytes = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  push (chunk: Chunk): void {
    this.#delete(chunk.after)
    this.#entries.set(chunk.after, { chunk, atMs: this.#clock() })
    this.#bytes += chunk.bytes.length
    this.sweep()
  }

  /** The chunk that starts right after `seq`, if it is at hand. */
  after (seq: number): Chunk | undefined {
    const entry = this.#entries.get(seq)
    if (entry === undefined) return undefined
    if (this.#isFresh(entry.atMs)) return entry.chunk
    this.#delete(seq)
    return undefined
  }

  /** Lets go of what is too old or too much. */
  sweep (): void {
    for (const [after, entry] of this.#entries) {
      if (this.#bytes <= MAX_BYTES && this.#isFresh(entry.atMs)) return
      this.#delete(after)
    }
  }

  clear (): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  /** A clock that was set back must not keep anything for longer. */
  #isFresh (atMs: number): boolean {
    return Math.abs(this.#clock() - atMs) <= MAX_AGE_MS
  }

  #delete (after: number): void {
    const entry = this.#entries.get(after)
    if (entry === undefined) return
    this.#entries.delete(after)
    this.#bytes -= entry.chunk.bytes.length
  }
}
