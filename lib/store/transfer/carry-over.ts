import { sql, type Kysely } from 'kysely'
import { MIGRATION_NAME } from '../../../migrations/010_invocation_lifecycle.js'
import { columnTypesOf, highestIdsOf } from '../../../migrations/catalog.js'
import { timelineError } from '../../errors.js'
import { toIso, type Clock } from '../../time/clock.js'
import type { Database } from '../sql/database.js'
import { CARRIED_TABLES, COUNTED_TABLES, type CarriedTable } from './carried-tables.js'
import type { CarriedColumn } from './carried-values.js'
import { makeHostsTables } from './hosts-tables.js'
import { TableCopy } from './table-copy.js'

/** What was carried from one database to another. */
export interface CarryReport {
  /** Rows that both have now, by table. */
  readonly rows: Readonly<Record<string, number>>
  /** SHA-256 over all of them, as hexadecimal: computed from each database by itself, and the same. */
  readonly sha256: string
}

export interface CarryOptions {
  readonly now: Clock
  /** Told after each page: rows of the table so far, in this round. */
  readonly onProgress?: ((table: string, rows: number) => void) | undefined
  /** Ends it between two pages. */
  readonly signal?: AbortSignal | undefined
}

/** The record of it in the other database. */
const MARK = 'carried_over'
/** So often it is done again where the two differ: somebody was writing. */
const ROUNDS = 3

/**
 * Carries everything that a timeline's SQLite file has to PostgreSQL, with its ids, numbers and epochs: whoever knows a
 * position in a log goes on from it there.
 *
 * Goes on where an earlier call was ended, in whatever way. Nobody may write to either of the two meanwhile.
 *
 * @throws AGENT_TIMELINE_TARGET_IN_USE, AGENT_TIMELINE_COPY_REFUSED, AGENT_TIMELINE_COPY_DIFFERS
 */
export async function carryOver (from: Database, to: Database, options: CarryOptions): Promise<CarryReport> {
  const { now, onProgress, signal } = options
  const made = await begin(from, to, now)
  const copies: Array<readonly [string, TableCopy]> = []
  for (const table of CARRIED_TABLES) {
    const columns = await commonColumns(from, to, table)
    if (columns === undefined) continue
    const leavesPresent = table.isHosts === true && !made.has(table.name)
    let rows = 0
    copies.push([table.name, new TableCopy({
      from,
      to,
      table,
      columns,
      leavesPresent,
      onPage (more) {
        if (signal?.aborted === true) throw timelineError('AGENT_TIMELINE_CLOSED')
        if (more > 0) onProgress?.(table.name, rows += more)
      }
    })])
  }
  let differing: readonly string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) for (const [, copy] of [...copies].reverse()) await copy.sweep()
    for (const [, copy] of copies) await copy.copy()
    const { report, different } = await compare(copies)
    if (different.length === 0) {
      await complete(from, to, now)
      return report
    }
    differing = different
  }
  throw timelineError('AGENT_TIMELINE_COPY_DIFFERS', [differing.join(', ')])
}

async function compare (copies: ReadonlyArray<readonly [string, TableCopy]>) {
  const rows: Record<string, number> = {}
  const different: string[] = []
  let sum = 0n
  for (const [name, copy] of copies) {
    const { here, there } = await copy.digests()
    rows[name] = here.rows
    sum += BigInt(`0x${here.toString()}`)
    if (here.rows !== there.rows || here.toString() !== there.toString()) different.push(name)
  }
  return { different, report: { rows, sha256: BigInt.asUintN(256, sum).toString(16).padStart(64, '0') } }
}

/**
 * Notes in the other database what is carried to it.
 *
 * @returns the tables of the host's that were made there
 */
async function begin (from: Database, to: Database, now: Clock): Promise<ReadonlySet<string>> {
  const source = await from.read(async (db) => sourceOf(db, from.path))
  const known = await to.read(async (db) => db.selectFrom('timeline_migration').select(['added_columns', 'applied_at'])
    .where('name', '=', MARK).executeTakeFirst())
  const { source: knownSource, made: before = [] } = JSON.parse(known?.added_columns ?? '{}') as { source?: string, made?: string[] }
  if (known === undefined) await checkEmpty(to)
  else if (knownSource !== source) throw inUse('another file was carried there')
  else await checkUntouched(from, to, known.applied_at)
  const made = [...new Set([...before, ...await makeHostsTables(from, to)])]
  await to.write(async (trx) => {
    const mark = { added_columns: JSON.stringify({ source, made }), backfilled_at: null }
    await trx.insertInto('timeline_migration').values({ name: MARK, applied_at: toIso(now()), ...mark })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(mark)).execute()
  })
  return new Set(made)
}

