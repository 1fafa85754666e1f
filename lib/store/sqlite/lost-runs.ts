import { sql, type Kysely } from 'kysely'
import type { Ending } from '../../model/ending.js'
import { abortedMetadata, MAX_OPEN_CALLS, readToolKind, type OpenCall } from '../../model/open-call.js'
import { OpenUses, readUse } from '../../model/open-uses.js'
import { parseTime, toIso } from '../../time/clock.js'
import { nextTurn } from '../../time/timers.js'
import type { OwnedRun } from '../port.js'
import { allocate, appendEvents } from '../sequence.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import type { Database } from './database.js'
import { parseDetails } from './event-rows.js'
import { insertActivities } from './insert-activities.js'
import { endRun } from './run-end.js'

/** How long the end of a lost run waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

/**
 * The running invocations that a writer owns, but for those with a sign of life that is younger than `freshMs`.
 *
 * @param now milliseconds since the epoch
 */
export async function readOwnedRuns (db: Kysely<Tables>, freshMs: number, now: number): Promise<readonly OwnedRun[]> {
  // Clocks that differ, or were set, make a sign of the future: it says nothing.
  const isFresh = (column: 'invocation_run.heartbeat_at' | 'timeline_writer.heartbeat_at') =>
    sql<boolean>`${sql.ref(column)} BETWEEN ${toIso(now - freshMs)} AND ${toIso(now + 1_000)}`
  const rows = await db.selectFrom('invocation_run')
    .leftJoin('timeline_writer', 'timeline_writer.writer_id', 'invocation_run.owner')
    .select(['invocation_id', 'task_id', 'started_at', 'last_activity_at', 'invocation_run.heartbeat_at', 'invocation_run.owner as writer',
      'timeline_writer.owner as owner', 'timeline_writer.heartbeat_at as written_at'])
    .where('invocation_run.status', '=', 'running').where('invocation_run.source', '=', 'recorder')
    .$if(freshMs > 0, (select) => select
      .where(sql<boolean>`${isFresh('invocation_run.heartbeat_at')} IS NOT 1`)
      .where(sql<boolean>`${isFresh('timeline_writer.heartbeat_at')} IS NOT 1`))
    .execute()
  return rows.flatMap((row) => row.writer === null ? [] : [{
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
  const openCalls = await findOpenCalls(database, run, now)
  return database.write(async (trx, host) => {
    // Its process may have had another clock.
    const at = Math.max(now, run.startedAt ?? 0, run.lastActivityAt ?? 0)
    const durationMs = at - (run.startedAt ?? at)
    const event = await endRun(trx, host.schema, { id: run.invocationId, ending: LOST, at, durationMs, takesModel: false })
    if (event === undefined) return false
    await abortCalls(trx, run, openCalls, now)
    await appendEvents(trx, run.taskId, [event])
    return true
  }, PATIENCE_MS)
}

type OpenCalls = OpenUses<OpenCall>

/** A page holds no more than a few megabytes, whatever the rows. */
const ROWS_A_PAGE = 200

/**
 * Tool calls that the log shows as started and not ended. Who is lost writes no more: they are looked for page by page,
 * before the transaction, since a run may have a hundred thousand.
 */
async function findOpenCalls (database: Database, run: OwnedRun, now: number): Promise<OpenCalls> {
  const open: OpenCalls = new OpenUses()
  for (let after = 0; ;) {
    const rows = await database.read((db) => db.selectFrom('invocation_activity')
      .select(['seq', 'message', 'metadata', 'created_at'])
      .where('invocation_id', '=', run.invocationId).where('seq', '>', after).where('activity_type', '=', 'tool_exec')
      .orderBy('seq').limit(limitTo(ROWS_A_PAGE)).execute())
    for (const { message, metadata, created_at: createdAt } of rows) {
      const details = parseDetails(metadata) ?? {}
      const { phase, tool = '' } = details as Record<string, string | undefined>
      const use = readUse(details)
      if (use === undefined) continue
      if (phase === 'end') open.end(use)
      else if (phase === 'start' && open.size < MAX_OPEN_CALLS) {
        open.start({ ...use, ...readToolKind(details), tool, message, startedAt: parseTime(createdAt) ?? now })
      }
    }
    if (rows.length < ROWS_A_PAGE) return open
    after = Number(rows.at(-1)?.seq)
    await nextTurn()
  }
}

async function abortCalls (trx: Kysely<Tables>, run: OwnedRun, open: OpenCalls, now: number): Promise<void> {
  if (open.size === 0) return
  const first = await allocate(trx, run.taskId, open.size) ?? 0
  await insertActivities(trx, new Map(), run.taskId, toIso(now), [...open].map((call, index) => ({
    invocationId: run.invocationId,
    type: 'tool_exec' as const,
    message: call.message,
    lagMs: 0,
    seq: first + index,
    metadata: JSON.stringify(abortedMetadata(call, now))
  })))
}
