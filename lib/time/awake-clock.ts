import { alignedInterval } from './aligned.js'
import type { Clock } from './clock.js'
import { performance } from './timers.js'

export interface AwakeClockOptions {
  /** How often the clock looks at the time, in milliseconds. Default 1,000. */
  readonly tickMs?: number
  /** Milliseconds that never jump. Default: the process's monotonic clock. */
  readonly monotonic?: Clock
}

/** Counts the time that this process was able to work in. */
export interface AwakeClock {
  /**
   * Milliseconds since the clock was made in which this process was awake; never goes back. Two readings give how long
   * the observer really watched between them: to say that something was silent for so long, subtract them.
   */
  now (): number
  /** Takes the timer away; `now()` keeps working, and still counts at most two ticks per call. */
  stop (): void
}

/** Of one look at the time at most so many ticks are counted: what is beyond them was a sleep. */
const MAX_TICKS_A_STEP = 2

/**
 * A clock for judging others by their silence.
 *
 * The wall clock may be set. The monotonic one is not, but goes on while the process is stopped, or for some systems
 * while the machine sleeps; and who slept has not heard anybody. So this one adds up what passes between its ticks, at
 * most two of them at a time: waking up after an hour counts as two seconds.
 */
export function createAwakeClock (options: AwakeClockOptions = {}): AwakeClock {
  const { tickMs = 1_000, monotonic = () => performance.now() } = options
  let awakeMs = 0
  let last = monotonic()

  function now (): number {
    const at = monotonic()
    awakeMs += Math.min(Math.max(0, at - last), MAX_TICKS_A_STEP * tickMs)
    last = at
    return awakeMs
  }

  return { now, stop: alignedInterval(now, tickMs) }
}
