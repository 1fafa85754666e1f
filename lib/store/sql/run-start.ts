import type { Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import { toBudgets } from '../../model/budget.js'
import { toIso } from '../../time/clock.js'
import { signOfLife } from '../dialect.js'
import type { LogRun } from '../port.js'
import type { NewEvent } from '../sequence.js'
import type { Tables } from '../tables.js'
import type { BatchContext } from './batch-context.js'

/** The format of SQLite's datetime('now'), with which the host's code compares. */
function likeTheHosts (time: string): string {
  return time.slice(0, 19).replace('T', ' ')
}

/** Stores that a run begins: the host's row, ours, and the event that is about to get its number. */
export async function startRun (
  trx: Kysely<Tables>, { host, writerId, now }: BatchContext, run: LogRun
): Promise<{ readonly id: number, readonly event: NewEvent }> {
  const startedAt = toIso(run.startedAt)
  const { role, provider, model = '', prompt = '', title, budgetUsd } = run.meta
  const budgets = toBudgets(budgetUsd)
  const values: Record<string, unknown> = {
    task_id: run.taskId,
    role,
    provider,
    model,
    prompt,
    success: 0,
    timed_out: 0,
    exit_code: 0,
    duration_ms: 0,
    created_at: engineOf(trx) === 'postgres' ? startedAt : likeTheHosts(startedAt),
    started_at: startedAt,
    last_activity_at: startedAt,
    status: 'running',
    started_at_ms: run.startedAt,
    last_activity_at_ms: run.startedAt
  }
  const known = Object.fromEntries(Object.entries(values).filter(([name]) => host.schema.invocations.has(name)))
  const inserted = await (trx as Kysely<any>).insertInto('task_invocations').values(known).returning('id')
    .executeTakeFirstOrThrow()
  const id = Number(inserted.id)
  await trx.insertInto('invocation_run').values({
    invocation_id: id,
    task_id: run.taskId,
    role,
    provider,
    model: model === '' ? null : model,
    status: 'running',
    source: 'recorder',
    started_at: startedAt,
    last_activity_at: startedAt,
    owner: writerId,
    heartbeat_at: signOfLife(trx, toIso(now)),
    timed_out: 0,
    budget_usd: budgets.invocation ?? null
  } as never).execute()
  await trx.updateTable('task_stream').set({ invocation_cursor: id }).where('task_id', '=', run.taskId)
    .where('invocation_cursor', '<', id).execute()
  if (budgets.task !== undefined) {
    await trx.updateTable('task_stream').set({ budget_usd: budgets.task }).where('task_id', '=', run.taskId).execute()
  }
  return {
    id,
    event: {
      type: 'invocation.started',
      invocationId: id,
      payload: {
        role, provider, ...(model === '' ? {} : { model }), ...(title === undefined ? {} : { title })
      },
      source: 'invocation',
      sourceId: `${id}:start`,
      timestamp: startedAt
    }
  }
}
