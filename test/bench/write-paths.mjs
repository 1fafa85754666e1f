import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openTimeline } from 'fastify-agent-timeline/recorder'

/** A second of a busy agent, as its adapter reports it. */
export function activityAt (index) {
  return {
    type: 'tool_exec',
    message: `exec: rg -n 'verified email' src/services/social/google.service.ts --context 3 # ${index}`,
    timestamp: new Date(),
    metadata: { callId: `toolu_${index >> 1}`, phase: index % 2 === 0 ? 'start' : 'end', tool: 'Bash' }
  }
}

function open (directory) {
  const db = new Database(join(directory, 'bench.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  return db
}

function verify (count, expected) {
  if (count !== expected) throw new Error(`${count} rows are stored where ${expected} were reported`)
}

/** The design document's logger: an INSERT and an UPDATE for each activity, on the agent's path. */
export function openDocumentPath (directory) {
  const db = open(directory)
  db.exec(`CREATE TABLE task_invocations (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT, role TEXT, provider TEXT,
      model TEXT, prompt TEXT, started_at TEXT, completed_at TEXT, last_activity_at TEXT, status TEXT DEFAULT 'completed');
    CREATE TABLE invocation_activity (id INTEGER PRIMARY KEY AUTOINCREMENT,
      invocation_id INTEGER NOT NULL REFERENCES task_invocations(id), activity_type TEXT NOT NULL, message TEXT NOT NULL,
      created_at TEXT NOT NULL DEFAULT (datetime('now')));
    CREATE INDEX idx_invocation_activity_invocation ON invocation_activity(invocation_id);
    CREATE INDEX idx_invocation_activity_created ON invocation_activity(created_at DESC);
    INSERT INTO task_invocations (task_id, status) VALUES ('t', 'running')`)
  const insert = db.prepare('INSERT INTO invocation_activity (invocation_id, activity_type, message) VALUES (?, ?, ?)')
  const update = db.prepare("UPDATE task_invocations SET last_activity_at = datetime('now') WHERE id = ?")
  return {
    onActivity (activity) {
      const { lastInsertRowid } = insert.run(1, activity.type, activity.message)
      update.run(1)
      return lastInsertRowid
    },
    async close (expected) {
      verify(db.prepare('SELECT count(*) FROM invocation_activity').pluck().get(), expected)
      db.close()
    }
  }
}

/** better-sqlite3 by hand: our tables and indexes, our columns, batches of 500, nothing else done. */
export async function openRawPath (directory) {
  const path = join(directory, 'bench.db')
  const timeline = await openTimeline({ database: path })
  await timeline.close()
  const db = open(directory)
  const insert = db.prepare(`INSERT INTO invocation_activity (invocation_id, activity_type, message, created_at, task_id,
    seq, metadata, lag_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  const allocate = db.prepare('UPDATE task_stream SET last_seq = last_seq + ? WHERE task_id = ? RETURNING last_seq').pluck()
  const touch = db.prepare('UPDATE invocation_run SET last_activity_at = ? WHERE invocation_id = ?')
  db.exec(`INSERT INTO task_stream (task_id, epoch) VALUES ('t', 'x');
    INSERT INTO invocation_run (invocation_id, task_id, role, provider, status, source)
      VALUES (1, 't', 'coder', 'x', 'running', 'recorder')`)
  const write = db.transaction((batch) => {
    const now = new Date().toISOString()
    let seq = allocate.get(batch.length, 't') - batch.length
    for (const { type, message, metadata } of batch) {
      insert.run(1, type, message, now, 't', ++seq, JSON.stringify(metadata), 0)
    }
    touch.run(now, 1)
  })
  let batch = []
  return {
    onActivity (activity) {
      batch.push(activity)
      if (batch.length < 500) return
      write.immediate(batch)
      batch = []
    },
    async close (expected) {
      if (batch.length > 0) write.immediate(batch)
      verify(db.prepare('SELECT count(*) FROM invocation_activity').pluck().get(), expected)
      db.close()
    }
  }
}

/** Ours, as an orchestrator uses it. */
export async function openTimelinePath (directory) {
  const path = join(directory, 'bench.db')
  const timeline = await openTimeline({ database: path })
  const handle = await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'x' })
  return {
    onActivity: handle.activity,
    flush: () => timeline.flush(),
    async close (expected) {
      await timeline.flush()
      await timeline.close()
      const db = new Database(path)
      verify(db.prepare('SELECT count(*) FROM invocation_activity').pluck().get(), expected)
      db.close()
    }
  }
}
