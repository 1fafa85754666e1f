import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite, { type Database } from 'better-sqlite3'
import type { Test } from 'tap'

/** An invocation as the host's logger writes it at its migration 009: after the call, all of it at once. */
export interface LegacyInvocation {
  readonly id?: number
  readonly task_id: string | number
  readonly role?: string
  readonly error?: string | null
  readonly exit_code?: number
  readonly duration_ms?: number | null
  readonly success?: number
  readonly timed_out?: number
  /** `YYYY-MM-DD HH:MM:SS`, UTC: when the call ended. */
  readonly created_at?: string
  readonly [column: string]: unknown
}

/** A directory of the test's own, gone with it. */
export function temporaryDirectory (t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'timeline-'))
  t.teardown(() => { rmSync(directory, { recursive: true, force: true }) })
  return directory
}

const TASKS_009 = `CREATE TABLE tasks (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'pending', section_id TEXT,
  rejection_count INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL DEFAULT (datetime('now')), updated_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX idx_tasks_status ON tasks(status)`

const AUDIT_009 = `CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL REFERENCES tasks(id), from_status TEXT,
  to_status TEXT NOT NULL, actor TEXT NOT NULL, actor_type TEXT DEFAULT 'human', model TEXT, notes TEXT,
  commit_sha TEXT, created_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX idx_audit_task ON audit(task_id)`

/** The host's own list, with which it rebuilds the table too. */
const COLUMNS_009 = {
  id: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  task_id: 'TEXT NOT NULL REFERENCES tasks(id)',
  role: 'TEXT NOT NULL',
  provider: 'TEXT NOT NULL',
  model: 'TEXT NOT NULL',
  prompt: 'TEXT NOT NULL',
  response: 'TEXT',
  error: 'TEXT',
  exit_code: 'INTEGER NOT NULL DEFAULT 0',
  duration_ms: 'INTEGER NOT NULL DEFAULT 0',
  success: 'INTEGER NOT NULL DEFAULT 0',
  timed_out: 'INTEGER NOT NULL DEFAULT 0',
  rejection_number: 'INTEGER',
  created_at: "TEXT NOT NULL DEFAULT (datetime('now'))"
}

/** What later versions of the host add, in the order of their migrations. */
const COLUMNS_HEAD = {
  ...COLUMNS_009,
  started_at_ms: 'INTEGER',
  completed_at_ms: 'INTEGER',
  status: "TEXT DEFAULT 'completed' CHECK(status IN ('running', 'completed', 'failed', 'timeout'))",
  session_id: 'TEXT',
  resumed_from_session_id: 'TEXT',
  invocation_mode: "TEXT DEFAULT 'fresh'",
  token_usage_json: 'TEXT',
  last_activity_at_ms: 'INTEGER',
  runner_id: 'TEXT'
}

export const HOST_INDEXES = `CREATE INDEX idx_task_invocations_task ON task_invocations(task_id);
CREATE INDEX idx_task_invocations_role ON task_invocations(role);
CREATE INDEX idx_task_invocations_created ON task_invocations(created_at DESC)`

export const HOST_COLUMN_NAMES = Object.keys(COLUMNS_009)

/** The host's statement that makes its table of invocations, under any name. */
export function invocationsTable (name: string, columns: Readonly<Record<string, string>> = COLUMNS_009): string {
  return `CREATE TABLE ${name} (${Object.entries(columns).map(([column, type]) => `${column} ${type}`).join(', ')})`
}

export interface HostDatabaseOptions {
  readonly version?: '009' | 'head'
  /** The columns from last to first, as no host has them. */
  readonly isShuffled?: boolean
  /** Durations may be NULL, as in a database that somebody repaired by hand. */
  readonly isLax?: boolean
  readonly path?: string
}

/** A database as the document's orchestrator leaves it, with the host's own connection to it. */
export class HostDatabase {
  readonly path: string
  readonly raw: Database

