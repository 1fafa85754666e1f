import type { Step } from './limits.js'

/**
 * What is usual in one project: how long its commands take, and which silences were taken for stuck and were not.
 * Observers that share it read and feed it.
 */
export interface Usual {
  /** The last durations of a key's calls that came to an end by themselves, in milliseconds, oldest first. */
  durationsOf (key: string): readonly number[]
  /** A call of these keys took so long, in milliseconds. */
  add (keys: readonly string[], durationMs: number): void
  /** A step was called stuck, and went on after so many milliseconds of silence. */
  wasFalse (step: Step, silentForMs: number): void
  /** Milliseconds that a step must be silent before it is called stuck again; 0 where it never was by mistake. */
  patienceOf (step: Step): number
  /** How often a run was called stuck and went on by itself. */
  readonly falseAlarms: number
}

/** Of a key's calls; older ones say little of how long they take today. */
const KEPT_DURATIONS = 50
/** A project has hundreds of commands that it runs again; those least lately run are forgotten. */
const KEPT_KEYS = 4_000
/** How much longer than the silence that was no fault the next one may be. */
const PATIENCE_FACTOR = 1.5
/** One command that took an hour must not hide every other that hangs. */
const MAX_PATIENCE_MS = 25 * 60_000

/** A project's history of durations, empty. It holds numbers and the keys that it is given, in memory. */
export function createUsual (): Usual {
  const durations = new Map<string, number[]>()
  const patience = new Map<Step, number>()
  let falseAlarms = 0
  return {
    durationsOf: (key) => durations.get(key) ?? [],
    add (keys, durationMs) {
      if (!(durationMs >= 0)) return
      for (const key of keys) {
        const list = durations.get(key) ?? []
        list.push(durationMs)
        if (list.length > KEPT_DURATIONS) list.shift()
        // The youngest key comes last, whether it is new or not.
        durations.delete(key)
        durations.set(key, list)
        const oldest = durations.keys().next().value
        if (durations.size > KEPT_KEYS && oldest !== undefined) durations.delete(oldest)
      }
    },
    wasFalse (step, silentForMs) {
      falseAlarms++
      const raised = Math.min(MAX_PATIENCE_MS, PATIENCE_FACTOR * silentForMs)
      patience.set(step, Math.max(raised, patience.get(step) ?? 0))
    },
    patienceOf: (step) => patience.get(step) ?? 0,
    get falseAlarms () {
      return falseAlarms
    }
  }
}

/** The smallest of the values that so large a share is not above. */
export function quantile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
