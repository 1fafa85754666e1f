import { sql, type CompiledQuery, type Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import type { ActivityType } from '../../model/activity.js'
import { tableOf } from '../dialect.js'
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
  if (rows.length > 0 && engineOf(db) === 'postgres') return insertAtOnce(db, taskId, createdAt, rows)
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

/** On PostgreSQL, where each statement is a way there and back. */
async function insertAtOnce (
  db: Kysely<Tables>, taskId: string, createdAt: string, rows: readonly ActivityRow[]
): Promise<void> {
  const table = tableOf(rows, {
    invocationId: 'bigint', type: 'text', message: 'text', seq: 'bigint', metadata: 'text', lagMs: 'bigint'
  })
  await sql`INSERT INTO invocation_activity (invocation_id, activity_type, message, created_at, task_id, seq, metadata, lag_ms)
    SELECT "invocationId", type, message, ${createdAt}::timestamptz, ${taskId}::text, seq, metadata::jsonb, "lagMs"
    FROM ${table}`.execute(db)
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
