import type { ToolKind, Usage } from './activity.js'
import type { Budget } from './budget.js'
import type { Failure } from './failure.js'
import type { AdviceState, Health, TaskInfo } from './health.js'
import type { NoticeKind } from './notice.js'

/** One tool call, from its start to its end. */
export interface ToolCall {
  /** The number of its start in the task's log. */
  readonly seq: number
  /** That of its end; absent while it runs, and where its run ended without it. */
  readonly endSeq?: number
  readonly callId: string
  /** Which use of the id it is, from 1. */
  readonly use: number
  readonly invocationId: number
  readonly kind: ToolKind
  readonly name: string
  /** One line, at most 1,024 characters. */
  readonly message: string
  readonly status: 'running' | 'ok' | 'error' | 'denied' | 'aborted'
  readonly startedAt: string
  readonly durationMs?: number
  readonly exitCode?: number
  /** The call of the sub-agent that made it. */
  readonly parentSeq?: number
  /** The first file that it edited. */
  readonly file?: FileCount
  readonly firstError?: {
    readonly message: string
    readonly location?: { readonly file: string, readonly line?: number }
  }
  /** The agent goes on while it runs. */
  readonly isBackground?: boolean
}

interface FileCount {
  readonly path: string
  readonly added?: number
  readonly removed?: number
}

/** A page of a task's calls, ascending by start. */
export interface CallPage {
  readonly calls: readonly ToolCall[]
  readonly page: { readonly hasMore: boolean, readonly nextAfter: number | null }
}

/** A call with what it was given and what it answered, as stored. */
export interface ToolCallDetails extends ToolCall {
  readonly input?: unknown
  readonly result?: unknown
  /** Signs of life and lines that it printed while it ran, the last 100. */
  readonly beats: ReadonlyArray<{ readonly seq: number, readonly timestamp: string, readonly message: string }>
  /** The last ten calls with the same tool and input in this database, newest first. */
  readonly earlier: ReadonlyArray<
    Pick<ToolCall, 'seq' | 'invocationId' | 'status' | 'startedAt' | 'durationMs' | 'exitCode'> & { readonly taskId: string }
  >
}

export const TASK_STATES = ['needs_you', 'stuck', 'not_running', 'quiet', 'unknown', 'working', 'failed', 'done'] as const
export type TaskState = typeof TASK_STATES[number]

/** Calls, and those of them that failed or were not allowed. */
export interface KindCount {
  readonly total: number
  readonly failed: number
}

/** Tokens and cost, added up. */
export interface UsageSum extends Partial<Usage> {
  /** Something of it still runs, or ended without telling what it used. */
  readonly isProvisional: boolean
  /** Models of which nobody told the price. */
  readonly unpriced?: readonly string[]
}

/** What is known of a task at one moment; exact for a task of any length. Times are milliseconds. */
export interface TaskSummary {
  readonly task: TaskInfo
  readonly state: TaskState
  /** Since when it is in that state; absent where nothing ever ran. */
  readonly since?: string
  /** The worst verdict among those that run. */
  readonly health?: Health & { readonly invocationId: number }
  /** Of the last run that ended; absent once a later run of its role completed. */
  readonly failure?: Failure & { readonly invocationId: number }
  readonly runs: Readonly<Record<'total' | 'running' | 'completed' | 'failed' | 'timeout', number>>
  readonly startedAt?: string
  readonly lastActivityAt?: string
  readonly elapsedMs: number
  readonly usage: UsageSum
  /** What may be spent and was, where a limit was given. */
  readonly budget?: {
    /** For all runs of the task together; absent where only runs have a limit. */
    readonly limitUsd?: number
    readonly spentUsd: number
    /** The task, or one of its runs, has cost more than it may. */
    readonly isExceeded: boolean
    /** Its last 100 runs that cost more than they may, oldest first. */
    readonly invocations: ReadonlyArray<Budget & { readonly invocationId: number }>
  }
  readonly calls: KindCount & { readonly byKind: Partial<Record<ToolKind, KindCount>> }
  readonly time: {
    readonly toolMs: number
    readonly thinkingMs: number
    readonly waitingMs: number
    readonly personMs: number
    /** While none of the task's runs was running. */
    readonly betweenRunsMs: number
    readonly byKind: Partial<Record<ToolKind, number>>
  }
  /** At most 100, those edited most first. */
  readonly files: ReadonlyArray<FileCount & { readonly edits: number, readonly isNew?: boolean }>
  readonly filesTotal: number
  /** The last that an agent told. */
  readonly plan?: {
    readonly entries: ReadonlyArray<{ readonly text: string, readonly status: 'pending' | 'in_progress' | 'completed' }>
    readonly done: number
    readonly total: number
  }
  readonly headSeq: number
  readonly epoch: string
}

/** The shape of a task: a lane for each of its runs, bounded whatever their length. */
export interface TaskOverview {
  /** The range that is shown; absent where nothing ever ran. */
  readonly from?: string
  readonly to?: string
  readonly lanes: ReadonlyArray<{
    readonly invocationId: number
    readonly role: string
    readonly provider: string
    readonly model?: string
    readonly status: 'running' | 'completed' | 'failed' | 'timeout'
    readonly startedAt?: string
    readonly completedAt?: string
    /** Length of a bin, in milliseconds; the first one begins with the run. */
    readonly binMs: number
    /** At most 512, those in which something happened: place, milliseconds by kind, calls that began, that failed. */
    readonly bins: ReadonlyArray<{
      readonly at: number
      readonly ms: Partial<Record<ToolKind, number>>
      readonly calls?: number
      readonly failed?: number
    }>
    /** Calls that are open. */
    readonly open: ReadonlyArray<Pick<ToolCall, 'seq' | 'kind' | 'message' | 'startedAt'>>
  }>
  /** Stretches of time in which nothing ran, at most 100, the longest. */
  readonly gaps: ReadonlyArray<{ readonly from: string, readonly to: string }>
  /** Where a range was asked for: its calls, at most 1,000, each as it was. */
  readonly calls?: readonly ToolCall[]
  /** There are more calls in the range than are listed. */
  readonly hasMoreCalls?: boolean
}

