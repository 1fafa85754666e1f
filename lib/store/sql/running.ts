import { sql, type InferResult, type Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import { parseTime, systemClock } from '../../time/clock.js'
import { decodeTree } from '../../insight/process-tree.js'
import { decodeProgress } from '../../insight/stored-progress.js'
import type { RunningRow } from '../../insight/running-row.js'
import { performance } from '../../time/timers.js'
import { databaseTime } from '../dialect.js'
import { limitTo, Statement } from '../statement.js'
import type { Tables } from '../tables.js'

/** More than so many do not run at once; what is beyond is not judged. */
const MAX_ROWS = 5_000
const IDS_A_QUERY = 500
/** A run whose own heartbeat is older may have a sign of life that came with something else of its writer's. */
const HEARTBEAT_MS = 2_500

/** The running invocations, all or those of these ids. Touches neither activities nor prompts. */
export type ReadRunning = (db: Kysely<Tables>, ids?: readonly number[]) => Promise<RunningRow[]>

/**
 * While somebody watches, all of them are looked at once a second, and most have done nothing since but give a sign of
 * life. So a look reads what shows a change, as one text for all, and then the rows that have changed. On PostgreSQL,
 * whose clock they go by, all rows are read.
 */
export function createReadRunning (): ReadRunning {
  const selectMarks = new Statement<Record<never, never>, { marks: string }>(marksOfAll)
  let known = new Map<number, KnownRow>()
  return async (db, ids) => {
    if (ids !== undefined) return (await readRows(db, ids)).map(toRunningRow)
    if (engineOf(db) === 'postgres') {
      return (await selectRunning(db).limit(limitTo(MAX_ROWS)).execute()).map(toRunningRow)
    }
    const found = JSON.parse((await selectMarks.first(db, {}))?.marks ?? '[]') as Marks[]
    const at = performance.now()
    const read = new Map<number, KnownRow>()
    const outdated = new Map<number, Marks>()
    for (const marks of found) {
      const id = marks[0]
      const before = known.get(id)
      const after = before && isSame(before.marks, marks) ? withHeartbeat(before, marks, at) : undefined
      if (after === undefined) outdated.set(id, marks)
      else read.set(id, after)
    }
    for (const stored of await readRows(db, [...outdated.keys()])) {
      const id = Number(stored.invocation_id)
      const marks = outdated.get(id)
      const before = known.get(id)
      if (marks === undefined) continue
      // What it is in the middle of is the same object as long as it says the same.
      const row = before !== undefined && isSame(before.marks, marks)
        ? { ...before.row, heartbeatAt: heartbeatOf(stored) }
        : toRunningRow(stored)
      read.set(id, { marks, row, heardAt: at })
    }
    known = read
    return found.flatMap(([id]) => read.get(id)?.row ?? [])
  }
}

/** What shows that a row has changed. */
type Marks = readonly [
  id: number, heartbeatAt: string | null, activityCount: number, lastActivityAt: string | null,
  startedAt: string | null, tree: string | null
]

interface KnownRow {
  readonly marks: Marks
  readonly row: RunningRow
  /** When its heartbeat was seen to be what it is, in milliseconds that never jump. */
  readonly heardAt: number
}

/** But for its heartbeat. */
function isSame (before: Marks, marks: Marks): boolean {
  return marks.every((mark, index) => index === 1 || mark === before[index])
}

/** Undefined where it has to be read, because its own heartbeat says nothing new. */
function withHeartbeat (known: KnownRow, marks: Marks, at: number): KnownRow | undefined {
  const { row, heardAt } = known
  if (marks[1] === known.marks[1]) return at - heardAt < HEARTBEAT_MS ? known : undefined
  const heartbeatAt = parseTime(marks[1])
  if (heartbeatAt === undefined || heartbeatAt <= (row.heartbeatAt ?? 0)) return undefined
  return { marks, row: { ...row, heartbeatAt }, heardAt: at }
}

function marksOfAll (db: Kysely<Tables>) {
  const some = db.selectFrom('invocation_run')
    .select(['invocation_id', 'heartbeat_at', 'activity_count', 'last_activity_at', 'started_at', 'tree'])
    .where('status', '=', 'running').orderBy('invocation_id').limit(sql<number>`${MAX_ROWS} + 0`).as('run')
  return db.selectFrom(some).select(sql<string>`json_group_array(json_array(
    invocation_id, heartbeat_at, activity_count, last_activity_at, started_at, tree))`.as('marks'))
}

async function readRows (db: Kysely<Tables>, ids: readonly number[]): Promise<StoredRow[]> {
  const rows: StoredRow[] = []
  for (let start = 0; start < ids.length; start += IDS_A_QUERY) {
    rows.push(...await selectRunning(db).where('invocation_id', 'in', ids.slice(start, start + IDS_A_QUERY)).execute())
  }
  return rows
}

function selectRunning (db: Kysely<Tables>) {
  return db.selectFrom('invocation_run')
    .leftJoin('timeline_writer', 'timeline_writer.writer_id', 'invocation_run.owner')
    .select([
      'invocation_id', 'task_id', 'provider', 'started_at', 'last_activity_at', 'activity_count', 'progress', 'tree',
      'source', 'invocation_run.heartbeat_at', 'invocation_run.owner as writer', 'timeline_writer.owner as owner',
      'timeline_writer.heartbeat_at as writer_heartbeat_at'
    ]).select(databaseTime(db).as('database_time'))
    .where('status', '=', 'running').orderBy('invocation_id')
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
    heartbeatAt: heartbeatOf(row),
    writerId: isOurs ? row.writer ?? undefined : undefined,
    owner: row.owner ?? undefined,
    tree: decodeTree(row.tree)
  }
}

/** By our clock, where the database's is another one: what counts is how long ago it was. */
function heartbeatOf (
  row: Pick<StoredRow, 'heartbeat_at' | 'writer_heartbeat_at' | 'database_time'>
): number | undefined {
  const at = latest(parseTime(row.heartbeat_at), parseTime(row.writer_heartbeat_at))
  const there = parseTime(row.database_time)
  return at === undefined || there === undefined ? at : systemClock() - (there - at)
}

function latest (a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b)
}
