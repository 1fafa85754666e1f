import { sql, type Kysely } from 'kysely'
import { OF_INVOCATION, OF_TASK } from '../../../migrations/statements.js'
import { nextTurn } from '../../time/timers.js'
import { taskIdIn } from '../dialect.js'
import type { Database } from './database.js'
import type { Tables } from '../tables.js'

const ROWS_A_STEP = 200
/** How long a step waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

/** Tables with a row for each invocation or task, which goes last of all that is about it. */
const MAIN = ['invocation_run', 'task_stream'] as const
/** Those in which earlier versions left rows when they swept. */
const LEFT_IN = ['tool_call', 'task_file', 'timeline_advice', 'timeline_notice'] as const

type Swept = typeof MAIN[number] | typeof LEFT_IN[number]

/**
 * Deletes what is left of invocations and tasks that the host deleted while the triggers were away, as they are
 * between a rebuild of its tables and the next time a timeline opens the database.
 *
 * A parent table that is empty is one in the middle of a rebuild, as far as anybody can tell: then nothing goes. Nor
 * does the log of a task that is in no table of tasks, while its invocations are there: that table may be about
 * something else.
 *
 * @returns what sweeps, the first time also what earlier versions left, and says how many invocations and tasks went
 */
export function createSweep (database: Database): () => Promise<number> {
  let isFirst = true

  async function sweep (table: Swept): Promise<number> {
    const isOfTask = table === 'task_stream' || table === 'timeline_notice'
    if (isOfTask && !database.host.schema.ownsTasks) return 0
    const find = (db: Kysely<Tables>): Promise<ReadonlyArray<number | string>> =>
      isOfTask ? findTasks(db, table) : findInvocations(db, table)
    for (let swept = 0; ;) {
      if ((await database.read(find)).length === 0) return swept
      await database.write(async (trx) => {
        // Looked for again: under the lock nobody is in between.
        const ids = await find(trx)
        if (ids.length === 0) return
        for (const name of isOfTask ? OF_TASK : OF_INVOCATION) {
          await (trx as Kysely<any>).deleteFrom(name).where(isOfTask ? 'task_id' : 'invocation_id', 'in', ids).execute()
        }
        swept += ids.length
      }, PATIENCE_MS)
    }
  }

  return async () => {
    let swept = 0
    for (const table of isFirst ? [...MAIN, ...LEFT_IN] : MAIN) {
      swept += await sweep(table)
      await nextTurn()
    }
    isFirst = false
    return swept
  }
}

async function findInvocations (db: Kysely<Tables>, table: Swept): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`WITH RECURSIVE ids (id) AS (${idsIn(table, 'invocation_id')})
    SELECT s.id FROM ids AS s WHERE s.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task_invocations AS i WHERE i.id = s.id)
      AND EXISTS (SELECT 1 FROM task_invocations) LIMIT ${ROWS_A_STEP}`.execute(db)
  return rows.map(({ id }) => Number(id))
}

async function findTasks (db: Kysely<Tables>, table: Swept): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`WITH RECURSIVE ids (id) AS (${idsIn(table, 'task_id')})
    SELECT s.id FROM ids AS s WHERE s.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tasks AS t WHERE ${taskIdIn(db, 't.id')} = s.id)
      AND NOT EXISTS (SELECT 1 FROM task_invocations AS i WHERE ${taskIdIn(db, 'i.task_id')} = s.id)
      AND EXISTS (SELECT 1 FROM tasks) LIMIT ${ROWS_A_STEP}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Each id once: where it has many rows, by its index from one to the next. */
function idsIn (table: Swept, column: 'invocation_id' | 'task_id') {
  const [from, id] = [sql.table(table), sql.ref(column)]
  if ((MAIN as readonly string[]).includes(table)) return sql`SELECT ${id} FROM ${from}`
  return sql`SELECT min(${id}) FROM ${from} UNION ALL SELECT (SELECT min(${id}) FROM ${from} WHERE ${id} > ids.id)
    FROM ids WHERE ids.id IS NOT NULL`
}
