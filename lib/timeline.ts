import type { TaskFilter, TaskList, TaskSummary, UsageQuery, UsageReport, VerdictReport } from './model/answers.js'
import type { InvocationDetails, TaskInfo, TimelineEvent } from './model/events.js'
import type { InvocationHandle, InvocationRun } from './recorder/recorder.js'
import type { InvocationMeta } from './model/invocation-meta.js'
import type { InvocationFilter, InvocationList, PageQuery, TimelinePage, TimelineQuery } from './store/port.js'

/** A change of a task, told by the host. */
export interface TaskEventInput {
  readonly taskId: string | number
  /** `task.started`, `task.review`, `task.rejected`, `task.completed`, `task.<status>`. */
  readonly type: `task.${string}`
  /** Who did it, for example `orchestrator`. */
  readonly actor: string
  readonly message?: string
  /** Default now. */
  readonly timestamp?: Date
}

/** The record of what agents did, on one database: written live, read at any time. */
export interface Timeline {
  /**
   * Records an invocation around the call that makes it.
   *
   * Returns what `invoke` returned and rethrows what it threw; a string is the response, an `InvocationResult` with
   * `success: false` or `timedOut: true` is recorded as such. Trouble with the database never reaches the caller: the
   * agent waits for it at most 2 s at its start and 2 s at its end.
   */
  logInvocation<T> (meta: InvocationMeta, invoke: (run: InvocationRun) => Promise<T>): Promise<T>
  /**
   * Records the start of an invocation that the host drives by itself; resolves when it is stored, or after 2 s.
   *
   * @throws AGENT_TIMELINE_INVALID_TASK_ID, AGENT_TIMELINE_UNKNOWN_TASK
   */
  startInvocation (meta: InvocationMeta): Promise<InvocationHandle>
  /**
   * Stores a change of a task.
   *
   * @throws AGENT_TIMELINE_INVALID_EVENT, AGENT_TIMELINE_UNKNOWN_TASK, AGENT_TIMELINE_DATABASE_UNAVAILABLE after 2 s:
   * it stays queued
   */
  recordTaskEvent (event: TaskEventInput): Promise<void>
  /** One page of a task's timeline. @throws AGENT_TIMELINE_UNKNOWN_TASK, AGENT_TIMELINE_INVALID_* */
  getTimeline (taskId: string | number, query?: TimelineQuery): Promise<{ readonly task: TaskInfo } & TimelinePage>
  /** An invocation with a page of its activities; undefined when there is none of this id. */
  getInvocation (id: number, query?: PageQuery): Promise<InvocationDetails | undefined>
  /** Invocations, newest first. */
  listInvocations (filter?: Omit<InvocationFilter, 'taskId'> & { readonly taskId?: string | number }): Promise<InvocationList>
  /**
   * What is known of a task now: its state and worst verdict, failure, cost, calls, time, files, plan. Exact for a task
   * of any length.
   *
   * @throws AGENT_TIMELINE_UNKNOWN_TASK, AGENT_TIMELINE_INVALID_TASK_ID
   */
  getSummary (taskId: string | number): Promise<TaskSummary>
  /**
   * The tasks, worst first: those that need a person, are stuck, should run and do not, run, failed, are done.
   * Costs the same however long they are.
   *
   * @throws AGENT_TIMELINE_INVALID_STATE, AGENT_TIMELINE_INVALID_QUERY, AGENT_TIMELINE_INVALID_LIMIT,
   * AGENT_TIMELINE_INVALID_CURSOR
   */
  listTasks (filter?: TaskFilter): Promise<TaskList>
  /**
   * What the runs of all tasks used, added up by task, role, provider, model or day: of those that ended from `from` on
   * and before `to`.
   *
   * @throws AGENT_TIMELINE_INVALID_REQUEST
   */
  getUsage (query?: UsageQuery): Promise<UsageReport>
  /** How often runs were called quiet, looping or stuck, by what they were at, and how often wrongly. */
  getVerdictReport (): Promise<VerdictReport>
  /** A task's events: the stored ones, then those that come, each once, in order. Ends when `signal` says so. */
  events (options: { readonly taskId: string | number, readonly after?: number, readonly signal?: AbortSignal }):
  AsyncIterable<TimelineEvent>
  /** Deletes a task's log and its invocations; the host's own row of the task stays. */
  deleteTask (taskId: string | number): Promise<void>
  /**
   * Resolves when all that was reported before is stored.
   *
   * @throws AGENT_TIMELINE_DATABASE_* after 5 s without progress
   */
  flush (): Promise<void>
  /**
   * Ends what still runs as failed, with reason `closed`; writes what is queued, waiting at most 5 s; releases the
   * database.
   */
  close (): Promise<void>
}
