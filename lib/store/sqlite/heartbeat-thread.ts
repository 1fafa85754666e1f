import { Worker } from 'node:worker_threads'
import type { HeartbeatThread, HeartbeatThreadOptions } from '../port.js'
import type { SqliteLibrary } from './sqlite-library.js'

/** What the thread works on. */
export interface BeatenDatabase {
  /** The database's file. */
  readonly path: string
  /** The copy of SQLite that the process has the file open with. */
  readonly library: Pick<SqliteLibrary, 'mark' | 'module'>
  /** Whose runs are marked as alive. */
  readonly writerId: string
}

/**
 * What the thread runs. A text, not a module: it works wherever this file ends up, in a bundle or under a loader that
 * threads do not have. It requires what the process has loaded, and touches the file only where that is the same copy
 * of SQLite: a second one would drop the locks of the first.
 *
 * It may wait for a lock, as it makes nobody wait, but not for long: a process that ends waits for its threads. What
 * fails is tried again; a database that is away is not its business to report, the writer does.
 */
const SOURCE = `
  'use strict'
  const { statSync } = require('node:fs')
  const { parentPort, workerData } = require('node:worker_threads')
  const { library, path, writerId, intervalMs, beats, written } = workerData
  const isOfNode = library.module === 'node:sqlite'
  const required = require(library.module)
  const Sqlite = isOfNode ? required.DatabaseSync : required
  const ask = (db, pragma) => Object.values(db.prepare('PRAGMA ' + pragma).get())[0]
  const probe = new Sqlite(':memory:')
  const mark = Number(ask(probe, 'soft_heap_limit'))
  probe.close()
  if (mark !== library.mark) throw new Error('the thread has another SQLite than the process')
  const RETRY_MS = 50
  const ofOurs = "WHERE owner = ? AND status = 'running'"
  const trees = new Map()
  let db, inode, hasRuns, markAlive, timer, isReady = false

  function open () {
    const found = statSync(path).ino
    if (db !== undefined && found === inode) return
    close()
    db = new Sqlite(path, isOfNode ? {} : { fileMustExist: true })
    db.exec('PRAGMA busy_timeout = 100')
    inode = found
    if (ask(db, 'journal_mode') === 'wal') db.exec('PRAGMA synchronous = NORMAL')
    hasRuns = db.prepare('SELECT 1 FROM invocation_run ' + ofOurs + ' LIMIT 1')
    markAlive = db.prepare('UPDATE invocation_run SET heartbeat_at = ? ' + ofOurs)
    if (!isReady) parentPort.postMessage('ready')
    isReady = true
  }

  function close () {
    if (db !== undefined) db.close()
    db = markAlive = undefined
  }

  function attempt (work) {
    try {
      work()
      return intervalMs
    } catch (error) {
      if (markAlive !== undefined && isBusy(error)) return RETRY_MS
      close()
      return intervalMs
    }
  }

  function isBusy ({ code, errcode }) {
    return String(code).startsWith('SQLITE_BUSY') || (errcode & 0xff) === 5
  }

  function markAliveAndSeen (at) {
    db.prepare('UPDATE invocation_run SET heartbeat_at = ?, ' +
      \`tree = coalesce(json_extract(?, '$."' || invocation_id || '"'), tree) \` + ofOurs)
      .run(at, JSON.stringify(Object.fromEntries(trees)), writerId)
    trees.clear()
  }

  function beat () {
    const age = Date.now() - Number(Atomics.load(written, 0))
    // What the process itself has written since says as much, and costs no lock.
    const isKnown = age >= 0 && age < intervalMs && trees.size === 0
    timer = setTimeout(beat, isKnown ? intervalMs - age : attempt(() => {
      open()
      if (hasRuns.get(writerId) === undefined) return trees.clear()
      const at = new Date().toISOString()
      if (trees.size === 0) markAlive.run(at, writerId)
      else markAliveAndSeen(at)
      Atomics.add(beats, 0, 1)
    }))
  }

  timer = setTimeout(beat, attempt(open))
  parentPort.on('message', (note) => {
    if (note !== 'stop') return trees.set(note.invocationId, note.tree)
    clearTimeout(timer)
    close()
    parentPort.close()
  })
`

/** As far as a thread that holds two statements needs it. */
const LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 16 }

/**
 * Starts the thread. It never keeps the process alive.
 *
 * @throws whatever keeps this process from having threads, a permission for one
 */
export function startHeartbeatThread (options: BeatenDatabase & HeartbeatThreadOptions): HeartbeatThread {
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
      library: { mark: options.library.mark, module: options.library.module },
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
    note (invocationId, tree) { worker.postMessage({ invocationId, tree }) },
    async stop () {
      isStopping = true
      // Whoever closes waits for the end, and must not run out of things to wait for.
      worker.ref()
      worker.postMessage('stop')
      await exited
    }
  }
}
