import { performance } from '../../time/timers.js'

/** Between two attempts to get the lock, in milliseconds: the least and the most. */
const PAUSE_MS = [2, 10] as const
/** The same once nobody has committed for {@link HELD_MS}: each attempt blocks the event loop for the busy timeout. */
const HELD_PAUSE_MS = [20, 100] as const
const HELD_MS = 500

/** Milliseconds to wait before the next attempt. */
export type LockPause = () => Promise<number>

/**
 * How long to wait before a lock is asked for again that somebody else has.
 *
 * Short and flat: whoever waits longer the more often it failed loses to all who come later (with a pause that doubles,
 * 60 processes kept each other from starting for 2 s). Only while one and the same transaction keeps the lock it is
 * asked for less often.
 *
 * @param version a number that changes with each commit of others; by default nothing is known of them
 */
export function createLockPause (version: () => Promise<number> = async () => 0): LockPause {
  let known: number | undefined
  let since = -Infinity
  let askedAt = -Infinity
  return async () => {
    const now = performance.now()
    // Where even reading waits for the lock, nothing can be said: somebody keeps it.
    const current = await version().catch(() => known)
    if (current !== known || now - askedAt > HELD_MS) since = now
    known = current
    askedAt = now
    return between(now - since > HELD_MS ? HELD_PAUSE_MS : PAUSE_MS)
  }
}

function between ([least, most]: readonly [number, number]): number {
  return least + Math.random() * (most - least)
}
