import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { timelineError } from '../../errors.js'
import type { SqliteHandle } from './sqlite-handle.js'
import { createLibrary, type OpenFileOptions, type SqliteLibrary } from './sqlite-library.js'

/** What better-sqlite3 exports. */
export type BetterSqlite = new (path: string, options?: Record<string, unknown>) => SqliteHandle

/** From where better-sqlite3 can be found: this module, or what the host's bundle was started as. */
function placesToLookFrom (): string[] {
  const here = import.meta.url as string | undefined
  const main = process.argv[1]
  return [here, typeof __filename === 'string' ? __filename : undefined, main && resolve(main), resolve('index.js')]
    .filter((place) => place !== undefined && place !== '') as string[]
}

/** Finds parts of Node, and what others have required. */
export function requireFromHere (): NodeJS.Require {
  return requireFrom(resolve('index.js'))
}

/** Not imported: bundled into an ES module it would meet the one that hosts declare there for CommonJS packages. */
function requireFrom (place: string): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(place)
}

/**
 * Loads the better-sqlite3 that is installed beside this package. Its binary is not touched before its version is
 * known: 13 ends Node 20 with a segmentation fault.
 *
 * @throws AGENT_TIMELINE_SQLITE_MISSING, AGENT_TIMELINE_SQLITE_TOO_NEW, AGENT_TIMELINE_SQLITE_UNBUILT
 */
export async function loadBetterSqlite (): Promise<SqliteLibrary> {
  const installed = findBetterSqlite()
  if (installed !== undefined && installed.leastNode > nodeMajor()) {
    throw timelineError('AGENT_TIMELINE_SQLITE_TOO_NEW', [installed.version, installed.leastNode, wanted()])
  }
  let Database: BetterSqlite
  try {
    Database = ((await import('better-sqlite3')) as unknown as { default: BetterSqlite }).default
  } catch (error) {
    const isMissing = installed === undefined && /MODULE_NOT_FOUND/.test(String((error as { code?: unknown }).code))
    throw isMissing
      ? timelineError('AGENT_TIMELINE_SQLITE_MISSING', [wanted()], error)
      : timelineError('AGENT_TIMELINE_SQLITE_UNBUILT', [(error as Error).message], error)
  }
  try {
    return createLibrary(opener(Database), installed?.file)
  } catch (error) {
    throw timelineError('AGENT_TIMELINE_SQLITE_UNBUILT', [firstLine(error)], error)
  }
}

/** Opens through a constructor of better-sqlite3. @param more options of its own, for every open */
export function opener (Database: BetterSqlite, more: Record<string, unknown> = {}): SqliteLibrary['open'] {
  return (path, { mustExist = false, timeoutMs = 0 }: OpenFileOptions = {}) =>
    new Database(path, { fileMustExist: mustExist && path !== ':memory:', timeout: timeoutMs, ...more })
}

interface Installed {
  readonly file: string
  readonly version: string
  /** Major version. */
  readonly leastNode: number
}

function findBetterSqlite (): Installed | undefined {
  for (const place of placesToLookFrom()) {
    try {
      const file = requireFrom(place).resolve('better-sqlite3')
      const { version, engines } = readPackage(dirname(file))
      const majors = [...String(engines?.node ?? '').matchAll(/\d+/g)].map(Number)
      // Versions that name none are older than any Node that runs this.
      return { file, version, leastNode: engines?.node?.startsWith('>=') || majors.length === 0 ? majors[0] ?? 0 : Math.min(...majors) }
    } catch {}
  }
  return undefined
}

function readPackage (folder: string): { version: string, engines?: { node?: string } } {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  } catch (error) {
    if (folder === dirname(folder)) throw error
    return readPackage(dirname(folder))
  }
}

function nodeMajor (): number {
  return Number(process.versions.node.split('.')[0])
}

/** What to install on this Node. */
function wanted (): string {
  return `better-sqlite3@${nodeMajor() >= 22 ? 13 : 12}`
}

function firstLine (error: unknown): string {
  return String((error as Error).message).split('\n')[0] ?? ''
}
