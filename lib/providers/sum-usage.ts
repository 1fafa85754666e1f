import type { Usage } from '../model/activity.js'

const COUNTS = [
  'inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens', 'costUsd'
] as const

/** What several sessions used together; undefined where none of them told. */
export function sumUsage (usages: ReadonlyArray<Usage | undefined>): Usage | undefined {
  const told = usages.filter((usage) => usage !== undefined)
  if (told.length === 0) return undefined
  // Where only the cost is told, tokens are unknown, not none.
  const sum: Partial<Record<typeof COUNTS[number], number>> = {}
  for (const usage of told) {
    for (const name of COUNTS) if (usage[name] !== undefined) sum[name] = (sum[name] ?? 0) + usage[name]
  }
  // Sums of dollars, without the noise of binary fractions.
  if (sum.costUsd !== undefined) sum.costUsd = Math.round(sum.costUsd * 1e9) / 1e9
  return sum as Usage
}
