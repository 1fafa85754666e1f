import { systemClock } from './time/clock.js'
import { hostOpener } from './host/open-host.js'
import { createAuditSource } from './host/task-events.js'
import { createRedactor } from './intake/redact.js'
import { migrateDatabase, type DatabaseSource, type MigrationReport } from './store/engines.js'
import { down, up, MIGRATION_NAME } from '../migrations/010_invocation_lifecycle.js'

export type { MigrationReport }

/** The migrations as Kysely's own `Migrator` takes them; rename the key to whatever fits between yours. */
export const migrations = { [MIGRATION_NAME]: { up, down } }

/**
 * Applies migration 010 and backfills the invocations that were there before.
 *
 * May run any number of times and from several processes at once: they wait for each other.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED after a minute
 */
export async function migrate (database: DatabaseSource): Promise<MigrationReport> {
  const taskEvents = createAuditSource(systemClock)
  const openHost = hostOpener({ taskEvents, now: systemClock, clean: createRedactor().text })
  return migrateDatabase(database, openHost, systemClock)
}
