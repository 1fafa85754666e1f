-- Migration 010: invocation lifecycle and activity timeline.
-- For a database at migration 009, or one without task_invocations. The trigger on tasks and the backfill of
-- existing rows are made when a timeline first opens the database. Run it in one transaction.

-- UP
CREATE TABLE IF NOT EXISTS task_invocations (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  task_id TEXT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  response TEXT,
  error TEXT,
  exit_code BIGINT NOT NULL DEFAULT 0,
  duration_ms BIGINT NOT NULL DEFAULT 0,
  success BIGINT NOT NULL DEFAULT 0,
  timed_out BIGINT NOT NULL DEFAULT 0,
  rejection_number BIGINT,
  created_at TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_task_invocations_task ON task_invocations(task_id);
ALTER TABLE task_invocations ADD COLUMN started_at TIMESTAMPTZ(3);
ALTER TABLE task_invocations ADD COLUMN completed_at TIMESTAMPTZ(3);
ALTER TABLE task_invocations ADD COLUMN last_activity_at TIMESTAMPTZ(3);
ALTER TABLE task_invocations ADD COLUMN status TEXT DEFAULT 'completed';
CREATE TABLE IF NOT EXISTS timeline_migration (
  name TEXT PRIMARY KEY,
  applied_at TIMESTAMPTZ(3) NOT NULL,
  added_columns TEXT NOT NULL DEFAULT '',
  backfill_cursor BIGINT NOT NULL DEFAULT 0,
  backfilled_at TIMESTAMPTZ(3)
);
CREATE TABLE IF NOT EXISTS task_stream (
  task_id TEXT PRIMARY KEY,
  last_seq BIGINT NOT NULL DEFAULT 0,
  epoch TEXT NOT NULL,
  floor_seq BIGINT NOT NULL DEFAULT 0,
  title TEXT,
  audit_cursor BIGINT NOT NULL DEFAULT 0,
  invocation_cursor BIGINT NOT NULL DEFAULT 0,
  budget_usd DOUBLE PRECISION,
  told_budget_usd DOUBLE PRECISION
);
CREATE TABLE IF NOT EXISTS invocation_activity (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  invocation_id BIGINT NOT NULL,
  activity_type TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  task_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  metadata JSONB,
  lag_ms BIGINT NOT NULL DEFAULT 0,
  UNIQUE (task_id, seq)
);
CREATE INDEX IF NOT EXISTS idx_invocation_activity_invocation ON invocation_activity(invocation_id, seq);
CREATE INDEX IF NOT EXISTS idx_invocation_activity_created ON invocation_activity(created_at DESC);
CREATE TABLE IF NOT EXISTS timeline_event (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  task_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  type TEXT NOT NULL,
  invocation_id BIGINT,
  actor TEXT,
  message TEXT,
  payload JSONB,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  created_at TIMESTAMPTZ(3) NOT NULL,
  UNIQUE (task_id, seq),
  UNIQUE (source, source_id)
);
CREATE INDEX IF NOT EXISTS idx_timeline_event_invocation ON timeline_event(invocation_id);
CREATE TABLE IF NOT EXISTS invocation_run (
  invocation_id BIGINT PRIMARY KEY,
  task_id TEXT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  started_at TIMESTAMPTZ(3),
  completed_at TIMESTAMPTZ(3),
  last_activity_at TIMESTAMPTZ(3),
  duration_ms BIGINT,
  success BIGINT,
  timed_out BIGINT NOT NULL DEFAULT 0,
  exit_code BIGINT,
  signal TEXT,
  reason TEXT,
  error TEXT,
  outcome TEXT,
  summary TEXT,
  usage JSONB,
  session_id TEXT,
  stderr_tail TEXT,
  owner TEXT,
  heartbeat_at TIMESTAMPTZ(3),
  activity_count BIGINT NOT NULL DEFAULT 0,
  progress TEXT,
  tally TEXT,
  plan JSONB,
  failure JSONB,
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
CREATE INDEX IF NOT EXISTS idx_invocation_run_status_started ON invocation_run(status, started_at DESC NULLS LAST, invocation_id DESC);
CREATE INDEX IF NOT EXISTS idx_invocation_run_started ON invocation_run(started_at DESC NULLS LAST, invocation_id DESC);
CREATE TABLE IF NOT EXISTS tool_call (
  task_id TEXT NOT NULL,
  seq BIGINT NOT NULL,
  end_seq BIGINT,
  invocation_id BIGINT NOT NULL,
  call_id TEXT NOT NULL,
  use BIGINT NOT NULL DEFAULT 1,
  parent_seq BIGINT,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  message TEXT NOT NULL,
  chain TEXT,
  call_hash TEXT NOT NULL,
  result_hash TEXT,
  status TEXT NOT NULL DEFAULT 'running',
  exit_code BIGINT,
  started_at TIMESTAMPTZ(3) NOT NULL,
  duration_ms BIGINT,
  path TEXT,
  added BIGINT,
  removed BIGINT,
  first_error JSONB,
  is_background BIGINT NOT NULL DEFAULT 0,
  timeout_ms BIGINT,
  is_poll BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, seq)
);
CREATE INDEX IF NOT EXISTS idx_tool_call_invocation ON tool_call(invocation_id, status);
CREATE INDEX IF NOT EXISTS idx_tool_call_hash ON tool_call(call_hash, started_at);
CREATE INDEX IF NOT EXISTS idx_tool_call_chain ON tool_call(chain, started_at) WHERE chain IS NOT NULL;
CREATE TABLE IF NOT EXISTS task_file (
  task_id TEXT NOT NULL,
  path TEXT NOT NULL,
  invocation_id BIGINT NOT NULL,
  edits BIGINT NOT NULL,
  added BIGINT,
  removed BIGINT,
  is_new BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, path, invocation_id)
);
CREATE INDEX IF NOT EXISTS idx_task_file_invocation ON task_file(invocation_id);
CREATE TABLE IF NOT EXISTS run_bin (
  invocation_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  ms BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  PRIMARY KEY (invocation_id, at, kind)
);
CREATE TABLE IF NOT EXISTS task_entry (
  task_id TEXT PRIMARY KEY,
  is_stale BIGINT NOT NULL DEFAULT 1,
  section BIGINT NOT NULL DEFAULT 0,
  since TEXT NOT NULL DEFAULT '',
  title TEXT,
  status TEXT,
  changed_at TIMESTAMPTZ(3),
  runs BIGINT NOT NULL DEFAULT 0,
  started_at TIMESTAMPTZ(3),
  ended_at TIMESTAMPTZ(3),
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
  batch BIGINT NOT NULL,
  owner TEXT NOT NULL,
  heartbeat_at TIMESTAMPTZ(3) NOT NULL
);
CREATE TABLE IF NOT EXISTS timeline_notice (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  notice_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  invocation_id BIGINT,
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
  position BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS timeline_advice (
  invocation_id BIGINT NOT NULL,
  state TEXT NOT NULL,
  mark BIGINT NOT NULL,
  task_id TEXT NOT NULL,
  step TEXT NOT NULL,
  after_ms BIGINT NOT NULL,
  advised_at TEXT NOT NULL,
  outcome TEXT,
  outcome_ms BIGINT,
  PRIMARY KEY (invocation_id, state, mark)
);
CREATE INDEX IF NOT EXISTS idx_timeline_advice_outcome ON timeline_advice(outcome, advised_at);
CREATE OR REPLACE FUNCTION timeline_invocation_deleted() RETURNS trigger AS $$ BEGIN
  DELETE FROM invocation_activity WHERE invocation_id = OLD.id;
  DELETE FROM timeline_event WHERE invocation_id = OLD.id;
  DELETE FROM invocation_run WHERE invocation_id = OLD.id;
  DELETE FROM tool_call WHERE invocation_id = OLD.id;
  DELETE FROM task_file WHERE invocation_id = OLD.id;
  DELETE FROM timeline_advice WHERE invocation_id = OLD.id;
  INSERT INTO task_entry (task_id) SELECT CAST(OLD.task_id AS TEXT) WHERE 1 = 1
    ON CONFLICT (task_id) DO UPDATE SET is_stale = 1;
  RETURN NULL;
END $$
LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER timeline_invocation_deleted AFTER DELETE ON task_invocations FOR EACH ROW EXECUTE FUNCTION timeline_invocation_deleted();
CREATE OR REPLACE FUNCTION timeline_run_added() RETURNS trigger AS $$ BEGIN
  INSERT INTO task_entry (task_id) SELECT NEW.task_id WHERE 1 = 1
    ON CONFLICT (task_id) DO UPDATE SET is_stale = 1;
  RETURN NULL;
END $$
LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER timeline_run_added AFTER INSERT ON invocation_run FOR EACH ROW EXECUTE FUNCTION timeline_run_added();
CREATE OR REPLACE FUNCTION timeline_run_changed() RETURNS trigger AS $$ BEGIN
  INSERT INTO task_entry (task_id) SELECT NEW.task_id WHERE 1 = 1
    ON CONFLICT (task_id) DO UPDATE SET is_stale = 1;
  RETURN NULL;
END $$
LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER timeline_run_changed AFTER UPDATE OF status, completed_at, failure ON invocation_run FOR EACH ROW EXECUTE FUNCTION timeline_run_changed();
CREATE OR REPLACE FUNCTION timeline_run_deleted() RETURNS trigger AS $$ BEGIN
  DELETE FROM run_bin WHERE invocation_id = OLD.invocation_id;
  INSERT INTO task_entry (task_id) SELECT OLD.task_id WHERE 1 = 1
    ON CONFLICT (task_id) DO UPDATE SET is_stale = 1;
  RETURN NULL;
END $$
LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER timeline_run_deleted AFTER DELETE ON invocation_run FOR EACH ROW EXECUTE FUNCTION timeline_run_deleted();
CREATE OR REPLACE FUNCTION timeline_event_added() RETURNS trigger AS $$ BEGIN
  INSERT INTO task_entry (task_id) SELECT NEW.task_id WHERE NEW.invocation_id IS NULL
    ON CONFLICT (task_id) DO UPDATE SET is_stale = 1;
  RETURN NULL;
END $$
LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER timeline_event_added AFTER INSERT ON timeline_event FOR EACH ROW EXECUTE FUNCTION timeline_event_added();
DO $$ DECLARE
  schemas TEXT := (SELECT string_agg(quote_ident(s.name), ', ' ORDER BY s.at)
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, at) WHERE s.name !~ '^pg_temp');
  called TEXT;
