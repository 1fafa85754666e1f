import { statSync } from 'node:fs'
import {
  Kysely, SqliteDialect, type Compilable, type CompiledQuery, type QueryResult, type SqliteDatabase,
  type SqliteStatement
} from 'kysely'
import { timelineError } from '../../errors.js'
import { createLockPause, type LockPause } from './lock-pause.js'
import { openGuarded, type GuardedHandle } from './one-library.js'
import { databaseError, isBusy } from './sqlite-error.js'
import type { SqliteHandle } from './sqlite-handle.js'
import type { SqliteLibrary } from './sqlite-library.js'
import type { Tables } from '../tables.js'
import { performance, setTimeout } from '../../time/timers.js'

/**
 * How long SQLite itself may block the event loop for a lock, in milliseconds.
 * The rest of the waiting is asynchronous: see {@link retryWhileBusy}.
 */
const BUSY_TIMEOUT_MS = 10

/**
 * How long the write-ahead log gets before a commit of ours copies it back: 16 MB at SQLite's usual page size, where
 * its default is 4. A log's last pages are written again and again, so that a longer one has fewer to copy.
 */
const CHECKPOINT_PAGES = 4_000

/** One connection to an SQLite database, as Kysely sees it. */
export interface SqliteConnection {
  readonly db: Kysely<Tables>
  /**
   * The same connection without a queue: for queries inside a transaction of `db`, and for a connection that never has
   * one. Absent where others use the handle, too.
   */
  readonly direct?: Kysely<Tables>
  /** False once the file was deleted or replaced under the open connection. */
  isCurrent (): boolean
  close (): Promise<void>
}

export interface SqliteOptions {
  /** The copy of SQLite to open it with. */
  readonly library: SqliteLibrary
  /** The library is that of a handle that the host has on the same file. Default false. */
  readonly isGiven?: boolean
  /** Make the file if it is missing. Default false. */
  readonly create?: boolean
  /** Refuse every write on this connection. Default false. */
  readonly queryOnly?: boolean
  /** How long to wait for a lock, in milliseconds. Default 5,000. */
  readonly patienceMs?: number | undefined
}

/**
 * Opens a connection of our own to a database file.
 *
 * A database that is new is put into WAL mode; the mode of a host's database is the host's business.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE, AGENT_TIMELINE_DATABASE_LOCKED,
 * AGENT_TIMELINE_DATABASE_UNAVAILABLE, AGENT_TIMELINE_SECOND_SQLITE
 */
export async function openSqlite (path: string, options: SqliteOptions): Promise<SqliteConnection> {
  const { library, isGiven = false, patienceMs } = options
  let guarded: GuardedHandle | undefined
  try {
    // A reader is opened read-write with query_only: a read-only one can fail in WAL mode with SHORT_READ.
    const open = () => library.open(path, { mustExist: options.create !== true, timeoutMs: BUSY_TIMEOUT_MS })
    guarded = await retryWhileBusy(async () => openGuarded(path, library, isGiven, open), { patienceMs })
    const { handle } = guarded
    await retryWhileBusy(async () => prepareConnection(handle, options), { patienceMs })
  } catch (error) {
    guarded?.release()
    throw databaseError(error, path)
  }
  const inode = inodeOf(path)
  const { handle, release } = guarded
  const statements = new CachedStatements(handle, options.queryOnly === true ? 'begin' : 'begin immediate')
  return {
    db: new Kysely<Tables>({ dialect: new SqliteDialect({ database: statements }) }),
    direct: new DirectKysely(statements),
    isCurrent: () => inode === undefined || inodeOf(path) === inode,
    close: async () => { release() }
  }
}

/** Uses a handle that somebody else owns; closing ours leaves theirs open. */
export function shareSqlite (raw: SqliteHandle): SqliteConnection {
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: new CachedStatements(raw) }) })
  return { db, isCurrent: () => true, close: async () => {} }
}

