import { dropIds, encodeEvent, encodeGap } from './frames.js'
import type { LogItem } from './gaps.js'

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
  let from = after
  let text = ''
  let gaps = 0
  let first = 0
  items.forEach((item, index) => {
    text += 'event' in item
      ? encodeEvent(item.event, epoch)
      : encodeGap({ type: 'timeline.gap', taskId, ...item.gap }, epoch)
    if ('gap' in item) gaps++
    if (text.length < CHUNK_BYTES && index < items.length - 1) return
    const through = 'event' in item ? item.event.seq : item.gap.toSeq
    const events = index + 1 - first - gaps
    chunks.push(new EncodedChunk(from, through, Buffer.from(text), events, gaps))
    from = through
    first = index + 1
    gaps = 0
    text = ''
  })
  return chunks
}

class EncodedChunk implements Chunk {
  readonly after: number
  readonly through: number
  readonly bytes: Buffer
  readonly events: number
  readonly gaps: number
  #bytesWithoutIds: Buffer | undefined

  constructor (after: number, through: number, bytes: Buffer, events: number, gaps: number) {
    this.after = after
    this.through = through
    this.bytes = bytes
    this.events = events
    this.gaps = gaps
  }

  get bytesWithoutIds (): Buffer {
    this.#bytesWithoutIds ??= Buffer.from(dropIds(this.bytes.toString()))
    return this.#bytesWithoutIds
  }
}
