import { pathToFileURL } from 'node:url'
import type { SqliteStatement } from 'kysely'
import type { SqliteHandle } from './sqlite-handle.js'
import type { SqliteLibrary } from './sqlite-library.js'

/** A `DatabaseSync` of `node:sqlite`, in terms that need no types of a newer Node. */
export interface NodeSqliteHandle {
  prepare (sql: string): any
  exec (sql: string): void
  close (): void
  readonly isOpen?: boolean
  readonly isTransaction?: boolean
}

export type DatabaseSync = new (path: string | URL, options?: object) => NodeSqliteHandle

/** Opens through a constructor of `node:sqlite`. */
export function nodeOpener (Database: DatabaseSync): SqliteLibrary['open'] {
  return (path, { mustExist = false, timeoutMs = 0 } = {}) => {
    if (path === ':memory:') return adaptNodeSqlite(new Database(path))
    const url = pathToFileURL(path)
    url.search = mustExist ? '?mode=rw' : '?mode=rwc'
    const raw = coded(() => new Database(url))
    raw.exec(`PRAGMA busy_timeout = ${timeoutMs}`)
    return adaptNodeSqlite(raw)
  }
}

/** A handle of `node:sqlite` as better-sqlite3 would have it, its errors included. */
export function adaptNodeSqlite (raw: NodeSqliteHandle): SqliteHandle {
  const file = fileOf(raw)
  return {
    name: file,
    memory: file === '',
    get inTransaction () { return raw.isTransaction === true },
    prepare: (text) => adaptStatement(coded(() => raw.prepare(text))),
    pragma (source, { simple = false } = {}) {
      const rows = coded(() => raw.prepare(`PRAGMA ${source}`).all()) as object[]
      return simple ? Object.values(rows[0] ?? {})[0] : rows
    },
    close () { raw.close() }
  }
}

function adaptStatement (statement: any): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => coded(() => statement.all(...parameters)),
    run: (parameters) => coded(() => statement.run(...parameters)),
    iterate: (parameters) => statement.iterate(...parameters)
  }
}

function fileOf (raw: NodeSqliteHandle): string {
  const rows = raw.prepare('PRAGMA database_list').all() as Array<{ name: string, file: string | null }>
  return rows.find(({ name }) => name === 'main')?.file ?? ''
}

/** Names of SQLite's result codes, as far as somebody here looks at them. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  25: 'SQLITE_RANGE',
  26: 'SQLITE_NOTADB',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY'
}

function coded<T> (work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { errcode } = error as { errcode?: unknown }
    if (typeof errcode === 'number') {
      Object.assign(error as Error, { code: NAMES[errcode] ?? NAMES[errcode & 0xff] ?? `SQLITE_${errcode}` })
    }
    throw error
  }
}