BEGIN
  FOREACH called IN ARRAY ARRAY[
    'timeline_invocation_deleted',
    'timeline_run_added',
    'timeline_run_changed',
    'timeline_run_deleted',
    'timeline_event_added'
  ] LOOP
    called := format('%I.%I()', current_schema(), called);
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %s, pg_temp', called, schemas);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
  END LOOP;
END $$;
INSERT INTO timeline_migration (name, applied_at, added_columns) VALUES ('010_invocation_lifecycle', '1970-01-01T00:00:00.000Z', 'started_at,completed_at,last_activity_at,status');

-- DOWN
-- DROP TRIGGER IF EXISTS timeline_invocation_deleted ON task_invocations;
-- DROP FUNCTION IF EXISTS timeline_invocation_deleted();
-- DROP TRIGGER IF EXISTS timeline_run_added ON invocation_run;
-- DROP FUNCTION IF EXISTS timeline_run_added();
-- DROP TRIGGER IF EXISTS timeline_run_changed ON invocation_run;
-- DROP FUNCTION IF EXISTS timeline_run_changed();
-- DROP TRIGGER IF EXISTS timeline_run_deleted ON invocation_run;
-- DROP FUNCTION IF EXISTS timeline_run_deleted();
-- DROP TRIGGER IF EXISTS timeline_event_added ON timeline_event;
-- DROP FUNCTION IF EXISTS timeline_event_added();
-- DROP TRIGGER IF EXISTS timeline_task_deleted ON tasks;
-- DROP FUNCTION IF EXISTS timeline_task_deleted();
-- DROP TRIGGER IF EXISTS timeline_task_added ON tasks;
-- DROP FUNCTION IF EXISTS timeline_task_added();
-- DROP TRIGGER IF EXISTS timeline_task_changed ON tasks;
-- DROP FUNCTION IF EXISTS timeline_task_changed();
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
