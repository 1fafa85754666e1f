import { closeSync, constants, fstatSync, openSync, realpathSync, watch, writeSync, type FSWatcher } from 'node:fs'
import type { Logger } from '../../logger.js'
import type { WakeBus } from '../port.js'

export interface BellOptions {
  /** The database's file; the bell lies beside it as `<database>-bell`. */
  readonly databasePath: string
  readonly logger: Logger
}

type OnWake = Parameters<WakeBus['subscribe']>[0]

const BYTE = Buffer.from('!')

/** A link is not followed, and a pipe not waited for; neither flag is there on Windows. */
const BELL_FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * A bus between the processes of one machine: one byte is written to a file that everybody watches, after the commit.
 *
 * The write-ahead log itself cannot serve: its file changes before the commit can be read (249 of 500 commits were not
 * visible within 25 ms). Whatever fails here costs time only: the hub also polls, four times a second.
 */
export function createBell ({ databasePath, logger }: BellOptions): WakeBus {
  const path = `${withoutLinks(databasePath)}-bell`
  const listeners = new Set<OnWake>()
  let descriptor: number | undefined
  let watcher: FSWatcher | undefined
  let hasWarned = false

  function tolerate (err: unknown): void {
    if (hasWarned) return
    hasWarned = true
    logger.warn({ err, path }, 'The bell file cannot be used; news from other processes takes up to 250 ms')
  }

  /** Opens or creates the file, again if somebody removed it meanwhile. */
  function openBell (): number {
    if (descriptor !== undefined && fstatSync(descriptor).nlink > 0) return descriptor
    closeBell()
    const opened = openSync(path, BELL_FLAGS, 0o666)
    // Whoever may write beside the database must not make us write into something else.
    const found = fstatSync(opened)
    if (!found.isFile() || found.nlink !== 1 || found.size > 1) {
      closeSync(opened)
      throw new Error(`${path} is no bell: it is a link, or holds something`)
    }
    descriptor = opened
    return descriptor
  }

  function closeBell (): void {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }

  function startWatching (): void {
    try {
      openBell()
      watcher = watch(path, { persistent: false }, onChange)
      watcher.on('error', (err) => { stopWatching(); tolerate(err) })
    } catch (err) {
      tolerate(err)
    }
  }

  function stopWatching (): void {
    watcher?.close()
    watcher = undefined
  }

  /** A removed file is told as a change of its link count; a watch on it would stay silent from then on. */
  function onChange (): void {
    try {
      const before = descriptor
      if (openBell() !== before) { stopWatching(); startWatching() }
    } catch (err) {
      tolerate(err)
    }
    for (const listener of listeners) listener('*')
  }

  return {
    ring (taskIds) {
      for (const listener of listeners) listener(taskIds)
      try {
        writeSync(openBell(), BYTE, 0, 1, 0)
      } catch (err) {
        tolerate(err)
      }
    },
    subscribe (onWake) {
      listeners.add(onWake)
      if (listeners.size === 1) startWatching()
      return () => {
        listeners.delete(onWake)
        if (listeners.size === 0) stopWatching()
      }
    },
    close () {
      listeners.clear()
      stopWatching()
      closeBell()
    }
  }
}

/** Two names of one database have one bell. */
function withoutLinks (path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
