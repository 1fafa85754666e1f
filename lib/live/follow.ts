import type { TimelineEvent } from '../model/events.js'
import type { LogReader } from '../store/port.js'
import type { Hub } from './hub.js'
import { clearInterval, setInterval } from '../time/timers.js'

export interface FollowOptions {
  readonly taskId: string
  /** Events after this number; from the start by default, and where the number is ahead of the log. */
  readonly after?: number
  /** Ends the iteration, quietly. */
  readonly signal?: AbortSignal
}

/** Few enough that a page of long rows takes little memory. */
const PAGE_ROWS = 100
const KEEP_ALIVE_MS = 2 ** 30

/**
 * Iterates over a task's events, the stored ones first, then those that come; each once, in order.
 *
 * It reads when asked to, so a slow consumer costs no memory. It ends when the signal says so, when the task is
 * deleted or its log replaced, and when the timeline is closed. Numbers that were deleted are left out. While it waits
 * it keeps the process alive.
 */
export async function * follow (
  hub: Hub, reader: LogReader, { taskId, after = 0, signal }: FollowOptions
): AsyncGenerator<TimelineEvent, void, undefined> {
  if (signal?.aborted) return
  const progress = new Progress()
  const end = (): void => progress.end()
  signal?.addEventListener('abort', end, { once: true })
  const watch = hub.watch(taskId, { onAdvance: () => progress.notify(), onEnd: end })
  watch.opened.then(() => progress.open(), end)
  try {
    while (!progress.isOpen && !progress.hasEnded) await progress.next()
    let seq = after > watch.headSeq() ? 0 : after
    while (!progress.hasEnded) {
      const head = watch.headSeq()
      if (seq >= head) { await progress.next(); continue }
      const epoch = watch.epoch()
      const events = await reader.readAfter(taskId, seq, PAGE_ROWS)
      // Another log has taken the place of the one that is followed.
      if (events.length > 0 && events.epoch !== epoch) return
      for (const event of events) {
        if (progress.hasEnded) return
        yield event
        seq = event.seq
      }
      if (events.length < PAGE_ROWS) seq = Math.max(seq, head)
    }
  } finally {
    signal?.removeEventListener('abort', end)
    watch.close()
  }
}

/** Turns calls into something to wait for. */
class Progress {
  isOpen = false
  hasEnded = false
  #wake = (): void => {}

  open (): void {
    this.isOpen = true
    this.#wake()
  }

  end (): void {
    this.hasEnded = true
    this.#wake()
  }

  notify (): void {
    this.#wake()
  }

  /** Call it in the same turn as the look at what is awaited. */
  async next (): Promise<void> {
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS)
    await new Promise<void>((resolve) => { this.#wake = resolve })
    clearInterval(keepAlive)
  }
}
