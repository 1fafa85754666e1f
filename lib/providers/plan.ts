import type { ActivityLog } from './activity-log.js'
import { oneLine } from './caps.js'

/** One step of a plan. */
export interface PlanEntry {
  readonly content: string
  readonly status: 'pending' | 'in_progress' | 'completed'
}

const MAX_ENTRIES = 50

/** Reports a plan as a whole; agents print all of it at each change. */
export function reportPlan (
  log: ActivityLog, entries: readonly PlanEntry[], details: Record<string, unknown> = {}
): void {
  const done = entries.filter(({ status }) => status === 'completed').length
  const next = entries.find(({ status }) => status === 'in_progress') ?? entries.find(({ status }) => status === 'pending')
  const tail = next === undefined ? '' : `, next: ${oneLine(next.content)}`
  const shown = entries.slice(0, MAX_ENTRIES).map(({ content, status }) => ({ content: oneLine(content), status }))
  log.progress('plan', `Plan: ${done} of ${entries.length} done${tail}`, { entries: shown, ...details })
}

/** The status of a step in the words of any agent. */
export function planStatus (value: unknown): PlanEntry['status'] {
  return value === 'completed' || value === true ? 'completed' : value === 'in_progress' ? 'in_progress' : 'pending'
}
