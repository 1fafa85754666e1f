import { isTimelineError } from '../../lib/errors.js'
import type { EndedFrame } from '../../lib/model/events.js'
import { isKnown, type Cursor } from '../../lib/model/cursor.js'
import { encodeData, encodeUnknownCursor } from '../../lib/live/frames.js'
import type { EndReason } from '../../lib/live/task-tail.js'
import type { Turns } from '../../lib/live/turns.js'
import { describeTask, type TaskDescription } from './describe-task.js'
import { followTask } from './follow-task.js'
import type { OpeningContext } from './opening.js'
import { sleep as pause } from '../../lib/time/timers.js'

export interface TaskFeedOptions extends OpeningContext {
  readonly taskId: string
  /** Of the connection. */
  readonly turns: Turns
  /** The task was told to have ended, and the feed is over. */
  readonly onEnd?: (reason: EndedFrame['reason']) => void
}

const FAULT_PAUSE_MS = 250

/** One task on a connection that carries many; whatever becomes of it, the others go on. */
export class TaskFeed {
  readonly taskId: string
  readonly #options: TaskFeedOptions
  #subscription: ReturnType<typeof followTask> | undefined
  /** What its viewer was told. */
  #epoch = ''
  #endSeq: number | undefined
  #isClosed = false

  constructor (options: TaskFeedOptions) {
    this.taskId = options.taskId
    this.#options = options
  }

  /** Whether it has been told to end. */
  get isEnding (): boolean {
    return this.#endSeq !== undefined
  }

  /** Everything up to here was written. */
  get position (): Required<Cursor> {
    return { seq: this.#subscription?.seq ?? 0, epoch: this.#epoch }
  }

  /** The frames that a task begins with, which say so where its cursor is of another log. */
  static frames (task: TaskDescription, cursor: Cursor | undefined): string {
    const hasLost = cursor !== undefined && !isKnown(cursor, task.headSeq, task.epoch)
    return task.frames + (hasLost ? encodeUnknownCursor(task.taskId) : '')
  }

  /**
   * Writes what follows those frames: everything after the cursor, from the start where it is not known; from the
   * description on without one.
   */
  follow (task: TaskDescription, cursor: Cursor | undefined): void {
    if (this.#isClosed) return
    const { core, stream, turns, drainTimeoutMs } = this.#options
    const seq = cursor === undefined ? task.headSeq : isKnown(cursor, task.headSeq, task.epoch) ? cursor.seq : 0
    this.#epoch = task.epoch
    this.#subscription = followTask(core, task, stream, {
      cursor: task.epoch === '' ? { seq } : { seq, epoch: task.epoch },
      epoch: task.epoch,
      hasIds: false,
      turns,
      drainTimeoutMs,
      onEnd: (reason) => this.#onEnd(reason)
    })
    this.#subscription.endAfter(this.#endSeq)
  }

  /** Ends it as idle once everything up to this number was written; undefined takes that back. */
  endAfter (seq: number | undefined): void {
    this.#endSeq = seq
    this.#subscription?.endAfter(seq)
  }

  close (): void {
    this.#isClosed = true
    this.#subscription?.close()
  }

  /** Tells that the task has ended, and is over. */
  end (reason: EndedFrame['reason']): void {
    if (this.#isClosed) return
    this.close()
    this.#options.stream.writeJoined(encodeData({ type: 'timeline.ended', taskId: this.taskId, reason }))
    this.#options.onEnd?.(reason)
  }

  #onEnd (reason: EndReason): void {
    if (this.#isClosed) return
    switch (reason) {
      case 'slow': return this.#options.endSlow()
      case 'closed': return this.#options.end()
      case 'deleted': return this.end('deleted')
      case 'reached': return this.end('idle')
      case 'replaced': void this.#beginAnew()
    }
  }

  /** The log is another one now, or the first: the viewer needs its epoch, and all of it. */
  async #beginAnew (): Promise<void> {
    const { core, stream } = this.#options
    const gap = this.#epoch === '' ? '' : encodeUnknownCursor(this.taskId)
    while (!this.#isClosed) {
      try {
        const task = await describeTask(core, this.taskId)
        if (this.#isClosed) return
        if (this.isEnding) this.#endSeq = task.headSeq
        stream.writeJoined(task.frames + gap)
        return this.follow(task, { seq: 0 })
      } catch (err) {
        if (isTimelineError(err) && err.code === 'AGENT_TIMELINE_UNKNOWN_TASK') return this.end('deleted')
        await pause(FAULT_PAUSE_MS, undefined, { ref: false })
      }
    }
  }
}
