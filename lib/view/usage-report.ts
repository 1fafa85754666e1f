import type { UsageGroup, UsageReport, UsageSum } from '../model/answers.js'
import { addUsage, sumUsage, type UsedRun } from './usage-sum.js'

/** Groups that are listed at most. */
const MAX_GROUPS = 1_000

/** Adds up what runs used, by a key of each. */
export class UsageTable {
  readonly #groups = new Map<string, UsageGroup>()

  add (key: string, run: UsedRun): void {
    const { runs, ...usage } = this.#groups.get(key) ?? { runs: 0, isProvisional: false }
    this.#groups.set(key, { key, runs: runs + 1, ...addUsage([usage, sumUsage([run])]) })
  }

  /** Days in their order, other groups by what they cost, the dearest first. */
  report ({ by, ...range }: Pick<UsageReport, 'by' | 'from' | 'to'>): UsageReport {
    const groups = [...this.#groups.values()].map(withoutNoise).sort((a, b) => (by === 'day' ? 0 : compareCost(a, b)) || (a.key < b.key ? -1 : 1))
    const total = addUsage(groups)
    return {
      by,
      ...range,
      total: withoutNoise({ runs: groups.reduce((sum, { runs }) => sum + runs, 0), ...total }),
      groups: by === 'day' ? groups.slice(-MAX_GROUPS) : groups.slice(0, MAX_GROUPS),
      groupsTotal: groups.length
    }
  }
}

/** Sums of dollars are those of decimal fractions. */
function withoutNoise<Sum extends UsageSum> (sum: Sum): Sum {
  return sum.costUsd === undefined ? sum : { ...sum, costUsd: Math.round(sum.costUsd * 1e9) / 1e9 }
}

/** By cost, then by tokens. */
function compareCost (a: UsageGroup, b: UsageGroup): number {
  const tokens = ({ inputTokens = 0, outputTokens = 0 }: UsageGroup) => inputTokens + outputTokens
  return (b.costUsd ?? 0) - (a.costUsd ?? 0) || tokens(b) - tokens(a)
}
