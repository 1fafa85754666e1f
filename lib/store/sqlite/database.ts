import { sql, type Kysely } from 'kysely'
import { up } from '../../../migrations/010_invocation_lifecycle.js'
import { TRIGGERS, YOUNGEST_TABLE } from '../../../migrations/statements.js'
import { timelineError } from '../../errors.js'
import { debug } from '../../debug.js'
import { noMeter, type Meter } from '../../meter.js'
import { inspectHost } from '../sql/host-schema.js'
import type { HostRows, HostSchema, OpenHost } from '../host-rows.js'
import { createLockPause } from './lock-pause.js'
import { retryWhileBusy, type SqliteConnection } from './sqlite.js'
import { databaseError, isBusy, isOfDatabase, isRefusal, isSchemaChange, storeError } from './sqlite-error.js'
import type { Database, OpeningLimits } from '../sql/database.js'
import { createTryPart } from '../sql/savepoint.js'
import { resolveSource, type SqliteSource } from './source.js'
import type { SqliteLibrary } from './sqlite-library.js'
import type { Tables } from '../tables.js'
import { nextTurn, setTimeout } from '../../time/timers.js'

/** How long a read waits for a lock; a database in WAL mode never makes it wait. */
const READ_PATIENCE_MS = 1_000
/** How long opening a file waits for a lock, in milliseconds. */
const OPENING_PATIENCE_MS = 5_000
/** How long a table of invocations that is gone may be in the middle of the host's rebuild, in milliseconds. */
const REBUILD_PATIENCE_MS = 5_000
const REBUILD_POLL_MS = 50

export interface DatabaseOptions {
  readonly database: SqliteSource
  /** Apply migration 010 where it is missing. Without it only a new, empty database is set up. */
  readonly migrate: boolean
  /** Make the file if it is missing. */
  readonly create: boolean
  readonly openHost: OpenHost
  /** Told whenever the lock is somebody else's; counts nothing by default. */
  readonly meter?: Meter
  readonly opening?: OpeningLimits
}

/** One database with a connection to write and one to read, both of our own; `write` begins IMMEDIATE. */
export interface SqliteStoreDatabase extends Database {
  /** The copy of SQLite that serves it; undefined for a database in memory. */
  readonly library: SqliteLibrary | undefined
  /** Whether another copy has the file open in this process, too. */
  isSharedWithAnother (): boolean
}