/** A task in the list of tasks. Times are milliseconds. */
export interface TaskRow {
  readonly id: string
  readonly title?: string
  readonly state: TaskState
  /** Since when it is in that state. */
  readonly since?: string
  /** What its worst running invocation does. */
  readonly now?: { readonly text: string, readonly elapsedMs: number }
  /** Who worked on it in its last 30 runs, the last one first. */
  readonly who: ReadonlyArray<{ readonly role: string, readonly provider: string, readonly model?: string }>
  readonly runs: number
  readonly startedAt?: string
  /** Absent while something runs. */
  readonly endedAt?: string
  readonly elapsedMs: number
  readonly usage: UsageSum
  /** Of the last run that ended. */
  readonly failure?: Failure & { readonly invocationId: number }
  /** How many activities there were in each of the last 30 minutes, the current one last. */
  readonly recent: readonly number[]
  /** How its last 30 runs ended, oldest first. */
  readonly outcomes: ReadonlyArray<'running' | 'completed' | 'failed' | 'timeout'>
}

/** Which tasks. */
export interface TaskFilter {
  /** One or more states; all by default. */
  readonly state?: TaskState | readonly TaskState[]
  /** Found in the title, the id, an error, or one of the last 200 calls, whatever the capitals */
  readonly q?: string
  /** 1 to 200. Default 50. */
  readonly limit?: number
  readonly cursor?: string
}

/** Tasks, worst first, within a state those that came into it last; counts are of all pages and states. */
export interface TaskList {
  readonly tasks: readonly TaskRow[]
  readonly counts: Readonly<Record<TaskState, number>>
  readonly page: { readonly nextCursor: string | null }
}

/** How often runs were called something that somebody should look at. */
export interface VerdictCount {
  readonly advised: number
  /** They went on by themselves. */
  readonly wrong: number
  /** They ended without. */
  readonly ended: number
  /** Neither is known yet. */
  readonly open: number
}

/** How good the verdicts were, of the last 10,000 runs that somebody should have looked at. Times are milliseconds. */
export interface VerdictReport {
  /** When the first of them was called so; absent where none was. */
  readonly since?: string
  readonly stuck: VerdictCount
  readonly looping: VerdictCount
  readonly quiet: VerdictCount
  /** By what the run was at. */
  readonly kinds: ReadonlyArray<VerdictCount & {
    /** `start`, `think`, or a kind of call: `file`, `web`, `mcp`, `agent`, `shell`, `build`, `other`. */
    readonly kind: string
    readonly state: AdviceState
    /** How long it had been silent, or in its loop, when it was called so. */
    readonly afterMs: { readonly p50: number, readonly p95: number }
    /** How long the longest silence lasted that was no fault. */
    readonly longestWrongMs?: number
    /** The limit that was learnt from those that were wrong; for `quiet` it counts up to midway to that of `stuck`. */
    readonly raisedToMs?: number
  }>
}

/** What runs are added up by; days are those of UTC. */
export const USAGE_GROUPS = ['task', 'role', 'provider', 'model', 'day'] as const
export type UsageGroupBy = typeof USAGE_GROUPS[number]

/** Which runs are added up: those that ended from `from` on and before `to`. */
export interface UsageQuery {
  /** A `Date`, a time in ISO-8601, or a day (`2026-02-10`), which begins at 00:00 UTC. Default: all before `to`. */
  readonly from?: Date | string
  /** Default: up to the last. */
  readonly to?: Date | string
  /** Default `day`. */
  readonly by?: UsageGroupBy
}

/** What some runs used together. */
export interface UsageGroup extends UsageSum {
  /** Id of the task, role, provider, model, or day (`2026-02-10`); `unknown` where nobody told it. */
  readonly key: string
  /** Runs that ended, whether they told what they used or not. */
  readonly runs: number
}

/** What all tasks used. */
export interface UsageReport {
  readonly by: UsageGroupBy
  readonly from?: string
  readonly to?: string
  readonly total: UsageSum & { readonly runs: number }
  /** At most 1,000: the last days, or those that cost most, the dearest first. */
  readonly groups: readonly UsageGroup[]
  readonly groupsTotal: number
}

/** How a timeline is doing in one process, since it was opened there. */
export interface TimelineStatus {
  /** Bytes of the database that are in use; absent where that is not known. */
  readonly databaseBytes?: number
  /** What waits to be written. */
  readonly queueBytes: number
  /** Pieces of output that found no room in the queue. */
  readonly droppedPieces: number
  /** How often the database was locked by somebody else when something was to be written. */
  readonly lockRetries: number
  /** Of the last delivery to viewers: milliseconds since its first activity was stored. Absent before the first. */
  readonly deliveryLagMs?: number
  /** The last change that was noticed; absent where none was in the last 7 days. */
  readonly lastNotice?: {
    readonly kind: NoticeKind
    readonly at: string
    readonly taskId: string
    readonly invocationId?: number
    /** It has been told by every way that this process has options for, `onNotice` and `webhook`. */
    readonly isTold: boolean
  }
  /** Why the database cannot be read, and since when; absent while it can. */
  readonly trouble?: { readonly code: string, readonly since: string }
}
