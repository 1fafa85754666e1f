export interface TaskInfo {
  readonly id: string
  readonly title?: string
  readonly status?: string
}

export const HEALTH_STATES =
  ['starting', 'working', 'in_tool', 'waiting', 'quiet', 'looping', 'stuck', 'lost', 'unknown'] as const
export type HealthState = typeof HEALTH_STATES[number]

export const ADVICE_STATES = ['quiet', 'looping', 'stuck'] as const satisfies readonly HealthState[]
/** What a run is called that somebody should look at. */
export type AdviceState = typeof ADVICE_STATES[number]

/** What the processes below an agent did up to a moment, as whoever runs it saw. */
export interface TreeSample {
  /** Descendants of the agent that started with its command or after it, and are alive. */
  readonly processes: number
  /** Processor time of all of them so far, in milliseconds. */
  readonly cpuMs: number
  /** Bytes read and written by them so far. */
  readonly ioBytes: number
  /** Milliseconds since the epoch. */
  readonly sampledAt: number
}

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
  /** The repetition that it is in: of how many different calls, how often, and the number of the first one's event. */
  readonly loop?: { readonly calls: number, readonly times: number, readonly sinceSeq: number }
  /** Milliseconds of silence that are nothing unusual at this point. */
  readonly expectedSilenceMs: number
  /** From so many milliseconds of silence on it is `stuck`; absent where it never is. */
  readonly stuckAfterMs?: number
  /** Milliseconds since its process last said that it lives. */
  readonly heartbeatAgeMs: number
  /** The processes below the agent, while it runs a command and somebody looks at them. */
  readonly tree?: TreeSample
}
