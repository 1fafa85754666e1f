import { sql, type Kysely } from 'kysely'
import { isRefusal } from './sqlite.js'
import type { Tables } from './tables.js'

/**
 * Runs a part of a transaction that may fail by itself: what it wrote is undone, the rest of the transaction stays.
 *
 * @throws what `work` threw
 */
export async function withinSavepoint<T> (trx: Kysely<Tables>, work: () => Promise<T>): Promise<T> {
  await sql`SAVEPOINT part`.execute(trx)
  try {
    return await work()
  } catch (error) {
    await sql`ROLLBACK TO part`.execute(trx)
    throw error
  } finally {
    await sql`RELEASE part`.execute(trx)
  }
}

/**
 * Same, for what the host's constraints and triggers may refuse while ours has to be stored.
 *
 * @returns whether it was accepted
 */
export async function tryWithinSavepoint (trx: Kysely<Tables>, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await withinSavepoint(trx, work)
    return true
  } catch (error) {
    if (!isRefusal(error)) throw error
    return false
  }
}
