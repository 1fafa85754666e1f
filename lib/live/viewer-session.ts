import { publish } from '../lifecycle.js'
import type { Meter } from '../meter.js'
import type { Chunk } from './chunks.js'
import { isKnown, type Cursor } from '../model/cursor.js'
import { encodeUnknownCursor } from './frames.js'
import type { EndReason, LiveMember, TailMember, TaskTail } from './task-tail.js'
import type { Turns } from './turns.js'
import { clearInterval, setInterval, sleep as pause } from '../time/timers.js'

/** Where a stream's bytes go. */
export interface Viewer {
  /** Resume after it; from the start without it. */
  readonly cursor?: Cursor
  /**
   * The epoch that the viewer was told, empty where the task had no log. Then a log of another epoch, and a cursor that
   * is not known, end the subscription as `replaced`; without it they are told as a gap, and the log is shown.
   */
  readonly epoch?: string
  /** False leaves out the frames' ids. Default true. */
  readonly hasIds?: boolean
  /** Shared by the viewers of one connection: they catch up one at a time, so that the cap holds for all together. */
  readonly turns?: Turns
  /** Must not throw. @returns false when the peer is behind; {@link Subscription.drained} is to be called later */
  write (chunk: Uint8Array): boolean
  /** What `write` took and the peer has not; of the whole connection where it is shared. */
  bufferedBytes (): number
  /** What the peer has taken, where others write to the connection too. */
  takenBytes? (): number
  /** The hub ended the subscription; not called after `close()`. */
  onEnd (reason: EndReason): void
  /** Bytes at which a live viewer is paused, to be caught up from the log later; 1 MiB by default. */
  readonly maxBufferedBytes?: number
  /** Milliseconds after which a viewer that took nothing at all is ended as `slow`; 60,000 by default. */
  readonly drainTimeoutMs?: number
}

export interface Subscription {
  /** Everything up to here was written. */
  readonly seq: number
  /** The peer has taken what was written. */
  drained (): void
  /** Ends it as `reached` once everything up to this number was written; undefined takes that back. */
  endAfter (seq: number | undefined): void
  close (): void
}

/** What a session needs of its hub. */
export interface SessionHost {
  /** Resolves after a drain that begins from now on. */
  refresh (tail: TaskTail): Promise<void>
  /** The session is over. */
  leave (tail: TaskTail, session: ViewerSession): void
  onFault (err: unknown): void
  /** A page could be read. */
  onRead (): void
  readonly meter: Meter
}

const MAX_BUFFERED_BYTES = 1024 * 1024
const DRAIN_TIMEOUT_MS = 60_000
const FAULT_PAUSE_MS = 250

/**
 * One viewer of one task: it pulls pages until it has seen what the tail has seen, is handed chunks from then on,
 * and goes back to pulling when it does not keep up.
 */
export class ViewerSession implements Subscription, TailMember, LiveMember {
  readonly #tail: TaskTail
  readonly #viewer: Viewer
  readonly #host: SessionHost
  #cursor = 0
  #endSeq = Infinity
  #isStarted = false
  #isClosed = false
  #isBehind = false
  #onDrained: (() => void) | undefined

  constructor (tail: TaskTail, viewer: Viewer, host: SessionHost) {
    this.#tail = tail
    this.#viewer = viewer
    this.#host = host
  }

  get seq (): number {
    return this.#cursor
  }

