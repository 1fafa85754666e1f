import { timelineError } from './errors.js'
import { systemClock } from './time/clock.js'
import { hostOpener } from './host/open-host.js'
import { createAuditSource } from './host/task-events.js'
import { createRedactor } from './intake/redact.js'
import {
  carryDatabase, isPostgresSource, migrateDatabase,
  type CarryOptions, type CarryReport, type DatabaseSource, type MigrationReport
} from './store/engines.js'
import { down, up, MIGRATION_NAME } from '../migrations/010_invocation_lifecycle.js'

export type { CarryReport, MigrationReport }

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
  return migrateDatabase(database, openHost(), systemClock)
}

/** From where to where. */
export interface MoveOptions extends Omit<CarryOptions, 'now'> {
  /** An SQLite file that is migrated; it is only read. */
  readonly from: string
  /** A `postgres://` address, or a `Pool` of `pg`. */
  readonly to: DatabaseSource
}

/**
 * Carries a timeline from an SQLite file to PostgreSQL: its tasks, runs, events and calls, with their ids, numbers and
 * epochs, so that viewers go on where they were. What was carried is compared by its hash.
 *
 * What writes to the file is stopped before. May be ended in the middle: the next call goes on.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_TARGET_IN_USE, AGENT_TIMELINE_COPY_REFUSED,
 * AGENT_TIMELINE_COPY_DIFFERS, AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_*
 */
export async function moveTimeline ({ from, to, ...options }: MoveOptions): Promise<CarryReport> {
  if (isPostgresSource(from)) throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['from', 'is the path of an SQLite file'])
  if (!isPostgresSource(to)) throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['to', 'is a postgres:// address'])
  return carryDatabase(from, to, openHost(), { ...options, now: systemClock })
}

function openHost () {
  return hostOpener({ taskEvents: createAuditSource(systemClock), now: systemClock, clean: createRedactor().text })
}