  constructor (t: Test, options: HostDatabaseOptions = {}) {
    this.path = options.path ?? join(temporaryDirectory(t), 'host.db')
    this.raw = openAsHost(this.path)
    t.teardown(() => { this.raw.close() })
    let columns: Record<string, string> = options.version === 'head' ? COLUMNS_HEAD : COLUMNS_009
    if (options.isLax === true) columns = { ...columns, duration_ms: 'INTEGER' }
    if (options.isShuffled === true) columns = Object.fromEntries(Object.entries(columns).reverse())
    this.raw.exec([TASKS_009, AUDIT_009, invocationsTable('task_invocations', columns), HOST_INDEXES].join(';\n'))
    if (options.version === 'head') {
      this.raw.exec('CREATE INDEX idx_task_invocations_task_status ON task_invocations(task_id, status, started_at_ms DESC)')
    }
  }

  addTask (id: string, status = 'in_progress', title = `Title of ${id}`): void {
    this.raw.prepare('INSERT INTO tasks (id, title, status) VALUES (?, ?, ?)').run(id, title, status)
  }

  /** The host's own INSERT after a call. @returns the row's id */
  addInvocation (invocation: LegacyInvocation): number {
    return insertAsHost(this.raw, invocation)
  }

  /** Rows of `audit` as the host writes them; `at` is `YYYY-MM-DD HH:MM:SS`. @returns the row's id */
  addAudit (taskId: string, from: string | null, to: string, actor = 'orchestrator', at = nowAsHost()): number {
    return Number(this.raw.prepare('INSERT INTO audit (task_id, from_status, to_status, actor, created_at) VALUES (?, ?, ?, ?, ?)')
      .run(taskId, from, to, actor, at).lastInsertRowid)
  }

  all<Row = any> (sql: string, ...parameters: unknown[]): Row[] {
    return this.raw.prepare(sql).all(...parameters) as Row[]
  }

  get<Row = any> (sql: string, ...parameters: unknown[]): Row {
    return this.raw.prepare(sql).get(...parameters) as Row
  }

  /** What the host does to delete a task. */
  deleteTask (id: string): void {
    this.raw.transaction(() => {
      for (const table of ['audit', 'task_invocations']) this.raw.prepare(`DELETE FROM ${table} WHERE task_id = ?`).run(id)
      this.raw.prepare('DELETE FROM tasks WHERE id = ?').run(id)
    })()
  }
}

/** As the host opens every connection. */
export function openAsHost (path: string): Database {
  const raw = new Sqlite(path)
  raw.pragma('journal_mode = WAL')
  raw.pragma('foreign_keys = ON')
  raw.pragma('busy_timeout = 5000')
  return raw
}

export function insertAsHost (raw: Database, invocation: LegacyInvocation): number {
  const row: Record<string, unknown> = {
    role: 'coder',
    provider: 'claude',
    model: 'sonnet-4',
    prompt: 'Fix it',
    response: 'Done',
    exit_code: 0,
    success: 1,
    timed_out: 0,
    duration_ms: 60_000,
    ...invocation
  }
  const names = Object.keys(row)
  return Number(raw.prepare(`INSERT INTO task_invocations (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`)
    .run(row).lastInsertRowid)
}

/** `datetime('now')`. */
export function nowAsHost (ms = Date.now()): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

/**
 * 52 invocations of 14 tasks: 47 that went well, 3 that failed, 2 that ran out of time.
 *
 * @returns their ids in the order in which they ended
 */
export function fillLegacy (host: HostDatabase, { ids = (index: number) => index + 1 } = {}): number[] {
  for (let task = 0; task < 14; task++) host.addTask(`task-${task}`, 'completed')
  return Array.from({ length: 52 }, (_, index) => {
    const isTimeout = index === 7 || index === 31
    const isFailure = index === 3 || index === 20 || index === 44
    return host.addInvocation({
      id: ids(index),
      task_id: `task-${index % 14}`,
      success: isTimeout || isFailure ? 0 : 1,
      timed_out: Number(isTimeout),
      exit_code: isTimeout ? 143 : Number(isFailure),
      error: isFailure ? 'API Error: 500' : null,
      duration_ms: index === 10 ? 0 : 30_000 + index * 1_111,
      created_at: nowAsHost(Date.UTC(2026, 1, 3, 8) + index * 180_000)
    })
  })
}
