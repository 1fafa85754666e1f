import { sql, type InferResult, type Kysely, type Selectable } from 'kysely'
import { timelineError } from '../../errors.js'
import type { CurrentFrame, InvocationStatus, InvocationSummary } from '../../model/events.js'
import { usageOf } from '../../model/ending.js'
import { durationOf, exitCodeOf } from '../../model/values.js'
import { parseObject } from '../../text/parse-object.js'
import { normaliseTime } from '../../time/clock.js'
import { DEFAULT_LIST_LIMIT } from '../limits.js'
import type { InvocationQuery } from '../port.js'
import type { InvocationRunTable, Tables } from '../tables.js'
import { inScope } from '../task-scope.js'
import { readUsageColumns } from './usage-columns.js'

/** In no order: asked for one, SQLite walks over all that a task ever ran instead of the few that run. */
export function selectRunningOf (db: Kysely<Tables>, taskId: string) {
  return db.selectFrom('invocation_run').selectAll().where('task_id', '=', taskId).where('status', '=', 'running')
}

/** Newest first, by start; the cursor is the last row's start and id. */
export function selectInvocations (db: Kysely<Tables>, filter: InvocationQuery) {
  let select = db.selectFrom('invocation_run').leftJoin('task_stream', 'task_stream.task_id', 'invocation_run.task_id')
    .selectAll('invocation_run').select('task_stream.title')
  if (filter.taskId !== undefined) select = select.where('invocation_run.task_id', '=', filter.taskId)
  if (filter.scope !== undefined) select = select.where(inScope(db, 'invocation_run.task_id', filter.scope))
  if (filter.status !== undefined) {
    // A task has few invocations, a status most of them: with a task, the index on the status is out of the question.
    const status = filter.taskId === undefined ? sql.ref<string>('status') : sql<string>`coalesce(status, '')`
    select = select.where(status, '=', filter.status)
  }
  if (filter.cursor !== undefined) {
    const { startedAt, id } = parseListCursor(filter.cursor)
    // Invocations whose start is not known come last.
    select = select.where((eb) => startedAt === ''
      ? eb.and([eb('started_at', 'is', null), eb('invocation_id', '<', id)])
      : eb.or([
        eb('started_at', '<', startedAt), eb.and([eb('started_at', '=', startedAt), eb('invocation_id', '<', id)]),
        eb('started_at', 'is', null)
      ]))
  }
  return select.orderBy('started_at', (order) => order.desc().nullsLast()).orderBy('invocation_id', 'desc')
    .limit(filter.limit ?? DEFAULT_LIST_LIMIT)
}

export type ListedRow = InferResult<ReturnType<typeof selectInvocations>>[number]

export function listCursorOf ({ started_at: startedAt, invocation_id: id }: ListedRow): string {
  return `${startedAt ?? ''}_${id}`
}

function parseListCursor (cursor: string): { startedAt: string, id: number } {
  const [time, number] = cursor.split('_')
  const startedAt = time === '' ? '' : normaliseTime(time)
  const id = Number(number)
  if (startedAt === undefined || !Number.isSafeInteger(id) || id < 1) {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', [JSON.stringify(cursor), 'take it from page.nextCursor'])
  }
  return { startedAt, id }
}

/** What it used as far as it has told, where its end has not. */
function toldSoFar (run: Selectable<InvocationRunTable>): InvocationSummary['usage'] {
  const usage = usageOf(readUsageColumns(run))
  return usage && { ...usage, isProvisional: true }
}

export function toSummary (run: Selectable<InvocationRunTable>, title: string | undefined): InvocationSummary {
  return {
    id: Number(run.invocation_id),
    taskId: run.task_id,
    ...optional('title', title),
    role: run.role,
    provider: run.provider,
    ...optional('model', run.model === '' ? null : run.model),
    status: run.status as InvocationStatus,
    ...optional('startedAt', run.started_at),
    ...optional('completedAt', run.completed_at),
    ...optional('lastActivityAt', run.last_activity_at),
    ...optional('duration', durationOf(run.duration_ms)),
    ...(run.status === 'running' ? {} : { success: Number(run.success) === 1 }),
    timedOut: Number(run.timed_out) === 1,
    ...(run.status === 'running' ? {} : optional('exitCode', exitCodeOf(run.exit_code))),
    ...optional('error', run.error),
    ...optional('reason', run.reason),
    ...optional('outcome', run.outcome as InvocationSummary['outcome'] | null),
    ...optional('summary', run.summary),
    ...optional('usage', usageOf(parseObject(run.usage)) ?? toldSoFar(run)),
    ...optional('sessionId', run.session_id)
  }
}

export function toCurrent (run: Selectable<InvocationRunTable>): CurrentFrame {
  return {
    type: 'invocation.current',
    taskId: run.task_id,
    invocationId: Number(run.invocation_id),
    role: run.role,
    provider: run.provider,
    ...optional('model', run.model === '' ? null : run.model),
    status: 'running',
    startedAt: run.started_at ?? '',
    ...optional('lastActivityAt', run.last_activity_at)
  }
}

/** A property only where there is a value: absent beats null on the wire. */
export function optional<Name extends string, Value> (name: Name, value: Value | null | undefined) {
  return (value === null || value === undefined ? {} : { [name]: value }) as { [key in Name]?: Value }
}
