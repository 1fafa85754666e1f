import { sql, type Compilable, type CompiledQuery, type Kysely, type QueryResult, type RawBuilder } from 'kysely'
import type { Tables } from './tables.js'

type Value = string | number | null

/** Stands for a value while the query is built; Kysely hands it on among the parameters. */
class Placeholder {
  readonly name: string

  constructor (name: string) {
    this.name = name
  }
}

/**
 * A query that is built once and run with other values afterwards.
 *
 * Kysely takes longer to build a small query than SQLite to run it, and a batch of a few activities has a dozen.
 */
export class Statement<Values extends Record<string, Value>, Row = unknown> {
  readonly #build: (db: Kysely<Tables>, values: Values) => Compilable<Row>
  #compiled: CompiledQuery<Row> | undefined

  /** @param build must put each value into the query as it is, and not decide by it what the query looks like */
  constructor (build: (db: Kysely<Tables>, values: Values) => Compilable<Row>) {
    this.#build = build
  }

  run (db: Kysely<Tables>, values: Values): Promise<QueryResult<Row>> {
    const compiled = this.#compiled ??= this.#compile(db)
    const parameters = compiled.parameters.map((value) => value instanceof Placeholder ? values[value.name] : value)
    return db.executeQuery<Row>({ ...compiled, parameters })
  }

  /** The first row, if there is one. */
  async first (db: Kysely<Tables>, values: Values): Promise<Row | undefined> {
    return (await this.run(db, values)).rows[0]
  }

  #compile (db: Kysely<Tables>): CompiledQuery<Row> {
    const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) }) as Values
    return this.#build(db, placeholders).compile()
  }
}

/**
 * A LIMIT that costs nothing to run again: SQLite plans a query anew each time that a bare parameter there is bound,
 * which takes ten times as long as running it.
 */
export function limitTo (rows: number): RawBuilder<number> {
  return sql<number>`${rows} + 0`
}
