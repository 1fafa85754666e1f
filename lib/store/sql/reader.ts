import { sql, type InferResult, type Kysely } from 'kysely'
import { budgetOf } from '../../model/budget.js'
import type { Failure } from '../../model/failure.js'
import { timelineError } from '../../errors.js'
import type { CurrentFrame, Gap, InvocationDetails, InvocationStatus, InvocationSummary, Page } from '../../model/events.js'
import { normaliseTime, parseTime } from '../../time/clock.js'
import type { HostRows } from '../host-rows.js'
import { durationOf, exitCodeOf, textOf } from '../../model/values.js'
import type {
  InvocationList, InvocationQuery, LogReader, PageQuery, StreamHead, TimelineQuery
} from '../port.js'
import { usageOf } from '../../model/ending.js'
import { DEFAULT_LIST_LIMIT, DEFAULT_PAGE_LIMIT } from '../limits.js'
import { jsonBytesOf, MAX_PAGE_BYTES, readBounded, type BoundedRows } from './bounded-read.js'
import { findEvents } from './find-events.js'
import { findGaps } from '../../model/gaps.js'
import { LargeReads } from './large-reads.js'
import { firstSeqOf, lookAtRuns } from './running-look.js'
import { parseObject } from '../../text/parse-object.js'
import { Statement } from '../statement.js'
import {
  bytesOf, isActivity, parseTypes, selectEvents, toActivityRecord, toEvent, type EventRow, type TypeFilter
} from './event-rows.js'
import { inScope } from '../task-scope.js'
import type { InvocationRunTable, Tables } from '../tables.js'
import type { Selectable } from 'kysely'

export interface ReaderOptions {
  /** Runs a read against the current connection, retrying while busy; errors come out coded. */
  readonly read: <T>(query: (db: Kysely<Tables>, host: HostRows) => Promise<T>) => Promise<T>
  /** Brings a task's host rows into the log, in a writing transaction. */
  readonly importPending: (taskId: string) => Promise<number | undefined>
  /** Makes records of host invocations that have none. */
  readonly adoptNew: () => Promise<void>
  /** Whether an error says that somebody else has the lock. */
  readonly isBusy: (error: unknown) => boolean
  /** A number that changes whenever somebody else committed. */
  readonly changeMark: () => Promise<number>
  /** Told why the host's rows could not be brought in; what is stored is served all the same. */
  readonly onImportError: (error: unknown) => void
}

/** After how long rows of the host's that could not be brought in are tried again, in milliseconds. */
const IMPORT_RETRY_MS = 1_000

