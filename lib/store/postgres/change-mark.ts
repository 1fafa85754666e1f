import { sql } from 'kysely'
import type { Database } from '../sql/database.js'

/**
 * A number that changes whenever somebody committed: anywhere on the server, which costs a look too many at times.
 * What is asked for is a snapshot: it names the transactions that are under way.
 */
export function createChangeMark ({ read }: Pick<Database, 'read'>): () => Promise<number> {
  let known: string | undefined
  let mark = 0
  return async () => {
    const snapshot = await read(async (db) => {
      const { rows } = await sql<{ snapshot: string }>`SELECT pg_current_snapshot()::text AS snapshot`.execute(db)
      return rows[0]?.snapshot
    })
    if (snapshot !== known) mark++
    known = snapshot
    return mark
  }
}
