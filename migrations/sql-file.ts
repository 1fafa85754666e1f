import {
  INVOCATION_COLUMNS, OWN_TABLES, TRIGGERS, addColumn, createInvocationsTable, createOwnTables, createTriggers,
  dropTrigger, type Engine
} from './statements.js'

/**
 * Migration 010 as plain SQL, for hosts whose own runner applies files.
 *
 * SQL cannot look before it adds a column: the file is for a database at the orchestrator's 009, or one without
 * `task_invocations`. Every other starting point needs `up` or `migrate`. What existed is backfilled when a timeline
 * first opens the database.
 */
export function renderSqlFile (engine: Engine): string {
  const up = [
    ...createInvocationsTable(engine),
    ...INVOCATION_COLUMNS.map(([name, type]) => addColumn(engine, name, type)),
    ...createOwnTables(engine),
    ...createTriggers(engine, false),
    `INSERT INTO timeline_migration (name, applied_at, added_columns) VALUES ('010_invocation_lifecycle', '${APPLIED_BY_FILE}', '${
      INVOCATION_COLUMNS.map(([name]) => name).join(',')}')`
  ]
  const down = [
    ...TRIGGERS.flatMap((trigger) => dropTrigger(engine, trigger)),
    ...OWN_TABLES.map((table) => `DROP TABLE IF EXISTS ${table}`),
    ...INVOCATION_COLUMNS.map(([name]) => `ALTER TABLE task_invocations DROP COLUMN ${name}`)
  ]
  return [
    '-- Migration 010: invocation lifecycle and activity timeline.',
    '-- For a database at migration 009, or one without task_invocations. The trigger on tasks and the backfill of',
    '-- existing rows are made when a timeline first opens the database. Run it in one transaction.',
    '',
    '-- UP',
    ...up.map((statement) => `${statement};`),
    '',
    '-- DOWN',
    ...down.map((statement) => `-- ${statement};`),
    ''
  ].join('\n')
}

/** A file knows no time of its own. */
const APPLIED_BY_FILE = '1970-01-01T00:00:00.000Z'
