import { sql, type Kysely, type RawBuilder } from 'kysely'
import { engineOf } from '../../migrations/catalog.js'
import { toIso } from '../time/clock.js'
import type { Tables } from './tables.js'

// What the engines say in different words. Everything else is built by Kysely, once for all of them.

/**
 * Now, by the clock that signs of life are measured with: the process's own on one machine; the database's where many
 * machines share it, whose clocks differ.
 *
 * @param now what the process's clock says, ISO-8601
 */
export function signOfLife (db: Kysely<any>, now: string): RawBuilder<string> {
  return engineOf(db) === 'postgres' ? sql<string>`clock_timestamp()` : sql<string>`${now}`
}

/** The same, so many milliseconds later. */
export function timeFromNow (db: Kysely<any>, nowMs: number, laterMs: number): RawBuilder<string> {
  return engineOf(db) === 'postgres'
    ? sql<string>`clock_timestamp() + ${laterMs} * interval '1 millisecond'`
    : sql<string>`${toIso(nowMs + laterMs)}`
}

/** What the clock of signs of life says now; null where it is the process's own. */
export function databaseTime (db: Kysely<any>): RawBuilder<string | null> {
  return engineOf(db) === 'postgres' ? sql<string>`clock_timestamp()` : sql<null>`NULL`
}

/** A column of the host's with the id of a task, as text: some hosts have numbers. */
export function taskIdIn (db: Kysely<any>, column: string): RawBuilder<string> {
  return engineOf(db) === 'postgres' ? sql<string>`${sql.ref(column)}::text` : sql.ref<string>(column)
}

/** The same to be read: of a number all of its digits, which are more than ours have. */
export function taskIdFrom (column: 'id' | 'task_id'): RawBuilder<string> {
  return sql<string>`CAST(${sql.ref(column)} AS TEXT)`
}

/** Whether an invocation of the host's has an id, of which its column may hold less than we do. */
export function hasId (db: Kysely<any>, id: number): RawBuilder<boolean> {
  return engineOf(db) === 'postgres' ? sql<boolean>`id = ${id}::bigint` : sql<boolean>`id = ${id}`
}

/** Whether a text is in a column, JSON among them, with its capitals. */
export function isWithin (db: Kysely<any>, text: string, column: string): RawBuilder<boolean> {
  return engineOf(db) === 'postgres'
    ? sql<boolean>`position(${text} IN coalesce(${sql.ref(column)}::text, '')) > 0`
    : sql<boolean>`instr(coalesce(${sql.ref(column)}, ''), ${text}) > 0`
}

/** Whether a text of small letters in ASCII is in a column of any letters, JSON among them. */
export function isInText (db: Kysely<any>, text: string, column: string): RawBuilder<boolean> {
  return engineOf(db) === 'postgres'
    ? sql<boolean>`position(${text} IN lower(${sql.ref(column)}::text COLLATE "C")) > 0`
    : sql<boolean>`instr(lower(${sql.ref(column)}), ${text}) > 0`
}

/** Whether a column is one of these texts, which go as one parameter, however many there are. */
export function isOneOf (db: Kysely<any>, column: string, texts: ReadonlySet<string>): RawBuilder<boolean> {
  const list = JSON.stringify([...texts])
  return engineOf(db) === 'postgres'
    ? sql<boolean>`${sql.ref(column)} IN (SELECT jsonb_array_elements_text(${list}::jsonb))`
    : sql<boolean>`${sql.ref(column)} IN (SELECT value FROM json_each(${list}))`
}

/** Keeps others from numbering events of these tasks until the transaction ends. SQLite's has locked all there is. */
export async function lockStreams (trx: Kysely<Tables>, taskIds: readonly string[]): Promise<void> {
  if (taskIds.length === 0 || engineOf(trx) === 'sqlite') return
  await trx.selectFrom('task_stream').select('task_id').where('task_id', 'in', taskIds).orderBy('task_id').forUpdate().execute()
}

/** The same for a task's entry in the list: whoever marks it meanwhile waits, and marks it again. */
export async function lockEntry (trx: Kysely<Tables>, taskId: string): Promise<void> {
  if (engineOf(trx) === 'sqlite') return
  await trx.selectFrom('task_entry').select('task_id').where('task_id', '=', taskId).forUpdate().execute()
}

/** Rows as a table that PostgreSQL reads from: one parameter a column, however many rows there are. */
export function tableOf<Row extends object> (
  rows: readonly Row[], columns: { readonly [name in keyof Row]: 'bigint' | 'text' }
): RawBuilder<unknown> {
  const names = Object.keys(columns) as Array<keyof Row & string>
  const arrays = names.map((name) => sql`${rows.map((row) => row[name])}::${sql.raw(columns[name])}[]`)
  return sql`unnest(${sql.join(arrays)}) AS given (${sql.join(names.map((name) => sql.id(name)))})`
}

/** On PostgreSQL so many ids may be taken before one that is committed earlier. */
const LATE_IDS = 200

/** How far behind a cursor an id may still appear: none where ids rise with their commits. */
export function lateIds (db: Kysely<any>): number {
  return engineOf(db) === 'postgres' ? LATE_IDS : 0
}

/** Invocations, after a cursor of ids, that are not in the log. */
export function isUnseen (db: Kysely<any>, after: number): RawBuilder<boolean> {
  return engineOf(db) === 'postgres'
    ? sql<boolean>`id > ${after}::bigint - ${sql.lit(LATE_IDS)} AND NOT EXISTS (SELECT 1 FROM timeline_event AS e
        WHERE e.source = 'invocation' AND e.source_id = task_invocations.id || ':start')`
    : sql<boolean>`id > ${after}`
}
