import { sql, type Kysely } from 'kysely'
import type { StoredCall } from '../../insight/ended-call.js'
import { parseTime } from '../../time/clock.js'
import type { CallHistory } from '../call-history.js'
import { limitTo, Statement } from '../statement.js'
import type { Tables } from '../tables.js'

type Read = <T>(query: (db: Kysely<Tables>) => Promise<T>) => Promise<T>

/** Older ones say little of how long a command takes today. */
const KEPT_DURATIONS = 50
/** Those that were aborted and the like must not make a look read for long. */
const LOOKED_THROUGH = 200

export function createCallHistory (read: Read): CallHistory {
  const keys = new Statement<{ taskId: string, seq: number }, { call_hash: string, chain: string | null }>(
    (db, { taskId, seq }) => db.selectFrom('tool_call').select(['call_hash', 'chain'])
      .where('task_id', '=', taskId).where('seq', '=', seq))
  const durations = {
    hash: new Statement<{ value: string }, { duration_ms: number }>((db, { value }) => selectDurations(db, 'call_hash', value)),
    chain: new Statement<{ value: string }, { duration_ms: number }>((db, { value }) => selectDurations(db, 'chain', value))
  }
  const ended = new Statement<EndedValues, EndedRow>(selectEnded)
  return {
    keysOf: (taskId, seq) => read(async (db) => {
      const row = await keys.first(db, { taskId, seq })
      return row && { hash: row.call_hash, chain: row.chain }
    }),
    durationsOf: (by, value) => read(async (db) =>
      (await durations[by].run(db, { value })).rows.map((row) => Number(row.duration_ms)).reverse()),
    endedCalls: ({ taskId, invocationId, fromSeq, afterEnd, limit }) => read(async (db) => {
      const { rows } = await ended.run(db, { taskId, invocationId, fromSeq, afterEnd, limit })
      return rows.map(toStoredCall).sort((a, b) => a.endSeq - b.endSeq)
    })
  }
}

/** Newest first, of calls that nobody cut off. */
function selectDurations (db: Kysely<Tables>, column: 'call_hash' | 'chain', value: string) {
  return db.selectFrom((eb) => eb.selectFrom('tool_call').select(['duration_ms', 'status', 'timeout_ms', 'is_background'])
    .where(column, '=', value).orderBy('started_at', 'desc').limit(limitTo(LOOKED_THROUGH)).as('last'))
    .select(sql<number>`duration_ms`.as('duration_ms')).where('status', 'in', ['ok', 'error']).where('is_background', '=', 0)
    .where((eb) => eb.or([eb('timeout_ms', 'is', null), eb('duration_ms', '<', eb.ref('timeout_ms'))]))
    .limit(limitTo(KEPT_DURATIONS))
}

type EndedValues = { taskId: string, invocationId: number, fromSeq: number, afterEnd: number, limit: number }
interface EndedRow {
  readonly seq: number
  readonly end_seq: number | null
  readonly parent_seq: number | null
  readonly kind: string
  readonly name: string
  readonly call_hash: string
  readonly result_hash: string | null
  readonly status: string
  readonly is_poll: number
  readonly started_at: string
  readonly duration_ms: number | null
}

function selectEnded (db: Kysely<Tables>, { taskId, invocationId, fromSeq, afterEnd, limit }: EndedValues) {
  return db.selectFrom('tool_call').select([
    'seq', 'end_seq', 'parent_seq', 'kind', 'name', 'call_hash', 'result_hash', 'status', 'is_poll', 'started_at', 'duration_ms'
  ]).where('task_id', '=', taskId).where('invocation_id', '=', invocationId).where('seq', '>=', fromSeq)
    .where('end_seq', '>', afterEnd).orderBy('seq', 'desc').limit(sql<number>`${limit} + 0`)
}

function toStoredCall (row: EndedRow): StoredCall {
  return {
    seq: Number(row.seq),
    endSeq: Number(row.end_seq),
    parentSeq: row.parent_seq === null ? null : Number(row.parent_seq),
    kind: row.kind,
    name: row.name,
    hash: row.call_hash,
    resultHash: row.result_hash,
    status: row.status,
    isPoll: Number(row.is_poll) === 1,
    startedAt: parseTime(row.started_at) ?? 0,
    durationMs: Number(row.duration_ms ?? 0)
  }
}
