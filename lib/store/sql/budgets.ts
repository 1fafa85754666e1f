import { randomUUID } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { roundUsd } from '../../model/prices.js'
import { toIso } from '../../time/clock.js'
import type { Tables } from '../tables.js'

/**
 * Makes a notice where a run, or its task, has cost more than it may: once for each limit, in the transaction that
 * stores the cost, so that it is exact whoever writes and whoever looks.
 *
 * @param runIds those whose cost, or whose task's limit, may have changed
 * @param now milliseconds since the epoch
 */
export async function noteBudgets (
  trx: Kysely<Tables>, taskId: string, runIds: readonly number[], now: number
): Promise<void> {
  for (const id of runIds) {
    const run = await trx.updateTable('invocation_run').set({ told_budget_usd: sql`budget_usd` })
      .where('invocation_id', '=', id).whereRef('cost_usd', '>', 'budget_usd').where('told_budget_usd', 'is', null)
      .returning(['budget_usd', 'cost_usd']).executeTakeFirst()
    if (run !== undefined) await addNotice(trx, taskId, id, Number(run.budget_usd), Number(run.cost_usd), now)
  }
  const task = await trx.selectFrom('task_stream').select('budget_usd').where('task_id', '=', taskId)
    .where('budget_usd', 'is not', null)
    .where((eb) => eb.or([eb('told_budget_usd', 'is', null), eb('told_budget_usd', '<', eb.ref('budget_usd'))]))
    .executeTakeFirst()
  if (task === undefined) return
  const limitUsd = Number(task.budget_usd)
  const spent = await trx.selectFrom('invocation_run').select(({ fn }) => fn.sum<number | null>('cost_usd').as('cost_usd'))
    .where('task_id', '=', taskId).executeTakeFirst()
  const spentUsd = roundUsd(Number(spent?.cost_usd ?? 0))
  if (spentUsd <= limitUsd) return
  await trx.updateTable('task_stream').set({ told_budget_usd: limitUsd }).where('task_id', '=', taskId).execute()
  await addNotice(trx, taskId, null, limitUsd, spentUsd, now)
}

async function addNotice (
  trx: Kysely<Tables>, taskId: string, id: number | null, limitUsd: number, spentUsd: number, now: number
): Promise<void> {
  const at = toIso(now)
  const task = await trx.selectFrom('task_entry').select('title').where('task_id', '=', taskId).executeTakeFirst()
  const stream = await trx.selectFrom('task_stream').select('title').where('task_id', '=', taskId).executeTakeFirst()
  const title = task?.title ?? stream?.title ?? undefined
  await trx.insertInto('timeline_notice').values({
    notice_id: randomUUID(),
    task_id: taskId,
    invocation_id: id,
    kind: 'budget',
    data: JSON.stringify({ at, title, budget: { limitUsd, spentUsd, isExceeded: true } }),
    created_at: at
  }).execute()
}
