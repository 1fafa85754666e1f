import type { Clock } from '../time/clock.js'

/** How long others have given no sign of life, as far as this process can know. */
export interface Silences {
  /**
   * Milliseconds since `sign` was first seen to be what it is; 0 for one that is new or has changed.
   *
   * @param sign anything that its writer keeps changing while it lives
   */
  since (key: number, sign: string): number
  /** Forgets all but these. */
  keep (keys: ReadonlySet<number>): void
}

/**
 * Measures silence by the observer's own clock.
 *
 * What a heartbeat says is the time of another machine, whose clock may be hours off, or ours has just been set: only
 * that it changes proves anything. Whoever has just begun to look has heard nobody, and says so.
 *
 * @param awake time in which this process could have noticed a change, see `createAwakeClock`
 */
export function createSilences (awake: Clock): Silences {
  const seen = new Map<number, { readonly sign: string, readonly atMs: number }>()
  return {
    since (key, sign) {
      const known = seen.get(key)
      if (known?.sign === sign) return awake() - known.atMs
      seen.set(key, { sign, atMs: awake() })
      return 0
    },
    keep (keys) {
      for (const key of seen.keys()) if (!keys.has(key)) seen.delete(key)
    }
  }
}
