import { isTimelineError, timelineError, TimelineError, type ErrorCode } from '../errors.js'
import type { BatchOutcome } from './port.js'

/**
 * What a caller may make of an error of the store, whatever engine it comes from:
 *
 * - `busy`: somebody else has the lock; the same may succeed a moment later
 * - `refused`: the data is at fault, not the database; the same will fail again
 * - `unknown_task`: refused, because the task is not in the host's table
 * - `undone`: refused by something of the host's that took the whole transaction with it
 * - `schema_changed`: a table or column that was there is gone; the host rebuilt a table
 * - `lasting`: the database will not be there as long as this process lives
 * - `away`: anything else; it is tried again with pauses
 */
export type StoreErrorKind = 'busy' | 'refused' | 'unknown_task' | 'undone' | 'schema_changed' | 'lasting' | 'away'

/** An error of the engine as a coded one, with what may be made of it. Its `cause` is the engine's own. */
export class StoreError extends TimelineError {
  readonly kind: StoreErrorKind
  /**
   * What a batch would have come to whose commit failed: it may be stored all the same. Undefined where it did not get
   * that far.
   */
  readonly outcome: BatchOutcome | undefined

  constructor (kind: StoreErrorKind, { code, message, cause }: TimelineError, outcome?: BatchOutcome) {
    super(code, message, { cause })
    this.kind = kind
    this.outcome = outcome
  }
}

/** What another installation mends, or another start of the process, and no waiting. */
const LASTING_ERROR_CODES: readonly ErrorCode[] = [
  'AGENT_TIMELINE_SECOND_SQLITE', 'AGENT_TIMELINE_SQLITE_MISSING', 'AGENT_TIMELINE_SQLITE_UNBUILT',
  'AGENT_TIMELINE_SQLITE_TOO_NEW', 'AGENT_TIMELINE_PG_MISSING'
]

/** The kind of any error that was met on the way to the store; what has no code comes from what it was given. */
export function kindOf (error: unknown): StoreErrorKind {
  if (error instanceof StoreError) return error.kind
  if (!isTimelineError(error)) return 'refused'
  return LASTING_ERROR_CODES.includes(error.code) ? 'lasting' : 'away'
}

/** The same with a code for users, if it has none. */
export function codedError (error: unknown): TimelineError {
  return isTimelineError(error) ? error : timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE', [], error)
}

/** What a database that cannot be used is reported with. */
export const DATABASE_ERROR_CODES = [
  'AGENT_TIMELINE_DATABASE_LOCKED', 'AGENT_TIMELINE_DATABASE_FULL', 'AGENT_TIMELINE_NOT_A_DATABASE',
  'AGENT_TIMELINE_DATABASE_MISSING', 'AGENT_TIMELINE_NOT_MIGRATED', 'AGENT_TIMELINE_DATABASE_UNAVAILABLE',
  'AGENT_TIMELINE_DATABASE_ACCESS', 'AGENT_TIMELINE_DATABASE_READ_ONLY', 'AGENT_TIMELINE_TOO_MANY_CONNECTIONS'
] as const satisfies readonly ErrorCode[]
