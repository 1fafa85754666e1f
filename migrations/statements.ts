/** The columns of the document that migration 010 adds to `task_invocations`, with their types. */
export const INVOCATION_COLUMNS = [
  ['started_at', 'TIME'],
  ['completed_at', 'TIME'],
  ['last_activity_at', 'TIME'],
  ['status', "TEXT DEFAULT 'completed'"]
] as const

/** The tables that belong to the timeline alone. */
export const OWN_TABLES = [
  'invocation_activity', 'timeline_event', 'invocation_run', 'tool_call', 'task_file', 'run_bin', 'task_stream', 'task_entry',
  'timeline_writer', 'timeline_notice', 'timeline_lease', 'timeline_advice', 'timeline_migration'
] as const

/** Columns of our own tables that databases of an earlier version lack, with their types. */
export const LATER_COLUMNS = [
  ['invocation_run', 'progress', 'TEXT'],
  ['invocation_run', 'tally', 'TEXT'],
  ['invocation_run', 'plan', 'JSON'],
  ['invocation_run', 'failure', 'JSON'],
  ['invocation_run', 'input_tokens', 'BIGINT'],
  ['invocation_run', 'output_tokens', 'BIGINT'],
  ['invocation_run', 'cache_read_tokens', 'BIGINT'],
  ['invocation_run', 'cache_write_tokens', 'BIGINT'],
  ['invocation_run', 'reasoning_tokens', 'BIGINT'],
  ['invocation_run', 'cost_usd', 'DOUBLE PRECISION'],
  ['invocation_run', 'tree', 'TEXT'],
  ['invocation_run', 'bin_ms', 'BIGINT'],
  ['invocation_run', 'budget_usd', 'DOUBLE PRECISION'],
  ['invocation_run', 'told_budget_usd', 'DOUBLE PRECISION'],
  ['task_stream', 'budget_usd', 'DOUBLE PRECISION'],
  ['task_stream', 'told_budget_usd', 'DOUBLE PRECISION']
] as const

/** Indexes of our own tables that databases of an earlier version lack, with those that they take the place of. */
export const LATER_INDEXES = [
  ['idx_invocation_run_status_started', 'idx_invocation_run_status'],
  // The document's own name, on one column more: rows pay for three indexes and not for four.
  ['idx_invocation_activity_invocation', 'idx_invocation_activity_seq']
] as const

/** What differs between the engines in the tables' definitions. */
interface Types {
  readonly id: string
  readonly integer: string
  /** A moment, to the millisecond. */
  readonly time: string
  readonly json: string
  readonly now: string
  /** How the index of a list goes that shows the newest first, and last what has no time. */
  readonly newest: string
  /** Put behind a table whose key is all that rows are found by: SQLite then keeps them in the key's own tree. */
  readonly rowidless: string
}

const SQLITE: Types = {
  id: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  integer: 'INTEGER',
  time: 'TEXT',
  json: 'TEXT',
  now: "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
  newest: 'started_at, invocation_id',
  rowidless: ' WITHOUT ROWID'
}
const POSTGRES: Types = {
  id: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  integer: 'BIGINT',
  time: 'TIMESTAMPTZ(3)',
  json: 'JSONB',
  now: 'now()',
  newest: 'started_at DESC NULLS LAST, invocation_id DESC',
  rowidless: ''
}

export type Engine = 'sqlite' | 'postgres'

/** The table of invocations, for a database that has none: as the document's orchestrator has it at its 009. */
export function createInvocationsTable (engine: Engine): readonly string[] {
  const { id, integer, time, now } = engine === 'sqlite' ? { ...SQLITE, now: "(datetime('now'))" } : POSTGRES
  return [
    `CREATE TABLE IF NOT EXISTS task_invocations (
  id ${id},
  task_id TEXT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  response TEXT,
  error TEXT,
  exit_code ${integer} NOT NULL DEFAULT 0,
  duration_ms ${integer} NOT NULL DEFAULT 0,
  success ${integer} NOT NULL DEFAULT 0,
  timed_out ${integer} NOT NULL DEFAULT 0,
  rejection_number ${integer},
  created_at ${time} NOT NULL DEFAULT ${now}
)`,
    'CREATE INDEX IF NOT EXISTS idx_task_invocations_task ON task_invocations(task_id)'
  ]
}

