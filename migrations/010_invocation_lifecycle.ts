import { sql, type Kysely } from 'kysely'
import { canTriggerOnTasks, columnsOf, engineOf, hasIndex, hasTrigger, isInUse } from './catalog.js'
import {
  INVOCATION_COLUMNS, LATER_COLUMNS, LATER_INDEXES, OWN_TABLES, TRIGGERS, YOUNGEST_TABLE, addColumn,
  createInvocationsTable, createOwnTables, createTriggers, dropTrigger, listTasksOf
} from './statements.js'

/** The name under which the migration records itself in `timeline_migration`. */
export const MIGRATION_NAME = '010_invocation_lifecycle'

/**
 * Adds the lifecycle columns, the activity log and the timeline's own tables; atomic, and harmless to repeat.
 *
 * Looks at what is there and adds what is missing: works on a database at the orchestrator's 009, on an empty one, on
 * one that has columns of these names already, and on a host with a `tasks` table of its own kind. Existing
 * invocations are backfilled afterwards, see `migrate`.
 */
// A migration sees tables that are not in any type: Kysely's own documentation asks for `any` here.
export async function up (db: Kysely<any>): Promise<void> {
  await inTransaction(db, async (trx) => {
    const engine = engineOf(trx)
    await dropReplacedIndexes(trx)
    const hasList = (await columnsOf(trx, 'task_entry')).size > 0
    await run(trx, createOwnTables(engine))
    for (const [table, name, type] of LATER_COLUMNS) {
      if (!(await columnsOf(trx, table)).has(name)) await run(trx, [addColumn(engine, name, type, table)])
    }
    await run(trx, createInvocationsTable(engine))
    const present = await columnsOf(trx, 'task_invocations')
    const missing = INVOCATION_COLUMNS.filter(([name]) => !present.has(name))
    await run(trx, missing.map(([name, type]) => addColumn(engine, name, type)))
    if (engine === 'sqlite') await dropStrayTriggers(trx)
    const canTrigger = await canTriggerOnTasks(trx)
    // A trigger that a rebuild of the host's took has missed what was changed meanwhile.
    if (canTrigger && !(await hasTrigger(trx, 'timeline_task_changed', 'tasks'))) await run(trx, listTasksOf('tasks'))
    if (!hasList) await run(trx, listTasksOf('invocation_run'))
    await run(trx, createTriggers(engine, canTrigger))
    await record(trx, missing.map(([name]) => name))
  })
}

/**
 * Removes what `up` added: the triggers, our tables, and of the four columns those that were not there before.
 * A column that something of the host's has come to depend on stays.
 */
export async function down (db: Kysely<any>): Promise<void> {
  await inTransaction(db, async (trx) => {
    const engine = engineOf(trx)
    for (const trigger of TRIGGERS) await run(trx, dropTrigger(engine, trigger))
    const added = await addedColumns(trx)
    await run(trx, OWN_TABLES.map((table) => `DROP TABLE IF EXISTS ${table}`))
    const present = await columnsOf(trx, 'task_invocations')
    for (const name of added) {
      if (present.has(name) && !(await isInUse(trx, name))) {
        await run(trx, [`ALTER TABLE task_invocations DROP COLUMN ${name}`])
      }
    }
  })
}

/** Those of an earlier version; one that has its old name and more columns now is made anew. */
async function dropReplacedIndexes (db: Kysely<any>): Promise<void> {
  for (const [name, replaced] of LATER_INDEXES) {
    if (await hasIndex(db, replaced)) await run(db, [`DROP INDEX ${replaced}`, `DROP INDEX IF EXISTS ${name}`])
  }
}

/**
 * A trigger stays with a table that is renamed; where the host keeps the old one, the new one would get none. One of an
 * earlier version leaves rows of younger tables.
 */
async function dropStrayTriggers (db: Kysely<any>): Promise<void> {
  for (const [name, table] of TRIGGERS) {
    const { rows } = await sql`SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ${name}
      AND (tbl_name <> ${table} OR sql NOT LIKE ${`%${YOUNGEST_TABLE}%`})`.execute(db)
    if (rows.length > 0) await run(db, [`DROP TRIGGER ${name}`])
  }
}

/** Kysely runs SQLite's migrations outside a transaction; half of one could not be repeated. */
async function inTransaction (db: Kysely<any>, work: (trx: Kysely<any>) => Promise<void>): Promise<void> {
  const plain = db.withoutPlugins()
  if (engineOf(db) === 'postgres') {
    // Two at once would both find a table missing.
    const alone = async (trx: Kysely<any>) => {
      await sql`SELECT pg_advisory_xact_lock(hashtext('fastify-agent-timeline'), hashtext(current_schema()))`.execute(trx)
      await work(trx)
    }
    if (db.isTransaction) await alone(plain)
    else await plain.transaction().execute(alone)
  } else if (db.isTransaction) await work(plain)
  else await plain.connection().execute((connection) => inImmediateTransaction(connection, work))
}

/** Kysely begins deferred: reading first and writing later then fails where somebody else wrote in between. */
async function inImmediateTransaction (db: Kysely<any>, work: (trx: Kysely<any>) => Promise<void>): Promise<void> {
  await sql`BEGIN IMMEDIATE`.execute(db)
  try {
    await work(db)
    await sql`COMMIT`.execute(db)
  } catch (error) {
    await sql`ROLLBACK`.execute(db)
    throw error
  }
}

async function run (db: Kysely<any>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

async function addedColumns (db: Kysely<any>): Promise<readonly string[]> {
  if (!(await columnsOf(db, 'timeline_migration')).has('added_columns')) return []
  const row = await db.selectFrom('timeline_migration').select('added_columns')
    .where('name', '=', MIGRATION_NAME).executeTakeFirst()
  return String(row?.added_columns ?? '').split(',').filter((name) => name !== '')
}

/** Notes the run; columns that were added (again) need their values (again). */
async function record (db: Kysely<any>, added: readonly string[]): Promise<void> {
  const before = await addedColumns(db)
  const all = [...new Set([...before, ...added])].join(',')
  const again = added.length === 0 ? {} : { added_columns: all, backfill_cursor: 0, backfilled_at: null }
  await db.insertInto('timeline_migration')
    .values({ name: MIGRATION_NAME, applied_at: new Date().toISOString(), added_columns: all })
    .onConflict((conflict) => Object.keys(again).length === 0
      ? conflict.column('name').doNothing()
      : conflict.column('name').doUpdateSet(again))
    .execute()
}
