import { sql, type Kysely, type RawBuilder } from 'kysely'
import { timelineError } from '../../errors.js'
import type { Database } from '../sql/database.js'
import { StoreError } from '../store-error.js'
import type { CarriedTable } from './carried-tables.js'
import { NotCarried, readCarried, RowsDigest, type CarriedColumn, type CarriedRow } from './carried-values.js'

/** How long a page waits for a lock of the server's, in milliseconds. */
const PATIENCE_MS = 60_000

export interface TableCopyOptions {
  readonly from: Database
  readonly to: Database
  readonly table: CarriedTable
  /** In the order of the table's key first. */
  readonly columns: readonly CarriedColumn[]
  /** What is there already is somebody else's and stays as it is. */
  readonly leavesPresent: boolean
  /** Asked between pages; throws where it shall end. */
  readonly onPage: (rows: number) => void
}

/** One table, from an SQLite file to PostgreSQL: row by row what it is there, whatever was there before. */
export class TableCopy {
  readonly #options: TableCopyOptions
  readonly #key: readonly CarriedColumn[]

  constructor (options: TableCopyOptions) {
    this.#options = options
    this.#key = options.columns.slice(0, options.table.key.length)
  }

  /** Stores what is missing there or other than here; each page in a transaction of its own. */
  async copy (): Promise<void> {
    const { from, to, columns, leavesPresent, onPage } = this.#options
    for await (const page of this.#pages(from)) {
      const present = await to.read(async (db) => this.#find(db, page.map((row) => this.#keyOf(row))))
      const known = new Map(present.map((row) => [JSON.stringify(this.#keyOf(row)), row]))
      const changed = page.filter((row) => {
        const there = known.get(JSON.stringify(this.#keyOf(row)))
        if (there !== undefined) this.#checkIdentity(row, there)
        return there === undefined || (!leavesPresent && JSON.stringify(there) !== JSON.stringify(row))
      })
      if (changed.length > 0) {
        await to.write(async (trx) => { await this.#upsert(columns, changed).execute(trx) }, PATIENCE_MS)
          .catch((error: Error) => {
            const coded = to.storeError(error)
            const isRefused = coded instanceof StoreError && ['refused', 'unknown_task'].includes(coded.kind)
            throw isRefused ? this.#refused(error) : coded
          })
      }
      onPage(page.length)
    }
  }

  /** Deletes what is not here any more. */
  async sweep (): Promise<void> {
    const { from, to, leavesPresent, table } = this.#options
    if (leavesPresent) return
    for await (const page of this.#pages(to, this.#key)) {
      const here = await from.read(async (db) => this.#findHere(db, page))
      const kept = new Set(here.map((row) => JSON.stringify(row)))
      const gone = page.filter((row) => !kept.has(JSON.stringify(row)))
      if (gone.length === 0) continue
      await to.write(async (trx) => {
        await sql`DELETE FROM ${sql.table(table.name)} WHERE (${this.#names(this.#key)}) IN (${this.#given(this.#key, gone)})`.execute(trx)
      }, PATIENCE_MS)
    }
  }

  /** What both have; of a table of somebody else's only what is here. */
  async digests (): Promise<{ readonly here: RowsDigest, readonly there: RowsDigest }> {
    const { from, to, leavesPresent, onPage } = this.#options
    const here = new RowsDigest()
    const there = new RowsDigest()
    for await (const page of this.#pages(from, leavesPresent ? this.#key : undefined)) {
      for (const row of page) here.add(row)
      onPage(0)
      if (!leavesPresent) continue
      for (const row of await to.read(async (db) => this.#find(db, page, this.#key))) there.add(row)
    }
    if (leavesPresent) return { here, there }
    for await (const page of this.#pages(to)) {
      for (const row of page) there.add(row)
      onPage(0)
    }
    return { here, there }
  }

  async * #pages (database: Database, columns = this.#options.columns): AsyncGenerator<readonly CarriedRow[]> {
    const { table } = this.#options
    const order = this.#names(this.#key)
    let after: readonly unknown[] | undefined
    for (;;) {
      const where = after === undefined ? sql`` : sql`WHERE (${order}) > (${sql.join(after)})`
      const rows = await database.read(async (db) => (await sql<Record<string, unknown>>`SELECT ${this.#names(columns)}
        FROM ${sql.table(table.name)} ${where} ORDER BY ${order} LIMIT ${sql.lit(table.pageRows)}`.execute(db)).rows)
      if (rows.length > 0) yield rows.map((row) => this.#read(row, columns))
      if (rows.length < table.pageRows) return
      const last = rows.at(-1) ?? {}
      after = table.key.map((name) => last[name])
    }
  }

  /** Rows there, by their keys. */
  async #find (
    db: Kysely<any>, keys: readonly CarriedRow[], columns = this.#options.columns
  ): Promise<readonly CarriedRow[]> {
    const { rows } = await sql<Record<string, unknown>>`SELECT ${this.#names(columns)} FROM ${sql.table(this.#options.table.name)}
      WHERE (${this.#names(this.#key)}) IN (${this.#given(this.#key, keys)})`.execute(db)
    return rows.map((row) => this.#read(row, columns))
  }

  /** Keys of those that are here. */
  async #findHere (db: Kysely<any>, keys: readonly CarriedRow[]): Promise<readonly CarriedRow[]> {
    const values = sql.join(keys.map((key) => sql`(${sql.join([...key])})`))
    const { rows } = await sql<Record<string, unknown>>`SELECT ${this.#names(this.#key)} FROM ${sql.table(this.#options.table.name)}
      WHERE (${this.#names(this.#key)}) IN (VALUES ${values})`.execute(db)
    return rows.map((row) => this.#read(row, this.#key))
  }

  #upsert (columns: readonly CarriedColumn[], rows: readonly CarriedRow[]): RawBuilder<unknown> {
    const others = columns.slice(this.#key.length).map(({ name }) => sql`${sql.id(name)} = excluded.${sql.id(name)}`)
    const conflict = others.length === 0 || this.#options.leavesPresent ? sql`NOTHING` : sql`UPDATE SET ${sql.join(others)}`
    return sql`INSERT INTO ${sql.table(this.#options.table.name)} (${this.#names(columns)}) OVERRIDING SYSTEM VALUE
      ${this.#given(columns, rows)} ON CONFLICT (${this.#names(this.#key)}) DO ${conflict}`
  }

  /** Rows as a table: one parameter a column, however many there are. */
  #given (columns: readonly CarriedColumn[], rows: readonly CarriedRow[]): RawBuilder<unknown> {
    const arrays = columns.map((_, index) => sql`${rows.map((row) => textOf(row[index]))}::text[]`)
    const values = columns.map(({ name, type }) => sql`given.${sql.id(name)}::${sql.raw(type)}`)
    return sql`SELECT ${sql.join(values)} FROM unnest(${sql.join(arrays)}) AS given (${this.#names(columns)})`
  }

  #names (columns: readonly CarriedColumn[]): RawBuilder<unknown> {
    return sql.join(columns.map(({ name }) => sql.id(name)))
  }

  #keyOf (row: CarriedRow): CarriedRow {
    return row.slice(0, this.#key.length)
  }

  #read (row: Readonly<Record<string, unknown>>, columns: readonly CarriedColumn[]): CarriedRow {
    try {
      return readCarried(row, columns)
    } catch (error) {
      if (!(error instanceof NotCarried)) throw error
      const key = this.#key.map(({ name }) => String(row[name])).join(' ')
      throw this.#refused(error, `${key}: `)
    }
  }

  /** A row of the same id may be about something else: it is the host's, and stays. */
  #checkIdentity (here: CarriedRow, there: CarriedRow): void {
    const { columns, table: { identity = [] } } = this.#options
    for (const [index, { name }] of columns.entries()) {
      if (!identity.includes(name) || here[index] === there[index]) continue
      throw timelineError('AGENT_TIMELINE_TARGET_IN_USE', [`${this.#options.table.name} ${String(here[0])} is another one there`])
    }
  }

  /** Why the engine there does not take a row. */
  #refused (error: Error, which = ''): Error {
    const { table } = this.#options
    return timelineError('AGENT_TIMELINE_COPY_REFUSED', [table.name, which + error.message.replace(/\.$/, '')], error)
  }
}

function textOf (value: CarriedRow[number] | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}
