import { CompiledQuery, type Kysely } from 'kysely'
import type { TryPart } from '../host-rows.js'
import type { Tables } from '../tables.js'
import { TransactionGone } from './transaction-gone.js'

const SAVE = CompiledQuery.raw('SAVEPOINT part')
const UNDO = CompiledQuery.raw('ROLLBACK TO part')
const RELEASE = CompiledQuery.raw('RELEASE part')

/**
 * Runs a part of a transaction that may fail by itself: what it wrote is undone, the rest of the transaction stays.
 *
 * @throws what `work` threw, or {@link TransactionGone} for it
 */
export async function withinSavepoint<T> (trx: Kysely<Tables>, work: () => Promise<T>): Promise<T> {
  await trx.executeQuery(SAVE)
  try {
    const result = await work()
    await trx.executeQuery(RELEASE)
    return result
  } catch (error) {
    if (error instanceof TransactionGone) throw error
    // The savepoint is missing only where the transaction is.
    await trx.executeQuery(UNDO).catch(() => { throw new TransactionGone(error) })
    await trx.executeQuery(RELEASE)
    throw error
  }
}

/**
 * Same, for what the host's constraints and triggers may refuse while ours has to be stored.
 *
 * @param isRefusal whether the data is at fault, and not the database
 */
export function createTryPart (isRefusal: (error: unknown) => boolean): TryPart {
  return async (trx, work) => {
    try {
      await withinSavepoint(trx, work)
      return true
    } catch (error) {
      if (error instanceof TransactionGone || !isRefusal(error)) throw error
      return false
    }
  }
}
