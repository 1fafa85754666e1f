import type { TaskState } from '../model/answers.js'
import type { ListedTask } from '../view/task-row.js'
import type { UsedRun } from '../view/usage-sum.js'
import type { TaskScope } from './task-scope.js'

/** Where a task is in the list. What depends on the time, or on what runs, is judged when the list is asked for. */
export const SECTIONS = { none: 0, failed: 1, done: 2, live: 3 } as const
export type Section = typeof SECTIONS[keyof typeof SECTIONS]
export type EndedState = Extract<TaskState, 'failed' | 'done'>

/** A running invocation as far as a list shows it. Times are milliseconds since the epoch. */
export interface ListedRun {
  readonly invocationId: number
  readonly taskId: string
  readonly role: string
  readonly startedAt: number | undefined
}

/** A task of which something runs, or that its host calls active. */
export interface LiveTask {
  readonly taskId: string
  /** The host's word. */
  readonly status: string | undefined
  readonly changedAt: number | undefined
  /** Of the last run that ended. */
  readonly endedAt: number | undefined
  readonly running: readonly ListedRun[]
}

/** A task at its place among those that ended. */
export interface EndedTask {
  readonly taskId: string
  readonly state: EndedState
  /** ISO-8601; empty where nobody knows. */
  readonly since: string
}

/** Which of the ended tasks: those behind a place, of one state, newest first. */
export interface EndedQuery {
  readonly state: EndedState
  readonly after?: { readonly since: string, readonly taskId: string }
  /** Those that ended later are not meant. ISO-8601. */
  readonly until: string
  readonly limit: number
}

/** What is kept of a task for the list. */
export interface TaskEntry extends ListedTask {
  readonly taskId: string
}

/** The list of tasks. It reads what it shows and what is live; where a text is looked for, one row a task. */
export interface TaskListReader {
  /** Brings up to date what has changed since; what cannot be, for a lock, stays as it was. */
  refresh (): Promise<void>
  /** @param text in small letters: only those that have it */
  live (scope: TaskScope | undefined, text: string | undefined): Promise<readonly LiveTask[]>
  countEnded (scope: TaskScope | undefined): Promise<Readonly<Record<EndedState, number>>>
  ended (query: EndedQuery, scope: TaskScope | undefined): Promise<readonly EndedTask[]>
  /** All that ended and have a text, given in small letters; in no order. */
  find (text: string, scope: TaskScope | undefined): Promise<readonly EndedTask[]>
  /** What the running invocations of these tasks have used so far. */
  runningUse (taskIds: readonly string[]): Promise<ReadonlyMap<string, readonly UsedRun[]>>
  entries (taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskEntry>>
  /** The tallies of a task's last runs that were active after a time, as stored. */
  recentTallies (taskId: string, after: string): Promise<readonly string[]>
}
