import type { FastifyRequest } from 'fastify'
import { timelineError } from '../../lib/errors.js'
import { INVOCATION_STATUSES, type InvocationStatus } from '../../lib/model/events.js'
import { TOOL_KINDS, type ToolKind } from '../../lib/model/activity.js'
import { checkMoment } from '../../lib/live/check-moment.js'
import { checkTaskFilter } from '../../lib/live/check-task-filter.js'
import { checkTimelineQuery } from '../../lib/live/check-timeline-query.js'
import type { TaskFilter, TaskState, UsageQuery } from '../../lib/model/answers.js'
import type { CallQuery } from '../../lib/store/answers.js'
import { MAX_CALL_LIMIT, MAX_LIST_LIMIT, MAX_PAGE_LIMIT, MAX_TASK_LIMIT } from '../../lib/store/limits.js'
import { checkInvocationId, checkTaskId } from '../../lib/options.js'
import type { InvocationFilter, PageQuery, TimelineQuery } from '../../lib/store/port.js'
import { parseCursor } from '../../lib/model/cursor.js'

/** A query as it arrives: a key given twice is an array. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

/** One value of a query; empty counts as absent. @throws AGENT_TIMELINE_INVALID_REQUEST when given twice */
export function one (query: Query, name: string): string | undefined {
  const value = query[name]
  if (typeof value === 'object') throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', [`${name} is given twice`])
  return value === '' ? undefined : value
}

/** `?project=` of a request. */
export function projectOf (request: FastifyRequest): string | undefined {
  return one(request.query as Query, 'project')
}

/** @throws AGENT_TIMELINE_INVALID_INVOCATION_ID */
export function parseInvocationId (text: string): number {
  return checkInvocationId(/^\d{1,16}$/.test(text) ? Number(text) : undefined)
}

/** Which page was asked for. @throws AGENT_TIMELINE_INVALID_CURSOR, _LIMIT */
export function parsePage (query: Query): PageQuery {
  const after = one(query, 'after')
  const before = one(query, 'before')
  if (after !== undefined && before !== undefined) {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', ['pair', 'give after or before, not both'])
  }
  const limit = parseLimit(query, MAX_PAGE_LIMIT)
  const types = (one(query, 'types') || undefined)?.split(',').map((type) => type.trim()).filter((type) => type !== '')
  if (types?.length === 0) throw timelineError('AGENT_TIMELINE_INVALID_TYPES', ['a comma'])
  return {
    ...(after === undefined ? {} : { after: parseSeq(after) }),
    ...(before === undefined ? {} : { before: before === 'end' ? before : parseSeq(before) }),
    ...(limit === undefined ? {} : { limit }),
    ...(types === undefined ? {} : { types })
  }
}

/** Which part of a timeline was asked for. @throws AGENT_TIMELINE_INVALID_CURSOR, _LIMIT, _TYPES, _QUERY */
export function parseTimelineQuery (query: Query): TimelineQuery {
  const [around, q] = [one(query, 'around'), one(query, 'q')]
  return checkTimelineQuery({
    ...parsePage(query),
    ...(around === undefined ? {} : { around: parseSeq(around) }),
    ...(q === undefined ? {} : { q })
  })
}

/** Which invocations were asked for. @throws AGENT_TIMELINE_INVALID_STATUS, _LIMIT */
export function parseFilter (query: Query): InvocationFilter {
  const status = one(query, 'status')
  const taskId = one(query, 'task')
  const limit = parseLimit(query, MAX_LIST_LIMIT)
  const cursor = one(query, 'cursor')
  return {
    ...(status === undefined ? {} : { status: parseStatus(status) }),
    ...(taskId === undefined ? {} : { taskId: checkTaskId(taskId) }),
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor })
  }
}

/** Which calls were asked for. @throws AGENT_TIMELINE_INVALID_CURSOR, _LIMIT, _KIND, _INVOCATION_ID, _REQUEST */
export function parseCallQuery (query: Query): CallQuery {
  const [invocation, after, kind, failed] = [one(query, 'invocation'), one(query, 'after'), one(query, 'kind'), one(query, 'failed')]
  const limit = parseLimit(query, MAX_CALL_LIMIT)
  if (failed !== undefined && failed !== 'true' && failed !== 'false') {
    throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', ['failed is true or false'])
  }
  return {
    ...(invocation === undefined ? {} : { invocationId: parseInvocationId(invocation) }),
    ...(after === undefined ? {} : { after: parseSeq(after) }),
    ...(limit === undefined ? {} : { limit }),
    ...(kind === undefined ? {} : { kind: parseKind(kind) }),
    ...(failed === undefined ? {} : { failed: failed === 'true' })
  }
}

/** The part of a task's time that was asked for. @throws AGENT_TIMELINE_INVALID_REQUEST */
export function parseRange (query: Query): { readonly from: number, readonly to: number } | undefined {
  const [from, to] = [one(query, 'from'), one(query, 'to')]
  if (from === undefined && to === undefined) return undefined
  const [start, end] = [checkMoment('from', from), checkMoment('to', to)]
  if (start === undefined || end === undefined || start >= end) {
    throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', ['from and to go together, the earlier first'])
  }
  return { from: start, to: end }
}

/** Which tasks were asked for. @throws AGENT_TIMELINE_INVALID_STATE, _QUERY, _LIMIT, _REQUEST */
export function parseTaskFilter (query: Query): TaskFilter {
  const [state, q, cursor] = [one(query, 'state'), one(query, 'q'), one(query, 'cursor')]
  const limit = parseLimit(query, MAX_TASK_LIMIT)
  return checkTaskFilter({
    ...(state === undefined ? {} : { state: state.split(',').map((one) => one.trim()) as TaskState[] }),
    ...(q === undefined ? {} : { q }),
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor })
  })
}

/** Which runs are added up; what is wrong with it is said by who adds them up. */
export function parseUsageQuery (query: Query): UsageQuery {
  const given = (['from', 'to', 'by'] as const).map((name) => [name, one(query, name)] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as UsageQuery
}

/** The number that a path names. @throws AGENT_TIMELINE_INVALID_CURSOR */
export function parseSeqParameter (given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given)
  throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', ['seq', 'it is a whole number from 0'])
}

function parseKind (given: string): ToolKind {
  const kind = TOOL_KINDS.find((known) => known === given)
  if (kind === undefined) throw timelineError('AGENT_TIMELINE_INVALID_KIND', [TOOL_KINDS.join(', ')])
  return kind
}

function parseLimit (query: Query, max: number): number | undefined {
  const text = one(query, 'limit')
  if (text === undefined) return undefined
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > max) throw timelineError('AGENT_TIMELINE_INVALID_LIMIT', [max])
  return limit
}

/** A page may be asked for with the cursor of a stream. */
function parseSeq (text: string): number {
  return parseCursor(text)?.seq ?? 0
}

function parseStatus (text: string): InvocationStatus {
  const status = INVOCATION_STATUSES.find((known) => known === text)
  if (status === undefined) throw timelineError('AGENT_TIMELINE_INVALID_STATUS')
  return status
}
