import { isTimelineError, type TimelineError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { createInProcessBus } from '../in-process-bus.js'
import type { Store } from '../port.js'
import { adoptNewInvocations } from './adopt.js'
import { createAnswerReader } from './answers.js'
import { createBell } from './bell.js'
import { createCallHistory } from './call-history.js'
import { canonicalPath } from './canonical-path.js'
import { openDatabase, type Database, type DatabaseOptions } from './database.js'
import { openLateDatabase } from './late-database.js'
import { createLogWriter, type LogWriterOptions } from './log-writer.js'
import { warnOfOldSqlite } from './old-sqlite.js'
import { createReader } from './reader.js'
import { createReadRunning } from './running.js'
import { isBusy, sqliteCode, storeError } from './sqlite-error.js'
import { refreshEntries } from './task-entries.js'
import { createTaskListReader } from './task-list.js'
import { createUpkeep } from './upkeep.js'

export interface StoreOptions extends DatabaseOptions, LogWriterOptions {
  readonly logger: Logger
  /** A database that cannot be used is waited for, instead of refused. */
  readonly isAwaited: boolean
  /** It was waited for, and can be used now. */
  readonly onUsable: (path: string) => void
  /** The database cannot be used. @param isLasting not for a moment only */
  readonly onTrouble: (error: TimelineError, isLasting?: boolean) => void
  /** Rows that the host wrote by itself are in the log now. */
  readonly onImported: (taskIds: readonly string[]) => void
  /** They could not be brought in, for a reason that is not the database's. */
  readonly onImportError: (error: TimelineError) => void
}

/** What is stored can be read while somebody keeps the lock; the host's newest rows come later then. */
const IMPORT_PATIENCE_MS = 250
/** Tasks that are brought up to date for a request; more there are only while a database is new to us. */
const LISTED_AT_ONCE = 1_000

/**
 * Opens an SQLite database as a store.
 *
 * @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_*
 */
export async function openStore (options: StoreOptions): Promise<Store> {
  const { logger } = options
  const database = options.isAwaited
    ? await openLateDatabase({ ...options, onFailure, onOpened })
    : await openDatabase(options)
  const { path } = database
  warnOfOldSqlite(database.library, logger)

  function onFailure (error: TimelineError): void {
    options.onTrouble(error, true)
  }

  function onOpened (opened: Database): void {
    options.onUsable(opened.path)
    warnOfOldSqlite(opened.library, logger)
  }

  async function importPending (taskId: string): Promise<number | undefined> {
    const { imported, recheckInMs } = await database.write(
      (trx, host) => host.importPending(trx, taskId), IMPORT_PATIENCE_MS)
    if (imported > 0) options.onImported([taskId])
    return recheckInMs
  }

  /** A database that is away is told of as such, what a host's own source threw is not. */
  function onImportError (error: unknown): void {
    if (isTimelineError(error) && isOfDatabase(error)) options.onTrouble(error)
    else options.onImportError(storeError(error, path))
  }

  /** What cannot be brought in for a lock, or for what is wrong with the host's rows, comes later. */
  async function refreshList (): Promise<void> {
    try {
      await adoptNewInvocations(database)
      await refreshEntries(database, {
        ...options, limit: LISTED_AT_ONCE, patienceMs: IMPORT_PATIENCE_MS, mayImport: true
      })
    } catch (error) {
      if (!isBusy(error)) onImportError(error)
    }
  }

  const readRunning = createReadRunning()
  // One bell for a file, whatever links lead to it.
  const bus = path === '' ? createInProcessBus() : createBell({ databasePath: canonicalPath(path), logger })
  return {
    path,
    writer: createLogWriter(database, options),
    reader: createReader({
      read: database.read, importPending, adoptNew: () => adoptNewInvocations(database), onImportError
    }),
    answers: createAnswerReader((query) => database.read((db) => query(db))),
    calls: createCallHistory((query) => database.read((db) => query(db))),
    tasks: createTaskListReader((query) => database.read((db) => query(db)), refreshList),
    upkeep: createUpkeep(database, options),
    bus,
    runningRows: (ids) => database.read((db) => readRunning(db, ids)),
    async close (written) {
      bus.close()
      await database.close(written)
    }
  }
}

function isOfDatabase ({ code, cause }: TimelineError): boolean {
  return code !== 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' || sqliteCode(cause) !== ''
}
