import { statSync } from 'node:fs'
import { isTimelineError, timelineError, type TimelineError } from '../../errors.js'
import type { BatchOutcome } from '../port.js'
import { TransactionGone } from '../sql/transaction-gone.js'
import { StoreError, type StoreErrorKind } from '../store-error.js'

/** Whether the same statement may succeed a moment later. */
export function isBusy (error: unknown): boolean {
  const code = sqliteCode(error)
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED') ||
    // A handle that is shared with the host, while the host is in a transaction of its own.
    (code === 'SQLITE_ERROR' && (error as Error).message.includes('within a transaction'))
}

/** A table or column that was there is gone: the host rebuilt a table. */
export function isSchemaChange (error: unknown): boolean {
  return sqliteCode(error) === 'SQLITE_ERROR' &&
    /no such (table|column)|has no column named|no such index/.test((error as Error).message)
}

/** The data is at fault, not the database: the same statement will fail again. */
export function isRefusal (error: unknown): boolean {
  const code = sqliteCode(error)
  if (code === '') return !isTimelineError(error) && !/connection is not open/.test(String((error as Error | null)?.message))
  return /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test(code)
}

export function sqliteCode (error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}

/** Something is there: a directory, or a file that may not be opened. */
function isThere (path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}

/** Whether an error, coded or not, is the database's. */
export function isOfDatabase (error: unknown): boolean {
  return isTimelineError(error) && (error.code !== 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' || sqliteCode(error.cause) !== '')
}

/** Turns what SQLite threw into a coded error that a user can act on. */
export function databaseError (error: unknown, path = ''): TimelineError {
  if (isTimelineError(error)) return error
  const code = sqliteCode(error)
  if (isBusy(error)) return timelineError('AGENT_TIMELINE_DATABASE_LOCKED', [], error)
  if (code === 'SQLITE_FULL') return timelineError('AGENT_TIMELINE_DATABASE_FULL', [], error)
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return timelineError('AGENT_TIMELINE_NOT_A_DATABASE', [path], error)
  }
  const isMissing = (code.startsWith('SQLITE_CANTOPEN') && !isThere(path)) ||
    (error instanceof TypeError && error.message.includes('directory does not exist'))
  if (isMissing) return timelineError('AGENT_TIMELINE_DATABASE_MISSING', [path], error)
  if (isSchemaChange(error)) {
    return timelineError('AGENT_TIMELINE_NOT_MIGRATED', [(error as Error).message.replace(/^no such \w+: /, '')], error)
  }
  return timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE', [], error)
}

/**
 * What leaves the engine's room: coded, with what may be made of it.
 *
 * @param outcome of the batch whose commit failed
 */
export function storeError (error: unknown, path: string, outcome?: BatchOutcome): TimelineError {
  return isTimelineError(error) ? error : new StoreError(kindOf(error), databaseError(error, path), outcome)
}

function kindOf (error: unknown): StoreErrorKind {
  if (isBusy(error)) return 'busy'
  if (isSchemaChange(error)) return 'schema_changed'
  if (!isRefusal(error)) return 'away'
  if (error instanceof TransactionGone) return 'undone'
  // Ours refer to nothing: it is the row of an invocation, which a database that was put in its place may want, too.
  return sqliteCode(error) === 'SQLITE_CONSTRAINT_FOREIGNKEY' ? 'unknown_task' : 'refused'
}
