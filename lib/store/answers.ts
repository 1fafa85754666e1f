import type { BinCounts } from '../insight/run-bins.js'
import type { ToolKind } from '../model/activity.js'
import type { CallPage, ToolCall, ToolCallDetails } from '../model/answers.js'
import type { SummedRun } from '../view/summary.js'
import type { UsedRun } from '../view/usage-sum.js'
import type { TaskScope } from './task-scope.js'

/** Which calls of a task. */
export interface CallQuery {
  readonly invocationId?: number
  /** Those that started after this number. */
  readonly after?: number
  /** 1 to 1,000. Default 100. */
  readonly limit?: number
  readonly kind?: ToolKind
  /** Only those that failed or were not allowed; false: only those that did not. */
  readonly failed?: boolean
}

/** A run as far as answers about its task need it. */
export interface RunRecord extends SummedRun {
  readonly provider: string
  /** Length of its stretches, in milliseconds; undefined: as they are at first. */
  readonly binMs: number | undefined
}

/** A run that ended, as far as what it used is added up. */
export interface EndedRun extends UsedRun {
  readonly invocationId: number
  readonly taskId: string
  readonly role: string
  readonly provider: string
  /** Milliseconds since the epoch. */
  readonly endedAt: number | undefined
}

/** What calls of one kind did in one stretch of a run's time. */
export interface BinRecord extends BinCounts {
  readonly invocationId: number
  /** Its place, from 0. */
  readonly at: number
  readonly kind: ToolKind
}

/** A call that is open. */
export interface OpenSpan extends Pick<ToolCall, 'seq' | 'kind' | 'message' | 'startedAt'> {
  readonly invocationId: number
}

/** What a task's runs did to a file, added up. */
export interface FileRecord {
  readonly path: string
  readonly edits: number
  readonly added: number | null
  readonly removed: number | null
  readonly isNew: boolean
}

/** Answers from what the writing transaction keeps: none reads the log, so none costs more for a longer task. */
export interface AnswerReader {
  calls (taskId: string, query: CallQuery): Promise<CallPage>
  /** @returns undefined where no call started with that number */
  call (taskId: string, seq: number, scope?: TaskScope): Promise<ToolCallDetails | undefined>
  /** The pictures of a task's runs: at most 512 stretches of each, in their order, by kind. */
  bins (taskId: string): Promise<readonly BinRecord[]>
  /** The calls of these runs that are open. */
  openCalls (invocationIds: readonly number[]): Promise<readonly OpenSpan[]>
  /** The calls that were open at any time between two, at most so many. Times are ISO-8601. */
  callsBetween (taskId: string, from: string, to: string, limit: number): Promise<readonly ToolCall[]>
  /** When its host last said something of it, in milliseconds since the epoch. */
  lastTaskEventAt (taskId: string): Promise<number | undefined>
  /** What all runs of a task together may cost, in USD; undefined where nobody said. */
  taskBudget (taskId: string): Promise<number | undefined>
  /** The runs of a task, oldest first. */
  runs (taskId: string): Promise<readonly RunRecord[]>
  /** Runs that ended, of all tasks, in the order of their ids, those after one, at most so many. */
  endedRuns (afterId: number, limit: number): Promise<readonly EndedRun[]>
  /** Bytes of the database that are in use; 0 where that is not known. */
  databaseBytes (): Promise<number>
  /** Its files, those edited most first, and how many there are. */
  files (taskId: string, limit: number): Promise<{ readonly files: readonly FileRecord[], readonly total: number }>
}
