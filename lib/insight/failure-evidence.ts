import type { FailedCall } from './failing-call.js'

/** All that is known of a run that ended; texts were redacted before. */
export interface FailureEvidence {
  /** `claude`, `codex`, … in any spelling that has the name in it. */
  readonly provider: string
  readonly status: 'failed' | 'timeout' | (string & {})
  /** What the run ended with: the CLI's words, or what was thrown. */
  readonly error?: string | null | undefined
  readonly reason?: string | null | undefined
  readonly exitCode?: number | null | undefined
  readonly signal?: string | null | undefined
  readonly stderrTail?: string | null | undefined
  /** Recent rows of the type `error`. */
  readonly errors: readonly ErrorRow[]
  /** Recent rows of the kinds `waiting` and `retry`. */
  readonly waits: readonly WaitRow[]
  readonly failedCalls: readonly FailedCall[]
  /** Calls that never ended, or that ended `aborted` with the run. */
  readonly openCalls: readonly OpenCall[]
  /** The last that the agent said. */
  readonly lastWord?: string | null | undefined
  /** What it printed last, of a program whose output has no format: its own words, and those of what it ran. */
  readonly printed?: ReadonlyArray<{ readonly seq: number, readonly message: string }> | undefined
  /** How often the step that failed was tried; counted from `failedCalls` by default. */
  readonly attempts?: number | undefined
  /**
   * The last row that is neither error, wait, retry, beat nor count of tokens. With it a wait that was over, and an
   * error that the agent went on after, are told from the last.
   */
  readonly lastActivitySeq?: number | undefined
  readonly endedAt: string | number
  /** Of the machine that ran the agent, for `resets 3pm`; of this machine by default. */
  readonly timeZone?: string | undefined
}

export interface ErrorRow {
  readonly seq: number
  readonly message: string
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined
}

export interface WaitRow {
  readonly seq: number
  readonly message: string
  readonly what?: string | null | undefined
  readonly waitKind?: string | null | undefined
  /** ISO-8601. */
  readonly until?: string | null | undefined
}

export interface OpenCall {
  readonly seq: number
  readonly callId: string
  readonly name: string
  readonly message: string
  readonly startedAt: string | number
  /** It belongs to a sub-agent. */
  readonly parentCallId?: string | null | undefined
}
