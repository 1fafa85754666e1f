import type { Clock } from '../time/clock.js'
import type { Meter } from '../meter.js'
import type { StreamHead, LogReader } from '../store/port.js'
import { ChunkRing } from './chunk-ring.js'
import { encodeChunks, type Chunk } from './chunks.js'
import { fillHoles, hasHoles, type ReadSpan } from './gap-finder.js'
import { nextTurn as yieldToLoop } from '../time/timers.js'

/**
 * Why a subscription ended: the task was deleted; its log was replaced by another; the viewer never drained;
 * the viewer has what it was to have; the hub was closed.
 */
export type EndReason = 'deleted' | 'replaced' | 'slow' | 'reached' | 'closed'

/** Whoever follows a tail, at its own pace or live. */
export interface TailMember {
  /** The tail's cursor moved, or it was opened. */
  onAdvance? (): void
  onEnd (reason: EndReason): void
}

/** A member that has seen everything up to the tail's cursor, and is handed each new chunk. */
export interface LiveMember {
  deliver (chunk: Chunk): void
}

interface EncodedPage {
  readonly chunks: readonly Chunk[]
  readonly insertedAtMs: number | undefined
}

const PAGE_ROWS = 500
/** While nothing is known of the rows' length. */
const FIRST_PAGE_ROWS = 100
/** Pages of long rows get shorter, so that a read takes little memory. */
const PAGE_BYTES = 512 * 1024

/** The end of one task's log: read once, encoded once, for everybody who watches. */
export class TaskTail {
  readonly taskId: string
  /** Everybody live has seen exactly this much; nobody else has seen more. */
  cursor = 0
  /** Undefined while the task has no log. */
  epoch: string | undefined
  isOpen = false
  hasEnded = false
  readonly members = new Set<TailMember>()
  readonly live = new Set<LiveMember>()
  readonly ring: ChunkRing
  readonly #reader: LogReader
  readonly #clock: Clock
  readonly #meter: Meter
  /** Pages being read: viewers that start together share them. */
  readonly #pages = new Map<number, Promise<Chunk>>()
  #floorSeq = 0
  #pageRows = FIRST_PAGE_ROWS

  constructor (taskId: string, reader: LogReader, clock: Clock, meter: Meter) {
    this.taskId = taskId
    this.#reader = reader
    this.#clock = clock
    this.#meter = meter
    this.ring = new ChunkRing(clock)
  }

  /** Reads and delivers up to the head, which was read before. */
  async advance (head: StreamHead | undefined): Promise<void> {
    if (this.hasEnded) return
    if (this.#isReplaced(head)) return this.end(head === undefined ? 'deleted' : 'replaced')
    this.epoch = head?.epoch
    this.#raiseFloor(head?.floorSeq ?? 0)
    if (!this.isOpen) {
      this.cursor = head?.lastSeq ?? 0
      this.isOpen = true
    } else if (head !== undefined) {
      await this.#readUpTo(head)
    } else return
    for (const member of this.members) member.onAdvance?.()
  }

  /**
   * One chunk of the log for a viewer that is behind: from the ring if it is there, else a page.
   *
   * It never reaches past the tail's cursor, which is why a viewer that arrives there can become live at once.
   */
  chunkAfter (seq: number): Chunk | Promise<Chunk> {
    const kept = this.ring.after(seq)
    if (kept !== undefined && this.ring.isSure(kept)) return kept
    let page = this.#pages.get(seq)
    if (page === undefined) {
      const reading = kept === undefined ? this.#readPage(seq) : this.#confirm(kept)
      page = reading.finally(() => this.#pages.delete(seq))
      this.#pages.set(seq, page)
    }
    return page
  }

  /** Ends everybody's subscription. */
  end (reason: EndReason): void {
    this.hasEnded = true
    this.live.clear()
    for (const member of [...this.members]) {
      this.members.delete(member)
      member.onEnd(reason)
    }
  }

  /** What has expired is not shown from the ring either. */
  #raiseFloor (floorSeq: number): void {
    if (floorSeq !== this.#floorSeq) this.ring.clear()
    this.#floorSeq = floorSeq
  }

  #isReplaced (head: StreamHead | undefined): boolean {
    if (!this.isOpen || this.epoch === undefined) return false
    return head === undefined || head.epoch !== this.epoch || head.lastSeq < this.cursor
  }

  async #readUpTo (head: StreamHead): Promise<void> {
    while (this.cursor < head.lastSeq) {
      // Nobody is live: those who catch up read for themselves.
      if (this.live.size === 0) { this.cursor = head.lastSeq; return }
      const after = this.cursor
      const page = await this.#encode(after, head.lastSeq, head.epoch)
      if (page === undefined) return
      const { chunks, insertedAtMs } = page
      for (const chunk of chunks) {
        if (this.hasEnded) return
        this.ring.push(chunk)
        this.cursor = chunk.through
        for (const member of this.live) member.deliver(chunk)
      }
      // Clocks of machines differ a little: nothing is delivered before it is there.
      if (insertedAtMs !== undefined) this.#meter.deliveryLagged(Math.max(0, this.#clock() - insertedAtMs) / 1000)
      if (this.cursor < head.lastSeq) await yieldToLoop()
    }
  }

  /** Rows do not change and no number is used twice: as many as there were are the same. */
  async #confirm (kept: Chunk): Promise<Chunk> {
    const isThere = await this.#reader.countBetween(this.taskId, kept.after, kept.through) === kept.events
    this.ring.confirm(kept, isThere)
    return isThere ? kept : this.#readPage(kept.after)
  }

  async #readPage (after: number): Promise<Chunk> {
    const horizon = this.cursor
    await yieldToLoop()
    const page = await this.#encode(after, horizon, this.epoch ?? '', horizon)
    for (const chunk of page?.chunks ?? []) this.ring.push(chunk)
    // Never empty: whoever asks is behind the horizon, so there is a row or a hole. Without a page it has been ended.
    return page?.chunks[0] as Chunk
  }

  /** @returns undefined, and ends everybody's subscription, when the rows are another log's than the head was */

  async #encode (after: number, through: number, epoch: string, horizon = Infinity): Promise<EncodedPage | undefined> {
    const limit = this.#pageRows
    const rows = await this.#reader.readAfter(this.taskId, after, limit)
    if (rows.length > 0 && rows.epoch !== epoch) {
      this.end(rows.epoch === undefined ? 'deleted' : 'replaced')
      return undefined
    }
    const last = rows.at(-1)
    const events = last !== undefined && last.seq > horizon ? rows.filter((event) => event.seq <= horizon) : rows
    const isFull = rows.length === limit && events.length === rows.length
    const span: ReadSpan = { after, events, floorSeq: this.#floorSeq, ...(isFull ? {} : { through }) }
    // Rows may have expired since the head was read.
    const floorSeq = hasHoles(span) ? await this.#readFloor() : this.#floorSeq
    const chunks = encodeChunks(this.taskId, epoch, after, fillHoles({ ...span, floorSeq }))
    this.#fitPage(chunks, events.length)
    return { chunks, insertedAtMs: rows.insertedAtMs }
  }

  /** By the size of a row, not of the page: one with few rows says nothing of what a full one would take. */
  #fitPage (chunks: readonly Chunk[], rows: number): void {
    if (rows === 0) return
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
    this.#pageRows = Math.min(PAGE_ROWS, Math.max(1, Math.floor(PAGE_BYTES * rows / bytes)))
  }

  async #readFloor (): Promise<number> {
    const heads = await this.#reader.heads([this.taskId])
    return heads.get(this.taskId)?.floorSeq ?? this.#floorSeq
  }
}
