export interface TaskInfo {
  readonly id: string
  readonly title?: string
  readonly status?: string
}

export const HEALTH_STATES =
  ['starting', 'working', 'in_tool', 'waiting', 'quiet', 'looping', 'stuck', 'lost', 'unknown'] as const
export type HealthState = typeof HEALTH_STATES[number]

/**
 * How a running invocation is doing, as far as the evidence goes.
 *
 * `quiet` and `stuck` are advice and never end a run; whether its process lives is kept apart from whether it moves.
 */
export interface Health {
  readonly state: HealthState
  /** Since when it has been so, by the server's clock. */
  readonly since: string
  /** What it rests on, in sentences. */
  readonly because: readonly string[]
  /** The tool call that it is in; of several, the one that may take longest. */
  readonly tool?: {
    readonly callId?: string
    readonly name: string
    readonly message: string
    readonly elapsedMs: number
  }
  /** What the agent said it waits for. */
  readonly waitingFor?: { readonly kind: string, readonly what: string, readonly until?: string }
  /** Milliseconds without an activity. */
  readonly silentForMs: number
  /** Milliseconds of silence that are nothing unusual at this point. */
  readonly expectedSilenceMs: number
  /** Milliseconds since its process last said that it lives. */
  readonly heartbeatAgeMs: number
}
