import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { sql, type Kysely } from 'kysely'
import { timelineError } from '../../errors.js'
import type { KyselyHandle } from '../kysely-handle.js'
import { loadBetterSqlite } from './better-sqlite.js'
import { canonicalPath } from './canonical-path.js'
import { libraryOfHandle, libraryOfKysely, libraryOfNodeHandle } from './find-library.js'
import { adaptNodeSqlite, type NodeSqliteHandle } from './node-sqlite.js'
import { isSharedWithAnother, libraryServing } from './one-library.js'
import { openSqlite, shareSqlite, type SqliteConnection, type SqliteOptions } from './sqlite.js'
import type { SqliteHandle } from './sqlite-handle.js'
import type { SqliteLibrary } from './sqlite-library.js'

/**
 * What `database` may be: the path of an SQLite file, an open handle (a better-sqlite3 `Database` of any version, a
 * `DatabaseSync` of `node:sqlite`) or a `Kysely` on one.
 * A live handle tells the file, and which SQLite to open it with: a connection of our own cannot be caught in the
 * host's transaction. A handle on `:memory:` is shared, because nothing else reaches it.
 */
export type SqliteSource = string | SqliteHandle | NodeSqliteHandle | KyselyHandle

/** Opens connections to one database. */
export interface ConnectionFactory {
  /** Undefined for a database in memory. */
  readonly path: string | undefined
  /** What it is opened with, once it is open. Undefined for a database in memory. */
  readonly library: SqliteLibrary | undefined
  /** Whether another copy of SQLite has the file open in this process, too. */
  isSharedWithAnother (): boolean
  open (options: Pick<SqliteOptions, 'queryOnly' | 'patienceMs'>): Promise<SqliteConnection>
}

/**
 * @param create whether a missing file is made
 * @throws AGENT_TIMELINE_UNSUPPORTED_DATABASE, AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_SECOND_SQLITE,
 * AGENT_TIMELINE_SQLITE_*
 */
export async function resolveSource (source: SqliteSource, create: boolean): Promise<ConnectionFactory> {
  if (typeof source === 'string') return await fromText(source, create)
  if (isKysely(source)) return await fromKysely(source, create)
  if (isSqlite(source)) {
    if (source.open === false) throw unsupported('the handle is closed')
    const file = fileOfHandle(source)
    return file === '' ? inMemory(source) : onFile(file, create, () => libraryOfHandle(source))
  }
  if (isNodeSqlite(source)) {
    if (source.isOpen === false) throw unsupported('the handle is closed')
    const handle = adaptNodeSqlite(source)
    return handle.memory ? inMemory(handle) : onFile(handle.name, create, async () => libraryOfNodeHandle(source))
  }
  throw unsupported('give a path, a better-sqlite3 Database, a DatabaseSync of node:sqlite, a postgres:// address, a Pool of pg or a Kysely')
}

function unsupported (reason: string): Error {
  return timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', [reason])
}

async function fromText (text: string, create: boolean): Promise<ConnectionFactory> {
  if (/^(file:|[a-z][a-z0-9+.-]+:\/\/)/i.test(text)) throw unsupported('give the path of a file, not a URL')
  if (text === '') throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['database', 'is a path that is not empty'])
  return text === ':memory:' ? inMemory((await loadBetterSqlite()).open(text), true) : onFile(text, create)
}

async function fromKysely (kysely: Kysely<any>, create: boolean): Promise<ConnectionFactory> {
  const file = await fileOf(kysely)
  if (file !== '') return onFile(file, create, () => libraryOfKysely(kysely))
  const db = kysely.withoutPlugins()
  return ofMemory(async () => ({ db, isCurrent: () => true, close: async () => {} }))
}

/** The file that a source stands for, behind every link; undefined for one in memory, and what is no source. */
export async function canonicalFileOf (source: SqliteSource): Promise<string | undefined> {
  let file = ''
  if (typeof source === 'string') file = source === ':memory:' ? '' : resolve(source)
  else if (isKysely(source)) file = await fileOf(source)
  else if (isSqlite(source)) file = fileOfHandle(source)
  else if (isNodeSqlite(source)) file = adaptNodeSqlite(source).name
  return file === '' ? undefined : canonicalPath(file)
}

/** @returns the file that a Kysely on SQLite works on; '' for one in memory */
async function fileOf (kysely: Kysely<any>): Promise<string> {
  const { rows } = await sql<{ name: string, file: string }>`PRAGMA database_list`.execute(kysely.withoutPlugins())
  return rows.find((row) => row.name === 'main')?.file ?? ''
}

/** @param given finds the copy of SQLite of a handle that was passed; by default it is the installed better-sqlite3 */
function onFile (path: string, create: boolean, given?: () => Promise<SqliteLibrary>): ConnectionFactory {
  const file = resolve(path)
  if (!existsSync(dirname(file))) {
    throw timelineError('AGENT_TIMELINE_DATABASE_MISSING', [`${path}, nor does its directory`])
  }
  if (!create && !existsSync(file)) throw timelineError('AGENT_TIMELINE_DATABASE_MISSING', [path])
  let isFirst = create
  let library: SqliteLibrary | undefined
  return {
    path: file,
    get library () { return library },
    isSharedWithAnother: () => isSharedWithAnother(file),
    async open (options) {
      library ??= await given?.() ?? libraryServing(file) ?? await loadBetterSqlite()
      // Made once: a file that is deleted later was deleted by somebody.
      const isGiven = given !== undefined
      const connection = await openSqlite(file, { ...options, library, isGiven, create: isFirst })
      isFirst = false
      return connection
    }
  }
}

function inMemory (raw: SqliteHandle, isOurs = false): ConnectionFactory {
  const shared = shareSqlite(raw)
  let users = 0
  return ofMemory(async () => {
    users++
    return {
      ...shared,
      close: async () => { if (--users === 0 && isOurs) raw.close() }
    }
  })
}

function ofMemory (open: ConnectionFactory['open']): ConnectionFactory {
  return { path: undefined, library: undefined, isSharedWithAnother: () => false, open }
}

/** As SQLite has it: the name that it was opened with may have been relative to another directory. */
function fileOfHandle (handle: SqliteHandle): string {
  if (handle.memory || handle.name === '') return ''
  try {
    const rows = handle.pragma('database_list') as Array<{ name: string, file: string | null }>
    return rows.find(({ name }) => name === 'main')?.file ?? ''
  } catch {
    // In the middle of a query.
    return handle.name
  }
}

function isKysely (source: object): source is Kysely<any> {
  return typeof (source as { getExecutor?: unknown }).getExecutor === 'function'
}

function isSqlite (source: unknown): source is SqliteHandle {
  return typeof source === 'object' && source !== null && typeof (source as { prepare?: unknown }).prepare === 'function' &&
    typeof (source as { pragma?: unknown }).pragma === 'function'
}

function isNodeSqlite (source: unknown): source is NodeSqliteHandle {
  return typeof source === 'object' && source !== null && typeof (source as { prepare?: unknown }).prepare === 'function' &&
    typeof (source as { exec?: unknown }).exec === 'function'
}
