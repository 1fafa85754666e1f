import { setTimeout as pause } from 'node:timers/promises'
import type { Meter } from '../meter.js'
import type { Chunk } from './chunks.js'
import type { Cursor } from './cursor.js'
import { encodeGap } from './frames.js'
import type { EndReason, LiveMember, TailMember, TaskTail } from './task-tail.js'

/** Where a stream's bytes go. */
export interface Viewer {
  /** Resume after it; from the start without it. */
  readonly cursor?: Cursor
  /** Must not throw. @returns false when the peer is behind; {@link Subscription.drained} is to be called later */
  write (chunk: Uint8Array): boolean
  /** What `write` took and the peer has not. */
  bufferedBytes (): number
  /** The hub ended the subscription; not called after `close()`. */
  onEnd (reason: EndReason): void
  /** Bytes at which a live viewer is paused, to be caught up from the log later; 1 MiB by default. */
  readonly maxBufferedBytes?: number
  /** Milliseconds after which a viewer that took nothing at all is ended as `slow`; 60,000 by default. */
  readonly drainTimeoutMs?: number
}

export interface Subscription {
  /** The peer has taken what was written. */
  drained (): void
  close (): void
}

/** What a session needs of its hub. */
export interface SessionHost {
  /** Resolves after a drain that begins from now on. */
  refresh (tail: TaskTail): Promise<void>
  /** The session is over. */
  leave (tail: TaskTail, session: ViewerSession): void
  onFault (err: unknown): void
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
  #isClosed = false
  #onDrained: (() => void) | undefined

  constructor (tail: TaskTail, viewer: Viewer, host: SessionHost) {
    this.#tail = tail
    this.#viewer = viewer
    this.#host = host
  }

  /** Checks the cursor against the log, then catches up. */
  async start (): Promise<void> {
    const tail = this.#tail
    const { cursor } = this.#viewer
    // The cursor may be ahead of the tail without being ahead of the log.
    if (!tail.isOpen || (cursor?.seq ?? 0) > tail.cursor) await this.#host.refresh(tail)
    if (this.#isClosed) return
    if (cursor !== undefined && !isKnown(cursor, tail)) {
      const gap = Buffer.from(encodeGap({ type: 'timeline.gap', taskId: tail.taskId, reason: 'unknown-cursor' }, ''))
      this.#host.meter.delivered(0, 1, gap.length)
      this.#viewer.write(gap)
    } else {
      this.#cursor = cursor?.seq ?? 0
    }
    await this.#catchUp()
  }

  deliver (chunk: Chunk): void {
    this.#cursor = chunk.through
    this.#host.meter.delivered(chunk.events, chunk.gaps, chunk.bytes.length)
    if (this.#viewer.write(chunk.bytes)) return
    if (this.#viewer.bufferedBytes() <= (this.#viewer.maxBufferedBytes ?? MAX_BUFFERED_BYTES)) return
    this.#tail.live.delete(this)
    this.#host.meter.viewerPaused()
    this.#drain().then(() => this.#catchUp())
  }

  drained (): void {
    this.#onDrained?.()
  }

  onEnd (reason: EndReason): void {
    if (this.#isClosed) return
    this.close()
    if (reason === 'slow') this.#host.meter.viewerEvicted()
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
      if (this.#cursor === this.#tail.cursor) {
        this.#tail.live.add(this)
        return
      }
      try {
        const chunk = await this.#tail.chunkAfter(this.#cursor)
        if (this.#isClosed) return
        this.#cursor = chunk.through
        this.#host.meter.pageReplayed()
        this.#host.meter.delivered(chunk.events, chunk.gaps, chunk.bytes.length)
        if (!this.#viewer.write(chunk.bytes)) await this.#drain()
      } catch (err) {
        this.#host.onFault(err)
        await pause(FAULT_PAUSE_MS, undefined, { ref: false })
      }
    }
  }

  /** Resolves when the peer has caught up or the session is over; ends it when nothing moves for too long. */
  async #drain (): Promise<void> {
    const timeoutMs = this.#viewer.drainTimeoutMs ?? DRAIN_TIMEOUT_MS
    await new Promise<void>((resolve) => {
      let buffered = this.#viewer.bufferedBytes()
      const timer = setInterval(() => {
        const now = this.#viewer.bufferedBytes()
        if (now >= buffered) this.onEnd('slow')
        buffered = now
      }, timeoutMs).unref()
      this.#onDrained = () => {
        clearInterval(timer)
        this.#onDrained = undefined
        resolve()
      }
    })
  }
}

function isKnown (cursor: Cursor, tail: TaskTail): boolean {
  return cursor.seq <= tail.cursor && (cursor.epoch === undefined || cursor.epoch === tail.epoch)
}
