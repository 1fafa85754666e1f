import { openSync, writeSync } from 'node:fs'
import Sqlite from 'better-sqlite3'

/** What the state file of a process says. */
export const CLOSED = 'c'
export const OPEN = 'o'
export const COMMITTING = 'x'

const HOLD_MS = 5_000

/**
 * Wraps the transactions of every connection that this process opens from now on.
 *
 * The state file always tells whether one is open, so that who kills the process knows. A `hold` stops the process in
 * the middle of the given transaction, after the given statement, and tells descriptor 4: to be killed there. Commits
 * fail now and then, before they are done or after: then only their acknowledgement is lost.
 *
 * @param {{ statePath: string, random: object, ledger: object,
 *   hold?: { transaction: number, statement: number } }} options
 */
export function installCommitFaults ({ statePath, random, ledger, hold }) {
  const state = openSync(statePath, 'w')
  const prepare = Sqlite.prototype.prepare
  let transactions = 0
  let statements = 0
  let nextLost = random.integer(2, 20)
  let nextRefused = random.integer(2, 50)
  const tell = (value) => { writeSync(state, value, 0) }
  tell(CLOSED)

  function onStatement () {
    if (transactions !== hold?.transaction || statements++ !== hold.statement) return
    writeSync(4, 'T')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HOLD_MS)
  }

  function begin (run) {
    const result = run()
    tell(OPEN)
    transactions++
    statements = 0
    onStatement()
    return result
  }

  function commit (run) {
    if (transactions >= nextRefused) {
      nextRefused = transactions + random.integer(10, 100)
      ledger.write('B')
      throw new Sqlite.SqliteError('database is locked', 'SQLITE_BUSY')
    }
    tell(COMMITTING)
    const result = run()
    tell(CLOSED)
    if (transactions < nextLost) return result
    nextLost = transactions + random.integer(20, 200)
    ledger.write('L')
    throw new Sqlite.SqliteError('disk I/O error', random.pick(['SQLITE_IOERR_FSYNC', 'SQLITE_BUSY']))
  }

  function rollback (run) {
    const result = run()
    tell(CLOSED)
    return result
  }

  const around = { 'begin immediate': begin, commit, rollback }
  Sqlite.prototype.prepare = function (text) {
    const statement = prepare.call(this, text)
    const wrap = around[text]
    if (wrap !== undefined) return { reader: false, run: () => wrap(() => statement.run()) }
    if (hold === undefined) return statement
    for (const name of statement.reader ? ['all', 'get'] : ['run']) {
      const execute = statement[name]
      statement[name] = (...parameters) => {
        const result = execute.apply(statement, parameters)
        if (this.inTransaction) onStatement()
        return result
      }
    }
    return statement
  }
}
