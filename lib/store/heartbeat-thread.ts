import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'

export interface HeartbeatThreadOptions {
  /** The database's file. */
  readonly path: string
  /** Whose runs are marked as alive. */
  readonly writerId: string
  readonly intervalMs: number
  /** The thread has the database open, and beats from now on. */
  readonly onReady: () => void
  /** The thread ended although nobody stopped it. */
  readonly onFailure: (error: unknown) => void
}

/** A thread that marks the open runs of a writer as alive, whatever the event loop of the process does. */
export interface HeartbeatThread {
  /** How often it found open runs and marked them. */
  readonly beats: number
  /** The process has shown that it lives by what it wrote, at that time in milliseconds since the epoch. */
  written (at: number): void
  /** Resolves when it has let go of the database. */
  stop (): Promise<void>
}

/**
 * What the thread runs. A text, not a module: it works wherever this file ends up, in a bundle or under a loader that
 * threads do not have, as long as better-sqlite3 is found from here.
 *
 * It may wait for a lock, as it makes nobody wait, but not for long: a process that ends waits for its threads. What
 * fails is tried again; a database that is away is not its business to report, the writer does.
 */
const SOURCE = `
  'use strict'
  const { statSync } = require('node:fs')
  const { createRequire } = require('node:module')
  const { parentPort, workerData } = require('node:worker_threads')
  const { places, path, writerId, intervalMs, beats, written } = workerData
  const Sqlite = load()
  const RETRY_MS = 50
  let db, inode, hasRuns, mark, timer, isReady = false

  function load () {
    let problem
    for (const place of places) {
      try {
        return createRequire(place)('better-sqlite3')
      } catch (error) {
        problem = error
      }
    }
    throw problem
  }

  function open () {
    const found = statSync(path).ino
    if (db !== undefined && found === inode) return
    close()
    db = new Sqlite(path, { fileMustExist: true, timeout: 100 })
    inode = found
    if (db.pragma('journal_mode', { simple: true }) === 'wal') db.pragma('synchronous = NORMAL')
    const ofOurs = "WHERE owner = ? AND status = 'running'"
    hasRuns = db.prepare('SELECT 1 FROM invocation_run ' + ofOurs + ' LIMIT 1')
    mark = db.prepare('UPDATE invocation_run SET heartbeat_at = ? ' + ofOurs)
    if (!isReady) parentPort.postMessage('ready')
    isReady = true
  }

  function close () {
    if (db !== undefined) db.close()
    db = mark = undefined
  }

  function attempt (work) {
    try {
      work()
      return intervalMs
    } catch (error) {
      if (mark !== undefined && String(error.code).startsWith('SQLITE_BUSY')) return RETRY_MS
      close()
      return intervalMs
    }
  }

  function beat () {
    const age = Date.now() - Number(Atomics.load(written, 0))
    // What the process itself has written since says as much, and costs no lock.
    const isKnown = age >= 0 && age < intervalMs
    timer = setTimeout(beat, isKnown ? intervalMs - age : attempt(() => {
      open()
      if (hasRuns.get(writerId) === undefined) return
      mark.run(new Date().toISOString(), writerId)
      Atomics.add(beats, 0, 1)
    }))
  }

  timer = setTimeout(beat, attempt(open))
  parentPort.once('message', () => {
    clearTimeout(timer)
    close()
  })
`

/** From where better-sqlite3 can be found: this module, or what the host's bundle was started as. */
function placesToLookFrom (): string[] {
  const here = import.meta.url as string | undefined
  const main = process.argv[1]
  return [here, typeof __filename === 'string' ? __filename : undefined, main && resolve(main), resolve('index.js')]
    .filter((place) => place !== undefined && place !== '') as string[]
}

/** As far as a thread that holds two statements needs it. */
const LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 16 }

/**
 * Starts the thread. It never keeps the process alive.
 *
 * @throws whatever keeps this process from having threads, a permission for one
 */
export function startHeartbeatThread (options: HeartbeatThreadOptions): HeartbeatThread {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  /** When the process itself has shown that it lives, in milliseconds since the epoch. */
  const written = new BigInt64Array(new SharedArrayBuffer(8))
  let isStopping = false
  const worker = new Worker(SOURCE, {
    eval: true,
    // Neither the loaders of this process nor what its environment makes of a new one; and not a line in its output.
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
    name: 'agent-timeline-heartbeat',
    resourceLimits: LIMITS,
    workerData: {
      places: placesToLookFrom(),
      path: options.path,
      writerId: options.writerId,
      intervalMs: options.intervalMs,
      beats,
      written
    }
  })
  worker.on('message', options.onReady)
  worker.on('error', fail)
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      fail(new Error('the thread has ended'))
      resolve()
    })
  })
  // Last: a listener of messages would keep the process alive again.
  worker.unref()

  function fail (error: unknown): void {
    if (isStopping) return
    isStopping = true
    options.onFailure(error)
  }

  return {
    get beats () { return Atomics.load(beats, 0) },
    written (at) { Atomics.store(written, 0, BigInt(at)) },
    async stop () {
      isStopping = true
      // Whoever closes waits for the end, and must not run out of things to wait for.
      worker.ref()
      worker.postMessage('stop')
      await exited
    }
  }
}
