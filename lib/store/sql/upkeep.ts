import { toIso, type Clock } from '../../time/clock.js'
import { signOfLife } from '../dialect.js'
import type { Upkeep } from '../port.js'
import { backfill } from './backfill.js'
import type { Database } from './database.js'
import { deleteTask } from './delete-task.js'
import { forgetWriters } from './forget-writers.js'
import { endLostRun, readOwnedRuns } from './lost-runs.js'
import { createSweep } from './orphans.js'
import { rebuildAllCalls } from './rebuild-calls.js'
import { plausibleNow, pruneActivities } from './retention.js'
import { refreshEntries } from './task-entries.js'

export interface UpkeepOptions extends Pick<Upkeep, 'conflict' | 'startHeartbeat'> {
  readonly writerId: string
  readonly now: Clock
  /** Rows that the host wrote by itself are in the log now. */
  readonly onImported: (taskIds: readonly string[]) => void
}

/** How long a step of putting the list of tasks together waits for the lock, in milliseconds. */
const LIST_PATIENCE_MS = 5_000

/** What goes on beside writing and reading, on one database. */
export function createUpkeep (
  database: Database, { writerId, now, onImported, conflict, startHeartbeat }: UpkeepOptions
): Upkeep {
  async function coded<T> (work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw database.storeError(error)
    }
  }

  const sweep = createSweep(database)

  return {
    get reopenings () { return database.reopenings },
    repairIfChanged: () => coded(database.repairIfChanged()),
    conflict,
    startHeartbeat,

    async beat (patienceMs, trees) {
      await coded(database.write(async (trx) => {
        await trx.updateTable('invocation_run').set({ heartbeat_at: signOfLife(trx, toIso(now())) })
          .where('owner', '=', writerId).where('status', '=', 'running').execute()
        for (const [id, tree] of trees ?? []) {
          await trx.updateTable('invocation_run').set({ tree }).where('invocation_id', '=', id)
            .where('owner', '=', writerId).where('status', '=', 'running').execute()
        }
      }, patienceMs))
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
    sweepOrphans: () => coded(sweep()),
    prune: (options) => coded(pruneActivities(database, options)),
    plausibleNow: (options) => coded(plausibleNow(database, options)),
    deleteTask: (taskId) => coded(deleteTask(database, taskId))
  }
}