  /** Checks the cursor against the log, then catches up. */
  async start (): Promise<void> {
    const tail = this.#tail
    const { cursor, epoch } = this.#viewer
    // The cursor may be ahead of the tail without being ahead of the log; and a tail that was not read since its log
    // was replaced would send away whoever knows the new one, again and again.
    const isAhead = (cursor?.seq ?? 0) > tail.cursor || (epoch !== undefined && epoch !== (tail.epoch ?? ''))
    if (!tail.isOpen || isAhead) await this.#host.refresh(tail)
    if (this.#isClosed) return
    const isLogKnown = cursor === undefined || isKnown(cursor, tail.cursor, tail.epoch)
    if (isLogKnown) this.#cursor = cursor?.seq ?? 0
    else if (epoch !== undefined) {
      // Who subscribes has not got the subscription yet, if nothing had to be waited for.
      await Promise.resolve()
      return this.onEnd('replaced')
    } else this.#tellUnknownCursor()
    this.#isStarted = true
    this.#endIfReached()
    await this.#catchUp()
  }

  deliver (chunk: Chunk): void {
    // Others may have filled the connection.
    if (this.#isFull()) return this.#pause()
    this.#write(chunk)
    if (this.#isFull()) this.#pause()
  }

  drained (): void {
    this.#isBehind = false
    this.#onDrained?.()
  }

  endAfter (seq = Infinity): void {
    this.#endSeq = seq
    if (this.#isStarted) this.#endIfReached()
  }

  onEnd (reason: EndReason): void {
    if (this.#isClosed) return
    this.close()
    if (reason === 'slow') {
      this.#host.meter.viewerEvicted()
      publish('viewer.evicted', () => ({ taskId: this.#tail.taskId, seq: this.#cursor }))
    }
    this.#viewer.onEnd(reason)
  }

  close (): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onDrained?.()
    this.#host.leave(this.#tail, this)
  }

  async #catchUp (): Promise<void> {
    while (!this.#isClosed) {
      // No await between the comparison and joining: nothing can be missed or told twice.
      if (this.#cursor === this.#tail.cursor && !this.#isBehind) {
        this.#tail.live.add(this)
        return
      }
      const finishTurn = await this.#viewer.turns?.take()
      const hasFailed = await this.#pull().catch((err) => { this.#host.onFault(err); return true })
      finishTurn?.()
      if (hasFailed === true) await pause(FAULT_PAUSE_MS, undefined, { ref: false })
    }
  }

  /** One step nearer: waits for the peer, then brings a page. */
  async #pull (): Promise<void> {
    if (this.#isClosed) return
    if (this.#isBehind) await this.#drain()
    if (this.#isClosed || this.#cursor === this.#tail.cursor) return
    const chunk = await this.#tail.chunkAfter(this.#cursor)
    if (this.#isClosed) return
    this.#host.onRead()
    this.#host.meter.pageReplayed()
    if (!this.#write(chunk)) await this.#drain()
  }

  /** @returns false when the peer is behind, or the subscription is over */
  #write (chunk: Chunk): boolean {
    if (this.#viewer.epoch !== undefined && this.#viewer.epoch !== this.#tail.epoch) {
      this.onEnd('replaced')
      return false
    }
    this.#cursor = chunk.through
    const bytes = this.#viewer.hasIds === false ? chunk.bytesWithoutIds : chunk.bytes
    this.#host.meter.delivered(chunk.events, chunk.gaps, bytes.length)
    const hasRoom = this.#viewer.write(bytes)
    if (!hasRoom) this.#isBehind = true
    this.#endIfReached()
    return hasRoom
  }

  #tellUnknownCursor (): void {
    const gap = Buffer.from(encodeUnknownCursor(this.#tail.taskId))
    this.#host.meter.delivered(0, 1, gap.length)
    this.#viewer.write(gap)
  }

  #endIfReached (): void {
    if (this.#cursor >= this.#endSeq) this.onEnd('reached')
  }

  #isFull (): boolean {
    return this.#viewer.bufferedBytes() > (this.#viewer.maxBufferedBytes ?? MAX_BUFFERED_BYTES)
  }

  #pause (): void {
    if (this.#isClosed) return
    this.#tail.live.delete(this)
    this.#isBehind = true
    this.#host.meter.viewerPaused()
    void this.#catchUp()
  }

  /** Resolves when the peer has caught up or the session is over; ends it when nothing moves for too long. */
  async #drain (): Promise<void> {
    if (!this.#isBehind || this.#isClosed) return
    const timeoutMs = this.#viewer.drainTimeoutMs ?? DRAIN_TIMEOUT_MS
    await new Promise<void>((resolve) => {
      let taken = this.#takenBytes()
      const timer = setInterval(() => {
        const now = this.#takenBytes()
        if (now <= taken) this.onEnd('slow')
        taken = now
      }, timeoutMs).unref()
      this.#onDrained = () => {
        clearInterval(timer)
        this.#onDrained = undefined
        resolve()
      }
    })
  }

  /** Only its growth counts. */
  #takenBytes (): number {
    return this.#viewer.takenBytes?.() ?? -this.#viewer.bufferedBytes()
  }
}
