import type { Expression, Kysely, SqlBool } from 'kysely'
import { ACTIVITY_TYPES, type ActivityType } from '../../model/activity.js'
import { parseTime, toIso } from '../../time/clock.js'
import type { ActivityRecord, TimelineEvent } from '../../model/events.js'
import { jsonBytesOf } from './bounded-read.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import { parseObject } from '../../text/parse-object.js'

/** A row of either table of a log, under common names. */
export interface EventRow {
  readonly seq: number
  /** The event's type, or the activity's. */
  readonly kind: string
  readonly invocation_id: number | null
  readonly actor: string | null
  readonly message: string | null
  readonly details: string | null
  readonly created_at: string
  readonly lag_ms: number
}

/** Which rows of a log to read. */
export interface EventRange {
  readonly taskId: string
  readonly after?: number
  readonly before?: number
  readonly limit: number
  readonly order: 'asc' | 'desc'
  readonly filter?: TypeFilter | undefined
  /** A condition on the texts of a row, made of the names of their columns. */
  readonly hasAnyOf?: ((...columns: readonly string[]) => Expression<SqlBool>) | undefined
}

/** `types` of a request, taken apart; undefined means all of that table, an empty list none. */
export interface TypeFilter {
  readonly activityTypes: readonly ActivityType[] | undefined
  readonly eventTypes: readonly string[]
  readonly allTaskEvents: boolean
}

/** The types that `types` may name, besides `task.*` and single task events. */
export const INVOCATION_EVENT_TYPES = [
  'invocation.started', 'invocation.activity', 'invocation.completed', 'invocation.failed', 'invocation.timeout'
] as const

/**
 * Takes a list of types apart.
 *
 * @returns the first name that is none, or the filter
 */
export function parseTypes (types: readonly string[]): TypeFilter | { readonly unknown: string } {
  const activityTypes = new Set<ActivityType>()
  const eventTypes: string[] = []
  let allActivities = false
  let allTaskEvents = false
  for (const name of types) {
    if (name === 'invocation.activity') allActivities = true
    else if ((ACTIVITY_TYPES as readonly string[]).includes(name)) activityTypes.add(name as ActivityType)
    else if (name === 'task.*') allTaskEvents = true
    else if ((INVOCATION_EVENT_TYPES as readonly string[]).includes(name) || /^task\.\w+$/.test(name)) eventTypes.push(name)
    else return { unknown: name }
  }
  return { activityTypes: allActivities ? undefined : [...activityTypes], eventTypes, allTaskEvents }
}

/**
 * The query for a range of a log: a bare compound with the filters in both arms and one ORDER BY LIMIT, so that the
 * two indexes are merged. Around a subselect SQLite would sort the whole log in a temporary tree.
 */
export function selectEvents (db: Kysely<Tables>, range: EventRange) {
  const activities = activityArm(db, range)
  const events = eventArm(db, range)
  return activities.unionAll(events).orderBy('seq', range.order).limit(limitTo(range.limit))
}

function activityArm (db: Kysely<Tables>, { taskId, after, before, filter, hasAnyOf }: EventRange) {
  let arm = db.selectFrom('invocation_activity').select((eb) => [
    'seq', 'activity_type as kind', 'invocation_id', eb.val<string | null>(null).as('actor'), 'message',
    'metadata as details', 'created_at', 'lag_ms'
  ]).where('task_id', '=', taskId)
  if (after !== undefined) arm = arm.where('seq', '>', after)
  if (before !== undefined) arm = arm.where('seq', '<', before)
  if (filter?.activityTypes !== undefined) arm = arm.where('activity_type', 'in', [...filter.activityTypes, NONE])
  if (hasAnyOf !== undefined) arm = arm.where(hasAnyOf('message', 'metadata'))
  return arm.$castTo<EventRow>()
}

function eventArm (db: Kysely<Tables>, { taskId, after, before, filter, hasAnyOf }: EventRange) {
  let arm = db.selectFrom('timeline_event').select((eb) => [
    'seq', 'type as kind', 'invocation_id', 'actor', 'message', 'payload as details', 'created_at',
    eb.val(0).as('lag_ms')
  ]).where('task_id', '=', taskId)
  if (after !== undefined) arm = arm.where('seq', '>', after)
  if (before !== undefined) arm = arm.where('seq', '<', before)
  if (filter !== undefined) {
    arm = arm.where((eb) => eb.or([
      eb('type', 'in', [...filter.eventTypes, NONE]),
      ...(filter.allTaskEvents ? [eb('type', 'like', 'task.%')] : [])
    ]))
  }
  if (hasAnyOf !== undefined) arm = arm.where(hasAnyOf('message', 'payload', 'actor'))
  return arm.$castTo<EventRow>()
}

/** No type: keeps a list that would be empty valid SQL. */
export const NONE = ''

/** When its host last said something of a task. */
export function selectLastTaskEvent (db: Kysely<Tables>, taskId: string) {
  return db.selectFrom('timeline_event').select('created_at').where('task_id', '=', taskId).where('type', 'like', 'task.%')
    .orderBy('seq', 'desc').limit(limitTo(1))
}

/** Of the two tables the one whose rows tell when they were inserted. */
export function isActivity (row: Pick<EventRow, 'kind'>): boolean {
  return !row.kind.includes('.')
}

/** The wire's shape of a row. */
export function toEvent (taskId: string, row: EventRow): TimelineEvent {
  const base = { seq: Number(row.seq), taskId, timestamp: timeOf(row.created_at, row.lag_ms) }
  if (row.kind.startsWith('task.')) {
    return { ...base, type: row.kind as `task.${string}`, actor: row.actor ?? '', message: row.message ?? '' }
  }
  const invocationId = Number(row.invocation_id)
  if (!isActivity(row)) {
    return { ...base, type: row.kind, invocationId, ...parseObject(row.details) } as unknown as TimelineEvent
  }
  const metadata = parseObject(row.details)
  return {
    ...base,
    type: 'invocation.activity',
    invocationId,
    activity: row.message ?? '',
    activityType: row.kind as ActivityType,
    ...(metadata === undefined ? {} : { metadata })
  }
}

/** Besides its texts and the task's id: names, number, time, and a gap before it. */
const EVENT_BYTES = 256

/** What a row adds to an answer, at most, without its task's id. */
export function bytesOf (row: Pick<EventRow, 'message' | 'details'> & { readonly actor?: string | null }): number {
  return EVENT_BYTES + jsonBytesOf(row.message) + jsonBytesOf(row.actor) + Buffer.byteLength(row.details ?? '')
}

/** The shape of an activity in an invocation's details. */
export function toActivityRecord (row: Omit<EventRow, 'actor'>): ActivityRecord {
  const metadata = parseObject(row.details)
  return {
    seq: Number(row.seq),
    timestamp: timeOf(row.created_at, row.lag_ms),
    type: row.kind as ActivityType,
    message: row.message ?? '',
    ...(metadata === undefined ? {} : { metadata })
  }
}

function timeOf (createdAt: string, lagMs: number): string {
  const ms = parseTime(createdAt)
  return ms === undefined ? createdAt : toIso(ms - Number(lagMs))
}
