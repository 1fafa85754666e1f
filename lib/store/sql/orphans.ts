import { sql, type Kysely } from 'kysely'
import { taskIdIn } from '../dialect.js'
import type { HostRows } from '../host-rows.js'
import type { Database } from './database.js'
import type { Tables } from '../tables.js'

const ROWS_A_STEP = 200
/** How long a step waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

/**
 * Deletes what is left of invocations and tasks that the host deleted while the triggers were away, as they are
 * between a rebuild of its tables and the next time a timeline opens the database.
 *
 * A parent table that is empty is one in the middle of a rebuild, as far as anybody can tell: then nothing goes. Nor
 * does the log of a task that is in no table of tasks, while its invocations are there: that table may be about
 * something else.
 *
 * @returns how many invocations and tasks went
 */
export async function sweepOrphans (database: Database): Promise<number> {
  let swept = 0
  for (;;) {
    const found = await database.read((db, host) => findOrphans(db, host))
    if (found.invocations.length + found.tasks.length === 0) return swept
    await database.write(async (trx, host) => {
      // Looked for again: under the lock nobody is in between.
      const { invocations, tasks } = await findOrphans(trx, host)
      if (invocations.length > 0) await deleteBy(trx, 'invocation_id', invocations)
      if (tasks.length > 0) {
        await deleteBy(trx, 'task_id', tasks)
        await trx.deleteFrom('task_stream').where('task_id', 'in', tasks).execute()
      }
      swept += invocations.length + tasks.length
    }, PATIENCE_MS)
  }
}

async function findOrphans (db: Kysely<Tables>, host: HostRows) {
  const invocations = await sql<{ id: number }>`SELECT invocation_id AS id FROM invocation_run AS r
    WHERE NOT EXISTS (SELECT 1 FROM task_invocations AS i WHERE i.id = r.invocation_id)
      AND EXISTS (SELECT 1 FROM task_invocations) LIMIT ${ROWS_A_STEP}`.execute(db)
  const tasks = host.schema.ownsTasks
    ? await sql<{ id: string }>`SELECT s.task_id AS id FROM task_stream AS s
        WHERE NOT EXISTS (SELECT 1 FROM tasks AS t WHERE ${taskIdIn(db, 't.id')} = s.task_id)
          AND NOT EXISTS (SELECT 1 FROM task_invocations AS i WHERE ${taskIdIn(db, 'i.task_id')} = s.task_id)
          AND EXISTS (SELECT 1 FROM tasks) LIMIT ${ROWS_A_STEP}`.execute(db)
    : { rows: [] }
  return { invocations: invocations.rows.map((row) => Number(row.id)), tasks: tasks.rows.map((row) => row.id) }
}

async function deleteBy (
  trx: Kysely<Tables>, column: 'invocation_id' | 'task_id', ids: ReadonlyArray<number | string>
): Promise<void> {
  for (const table of ['invocation_activity', 'timeline_event', 'invocation_run'] as const) {
    await (trx as Kysely<any>).deleteFrom(table).where(column, 'in', [...ids]).execute()
  }
}
