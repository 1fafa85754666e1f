import { sql, type Kysely } from 'kysely'
import { up } from '../../migrations/010_invocation_lifecycle.js'
import { TRIGGERS } from '../../migrations/statements.js'
import { timelineError } from '../errors.js'
import { inspectHost, type HostSchema } from '../host/host-schema.js'
import { createHost, type Host, type HostOptions } from '../host/host.js'
import type { TaskEventSource } from '../host/task-events.js'
import { databaseError, isSchemaChange, retryWhileBusy, type SqliteConnection } from './sqlite.js'
import { resolveSource, type DatabaseSource } from './source.js'
import type { Tables } from './tables.js'

/** How long opening waits for other processes that migrate, in milliseconds. */
const MIGRATION_PATIENCE_MS = 60_000
/** How long a read waits for a lock; a database in WAL mode never makes it wait. */
const READ_PATIENCE_MS = 1_000

export interface DatabaseOptions {
  readonly database: DatabaseSource
  /** Apply migration 010 where it is missing. Without it only a new, empty database is set up. */
  readonly migrate: boolean
  /** Make the file if it is missing. */
  readonly create: boolean
  readonly taskEvents: TaskEventSource
  readonly hostOptions: Pick<HostOptions, 'now' | 'clean'>
}

/** One database with a connection to write and one to read, both of our own. */
export interface Database {
  /** Empty for a database in memory. */
  readonly path: string
  readonly host: Host
  /** How often opening found the lock taken by somebody else. */
  readonly lockRetries: number
  /** Runs work in an IMMEDIATE transaction. Errors come out as SQLite threw them. */
  write<T> (work: (trx: Kysely<Tables>, host: Host) => Promise<T>): Promise<T>
  /** Runs queries, repeating them while the database is locked. @throws a coded error */
  read<T> (query: (db: Kysely<Tables>, host: Host) => Promise<T>): Promise<T>
  /** Looks at the tables again and restores what a rebuild of the host's took. */
  repair (): Promise<void>
  close (): Promise<void>
}

/** @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_* */
export async function openDatabase (options: DatabaseOptions): Promise<Database> {
  const factory = await resolveSource(options.database, options.create)
  let lockRetries = 0
  let writer = await factory.open({ queryOnly: false })
  let reader: SqliteConnection | undefined
  let host: Host
  let opening: Promise<void> | undefined

  async function prepare (mayMigrate: boolean): Promise<Host> {
    const patient = <T>(work: () => Promise<T>) => retryWhileBusy(work, MIGRATION_PATIENCE_MS, () => { lockRetries++ })
    let schema = await patient(() => inspectHost(writer.db))
    const isIncomplete = schema.missing.length > 0 || !(await hasTriggers(writer.db, schema))
    if (schema.missing.length > 0 && !schema.isEmpty && !schema.isMigrated && !mayMigrate) {
      throw timelineError('AGENT_TIMELINE_NOT_MIGRATED', [schema.missing.join(', ')])
    }
    if (isIncomplete) {
      await patient(() => writer.db.transaction().execute((trx) => up(trx)))
      schema = await inspectHost(writer.db)
    }
    const isPresent = options.taskEvents.name === 'audit' ? schema.hasAudit : await options.taskEvents.isPresent(writer.db)
    return createHost({ ...options.hostOptions, schema, taskEvents: isPresent ? options.taskEvents : undefined })
  }

  /** The file was deleted or replaced under us: what is written to the old one is lost to everybody. */
  async function reopen (): Promise<void> {
    opening ??= (async () => {
      const fresh = await factory.open({ queryOnly: false })
      const old = [writer, reader]
      writer = fresh
      host = await prepare(true)
      reader = await factory.open({ queryOnly: true })
      await Promise.all(old.map((connection) => connection?.close()))
    })().finally(() => { opening = undefined })
    await opening
  }

  async function current (): Promise<void> {
    if (opening !== undefined || !writer.isCurrent()) await reopen()
  }

  try {
    host = await prepare(options.migrate)
    reader = await factory.open({ queryOnly: true })
  } catch (error) {
    await writer.close()
    throw databaseError(error, factory.path)
  }

  async function repair (): Promise<void> {
    await current()
    host = await prepare(true)
  }

  return {
    path: factory.path ?? '',
    get host () { return host },
    get lockRetries () { return lockRetries },
    repair,

    async write (work) {
      await current()
      return writer.db.transaction().execute((trx) => work(trx, host))
    },

    async read (query) {
      try {
        await current()
        const attempt = () => query((reader as SqliteConnection).db, host)
        return await retryWhileBusy(attempt, READ_PATIENCE_MS).catch(async (error) => {
          if (!isSchemaChange(error)) throw error
          await repair()
          return attempt()
        })
      } catch (error) {
        throw databaseError(error, factory.path)
      }
    },

    async close () {
      await opening?.catch(() => {})
      await writer.close()
      await reader?.close()
    }
  }
}

async function hasTriggers (db: Kysely<Tables>, schema: HostSchema): Promise<boolean> {
  const wanted = TRIGGERS.filter(([, table]) => table !== 'tasks' || schema.tasks.has('id')).map(([name]) => name)
  const { rows } = await sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'trigger'`.execute(db)
  const present = new Set(rows.map((row) => row.name))
  return wanted.every((name) => present.has(name))
}
