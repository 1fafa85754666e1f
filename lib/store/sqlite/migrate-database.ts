import type { Clock } from '../../time/clock.js'
import type { OpenHost } from '../host-rows.js'
import { backfill } from './backfill.js'
import { openDatabase } from './database.js'
import type { DatabaseSource } from './source.js'

/** What `migrate` did. */
export interface MigrationReport {
  /** How often it found the database locked by somebody else and tried again. */
  readonly lockRetries: number
  /** Something was missing; false where there was nothing to do. */
  readonly wasApplied: boolean
}

/**
 * Adds what migration 010 adds where it is missing, and gives the invocations that were there before their lifecycle.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED after a minute
 */
export async function migrateDatabase (
  database: DatabaseSource, openHost: OpenHost, now: Clock
): Promise<MigrationReport> {
  const opened = await openDatabase({ database, migrate: true, create: true, openHost })
  try {
    await backfill(opened, now)
    return { lockRetries: opened.lockRetries, wasApplied: opened.wasMigrated }
  } finally {
    await opened.close()
  }
}
