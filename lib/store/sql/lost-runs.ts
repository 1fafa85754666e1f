import { sql, type Kysely } from 'kysely'
import { decodeProgress } from '../../insight/stored-progress.js'
import { decodeTally, encodeTally, spendUntil } from '../../insight/tally.js'
import type { Ending } from '../../model/ending.js'
import type { ToolKind } from '../../model/activity.js'
import { abortedMetadata, MAX_OPEN_CALLS } from '../../model/open-call.js'
import { parseTime, toIso } from '../../time/clock.js'
import { timeFromNow } from '../dialect.js'
import type { OwnedRun } from '../port.js'
import { allocate, appendEvents } from '../sequence.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import type { Database } from './database.js'
import { storeFailure } from './explain-run.js'
import { insertActivities, type ActivityRow } from './insert-activities.js'
import { rebuildCalls } from './rebuild-calls.js'
import { endRun } from './run-end.js'
import { abortCall, createCallStatements } from './tool-calls.js'

/** How long the end of a lost run waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

/**
 * The running invocations that a writer owns, but for those with a sign of life that is younger than `freshMs`.
 *
 * @param now milliseconds since the epoch
 */
export async function readOwnedRuns (db: Kysely<Tables>, freshMs: number, now: number): Promise<readonly OwnedRun[]> {
  // Clocks that differ, or were set, make a sign of the future: it says nothing.
  const isStale = (column: 'invocation_run.heartbeat_at' | 'timeline_writer.heartbeat_at') => sql<boolean>`(${sql.ref(column)} IS NULL
    OR ${sql.ref(column)} NOT BETWEEN ${timeFromNow(db, now, -freshMs)} AND ${timeFromNow(db, now, 1_000)})`
  const rows = await db.selectFrom('invocation_run')
    .leftJoin('timeline_writer', 'timeline_writer.writer_id', 'invocation_run.owner')
    .select(['invocation_id', 'task_id', 'started_at', 'last_activity_at', 'invocation_run.heartbeat_at', 'invocation_run.owner as writer',
      'timeline_writer.owner as owner', 'timeline_writer.heartbeat_at as written_at'])
    .where('invocation_run.status', '=', 'running').where('invocation_run.source', '=', 'recorder')
    .$if(freshMs > 0, (select) => select
      .where(isStale('invocation_run.heartbeat_at')).where(isStale('timeline_writer.heartbeat_at')))
    .execute()
  return rows.flatMap((row) => row.writer === null
    ? []
    : [{
        invocationId: Number(row.invocation_id),
        taskId: row.task_id,
        startedAt: parseTime(row.started_at),
        lastActivityAt: parseTime(row.last_activity_at),
        writerId: row.writer,
        owner: row.owner,
        sign: `${row.heartbeat_at} ${row.written_at}`
      }])
}

const LOST: Ending = { status: 'failed', reason: 'lost', error: 'The process that ran the agent is gone' }

/**
 * Ends a run whose process is gone: failed, with reason `lost`, and its open calls as aborted.
 *
 * @param now milliseconds since the epoch
 * @returns false where the run had ended meanwhile
 */
export async function endLostRun (database: Database, run: OwnedRun, now: number): Promise<boolean> {
  await rebuildCalls(database, run.invocationId)
  return database.write(async (trx, host) => {
    // Its process may have had another clock.
    const at = Math.max(now, run.startedAt ?? 0, run.lastActivityAt ?? 0)
    const durationMs = at - (run.startedAt ?? at)
    await closeTally(trx, run, at)
    const end = { id: run.invocationId, ending: LOST, at, durationMs, takesModel: false }
    const event = await endRun(trx, host, end)
    if (event === undefined) return false
    await abortOpenCalls(trx, run, now)
    await appendEvents(trx, run.taskId, [event])
    await storeFailure(trx, run.invocationId)
    return true
  }, PATIENCE_MS)
}

/** Counts the time since its last activity to what it was doing. */
async function closeTally (trx: Kysely<Tables>, run: OwnedRun, at: number): Promise<void> {
  const row = await trx.selectFrom('invocation_run').select(['progress', 'tally']).where('invocation_id', '=', run.invocationId)
    .where('status', '=', 'running').executeTakeFirst()
  if (row === undefined) return
  const tally = decodeTally(row.tally, run.startedAt ?? at)
  spendUntil(tally, decodeProgress(row.progress, run.lastActivityAt ?? run.startedAt ?? at), at)
  await trx.updateTable('invocation_run').set({ tally: encodeTally(tally) })
    .where('invocation_id', '=', run.invocationId).execute()
}

/** Who is lost writes no more: the ends of its calls are written for it. */
async function abortOpenCalls (trx: Kysely<Tables>, run: OwnedRun, now: number): Promise<void> {
  const open = await trx.selectFrom('tool_call').select(['seq', 'call_id', 'use', 'name', 'kind', 'message', 'started_at', 'parent_seq'])
    .where('invocation_id', '=', run.invocationId).where('status', '=', 'running').orderBy('seq')
    .limit(limitTo(MAX_OPEN_CALLS)).execute()
  if (open.length === 0) return
  const first = await allocate(trx, run.taskId, open.length) ?? 0
  const statements = createCallStatements()
  const ended: ActivityRow[] = []
  for (const [index, call] of open.entries()) {
    const startedAt = parseTime(call.started_at) ?? now
    const parent = call.parent_seq === null ? undefined : await callIdOf(trx, run.taskId, call.parent_seq)
    ended.push({
      invocationId: run.invocationId,
      type: 'tool_exec',
      message: call.message,
      lagMs: 0,
      seq: first + index,
      metadata: JSON.stringify(abortedMetadata({
        callId: call.call_id,
        ...(Number(call.use) > 1 ? { use: Number(call.use) } : {}),
        ...(parent === undefined ? {} : { parentCallId: parent }),
        tool: call.name,
        toolKind: call.kind as ToolKind,
        message: call.message,
        startedAt
      }, now))
    })
    const { taskId, invocationId } = run
    await abortCall(trx, statements, { ...call, taskId, seq: Number(call.seq), invocationId }, first + index, now)
  }
  await insertActivities(trx, new Map(), run.taskId, toIso(now), ended)
}

async function callIdOf (trx: Kysely<Tables>, taskId: string, seq: number): Promise<string | undefined> {
  const row = await trx.selectFrom('tool_call').select('call_id').where('task_id', '=', taskId).where('seq', '=', seq)
    .executeTakeFirst()
  return row?.call_id
}
