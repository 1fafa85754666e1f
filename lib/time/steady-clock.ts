import type { Clock } from './clock.js'

export interface SteadyClockOptions {
  /** The clock that may be set. */
  readonly wall: Clock
  /** Milliseconds that never jump, see `createAwakeClock`. */
  readonly awake: Clock
  /** What the time is believed to be at first. Default: what the wall clock says. */
  readonly startAt?: number
}

/** Both the size of a step that is doubted, and the time for which it is, in milliseconds. */
const DOUBT_MS = 60 * 60 * 1000

/**
 * The wall clock, for what cannot be undone.
 *
 * A step of more than an hour into the future is believed only once it has stood for an hour. Until then the time is
 * the one from before the step, going on. So a clock that was set wrong and is set right again deletes nothing, while
 * after a sleep of the machine everything comes an hour late. Steps back are believed at once: they only keep more.
 *
 * Ask it at least a few times an hour; a step that comes and goes between two questions was never there.
 */
export function createSteadyClock ({ wall, awake, startAt = wall() }: SteadyClockOptions): Clock {
  let believed = { wall: startAt, awake: awake() }
  let doubtedSince: number | undefined
  return () => {
    const at = { wall: wall(), awake: awake() }
    const expected = believed.wall + (at.awake - believed.awake)
    if (at.wall - expected > DOUBT_MS) {
      doubtedSince ??= at.awake
      if (at.awake - doubtedSince < DOUBT_MS) return expected
    }
    doubtedSince = undefined
    believed = at
    return at.wall
  }
}
