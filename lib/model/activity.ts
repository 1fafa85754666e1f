/** The four kinds of activity. */
export const ACTIVITY_TYPES = ['tool_exec', 'output', 'error', 'progress'] as const
export type ActivityType = typeof ACTIVITY_TYPES[number]

/** One thing an agent did, as a provider adapter reports it through `onActivity`. */
export interface InvocationActivity {
  readonly type: ActivityType
  /** One line for tools (`exec: npm test`), the text itself for output. Capped at 16 KiB when stored. */
  readonly message: string
  /** When it happened. */
  readonly timestamp: Date
  /**
   * See {@link ToolMetadata} and {@link ProgressMetadata} for what adapters put here. Capped when stored: 8 KiB beside
   * a call's input and result.
   */
  readonly metadata?: Record<string, unknown>
}

/** What a tool does. Set by adapters; `build` and `test` are shell commands that do that. */
export const TOOL_KINDS = [
  'read', 'edit', 'search', 'shell', 'build', 'test', 'web', 'mcp', 'agent', 'person', 'plan', 'other'
] as const
export type ToolKind = typeof TOOL_KINDS[number]

/** What agents wait for. Set by adapters. */
export const WAIT_KINDS = [
  'person', 'rate_limit', 'usage_limit', 'retry', 'network', 'model', 'background', 'other'
] as const
export type WaitKind = typeof WAIT_KINDS[number]

/** `metadata` of a `tool_exec`: a call is two activities with the same `callId`. */
export interface ToolMetadata {
  /** Unique among the calls that are open; agents use an id again once its call is over. */
  readonly callId: string
  /** Which use of this `callId` it is, from the second one on. */
  readonly use?: number
  readonly toolKind?: ToolKind
  readonly phase: 'start' | 'end'
  readonly tool: string
  /** On start: the tool's input. Capped at 16 KiB when stored. */
  readonly input?: unknown
  /** On end: `aborted` when the run ended first, `denied` when it was not allowed. */
  readonly status?: 'ok' | 'error' | 'denied' | 'aborted'
  /** On end: milliseconds between the arrivals of start and end. */
  readonly durationMs?: number
  readonly exitCode?: number
  /** On end: the result. Of more than 16 KiB beginning, failures with their surroundings and end are stored. */
  readonly result?: string
  /** Files that an edit touched. */
  readonly files?: ReadonlyArray<{
    readonly path: string
    readonly kind?: string
    readonly bytes?: number
    /** Lines, where the agent tells what its edit changed. */
    readonly added?: number
    readonly removed?: number
  }>
  /** The call of the sub-agent this belongs to. */
  readonly parentCallId?: string
}

/** `metadata` of a `progress`. `kind: 'waiting'` says what the agent waits for and, where known, until when. */
export interface ProgressMetadata {
  readonly kind: 'session' | 'reasoning' | 'plan' | 'retry' | 'waiting' | 'usage' | 'tool' | 'compaction' | 'notice' |
    'unknown' | 'unknown_format' | (string & {})
  /** Of `waiting` and `retry`: what is waited for, as one of a few kinds. */
  readonly waitKind?: WaitKind
  /** The same in words. */
  readonly what?: string
  /** ISO-8601. */
  readonly until?: string
  readonly parentCallId?: string
}

/** Tokens and cost of one invocation; `costUsd` only where the agent reports it. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
  readonly reasoningTokens?: number
  readonly costUsd?: number
}

/** The members of a {@link Usage}. */
export const USAGE_KINDS = [
  'inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens', 'costUsd'
] as const satisfies ReadonlyArray<keyof Usage>

/** How an invocation ended. */
export interface InvocationResult {
  readonly success: boolean
  /** The agent's final answer. */
  readonly response: string
  readonly exitCode: number | null
  /** The signal that ended the process, if one did. */
  readonly signal: string | null
  readonly durationMs: number
  readonly timedOut: boolean
  /** Present when `success` is false. */
  readonly error?: string
  /** A short machine-readable reason, for example `timeout`, `aborted`, `spawn`. */
  readonly reason?: string
  /** The last lines of stderr, up to 64 KiB; 8 KiB of it are stored. */
  readonly stderrTail?: string
  readonly sessionId?: string
  readonly usage?: Usage
  readonly model?: string
  /** For reviewers. */
  readonly outcome?: 'approved' | 'rejected'
  readonly summary?: string
}

/** Called for every activity; synchronous, must not throw. */
export type OnActivity = (activity: InvocationActivity) => void

/** Options of one `invoke` of a provider adapter. */
export interface InvokeOptions {
  readonly model?: string | undefined
  readonly cwd?: string | undefined
  /** Milliseconds for the whole run; none by default. */
  readonly timeout?: number | undefined
  /** Milliseconds without a byte of output; none by default. */
  readonly silenceTimeout?: number | undefined
  /** Ends the run and its whole process tree. */
  readonly signal?: AbortSignal | undefined
  /** Continue the session of this id. */
  readonly sessionId?: string | undefined
  readonly onActivity?: OnActivity | undefined
  /** Given the pid of the agent's process once it has started. */
  readonly onProcess?: ((pid: number) => void) | undefined
}
