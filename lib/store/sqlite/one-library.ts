import { timelineError, type TimelineError } from '../../errors.js'
import { OWN_TABLES } from '../../../migrations/statements.js'
import { canonicalPath } from './canonical-path.js'
import { countDescriptors, inodeOf, loadedLibraries } from './loaded-libraries.js'
import type { SqliteHandle } from './sqlite-handle.js'
import type { SqliteLibrary } from './sqlite-library.js'

/** What this package has open in a thread, by the file's identity. */
interface OpenFile {
  readonly library: SqliteLibrary
  /** How many copies of SQLite there were when it was opened. */
  readonly libraries: number
  users: number
}

interface Facts {
  readonly files: Map<string, OpenFile>
  readonly known: Map<string, boolean>
  /** Connections that must not be closed. */
  readonly kept: SqliteHandle[]
  /** Copies of SQLite that were warned of. */
  readonly warned: Set<number>
}

const FACTS = Symbol.for('fastify-agent-timeline.sqlite')

/** Of the process, as locks are: two copies of this package know of each other's connections. */
function facts (): Facts {
  const holder = globalThis as { [FACTS]?: Facts }
  holder[FACTS] ??= { files: new Map(), known: new Map(), kept: [], warned: new Set() }
  return holder[FACTS]
}

/** Whether nobody in this process has been warned of a copy yet. */
export function isFirstWarning ({ mark }: SqliteLibrary): boolean {
  const { warned } = facts()
  return !warned.has(mark) && warned.add(mark).has(mark)
}

/** The copy of SQLite through which this package has a file open already. */
export function libraryServing (path: string): SqliteLibrary | undefined {
  return fileAt(path)?.library
}

/** A connection of ours to a file, opened through the one copy of SQLite that may. */
export interface GuardedHandle {
  readonly handle: SqliteHandle
  /**
   * The connection is not needed any more. It is closed, unless another copy of SQLite has the file open: closing would
   * remove the write-ahead log under that.
   */
  release (): void
}

/**
 * Opens a connection, or says why that would lose data. Decided before the file is touched: a second copy of SQLite
 * harms by opening alone, and so does opening and closing it in any other way. Only a file that nobody in this process
 * has open is looked into.
 *
 * @param isGiven the library is that of a handle which the host has passed: it is the one for the file
 * @throws AGENT_TIMELINE_SECOND_SQLITE
 */
export function openGuarded (
  path: string, library: SqliteLibrary, isGiven: boolean, open: () => SqliteHandle
): GuardedHandle {
  const libraries = loadedLibraries(facts().known).length
  const serving = libraryServing(path)
  const isServed = serving?.mark === library.mark
  if (serving !== undefined && !isServed) throw secondLibrary(path)
  const hasOthers = libraries > 1
  if (hasOthers && !isServed) {
    const inodes = [inodeOf(path), inodeOf(`${canonicalPath(path)}-shm`)]
    const [files = 0, maps = 0] = countDescriptors(inodes)
    if (isGiven ? maps > 1 : files > 0) throw secondLibrary(path)
  }
  const handle = open()
  try {
    if (hasOthers && !isServed && !isGiven && hasForeignTables(handle)) throw secondLibrary(path)
  } catch (error) {
    handle.close()
    throw error
  }
  const key = inodeOf(path)
  const file = (key !== undefined && facts().files.get(key)) || { library, libraries, users: 0 }
  file.users++
  if (key !== undefined) facts().files.set(key, file)
  return {
    handle,
    release () {
      if (isSharedWithAnother(path)) facts().kept.push(handle)
      else handle.close()
      if (--file.users === 0 && key !== undefined) facts().files.delete(key)
    }
  }
}

/**
 * Whether another copy of SQLite has opened a file of ours meanwhile. Each copy maps a file's shared memory once, so
 * that two maps are two copies; without a write-ahead log, a copy that came later and a connection that is not ours.
 */
export function isSharedWithAnother (path: string): boolean {
  const libraries = loadedLibraries(facts().known).length
  if (libraries < 2) return false
  const file = fileAt(path)
  const [files = 0, maps = 0] = countDescriptors([inodeOf(path), inodeOf(`${canonicalPath(path)}-shm`)])
  // One more than ours may be the thread's that says that its process lives.
  return maps > 1 || (maps === 0 && file !== undefined && libraries > file.libraries && files > file.users + 1)
}

export function secondLibrary (path: string): TimelineError {
  return timelineError('AGENT_TIMELINE_SECOND_SQLITE', [`${path}; loaded are ${loadedLibraries(facts().known).join(', ')}`])
}

function fileAt (path: string): OpenFile | undefined {
  return facts().files.get(inodeOf(path) ?? '')
}

function hasForeignTables (handle: SqliteHandle): boolean {
  const ours: readonly string[] = [...OWN_TABLES, 'task_invocations']
  const rows = handle.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all([]) as Array<{ name: string }>
  return rows.some(({ name }) => !ours.includes(name))
}