/** @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_* */
export async function openDatabase (options: DatabaseOptions): Promise<SqliteStoreDatabase> {
  const { meter = noMeter, opening: { patienceMs = 60_000, signal } = {} } = options
  const factory = await resolveSource(options.database, options.create)
  let lockRetries = 0
  let writer = await factory.open({ queryOnly: false, patienceMs: Math.min(patienceMs, OPENING_PATIENCE_MS) })
  let reader: SqliteConnection | undefined
  let host: HostRows
  let opening: Promise<void> | undefined
  let isClosed = false
  let isClosing = false
  let schemaVersion: number | undefined
  let wasRepaired = false
  let wasMigrated = false
  let reopenings = 0

  async function prepare (db: Kysely<Tables>): Promise<HostRows> {
    const patient = <T>(work: () => Promise<T>) =>
      retryWhileBusy(work, { patienceMs, onRetry: () => { lockRetries++ }, signal })
    let version = await patient(() => schemaVersionOf(db))
    let schema = await patient(() => inspectHost(db))
    for (let wait = 0; schema.isBeingRebuilt && wait < REBUILD_PATIENCE_MS; wait += REBUILD_POLL_MS) {
      await new Promise((resolve) => setTimeout(resolve, REBUILD_POLL_MS))
      schema = await patient(() => inspectHost(db))
    }
    if (schema.missing.length > 0 && !schema.isEmpty && !schema.isMigrated && !options.migrate) {
      throw timelineError('AGENT_TIMELINE_NOT_MIGRATED', [schema.missing.join(', ')])
    }
    if (schema.missing.length > 0 || !(await hasTriggers(db, schema))) {
      wasMigrated ||= schema.missing.length > 0
      await patient(async () => {
        // Of many that open it at once the first has done it for all.
        if (lockRetries === 0 || !(await isComplete(db))) await db.transaction().execute((trx) => up(trx))
      }).catch((error) => { throw asForeignTable(error) })
      version = await patient(() => schemaVersionOf(db))
      schema = await patient(() => inspectHost(db))
    }
    const opened = await options.openHost(db, schema, createTryPart(isRefusal))
    schemaVersion = version
    return opened
  }

  /** The file was deleted or replaced under us: what is written to the old one is lost to everybody. */
  async function reopen (): Promise<void> {
    opening ??= (async () => {
      const opened: SqliteConnection[] = []
      try {
        const newWriter = await openAnother(opened, false)
        const newReader = await openAnother(opened, true)
        host = await prepare(newWriter.db)
        const old = [writer, reader]
        writer = newWriter
        reader = newReader
        opened.length = 0
        reopenings++
        await Promise.all(old.map((connection) => connection?.close()))
      } finally {
        await Promise.all(opened.map((connection) => connection.close()))
      }
    })().finally(() => { opening = undefined })
    await opening
  }

  async function openAnother (opened: SqliteConnection[], queryOnly: boolean): Promise<SqliteConnection> {
    const connection = await factory.open({ queryOnly })
    opened.push(connection)
    return connection
  }

  async function current (): Promise<void> {
    if (isClosed) throw timelineError('AGENT_TIMELINE_CLOSED')
    if (opening !== undefined || !writer.isCurrent()) await reopen()
  }

  try {
    host = await prepare(writer.db)
    reader = await factory.open({ queryOnly: true })
  } catch (error) {
    await writer.close()
    throw databaseError(error, factory.path)
  }

  async function repair (): Promise<void> {
    await current()
    host = await prepare(writer.db)
    wasRepaired = true
  }

  async function transaction<T> (work: (trx: Kysely<Tables>, host: HostRows) => Promise<T>): Promise<T> {
    // A transaction of ours takes one turn of the event loop, which has nothing else in it then: what the host does
    // after a promise of ours must not come between two statements, for it would wait for our lock in vain.
    await nextTurn()
    await current()
    try {
      // One connection to the end, whatever is opened meanwhile.
      const { db, direct } = writer
      return await db.transaction().execute((trx) => work(direct ?? trx, host))
    } catch (error) {
      if (isBusy(error)) {
        debug.store('%s: the lock is taken', factory.path ?? ':memory:')
        meter.lockMet()
      }
      throw error
    }
  }

  async function read<T> (query: (db: Kysely<Tables>, host: HostRows) => Promise<T>): Promise<T> {
    try {
      if (isClosing) throw timelineError('AGENT_TIMELINE_CLOSED')
      await current()
      const attempt = () => {
        const { direct, db } = reader as SqliteConnection
        return query(direct ?? db, host)
      }
      const retry = { patienceMs: READ_PATIENCE_MS, onRetry: () => meter.lockMet() }
      return await retryWhileBusy(attempt, retry).catch(async (error) => {
        if (!isSchemaChange(error)) throw error
        await repair()
        return attempt()
      })
    } catch (error) {
      throw databaseError(error, factory.path)
    }
  }

  const lockPause = createLockPause(async () => commitsOfOthers(writer.db))

  return {
    path: factory.path ?? '',
    get library () { return factory.library },
    isSharedWithAnother: () => factory.isSharedWithAnother(),
    get host () { return host },
    get lockRetries () { return lockRetries },
    get reopenings () { return reopenings },
    get wasMigrated () { return wasMigrated },
    repair,
    usedBytes: () => read(usedBytes),
    isBusy,
    isOfDatabase,
    storeError: (error, outcome) => storeError(error, factory.path ?? '', outcome),

    async repairIfChanged () {
      await current()
      if (await schemaVersionOf(writer.db) !== schemaVersion) await repair()
      const changed = wasRepaired
      wasRepaired = false
      return changed
    },

    lockPause,

    async write (work, patienceMs = 0) {
      const attempt = () => transaction(work)
      return patienceMs === 0 ? attempt() : retryWhileBusy(attempt, { patienceMs, pause: lockPause })
    },

    read,

    async close (written) {
      isClosing = true
      const release = async () => {
        isClosed = true
        await opening?.catch(() => {})
        await writer.close()
        await reader?.close()
      }
      if (written === undefined) await release()
      else written.then(release).catch(() => {})
    }
  }
}

/** Nothing is left to do for a migration. */
async function isComplete (db: Kysely<Tables>): Promise<boolean> {
  const schema = await inspectHost(db)
  return schema.missing.length === 0 && await hasTriggers(db, schema)
}

async function usedBytes (db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes
    FROM pragma_page_count() AS p, pragma_freelist_count() AS f, pragma_page_size() AS s`.execute(db)
  return Number(rows[0]?.bytes)
}

/** A number that changes with each commit of another connection. */
async function commitsOfOthers (db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ data_version: number }>`PRAGMA data_version`.execute(db)
  return Number(rows[0]?.data_version)
}

/** A trigger moves with a table that is renamed: it has to be there, and on the right one. */
async function hasTriggers (db: Kysely<Tables>, schema: HostSchema): Promise<boolean> {
  const wanted = TRIGGERS.filter(([, table]) => table !== 'tasks' || schema.canTriggerOnTasks)
  const { rows } = await sql<{ name: string, tbl_name: string, sql: string }>`
    SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'`.execute(db)
  return wanted.every(([name, table]) => rows.some((row) => row.name === name && row.tbl_name === table &&
    row.sql.includes(YOUNGEST_TABLE)))
}

/** Migrating again would not help: a table of ours by its name is somebody else's by its columns. */
function asForeignTable (error: unknown): unknown {
  if (!isSchemaChange(error)) return error
  const lacking = (error as Error).message.replace(/^no such (\w+): /, 'the $1 ')
  return timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', [`it lacks ${lacking}, which migration 010 does not add`], error)
}

/** A number that SQLite changes with every table that is made, altered or dropped. */
async function schemaVersionOf (db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ schema_version: number }>`PRAGMA schema_version`.execute(db)
  return Number(rows[0]?.schema_version)
}