/** Our own tables and their indexes. No foreign keys: the host must stay able to delete tasks and rebuild tables. */
export function createOwnTables (engine: Engine): readonly string[] {
  const { id, integer, time, json, now, newest, rowidless } = engine === 'sqlite' ? SQLITE : POSTGRES
  return [
    `CREATE TABLE IF NOT EXISTS timeline_migration (
  name TEXT PRIMARY KEY,
  applied_at ${time} NOT NULL,
  added_columns TEXT NOT NULL DEFAULT '',
  backfill_cursor ${integer} NOT NULL DEFAULT 0,
  backfilled_at ${time}
)`,
    `CREATE TABLE IF NOT EXISTS task_stream (
  task_id TEXT PRIMARY KEY,
  last_seq ${integer} NOT NULL DEFAULT 0,
  epoch TEXT NOT NULL,
  floor_seq ${integer} NOT NULL DEFAULT 0,
  title TEXT,
  audit_cursor ${integer} NOT NULL DEFAULT 0,
  invocation_cursor ${integer} NOT NULL DEFAULT 0,
  budget_usd DOUBLE PRECISION,
  told_budget_usd DOUBLE PRECISION
)`,
    `CREATE TABLE IF NOT EXISTS invocation_activity (
  id ${id},
  invocation_id ${integer} NOT NULL,
  activity_type TEXT NOT NULL,
  message TEXT NOT NULL,
  created_at ${time} NOT NULL DEFAULT ${now},
  task_id TEXT NOT NULL,
  seq ${integer} NOT NULL,
  metadata ${json},
  lag_ms ${integer} NOT NULL DEFAULT 0,
  UNIQUE (task_id, seq)
)`,
    'CREATE INDEX IF NOT EXISTS idx_invocation_activity_invocation ON invocation_activity(invocation_id, seq)',
    'CREATE INDEX IF NOT EXISTS idx_invocation_activity_created ON invocation_activity(created_at DESC)',
    `CREATE TABLE IF NOT EXISTS timeline_event (
  id ${id},
  task_id TEXT NOT NULL,
  seq ${integer} NOT NULL,
  type TEXT NOT NULL,
  invocation_id ${integer},
  actor TEXT,
  message TEXT,
  payload ${json},
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  created_at ${time} NOT NULL,
  UNIQUE (task_id, seq),
  UNIQUE (source, source_id)
)`,
    'CREATE INDEX IF NOT EXISTS idx_timeline_event_invocation ON timeline_event(invocation_id)',
    `CREATE TABLE IF NOT EXISTS invocation_run (
  invocation_id ${integer} PRIMARY KEY,
  task_id TEXT NOT NULL,
  role TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  started_at ${time},
  completed_at ${time},
  last_activity_at ${time},
  duration_ms ${integer},
  success ${integer},
  timed_out ${integer} NOT NULL DEFAULT 0,
  exit_code ${integer},
  signal TEXT,
  reason TEXT,
  error TEXT,
  outcome TEXT,
  summary TEXT,
  usage ${json},
  session_id TEXT,
  stderr_tail TEXT,
  owner TEXT,
  heartbeat_at ${time},
  activity_count ${integer} NOT NULL DEFAULT 0,
  progress TEXT,
  tally TEXT,
  plan ${json},
  failure ${json},
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
)`,
    'CREATE INDEX IF NOT EXISTS idx_invocation_run_task ON invocation_run(task_id, invocation_id)',
    `CREATE INDEX IF NOT EXISTS idx_invocation_run_status_started ON invocation_run(status, ${newest})`,
    `CREATE INDEX IF NOT EXISTS idx_invocation_run_started ON invocation_run(${newest})`,
    `CREATE TABLE IF NOT EXISTS tool_call (
  task_id TEXT NOT NULL,
  seq ${integer} NOT NULL,
  end_seq ${integer},
  invocation_id ${integer} NOT NULL,
  call_id TEXT NOT NULL,
  use ${integer} NOT NULL DEFAULT 1,
  parent_seq ${integer},
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  message TEXT NOT NULL,
  chain TEXT,
  call_hash TEXT NOT NULL,
  result_hash TEXT,
  status TEXT NOT NULL DEFAULT 'running',
  exit_code ${integer},
  started_at ${time} NOT NULL,
  duration_ms ${integer},
  path TEXT,
  added ${integer},
  removed ${integer},
  first_error ${json},
  is_background ${integer} NOT NULL DEFAULT 0,
  timeout_ms ${integer},
  is_poll ${integer} NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, seq)
)${rowidless}`,
    'CREATE INDEX IF NOT EXISTS idx_tool_call_invocation ON tool_call(invocation_id, status)',
    'CREATE INDEX IF NOT EXISTS idx_tool_call_hash ON tool_call(call_hash, started_at)',
    'CREATE INDEX IF NOT EXISTS idx_tool_call_chain ON tool_call(chain, started_at) WHERE chain IS NOT NULL',
    `CREATE TABLE IF NOT EXISTS task_file (
  task_id TEXT NOT NULL,
  path TEXT NOT NULL,
  invocation_id ${integer} NOT NULL,
  edits ${integer} NOT NULL,
  added ${integer},
  removed ${integer},
  is_new ${integer} NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, path, invocation_id)
)${rowidless}`,
    'CREATE INDEX IF NOT EXISTS idx_task_file_invocation ON task_file(invocation_id)',
    `CREATE TABLE IF NOT EXISTS run_bin (
  invocation_id ${integer} NOT NULL,
  at ${integer} NOT NULL,
  kind TEXT NOT NULL,
  ms ${integer} NOT NULL,
  calls ${integer} NOT NULL,
  failed ${integer} NOT NULL,
  PRIMARY KEY (invocation_id, at, kind)
)${rowidless}`,
    `CREATE TABLE IF NOT EXISTS task_entry (
  task_id TEXT PRIMARY KEY,
  is_stale ${integer} NOT NULL DEFAULT 1,
  section ${integer} NOT NULL DEFAULT 0,
  since TEXT NOT NULL DEFAULT '',
  title TEXT,
  status TEXT,
  changed_at ${time},
  runs ${integer} NOT NULL DEFAULT 0,
  started_at ${time},
  ended_at ${time},
  who TEXT,
  outcomes TEXT,
  usage TEXT,
  failure TEXT,
  words TEXT
)`,
    'CREATE INDEX IF NOT EXISTS idx_task_entry_section ON task_entry(section, since, task_id)',
    'CREATE INDEX IF NOT EXISTS idx_task_entry_stale ON task_entry(task_id) WHERE is_stale = 1',
    `CREATE TABLE IF NOT EXISTS timeline_writer (
  writer_id TEXT PRIMARY KEY,
  batch ${integer} NOT NULL,
  owner TEXT NOT NULL,
  heartbeat_at ${time} NOT NULL
)`,
    `CREATE TABLE IF NOT EXISTS timeline_notice (
  id ${id},
  notice_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  invocation_id ${integer},
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  created_at TEXT NOT NULL,
  called_at TEXT,
  sent_at TEXT
)`,
    'CREATE INDEX IF NOT EXISTS idx_timeline_notice_task ON timeline_notice(task_id, invocation_id, id)',
    `CREATE TABLE IF NOT EXISTS timeline_lease (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  held_until TEXT NOT NULL,
  position ${integer} NOT NULL DEFAULT 0
)`,
    `CREATE TABLE IF NOT EXISTS timeline_advice (
  invocation_id ${integer} NOT NULL,
  state TEXT NOT NULL,
  mark ${integer} NOT NULL,
  task_id TEXT NOT NULL,
  step TEXT NOT NULL,
  after_ms ${integer} NOT NULL,
  advised_at TEXT NOT NULL,
  outcome TEXT,
  outcome_ms ${integer},
  PRIMARY KEY (invocation_id, state, mark)
)${rowidless}`,
    'CREATE INDEX IF NOT EXISTS idx_timeline_advice_outcome ON timeline_advice(outcome, advised_at)'
  ]
}