function prepareConnection (raw: SqliteHandle, options: SqliteOptions): void {
  const isNew = raw.pragma('page_count', { simple: true }) === 0
  if (isNew && options.queryOnly !== true) raw.pragma('journal_mode = WAL')
  if (raw.pragma('journal_mode', { simple: true }) === 'wal') {
    raw.pragma('synchronous = NORMAL')
    raw.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  }
  raw.pragma('foreign_keys = ON')
  if (options.queryOnly === true) raw.pragma('query_only = ON')
}

function inodeOf (path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

/** As many statements as the package has, several times over. */
const MAX_STATEMENTS = 200

/**
 * What Kysely's driver needs of a database, with two differences: statements are kept prepared (it prepares anew on
 * each execution, 13 µs), and transactions begin IMMEDIATE (a deferred one that reads first and writes later fails
 * with BUSY however long it may wait).
 */
class CachedStatements implements SqliteDatabase {
  readonly #raw: SqliteHandle
  readonly #begin: string
  readonly #statements = new Map<string, SqliteStatement>()

  /** @param begin a connection that refuses writes refuses IMMEDIATE transactions, too */
  constructor (raw: SqliteHandle, begin = 'begin immediate') {
    this.#raw = raw
    this.#begin = begin
  }

  get inTransaction (): boolean {
    return this.#raw.inTransaction
  }

  prepare (text: string): SqliteStatement {
    // After SQLITE_FULL and some others SQLite has rolled back by itself; a second rollback would hide the cause.
    if (text === 'rollback' && !this.inTransaction) return NOTHING
    const key = text === 'begin' ? this.#begin : text
    let statement = this.#statements.get(key)
    if (statement === undefined) {
      statement = this.#raw.prepare(key) as unknown as SqliteStatement
      const oldest = this.#statements.keys().next().value
      if (this.#statements.size >= MAX_STATEMENTS && oldest !== undefined) this.#statements.delete(oldest)
      this.#statements.set(key, statement)
    }
    return statement
  }

  close () {
    this.#statements.clear()
    this.#raw.close()
  }
}

/**
 * A Kysely that runs compiled queries at once.
 *
 * Kysely waits its turn for a connection, in ten promises a query. SQLite runs most of ours in less time than that.
 */
class DirectKysely extends Kysely<Tables> {
  readonly #statements: CachedStatements

  constructor (statements: CachedStatements) {
    super({ dialect: new SqliteDialect({ database: statements }) })
    this.#statements = statements
  }

  /** As of Kysely's own transactions: a host's source of task events may ask before it begins one. */
  override get isTransaction (): boolean {
    return this.#statements.inTransaction
  }

  override async executeQuery<Row> (query: CompiledQuery<Row> | Compilable<Row>): Promise<QueryResult<Row>> {
    const { sql, parameters } = 'compile' in query ? query.compile() : query
    const statement = this.#statements.prepare(sql)
    if (statement.reader) return { rows: statement.all(parameters) as Row[] }
    const { changes, lastInsertRowid } = statement.run(parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }
}

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator]()
}

export interface RetryOptions {
  /** How long to go on, in milliseconds; default 5,000. */
  readonly patienceMs?: number | undefined
  /** How long to wait before the next attempt, in milliseconds. */
  readonly pause?: LockPause
  readonly onRetry?: () => void
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Repeats an operation while another process holds the lock, waiting without blocking and with jitter.
 *
 * @returns what the operation returned
 * @throws what it threw last; AGENT_TIMELINE_CLOSED once the signal says so
 */
export async function retryWhileBusy<T> (
  operation: () => Promise<T>,
  { patienceMs = 5_000, pause = createLockPause(), onRetry, signal }: RetryOptions = {}
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await operation()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      if (signal?.aborted) throw timelineError('AGENT_TIMELINE_CLOSED', [], error)
      onRetry?.()
      const pauseMs = await pause()
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
