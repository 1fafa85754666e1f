import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { requireFromHere } from './better-sqlite.js'

/** What every file of the format begins with; no copy of SQLite can do without it. */
const MAGIC = Buffer.from('SQLite format 3')
const CHUNK_BYTES = 1024 * 1024
/** Where descriptors cannot be listed they are tried, up to this number. */
const MAX_DESCRIPTOR = 1024

/** Whether somebody in this thread has loaded `node:sqlite`, which is part of Node and no file. */
export function isNodeSqliteLoaded (): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: readonly string[] }
  return moduleLoadList?.includes('NativeModule sqlite') === true
}

/**
 * The copies of SQLite in this process, each by one of its names.
 *
 * @param known which files were found to be one, or not: each is looked at once
 */
export function loadedLibraries (known: Map<string, boolean>): string[] {
  const found = new Map<string, string>()
  for (const file of mappedFiles()) {
    if (!/\.node$|sqlite|libsql/i.test(basename(file)) || file === process.execPath) continue
    const isSqlite = known.get(file) ?? containsSqlite(file)
    known.set(file, isSqlite)
    if (isSqlite) found.set(inodeOf(file) ?? file, file)
  }
  return [...found.values(), ...(isNodeSqliteLoaded() ? ['node:sqlite'] : [])]
}

/**
 * Linux tells them in a file. Node's report does everywhere, but waits for the other threads: 55 s beside one that was
 * in the middle of a long query.
 */
function mappedFiles (): Iterable<string> {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8')
    return new Set([...maps.matchAll(/\s(\/.+?)(?: \(deleted\))?$/gm)].map(([, file]) => file as string))
  } catch {
    return reportedFiles() ?? Object.keys(requireFromHere().cache)
  }
}

function reportedFiles (): string[] | undefined {
  const { report } = process as { report?: NodeJS.ProcessReport & { excludeNetwork?: boolean } }
  if (report === undefined) return undefined
  const { excludeNetwork } = report
  try {
    // Otherwise the name of each peer is looked up: 5 s with open sockets.
    report.excludeNetwork = true
    return (report.getReport() as { sharedObjects?: string[] }).sharedObjects
  } catch {
    return undefined
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

function containsSqlite (file: string): boolean {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const chunk = Buffer.alloc(CHUNK_BYTES + MAGIC.length)
    for (let position = 0; ; position += CHUNK_BYTES) {
      const length = readSync(descriptor, chunk, 0, chunk.length, position)
      if (chunk.subarray(0, length).includes(MAGIC)) return true
      if (length < chunk.length) return false
    }
  } catch {
    // It was removed after it was loaded.
    return /sqlite|libsql/i.test(file)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** A file's identity, whatever names it has. */
export function inodeOf (path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}

/**
 * How often this process, any thread of it, has each of the files open. None of them is opened for it: closing would
 * drop the locks that the process has on it.
 *
 * Zero on Windows, where locks belong to whoever took them.
 */
export function countDescriptors (inodes: ReadonlyArray<string | undefined>): number[] {
  const counts = inodes.map(() => 0)
  if (process.platform === 'win32') return counts
  for (const descriptor of descriptors()) {
    try {
      const { dev, ino } = fstatSync(descriptor, { bigint: true })
      const at = inodes.indexOf(`${dev}:${ino}`)
      if (at !== -1) counts[at] = (counts[at] ?? 0) + 1
    } catch {
      // Closed meanwhile.
    }
  }
  return counts
}

function descriptors (): number[] {
  try {
    return readdirSync('/dev/fd').map(Number)
  } catch {
    return Array.from({ length: MAX_DESCRIPTOR }, (_, descriptor) => descriptor)
  }
}
