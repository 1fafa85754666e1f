import type { TimelineError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import type { Store, Upkeep, WakeBus } from '../port.js'
import { adoptNewInvocations } from './adopt.js'
import { createAdviceStore } from './advice.js'
import { createAnswerReader } from './answers.js'
import { createCallHistory } from './call-history.js'
import { createNoticeStore } from './notices.js'
import type { Database, OpeningLimits } from './database.js'
import { createLogWriter, type LogWriterOptions } from './log-writer.js'
import { createReader } from './reader.js'
import { createReadRunning } from './running.js'
import { refreshEntries } from './task-entries.js'
import { createTaskListReader } from './task-list.js'
import { createUpkeep } from './upkeep.js'
import type { OpenHost } from '../host-rows.js'
import type { Meter } from '../../meter.js'

/** What a store of any engine is opened with. */
export interface StoreOptions extends LogWriterOptions {
  /** Apply migration 010 where it is missing. Without it only a new, empty database is set up. */
  readonly migrate: boolean
  /** Make the database if it is missing, as far as the engine can. */
  readonly create: boolean
  readonly openHost: OpenHost
  /** Told whenever the lock is somebody else's; counts nothing by default. */
  readonly meter?: Meter
  readonly opening?: OpeningLimits
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

/** What each engine does in a way of its own. */
export interface EngineParts extends Pick<Upkeep, 'conflict' | 'startHeartbeat'> {
  readonly bus: WakeBus
  /** A number that changes whenever somebody else committed. */
  readonly changeMark: () => Promise<number>
}

/** What is stored can be read while somebody keeps the lock; the host's newest rows come later then. */
const IMPORT_PATIENCE_MS = 250
/** Tasks that are brought up to date for a request; more there are only while a database is new to us. */
const LISTED_AT_ONCE = 1_000

/** Puts a store together from a database and what its engine has of its own. */
export function composeStore (database: Database, options: StoreOptions, parts: EngineParts): Store {
  async function importPending (taskId: string): Promise<number | undefined> {
    const { imported, recheckInMs } = await database.write(
      (trx, host) => host.importPending(trx, taskId), IMPORT_PATIENCE_MS)
    if (imported > 0) options.onImported([taskId])
    return recheckInMs
  }

  /** A database that is away is told of as such, what a host's own source threw is not. */
  function onImportError (error: unknown): void {
    const coded = database.storeError(error)
    if (database.isOfDatabase(error)) options.onTrouble(coded)
    else options.onImportError(coded)
  }

  /** What cannot be brought in for a lock, or for what is wrong with the host's rows, comes later. */
  async function refreshList (): Promise<void> {
    try {
      await adoptNewInvocations(database)
      await refreshEntries(database, {
        ...options, limit: LISTED_AT_ONCE, patienceMs: IMPORT_PATIENCE_MS, mayImport: true
      })
    } catch (error) {
      if (!database.isBusy(error)) onImportError(error)
    }
  }

  const { bus } = parts
  const readRunning = createReadRunning()
  return {
    path: database.path,
    writer: createLogWriter(database, options),
    reader: createReader({
      read: database.read,
      importPending,
      adoptNew: () => adoptNewInvocations(database),
      isBusy: database.isBusy,
      changeMark: parts.changeMark,
      onImportError
    }),
    answers: {
      ...createAnswerReader((query) => database.read((db) => query(db))), databaseBytes: () => database.usedBytes()
    },
    notices: createNoticeStore(database),
    advice: createAdviceStore(database),
    calls: createCallHistory((query) => database.read((db) => query(db))),
    tasks: createTaskListReader((query) => database.read((db) => query(db)), refreshList),
    upkeep: createUpkeep(database, { ...options, ...parts }),
    bus,
    runningRows: (ids) => database.read((db) => readRunning(db, ids)),
    async close (written) {
      bus.close()
      await database.close(written)
    }
  }
}
