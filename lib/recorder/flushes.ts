import { timelineError, type TimelineError } from '../errors.js'
import { clearTimeout, setTimeout } from '../time/timers.js'

/** Those who wait until everything that was queued has left the queue. */
export interface Flushes {
  /** So many operations have left the queue by now. */
  left (count: number): void
  /** Tells who waits; once per batch. */
  check (): void
  /**
   * @param queued how many operations are in the queue
   * @param timeoutMs without one of them leaving it
   * @throws `failure()` then
   */
  wait (queued: number, timeoutMs: number, failure: () => TimelineError | undefined): Promise<void>
}

export function createFlushes (): Flushes {
  let finished = 0
  const waiting = new Set<() => void>()
  return {
    left (count) { finished += count },
    check () { for (const check of [...waiting]) check() },
    wait: (queued, timeoutMs, failure) => new Promise((resolve, reject) => {
      const target = finished + queued
      let seen = finished
      const deadline = setTimeout(() => {
        waiting.delete(check)
        reject(failure() ?? timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE'))
      }, timeoutMs)
      function check (): void {
        // As long as batches are written, there is only much to write.
        if (finished > seen) deadline.refresh()
        seen = finished
        if (finished < target) return
        clearTimeout(deadline)
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
    })
  }
}
