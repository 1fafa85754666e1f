import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { sql, type Kysely } from 'kysely'
import { engineOf } from '../../migrations/010_invocation_lifecycle.js'
import { timelineError } from '../errors.js'
import { openSqlite, shareSqlite, type SqliteConnection, type SqliteHandle } from './sqlite.js'
import Sqlite from 'better-sqlite3'

/**
 * What `database` may be: the path of an SQLite file, a better-sqlite3 `Database`, or a `Kysely` on one.
 * Of a live handle only the file's path is used: a connection of our own cannot be caught in the host's transaction.
 * A handle on `:memory:` is shared, because nothing else reaches it.
 */
export type DatabaseSource = string | SqliteHandle | KyselyHandle

/**
 * A `Kysely` of any version and module format: the class itself, with its private fields, is another type in CommonJS
 * than in an ES module.
 */
export interface KyselyHandle {
  readonly isTransaction: boolean
  getExecutor (): object
  withoutPlugins (): object
}

/** Opens connections to one database. */
export interface ConnectionFactory {
  /** Undefined for a database in memory. */
  readonly path: string | undefined
  open (options: { readonly queryOnly: boolean }): Promise<SqliteConnection>
}

/**
 * @param create whether a missing file is made
 * @throws AGENT_TIMELINE_UNSUPPORTED_DATABASE, AGENT_TIMELINE_DATABASE_MISSING
 */
export async function resolveSource (source: DatabaseSource, create: boolean): Promise<ConnectionFactory> {
  if (typeof source === 'string') return fromText(source, create)
  if (isKysely(source)) return fromKysely(source, create)
  if (isSqlite(source)) {
    return source.memory || source.name === '' ? inMemory(source) : onFile(source.name, create)
  }
  throw timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', ['give a path, a better-sqlite3 Database or a Kysely'])
}

function fromText (text: string, create: boolean): ConnectionFactory {
  if (/^postgres(ql)?:\/\//i.test(text)) {
    throw timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', ['this version stores in SQLite only'])
  }
  if (/^(file:|[a-z][a-z0-9+.-]+:\/\/)/i.test(text)) {
    throw timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', ['give the path of a file, not a URL'])
  }
  if (text === '') throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['database', 'is a path that is not empty'])
  return text === ':memory:' ? inMemory(new Sqlite(':memory:'), true) : onFile(text, create)
}

async function fromKysely (kysely: Kysely<any>, create: boolean): Promise<ConnectionFactory> {
  if (engineOf(kysely) !== 'sqlite') {
    throw timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', ['this version stores in SQLite only'])
  }
  const file = await fileOf(kysely)
  if (file !== '') return onFile(file, create)
  const db = kysely.withoutPlugins()
  return {
    path: undefined,
    open: async () => ({ db, isCurrent: () => true, close: async () => {} })
  }
}

/** @returns the file that a Kysely on SQLite works on; '' for one in memory */
export async function fileOf (kysely: Kysely<any>): Promise<string> {
  const { rows } = await sql<{ name: string, file: string }>`PRAGMA database_list`.execute(kysely.withoutPlugins())
  return rows.find((row) => row.name === 'main')?.file ?? ''
}

function onFile (path: string, create: boolean): ConnectionFactory {
  const file = resolve(path)
  if (!existsSync(dirname(file))) {
    throw timelineError('AGENT_TIMELINE_DATABASE_MISSING', [`${path}, nor does its directory`])
  }
  if (!create && !existsSync(file)) throw timelineError('AGENT_TIMELINE_DATABASE_MISSING', [path])
  let isFirst = create
  return {
    path: file,
    async open ({ queryOnly }) {
      // Made once: a file that is deleted later was deleted by somebody.
      const connection = await openSqlite(file, { create: isFirst, queryOnly })
      isFirst = false
      return connection
    }
  }
}

function inMemory (raw: SqliteHandle, isOurs = false): ConnectionFactory {
  const shared = shareSqlite(raw)
  let users = 0
  return {
    path: undefined,
    async open () {
      users++
      return {
        ...shared,
        close: async () => { if (--users === 0 && isOurs) raw.close() }
      }
    }
  }
}

export function isKysely (source: object): source is Kysely<any> {
  return typeof (source as { getExecutor?: unknown }).getExecutor === 'function'
}

function isSqlite (source: unknown): source is SqliteHandle {
  return typeof source === 'object' && source !== null && typeof (source as { prepare?: unknown }).prepare === 'function' &&
    typeof (source as { pragma?: unknown }).pragma === 'function'
}
