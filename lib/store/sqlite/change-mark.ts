import { sql, type Kysely } from 'kysely'
import { Statement } from '../statement.js'
import type { Tables } from '../tables.js'
import type { Database } from '../sql/database.js'

/** A number that changes whenever somebody else committed. */
export function createChangeMark ({ read }: Pick<Database, 'read'>): () => Promise<number> {
  // data_version leaves out what this very connection wrote, which matters where it is shared with the host.
  const selectMark = new Statement((db) => db.selectFrom(sql<{ data_version: number }>`pragma_data_version`.as('others'))
    .select(sql<number>`data_version + total_changes()`.as('mark')))
  /** Connections count from the same number: one to a file that took another's place goes on above the last. */
  const marks = { db: undefined as Kysely<Tables> | undefined, base: 0, last: 0 }
  return () => read(async (db) => {
    const mark = await selectMark.first(db, {})
    if (marks.db !== db) {
      marks.db = db
      marks.base = marks.last + 1
    }
    marks.last = marks.base + Number(mark?.mark)
    return marks.last
  })
}
