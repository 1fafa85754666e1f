// The engines, and all of them that is known outside their folders: one is chosen here, by what `database` is.
import type { Clock } from '../time/clock.js'
import type { OpenHost } from './host-rows.js'
import type { Store } from './port.js'
import { openPostgresDatabase, openPostgresStore } from './postgres/open-store.js'
import { isPostgresSource, nameOfPostgres, type PostgresSource } from './postgres/source.js'
import type { StoreOptions as EngineOptions } from './sql/compose-store.js'
import { completeMigration, type MigrationReport } from './sql/migrate-database.js'
import { openDatabase } from './sqlite/database.js'
import { openSqliteStore } from './sqlite/open-store.js'
import { canonicalFileOf, type SqliteSource } from './sqlite/source.js'
import { carryOver, type CarryOptions, type CarryReport } from './transfer/carry-over.js'

export type { OpeningLimits } from './sql/database.js'
export type { CarryOptions, CarryReport, MigrationReport }
export { isPostgresSource }

/**
 * What `database` may be: an SQLite file by its path or an open handle, or a PostgreSQL server by its `postgres://`
 * address, a `Pool` of `pg`; or a `Kysely` on either.
 */
export type DatabaseSource = SqliteSource | PostgresSource

export interface StoreOptions extends EngineOptions {
  readonly database: DatabaseSource
}

/**
 * Opens a database as a store.
 *
 * @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_PG_MISSING, AGENT_TIMELINE_DATABASE_*
 */
export async function openStore ({ database, ...options }: StoreOptions): Promise<Store> {
  return isPostgresSource(database) ? openPostgresStore(database, options) : openSqliteStore(database, options)
}

/**
 * Adds what migration 010 adds where it is missing, and gives the invocations that were there before their lifecycle.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED after a minute
 */
export async function migrateDatabase (
  database: DatabaseSource, openHost: OpenHost, now: Clock
): Promise<MigrationReport> {
  const options = { migrate: true, create: true, openHost }
  return completeMigration(isPostgresSource(database)
    ? await openPostgresDatabase(database, options)
    : await openDatabase({ ...options, database }), now)
}

/**
 * Carries what an SQLite file has to a PostgreSQL server, which is migrated where it has to be; see {@link carryOver}.
 *
 * @throws AGENT_TIMELINE_NOT_MIGRATED for a file that lacks something, AGENT_TIMELINE_DATABASE_*
 */
export async function carryDatabase (
  file: SqliteSource, server: PostgresSource, openHost: OpenHost, options: CarryOptions
): Promise<CarryReport> {
  const from = await openDatabase({ database: file, migrate: false, create: false, openHost })
  try {
    const to = await openPostgresDatabase(server, { migrate: true, openHost })
    try {
      return await carryOver(from, to, options).catch((error) => { throw to.storeError(error) })
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

/** What a source stands for, however it is spelt: a file behind every link, a server; undefined where nobody knows. */
export async function placeOf (source: DatabaseSource): Promise<string | undefined> {
  return isPostgresSource(source) ? nameOfPostgres(source) : canonicalFileOf(source)
}
