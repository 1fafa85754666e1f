import type { Clock } from '../../time/clock.js'
import { backfill } from './backfill.js'
import type { Database } from './database.js'

/** What `migrate` did. */
export interface MigrationReport {
  /** How often it found the database locked by somebody else and tried again. */
  readonly lockRetries: number
  /** Something was missing; false where there was nothing to do. */
  readonly wasApplied: boolean
}

/** Gives the invocations that were there before a migration their lifecycle, and closes the database. */
export async function completeMigration (opened: Database, now: Clock): Promise<MigrationReport> {
  try {
    await backfill(opened, now)
    return { lockRetries: opened.lockRetries, wasApplied: opened.wasMigrated }
  } finally {
    await opened.close()
  }
}
