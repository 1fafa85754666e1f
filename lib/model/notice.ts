import type { Budget } from './budget.js'
import type { Health } from './health.js'

export const NOTICE_KINDS =
  ['stuck', 'looping', 'waiting', 'not_running', 'recovered', 'ended', 'lost', 'budget'] as const
/**
 * What has changed: a run is `stuck` or `looping`, or waits for a person (`waiting`); nothing runs on a task on which
 * something should (`not_running`); what was so is so no more (`recovered`); a run has `ended`, or its process is gone
 * (`lost`); a run, or all runs of a task, have cost more than they may (`budget`).
 */
export type NoticeKind = typeof NOTICE_KINDS[number]

/** A change, told once. */
export interface Notice {
  /** The same wherever, and however often, it is told. */
  readonly id: string
  readonly kind: NoticeKind
  /** When it was noticed, in ISO-8601. */
  readonly at: string
  /** The name of the database in the plugin's `projects`, where it has one. */
  readonly project?: string
  readonly taskId: string
  readonly title?: string
  /** Absent where it is about the task. */
  readonly invocationId?: number
  /** Of the run, or without `invocationId` of its task. */
  readonly budget?: Budget
  /** Of a running invocation. */
  readonly health?: Pick<Health, 'state' | 'since' | 'because' | 'tool' | 'waitingFor' | 'loop'>
  /** Of one that has ended: `completed`, `failed` or `timeout`. */
  readonly status?: string
  readonly durationMs?: number
  readonly error?: string
  readonly reason?: string
  readonly outcome?: string
  readonly summary?: string
  /** Since when nothing runs. */
  readonly since?: string
  /** The task's page, with the option `publicUrl`. */
  readonly url?: string
}
