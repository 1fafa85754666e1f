import { toIso, type Clock } from '../../time/clock.js'
import type { Upkeep } from '../port.js'
import { backfill } from './backfill.js'
import type { Database } from './database.js'
import { deleteTask } from './delete-task.js'
import { forgetWriters } from './forget-writers.js'
import { startHeartbeatThread } from './heartbeat-thread.js'
import { endLostRun, readOwnedRuns } from './lost-runs.js'
import { secondLibrary } from './one-library.js'
import { sweepOrphans } from './orphans.js'
import { rebuildAllCalls } from './rebuild-calls.js'
import { plausibleNow, pruneActivities } from './retention.js'
import { storeError } from './sqlite-error.js'
import { refreshEntries } from './task-entries.js'

export interface UpkeepOptions {
  readonly writerId: string
  readonly now: Clock
  /** Rows that the host wrote by itself are in the log now. */
  readonly onImported: (taskIds: readonly string[]) => void
}

/** How long a step of putting the list of tasks together waits for the lock, in milliseconds. */
const LIST_PATIENCE_MS = 5_000

/** What goes on beside writing and reading, on one database. */
export function createUpkeep (
  database: Database, { writerId, now, onImported }: UpkeepOptions
): Upkeep {
  async function coded<T> (work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw storeError(error, database.path)
    }
  }

  return {
    get reopenings () { return database.reopenings },
    repairIfChanged: () => coded(database.repairIfChanged()),
    conflict: () => database.isSharedWithAnother() ? secondLibrary(database.path) : undefined,

    async beat (patienceMs) {
      await coded(database.write((trx) => trx.updateTable('invocation_run').set({ heartbeat_at: toIso(now()) })
        .where('owner', '=', writerId).where('status', '=', 'running').execute(), patienceMs))
    },

    startHeartbeat (options) {
      const { path, library } = database
      if (path === '' || library?.module === undefined) return undefined
      return startHeartbeatThread({ ...options, path, library, writerId })
    },

    ownedRuns: (freshMs) => coded(database.read((db) => readOwnedRuns(db, freshMs, now()))),
    endLostRun: (run) => coded(endLostRun(database, run, now())),
    backfill: (isStopped) => coded(
      backfill(database, now, isStopped).then(() => rebuildAllCalls(database, now, isStopped))),
    refreshTasks: (isStopped) => coded(refreshEntries(database, {
      // Its history gets its numbers when somebody first asks for a task, in the order of time.
      limit: Infinity, patienceMs: LIST_PATIENCE_MS, now, mayImport: false, onImported, isStopped
    })),
    forgetWriters: (clock) => coded(forgetWriters(database, clock)),
    sweepOrphans: () => coded(sweepOrphans(database)),
    prune: (options) => coded(pruneActivities(database, options)),
    plausibleNow: (options) => coded(plausibleNow(database, options)),
    deleteTask: (taskId) => coded(deleteTask(database, taskId))
  }
}
