import type { TimelineError } from '../../errors.js'
import { createInProcessBus } from '../in-process-bus.js'
import type { Store } from '../port.js'
import { composeStore, type StoreOptions } from '../sql/compose-store.js'
import { openLateDatabase } from '../sql/late-database.js'
import { createBell } from './bell.js'
import { canonicalPath } from './canonical-path.js'
import { createChangeMark } from './change-mark.js'
import { openDatabase, type SqliteStoreDatabase } from './database.js'
import { startHeartbeatThread } from './heartbeat-thread.js'
import { warnOfOldSqlite } from './old-sqlite.js'
import { secondLibrary } from './one-library.js'
import { canonicalFileOf, type SqliteSource } from './source.js'

/**
 * Opens an SQLite database as a store.
 *
 * @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_*
 */
export async function openSqliteStore (source: SqliteSource, options: StoreOptions): Promise<Store> {
  const { logger, writerId } = options
  let opened: SqliteStoreDatabase | undefined

  const open = (opening = options.opening) => openDatabase({
    ...options, database: source, ...(opening === undefined ? {} : { opening })
  })
  const database = options.isAwaited
    ? await openLateDatabase({
      path: await canonicalFileOf(source).catch(() => undefined) ?? '',
      async open (opening) {
        opened = await open(opening)
        return opened
      },
      opening: options.opening,
      onFailure: (error: TimelineError) => options.onTrouble(error, true),
      onOpened (late) {
        options.onUsable(late.path)
        warnOfOldSqlite(late.library, logger)
      }
    })
    : opened = await open()
  const { path } = database
  warnOfOldSqlite(opened?.library, logger)
  return composeStore(database, options, {
    // One bell for a file, whatever links lead to it.
    bus: path === '' ? createInProcessBus() : createBell({ databasePath: canonicalPath(path), logger }),
    changeMark: createChangeMark(database),
    conflict: () => opened?.isSharedWithAnother() === true ? secondLibrary(opened.path) : undefined,
    startHeartbeat (wanted) {
      const library = opened?.library
      if (opened === undefined || opened.path === '' || library?.module === undefined) return undefined
      return startHeartbeatThread({ ...wanted, path: opened.path, library, writerId })
    }
  })
}
