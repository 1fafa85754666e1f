import { timelineError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { isFirstWarning } from './one-library.js'
import type { SqliteLibrary } from './sqlite-library.js'

/** Earlier ones can lose what several processes write to one file: the WAL-reset bug. */
const LEAST_VERSION = [3, 51, 3]

/** Says once in a process that its SQLite is too old for many writers. */
export function warnOfOldSqlite (library: SqliteLibrary | undefined, logger: Logger): void {
  if (library === undefined || !isOlder(library.version) || !isFirstWarning(library)) return
  const err = timelineError('AGENT_TIMELINE_SQLITE_TOO_OLD', [library.version])
  logger.warn({ code: err.code, err }, 'the SQLite in use is too old')
}

function isOlder (version: string): boolean {
  const parts = version.split('.').map(Number)
  const at = LEAST_VERSION.findIndex((least, i) => (parts[i] ?? 0) !== least)
  return at !== -1 && (parts[at] ?? 0) < (LEAST_VERSION[at] as number)
}
