import { clearTimeout, performance, setTimeout } from './timers.js'

/**
 * Calls back at the whole multiples of a period, on the clock that the whole process shares.
 *
 * Waking up costs an idle process more than what it then does. So timers of the same period, and of periods that divide
 * one another, are due together, however many databases and viewers they serve. They do not keep the process alive.
 *
 * @param tick called at most once a period; what it throws is thrown to the process, as by any timer
 * @param periodMs in milliseconds
 * @returns how to stop it
 */
export function alignedInterval (tick: () => void, periodMs: number): () => void {
  let timer: NodeJS.Timeout
  let due = nextMultiple(periodMs)
  function plan (): void {
    timer = setTimeout(() => {
      // A timer may fire a little early.
      due = Math.max(due + periodMs, nextMultiple(periodMs))
      plan()
      tick()
    }, Math.ceil(due - performance.now())).unref()
  }
  plan()
  return () => clearTimeout(timer)
}

/** The first multiple of a period, in milliseconds of the monotonic clock, that is at least `minDelayMs` away. */
export function nextMultiple (periodMs: number, minDelayMs = 0): number {
  return (Math.floor((performance.now() + minDelayMs) / periodMs) + 1) * periodMs
}