/** A file may be moved, so it is known by when it was made, to the millisecond; where a script made it, by its path. */
async function sourceOf (db: Kysely<any>, path: string): Promise<string> {
  const row = await db.selectFrom('timeline_migration').select('applied_at').where('name', '=', MIGRATION_NAME)
    .executeTakeFirst()
  const appliedAt = String(row?.applied_at ?? '')
  return appliedAt > '1971' ? appliedAt : path
}

function inUse (why: string): Error {
  return timelineError('AGENT_TIMELINE_TARGET_IN_USE', [why])
}

async function checkEmpty (to: Database): Promise<void> {
  for (const table of ['task_stream', 'invocation_run', 'timeline_writer'] as const) {
    const row = await to.read(async (db) => db.selectFrom(table).selectAll().limit(1).executeTakeFirst())
    if (row !== undefined) throw inUse(`${table} has rows`)
  }
}

/** Whether somebody works with it already: what was written there must not be lost. */
async function checkUntouched (from: Database, to: Database, markedAt: string): Promise<void> {
  // Those that ended long ago are forgotten here after a while.
  const writersOf = async (database: Database, since = '') => database.read(async (db) =>
    (await db.selectFrom('timeline_writer').select(['writer_id', 'heartbeat_at']).execute())
      .flatMap((row) => row.heartbeat_at > since ? [row.writer_id] : []))
  const writers = new Set(await writersOf(from))
  const newer = (await writersOf(to, markedAt)).find((id) => !writers.has(id))
  if (newer !== undefined) throw inUse('a recorder has written there')
  const highest = (await from.read(highestIdsOf)).get('task_invocations') ?? 0
  const newest = await to.read(async (db) => db.selectFrom('task_invocations').select('id').orderBy('id', 'desc').limit(1)
    .executeTakeFirst())
  if (Number(newest?.id ?? 0) > highest) throw inUse('there are invocations that the file does not have')
  const headsOf = async (database: Database) => database.read(async (db) =>
    db.selectFrom('task_stream').select(['task_id', 'last_seq', 'epoch']).execute())
  const heads = new Map((await headsOf(from)).map((row) => [`${row.task_id} ${row.epoch}`, Number(row.last_seq)]))
  for (const { task_id: taskId, last_seq: lastSeq, epoch } of await headsOf(to)) {
    const here = heads.get(`${taskId} ${epoch}`)
    if (here !== undefined && Number(lastSeq) > here) throw inUse(`the log of ${taskId} has gone on there`)
  }
}

/** What both have, the key first; undefined where one of them has no such table. */
async function commonColumns (
  from: Database, to: Database, table: CarriedTable
): Promise<readonly CarriedColumn[] | undefined> {
  if (table.isHosts === true && !from.host.schema.ownsTasks) return undefined
  const here = new Set((await from.read(async (db) => columnTypesOf(db, table.name))).map(({ name }) => name))
  const common = (await to.read(async (db) => columnTypesOf(db, table.name))).filter(({ name }) => here.has(name))
  const key = table.key.flatMap((name) => common.find((column) => column.name === name) ?? [])
  if (key.length < table.key.length) return undefined
  return [...key, ...common.filter(({ name }) => !table.key.includes(name))]
}

/** The ids go on where the file's end, and what it had backfilled counts there, too. */
async function complete (from: Database, to: Database, now: Clock): Promise<void> {
  const counted = await from.read(highestIdsOf)
  const job = await from.read(async (db) => db.selectFrom('timeline_migration').select(['backfill_cursor', 'backfilled_at'])
    .where('name', '=', MIGRATION_NAME).executeTakeFirst())
  await to.write(async (trx) => {
    for (const table of COUNTED_TABLES) {
      if (!(await columnTypesOf(trx, table)).some(({ name }) => name === 'id')) continue
      await sql`SELECT setval(pg_get_serial_sequence(${table}, 'id'), highest) FROM (SELECT greatest(
        ${counted.get(table) ?? 0}::bigint, (SELECT max(id) FROM ${sql.table(table)})) AS highest) AS h WHERE highest > 0`.execute(trx)
    }
    if (job !== undefined) await trx.updateTable('timeline_migration').set(job).where('name', '=', MIGRATION_NAME).execute()
    await trx.updateTable('timeline_migration').set({ backfilled_at: toIso(now()) }).where('name', '=', MARK).execute()
  }, 60_000)
}
