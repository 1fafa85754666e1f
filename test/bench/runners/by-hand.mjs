import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'

/** What a Timeline makes of a new file. */
const TABLES = readFileSync(
  fileURLToPath(import.meta.resolve('fastify-agent-timeline/migrations/010_invocation_lifecycle.sqlite.sql')), 'utf8')

/** better-sqlite3 as its users set it up, with the same rows in the same tables; a transaction for each. */
export async function openByHand (path) {
  const db = new Database(path)
  db.pragma('busy_timeout = 5000')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  const isThere = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'task_stream'")
  const make = db.transaction(() => { if (isThere.get() === undefined) db.exec(TABLES) })
  if (isThere.get() === undefined) make.immediate()
  const now = () => new Date().toISOString()
  const stream = db.prepare("INSERT INTO task_stream (task_id, epoch) VALUES (?, 'x') ON CONFLICT DO NOTHING")
  const allocate = db.prepare('UPDATE task_stream SET last_seq = last_seq + 1 WHERE task_id = ? RETURNING last_seq').pluck()
  const invocation = db.prepare(`INSERT INTO task_invocations (task_id, role, provider, model, prompt, success, timed_out,
    exit_code, duration_ms, started_at, last_activity_at, status) VALUES (?, 'coder', 'x', '', '', 0, 0, 0, 0, ?, ?, 'running')`)
  const runRow = db.prepare(`INSERT INTO invocation_run (invocation_id, task_id, role, provider, status, source, started_at,
    last_activity_at, timed_out) VALUES (?, ?, 'coder', 'x', 'running', 'recorder', ?, ?, 0)`)
  const event = db.prepare(`INSERT INTO timeline_event (task_id, seq, type, invocation_id, payload, source, source_id,
    created_at) VALUES (?, ?, ?, ?, '{}', 'invocation', ?, ?)`)
  const insert = db.prepare(`INSERT INTO invocation_activity (invocation_id, activity_type, message, created_at, task_id,
    seq, lag_ms) VALUES (?, 'progress', ?, ?, ?, ?, 0)`)
  const touch = db.prepare('UPDATE invocation_run SET last_activity_at = ?, activity_count = activity_count + 1 WHERE invocation_id = ?')
  const touchHost = db.prepare('UPDATE task_invocations SET last_activity_at = ? WHERE id = ?')
  const endRun = db.prepare("UPDATE invocation_run SET status = 'completed', completed_at = ? WHERE invocation_id = ?")
  const endHost = db.prepare("UPDATE task_invocations SET status = 'completed', success = 1, response = ?, completed_at = ? WHERE id = ?")

  const start = db.transaction((taskId) => {
    const at = now()
    stream.run(taskId)
    const id = Number(invocation.run(taskId, at, at).lastInsertRowid)
    runRow.run(id, taskId, at, at)
    event.run(taskId, allocate.get(taskId), 'invocation.started', id, `${id}:start`, at)
    return id
  })
  const addRow = db.transaction((id, taskId, index) => {
    const at = now()
    insert.run(id, `step ${index}`, at, taskId, allocate.get(taskId))
    touch.run(at, id)
    touchHost.run(at, id)
  })
  const end = db.transaction((id, taskId) => {
    const at = now()
    endRun.run(at, id)
    endHost.run('done', at, id)
    event.run(taskId, allocate.get(taskId), 'invocation.completed', id, `${id}:end`, at)
  })
  return {
    async start (taskId) {
      const id = start.immediate(taskId)
      return {
        id,
        activity (index) {
          try {
            addRow.immediate(id, taskId, index)
            return true
          } catch {
            return false
          }
        },
        end: async () => end.immediate(id, taskId)
      }
    },
    flush: async () => {},
    close: async () => db.close()
  }
}
