import type { StoredCall } from '../insight/ended-call.js'
import type { CallKeys } from '../insight/running-call.js'

/** Which calls of a run. */
export interface EndedCallsQuery {
  readonly taskId: string
  readonly invocationId: number
  /** Those that started with this number or later. */
  readonly fromSeq: number
  /** Those that ended after this number. */
  readonly afterEnd: number
  /** Of more than so many those that started last. */
  readonly limit: number
}

/** What verdicts need of the calls that are over. */
export interface CallHistory {
  /** What names a call and its programs; undefined where none started with that number. */
  keysOf (taskId: string, seq: number): Promise<CallKeys | undefined>
  /**
   * How long the last 50 calls of the same input, or of the same programs, took that came to an end by themselves:
   * milliseconds, oldest first.
   */
  durationsOf (by: 'hash' | 'chain', value: string): Promise<readonly number[]>
  /** In the order of their ends. */
  endedCalls (query: EndedCallsQuery): Promise<readonly StoredCall[]>
}
