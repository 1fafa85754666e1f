import { sql, type Kysely } from 'kysely'
import { budgetOf } from '../../model/budget.js'
import type { Failure } from '../../model/failure.js'
import type { InvocationDetails } from '../../model/events.js'
import { textOf } from '../../model/values.js'
import type { HostRows } from '../host-rows.js'
import { DEFAULT_LIST_LIMIT, DEFAULT_PAGE_LIMIT } from '../limits.js'
import type { InvocationList, InvocationQuery, PageQuery } from '../port.js'
import type { Tables } from '../tables.js'
import { jsonBytesOf, MAX_PAGE_BYTES, readBounded, REST_BYTES } from './bounded-read.js'
import { bytesOf, NONE, toActivityRecord, type EventRow, type TypeFilter } from './event-rows.js'
import { headOf } from './heads.js'
import { listCursorOf, optional, selectInvocations, toSummary, type ListedRow } from './invocation-rows.js'
import { inOrder, orderOf, rangeAfter, toPage } from './page-range.js'

type Read = <T>(query: (db: Kysely<Tables>, host: HostRows) => Promise<T>) => Promise<T>

/** A verdict that is put to a running invocation, its sentences and its tool's message. */
const VERDICT_BYTES = 4 * 1024
/** Characters of prompt and response that are read one invocation at a time. */
const LONG_TEXT = 256 * 1024

/** One invocation with every field, and a page of its activities. */
export async function readDetails (
  read: Read, id: number, query: PageQuery, filter: TypeFilter | undefined, grow: () => Promise<void>
): Promise<InvocationDetails | undefined> {
  if (await read((db) => textLengthOf(db, id)) > LONG_TEXT) await grow()
  const found = await read(async (db, host) => {
    const run = await db.selectFrom('invocation_run').selectAll().where('invocation_id', '=', id).executeTakeFirst()
    const stored = await db.selectFrom('task_invocations').select(['prompt', 'response']).where('id', '=', id)
      .executeTakeFirst()
    if (run === undefined || stored === undefined) return undefined
    const { prompt, response } = run.source === 'host' ? host.showTexts(stored) : stored
    return {
      run,
      prompt: textOf(prompt) ?? '',
      response: textOf(response),
      head: await headOf(db, run.task_id),
      task: await host.getTask(db, run.task_id)
    }
  })
  if (found === undefined) return undefined
  const { run, prompt, response, head, task } = found
  const activities = await readBounded<Omit<EventRow, 'actor'>>({
    limit: query.limit ?? DEFAULT_PAGE_LIMIT,
    maxBytes: MAX_PAGE_BYTES - REST_BYTES - jsonBytesOf(prompt) - jsonBytesOf(response),
    read: (last, rows) => read((db) => selectActivities(db, id, query, filter, last, rows).$castTo<Omit<EventRow, 'actor'>>().execute()),
    bytesOf,
    grow
  })
  const range = inOrder(activities, query)
  return {
    ...toSummary(run, task?.title),
    ...optional('signal', run.signal),
    ...optional('stderrTail', run.stderr_tail),
    ...optional('budget', budgetOf(run.budget_usd, run.cost_usd)),
    ...(run.failure === null ? {} : { failure: JSON.parse(run.failure) as Failure }),
    prompt,
    ...optional('response', response),
    activities: range.rows.map(toActivityRecord),
    page: toPage(range, query, head, true)
  }
}

/** A page of the list of invocations, newest first. */
export async function readList (
  read: Read, filter: InvocationQuery, grow: () => Promise<void>
): Promise<InvocationList> {
  const { rows, hasMore } = await readBounded<ListedRow>({
    limit: filter.limit ?? DEFAULT_LIST_LIMIT,
    maxBytes: MAX_PAGE_BYTES - REST_BYTES,
    read: (last, limit) => read((db) => selectInvocations(db, {
      ...filter, limit, ...(last === undefined ? {} : { cursor: listCursorOf(last) })
    }).execute()),
    bytesOf: (row) => Buffer.byteLength(JSON.stringify(toSummary(row, row.title ?? undefined))) + VERDICT_BYTES,
    grow
  })
  const titleOf = await read(async (db, host) => {
    const titles = await host.titlesOf(db, rows.map((row) => row.task_id))
    return (row: ListedRow) => host.titleOf(row.title, titles.get(row.task_id))
  })
  const last = rows.at(-1)
  return {
    invocations: rows.map((row) => toSummary(row, titleOf(row))),
    page: { nextCursor: hasMore && last !== undefined ? listCursorOf(last) : null }
  }
}

/** Characters of an invocation's prompt and response, counted where they are stored. */
async function textLengthOf (db: Kysely<Tables>, id: number): Promise<number> {
  const row = await db.selectFrom('task_invocations')
    .select(sql<number>`coalesce(length(prompt), 0) + coalesce(length(response), 0)`.as('length'))
    .where('id', '=', id).executeTakeFirst()
  return Number(row?.length ?? 0)
}

function selectActivities (
  db: Kysely<Tables>, id: number, query: PageQuery, filter: TypeFilter | undefined,
  last: { readonly seq: number } | undefined, limit: number
) {
  const { after, before } = rangeAfter(query, last)
  let select = db.selectFrom('invocation_activity').select([
    'seq', 'activity_type as kind', 'invocation_id', 'message', 'metadata as details', 'created_at', 'lag_ms'
  ]).where('invocation_id', '=', id)
  if (after !== undefined) select = select.where('seq', '>', after)
  if (before !== undefined) select = select.where('seq', '<', before)
  if (filter?.activityTypes !== undefined) select = select.where('activity_type', 'in', [...filter.activityTypes, NONE])
  return select.orderBy('seq', orderOf(query)).limit(limit)
}
