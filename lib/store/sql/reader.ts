import { sql, type Kysely } from 'kysely'
import { timelineError } from '../../errors.js'
import type { Page } from '../../model/events.js'
import { parseTime } from '../../time/clock.js'
import { hasId, taskIdFrom } from '../dialect.js'
import type { HostRows } from '../host-rows.js'
import { DEFAULT_PAGE_LIMIT } from '../limits.js'
import type { LogReader, StreamHead, TimelineQuery } from '../port.js'
import { Statement } from '../statement.js'
import type { Tables } from '../tables.js'
import { jsonBytesOf, MAX_PAGE_BYTES, readBounded, REST_BYTES } from './bounded-read.js'
import {
  bytesOf, isActivity, parseTypes, selectEvents, toEvent, type EventRow, type TypeFilter
} from './event-rows.js'
import { findEvents } from './find-events.js'
import { headOf, toHead } from './heads.js'
import { optional, selectRunningOf, toCurrent } from './invocation-rows.js'
import { LargeReads } from './large-reads.js'
import { inOrder, orderOf, rangeAfter, readAround, toPage, type ReadRange } from './page-range.js'
import { readDetails, readList } from './read-invocations.js'
import { firstSeqOf, lookAtRuns } from './running-look.js'

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
      const filter = typeFilter(query.types)
      let taskId = await read((db) => taskOf(db, id))
      if (taskId === undefined) return undefined
      await importHostRows([taskId])
      taskId = await read((db) => taskOf(db, id))
      return taskId === undefined ? undefined : large.run((grow) => readDetails(read, id, query, filter, grow))
    },

    async listInvocations (filter) {
      await adoptNew().catch((error) => { if (!isBusy(error)) onImportError(error) })
      return large.run((grow) => readList(read, filter, grow))
    },

    changeMark
  }
}

const TASKS_A_STATEMENT = 500

function typeFilter (types: readonly string[] | undefined): TypeFilter | undefined {
  if (types === undefined || types.length === 0) return undefined
  const filter = parseTypes(types)
  if ('unknown' in filter) throw timelineError('AGENT_TIMELINE_INVALID_TYPES', [filter.unknown])
  return filter
}

/** Rows of a timeline, and what is said of them once it is known where the log stands. */
interface Part {
  readonly rows: readonly EventRow[]
  readonly pageOf: (head: StreamHead) => Page
  readonly wasLong: boolean
}

async function taskOf (db: Kysely<Tables>, id: number): Promise<string | undefined> {
  const run = await db.selectFrom('invocation_run').select('task_id').where('invocation_id', '=', id).executeTakeFirst()
  if (run !== undefined) return run.task_id
  const row = await db.selectFrom('task_invocations').select(taskIdFrom('task_id').as('task_id')).where(hasId(db, id)).executeTakeFirst()
  return row?.task_id
}
