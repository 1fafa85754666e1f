import { OF_TASK } from '../../../migrations/statements.js'
import { taskIdIn } from '../dialect.js'
import type { Database } from './database.js'
import { deleteActivities } from './retention.js'

/** How long it waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

/**
 * Deletes a task's log, all else of ours that is about it, and its invocations; its activities first, in transactions
 * of a bounded size.
 *
 * @throws AGENT_TIMELINE_DATABASE_LOCKED, AGENT_TIMELINE_DATABASE_UNAVAILABLE
 */
export async function deleteTask (database: Database, taskId: string): Promise<void> {
  try {
    await deleteActivities(database, taskId)
    await database.write(async (trx) => {
      for (const table of OF_TASK) await trx.deleteFrom(table).where('task_id', '=', taskId).execute()
      await trx.deleteFrom('task_invocations').where(taskIdIn(trx, 'task_id'), '=', taskId).execute()
      // What the host still has of the task is put together anew.
      await trx.deleteFrom('task_entry').where('task_id', '=', taskId).execute()
      await trx.insertInto('task_entry').values({ task_id: taskId } as never).execute()
    }, PATIENCE_MS)
  } catch (error) {
    throw database.storeError(error)
  }
}
