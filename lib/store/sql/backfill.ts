import { sql, type Kysely } from 'kysely'
import { MIGRATION_NAME } from '../../../migrations/010_invocation_lifecycle.js'
import { parseTime, toIso, type Clock } from '../../time/clock.js'
import type { HostRows } from '../host-rows.js'
import type { Database } from './database.js'
import type { Tables } from '../tables.js'
import { setImmediate } from '../../time/timers.js'

/** A transaction that rewrites more than this makes the write-ahead log grow by as much. */
const CHUNK_BYTES = 8 * 1024 * 1024
const CHUNK_ROWS = 200
/** How long a step waits for the lock, in milliseconds. */
const PATIENCE_MS = 30_000

/** The job that fills the host's `*_ms` columns, which its own migration did not get to. */
const MS_COLUMNS_JOB = '010_ms_columns'

/**
 * Gives the invocations that were there before their lifecycle: our records and the document's columns.
 *
 * Goes on where an earlier call, or another process, stopped; each step is one short transaction. Whoever reads
 * meanwhile is not kept waiting: a task's own rows are taken in when it is read.
 *
 * @param isStopped asked between steps; what is not done then is done next time
 */
export async function backfill (database: Database, now: Clock, isStopped = () => false): Promise<void> {
  for (const [job, apply] of await jobsOf(database)) {
    while (!isStopped() && !(await step(database, job, apply, now))) await new Promise(setImmediate)
  }
}

type Apply = (trx: Kysely<Tables>, host: HostRows, ids: readonly number[]) => Promise<void>

async function jobsOf (database: Database): Promise<ReadonlyArray<readonly [string, Apply]>> {
  return database.read(async (db, host) => {
    const row = await db.selectFrom('timeline_migration').select('added_columns').where('name', '=', MIGRATION_NAME)
      .executeTakeFirst()
    const wasSkipped = host.schema.invocations.has('started_at_ms') &&
      row?.added_columns.split(',').includes('status') === true
    const jobs: Array<readonly [string, Apply]> = [[MIGRATION_NAME, (trx, at, ids) => at.adopt(trx, ids)]]
    return wasSkipped ? [...jobs, [MS_COLUMNS_JOB, fillMsColumns]] : jobs
  })
}

/** How far a job is. */
export async function readJob (db: Kysely<Tables>, job: string) {
  return await db.selectFrom('timeline_migration').select(['backfill_cursor', 'backfilled_at']).where('name', '=', job)
    .executeTakeFirst()
}

/** @returns whether the job is done */
async function step (database: Database, job: string, apply: Apply, now: Clock): Promise<boolean> {
  const before = await database.read((db) => readJob(db, job))
  if (before !== undefined && before.backfilled_at !== null) return true
  const cursor = Number(before?.backfill_cursor ?? 0)
  const ids = await database.read((db) => nextIds(db, cursor))
  await database.write(async (trx, host) => {
    if (before === undefined) await insertJob(trx, job, now)
    const current = await readJob(trx, job)
    // Another process was here meanwhile: its work counts.
    if (current === undefined || Number(current.backfill_cursor) !== cursor) return
    await apply(trx, host, ids)
    await trx.updateTable('timeline_migration').set({
      backfill_cursor: ids.at(-1) ?? cursor, backfilled_at: ids.length === 0 ? toIso(now()) : null
    }).where('name', '=', job).execute()
  }, PATIENCE_MS)
  return ids.length === 0
}

export async function insertJob (trx: Kysely<Tables>, job: string, now: Clock): Promise<void> {
  await trx.insertInto('timeline_migration')
    .values({ name: job, applied_at: toIso(now()), added_columns: '', backfilled_at: null })
    .onConflict((conflict) => conflict.column('name').doNothing()).execute()
}

/** The next invocations, few enough that rewriting them stays within a chunk. */
async function nextIds (db: Kysely<Tables>, cursor: number): Promise<number[]> {
  const rows = await db.selectFrom('task_invocations')
    .select(['id', sql<number>`octet_length(prompt) + coalesce(octet_length(response), 0)`.as('bytes')])
    .where('id', '>', cursor).orderBy('id').limit(CHUNK_ROWS).execute()
  const ids: number[] = []
  let bytes = 0
  for (const row of rows) {
    bytes += Number(row.bytes ?? 0)
    if (ids.length > 0 && bytes > CHUNK_BYTES) break
    ids.push(Number(row.id))
  }
  return ids
}

async function fillMsColumns (trx: Kysely<Tables>, host: HostRows, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  const runs = await trx.selectFrom('invocation_run').select(['invocation_id', 'started_at', 'completed_at', 'last_activity_at'])
    .where('invocation_id', 'in', [...ids]).execute()
  const hasActivity = host.schema.invocations.has('last_activity_at_ms')
  for (const run of runs) {
    await host.tryPart(trx, () => trx.updateTable('task_invocations').set({
      started_at_ms: parseTime(run.started_at) ?? null,
      completed_at_ms: parseTime(run.completed_at) ?? null,
      ...(hasActivity ? { last_activity_at_ms: parseTime(run.last_activity_at) ?? null } : {})
    }).where('id', '=', run.invocation_id).where('started_at_ms', 'is', null).execute())
  }
}
