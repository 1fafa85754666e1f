import type { Clock } from '../time/clock.js'
import type { Chunk } from './chunks.js'

const MAX_BYTES = 512 * 1024
/** A storm is over by then. */
const MAX_AGE_MS = 10_000
/** For so long its rows count as being there; who deletes them notifies nobody. */
const SURE_MS = 100

/** The last encoded chunks of one task: a storm of reconnecting viewers does not read the log again and again. */
export class ChunkRing {
  readonly #clock: Clock
  readonly #entries = new Map<number, { readonly chunk: Chunk, readonly atMs: number, seenAtMs: number }>()
  #bytes = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  push (chunk: Chunk): void {
    this.#delete(chunk.after)
    const atMs = this.#clock()
    this.#entries.set(chunk.after, { chunk, atMs, seenAtMs: atMs })
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

  /** Whether its rows were in the log a moment ago. */
  isSure (chunk: Chunk): boolean {
    const entry = this.#entries.get(chunk.after)
    return entry?.chunk === chunk && Math.abs(this.#clock() - entry.seenAtMs) <= SURE_MS
  }

  /** Its rows were seen in the log, or one of them is gone. */
  confirm (chunk: Chunk, isThere: boolean): void {
    const entry = this.#entries.get(chunk.after)
    if (entry?.chunk !== chunk) return
    if (isThere) entry.seenAtMs = this.#clock()
    else this.#delete(chunk.after)
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
