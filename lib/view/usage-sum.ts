import { USAGE_KINDS, type Usage } from '../model/activity.js'
import type { UsageSum } from '../model/answers.js'
import type { InvocationStatus } from '../model/events.js'

/** A run, as far as what it used is added up. */
export interface UsedRun {
  readonly status: InvocationStatus
  readonly model: string | undefined
  readonly usage: Partial<Usage> | undefined
  /** The agent has said at its end what it used. */
  readonly isUsageFinal: boolean
}

/** What runs used; a kind that none of them told is absent. */
export function sumUsage (runs: readonly UsedRun[]): UsageSum {
  return addUsage(runs.map(({ status, model, usage, isUsageFinal }) => ({
    ...usage,
    isProvisional: status === 'running' || (usage !== undefined && !isUsageFinal),
    ...(usage !== undefined && usage.costUsd === undefined ? { unpriced: [model || 'unknown'] } : {})
  })))
}

/** Sums of sums. */
export function addUsage (sums: readonly UsageSum[]): UsageSum {
  const total: { -readonly [name in keyof Usage]?: number } = {}
  for (const sum of sums) {
    for (const name of USAGE_KINDS) {
      const value = sum[name]
      if (value !== undefined) total[name] = (total[name] ?? 0) + value
    }
  }
  const unpriced = new Set(sums.flatMap((sum) => sum.unpriced ?? []))
  return {
    ...total,
    isProvisional: sums.some(({ isProvisional }) => isProvisional),
    ...(unpriced.size > 0 ? { unpriced: [...unpriced].sort() } : {})
  }
}