/** What goes with an invocation, found by its `invocation_id`; the bins of a run go with the run. */
export const OF_INVOCATION = [
  'invocation_activity', 'timeline_event', 'invocation_run', 'tool_call', 'task_file', 'timeline_advice'
] as const
/** A trigger that is about this one is of this version. */
export const YOUNGEST_TABLE = 'task_entry'
/** What goes with a task, found by its `task_id`; its entry last, which the deletion of runs marks. */
export const OF_TASK = [...OF_INVOCATION, 'task_stream', 'timeline_notice', YOUNGEST_TABLE] as const

/** The triggers, and the tables that they are on. */
export const TRIGGERS = [
  ['timeline_invocation_deleted', 'task_invocations'],
  ['timeline_run_added', 'invocation_run'],
  ['timeline_run_changed', 'invocation_run'],
  ['timeline_run_deleted', 'invocation_run'],
  ['timeline_event_added', 'timeline_event'],
  ['timeline_task_deleted', 'tasks'],
  ['timeline_task_added', 'tasks'],
  ['timeline_task_changed', 'tasks']
] as const

/**
 * The triggers that delete our rows with the host's, in place of foreign keys, and those that mark the entry of a task
 * in the list as outdated, whoever writes.
 *
 * A host that rebuilds a table drops them with it (and only them: the implicit DELETE of a DROP fires no trigger),
 * so they are made again at each open.
 */
