import { sql, type Kysely } from 'kysely'
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
/** However full the database is, so many of the newest activities stay. */
const KEPT_ROWS = 1_000
/** How many rows tell how much an activity takes, at each end of the table. */
const SAMPLED_ROWS = 250
/** What a row takes beside its texts. */
const COLUMNS_BYTES = 80
const INDEX_BYTES = 110
const PAGE_BYTES = 4_080

/**
 * Deletes activities past their time, then those that are too much for the database, oldest first, in short steps.
 * Lifecycle and task events live as long as their invocation.
 *
 * @returns how many rows went
 */
export async function pruneActivities (database: Database, options: RetentionOptions): Promise<number> {
  return await pruneByAge(database, options) + await pruneBySize(database, options)
}

async function pruneByAge (database: Database, options: RetentionOptions): Promise<number> {
  if (options.activityLogRetention === 0) return 0
  let pruned = 0
  for (;;) {
    if (options.isStopped?.() === true) return pruned
    const before = toIso(options.now() - options.activityLogRetention * DAY_MS)
    // Nothing to delete is the rule, and must not cost a lock.
    if (!(await database.read((db) => hasOlder(db, before)))) return pruned
    const rows = await database.write((trx) => deleteRows(trx, selectOldest(trx).where('created_at', '<', before)), PATIENCE_MS)
    pruned += rows
    if (rows === 0) return pruned
    await new Promise(setImmediate)
  }
}

/** Nothing of a run that goes on; nothing at all where that would not help, because others fill the file. */
async function pruneBySize (database: Database, options: RetentionOptions): Promise<number> {
  const { maxDatabaseBytes, isStopped, onTooLarge } = options
  if (maxDatabaseBytes === undefined) return 0
  const used = await database.usedBytes()
  if (used <= maxDatabaseBytes) return 0
  let pruned = 0
  if (used - await database.read(spareBytes) <= maxDatabaseBytes) {
    for (;;) {
      if (isStopped?.() === true || await database.usedBytes() <= maxDatabaseBytes) return pruned
      const rows = await database.write((trx) => deleteRows(trx, selectSpare(trx)), PATIENCE_MS)
      pruned += rows
      if (rows === 0) break
      await new Promise(setImmediate)
    }
  }
  onTooLarge?.()
  return pruned
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

/** About how much the activities of ended runs take, from the length of some: a sum would read them all. */
async function spareBytes (db: Kysely<Tables>): Promise<number> {
  const { rows } = await db.selectFrom('invocation_activity').select((eb) => eb.fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow()
  const running = await db.selectFrom('invocation_run').select((eb) => eb.fn.sum<number | null>('activity_count').as('rows'))
    .where('status', '=', 'running').executeTakeFirst()
  const length = sql<number>`octet_length(message) + coalesce(octet_length(metadata), 0)`
  let [sampled, bytes] = [0, 0]
  for (const order of ['asc', 'desc'] as const) {
    const sample = await db.selectFrom('invocation_activity').select(length.as('length')).orderBy('id', order)
      .limit(SAMPLED_ROWS).execute()
    sampled += sample.length
    for (const row of sample) bytes += INDEX_BYTES + bytesInPages(COLUMNS_BYTES + Number(row.length))
  }
  return sampled === 0 ? 0 : Math.max(0, Number(rows) - Number(running?.rows ?? 0)) * bytes / sampled
}

/** A page holds whole rows: one that is longer than half of it has it for itself. */
function bytesInPages (bytes: number): number {
  return bytes > PAGE_BYTES ? Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES : PAGE_BYTES / Math.floor(PAGE_BYTES / bytes)
}

async function hasOlder (db: Kysely<Tables>, before: string): Promise<boolean> {
  return await db.selectFrom('invocation_activity').select('id').where('created_at', '<', before).limit(1)
    .executeTakeFirst() !== undefined
}

function selectOldest (db: Kysely<Tables>) {
  return db.selectFrom('invocation_activity').select('id').orderBy('created_at').orderBy('id').limit(ROWS_A_STEP)
}

/** The oldest that the database can do without. */
function selectSpare (db: Kysely<Tables>) {
  return selectOldest(db)
    .where('id', '<=', (eb) => eb.selectFrom('invocation_activity').select('id').orderBy('id', 'desc').limit(1).offset(KEPT_ROWS))
    .where('invocation_id', 'not in', (eb) => eb.selectFrom('invocation_run').select('invocation_id').where('status', '=', 'running'))
}

async function deleteRows (trx: Kysely<Tables>, oldest: ReturnType<typeof selectOldest>): Promise<number> {
  const rows = await trx.deleteFrom('invocation_activity').where('id', 'in', oldest).returning(['task_id', 'seq']).execute()
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
