import type {
  CurrentFrame, InvocationDetails, InvocationStatus, InvocationSummary, Page, TaskInfo, TimelineEvent
} from '../model/events.js'
import type { TaskScope } from './task-scope.js'

/** Where a task's sequence stands. */
export interface StreamHead {
  readonly lastSeq: number
  /** Random per task; another one means another log under the same id. */
  readonly epoch: string
  /** Up to here rows may have expired. */
  readonly floorSeq: number
}

/** Events in the order of their numbers. */
export interface EventPage extends ReadonlyArray<TimelineEvent> {
  /** When the first activity among them was inserted, in milliseconds since the epoch; undefined without one. */
  readonly insertedAtMs?: number | undefined
  /**
   * Of the log as it stood right after the rows were read: the one that was known before, or they may be another log's.
   * Undefined where there is none.
   */
  readonly epoch?: string | undefined
}

/** Which part of a timeline to read: after a number, before one, or from the start. */
export interface PageQuery {
  readonly after?: number
  readonly before?: number | 'end'
  /** 500 by default, at most 5,000. A page has at most 4 MiB, too: `hasMore` says that there is more. */
  readonly limit?: number
  /** Event types, `task.*`, activity types; gaps are told only without it. */
  readonly types?: readonly string[]
}

export interface TimelinePage {
  readonly timeline: readonly TimelineEvent[]
  readonly page: Page
}

export interface InvocationFilter {
  readonly status?: InvocationStatus
  readonly taskId?: string
  /** 100 by default, at most 1,000, and at most 4 MiB. */
  readonly limit?: number
  readonly cursor?: string
}

/** The same for those who may not see all tasks. */
export interface InvocationQuery extends InvocationFilter {
  readonly scope?: TaskScope
}

export interface InvocationList {
  readonly invocations: readonly InvocationSummary[]
  readonly page: { readonly nextCursor: string | null }
}

/** An invocation, and the task that it works on. */
export interface TaskRun {
  readonly taskId: string
  readonly invocationId: number
}

/** What runs, as one look found it. */
export interface RunningLook {
  /** One per task with a running invocation: the oldest of these; the tasks whose latest run is newest come first. */
  readonly running: readonly TaskRun[]
  /** Those that began since the look before, oldest first; they may have ended already. */
  readonly begun: readonly TaskRun[]
  /** To be given to the next look. */
  readonly lastInvocationId: number
}

/**
 * The reading half of the store, as the tail and the routes use it.
 *
 * Every read is short queries with a limit; none holds a transaction open.
 */
export interface TimelineReader {
  /** Heads of the tasks that have a log; tasks without one are absent. */
  heads (taskIds: readonly string[]): Promise<ReadonlyMap<string, StreamHead>>
  /** Up to `limit` events after `seq`, ascending. */
  readAfter (taskId: string, seq: number, limit: number): Promise<EventPage>
  /** How many events there are after `after` and up to `through`. */
  countBetween (taskId: string, after: number, through: number): Promise<number>
  /** What is in the log; whoever has asked for the task has brought in what the host wrote. */
  readPage (taskId: string, query: PageQuery): Promise<TimelinePage>
  running (taskId: string): Promise<readonly CurrentFrame[]>
  /** What runs in all tasks, and what began after an invocation; without one, nothing counts as begun. */
  look (afterInvocationId: number | undefined, scope?: TaskScope): Promise<RunningLook>
  /** The task that an invocation works on; undefined where there is no such invocation. */
  taskOf (invocationId: number): Promise<string | undefined>
  /** The number of an invocation's first event; undefined where it has none. */
  firstSeqOf (invocationId: number): Promise<number | undefined>
  /**
   * The task, once what the host wrote of it is in the log: every answer about a task begins here, and tells the same.
   * Undefined where it is unknown; a host without a task table knows every valid id.
   */
  getTask (taskId: string): Promise<TaskInfo | undefined>
  getInvocation (id: number, query: PageQuery): Promise<InvocationDetails | undefined>
  listInvocations (filter: InvocationQuery): Promise<InvocationList>
  /**
   * Brings the rows that the host wrote by itself into the log.
   *
   * @returns milliseconds after which it should be asked again because a row is not yet believed
   */
  importHostRows (taskIds: readonly string[]): Promise<number | undefined>
  /** A number that changes whenever somebody else committed; cheap enough to poll. */
  changeMark (): Promise<number>
}

/** A hint that tasks have new rows: it may be lost, repeated, merged or reordered. */
export interface WakeBus {
  /** After a commit; never throws. */
  ring (taskIds: readonly string[]): void
  /** `'*'`: some task, not known which. @returns how to stop */
  subscribe (onWake: (taskIds: readonly string[] | '*') => void): () => void
  close (): void
}
