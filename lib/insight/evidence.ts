import type { TreeSample } from '../model/health.js'
import type { CallStep } from './limits.js'

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

/** What is known of a run's process at the moment of a verdict. */
export interface ProcessEvidence {
  readonly process: ProcessSign
  /** Milliseconds since its process last said that it lives. */
  readonly heartbeatAgeMs: number
  /** The processes below the agent, where somebody looks at them. */
  readonly tree?: TreeSample
}

/** A tool call that has started and not ended. Times are milliseconds of the clock that the run is judged by. */
export interface RunningCall {
  readonly callId: string
  readonly name: string
  readonly message: string
  readonly step: CallStep
  readonly isPerson: boolean
  readonly startedAt: number
  readonly parentCallId: string | undefined
  /** What its tool and input are, as a key of {@link Usual}; undefined for what is no command. */
  readonly callKey: string | undefined
  /** Its programs, as a key of {@link Usual}; undefined for what is no command. */
  readonly chainKey: string | undefined
  /** The time that the call itself asked for, 0 for none. */
  readonly timeoutMs: number
  /** How long it sleeps by its own words. */
  readonly sleepMs: number
  readonly isBackground: boolean
}

/** What the agent waits for, by its own words. Times are milliseconds of the clock that the run is judged by. */
export interface RunWait {
  readonly kind: string
  readonly what: string
  readonly until: number | undefined
  /** `until` as it was told, in ISO-8601. */
  readonly toldUntil: string | undefined
  /** When the first of the waits came that followed each other with nothing between. */
  readonly since: number
  readonly toldAt: number
  readonly times: number
}
