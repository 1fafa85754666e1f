import type { Kysely } from 'kysely'
import { readFacts } from '../../insight/activity-facts.js'
import { CallChanges } from '../../insight/call-changes.js'
import { createProgress } from '../../insight/progress.js'
import { createTally, encodeTally, spendUntil } from '../../insight/tally.js'
import { parseTime, type Clock } from '../../time/clock.js'
import { nextTurn } from '../../time/timers.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import { insertJob, readJob } from './backfill.js'
import type { Database } from './database.js'
import { storeFailure } from './explain-run.js'
import { createCallStatements, storeCalls } from './tool-calls.js'
import { writeUsageColumns } from './usage-columns.js'
import { parseObject } from '../../text/parse-object.js'

/** A page holds no more than a few megabytes, whatever the rows. */
const ROWS_A_PAGE = 200
/** How long a page waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

/**
 * Reads the calls and the course of a run out of its log: of one that a version before wrote, which kept neither.
 * Begins anew where it was interrupted; each page of the log is a short transaction.
 */
export async function rebuildCalls (database: Database, invocationId: number): Promise<void> {
  const run = await database.read((db) => db.selectFrom('invocation_run')
    .select(['task_id', 'started_at', 'completed_at', 'tally', 'usage']).where('invocation_id', '=', invocationId)
    .executeTakeFirst())
  if (run === undefined || run.tally !== null) return
  const course = { progress: createProgress(), tally: createTally(parseTime(run.started_at) ?? 0) }
  const statements = createCallStatements()
  let plan: string | undefined
  await database.write(async (trx) => {
    await trx.deleteFrom('tool_call').where('invocation_id', '=', invocationId).execute()
    await trx.deleteFrom('task_file').where('invocation_id', '=', invocationId).execute()
    await trx.deleteFrom('run_bin').where('invocation_id', '=', invocationId).execute()
    await trx.updateTable('invocation_run').set({ bin_ms: null }).where('invocation_id', '=', invocationId).execute()
  }, PATIENCE_MS)
  for (let after = 0; ;) {
    const rows = await database.read((db) => db.selectFrom('invocation_activity')
      .select(['seq', 'activity_type', 'message', 'metadata', 'created_at', 'lag_ms'])
      .where('invocation_id', '=', invocationId).where('seq', '>', after).orderBy('seq').limit(limitTo(ROWS_A_PAGE))
      .execute())
    const changes = new CallChanges()
    for (const { seq, activity_type: type, message, metadata, created_at: createdAt, lag_ms: lagMs } of rows) {
      if (parseObject(metadata)?.late === true) continue
      const facts = readFacts(type, message, metadata)
      plan = facts?.plan ?? plan
      const at = (parseTime(createdAt) ?? 0) - Number(lagMs)
      changes.follow(course, invocationId, { type, message, metadata, at, seq: Number(seq), call: facts?.call })
    }
    await database.write((trx) => storeCalls(trx, statements, run.task_id, changes), PATIENCE_MS)
    if (rows.length < ROWS_A_PAGE) break
    after = Number(rows.at(-1)?.seq)
    await nextTurn()
  }
  const endedAt = parseTime(run.completed_at)
  if (endedAt !== undefined) spendUntil(course.tally, course.progress, endedAt)
  await database.write(async (trx) => {
    const usage = parseObject(run.usage)
    await trx.updateTable('invocation_run').set({
      tally: encodeTally(course.tally),
      ...(plan === undefined ? {} : { plan }),
      ...(usage === undefined ? {} : writeUsageColumns(usage))
    }).where('invocation_id', '=', invocationId).where('tally', 'is', null).execute()
    await storeFailure(trx, invocationId)
  }, PATIENCE_MS)
}

/** Says in `timeline_migration` up to which invocation nothing is left to rebuild. */
const JOB = '010_tool_calls'
/** That is moved on by so many invocations at least: opening a database is no reason to write. */
const CURSOR_STEP = 1_000

/**
 * Runs that a version before recorded, and that have ended, one after the other, oldest first. What the host's own
 * logger wrote has no log that calls could be read from.
 */
export async function rebuildAllCalls (database: Database, now: Clock, isStopped: () => boolean): Promise<void> {
  const cursor = Number((await database.read((db) => readJob(db, JOB)))?.backfill_cursor ?? 0)
  const settled = await database.read(lastSettled)
  for (let after = cursor; ;) {
    if (isStopped()) return
    const row = await database.read((db) => db.selectFrom('invocation_run').select('invocation_id')
      .where('invocation_id', '>', after).where('source', '=', 'recorder').where('tally', 'is', null)
      .where('status', '<>', 'running').orderBy('invocation_id').limit(limitTo(1)).executeTakeFirst())
    if (row === undefined) break
    after = Number(row.invocation_id)
    await rebuildCalls(database, after)
    await nextTurn()
  }
  if (settled - cursor < CURSOR_STEP) return
  await database.write(async (trx) => {
    await insertJob(trx, JOB, now)
    await trx.updateTable('timeline_migration').set({ backfill_cursor: settled }).where('name', '=', JOB).execute()
  }, PATIENCE_MS)
}

/** The last invocation before those that run: a process of the version before may still write to them. */
async function lastSettled (db: Kysely<Tables>): Promise<number> {
  const runs = db.selectFrom('invocation_run').where('source', '=', 'recorder')
  const running = await runs.select(({ fn }) => fn.min('invocation_id').as('id')).where('status', '=', 'running').executeTakeFirst()
  if (typeof running?.id === 'number') return running.id - 1
  const last = await db.selectFrom('invocation_run').select(({ fn }) => fn.max('invocation_id').as('id')).executeTakeFirst()
  return Number(last?.id ?? 0)
}
