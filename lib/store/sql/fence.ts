import type { Kysely } from 'kysely'
import { toIso } from '../../time/clock.js'
import { signOfLife } from '../dialect.js'
import { randomEpoch } from '../sequence.js'
import type { Tables } from '../tables.js'
import type { BatchContext } from './batch-context.js'

/**
 * The fence: a batch that was committed already finds its number taken, and one that is put into another database than
 * those before it finds none, or a number that lags behind.
 */
export async function advanceFence (
  trx: Kysely<Tables>, { writerId, owner, now, statements }: BatchContext, batch: number
): Promise<'next' | 'passed' | 'elsewhere'> {
  const heartbeat = toIso(now)
  const { numAffectedRows } = await statements.advanceFence.run(trx, {
    batch, before: batch - 1, writerId, heartbeatAt: heartbeat
  })
  if (numAffectedRows === 1n) return 'next'
  const row = await trx.selectFrom('timeline_writer').select('batch').where('writer_id', '=', writerId).executeTakeFirst()
  if (row !== undefined && Number(row.batch) >= batch) return 'passed'
  // A number that lags behind is that of a backup, put in the place of the database while we wrote.
  await trx.insertInto('timeline_writer').values({ writer_id: writerId, batch, owner, heartbeat_at: signOfLife(trx, heartbeat) })
    .onConflict((conflict) => conflict.column('writer_id').doUpdateSet({ batch, heartbeat_at: signOfLife(trx, heartbeat) })).execute()
  return batch === 1 ? 'next' : 'elsewhere'
}

/** Numbers are given anew that viewers have seen with other rows: they must not take one log for the other. */
export async function renewEpoch (trx: Kysely<Tables>, taskId: string): Promise<void> {
  await trx.updateTable('task_stream').set({ epoch: randomEpoch() }).where('task_id', '=', taskId).execute()
}
