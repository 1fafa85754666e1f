/** Why runs end badly. docs/failures.md says of each what it means and what to do. */
export const FAILURE_CODES = [
  'usage_limit', 'rate_limit', 'overloaded', 'api_error', 'network', 'authentication', 'billing', 'context_overflow',
  'max_turns', 'budget', 'permission_denied', 'deferred', 'tests_failed', 'command_failed', 'cli_missing', 'cli_crashed',
  'out_of_memory', 'killed', 'timeout', 'silence', 'finished_not_exited', 'runner_lost', 'cancelled', 'no_result', 'unknown'
] as const
export type FailureCode = typeof FAILURE_CODES[number]

/**
 * Who has to act: nobody, it passes (`transient`); a person (`needs-person`); the agent, with another step or a smaller
 * task (`agent`); whoever mends what a command of the agent found wrong (`tool`); whoever keeps the machine and starts
 * the runs (`host`).
 */
export const FAILURE_CLASSES = ['transient', 'needs-person', 'agent', 'tool', 'host', 'unknown'] as const
export type FailureClass = typeof FAILURE_CLASSES[number]

/** Why one invocation failed, ran out of time or was lost. */
export interface Failure {
  /** One sentence, with the words of the first cause. */
  readonly summary: string
  readonly code: FailureCode
  readonly class: FailureClass
  /** Name of the rule that found the code; docs/failures.md lists them. */
  readonly rule: string
  /** The same run, started again without a change, may succeed; after `resetAt`, where that is known. */
  readonly retryable: boolean
  /** ISO-8601: when the limit ends, as the agent's program said it. Never estimated. */
  readonly resetAt?: string
  /** The row that told of the first cause. */
  readonly firstError?: {
    readonly seq: number
    readonly callId?: string
    readonly message: string
    readonly location?: { readonly file: string, readonly line?: number }
  }
  /** The call that was open when the run ended: the oldest one that is no sub-agent, where there are several. */
  readonly openTool?: OpenTool
  /** The last that the agent said. */
  readonly lastWord?: string
  /** How often the step that failed was tried. */
  readonly attempts?: number
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stderrTail: string | null
}

/** A call that never ended. */
export interface OpenTool {
  readonly seq: number
  readonly callId: string
  readonly name: string
  readonly message: string
  readonly elapsedMs: number
}
