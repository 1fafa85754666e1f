// The engines, and all of them that is known outside their folders: one is chosen here, by what `database` is.
import type { Clock } from '../time/clock.js'
import type { OpenHost } from './host-rows.js'
import type { Store } from './port.js'
import type { StoreOptions as EngineOptions } from './sql/compose-store.js'
import { completeMigration, type MigrationReport } from './sql/migrate-database.js'
import { openDatabase } from './sqlite/database.js'
import { openSqliteStore } from './sqlite/open-store.js'
import type { SqliteSource } from './sqlite/source.js'

export { canonicalFileOf } from './sqlite/source.js'
export type { OpeningLimits } from './sql/database.js'
export type { MigrationReport }

export type DatabaseSource = SqliteSource

export interface StoreOptions extends EngineOptions {
  readonly database: DatabaseSource
}

/**
 * Opens a database as a store.
 *
 * @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_*
 */
export async function openStore ({ database, ...options }: StoreOptions): Promise<Store> {
  return openSqliteStore(database, options)
}

/**
 * Adds what migration 010 adds where it is missing, and gives the invocations that were there before their lifecycle.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED after a minute
 */
export async function migrateDatabase (
  database: DatabaseSource, openHost: OpenHost, now: Clock
): Promise<MigrationReport> {
  return completeMigration(await openDatabase({ database, migrate: true, create: true, openHost }), now)
}
