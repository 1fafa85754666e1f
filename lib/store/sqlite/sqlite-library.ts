import { randomInt } from 'node:crypto'
import type { SqliteHandle } from './sqlite-handle.js'

/** How a file is opened. */
export interface OpenFileOptions {
  /** A file that is missing is an error. Default false: it is made. */
  readonly mustExist?: boolean
  /** How long SQLite waits for a lock, in milliseconds, blocking the thread. */
  readonly timeoutMs?: number
}

/**
 * One copy of SQLite that is loaded in this process.
 *
 * Locks belong to the process, not to whoever takes them: two copies on one file drop each other's locks, and the first
 * that closes removes the write-ahead log under the other. Hence one copy for a file, whoever brought it.
 */
export interface SqliteLibrary {
  /** Tells it from every other copy in this process. */
  readonly mark: number
  /** Of SQLite. */
  readonly version: string
  /** What a thread requires to get the same copy: a file, or `node:sqlite`. Undefined where no thread can. */
  readonly module: string | undefined
  open (path: string, options?: OpenFileOptions): SqliteHandle
}

/** Above every limit that somebody could mean. */
const LEAST_MARK = 2 ** 50

/** @throws what the copy throws where it cannot be loaded */
export function createLibrary (open: SqliteLibrary['open'], module: string | undefined): SqliteLibrary {
  const probe = open(':memory:')
  try {
    return { mark: markOf(probe), version: versionOf(probe), module, open }
  } finally {
    probe.close()
  }
}

/**
 * Every connection of one copy shares its soft limit of memory. An unlimited one gets a number that is as good as
 * unlimited, and stays: it is how the copy behind any connection, a Kysely's among them, is known.
 */
function markOf (handle: SqliteHandle): number {
  const limit = readMark(handle)
  if (limit > 0) return limit
  handle.pragma(`soft_heap_limit = ${LEAST_MARK + randomInt(2 ** 40)}`)
  return readMark(handle)
}

export const MARK_QUERY = 'PRAGMA soft_heap_limit'

export function readMark (handle: Pick<SqliteHandle, 'pragma'>): number {
  return Number(handle.pragma('soft_heap_limit', { simple: true }))
}

function versionOf (handle: SqliteHandle): string {
  const [row] = handle.prepare('SELECT sqlite_version() AS version').all([]) as Array<{ version: string }>
  return String(row?.version)
}
