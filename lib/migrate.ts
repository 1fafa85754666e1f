import { systemClock } from './time/clock.js'
import { createAuditSource } from './host/task-events.js'
import { openDatabase } from './store/sqlite/database.js'
import { backfill } from './store/sqlite/backfill.js'
import { createRedactor } from './intake/redact.js'
import type { DatabaseSource } from './store/sqlite/source.js'
import { down, up, MIGRATION_NAME } from '../migrations/010_invocation_lifecycle.js'

/** The migrations as Kysely's own `Migrator` takes them; rename the key to whatever fits between yours. */
export const migrations = { [MIGRATION_NAME]: { up, down } }

/** What `migrate` did. */
export interface MigrationReport {
  /** How often it found the database locked by somebody else and tried again. */
  readonly lockRetries: number
  /** Something was missing; false where there was nothing to do. */
  readonly wasApplied: boolean
}

/**
 * Applies migration 010 and backfills the invocations that were there before.
 *
 * May run any number of times and from several processes at once: they wait for each other.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED after a minute
 */
export async function migrate (database: DatabaseSource): Promise<MigrationReport> {
  const opened = await openDatabase({
    database,
    migrate: true,
    create: true,
    taskEvents: createAuditSource(systemClock),
    hostOptions: { now: systemClock, clean: createRedactor().text }
  })
  try {
    await backfill(opened, systemClock)
    return { lockRetries: opened.lockRetries, wasApplied: opened.wasMigrated }
  } finally {
    await opened.close()
  }
}
