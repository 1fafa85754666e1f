import { USAGE_KINDS, type Usage } from '../model/activity.js'

/** What several sessions used together; undefined where none of them told. */
export function sumUsage (usages: ReadonlyArray<Usage | undefined>): Usage | undefined {
  const told = usages.filter((usage) => usage !== undefined)
  if (told.length === 0) return undefined
  // Where only the cost is told, tokens are unknown, not none.
  const sum: Partial<Record<keyof Usage, number>> = {}
  for (const usage of told) {
    for (const name of USAGE_KINDS) if (usage[name] !== undefined) sum[name] = (sum[name] ?? 0) + usage[name]
  }
  // Sums of dollars, without the noise of binary fractions.
  if (sum.costUsd !== undefined) sum.costUsd = Math.round(sum.costUsd * 1e9) / 1e9
  return sum as Usage
}
