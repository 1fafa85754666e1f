import { sql, type Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import { decodeProgress } from '../../insight/stored-progress.js'
import { decodeTally } from '../../insight/tally.js'
import type { ToolKind } from '../../model/activity.js'
import type { CallPage, ToolCallDetails } from '../../model/answers.js'
import type { Failure } from '../../model/failure.js'
import type { InvocationStatus } from '../../model/events.js'
import { parseTime } from '../../time/clock.js'
import { number, toToolCall } from '../../view/tool-call.js'
import type { AnswerReader, BinRecord, CallQuery, EndedRun, FileRecord, OpenSpan, RunRecord } from '../answers.js'
import { DEFAULT_CALL_LIMIT } from '../limits.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import { inScope, type TaskScope } from '../task-scope.js'
import { selectLastTaskEvent, toActivityRecord } from './event-rows.js'
import { readUsageColumns, USAGE_COLUMNS } from './usage-columns.js'
import { parseObject } from '../../text/parse-object.js'

type Read = <T>(query: (db: Kysely<Tables>) => Promise<T>) => Promise<T>

const EARLIER = 10
/** Calls that are open at once; a run that is recorded has no more of them by itself. */
const MAX_OPEN = 1_000
const BEATS = 100
/** Of a run that says a lot while a call is open, so many rows are looked through for what is the call's. */
const ROWS_FOR_BEATS = 2_000

/** Answers from one database. */
export function createAnswerReader (read: Read): Omit<AnswerReader, 'databaseBytes'> {
  return {
    calls: (taskId, query) => read((db) => readCalls(db, taskId, query)),
    call: (taskId, seq, scope) => read((db) => readCall(db, taskId, seq, scope)),
    bins: (taskId) => read((db) => readBins(db, taskId)),
    openCalls: (invocationIds) => read((db) => readOpenCalls(db, invocationIds)),
    callsBetween: (taskId, from, to, limit) => read(async (db) => {
      const rows = await db.selectFrom('tool_call').select(CALL_COLUMNS).where('task_id', '=', taskId)
        .where('started_at', '<', to)
        .where((eb) => eb.or([eb('started_at', '>=', from), eb('status', '=', 'running'), eb(endOf(db), '>=', from)]))
        .orderBy('seq').limit(limitTo(limit)).execute()
      return rows.map(toToolCall)
    }),
    lastTaskEventAt: (taskId) => read(async (db) => {
      const row = await selectLastTaskEvent(db, taskId).executeTakeFirst()
      return parseTime(row?.created_at)
    }),
    taskBudget: (taskId) => read(async (db) => {
      const row = await db.selectFrom('task_stream').select('budget_usd').where('task_id', '=', taskId).executeTakeFirst()
      return row?.budget_usd ?? undefined
    }),
    runs: (taskId) => read((db) => readRuns(db, taskId)),
    endedRuns: (afterId, limit) => read((db) => readEndedRuns(db, afterId, limit)),
    files: (taskId, limit) => read((db) => readFiles(db, taskId, limit))
  }
}

const CALL_COLUMNS = [
  'seq', 'end_seq', 'invocation_id', 'call_id', 'use', 'parent_seq', 'kind', 'name', 'message', 'status', 'exit_code',
  'started_at', 'duration_ms', 'path', 'added', 'removed', 'first_error', 'is_background'
] as const

async function readCalls (db: Kysely<Tables>, taskId: string, query: CallQuery): Promise<CallPage> {
  const { limit = DEFAULT_CALL_LIMIT, after = 0, invocationId, kind, failed } = query
  let select = db.selectFrom('tool_call').select(CALL_COLUMNS).where('task_id', '=', taskId).where('seq', '>', after)
  if (invocationId !== undefined) select = select.where('invocation_id', '=', invocationId)
  if (kind !== undefined) select = select.where('kind', '=', kind)
  if (failed !== undefined) select = select.where('status', failed ? 'in' : 'not in', ['error', 'denied'])
  const rows = await select.orderBy('seq').limit(limitTo(limit + 1)).execute()
  const calls = rows.slice(0, limit).map(toToolCall)
  const hasMore = rows.length > limit
  return { calls, page: { hasMore, nextAfter: hasMore ? calls.at(-1)?.seq ?? null : null } }
}

/** When a call ended, in the form of its start. */
function endOf (db: Kysely<Tables>) {
  return engineOf(db) === 'postgres'
    ? sql<string>`started_at + duration_ms * interval '1 millisecond'`
    : sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', started_at, '+' || (duration_ms / 1000.0) || ' seconds')`
}

async function readBins (db: Kysely<Tables>, taskId: string): Promise<BinRecord[]> {
  const rows = await db.selectFrom('invocation_run as r').innerJoin('run_bin as b', 'b.invocation_id', 'r.invocation_id')
    .select(['b.invocation_id', 'b.at', 'b.kind', 'b.ms', 'b.calls', 'b.failed']).where('r.task_id', '=', taskId)
    .orderBy('b.invocation_id').orderBy('b.at').orderBy('b.kind').execute()
  return rows.map((row) => ({
    invocationId: Number(row.invocation_id),
    at: Number(row.at),
    kind: row.kind as ToolKind,
    ms: Number(row.ms),
    calls: Number(row.calls),
    failed: Number(row.failed)
  }))
}

async function readOpenCalls (db: Kysely<Tables>, invocationIds: readonly number[]): Promise<OpenSpan[]> {
  if (invocationIds.length === 0) return []
  const rows = await db.selectFrom('tool_call').select(['seq', 'invocation_id', 'kind', 'message', 'started_at'])
    .where('invocation_id', 'in', invocationIds).where('status', '=', 'running').orderBy('seq')
    .limit(limitTo(MAX_OPEN)).execute()
  return rows.map((row) => ({
    seq: Number(row.seq),
    invocationId: Number(row.invocation_id),
    kind: row.kind as ToolKind,
    message: row.message,
    startedAt: row.started_at
  }))
}

async function readCall (
  db: Kysely<Tables>, taskId: string, seq: number, scope: TaskScope | undefined
): Promise<ToolCallDetails | undefined> {
  const row = await db.selectFrom('tool_call').select([...CALL_COLUMNS, 'call_hash']).where('task_id', '=', taskId)
    .where('seq', '=', seq).executeTakeFirst()
  if (row === undefined) return undefined
  const input = (await metadataOf(db, taskId, seq))?.input
  const result = row.end_seq === null ? undefined : (await metadataOf(db, taskId, row.end_seq))?.result
  return {
    ...toToolCall(row),
    ...(input === undefined ? {} : { input }),
    ...(result === undefined ? {} : { result }),
    beats: await readBeats(db, row),
    earlier: await readEarlier(db, taskId, row, scope)
  }
}

async function metadataOf (db: Kysely<Tables>, taskId: string, seq: number) {
  const row = await db.selectFrom('invocation_activity').select('metadata').where('task_id', '=', taskId)
    .where('seq', '=', seq).executeTakeFirst()
  return parseObject(row?.metadata ?? null)
}

interface Call {
  readonly seq: number
  readonly end_seq: number | null
  readonly invocation_id: number
  readonly call_id: string
  readonly use: number
  readonly call_hash: string
  readonly started_at: string
}

async function readBeats (db: Kysely<Tables>, call: Call): Promise<ToolCallDetails['beats']> {
  const rows = await db.selectFrom((eb) => eb.selectFrom('invocation_activity')
    .select(['seq', 'activity_type as kind', 'invocation_id', 'message', 'metadata as details', 'created_at', 'lag_ms'])
    .where('invocation_id', '=', call.invocation_id).where('seq', '>', call.seq)
    .where('seq', '<', call.end_seq ?? Number.MAX_SAFE_INTEGER)
    .orderBy('seq', 'desc').limit(limitTo(ROWS_FOR_BEATS)).as('during'))
    .selectAll().where('kind', '=', 'progress').where(isBeat(db)).execute()
  return rows.map(toActivityRecord)
    .filter(({ metadata }) => metadata?.callId === call.call_id && (metadata.use ?? 1) === call.use).slice(0, BEATS)
    .reverse().map(({ seq, timestamp, message }) => ({ seq, timestamp, message }))
}

/** What its agent says of a call while it runs. */
function isBeat (db: Kysely<Tables>) {
  return engineOf(db) === 'postgres'
    ? sql<boolean>`details ->> 'kind' = 'tool'`
    : sql<boolean>`details LIKE '{"kind":"tool"%'`
}

async function readEarlier (
  db: Kysely<Tables>, taskId: string, call: Call, scope: TaskScope | undefined
): Promise<ToolCallDetails['earlier']> {
  let select = db.selectFrom('tool_call')
    .select(['task_id', 'seq', 'invocation_id', 'status', 'started_at', 'duration_ms', 'exit_code'])
    .where('call_hash', '=', call.call_hash).where('started_at', '<=', call.started_at)
    .where((eb) => eb.not(eb.and([eb('task_id', '=', taskId), eb('seq', '=', call.seq)])))
  if (scope !== undefined) select = select.where(inScope(db, 'task_id', scope))
  const rows = await select.orderBy('started_at', 'desc').limit(limitTo(EARLIER)).execute()
  return rows.map((row) => ({
    taskId: row.task_id,
    seq: Number(row.seq),
    invocationId: Number(row.invocation_id),
    status: row.status as ToolCallDetails['status'],
    startedAt: row.started_at,
    ...number('durationMs', row.duration_ms),
    ...number('exitCode', row.exit_code)
  }))
}

const RUN_COLUMNS = [
  'invocation_id', 'role', 'provider', 'model', 'status', 'started_at', 'completed_at', 'last_activity_at', 'progress',
  'tally', 'plan', 'failure', 'budget_usd', 'bin_ms', ...USAGE_COLUMNS
] as const

async function readRuns (db: Kysely<Tables>, taskId: string): Promise<RunRecord[]> {
  const rows = await db.selectFrom('invocation_run').select(RUN_COLUMNS)
    .select(sql<number>`CASE WHEN usage IS NULL THEN 0 ELSE 1 END`.as('is_final'))
    .where('task_id', '=', taskId).orderBy('invocation_id').execute()
  return rows.map((row) => {
    const startedAt = parseTime(row.started_at)
    const lastActivityAt = parseTime(row.last_activity_at)
    return {
      invocationId: Number(row.invocation_id),
      role: row.role,
      provider: row.provider,
      model: row.model ?? undefined,
      status: row.status as InvocationStatus,
      startedAt,
      completedAt: parseTime(row.completed_at),
      lastActivityAt,
      tally: decodeTally(row.tally, startedAt ?? 0),
      progress: decodeProgress(row.progress, lastActivityAt ?? startedAt ?? 0),
      usage: readUsageColumns(row),
      isUsageFinal: Number(row.is_final) === 1,
      plan: row.plan ?? undefined,
      budgetUsd: row.budget_usd ?? undefined,
      binMs: row.bin_ms === null ? undefined : Number(row.bin_ms),
      failure: row.failure === null ? undefined : JSON.parse(row.failure) as Failure
    }
  })
}

async function readEndedRuns (db: Kysely<Tables>, afterId: number, limit: number): Promise<EndedRun[]> {
  const rows = await db.selectFrom('invocation_run').select([
    'invocation_id', 'task_id', 'role', 'provider', 'model', 'status', 'started_at', 'completed_at', 'last_activity_at', ...USAGE_COLUMNS
  ]).select(sql<number>`usage IS NOT NULL`.as('is_final')).where('invocation_id', '>', afterId)
    // Walked in the order of its ids: by its status SQLite would sort all that ever ran.
    .where(sql<string>`coalesce(status, '')`, '<>', 'running').orderBy('invocation_id').limit(limitTo(limit)).execute()
  return rows.map((row) => ({
    invocationId: Number(row.invocation_id),
    taskId: row.task_id,
    role: row.role,
    provider: row.provider,
    model: row.model || undefined,
    status: row.status as InvocationStatus,
    endedAt: parseTime(row.completed_at) ?? parseTime(row.last_activity_at) ?? parseTime(row.started_at),
    usage: readUsageColumns(row),
    isUsageFinal: Number(row.is_final) === 1
  }))
}

async function readFiles (db: Kysely<Tables>, taskId: string, limit: number) {
  const rows = await db.selectFrom('task_file').select(({ fn }) => [
    'path', fn.sum<number>('edits').as('edits'), fn.sum<number | null>('added').as('added'),
    fn.sum<number | null>('removed').as('removed'), fn.max('is_new').as('is_new'),
    sql<number>`count(*) OVER ()`.as('total')
  ]).where('task_id', '=', taskId).groupBy('path').orderBy('edits', 'desc').orderBy('path').limit(limitTo(limit)).execute()
  const files = rows.map((row): FileRecord => ({
    path: row.path,
    edits: Number(row.edits),
    added: row.added === null ? null : Number(row.added),
    removed: row.removed === null ? null : Number(row.removed),
    isNew: Number(row.is_new) === 1
  }))
  return { files, total: Number(rows[0]?.total ?? 0) }
}
