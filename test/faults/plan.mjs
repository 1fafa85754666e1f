import { createRandom } from './random.mjs'

/** How much of everything a form of the test does, and what it must have met to end and to count. */
export const FORMS = {
  short: {
    minimum: {
      kills: 20, killsInTransaction: 2, events: 5_000, replayed: 20, live: 20, paused: 1, gaps: 2, lostCommits: 2
    },
    // Some of those that a viewer believes in do not count: its task was replaced meanwhile.
    sought: { paused: 2 },
    runners: 4,
    maxBurst: 60,
    paceMs: { runner: 80, server: 100, janitor: 150 },
    expireAfterMs: [500, 4_000]
  },
  long: {
    minimum: {
      kills: 1_000,
      killsInTransaction: 50,
      events: 1_000_000,
      replayed: 20,
      live: 20,
      paused: 20,
      gaps: 20,
      lostCommits: 20
    },
    sought: { paused: 30 },
    runners: 4,
    maxBurst: 300,
    paceMs: { runner: 25, server: 60, janitor: 250 },
    expireAfterMs: [1_000, 10_000]
  }
}

export const VIEWERS = 20
export const TASKS = ['t0', 't1', 't2', 't3', 't4', 't5', 't6', 't7']
/** Those that are deleted from time to time. */
export const FRAGILE_TASKS = ['t6', 't7']

/** What befalls the life number `life` of a process: when it is killed, and how. */
export function lifeOf (seed, kind, slot, life) {
  const random = createRandom(seed, kind, slot, life)
  const meanMs = { runner: 900, server: 4_000, janitor: 5_000 }[kind]
  const afterMs = Math.round(100 + random.exponential(meanMs))
  if (random.chance(0.05)) return { whileStarting: true, afterMs: random.integer(20, 250) }
  const dies = { whileStarting: false, afterMs }
  if (kind === 'runner' && random.chance(0.3)) {
    // Time enough to get there.
    return { ...dies, afterMs: 5_000, hold: { transaction: random.integer(1, 15), statement: random.integer(0, 12) } }
  }
  return dies
}
