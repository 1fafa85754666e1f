import { sql, type Kysely } from 'kysely'
import { isTimelineError, timelineError } from '../../errors.js'
import { loadBetterSqlite, opener, requireFromHere, type BetterSqlite } from './better-sqlite.js'
import { isNodeSqliteLoaded } from './loaded-libraries.js'
import { nodeOpener, type DatabaseSync, type NodeSqliteHandle } from './node-sqlite.js'
import type { SqliteHandle } from './sqlite-handle.js'
import { createLibrary, MARK_QUERY, readMark, type SqliteLibrary } from './sqlite-library.js'

/** The copy of SQLite behind a better-sqlite3 handle of any version, opened again through its own constructor. */
export async function libraryOfHandle (handle: SqliteHandle): Promise<SqliteLibrary> {
  const Database = baseOf(handle, ['prepare', 'pragma', 'loadExtension']) as BetterSqlite | undefined
  if (Database !== undefined) {
    for (const options of [nativeOf(handle), {}]) {
      const library = attempt(() => createLibrary(opener(Database, options), moduleOf(Database)))
      if (library !== undefined && isBehind(library, handle)) return library
    }
  }
  return await findLibrary(() => readMark(handle))
}

/** @throws AGENT_TIMELINE_UNSUPPORTED_DATABASE where this Node's is too old to tell whether a transaction is open */
export function libraryOfNodeHandle (handle: NodeSqliteHandle): SqliteLibrary {
  const Database = baseOf(handle, ['prepare', 'exec', 'createSession']) as DatabaseSync | undefined
  if (Database === undefined || !('isTransaction' in handle)) {
    throw timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', ['a handle of node:sqlite needs Node 22.16 or newer'])
  }
  return createLibrary(nodeOpener(Database), 'node:sqlite')
}

/** A Kysely keeps its handle to itself: the copy behind it is known by its mark. */
export async function libraryOfKysely (kysely: Kysely<any>): Promise<SqliteLibrary> {
  return await findLibrary(async () => {
    const { rows } = await sql.raw<Record<string, unknown>>(MARK_QUERY).execute(kysely.withoutPlugins())
    return Number(Object.values(rows[0] ?? {})[0])
  })
}

/** @throws AGENT_TIMELINE_SECOND_SQLITE where none of those that can be opened from here is behind it */
async function findLibrary (read: () => number | Promise<number>): Promise<SqliteLibrary> {
  for await (const library of candidates()) {
    if (await read() === library.mark) return library
  }
  throw timelineError('AGENT_TIMELINE_SECOND_SQLITE', ['what was passed belongs to an SQLite that cannot be opened from here'])
}

async function * candidates (): AsyncGenerator<SqliteLibrary> {
  const node = isNodeSqliteLoaded() ? requireFromHere()('node:sqlite') as { DatabaseSync: DatabaseSync } : undefined
  if (node !== undefined) yield createLibrary(nodeOpener(node.DatabaseSync), 'node:sqlite')
  for (const [file, Database] of loadedModules()) {
    const library = attempt(() => createLibrary(opener(Database), file))
    if (library !== undefined) yield library
  }
  const ours = await loadBetterSqlite().catch((error) => {
    if (!isTimelineError(error)) throw error
  })
  if (ours !== undefined) yield ours
}

/** Every better-sqlite3 that somebody in this process has required. */
function * loadedModules (): Generator<[file: string, Database: BetterSqlite]> {
  for (const [file, module] of Object.entries(requireFromHere().cache)) {
    const { prototype } = Object(module?.exports) as { prototype?: object }
    if (file.endsWith('index.js') && typeof prototype === 'object' && owns(prototype, ['prepare', 'pragma', 'loadExtension'])) {
      yield [file, module?.exports]
    }
  }
}

function moduleOf (Database: BetterSqlite): string | undefined {
  for (const [file, loaded] of loadedModules()) if (loaded === Database) return file
  return undefined
}

/** Of subclasses, which may take what they like, the class that they come from. */
function baseOf (handle: object, methods: readonly string[]): unknown {
  let base: unknown
  for (let proto = Object.getPrototypeOf(handle); proto !== null; proto = Object.getPrototypeOf(proto)) {
    if (owns(proto, methods)) base = proto.constructor
  }
  return base
}

function owns (proto: object, methods: readonly string[]): boolean {
  return methods.every((name) => typeof Object.getOwnPropertyDescriptor(proto, name)?.value === 'function')
}

/** A handle may have been opened through a binary of its own (`nativeBinding`), which it refers to. */
function nativeOf (handle: object): Record<string, unknown> {
  for (const symbol of Object.getOwnPropertySymbols(handle)) {
    const native = (handle as Record<symbol, any>)[symbol]
    if (typeof native?.prepare === 'function' && typeof native.constructor === 'function') {
      return { nativeBinding: { Database: native.constructor, isInitialized: true } }
    }
  }
  return {}
}

/** One that is in the middle of a query does not answer; then its own constructor is believed. */
function isBehind (library: SqliteLibrary, handle: SqliteHandle): boolean {
  return (attempt(() => readMark(handle)) ?? library.mark) === library.mark
}

function attempt<T> (work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