export function createTriggers (engine: Engine, hasTasks: boolean): readonly string[] {
  const [deleted, runAdded, runChanged, runDeleted, eventAdded, taskDeleted, taskAdded, taskChanged] = TRIGGERS
  const add = (of: typeof TRIGGERS[number], event: string, body: readonly string[]) => trigger(engine, of, event, body)
  const ofTask = 'CAST(NEW.id AS TEXT)'
  return [
    add(deleted, 'DELETE', [
      ...OF_INVOCATION.map((table) => `DELETE FROM ${table} WHERE invocation_id = OLD.id;`),
      ...markEntry(engine, 'CAST(OLD.task_id AS TEXT)')
    ]),
    add(runAdded, 'INSERT', markEntry(engine, 'NEW.task_id')),
    add(runChanged, 'UPDATE OF status, completed_at, failure', markEntry(engine, 'NEW.task_id')),
    add(runDeleted, 'DELETE', [
      'DELETE FROM run_bin WHERE invocation_id = OLD.invocation_id;', ...markEntry(engine, 'OLD.task_id')
    ]),
    add(eventAdded, 'INSERT', markEntry(engine, 'NEW.task_id', 'NEW.invocation_id IS NULL')),
    ...(hasTasks
      ? [
          ...add(taskDeleted, 'DELETE', OF_TASK.map((table) => `DELETE FROM ${table} WHERE task_id = CAST(OLD.id AS TEXT);`)),
          ...add(taskAdded, 'INSERT', markEntry(engine, ofTask)),
          // SQLite takes names of columns that are not there.
          ...add(taskChanged, engine === 'sqlite' ? 'UPDATE OF status, title' : 'UPDATE', markEntry(engine, ofTask))
        ]
      : []),
    engine === 'postgres' ? [secureFunctions(TRIGGERS.filter(([, table]) => hasTasks || table !== 'tasks'))] : []
  ].flat()
}

