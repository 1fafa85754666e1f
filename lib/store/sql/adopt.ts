import type { Kysely } from 'kysely'
import { MIGRATION_NAME } from '../../../migrations/010_invocation_lifecycle.js'
import { lateIds } from '../dialect.js'
import type { Database } from './database.js'
import type { Tables } from '../tables.js'

const ROWS_A_STEP = 200
/** How far the cursor may lag behind invocations that need no record made: each look walks over them. */
const MAX_LAG = 1_000
/** A list is not worth waiting longer for a lock, in milliseconds. */
const PATIENCE_MS = 250

/**
 * Makes records of the invocations that the host wrote since the last look, so that lists have them.
 *
 * Goes on where the backfill stopped; before that is done, the rest is its business. Ids rise with their commits, so
 * nothing appears behind the cursor.
 */
export async function adoptNewInvocations (database: Database): Promise<void> {
  for (;;) {
    const found = await database.read((db) => findNew(db))
    if (found === undefined) break
    await database.write(async (trx, host) => {
      await host.adopt(trx, found.ids)
      await trx.updateTable('timeline_migration').set({ backfill_cursor: found.cursor }).where('name', '=', MIGRATION_NAME)
        .where('backfill_cursor', '<', found.cursor).where('backfilled_at', 'is not', null).execute()
    }, PATIENCE_MS)
    if (found.ids.length < ROWS_A_STEP) break
  }
  const moved = await database.read((db, host) => host.endedTasks(db))
  for (const taskId of moved) {
    await database.write((trx, host) => host.importPending(trx, taskId), PATIENCE_MS)
  }
}

async function findNew (db: Kysely<Tables>): Promise<{ ids: readonly number[], cursor: number } | undefined> {
  const job = await db.selectFrom('timeline_migration').select(['backfill_cursor', 'backfilled_at'])
    .where('name', '=', MIGRATION_NAME).executeTakeFirst()
  if (job === undefined || job.backfilled_at === null) return undefined
  const after = Number(job.backfill_cursor)
  const last = await db.selectFrom('task_invocations').select((eb) => eb.fn.max('id').as('id')).executeTakeFirst()
  const head = Number(last?.id ?? 0)
  if (head <= after) return undefined
  const rows = await db.selectFrom('task_invocations').select('id').where('id', '>', after - lateIds(db)).where('id', '<=', head)
    .where((eb) => eb.not(eb.exists(eb.selectFrom('invocation_run').select('invocation_id')
      .whereRef('invocation_id', '=', 'task_invocations.id'))))
    .orderBy('id').limit(ROWS_A_STEP).execute()
  const ids = rows.map((row) => Number(row.id))
  if (ids.length === 0 && head - after < MAX_LAG) return undefined
  return { ids, cursor: ids.length < ROWS_A_STEP ? head : ids.at(-1) as number }
}
