import type { Kysely } from 'kysely'
import type { TaskInfo } from '../model/events.js'
import type { Tables } from './tables.js'

/** The texts of an invocation, as they are stored. */
export interface InvocationTexts {
  readonly prompt: string
  readonly response: string | null
}

/** All that knows the host's own tables: tasks, audit rows, and invocations that its own logger wrote. */
export interface HostRows {
  readonly schema: HostSchema
  readonly tryPart: TryPart
  /** Undefined where the host has a table of tasks and no such task in it, and nothing was recorded of it. */
  getTask (db: Kysely<Tables>, taskId: string): Promise<TaskInfo | undefined>
  /** Titles of tasks, as far as the host has them. */
  titlesOf (db: Kysely<Tables>, taskIds: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Of a task's two titles the one that counts. */
  titleOf (recorded: string | null | undefined, ofHost: string | null | undefined): string | undefined
  /** Is there anything of the host's that is not in the log? Writes nothing. */
  look (db: Kysely<Tables>, taskId: string): Promise<{ hasPending: boolean, recheckInMs?: number | undefined }>
  /** Brings the host's rows into the log, oldest first, each once. Inside a writing transaction. */
  importPending (trx: Kysely<Tables>, taskId: string): Promise<{ imported: number, recheckInMs?: number | undefined }>
  /** Prompt and response of an invocation that the host wrote, as far as they may be shown. */
  showTexts (texts: InvocationTexts): InvocationTexts
  /** Tasks with an invocation that the host has ended since it entered the log. */
  endedTasks (db: Kysely<Tables>): Promise<readonly string[]>
  /** Makes records of the host's invocations with these ids, without touching any log. */
  adopt (trx: Kysely<Tables>, ids: readonly number[]): Promise<void>
}

/**
 * Runs a part of a transaction that the host's constraints and triggers may refuse while the rest has to be stored.
 *
 * @returns whether it was accepted
 */
export type TryPart = (trx: Kysely<Tables>, work: () => Promise<unknown>) => Promise<boolean>

/** Gets to know the host's rows: when a database is opened, and again whenever its tables have changed. */
export type OpenHost = (db: Kysely<Tables>, schema: HostSchema, tryPart: TryPart) => Promise<HostRows>

/** Which of the host's tables and columns are there. */
export interface HostSchema {
  readonly invocations: ReadonlySet<string>
  /** Columns of invocations that take no NULL. */
  readonly required: ReadonlySet<string>
  readonly tasks: ReadonlySet<string>
  /** `tasks` is about the tasks that agents work on, and not about something else of that name: it says which exist. */
  readonly ownsTasks: boolean
  readonly hasAudit: boolean
  /** Migration 010 ran here once; what is missing now was taken by a rebuild of the host's. */
  readonly isMigrated: boolean
  /** What the timeline needs and the database lacks. */
  readonly missing: readonly string[]
  /** No tables at all. */
  readonly isEmpty: boolean
  /** Migrated, and yet without invocations: the host has dropped the old table and not made the new one. */
  readonly isBeingRebuilt: boolean
  /** `tasks` is a table with ids, not a view. */
  readonly canTriggerOnTasks: boolean
}
