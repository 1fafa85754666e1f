import type { ActivityType, Usage } from './activity.js'
import type { TaskSummary } from './answers.js'
import type { Budget } from './budget.js'
import type { Failure } from './failure.js'
import type { Health, TaskInfo } from './health.js'

export { HEALTH_STATES, type Health, type HealthState, type TaskInfo } from './health.js'

export const INVOCATION_STATUSES = ['running', 'completed', 'failed', 'timeout'] as const
export type InvocationStatus = typeof INVOCATION_STATUSES[number]

interface EventBase {
  /** Dense per task from 1; a number is never used twice. */
  readonly seq: number
  readonly taskId: string
  /** ISO-8601, UTC, milliseconds. */
  readonly timestamp: string
}

/** A change of the task itself: `task.started`, `task.review`, `task.rejected`, `task.completed`, `task.<status>`. */
export interface TaskEvent extends EventBase {
  readonly type: `task.${string}`
  readonly actor: string
  readonly message: string
}

/** An agent was started. */
export interface InvocationStartedEvent extends EventBase {
  readonly type: 'invocation.started'
  readonly invocationId: number
  readonly role: string
  readonly provider: string
  readonly model?: string
  /** The task's title, as far as the recorder knows it. */
  readonly title?: string
}

/** An agent did something. */
export interface InvocationActivityEvent extends EventBase {
  readonly type: 'invocation.activity'
  readonly invocationId: number
  /** The activity's message. */
  readonly activity: string
  readonly activityType: ActivityType
  readonly metadata?: Record<string, unknown>
}

/** An agent ended well. */
export interface InvocationCompletedEvent extends EventBase {
  readonly type: 'invocation.completed'
  readonly invocationId: number
  readonly success: true
  /** Milliseconds. */
  readonly duration?: number
  readonly usage?: Usage
  readonly outcome?: 'approved' | 'rejected'
  readonly summary?: string
}

/** An agent failed, or ran out of time. */
export interface InvocationFailedEvent extends EventBase {
  readonly type: 'invocation.failed' | 'invocation.timeout'
  readonly invocationId: number
  readonly success: false
  readonly error: string
  readonly duration?: number
  readonly exitCode?: number
  /** `lost` when the runner died. */
  readonly reason?: string
  readonly usage?: Usage
}

/** Every stored event, one shape in the timeline, the stream and `events()`. */
export type TimelineEvent =
  TaskEvent | InvocationStartedEvent | InvocationActivityEvent | InvocationCompletedEvent | InvocationFailedEvent

/** Numbers that are missing because their rows were deleted. */
export interface Gap {
  readonly fromSeq: number
  readonly toSeq: number
  /** `expired`: past the retention; `removed`: deleted with an invocation, or cut from the middle of a long one. */
  readonly reason: 'expired' | 'removed'
}

/** What is known of the task has changed; at most one a second, without an id. */
export interface SummaryFrame {
  readonly type: 'timeline.summary'
  readonly taskId: string
  readonly summary: TaskSummary
}

/** A verdict has changed; carries no id. */
export interface HealthFrame {
  readonly type: 'timeline.health'
  readonly taskId: string
  readonly invocationId: number
  readonly health: Health
}

/** First frame of every stream; carries no id. */
export interface SnapshotFrame {
  readonly type: 'timeline.snapshot'
  readonly taskId: string
  readonly task: TaskInfo
  readonly headSeq: number
  readonly epoch: string
  /** The server's clock, to anchor live timers. */
  readonly serverTime: string
  /** The worst verdict among the task's running invocations; absent when none runs. */
  readonly health?: Health & { readonly invocationId: number }
  /** What is known of the task. Absent from streams of several tasks. */
  readonly summary?: TaskSummary
}

/** One per running invocation, after the snapshot; carries no id. */
export interface CurrentFrame {
  readonly type: 'invocation.current'
  readonly taskId: string
  readonly invocationId: number
  readonly role: string
  readonly provider: string
  readonly model?: string
  readonly status: 'running'
  readonly startedAt: string
  readonly lastActivityAt?: string
  readonly health?: Health
}

/** In the place of missing events; its id is `toSeq`. Without numbers when the cursor itself was not known. */
export interface GapFrame {
  readonly type: 'timeline.gap'
  readonly taskId: string
  readonly fromSeq?: number
  readonly toSeq?: number
  readonly reason: Gap['reason'] | 'unknown-cursor'
}

/**
 * A stream over several tasks goes on without this one; carries no id.
 *
 * `unknown`: there is no such task; `deleted`: it was deleted, or its log was; `idle`: it has no running invocation any
 * more, in a stream of those that run.
 */
export interface EndedFrame {
  readonly type: 'timeline.ended'
  readonly taskId: string
  readonly reason: 'unknown' | 'deleted' | 'idle'
}

/**
 * The server cannot read its database (`timeline.trouble`), or can again (`timeline.recovered`); of the whole
 * connection, without an id. What is shown meanwhile is what was known before.
 */
export interface TroubleFrame {
  readonly type: 'timeline.trouble' | 'timeline.recovered'
  /** That of the error, such as `AGENT_TIMELINE_DATABASE_LOCKED`. */
  readonly code: string
  /** When it began, by the server's clock. */
  readonly since: string
}

/** Everything that arrives in `data:` lines under the default event name. */
export type StreamFrame =
  TimelineEvent | SnapshotFrame | CurrentFrame | GapFrame | HealthFrame | SummaryFrame | EndedFrame | TroubleFrame

/** One page of a timeline. */
export interface Page {
  /** Absent when the page is empty. */
  readonly firstSeq?: number
  readonly lastSeq?: number
  readonly headSeq: number
  /** More in the direction that was read; of a page around a number, after it. */
  readonly hasMore: boolean
  /** Of a page around a number: more before it. */
  readonly hasBefore?: boolean
  /** Of a search that has not seen the whole log: where it goes on. */
  readonly nextAfter?: number
  readonly gaps: readonly Gap[]
}

/** One row of the list of invocations. */
export interface InvocationSummary {
  readonly id: number
  readonly taskId: string
  readonly title?: string
  readonly role: string
  readonly provider: string
  readonly model?: string
  readonly status: InvocationStatus
  readonly startedAt?: string
  readonly completedAt?: string
  readonly lastActivityAt?: string
  /** Milliseconds. */
  readonly duration?: number
  readonly success?: boolean
  readonly timedOut: boolean
  readonly exitCode?: number
  readonly error?: string
  readonly reason?: string
  readonly outcome?: 'approved' | 'rejected'
  readonly summary?: string
  /** `isProvisional`: as told so far; its end has not said it, or has not come. */
  readonly usage?: Usage & { readonly isProvisional?: true }
  readonly sessionId?: string
  /** Of running invocations only. */
  readonly health?: Health
}

/** One activity as the invocation's details list it. */
export interface ActivityRecord {
  readonly seq: number
  readonly timestamp: string
  readonly type: ActivityType
  readonly message: string
  readonly metadata?: Record<string, unknown>
}

/** An invocation with its prompt, its response and a page of its activities. */
export interface InvocationDetails extends InvocationSummary {
  readonly prompt: string
  readonly response?: string
  readonly signal?: string
  readonly stderrTail?: string
  /** What it may cost and did, where a limit was given. */
  readonly budget?: Budget
  /** Why it failed or ran out of time. */
  readonly failure?: Failure
  readonly activities: readonly ActivityRecord[]
  readonly page: Page
}
