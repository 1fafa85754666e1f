import type {
  CurrentFrame, InvocationDetails, InvocationStatus, InvocationSummary, Page, TaskInfo, TimelineEvent
} from '../model/events.js'
import type { TimelineError } from '../errors.js'
import type { Progress } from '../insight/progress.js'
import type { RunningRow } from '../insight/running-row.js'
import type { RunTally } from '../insight/tally.js'
import type { Clock } from '../time/clock.js'
import type { Op, OperatedRun } from '../model/operations.js'
import type { AnswerReader } from './answers.js'
import type { CallHistory } from './call-history.js'
import type { AdviceStore } from './advice.js'
import type { NoticeStore } from './notices.js'
import type { TaskListReader } from './task-list.js'
import type { TaskScope } from './task-scope.js'

/** What the store needs to know of a run to go on writing it: what was committed of it, and is true of it since. */
export interface LogRun extends OperatedRun {
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** From the database, once the start is committed. */
  readonly id: number | undefined
  /** In which of the databases, that took each other's place, it is known to be stored. */
  readonly generation: number
  /** Rows written so far, and the number of the last one of the half that stays when the middle goes. */
  readonly activityCount: number
  readonly lastHeadSeq: number | undefined
  /** Milliseconds since the epoch; never goes back. */
  readonly lastActivityAt: number
  readonly progress: Progress
  readonly tally: RunTally
}

/** How far a run's log has come. */
export type RunLog = Pick<LogRun, 'activityCount' | 'lastHeadSeq' | 'lastActivityAt' | 'progress' | 'tally'>

/** Operations that are committed together or not at all. */
export interface Batch<Run extends LogRun = LogRun> {
  /** One more than that of the last batch that was committed. */
  readonly number: number
  readonly ops: ReadonlyArray<Op<Run>>
  /** How often another database took the place of the one that was written to, as far as known. */
  readonly generation: number
  /** Leaves out what a host's trigger may refuse and the log can do without: its other rows, and the end in its row. */
  readonly withoutHost: boolean
}

/** What is true once the batch is committed, and must not be believed before. */
export interface BatchOutcome<Run extends LogRun = LogRun> {
  readonly ids: ReadonlyMap<Run, number>
  /** Runs whose rows are gone: deleted by the host meanwhile. */
  readonly vanished: readonly Run[]
  /** Where the logs of the runs stand. */
  readonly logs: ReadonlyMap<Run, RunLog>
  /** Why rows of the host's could not be brought into the log; ours are stored all the same. */
  readonly importErrors: readonly unknown[]
  readonly taskIds: readonly string[]
  /** As in the batch; one more where it has found another database. */
  readonly generation: number
  /** The batch had been committed before; only its acknowledgement was lost. */
  readonly wasCommitted: boolean
}

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

