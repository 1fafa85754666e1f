import type { Kysely } from 'kysely'
import { parseTime, toIso } from '../../time/clock.js'
import type { RetentionOptions } from '../port.js'
import type { Database } from './database.js'
import type { Tables } from '../tables.js'
import { setImmediate } from '../../time/timers.js'

/** Rows a transaction: a few milliseconds, so that no writer waits. */
const ROWS_A_STEP = 500
/** How long a step waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000
const DAY_MS = 24 * 60 * 60 * 1000
const END_OF_TIME = '9999-12-31T23:59:59.999Z'

/**
 * Deletes activities past their time, oldest first, in short steps.
 * Lifecycle and task events live as long as their invocation.
 *
 * @returns how many rows went
 */
export async function pruneActivities (database: Database, options: RetentionOptions): Promise<number> {
  let pruned = 0
  for (;;) {
    if (options.isStopped?.() === true) return pruned
    const before = await cutOff(database, options)
    // Nothing to delete is the rule, and must not cost a lock.
    if (before === undefined || !(await database.read((db) => hasOlder(db, before)))) return pruned
    const rows = await database.write((trx) => deleteOldest(trx, before), PATIENCE_MS)
    pruned += rows
    if (rows === 0) return pruned
    await new Promise(setImmediate)
  }
}

/**
 * The time to start from when the clock cannot be compared with anything else: the clock's own, unless all activities
 * would have expired by it. Then either nobody has worked for long, or the clock is wrong; so it is the last one's.
 */
export async function plausibleNow (
  database: Database, { activityLogRetention, now }: Pick<RetentionOptions, 'activityLogRetention' | 'now'>
): Promise<number> {
  const { newest } = await database.read((db) => db.selectFrom('invocation_activity')
    .select((eb) => eb.fn.max('created_at').as('newest')).executeTakeFirstOrThrow())
  const newestMs = parseTime(newest) ?? now()
  return now() - newestMs > activityLogRetention * DAY_MS ? newestMs : now()
}

/** Everything inserted before this goes; undefined when nothing has to. */
async function cutOff (database: Database, options: RetentionOptions): Promise<string | undefined> {
  const { maxDatabaseBytes } = options
  if (maxDatabaseBytes !== undefined && await database.usedBytes() > maxDatabaseBytes) return END_OF_TIME
  if (options.activityLogRetention === 0) return undefined
  return toIso(options.now() - options.activityLogRetention * DAY_MS)
}

async function hasOlder (db: Kysely<Tables>, before: string): Promise<boolean> {
  return await db.selectFrom('invocation_activity').select('id').where('created_at', '<', before).limit(1)
    .executeTakeFirst() !== undefined
}

async function deleteOldest (trx: Kysely<Tables>, before: string): Promise<number> {
  const rows = await trx.deleteFrom('invocation_activity').where('id', 'in', (eb) => eb.selectFrom('invocation_activity')
    .select('id').where('created_at', '<', before).orderBy('created_at').orderBy('id').limit(ROWS_A_STEP)).returning(['task_id', 'seq'])
    .execute()
  const floors = new Map<string, number>()
  for (const row of rows) floors.set(row.task_id, Math.max(Number(row.seq), floors.get(row.task_id) ?? 0))
  for (const [taskId, seq] of floors) {
    await trx.updateTable('task_stream').set({ floor_seq: seq }).where('task_id', '=', taskId)
      .where('floor_seq', '<', seq).execute()
  }
  return rows.length
}

/** Deletes a task's activities in short steps: at once, hundreds of thousands would keep everybody waiting. */
export async function deleteActivities (database: Database, taskId: string): Promise<void> {
  for (;;) {
    const deleted = await database.write((trx) => trx.deleteFrom('invocation_activity')
      .where('id', 'in', (eb) => eb.selectFrom('invocation_activity').select('id').where('task_id', '=', taskId)
        .limit(ROWS_A_STEP)).executeTakeFirst(), PATIENCE_MS)
    if (deleted.numDeletedRows < ROWS_A_STEP) return
    await new Promise(setImmediate)
  }
}