/** The reading half of the store on one database. */
export function createReader (
  { read, importPending, adoptNew, isBusy, changeMark, onImportError }: ReaderOptions
): LogReader {
  async function importHostRows (taskIds: readonly string[]): Promise<number | undefined> {
    let recheckInMs: number | undefined
    for (const taskId of taskIds) {
      const wait = await importTask(taskId)
      if (wait !== undefined) recheckInMs = Math.min(wait, recheckInMs ?? wait)
    }
    return recheckInMs
  }

  async function importTask (taskId: string): Promise<number | undefined> {
    try {
      const { hasPending, recheckInMs } = await read((db, host) => host.look(db, taskId))
      return hasPending ? await importPending(taskId) : recheckInMs
    } catch (error) {
      if (!isBusy(error)) onImportError(error)
      return IMPORT_RETRY_MS
    }
  }

  const large = new LargeReads()
  const searches = new LargeReads()

  async function readDetails (
    id: number, query: PageQuery, grow: () => Promise<void>
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
      read: (last, rows) => read((db) => selectActivities(db, id, query, last, rows).$castTo<Omit<EventRow, 'actor'>>().execute()),
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

  async function readList (filter: InvocationQuery, grow: () => Promise<void>): Promise<InvocationList> {
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

  async function readPart (
    taskId: string, query: TimelineQuery, filter: TypeFilter | undefined, head: StreamHead, grow: () => Promise<void>
  ): Promise<Part> {
    const isFiltered = filter !== undefined
    const { limit = DEFAULT_PAGE_LIMIT, around, q, after = 0 } = query
    const maxBytes = MAX_PAGE_BYTES - REST_BYTES
    const idBytes = jsonBytesOf(taskId)
    const bytes = (row: EventRow) => bytesOf(row) + idBytes
    const readRange: ReadRange = async (part, limit, maxBytes) => readBounded<EventRow>({
      limit,
      maxBytes,
      read: (last, rows) => read((db) => selectEvents(db, {
        taskId, ...rangeAfter(part, last), limit: rows, order: orderOf(part), filter
      }).execute()),
      bytesOf: bytes,
      grow
    })

    if (q !== undefined) {
      await grow()
      const { rows, nextAfter } = await findEvents(read, {
        taskId, text: q, after, headSeq: head.lastSeq, limit, maxBytes, filter, bytesOf: bytes
      })
      const pageOf = (head: StreamHead) => ({
        ...toPage({ rows, hasMore: nextAfter !== undefined }, query, head, true), ...optional('nextAfter', nextAfter)
      })
      return { rows, pageOf, wasLong: true }
    }
    if (around !== undefined) {
      const { rows, hasBefore, hasAfter } = await readAround(around, limit, maxBytes, bytes, readRange)
      const first = hasBefore ? Number(rows[0]?.seq) - 1 : 0
      const pageOf = (head: StreamHead) => ({
        ...toPage({ rows, hasMore: hasAfter }, { after: first }, head, isFiltered), hasBefore
      })
      return { rows, pageOf, wasLong: true }
    }
    const found = await readRange(query, limit, maxBytes)
    const range = inOrder(found, query)
    return { rows: range.rows, pageOf: (head) => toPage(range, query, head, isFiltered), wasLong: found.wasLong }
  }

  const selectEpoch = new Statement((db, { taskId }: { taskId: string }) => db.selectFrom('task_stream')
    .select('epoch').where('task_id', '=', taskId))

  const selectHead = new Statement((db, { taskId }: { taskId: string }) => db.selectFrom('task_stream')
    .select(['last_seq', 'epoch', 'floor_seq']).where('task_id', '=', taskId))
  const selectAfter = new Statement<{ taskId: string, after: number, limit: number }, EventRow>(
    (db, { taskId, after, limit }) => selectEvents(db, { taskId, after, limit, order: 'asc' }))
  const countBetween = new Statement<{ taskId: string, after: number, through: number }, { count: number }>(
    (db, { taskId, after, through }) => {
      const inRange = (table: 'invocation_activity' | 'timeline_event') => db.selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('task_id', '=', taskId).where('seq', '>', after).where('seq', '<=', through)
      return db.selectNoFrom(sql<number>`(${inRange('invocation_activity')}) + (${inRange('timeline_event')})`.as('count'))
    })

  return {
    importHostRows,

    heads: async (taskIds) => read(async (db) => {
      const [taskId] = taskIds
      if (taskId !== undefined && taskIds.length === 1) {
        const row = await selectHead.first(db, { taskId })
        return new Map(row === undefined ? [] : [[taskId, toHead(row)]])
      }
      const heads = new Map<string, StreamHead>()
      for (let at = 0; at < taskIds.length; at += TASKS_A_STATEMENT) {
        const rows = await db.selectFrom('task_stream').select(['task_id', 'last_seq', 'epoch', 'floor_seq'])
          .where('task_id', 'in', taskIds.slice(at, at + TASKS_A_STATEMENT)).execute()
        for (const row of rows) heads.set(row.task_id, toHead(row))
      }
      return heads
    }),

    readAfter: async (taskId, seq, limit) => read(async (db) => {
      const { rows } = await selectAfter.run(db, { taskId, after: seq, limit })
      const insertedAtMs = parseTime(rows.find(isActivity)?.created_at)
      const stream = await selectEpoch.first(db, { taskId })
      return Object.assign(rows.map((row) => toEvent(taskId, row)), { insertedAtMs, epoch: stream?.epoch })
    }),

    countBetween: async (taskId, after, through) => read(async (db) => {
      const row = await countBetween.first(db, { taskId, after, through })
      return Number(row?.count ?? 0)
    }),

    async readPage (taskId, query) {
      const filter = typeFilter(query.types)
      const reads = query.q === undefined ? large : searches
      return reads.run(async (grow) => {
        for (;;) {
          // The head first: numbers up to it are committed, so what the rows then lack was deleted.
          const head = await read((db) => headOf(db, taskId))
          const { rows, pageOf, wasLong } = await readPart(taskId, query, filter, head, grow)
          const end = wasLong ? await read((db) => headOf(db, taskId)) : head
          // Another log has taken its place in between.
          if (end.epoch !== head.epoch) continue
          const page = pageOf({ ...head, floorSeq: end.floorSeq })
          return { timeline: rows.map((row) => toEvent(taskId, row)), page }
        }
      })
    },

    running: async (taskId) => read(async (db) => {
      const rows = await selectRunningOf(db, taskId).execute()
      return rows.map(toCurrent).sort((a, b) => a.invocationId - b.invocationId)
    }),

    async look (afterInvocationId, scope) {
      await adoptNew().catch((error) => { if (!isBusy(error)) onImportError(error) })
      return read((db) => lookAtRuns(db, afterInvocationId, scope))
    },

    taskOf: async (invocationId) => read((db) => taskOf(db, invocationId)),

    firstSeqOf: async (invocationId) => read((db) => firstSeqOf(db, invocationId)),

    async getTask (taskId) {
      await importHostRows([taskId])
      return read((db, host) => host.getTask(db, taskId))
    },

    async getInvocation (id, query) {
      let taskId = await read((db) => taskOf(db, id))
      if (taskId === undefined) return undefined
      await importHostRows([taskId])
      taskId = await read((db) => taskOf(db, id))
      return taskId === undefined ? undefined : large.run((grow) => readDetails(id, query, grow))
    },

    async listInvocations (filter) {
      await adoptNew().catch((error) => { if (!isBusy(error)) onImportError(error) })
      return large.run((grow) => readList(filter, grow))
    },

    changeMark
  }
}

const TASKS_A_STATEMENT = 500

function toHead (row: { last_seq: number, epoch: string, floor_seq: number }): StreamHead {
  return { lastSeq: Number(row.last_seq), epoch: row.epoch, floorSeq: Number(row.floor_seq) }
}

const NO_HEAD: StreamHead = { lastSeq: 0, epoch: '', floorSeq: 0 }

async function headOf (db: Kysely<Tables>, taskId: string): Promise<StreamHead> {
  const row = await db.selectFrom('task_stream').select(['last_seq', 'epoch', 'floor_seq'])
    .where('task_id', '=', taskId).executeTakeFirst()
  return row === undefined ? NO_HEAD : toHead(row)
}

function typeFilter (types: readonly string[] | undefined): TypeFilter | undefined {
  if (types === undefined || types.length === 0) return undefined
  const filter = parseTypes(types)
  if ('unknown' in filter) throw timelineError('AGENT_TIMELINE_INVALID_TYPES', [filter.unknown])
  return filter
}

interface Range<Row> { readonly rows: readonly Row[], readonly hasMore: boolean }

/** What an answer has besides its rows. */
const REST_BYTES = 16 * 1024
/** A verdict that is put to a running invocation, its sentences and its tool's message. */
const VERDICT_BYTES = 4 * 1024
/** Characters of prompt and response that are read one invocation at a time. */
const LONG_TEXT = 256 * 1024

function orderOf ({ before }: PageQuery): 'asc' | 'desc' {
  return before === undefined ? 'asc' : 'desc'
}

/** Where reading begins, or goes on after a row. */
function rangeAfter ({ after, before }: PageQuery, last: { readonly seq: number } | undefined) {
  const isBackwards = before !== undefined
  const from = isBackwards ? after : last?.seq ?? after
  const to = isBackwards ? last?.seq ?? before : before
  return {
    ...(from === undefined ? {} : { after: Number(from) }),
    ...(to === undefined || to === 'end' ? {} : { before: Number(to) })
  }
}

type ReadRange = (query: PageQuery, limit: number, maxBytes: number) => Promise<BoundedRows<EventRow>>

/** Rows of a timeline, and what is said of them once it is known where the log stands. */
interface Part {
  readonly rows: readonly EventRow[]
  readonly pageOf: (head: StreamHead) => Page
  readonly wasLong: boolean
}

/** Rows on both sides of a number: as many before it as from it on, more where the other side has fewer. */
async function readAround (
  seq: number, limit: number, maxBytes: number, bytesOf: (row: EventRow) => number,
  readRange: ReadRange
): Promise<{ readonly rows: readonly EventRow[], readonly hasBefore: boolean, readonly hasAfter: boolean }> {
  const half = Math.floor(limit / 2)
  const sizeOf = (rows: readonly EventRow[]) => rows.reduce((sum, row) => sum + bytesOf(row), 0)
  const from = await readRange({ after: seq - 1 }, limit - half, maxBytes / 2)
  const bytesLeft = maxBytes - sizeOf(from.rows)
  const before = await readRange({ before: seq }, limit - from.rows.length, bytesLeft)
  const left = limit - from.rows.length - before.rows.length
  const last = from.rows.at(-1)
  const more = last !== undefined && from.hasMore && left > 0 && !before.hasMore
    ? await readRange({ after: Number(last.seq) }, left, bytesLeft - sizeOf(before.rows))
    : undefined
  return {
    rows: [...before.rows.toReversed(), ...from.rows, ...more?.rows ?? []],
    hasBefore: before.hasMore,
    hasAfter: more?.hasMore ?? from.hasMore
  }
}

/** Pages are ascending, also those that were read from their end. */
function inOrder<Row> ({ rows, hasMore }: Range<Row>, query: PageQuery): Range<Row> {
  return { rows: orderOf(query) === 'desc' ? rows.toReversed() : rows, hasMore }
}

function toPage (range: Range<{ seq: number }>, query: PageQuery, head: StreamHead, isFiltered: boolean): Page {
  const first = range.rows[0]
  const last = range.rows.at(-1)
  const lastSeq = last === undefined ? undefined : Number(last.seq)
  const headSeq = Math.max(head.lastSeq, lastSeq ?? 0)
  return {
    ...(first === undefined ? {} : { firstSeq: Number(first.seq) }),
    ...(lastSeq === undefined ? {} : { lastSeq }),
    headSeq,
    hasMore: range.hasMore,
    gaps: isFiltered ? [] : gapsOf(range, query, { ...head, lastSeq: headSeq })
  }
}

/** The range that a page answers for reaches to the limit of the query where no row is left out. */
function gapsOf (range: Range<{ seq: number }>, query: PageQuery, head: StreamHead): Gap[] {
  const seqs = range.rows.map((row) => Number(row.seq))
  const isBackwards = query.before !== undefined
  const from = isBackwards && range.hasMore ? seqs[0] ?? 1 : (query.after ?? 0) + 1
  const end = typeof query.before === 'number' ? Math.min(query.before - 1, head.lastSeq) : head.lastSeq
  const to = !isBackwards && range.hasMore ? seqs.at(-1) ?? 0 : end
  return findGaps(seqs, from, to, head.floorSeq)
}

async function taskOf (db: Kysely<Tables>, id: number): Promise<string | undefined> {
  const run = await db.selectFrom('invocation_run').select('task_id').where('invocation_id', '=', id).executeTakeFirst()
  if (run !== undefined) return run.task_id
  const row = await db.selectFrom('task_invocations').select('task_id').where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : String(row.task_id)
}

/** Characters of an invocation's prompt and response, counted where they are stored. */
async function textLengthOf (db: Kysely<Tables>, id: number): Promise<number> {
  const row = await db.selectFrom('task_invocations')
    .select(sql<number>`coalesce(length(prompt), 0) + coalesce(length(response), 0)`.as('length'))
    .where('id', '=', id).executeTakeFirst()
  return Number(row?.length ?? 0)
}

function selectActivities (
  db: Kysely<Tables>, id: number, query: PageQuery, last: { readonly seq: number } | undefined, limit: number
) {
  const { after, before } = rangeAfter(query, last)
  let select = db.selectFrom('invocation_activity').select([
    'seq', 'activity_type as kind', 'invocation_id', 'message', 'metadata as details', 'created_at', 'lag_ms'
  ]).where('invocation_id', '=', id)
  if (after !== undefined) select = select.where('seq', '>', after)
  if (before !== undefined) select = select.where('seq', '<', before)
  return select.orderBy('seq', orderOf(query)).limit(limit)
}

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

type ListedRow = InferResult<ReturnType<typeof selectInvocations>>[number]

function listCursorOf ({ started_at: startedAt, invocation_id: id }: ListedRow): string {
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

function toSummary (run: Selectable<InvocationRunTable>, title: string | undefined): InvocationSummary {
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
    ...optional('usage', usageOf(parseObject(run.usage))),
    ...optional('sessionId', run.session_id)
  }
}

function toCurrent (run: Selectable<InvocationRunTable>): CurrentFrame {
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
function optional<Name extends string, Value> (name: Name, value: Value | null | undefined) {
  return (value === null || value === undefined ? {} : { [name]: value }) as { [key in Name]?: Value }
}
