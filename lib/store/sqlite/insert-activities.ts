import type { CompiledQuery, Kysely } from 'kysely'
import type { ActivityType } from '../../model/activity.js'
import type { Tables } from '../tables.js'

/** An activity with its number. */
export interface ActivityRow {
  readonly invocationId: number
  readonly type: ActivityType
  readonly message: string
  readonly seq: number
  readonly metadata: string | null
  readonly lagMs: number
}

/**
 * Rows a statement, largest first: few enough different statements to keep them all prepared, few enough parameters
 * for every engine.
 */
const ROWS_A_STATEMENT = [50, 10, 4, 1]

/**
 * Stores activities that all have the same time of insertion.
 *
 * Building a statement of 50 rows takes Kysely longer than SQLite takes to run it, so each size is built once and
 * run with other parameters afterwards.
 */
export async function insertActivities (
  db: Kysely<Tables>, cache: StatementCache, taskId: string, createdAt: string, rows: readonly ActivityRow[]
): Promise<void> {
  let at = 0
  for (const size of ROWS_A_STATEMENT) {
    while (rows.length - at >= size) {
      const parameters: unknown[] = []
      for (let index = at; index < at + size; index++) {
        const { invocationId, type, message, seq, metadata, lagMs } = rows[index] as ActivityRow
        parameters.push(invocationId, type, message, createdAt, taskId, seq, metadata, lagMs)
      }
      await db.executeQuery({ ...statementFor(db, cache, size), parameters })
      at += size
    }
  }
}

/** The statements built so far, by number of rows: one cache for each writer. */
export type StatementCache = Map<number, CompiledQuery>

function statementFor (db: Kysely<Tables>, cache: StatementCache, size: number): CompiledQuery {
  let statement = cache.get(size)
  if (statement === undefined) {
    const row = {
      invocation_id: 0, activity_type: '', message: '', created_at: '', task_id: '', seq: 0, metadata: null, lag_ms: 0
    }
    statement = db.insertInto('invocation_activity').values(Array(size).fill(row)).compile()
    cache.set(size, statement)
  }
  return statement
}
