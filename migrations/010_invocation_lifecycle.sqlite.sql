-- Migration 010: invocation lifecycle and activity timeline.
-- For a database at migration 009, or one without task_invocations. The trigger on tasks and the backfill of
-- existing rows are made when a timeline first opens the database. Run it in one transaction.

-- UP
CREATE TABLE IF NOT EXISTS task_invocations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  response TEXT,
  error TEXT,
  exit_code INTEGER NOT NULL DEFAULT 0,
  duration_ms INTEGER NOT NULL DEFAULT 0,
  success INTEGER NOT NULL DEFAULT 0,
  timed_out INTEGER NOT NULL DEFAULT 0,
  rejection_number INTEGER,
  created_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX IF NOT EXISTS idx_task_invocations_task ON task_invocations(task_id);
ALTER TABLE task_invocations ADD COLUMN started_at TEXT;
ALTER TABLE task_invocations ADD COLUMN completed_at TEXT;
ALTER TABLE task_invocations ADD COLUMN last_activity_at TEXT;
ALTER TABLE task_invocations ADD COLUMN status TEXT DEFAULT 'completed';
CREATE TABLE IF NOT EXISTS timeline_migration (
  name TEXT PRIMARY KEY,
  applied_at TEXT NOT NULL,
  added_columns TEXT NOT NULL DEFAULT '',
  backfill_cursor INTEGER NOT NULL DEFAULT 0,
  backfilled_at TEXT
);
CREATE TABLE IF NOT EXISTS task_stream (
  task_id TEXT PRIMARY KEY,
  last_seq INTEGER NOT NULL DEFAULT 0,
  epoch TEXT NOT NULL,
  floor_seq INTEGER NOT NULL DEFAULT 0,
  title TEXT,
  audit_cursor INTEGER NOT NULL DEFAULT 0,
  invocation_cursor INTEGER NOT NULL DEFAULT 0,
  budget_usd DOUBLE PRECISION,
  told_budget_usd DOUBLE PRECISION
);
CREATE TABLE IF NOT EXISTS invocation_activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  invocation_id INTEGER NOT NULL,
  activity_type TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  task_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  metadata TEXT,
  lag_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE (task_id, seq)
);
CREATE INDEX IF NOT EXISTS idx_invocation_activity_invocation ON invocation_activity(invocation_id, seq);
CREATE INDEX IF NOT EXISTS idx_invocation_activity_created ON invocation_activity(created_at DESC);
CREATE TABLE IF NOT EXISTS timeline_event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  invocation_id INTEGER,
  actor TEXT,
  message TEXT,
  payload TEXT,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (task_id, seq),
  UNIQUE (source, source_id)
);
CREATE INDEX IF NOT EXISTS idx_timeline_event_invocation ON timeline_event(invocation_id);
CREATE TABLE IF NOT EXISTS invocation_run (
  invocation_id INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  started_at TEXT,
  completed_at TEXT,
  last_activity_at TEXT,
  duration_ms INTEGER,
  success INTEGER,
  timed_out INTEGER NOT NULL DEFAULT 0,
  exit_code INTEGER,
  signal TEXT,
  reason TEXT,
  error TEXT,
  outcome TEXT,
  summary TEXT,
  usage TEXT,
  session_id TEXT,
  stderr_tail TEXT,
  owner TEXT,
  heartbeat_at TEXT,
  activity_count INTEGER NOT NULL DEFAULT 0,
  progress TEXT,
  tally TEXT,
  plan TEXT,
  failure TEXT,
  input_tokens BIGINT,
  output_tokens BIGINT,
  cache_read_tokens BIGINT,
  cache_write_tokens BIGINT,
  reasoning_tokens BIGINT,
  cost_usd DOUBLE PRECISION,
  tree TEXT,
  bin_ms BIGINT,
  budget_usd DOUBLE PRECISION,
  told_budget_usd DOUBLE PRECISION
);
CREATE INDEX IF NOT EXISTS idx_invocation_run_task ON invocation_run(task_id, invocation_id);
CREATE INDEX IF NOT EXISTS idx_invocation_run_status_started ON invocation_run(status, started_at, invocation_id);
CREATE INDEX IF NOT EXISTS idx_invocation_run_started ON invocation_run(started_at, invocation_id);
CREATE TABLE IF NOT EXISTS tool_call (
  task_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  end_seq INTEGER,
  invocation_id INTEGER NOT NULL,
  call_id TEXT NOT NULL,
  use INTEGER NOT NULL DEFAULT 1,
  parent_seq INTEGER,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  message TEXT NOT NULL,
  chain TEXT,
  call_hash TEXT NOT NULL,
  result_hash TEXT,
  status TEXT NOT NULL DEFAULT 'running',
  exit_code INTEGER,
  started_at TEXT NOT NULL,
  duration_ms INTEGER,
  path TEXT,
  added INTEGER,
  removed INTEGER,
  first_error TEXT,
  is_background INTEGER NOT NULL DEFAULT 0,
  timeout_ms INTEGER,
  is_poll INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idx_tool_call_invocation ON tool_call(invocation_id, status);
CREATE INDEX IF NOT EXISTS idx_tool_call_hash ON tool_call(call_hash, started_at);
CREATE INDEX IF NOT EXISTS idx_tool_call_chain ON tool_call(chain, started_at) WHERE chain IS NOT NULL;
CREATE TABLE IF NOT EXISTS task_file (
  task_id TEXT NOT NULL,
  path TEXT NOT NULL,
  invocation_id INTEGER NOT NULL,
  edits INTEGER NOT NULL,
  added INTEGER,
  removed INTEGER,
  is_new INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, path, invocation_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idx_task_file_invocation ON task_file(invocation_id);
CREATE TABLE IF NOT EXISTS run_bin (
  invocation_id INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ms INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  PRIMARY KEY (invocation_id, at, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS task_entry (
  task_id TEXT PRIMARY KEY,
  is_stale INTEGER NOT NULL DEFAULT 1,
  section INTEGER NOT NULL DEFAULT 0,
  since TEXT NOT NULL DEFAULT '',
  title TEXT,
  status TEXT,
  changed_at TEXT,
  runs INTEGER NOT NULL DEFAULT 0,
  started_at TEXT,
  ended_at TEXT,
  who TEXT,
  outcomes TEXT,
  usage TEXT,
  failure TEXT,
  words TEXT
);
CREATE INDEX IF NOT EXISTS idx_task_entry_section ON task_entry(section, since, task_id);
CREATE INDEX IF NOT EXISTS idx_task_entry_stale ON task_entry(task_id) WHERE is_stale = 1;
CREATE TABLE IF NOT EXISTS timeline_writer (
  writer_id TEXT PRIMARY KEY,
  batch INTEGER NOT NULL,
  owner TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS timeline_notice (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  notice_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  invocation_id INTEGER,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  created_at TEXT NOT NULL,
  called_at TEXT,
  sent_at TEXT
);
CREATE INDEX IF NOT EXISTS idx_timeline_notice_task ON timeline_notice(task_id, invocation_id, id);
CREATE TABLE IF NOT EXISTS timeline_lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  held_until TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS timeline_advice (
  invocation_id INTEGER NOT NULL,
  state TEXT NOT NULL,
  mark INTEGER NOT NULL,
  task_id TEXT NOT NULL,
  step TEXT NOT NULL,
  after_ms INTEGER NOT NULL,
  advised_at TEXT NOT NULL,
  outcome TEXT,
  outcome_ms INTEGER,
  PRIMARY KEY (invocation_id, state, mark)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idx_timeline_advice_outcome ON timeline_advice(outcome, advised_at);
CREATE TRIGGER IF NOT EXISTS timeline_invocation_deleted AFTER DELETE ON task_invocations BEGIN
  DELETE FROM invocation_activity WHERE invocation_id = OLD.id;
  DELETE FROM timeline_event WHERE invocation_id = OLD.id;
  DELETE FROM invocation_run WHERE invocation_id = OLD.id;
  DELETE FROM tool_call WHERE invocation_id = OLD.id;
  DELETE FROM task_file WHERE invocation_id = OLD.id;
  DELETE FROM timeline_advice WHERE invocation_id = OLD.id;
  INSERT INTO task_entry (task_id) SELECT CAST(OLD.task_id AS TEXT) WHERE 1 = 1 AND NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = CAST(OLD.task_id AS TEXT));
  UPDATE task_entry SET is_stale = 1 WHERE task_id = CAST(OLD.task_id AS TEXT) AND is_stale = 0 AND 1 = 1;
END;
CREATE TRIGGER IF NOT EXISTS timeline_run_added AFTER INSERT ON invocation_run BEGIN
  INSERT INTO task_entry (task_id) SELECT NEW.task_id WHERE 1 = 1 AND NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = NEW.task_id);
  UPDATE task_entry SET is_stale = 1 WHERE task_id = NEW.task_id AND is_stale = 0 AND 1 = 1;
END;
CREATE TRIGGER IF NOT EXISTS timeline_run_changed AFTER UPDATE OF status, completed_at, failure ON invocation_run BEGIN
  INSERT INTO task_entry (task_id) SELECT NEW.task_id WHERE 1 = 1 AND NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = NEW.task_id);
  UPDATE task_entry SET is_stale = 1 WHERE task_id = NEW.task_id AND is_stale = 0 AND 1 = 1;
END;
CREATE TRIGGER IF NOT EXISTS timeline_run_deleted AFTER DELETE ON invocation_run BEGIN
  DELETE FROM run_bin WHERE invocation_id = OLD.invocation_id;
  INSERT INTO task_entry (task_id) SELECT OLD.task_id WHERE 1 = 1 AND NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = OLD.task_id);
  UPDATE task_entry SET is_stale = 1 WHERE task_id = OLD.task_id AND is_stale = 0 AND 1 = 1;
END;
CREATE TRIGGER IF NOT EXISTS timeline_event_added AFTER INSERT ON timeline_event BEGIN
  INSERT INTO task_entry (task_id) SELECT NEW.task_id WHERE NEW.invocation_id IS NULL AND NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = NEW.task_id);
  UPDATE task_entry SET is_stale = 1 WHERE task_id = NEW.task_id AND is_stale = 0 AND NEW.invocation_id IS NULL;
END;
INSERT INTO timeline_migration (name, applied_at, added_columns) VALUES ('010_invocation_lifecycle', '1970-01-01T00:00:00.000Z', 'started_at,completed_at,last_activity_at,status');

-- DOWN
-- DROP TRIGGER IF EXISTS timeline_invocation_deleted;
-- DROP TRIGGER IF EXISTS timeline_run_added;
-- DROP TRIGGER IF EXISTS timeline_run_changed;
-- DROP TRIGGER IF EXISTS timeline_run_deleted;
-- DROP TRIGGER IF EXISTS timeline_event_added;
-- DROP TRIGGER IF EXISTS timeline_task_deleted;
-- DROP TRIGGER IF EXISTS timeline_task_added;
-- DROP TRIGGER IF EXISTS timeline_task_changed;
-- DROP TABLE IF EXISTS invocation_activity;
-- DROP TABLE IF EXISTS timeline_event;
-- DROP TABLE IF EXISTS invocation_run;
-- DROP TABLE IF EXISTS tool_call;
-- DROP TABLE IF EXISTS task_file;
-- DROP TABLE IF EXISTS run_bin;
-- DROP TABLE IF EXISTS task_stream;
-- DROP TABLE IF EXISTS task_entry;
-- DROP TABLE IF EXISTS timeline_writer;
-- DROP TABLE IF EXISTS timeline_notice;
-- DROP TABLE IF EXISTS timeline_lease;
-- DROP TABLE IF EXISTS timeline_advice;
-- DROP TABLE IF EXISTS timeline_migration;
-- ALTER TABLE task_invocations DROP COLUMN started_at;
-- ALTER TABLE task_invocations DROP COLUMN completed_at;
-- ALTER TABLE task_invocations DROP COLUMN last_activity_at;
-- ALTER TABLE task_invocations DROP COLUMN status;
