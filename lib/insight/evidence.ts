import type { WaitKind } from './wait-kind.js'

/** What is known of a running invocation's process: looked at, or only heard of. */
export type ProcessSign =
  /** It was looked at, and lives. */
  | 'alive'
  /** It lives and was stopped by a signal, as by Ctrl-Z. */
  | 'suspended'
  /** It is gone. */
  | 'dead'
  /** It is on another machine or in another container: only its signs of life tell. */
  | 'elsewhere'
  /** The host wrote the invocation, and nobody knows its process. */
  | 'unrecorded'

/** A tool call that is open. */
export interface OpenCallEvidence {
  readonly callId: string
  readonly name: string
  readonly message: string
  /** As its adapter says. */
  readonly toolKind?: string
  readonly elapsedMs: number
  readonly parentCallId?: string
  readonly isBackground?: boolean
}

/** A wait that the agent told of. */
export interface WaitEvidence {
  readonly kind: WaitKind
  readonly what: string
  /** ISO-8601. */
  readonly until?: string
  /** Milliseconds until then; negative when it is past. */
  readonly remainingMs?: number
  readonly elapsedMs: number
}

/**
 * All that a verdict rests on: durations in milliseconds and names, no clock.
 *
 * Durations count time in which the observer was awake; none is negative.
 */
export interface Evidence {
  /** When this was so, by the server's clock: milliseconds since the epoch. */
  readonly at: number
  readonly provider: string
  readonly runForMs: number
  /** Since the last activity that was more than a sign of life; since the start when there was none. */
  readonly silentForMs: number
  readonly hasActivity: boolean
  readonly calls: readonly OpenCallEvidence[]
  readonly waiting?: WaitEvidence
  readonly process: ProcessSign
  /** Since the last sign of life of its process. */
  readonly heartbeatAgeMs: number
}