/** Which part of a task's timeline to read. One of `after`, `before` and `around`; `q` goes with `after` alone. */
export interface TimelineQuery extends PageQuery {
  /** The events on both sides of a number, as many before it as from it on. */
  readonly around?: number
  /**
   * Only events with this text, at most 200 characters, in their message or in what is shown of their metadata,
   * whatever the capitals. A search that takes long answers with what it has: `page.nextAfter` says where to go on.
   */
  readonly q?: string
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
export interface LogReader {
  /** Heads of the tasks that have a log; tasks without one are absent. */
  heads (taskIds: readonly string[]): Promise<ReadonlyMap<string, StreamHead>>
  /** Up to `limit` events after `seq`, ascending. */
  readAfter (taskId: string, seq: number, limit: number): Promise<EventPage>
  /** How many events there are after `after` and up to `through`. */
  countBetween (taskId: string, after: number, through: number): Promise<number>
  /** What is in the log; whoever has asked for the task has brought in what the host wrote. */
  readPage (taskId: string, query: TimelineQuery): Promise<TimelinePage>
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

/** The writing half of the store, for the one writer of this process. */
export interface LogWriter {
  /**
   * Writes operations of any tasks in one transaction, dense numbers included. Under the number of a batch that was
   * committed before it writes nothing, and says so: whoever lost the acknowledgement gives it again as it was.
   *
   * Nothing that it was given is changed; what has become true is in the outcome.
   *
   * @throws StoreError with an outcome where it may be stored all the same
   */
  commit<Run extends LogRun> (batch: Batch<Run>): Promise<BatchOutcome<Run>>
  /** How long to wait before a lock is asked for again, in milliseconds. */
  lockPause (): Promise<number>
  /** Looks at the tables again and restores what a rebuild of the host's took. */
  repair (): Promise<void>
}

/** A running invocation, and who owns it. */
export interface OwnedRun {
  readonly invocationId: number
  readonly taskId: string
  /** Milliseconds since the epoch, by its own process's clock. */
  readonly startedAt: number | undefined
  readonly lastActivityAt: number | undefined
  readonly writerId: string
  /** Its process, as JSON; null where that is not known. */
  readonly owner: string | null
  /** Changes whenever its process gives a sign of life. */
  readonly sign: string
}

/** A thread that marks the open runs of this writer as alive, whatever the event loop of the process does. */
export interface HeartbeatThread {
  /** How often it found open runs and marked them. */
  readonly beats: number
  /** The process has shown that it lives by what it wrote, at that time in milliseconds since the epoch. */
  written (at: number): void
  /** To be stored with the next beat, as what was seen of a run's processes. */
  note (invocationId: number, tree: string): void
  /** Resolves when it has let go of the database. */
  stop (): Promise<void>
}

export interface HeartbeatThreadOptions {
  readonly intervalMs: number
  /** The thread has the database open, and beats from now on. */
  readonly onReady: () => void
  /** The thread ended although nobody stopped it. */
  readonly onFailure: (error: unknown) => void
}

export interface RetentionOptions {
  /** Days that activities are kept, counted from their insertion; 0 for ever. */
  readonly activityLogRetention: number
  /** Above so many bytes in use the oldest activities of ended runs go, whatever their age. */
  readonly maxDatabaseBytes?: number | undefined
  /** There are more bytes in use than that, and what may go does not make up for it. */
  readonly onTooLarge?: () => void
  readonly now: Clock
  /** Asked between steps. */
  readonly isStopped?: () => boolean
}

/** What goes on beside writing and reading. All of it fails with a coded error. */
export interface Upkeep {
  /** How often another database was found in the place of the open one. */
  readonly reopenings: number
  /** Restores what a rebuild of the host took. @returns whether a table has changed since the last call */
  repairIfChanged (): Promise<boolean>
  /** What in this process uses the database in a way that loses data; undefined while nothing does. */
  conflict (): TimelineError | undefined
  /** Marks the open runs of this writer as alive, and stores what was seen of their processes, by invocation. */
  beat (patienceMs: number, trees?: ReadonlyMap<number, string>): Promise<void>
  /**
   * Has a thread do that.
   *
   * @returns undefined where none can: the database is in memory, or not open yet
   * @throws whatever keeps this process from having threads
   */
  startHeartbeat (options: HeartbeatThreadOptions): HeartbeatThread | undefined
  /** The running invocations that a writer owns, but for those with a sign of life that is younger than `freshMs`. */
  ownedRuns (freshMs: number): Promise<readonly OwnedRun[]>
  /** Ends one as lost, its open calls with it. @returns false where it had ended meanwhile */
  endLostRun (run: OwnedRun): Promise<boolean>
  /** Gives invocations that were there before the timeline their lifecycle, in steps. */
  backfill (isStopped: () => boolean): Promise<void>
  /** Brings the list of tasks up to date, in steps. */
  refreshTasks (isStopped: () => boolean): Promise<void>
  /** Deletes what is left of processes that wrote long ago and have no run that is open. */
  forgetWriters (now: Clock): Promise<void>
  /** Deletes what is left of invocations and tasks that the host deleted unseen. @returns how many */
  sweepOrphans (): Promise<number>
  /** Deletes activities past their time, oldest first, in short steps. @returns how many */
  prune (options: RetentionOptions): Promise<number>
  /** The time to count ages from when the clock cannot be compared with anything else. */
  plausibleNow (options: Pick<RetentionOptions, 'activityLogRetention' | 'now'>): Promise<number>
  /** Deletes a task's log and its invocations. */
  deleteTask (taskId: string): Promise<void>
}

/** One database, as all the rest of the package sees it. */
export interface Store {
  /** Names it in the log; empty for one in memory. */
  readonly path: string
  readonly writer: LogWriter
  readonly reader: LogReader
  readonly answers: AnswerReader
  readonly calls: CallHistory
  readonly tasks: TaskListReader
  readonly notices: NoticeStore
  readonly advice: AdviceStore
  readonly upkeep: Upkeep
  readonly bus: WakeBus
  /** The running invocations as they are judged, all or those of these ids. */
  runningRows (ids?: readonly number[]): Promise<readonly RunningRow[]>
  /** Releases the database. With `written`, reading ends at once and the rest follows in the background after it. */
  close (written?: Promise<void>): Promise<void>
}