/** Puts the tasks of a table into the list, to be looked at; of those that are in it already too. */
export function listTasksOf (table: 'tasks' | 'invocation_run'): readonly string[] {
  const column = table === 'tasks' ? 'id' : 'task_id'
  return [
    `INSERT INTO task_entry (task_id) SELECT DISTINCT CAST(${column} AS TEXT) FROM ${table} AS t
  WHERE NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = CAST(t.${column} AS TEXT))`,
    'UPDATE task_entry SET is_stale = 1 WHERE is_stale = 0'
  ]
}

/**
 * On SQLite without a clause for conflicts: that of the statement which fires a trigger would take its place. On
 * PostgreSQL it locks the entry whatever it says, so that nobody puts it together from what was there before.
 */
function markEntry (engine: Engine, taskId: string, condition = '1 = 1'): readonly string[] {
  if (engine === 'postgres') {
    return [`INSERT INTO task_entry (task_id) SELECT ${taskId} WHERE ${condition}
    ON CONFLICT (task_id) DO UPDATE SET is_stale = 1;`]
  }
  return [
    `INSERT INTO task_entry (task_id) SELECT ${taskId} WHERE ${condition} AND NOT EXISTS (SELECT 1 FROM task_entry WHERE task_id = ${taskId});`,
    `UPDATE task_entry SET is_stale = 1 WHERE task_id = ${taskId} AND is_stale = 0 AND ${condition};`
  ]
}

function trigger (
  engine: Engine, [name, table]: typeof TRIGGERS[number], event: string, statements: readonly string[]
): readonly string[] {
  const body = statements.map((line) => `  ${line}`).join('\n')
  if (engine === 'sqlite') {
    return [`CREATE TRIGGER IF NOT EXISTS ${name} AFTER ${event} ON ${table} BEGIN\n${body}\nEND`]
  }
  return [
    `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger AS $$ BEGIN\n${body}\n  RETURN NULL;\nEND $$\nLANGUAGE plpgsql`,
    `CREATE OR REPLACE TRIGGER ${name} AFTER ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`
  ]
}

/**
 * Whoever writes to the host's tables need not have our rights, nor our search path. So that nobody has our rights for
 * more than that, the functions find no table of the session's own before ours, and are for no other trigger.
 *
 * The schemas are those that the path leads to now: one that somebody makes later is not among them.
 */
function secureFunctions (triggers: ReadonlyArray<typeof TRIGGERS[number]>): string {
  return `DO $$ DECLARE
  schemas TEXT := (SELECT string_agg(quote_ident(s.name), ', ' ORDER BY s.at)
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, at) WHERE s.name !~ '^pg_temp');
  called TEXT;
BEGIN
  FOREACH called IN ARRAY ARRAY[
${triggers.map(([name]) => `    '${name}'`).join(',\n')}
  ] LOOP
    called := format('%I.%I()', current_schema(), called);
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %s, pg_temp', called, schemas);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
  END LOOP;
END $$`
}

/** The statement that adds a column: one of the document's unless another table is named. */
export function addColumn (engine: Engine, name: string, type: string, table = 'task_invocations'): string {
  const { time, json } = engine === 'sqlite' ? SQLITE : POSTGRES
  return `ALTER TABLE ${table} ADD COLUMN ${name} ${type === 'TIME' ? time : type === 'JSON' ? json : type}`
}

/** The statements that remove a trigger, and what it runs. */
export function dropTrigger (engine: Engine, [name, table]: typeof TRIGGERS[number]): readonly string[] {
  return engine === 'sqlite'
    ? [`DROP TRIGGER IF EXISTS ${name}`]
    : [`DROP TRIGGER IF EXISTS ${name} ON ${table}`, `DROP FUNCTION IF EXISTS ${name}()`]
}
