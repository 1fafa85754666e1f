import { sql, type Kysely } from 'kysely'
import type { AdviceOutcome, AdviceState, JudgedAdvice } from '../../insight/advice.js'
import type { Step } from '../../insight/limits.js'
import { decodeProgress } from '../../insight/stored-progress.js'
import type { InvocationStatus } from '../../model/events.js'
import { parseTime, toIso } from '../../time/clock.js'
import type { AdviceStore, GivenAdvice, OpenAdvice } from '../advice.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import type { Database } from './database.js'

/** How long a change waits for the lock, in milliseconds; whoever made it tries again later. */
const PATIENCE_MS = 500
/** More are not open: a run has one of each state at most. */
const OPEN_AT_ONCE = 2_000
const COLUMNS = [
  'timeline_advice.invocation_id', 'state', 'mark', 'timeline_advice.task_id', 'step', 'after_ms', 'advised_at',
  'timeline_advice.outcome', 'outcome_ms'
] as const

export function createAdviceStore ({ read, write }: Pick<Database, 'read' | 'write'>): AdviceStore {
  return {
    add: (given) => write(async (trx) => {
      const added: GivenAdvice[] = []
      for (const advice of given) if (await isNew(trx, advice) && await insert(trx, advice)) added.push(advice)
      return added
    }, PATIENCE_MS),

    settle: (settled) => write(async (trx) => {
      const changed: typeof settled[number][] = []
      for (const one of settled) {
        const { numUpdatedRows } = await trx.updateTable('timeline_advice')
          .set({ outcome: one.outcome, outcome_ms: Math.round(one.outcomeMs) })
          .where('invocation_id', '=', one.invocationId).where('state', '=', one.state).where('mark', '=', one.mark)
          .where('outcome', 'is', null).executeTakeFirst()
        if (numUpdatedRows > 0) changed.push(one)
      }
      return changed
    }, PATIENCE_MS),

    open: () => read(async (db) => {
      const rows = await db.selectFrom('timeline_advice')
        .leftJoin('invocation_run', 'invocation_run.invocation_id', 'timeline_advice.invocation_id')
        .select([...COLUMNS, 'status', 'progress', 'last_activity_at', 'completed_at'])
        .where('timeline_advice.outcome', 'is', null).orderBy('advised_at').limit(limitTo(OPEN_AT_ONCE)).execute()
      const open: OpenAdvice[] = []
      for (const row of rows) {
        const lastAt = parseTime(row.last_activity_at)
        // Most are silent still: nothing is read of their logs.
        const isLater = lastAt !== undefined && lastAt > Math.min(Number(row.mark), parseTime(row.advised_at) ?? 0)
        open.push({
          ...toAdvice(row),
          status: row.status as InvocationStatus | null ?? undefined,
          movedAt: row.status === 'running' ? decodeProgress(row.progress, lastAt ?? 0).movedAt : undefined,
          nextAt: isLater ? await firstAfter(db, Number(row.invocation_id), row.advised_at) : undefined,
          completedAt: parseTime(row.completed_at)
        })
      }
      return open
    }),

    longestWrong: (since) => read(async (db) => (await db.selectFrom('timeline_advice')
      .select(['state', 'step']).select((eb) => eb.fn.max('outcome_ms').as('ms'))
      .where('outcome', '=', 'went_on').where('advised_at', '>', since).where('state', 'in', ['quiet', 'stuck'])
      .groupBy(['state', 'step']).execute()).map(({ state, step, ms }) =>
      ({ state: state as AdviceState, step: step as Step, silentForMs: Number(ms ?? 0) }))),

    newest: (limit) => read(async (db) => (await db.selectFrom('timeline_advice').select(COLUMNS)
      .orderBy('advised_at', 'desc').limit(limitTo(limit)).execute()).map(toAdvice))
  }
}

/** Whoever else judges may have begun to look at the same a moment earlier or later. */
async function isNew (trx: Kysely<Tables>, { invocationId, state }: GivenAdvice): Promise<boolean> {
  const run = await trx.selectFrom('invocation_run').select('status').where('invocation_id', '=', invocationId).executeTakeFirst()
  if (run?.status !== 'running') return false
  return await trx.selectFrom('timeline_advice').select('mark').where('invocation_id', '=', invocationId)
    .where('state', '=', state).where('outcome', 'is', null).executeTakeFirst() === undefined
}

async function insert (
  trx: Kysely<Tables>, { invocationId, state, mark, taskId, step, afterMs, at }: GivenAdvice
): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await trx.insertInto('timeline_advice').values({
    invocation_id: invocationId,
    state,
    mark,
    task_id: taskId,
    step,
    after_ms: Math.round(afterMs),
    advised_at: at
  }).onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/** When a run first did something after a time, in milliseconds since the epoch. */
async function firstAfter (db: Kysely<Tables>, invocationId: number, at: string): Promise<number | undefined> {
  const row = await db.selectFrom('invocation_activity').select(['created_at', 'lag_ms'])
    .where('invocation_id', '=', invocationId).where('created_at', '>', at).orderBy('seq').limit(sql<number>`1`).executeTakeFirst()
  const createdAt = parseTime(row?.created_at)
  return createdAt === undefined ? undefined : createdAt - Number(row?.lag_ms)
}

function toAdvice (row: {
  readonly invocation_id: number
  readonly state: string
  readonly mark: number
  readonly task_id: string
  readonly step: string
  readonly after_ms: number
  readonly advised_at: string
  readonly outcome: string | null
  readonly outcome_ms: number | null
}): GivenAdvice & JudgedAdvice {
  return {
    invocationId: Number(row.invocation_id),
    taskId: row.task_id,
    state: row.state as AdviceState,
    mark: Number(row.mark),
    step: row.step as Step,
    afterMs: Number(row.after_ms),
    at: toIso(parseTime(row.advised_at) ?? 0),
    outcome: row.outcome as AdviceOutcome | null ?? undefined,
    outcomeMs: row.outcome_ms === null ? undefined : Number(row.outcome_ms)
  }
}
