import { sql, type Kysely } from 'kysely'
import type { Engine } from './statements.js'

// A catalogue has tables that are not in any type: Kysely's own documentation asks for `any` here. PostgreSQL's is
// asked by the names as they are found in queries, whatever the search path.

/** Which engine is behind a Kysely: a capability, because `instanceof` fails across two copies of Kysely. */
export function engineOf (db: Kysely<any>): Engine {
  return db.getExecutor().adapter.supportsTransactionalDdl ? 'postgres' : 'sqlite'
}

/** Names of a table's columns; empty when there is no such table. */
export async function columnsOf (db: Kysely<any>, table: string): Promise<ReadonlySet<string>> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql<{ name: string }>`SELECT name FROM pragma_table_xinfo(${table})`.execute(db)
    : await sql<{ name: string }>`SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass(${table})
        AND attnum > 0 AND NOT attisdropped`.execute(db)
  return new Set(rows.map((row) => row.name))
}

/** A column as its engine knows it. */
export interface ColumnType {
  readonly name: string
  readonly type: string
  /** It is the table's key, or the first part of it. */
  readonly isKey: boolean
}

/** A table's columns, in their order, that take values; none when there is no such table. */
export async function columnTypesOf (db: Kysely<any>, table: string): Promise<readonly ColumnType[]> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql<{ name: string, type: string, key: number }>`SELECT name, type, pk AS key FROM pragma_table_xinfo(${table})
        WHERE hidden <> 1`.execute(db)
    : await sql<{ name: string, type: string, key: number }>`SELECT attname AS name, format_type(atttypid, NULL) AS type,
        (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = attrelid AND indisprimary AND indkey[0] = attnum)::int AS key
        FROM pg_attribute WHERE attrelid = to_regclass(${table}) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum`.execute(db)
  return rows.map(({ name, type, key }) => ({ name, type, isKey: Number(key) === 1 }))
}

/** The highest id that an SQLite database has ever given, by table. */
export async function highestIdsOf (db: Kysely<any>): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ name: string, seq: number }>`SELECT name, seq FROM sqlite_sequence`.execute(db)
  return new Map(rows.map(({ name, seq }) => [name, Number(seq)]))
}

/** Names of a table's columns that take no NULL. */
export async function requiredColumnsOf (db: Kysely<any>, table: string): Promise<ReadonlySet<string>> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql<{ name: string }>`SELECT name FROM pragma_table_info(${table}) WHERE "notnull" = 1`.execute(db)
    : await sql<{ name: string }>`SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass(${table})
        AND attnum > 0 AND attnotnull`.execute(db)
  return new Set(rows.map((row) => row.name))
}

/** Whether there is any table but those of the engine's own. */
export async function hasTables (db: Kysely<any>): Promise<boolean> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' LIMIT 1`.execute(db)
    : await sql`SELECT 1 FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p')
        LIMIT 1`.execute(db)
  return rows.length > 0
}

export async function hasIndex (db: Kysely<any>, name: string): Promise<boolean> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql`SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ${name}`.execute(db)
    : await sql`SELECT 1 FROM pg_class WHERE oid = to_regclass(${name}) AND relkind IN ('i', 'I')`.execute(db)
  return rows.length > 0
}

export async function hasTrigger (db: Kysely<any>, name: string, table: string): Promise<boolean> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql`SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ${name}`.execute(db)
    : await sql`SELECT 1 FROM pg_trigger WHERE tgname = ${name} AND tgrelid = to_regclass(${table})`.execute(db)
  return rows.length > 0
}

/**
 * Whether the table `tasks` is about the tasks that agents work on. Many databases have one that is about something
 * else, and must not decide which tasks there are. That it is ours shows in its columns, or in who refers to it.
 */
export async function ownsTasks (db: Kysely<any>): Promise<boolean> {
  const columns = await columnsOf(db, 'tasks')
  if (!columns.has('id')) return false
  if (columns.has('title') && columns.has('status')) return true
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql`SELECT 1 FROM pragma_foreign_key_list('task_invocations') WHERE lower("table") = 'tasks'
        UNION ALL SELECT 1 FROM pragma_foreign_key_list('audit') WHERE lower("table") = 'tasks'`.execute(db)
    : await sql`SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = to_regclass('tasks')
        AND conrelid IN (to_regclass('task_invocations'), to_regclass('audit'))`.execute(db)
  return rows.length > 0
}

/** Whether `tasks` is a table of such tasks; on a view no trigger fires after a deletion. */
export async function canTriggerOnTasks (db: Kysely<any>): Promise<boolean> {
  if (!(await ownsTasks(db))) return false
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tasks'`.execute(db)
    : await sql`SELECT 1 FROM pg_class WHERE oid = to_regclass('tasks') AND relkind IN ('r', 'p')`.execute(db)
  return rows.length > 0
}

/** Whether something of the host's depends on a column of the invocations. */
export async function isInUse (db: Kysely<any>, column: string): Promise<boolean> {
  const { rows } = engineOf(db) === 'sqlite'
    ? await sql`SELECT 1 FROM pragma_index_list('task_invocations') AS l, pragma_index_info(l.name) AS i
        WHERE i.name = ${column} LIMIT 1`.execute(db)
    : await sql`SELECT 1 FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.refobjid = to_regclass('task_invocations') AND a.attname = ${column}
          AND d.classid <> 'pg_attrdef'::regclass LIMIT 1`.execute(db)
  return rows.length > 0
}
