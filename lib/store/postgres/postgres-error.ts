import { isTimelineError, timelineError, type ErrorCode, type TimelineError } from '../../errors.js'
import type { BatchOutcome } from '../port.js'
import { TransactionGone } from '../sql/transaction-gone.js'
import { StoreError, type StoreErrorKind } from '../store-error.js'

/** The state that a server gave with an error; empty where the error is not a server's. */
export function sqlState (error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}

/** The connection is gone, or was never made: what was sent last may have been done all the same. */
export class ConnectionLost extends Error {
  constructor (cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Of the driver, or of the network below it; `pg` gives most of its own no code. */
const CONNECTION = /^(connection|client|query read timeout|timeout exceeded|cannot use a pool|the server does not support|read E|connect E|getaddrinfo|self.signed|certificate)/i

export function isConnectionError (error: unknown): boolean {
  if (error instanceof ConnectionLost) return true
  // Class 08, and those with which a server ends its connections.
  if (/^(08...|57P0[1235]|25P03)$/.test(sqlState(error))) return true
  const { code, message } = (error ?? {}) as { code?: unknown, message?: unknown }
  return sqlState(error) === '' && (/^E[A-Z]+$/.test(String(code)) || CONNECTION.test(String(message)))
}

/** Whether the same may succeed a moment later: a lock, a deadlock, a conflict of transactions. */
export function isBusy (error: unknown): boolean {
  return ['55P03', '40P01', '40001'].includes(sqlState(error))
}

/** A table or column that was there is gone: the host rebuilt a table. */
export function isSchemaChange (error: unknown): boolean {
  return ['42P01', '42703'].includes(sqlState(error))
}

/** The data is at fault, or what the host's constraints and triggers say of it. */
export function isRefusal (error: unknown): boolean {
  const state = sqlState(error)
  if (state === '') return !isTimelineError(error) && !isConnectionError(error)
  // Values, constraints, what is too long for an index, a trigger's own word; a column of another type than is usual.
  return /^(22|23|54|P0)|^(42804|42846|42883)$/.test(state)
}

/** Whether an error, coded or not, is the database's. */
export function isOfDatabase (error: unknown): boolean {
  const { code, cause } = error as TimelineError
  return isTimelineError(error) && (code !== 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' || sqlState(cause) !== '' || isConnectionError(cause))
}

/** What was asked for has a value that no column holds: a character, a number or a time out of range. */
export function isUnstorable (error: unknown): boolean {
  return ['22021', '22P05', '22003', '22008'].includes(sqlState(error))
}

const BY_STATE: Readonly<Record<string, ErrorCode>> = {
  '28P01': 'AGENT_TIMELINE_DATABASE_ACCESS',
  28000: 'AGENT_TIMELINE_DATABASE_ACCESS',
  42501: 'AGENT_TIMELINE_DATABASE_ACCESS',
  '3D000': 'AGENT_TIMELINE_DATABASE_MISSING',
  '3F000': 'AGENT_TIMELINE_DATABASE_MISSING',
  53300: 'AGENT_TIMELINE_TOO_MANY_CONNECTIONS',
  53100: 'AGENT_TIMELINE_DATABASE_FULL',
  25006: 'AGENT_TIMELINE_DATABASE_READ_ONLY',
  '42P01': 'AGENT_TIMELINE_NOT_MIGRATED',
  42703: 'AGENT_TIMELINE_NOT_MIGRATED'
}

/** Turns what the server or the driver said into a coded error that a user can act on. */
export function databaseError (error: unknown): TimelineError {
  if (isTimelineError(error)) return error
  if (isBusy(error)) return timelineError('AGENT_TIMELINE_DATABASE_LOCKED', [], error)
  const code = BY_STATE[sqlState(error)] ?? 'AGENT_TIMELINE_DATABASE_UNAVAILABLE'
  const message = error instanceof Error ? error.message : String(error)
  return timelineError(code, [code === 'AGENT_TIMELINE_NOT_MIGRATED' ? message.replace(/ does not exist$/, '') : message], error)
}

/** What leaves the engine's room: coded, with what may be made of it. */
export function storeError (error: unknown, outcome?: BatchOutcome): TimelineError {
  return isTimelineError(error) ? error : new StoreError(kindOf(error), databaseError(error), outcome)
}

function kindOf (error: unknown): StoreErrorKind {
  if (isBusy(error)) return 'busy'
  if (isSchemaChange(error)) return 'schema_changed'
  // A savepoint is missing only where the connection is.
  if (error instanceof TransactionGone || !isRefusal(error)) return 'away'
  return sqlState(error) === '23503' ? 'unknown_task' : 'refused'
}
