import { readlinkSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Where a file really is, or will be: behind every symbolic link, as SQLite itself goes. A path that cannot be followed
 * stays as it is.
 */
export function canonicalPath (path: string): string {
  try {
    return realpathSync(path)
  } catch {
    try {
      return canonicalPath(resolve(dirname(path), readlinkSync(path)))
    } catch {
      return inCanonicalFolder(path)
    }
  }
}

function inCanonicalFolder (path: string): string {
  const folder = dirname(path)
  try {
    return folder === path ? path : join(realpathSync(folder), path.slice(folder.length))
  } catch {
    return path
  }
}
