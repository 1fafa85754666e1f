import type { InferResult, Kysely } from 'kysely'
import { parseTime, systemClock } from '../../time/clock.js'
import { decodeProgress } from '../../insight/progress.js'
import type { RunningRow } from '../../insight/running-row.js'
import { databaseTime } from '../dialect.js'
import { limitTo, Statement } from '../statement.js'
import type { Tables } from '../tables.js'

/** More than so many do not run at once; what is beyond is not judged. */
const MAX_ROWS = 5_000

/** The running invocations, all or those of these ids. Touches neither activities nor prompts. */
export type ReadRunning = (db: Kysely<Tables>, ids?: readonly number[]) => Promise<RunningRow[]>

/** While somebody watches, all of them are read once a second. */
export function createReadRunning (): ReadRunning {
  const selectAll = new Statement<Record<never, never>, StoredRow>((db) => selectRunning(db))
  return async (db, ids) => {
    const rows = ids === undefined
      ? (await selectAll.run(db, {})).rows
      : ids.length === 0 ? [] : await selectRunning(db).where('invocation_id', 'in', ids).execute()
    return rows.map(toRunningRow)
  }
}

function selectRunning (db: Kysely<Tables>) {
  return db.selectFrom('invocation_run')
    .leftJoin('timeline_writer', 'timeline_writer.writer_id', 'invocation_run.owner')
    .select([
      'invocation_id', 'task_id', 'provider', 'started_at', 'last_activity_at', 'activity_count', 'progress', 'source',
      'invocation_run.heartbeat_at', 'invocation_run.owner as writer', 'timeline_writer.owner as owner',
      'timeline_writer.heartbeat_at as writer_heartbeat_at'
    ]).select(databaseTime(db).as('database_time'))
    .where('status', '=', 'running').orderBy('invocation_id').limit(limitTo(MAX_ROWS))
}

type StoredRow = InferResult<ReturnType<typeof selectRunning>>[number]

function toRunningRow (row: StoredRow): RunningRow {
  const startedAt = parseTime(row.started_at)
  const lastActivityAt = parseTime(row.last_activity_at)
  const isOurs = row.source === 'recorder'
  return {
    invocationId: Number(row.invocation_id),
    taskId: row.task_id,
    provider: row.provider,
    startedAt,
    lastActivityAt,
    // The host counts nothing; its last activity begins as the start.
    activityCount: Number(row.activity_count),
    hasActivity: isOurs ? Number(row.activity_count) > 0 : (lastActivityAt ?? 0) > (startedAt ?? 0),
    progress: decodeProgress(row.progress, lastActivityAt ?? startedAt ?? 0),
    heartbeatAt: byOurClock(latest(parseTime(row.heartbeat_at), parseTime(row.writer_heartbeat_at)), row.database_time),
    writerId: isOurs ? row.writer ?? undefined : undefined,
    owner: row.owner ?? undefined
  }
}

/** A time by the database's clock, where that is another one: what counts is how long ago it was. */
function byOurClock (at: number | undefined, databaseTime: string | null): number | undefined {
  const there = parseTime(databaseTime)
  return at === undefined || there === undefined ? at : systemClock() - (there - at)
}

function latest (a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b)
}
