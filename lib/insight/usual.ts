import type { Step } from './limits.js'

/**
 * What is usual in one project: how long its commands take, and which silences were taken for stuck and were not.
 * Observers that share it read and feed it.
 */
export interface Usual {
  /** How long the last calls of a key took that came to an end by themselves; undefined where there was none. */
  timesOf (key: string): UsualTimes | undefined
  /** A call of these keys took so long, in milliseconds. */
  add (keys: readonly string[], durationMs: number): void
  /** A step was called stuck, or quiet, and went on after so many milliseconds of silence. */
  wasFalse (step: Step, silentForMs: number, state?: SilentState): void
  /** Milliseconds that a step must be silent before it is called so again; 0 where it never was by mistake. */
  patienceOf (step: Step, state?: SilentState): number
  /** How often a run was called stuck and went on by itself. */
  readonly falseAlarms: number
}

/** What silence alone is called. */
export type SilentState = 'quiet' | 'stuck'

/** How long calls took, in milliseconds. */
export interface UsualTimes {
  /** How many of them are known, at most 50. */
  readonly runs: number
  readonly longestMs: number
  /** Without the slowest tenth: some of those were hangs themselves. */
  readonly slowMs: number
}

/** Of a key's calls; older ones say little of how long they take today. */
const KEPT_DURATIONS = 50
const SLOW_SHARE = 0.9
/** A project has hundreds of commands that it runs again; those least lately run are forgotten. */
const KEPT_KEYS = 4_000
/** How much longer than the silence that was no fault the next one may be until it is called stuck. */
const PATIENCE_FACTOR = 1.5
/** One command that took an hour must not hide every other that hangs. */
const MAX_PATIENCE_MS = 25 * 60_000

/** A project's history of durations, empty. It holds numbers and the keys that it is given, in memory. */
export function createUsual (): Usual {
  const durations = new Map<string, number[]>()
  /** Of those that were asked for since they changed. */
  const times = new Map<string, UsualTimes>()
  const patience = new Map<string, number>()
  let falseAlarms = 0
  return {
    timesOf (key) {
      const known = times.get(key)
      if (known !== undefined) return known
      const list = durations.get(key)
      if (list === undefined) return undefined
      const read = usualTimes(list)
      times.set(key, read)
      return read
    },
    add (keys, durationMs) {
      if (!(durationMs >= 0)) return
      for (const key of keys) {
        const list = durations.get(key) ?? []
        list.push(durationMs)
        if (list.length > KEPT_DURATIONS) list.shift()
        // The youngest key comes last, whether it is new or not.
        durations.delete(key)
        durations.set(key, list)
        times.delete(key)
        const oldest = durations.keys().next().value
        if (durations.size > KEPT_KEYS && oldest !== undefined) {
          durations.delete(oldest)
          times.delete(oldest)
        }
      }
    },
    wasFalse (step, silentForMs, state = 'stuck') {
      if (state === 'stuck') falseAlarms++
      const key = `${state} ${step}`
      const raised = Math.min(MAX_PATIENCE_MS, state === 'stuck' ? PATIENCE_FACTOR * silentForMs : silentForMs)
      patience.set(key, Math.max(raised, patience.get(key) ?? 0))
    },
    patienceOf: (step, state = 'stuck') => patience.get(`${state} ${step}`) ?? 0,
    get falseAlarms () {
      return falseAlarms
    }
  }
}

/**
 * @param durations in milliseconds, at least one
 */
export function usualTimes (durations: readonly number[]): UsualTimes {
  const sorted = [...durations].sort((a, b) => a - b)
  const last = sorted.length - 1
  return {
    runs: sorted.length,
    longestMs: sorted[last] ?? 0,
    slowMs: sorted[Math.min(last, Math.floor(SLOW_SHARE * sorted.length))] ?? 0
  }
}
