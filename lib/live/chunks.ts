import { encodeData, encodeId } from './frames.js'
import type { LogItem } from './gap-finder.js'

/** A run of encoded frames: for whoever has seen `after`, it brings everything up to `through`. */
export interface Chunk {
  readonly after: number
  readonly through: number
  readonly bytes: Buffer
  /** The same without ids, for streams that carry several tasks; made at first use, for all viewers. */
  readonly bytesWithoutIds: Buffer
  /** How many events and gaps the bytes hold. */
  readonly events: number
  readonly gaps: number
}

/** Chunks end at the first frame that reaches this size, so that a slow viewer stops at a place near its byte cap. */
const CHUNK_BYTES = 256 * 1024

/**
 * Encodes items once, for all viewers.
 *
 * A write costs the same whatever its size (about 17 µs), so the frames of a tick travel together.
 */
export function encodeChunks (taskId: string, epoch: string, after: number, items: readonly LogItem[]): Chunk[] {
  const chunks: Chunk[] = []
  let chunk = new ChunkBuilder(after)
  items.forEach((item, index) => {
    if ('event' in item) chunk.addEvent(encodeId(item.event.seq, epoch), encodeData(item.event), item.event.seq)
    else chunk.addGap(encodeId(item.gap.toSeq, epoch), encodeData({ type: 'timeline.gap', taskId, ...item.gap }), item.gap.toSeq)
    if (chunk.length < CHUNK_BYTES && index < items.length - 1) return
    const encoded = chunk.encode()
    chunks.push(encoded)
    chunk = new ChunkBuilder(encoded.through)
  })
  return chunks
}

/** Collects the frames of a chunk. */
class ChunkBuilder {
  readonly #after: number
  #through: number
  #text = ''
  #events = 0
  #gaps = 0
  /** The bytes of each frame's two parts, by turns: its id, its data. */
  readonly #sizes: number[] = []

  constructor (after: number) {
    this.#after = this.#through = after
  }

  get length (): number {
    return this.#text.length
  }

  addEvent (id: string, data: string, seq: number): void {
    this.#events++
    this.#add(id, data, seq)
  }

  addGap (id: string, data: string, toSeq: number): void {
    this.#gaps++
    this.#add(id, data, toSeq)
  }

  encode (): Chunk {
    return new EncodedChunk(this.#after, this.#through, Buffer.from(this.#text), this.#sizes, this.#events, this.#gaps)
  }

  #add (id: string, data: string, through: number): void {
    this.#text += id + data
    this.#sizes.push(Buffer.byteLength(id), Buffer.byteLength(data))
    this.#through = through
  }
}

class EncodedChunk implements Chunk {
  readonly after: number
  readonly through: number
  readonly bytes: Buffer
  readonly events: number
  readonly gaps: number
  readonly #sizes: readonly number[]
  #bytesWithoutIds: Buffer | undefined

  constructor (after: number, through: number, bytes: Buffer, sizes: readonly number[], events: number, gaps: number) {
    this.after = after
    this.through = through
    this.bytes = bytes
    this.#sizes = sizes
    this.events = events
    this.gaps = gaps
  }

  /** Cut where the parts are known to end: what agents say never decides it. */
  get bytesWithoutIds (): Buffer {
    if (this.#bytesWithoutIds !== undefined) return this.#bytesWithoutIds
    const parts: Buffer[] = []
    let at = 0
    this.#sizes.forEach((size, index) => {
      if (index % 2 === 1) parts.push(this.bytes.subarray(at, at + size))
      at += size
    })
    this.#bytesWithoutIds = Buffer.concat(parts)
    return this.#bytesWithoutIds
  }
}
