import Sqlite from 'better-sqlite3'

/** The host's tables as the document's orchestrator has them before ours are added. */
const HOST = `
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending',
  created_at TEXT NOT NULL DEFAULT (datetime('now')), updated_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL REFERENCES tasks(id), from_status TEXT,
  to_status TEXT NOT NULL, actor TEXT NOT NULL, actor_type TEXT DEFAULT 'human', model TEXT, notes TEXT,
  commit_sha TEXT, created_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE INDEX idx_audit_task ON audit(task_id);
CREATE TABLE task_invocations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL REFERENCES tasks(id), role TEXT NOT NULL,
  provider TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, response TEXT, error TEXT,
  exit_code INTEGER NOT NULL DEFAULT 0, duration_ms INTEGER NOT NULL DEFAULT 0, success INTEGER NOT NULL DEFAULT 0,
  timed_out INTEGER NOT NULL DEFAULT 0, rejection_number INTEGER, created_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE INDEX idx_task_invocations_task ON task_invocations(task_id)`

const NOW = "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
const EPOCH = (row) => `(SELECT epoch FROM task_stream WHERE task_id = ${row}.task_id)`
const COMMON = 'task_id, epoch, seq, at'

/**
 * The history: triggers copy every row that is stored, note every one that is deleted, and nothing deletes from it.
 * They belong to the transactions they are fired in: what was rolled back, or died with its process, is not in it.
 */
const HISTORY = `
CREATE TABLE history (
  n INTEGER PRIMARY KEY, task_id TEXT, epoch TEXT, seq INTEGER, at INTEGER, kind TEXT, invocation_id INTEGER,
  actor TEXT, message TEXT, details TEXT, created_at TEXT, lag_ms INTEGER);
CREATE TABLE history_deleted (task_id TEXT, epoch TEXT, seq INTEGER, at INTEGER);
CREATE TABLE history_changed (what TEXT);
CREATE TABLE history_stream (task_id TEXT, epoch TEXT, last_seq INTEGER, at INTEGER, what TEXT);
CREATE TABLE history_run (invocation_id INTEGER, task_id TEXT, at INTEGER, what TEXT);
${rowTriggers('invocation_activity', 'NEW.activity_type, NEW.invocation_id, NULL, NEW.message, NEW.metadata, NEW.created_at, NEW.lag_ms')}
${rowTriggers('timeline_event', 'NEW.type, NEW.invocation_id, NEW.actor, NEW.message, NEW.payload, NEW.created_at, 0')}
CREATE TRIGGER history_stream_made AFTER INSERT ON task_stream BEGIN
  INSERT INTO history_stream VALUES (NEW.task_id, NEW.epoch, NEW.last_seq, ${NOW}, 'made'); END;
CREATE TRIGGER history_stream_gone AFTER DELETE ON task_stream BEGIN
  INSERT INTO history_stream VALUES (OLD.task_id, OLD.epoch, OLD.last_seq, ${NOW}, 'gone'); END;
CREATE TRIGGER history_stream_floor AFTER UPDATE OF floor_seq ON task_stream BEGIN
  INSERT INTO history_stream VALUES (NEW.task_id, NEW.epoch, NEW.floor_seq, ${NOW}, 'floor'); END;
CREATE TRIGGER history_run_gone AFTER DELETE ON invocation_run BEGIN
  INSERT INTO history_run VALUES (OLD.invocation_id, OLD.task_id, ${NOW}, 'gone'); END`

function rowTriggers (table, columns) {
  return `
CREATE TRIGGER history_${table}_made AFTER INSERT ON ${table} BEGIN
  INSERT INTO history (${COMMON}, kind, invocation_id, actor, message, details, created_at, lag_ms)
  VALUES (NEW.task_id, ${EPOCH('NEW')}, NEW.seq, ${NOW}, ${columns}); END;
CREATE TRIGGER history_${table}_gone AFTER DELETE ON ${table} BEGIN
  INSERT INTO history_deleted VALUES (OLD.task_id, ${EPOCH('OLD')}, OLD.seq, ${NOW}); END;
CREATE TRIGGER history_${table}_changed AFTER UPDATE ON ${table} BEGIN
  INSERT INTO history_changed VALUES (OLD.task_id || ' ' || OLD.seq); END;`
}

/** Opens the host's own connection. */
export function openAsHost (path) {
  const raw = new Sqlite(path)
  raw.pragma('journal_mode = WAL')
  raw.pragma('foreign_keys = ON')
  // Many processes write on few cores: whoever waits by SQLite's own means waits longest.
  raw.pragma('busy_timeout = 60000')
  return raw
}

/** Makes the host's database with our migration and the history in it. */
export async function createDatabase (path, tasks, dist) {
  const raw = openAsHost(path)
  raw.exec(HOST)
  for (const id of tasks) addTask(raw, id)
  const { migrate } = await import(`${dist}/lib/migrate.js`)
  await migrate(path)
  raw.exec(HISTORY)
  return raw
}

export function addTask (raw, id) {
  raw.prepare("INSERT OR IGNORE INTO tasks (id, title, status) VALUES (?, ?, 'in_progress')").run(id, `Title of ${id}`)
}
