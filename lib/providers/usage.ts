import type { Usage } from '../model/activity.js'
import type { ActivityLog } from './activity-log.js'

/** Reports tokens and cost as progress; nothing where nothing was used. */
export function reportUsage (log: ActivityLog, usage: Usage | undefined): void {
  if (usage?.inputTokens === undefined || (usage.inputTokens === 0 && usage.outputTokens === 0)) return
  const cost = usage.costUsd === undefined ? '' : `, $${usage.costUsd.toFixed(4)}`
  log.progress('usage', `${usage.inputTokens} tokens in, ${usage.outputTokens} out${cost}`, { usage })
}
