import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite, { type Database } from 'better-sqlite3'
import { CamelCasePlugin, Kysely, SqliteDialect, type Migrator } from 'kysely'
import t, { type Test } from 'tap'
import { openTimeline, type InvocationHandle, type Timeline } from '../../lib/open-timeline.js'
import { migrate, migrations } from '../../lib/migrate.js'
import { renderSqlFile } from '../../migrations/sql-file.js'
import { OF_INVOCATION, OF_TASK } from '../../migrations/statements.js'
import { Child } from '../support/children.js'
import {
  fillLegacy, HOST_COLUMN_NAMES, HOST_INDEXES, HostDatabase, insertAsHost, invocationsTable, nowAsHost, openAsHost,
  temporaryDirectory
} from '../support/host-database.js'

const OWN_TABLES = ['invocation_activity', 'timeline_event', 'invocation_run', 'task_stream'] as const

async function open (t: Test, database: string): Promise<Timeline> {
  const timeline = await openTimeline({ database, runnerHeartbeatIntervalMs: 100 })
  t.teardown(() => timeline.close())
  return timeline
}

/** What 010 owes a row that the host wrote after the call: it ended at `created_at`, and began `duration_ms` before. */
function checkDerived (t: Test, host: HostDatabase): void {
  const wrong = host.all('SELECT * FROM task_invocations').filter((row) => {
    const end = Date.parse(row.created_at.replace(' ', 'T') + 'Z')
    const status = row.timed_out === 1 ? 'timeout' : row.success === 1 ? 'completed' : 'failed'
    const expected = {
      status,
      started_at: new Date(end - (row.duration_ms ?? 0)).toISOString(),
      completed_at: new Date(end).toISOString()
    }
    const record = host.get('SELECT * FROM invocation_run WHERE invocation_id = ?', row.id)
    return Object.entries(expected).some(([name, value]) => row[name] !== value || record?.[name] !== value)
  })
  t.same(wrong, [], 'status and times of every row agree with its duration')
}

function statusCounts (host: HostDatabase): Record<string, number> {
  const rows = host.all('SELECT status, count(*) AS count FROM task_invocations GROUP BY status')
  return Object.fromEntries(rows.map((row) => [row.status, row.count]))
}

/** Rows of ours that belong to nothing of the host's. */
function orphans (host: HostDatabase): number {
  return [...OF_INVOCATION, 'run_bin'].reduce((sum, table) => sum + host.get(
    `SELECT count(*) AS count FROM ${table} WHERE invocation_id IS NOT NULL
     AND invocation_id NOT IN (SELECT id FROM task_invocations)`).count, 0)
}

for (const [name, options, ids] of [
  ['as it is', {}, undefined],
  ['with its columns in another order and its ids shuffled', { isShuffled: true }, (index: number) => (index * 23) % 53 + 1]
] as const) {
  t.test(`a legacy database ${name} gets states and times that agree with its durations, however often it is migrated`, async (t) => {
    const host = new HostDatabase(t, options)
    fillLegacy(host, ids === undefined ? {} : { ids })
    const before = host.all(`SELECT ${HOST_COLUMN_NAMES.join(', ')} FROM task_invocations ORDER BY id`)
    await migrate(host.path)
    checkDerived(t, host)
    t.same(statusCounts(host), { completed: 47, failed: 3, timeout: 2 })
    const schema = host.all('SELECT * FROM sqlite_master ORDER BY name')
    const first = host.all('SELECT * FROM task_invocations ORDER BY id')
    await migrate(host.path)
    t.same(host.all('SELECT * FROM sqlite_master ORDER BY name'), schema)
    t.same(host.all('SELECT * FROM task_invocations ORDER BY id'), first)
    t.same(host.all(`SELECT ${HOST_COLUMN_NAMES.join(', ')} FROM task_invocations ORDER BY id`), before,
      'what the host wrote is as it was')
    t.equal(host.get('PRAGMA integrity_check').integrity_check, 'ok')
  })
}

t.test('durations that are NULL or 0 mean that start and end are one', async (t) => {
  const host = new HostDatabase(t, { isLax: true })
  host.addTask('a')
  for (const duration of [null, 0, 1]) host.addInvocation({ task_id: 'a', duration_ms: duration, created_at: '2026-02-03 08:00:00' })
  await migrate(host.path)
  checkDerived(t, host)
})

t.test('six processes that migrate at once wait for each other', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  const children = Array.from({ length: 6 }, () => new Child(t, 'migrate', { database: host.path }))
  await Promise.all(children.map((child) => child.message()))
  // Behind the barrier is a lock too, so that all of them have to wait at least once.
  host.raw.exec('BEGIN IMMEDIATE')
  for (const child of children) child.tell('go')
  await sleep(300)
  host.raw.exec('COMMIT')
  const reports = await Promise.all(children.map((child) => child.message<{ lockRetries: number }>()))
  const retries = reports.map((report) => report.lockRetries)
  t.comment(`lock retries: ${retries.join(', ')}`)
  t.ok(retries.filter((count) => count > 0).length >= 2, 'at least two were seen waiting')
  checkDerived(t, host)
  t.equal(host.get('SELECT count(*) AS count FROM invocation_run').count, 52)
})

t.test('a migration that is killed in the middle is finished by the next one', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  const long = 'x'.repeat(200_000)
  host.raw.transaction(() => {
    for (let index = 0; index < 300; index++) host.addInvocation({ task_id: 'task-1', prompt: long })
  })()
  const child = new Child(t, 'migrate', { database: host.path })
  await child.message()
  child.tell('go')
  const progress = () => host.get("SELECT count(*) AS count FROM sqlite_master WHERE name = 'timeline_migration'").count === 1
    ? host.get('SELECT max(backfill_cursor) AS cursor FROM timeline_migration').cursor
    : 0
  while (!(progress() > 0)) await sleep(1)
  await child.kill('SIGKILL')
  const reached = progress()
  t.comment(`killed after ${reached} of 352 invocations`)
  await migrate(host.path)
  checkDerived(t, host)
  t.equal(host.get('SELECT count(*) AS count FROM invocation_run').count, 352)
})

t.test('a host that inserts in its old way during the migration is never refused, and nothing of it is missed', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  const inserter = new Child(t, 'insert', { database: host.path, taskId: 'task-1' })
  await inserter.message()
  await migrate(host.path)
  const timeline = await open(t, host.path)
  inserter.tell('stop')
  const report = await inserter.message<{ inserted: number, errors: string[] }>()
  t.same(report.errors, [])
  t.comment(`${report.inserted} rows inserted meanwhile`)
  const total = 52 + report.inserted
  const { timeline: events, page } = await timeline.getTimeline('task-1', { limit: 5_000 })
  const ofTask = host.get("SELECT count(*) AS count FROM task_invocations WHERE task_id = 'task-1'").count
  t.equal(page.headSeq, ofTask * 2)
  const started = events.filter((event) => event.type === 'invocation.started').length
  // Of more than fit into a page, some have begun and not ended in it.
  t.ok(ofTask <= 2_500 ? started === ofTask : started >= 2_500, `${started} of ${ofTask} began`)
  await timeline.listInvocations()
  t.equal(host.get('SELECT count(*) AS count FROM invocation_run').count, total)
  checkDerived(t, host)
})

t.test('after the migration the host goes on in its old way', async (t) => {
  const host = new HostDatabase(t)
  const before = openAsHost(host.path)
  t.teardown(() => { before.close() })
  fillLegacy(host)
  const prepared = before.prepare('SELECT count(*) AS count FROM task_invocations')
  prepared.get()
  await migrate(host.path)
  const timeline = await open(t, host.path)

  await t.test('what it inserts, through a connection that it opened before, is in timeline and list', async (t) => {
    await timeline.logInvocation({ taskId: 'task-2', role: 'reviewer', provider: 'codex' }, async () => 'fine')
    const id = insertAsHost(before, { task_id: 'task-3', success: 0, error: 'broke', exit_code: 2, duration_ms: 5_000 })
    await timeline.logInvocation({ taskId: 'task-2', role: 'reviewer', provider: 'codex' }, async () => 'fine')
    const { timeline: events } = await timeline.getTimeline('task-3', { before: 'end', limit: 2 })
    t.match(events, [
      { type: 'invocation.started', invocationId: id },
      { type: 'invocation.failed', invocationId: id, error: 'broke', exitCode: 2, duration: 5_000 }
    ])
    const later = insertAsHost(before, { task_id: 'task-4' })
    await timeline.logInvocation({ taskId: 'task-2', role: 'reviewer', provider: 'codex' }, async () => 'fine')
    const { invocations } = await timeline.listInvocations({ limit: 10 })
    t.match(invocations.find((invocation) => invocation.id === later), { taskId: 'task-4', status: 'completed', duration: 60_000 })
  })

  await t.test('the tasks it deletes take our rows with them', async (t) => {
    await timeline.getTimeline('task-2')
    const invocation = host.get("SELECT id FROM task_invocations WHERE task_id = 'task-2' LIMIT 1")
    host.deleteTask('task-2')
    for (const table of OWN_TABLES) {
      t.equal(host.get(`SELECT count(*) AS count FROM ${table} WHERE task_id = 'task-2'`).count, 0, table)
    }
    await t.rejects(timeline.getTimeline('task-2'), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
    t.equal(await timeline.getInvocation(invocation.id), undefined)
  })
})

/** Rebuilds the table as the host's migrations do, in one transaction. */
const REBUILDS: ReadonlyArray<readonly [name: string, rebuild: (raw: Database) => void]> = [
  ['create, copy, drop, rename', (raw) => {
    const names = HOST_COLUMN_NAMES.join(', ')
    raw.exec(`BEGIN; ${invocationsTable('task_invocations_new')};
      INSERT INTO task_invocations_new (${names}) SELECT ${names} FROM task_invocations;
      DROP TABLE task_invocations; ALTER TABLE task_invocations_new RENAME TO task_invocations; ${HOST_INDEXES}; COMMIT`)
  }],
  ['rename the old one, create, copy, drop', (raw) => {
    const names = HOST_COLUMN_NAMES.join(', ')
    raw.exec(`BEGIN; ALTER TABLE task_invocations RENAME TO task_invocations_old; ${invocationsTable('task_invocations')};
      INSERT INTO task_invocations (${names}) SELECT ${names} FROM task_invocations_old;
      DROP TABLE task_invocations_old; ${HOST_INDEXES}; COMMIT`)
  }],
  ['rename the old one and keep it', (raw) => {
    const names = HOST_COLUMN_NAMES.join(', ')
    raw.exec(`PRAGMA legacy_alter_table = ON; BEGIN; ALTER TABLE task_invocations RENAME TO task_invocations_old;
      ${HOST_INDEXES.replaceAll('CREATE INDEX', 'DROP INDEX IF EXISTS').replaceAll(/ ON task_invocations\([^)]*\)/g, '')};
      ${invocationsTable('task_invocations')};
      INSERT INTO task_invocations (${names}) SELECT ${names} FROM task_invocations_old; ${HOST_INDEXES}; COMMIT;
      PRAGMA legacy_alter_table = OFF`)
  }]
]

for (const [name, rebuild] of REBUILDS) {
  t.test(`a host may rebuild its table while a timeline is open and writing: ${name}`, async (t) => {
    const host = new HostDatabase(t)
    fillLegacy(host)
    await migrate(host.path)
    const timeline = await open(t, host.path)
    const run = await timeline.startInvocation({ taskId: 'task-1', role: 'coder', provider: 'claude' })
    run.activity({ type: 'progress', message: 'before', timestamp: new Date() })
    await timeline.flush()
    const counts = () => OWN_TABLES.map((table) => host.get(`SELECT count(*) AS count FROM ${table}`).count)
    const stored = counts()
    rebuild(host.raw)
    t.same(counts(), stored, 'the rebuild itself deletes nothing of ours')
    run.activity({ type: 'progress', message: 'after', timestamp: new Date() })
    await run.complete('done')
    const other = await timeline.logInvocation({ taskId: 'task-1', role: 'coder', provider: 'claude' }, async (run) => run.invocationId)
    t.match(await timeline.getInvocation(run.id as number),
      { status: 'completed', response: 'done', activities: [{ message: 'before' }, { message: 'after' }] })
    t.match(host.get('SELECT * FROM task_invocations WHERE id = ?', run.id), { success: 1, response: 'done', status: 'completed' })
    t.match(await timeline.getInvocation(other as number), { status: 'completed' })
    const hasTrigger = () => host.get(`SELECT count(*) AS count FROM sqlite_master WHERE type = 'trigger'
      AND name = 'timeline_invocation_deleted' AND tbl_name = 'task_invocations'`).count === 1
    const isRestored = () => host.get('SELECT count(*) AS count FROM task_invocations WHERE started_at IS NULL').count === 0
    while (!hasTrigger() || !isRestored()) await sleep(10)
    t.equal(orphans(host), 0)
    checkDerivedOfHost(t, host)
    host.raw.prepare('DELETE FROM task_invocations WHERE id = ?').run(run.id)
    t.equal(host.get('SELECT count(*) AS count FROM invocation_run WHERE invocation_id = ?', run.id).count, 0)
    t.equal(orphans(host), 0, 'deletions take our rows with them again')
  })
}

t.test('a host that rebuilds its table without a transaction is not met by a table of ours in between', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  await migrate(host.path)
  const timeline = await open(t, host.path)
  const run = await timeline.startInvocation({ taskId: 'task-1', role: 'coder', provider: 'claude' })
  const names = HOST_COLUMN_NAMES.join(', ')
  host.raw.exec(`${invocationsTable('task_invocations_new')};
    INSERT INTO task_invocations_new (${names}) SELECT ${names} FROM task_invocations; DROP TABLE task_invocations`)
  run.activity({ type: 'progress', message: 'between', timestamp: new Date() })
  // Whoever opens meanwhile waits for the new table, too.
  const opening = open(t, host.path)
  await sleep(300)
  t.equal(host.get("SELECT count(*) AS count FROM sqlite_master WHERE name = 'task_invocations'").count, 0)
  host.raw.exec('ALTER TABLE task_invocations_new RENAME TO task_invocations')
  await opening
  await run.complete('done')
  t.match(await timeline.getInvocation(run.id as number), { response: 'done', activities: [{ message: 'between' }] })
})

function checkDerivedOfHost (t: Test, host: HostDatabase): void {
  const lost = host.all(`SELECT i.id FROM task_invocations i JOIN invocation_run r ON r.invocation_id = i.id
    WHERE i.status IS NOT r.status OR i.started_at IS NOT r.started_at OR i.completed_at IS NOT r.completed_at`)
  t.same(lost, [], 'the columns of the rebuilt table are what they were')
}

t.test('what is deleted after a rebuild while no timeline is open is swept at the next open', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  await migrate(host.path)
  const first = await openTimeline({ database: host.path })
  for (let task = 0; task < 14; task++) await first.getTimeline(`task-${task}`)
  for (const taskId of ['task-5', 'task-6']) {
    const run = await first.startInvocation({ taskId, role: 'coder', provider: 'claude' })
    edit(run, 'a.ts')
    await run.complete('done')
    addNotice(host, taskId, run.id as number)
  }
  await first.close()
  const rebuild = REBUILDS[0] as (typeof REBUILDS)[number]
  rebuild[1](host.raw)
  // Of the table of tasks, too.
  host.raw.exec(`DROP TRIGGER timeline_task_deleted;
    DELETE FROM task_invocations WHERE task_id = 'task-5'; DELETE FROM tasks WHERE id = 'task-5'`)
  t.ok(orphans(host) > 0)
  const timeline = await open(t, host.path)
  t.equal(orphans(host), 0)
  for (const table of OF_TASK) {
    const { count, others } = host.get(`SELECT count(*) FILTER (WHERE task_id = 'task-5') AS count,
      count(*) FILTER (WHERE task_id <> 'task-5') AS others FROM ${table}`)
    t.equal(count, 0, table)
    t.ok(others > 0, `${table} keeps the rest`)
  }
  // Its calls begin at 1 again, where those of before were.
  host.addTask('task-5')
  const again = await timeline.startInvocation({ taskId: 'task-5', role: 'coder', provider: 'claude' })
  edit(again, 'b.ts')
  await again.complete('done')
  t.match((await timeline.getTimeline('task-5')).timeline, [{ seq: 1 }, { seq: 2 }, { seq: 3 }, { type: 'invocation.completed' }])
})

/** An edit of a file, as an agent reports it. */
function edit (run: InvocationHandle, path: string): void {
  const call = { callId: path, tool: 'Edit', toolKind: 'edit' } as const
  const at = { type: 'tool_exec', message: `Edit: ${path}`, timestamp: new Date() } as const
  run.activity({ ...at, metadata: { ...call, phase: 'start' } })
  run.activity({
    ...at, metadata: { ...call, phase: 'end', status: 'ok', durationMs: 5, files: [{ path, kind: 'update', added: 1, removed: 1 }] }
  })
}

function addNotice (host: HostDatabase, taskId: string, invocationId: number): void {
  host.raw.prepare(`INSERT INTO timeline_notice (notice_id, task_id, invocation_id, kind, data, created_at)
    VALUES (?, ?, ?, 'ended', '{}', ?)`).run(`n-${taskId}`, taskId, invocationId, new Date().toISOString())
  host.raw.prepare(`INSERT INTO timeline_advice (invocation_id, state, mark, task_id, step, after_ms, advised_at)
    VALUES (?, 'silent', 1, ?, 'stop', 1, ?)`).run(invocationId, taskId, new Date().toISOString())
}

t.test('what an earlier sweep has left of invocations and tasks goes at the next open', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  await migrate(host.path)
  const first = await openTimeline({ database: host.path })
  const runs = [await first.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })]
  runs.push(await first.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }))
  for (const run of runs) {
    edit(run, 'a.ts')
    await run.complete('done')
  }
  addNotice(host, 'a', runs[0]?.id as number)
  addNotice(host, 'gone', 4_000)
  await first.close()
  host.raw.exec(`DROP TRIGGER timeline_invocation_deleted; DELETE FROM task_invocations WHERE id = ${runs[0]?.id};
    DELETE FROM invocation_run WHERE invocation_id = ${runs[0]?.id}`)
  await open(t, host.path)
  t.equal(orphans(host), 0)
  t.equal(host.get('SELECT count(*) AS count FROM tool_call').count, 1)
  t.same(host.all('SELECT task_id FROM timeline_notice'), [{ task_id: 'a' }], 'its task is there')
})

/** The host's runner: each file in a transaction, a duplicate column ends the file and counts as success. */
function applyAsHost (raw: Database, statements: readonly string[]): void {
  raw.exec('BEGIN')
  for (const statement of statements) {
    try {
      raw.exec(statement)
    } catch (error) {
      if (!/duplicate column name|already exists/.test(String(error))) throw error
      break
    }
  }
  raw.exec('COMMIT')
}

const HOST_010 = [
  'ALTER TABLE task_invocations ADD COLUMN started_at_ms INTEGER',
  'ALTER TABLE task_invocations ADD COLUMN completed_at_ms INTEGER',
  "ALTER TABLE task_invocations ADD COLUMN status TEXT DEFAULT 'completed'",
  "UPDATE task_invocations SET started_at_ms = 1, completed_at_ms = 1, status = 'completed'"
]
const HOST_LATER = [
  ...['session_id TEXT', 'resumed_from_session_id TEXT', "invocation_mode TEXT DEFAULT 'fresh'", 'token_usage_json TEXT'],
  'last_activity_at_ms INTEGER', 'runner_id TEXT'
].map((column) => `ALTER TABLE task_invocations ADD COLUMN ${column}`)

for (const isOpen of [false, true]) {
  t.test(`the columns that the host's own later migrations add are filled ${isOpen ? 'while a timeline is open' : 'at the next open'}`, async (t) => {
    const host = new HostDatabase(t)
    fillLegacy(host)
    await migrate(host.path)
    let timeline = isOpen ? await open(t, host.path) : undefined
    applyAsHost(host.raw, HOST_010)
    applyAsHost(host.raw, HOST_LATER)
    t.equal(host.get('SELECT count(*) AS count FROM task_invocations WHERE started_at_ms IS NULL').count, 52,
      'its own backfill was skipped')
    timeline ??= await open(t, host.path)
    const empty = () => host.get('SELECT count(*) AS count FROM task_invocations WHERE started_at_ms IS NULL').count
    while (empty() > 0) await sleep(10)
    const wrong = host.all(`SELECT id FROM task_invocations WHERE completed_at_ms - started_at_ms <> duration_ms
      OR completed_at_ms <> unixepoch(created_at) * 1000 OR last_activity_at_ms IS NULL`)
    t.same(wrong, [])
    t.same(statusCounts(host), { completed: 47, failed: 3, timeout: 2 })
    const id = await timeline.logInvocation({ taskId: 'task-1', role: 'coder', provider: 'claude' }, async (run) => run.invocationId)
    const row = host.get('SELECT * FROM task_invocations WHERE id = ?', id)
    t.match(row, { status: 'completed', success: 1, started_at_ms: Number, completed_at_ms: Number, last_activity_at_ms: Number })
    t.equal(new Date(row.started_at_ms).toISOString(), row.started_at)
  })
}

t.test("a database that is at the host's latest schema keeps its own columns and gets the missing ones", async (t) => {
  const host = new HostDatabase(t, { version: 'head' })
  host.addTask('a')
  const start = Date.UTC(2026, 2, 24, 8)
  const times = { started_at_ms: start, completed_at_ms: start + 5_000, last_activity_at_ms: start + 4_000 }
  const at = { created_at: nowAsHost(start), task_id: 'a' }
  const ids = [
    host.addInvocation({ ...at, ...times, status: 'completed', duration_ms: 5_000 }),
    host.addInvocation({ ...at, ...times, status: 'failed', success: 0, duration_ms: 5_000, exit_code: 1, error: 'no' }),
    host.addInvocation({ ...at, ...times, status: 'timeout', success: 0, timed_out: 1, duration_ms: 5_000, exit_code: 143 }),
    host.addInvocation({ ...at, ...times, completed_at_ms: null, status: 'running', success: 0, duration_ms: 0 }),
    host.addInvocation({ ...at, ...times, completed_at_ms: null, status: 'failed', success: 0, duration_ms: 0 })
  ]
  const own = [...HOST_COLUMN_NAMES, 'status', 'started_at_ms', 'completed_at_ms', 'last_activity_at_ms', 'runner_id']
  const before = host.all(`SELECT ${own.join(', ')} FROM task_invocations`)
  await migrate(host.path)
  t.same(host.all(`SELECT ${own.join(', ')} FROM task_invocations`), before)
  const iso = (ms: number) => new Date(ms).toISOString()
  t.match(host.all('SELECT started_at, completed_at, last_activity_at FROM task_invocations ORDER BY id'), ids.map((_, index) => ({
    started_at: iso(start), completed_at: index < 3 ? iso(start + 5_000) : null, last_activity_at: iso(start + 4_000)
  })))
  const timeline = await open(t, host.path)
  const { invocations } = await timeline.listInvocations()
  t.same(invocations.map(({ status }) => status).reverse(), ['completed', 'failed', 'timeout', 'running', 'failed'])
  const added = host.get("SELECT added_columns FROM timeline_migration WHERE name = '010_invocation_lifecycle'").added_columns
  t.equal(added, 'started_at,completed_at,last_activity_at')
})

t.test('a host with integer task ids and a table of tasks of its own kind is served', async (t) => {
  const path = join(temporaryDirectory(t), 'other.db')
  const raw = openAsHost(path)
  t.teardown(() => { raw.close() })
  raw.exec('CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, status TEXT)')
  raw.exec("INSERT INTO tasks VALUES (7, 'Seven', 'open'), (8, 'Eight', 'open'), (1234567890123456789, 'Large', 'open')")
  await t.rejects(openTimeline({ database: path }), { code: 'AGENT_TIMELINE_NOT_MIGRATED' })
  await migrate(path)
  const timeline = await open(t, path)
  for (const taskId of [7, '8']) await timeline.logInvocation({ taskId, role: 'coder', provider: 'claude' }, async () => 'ok')
  t.equal((await timeline.getTimeline(7)).timeline.length, 2)
  t.match(await timeline.getTimeline('8'), { task: { id: '8', title: 'Eight', status: 'open' }, timeline: [{ taskId: '8' }, {}] })
  await t.rejects(timeline.getTimeline(9), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
  await t.rejects(timeline.getTimeline('7.0'), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
  // More digits than a number of JavaScript's has.
  const large = '1234567890123456789'
  await timeline.logInvocation({ taskId: large, role: 'coder', provider: 'claude' }, async () => 'ok')
  raw.exec(`INSERT INTO task_invocations (task_id, role, provider, model, prompt) VALUES (${large}, 'reviewer', 'codex', '', '')`)
  t.match(await timeline.getTimeline(large), { task: { id: large, title: 'Large' }, timeline: [{ taskId: large }, {}, {}, {}] })
  const { invocations } = await timeline.listInvocations({ taskId: large })
  t.match(invocations.find(({ role }) => role === 'reviewer'), { taskId: large, title: 'Large' })
  raw.exec('DELETE FROM tasks WHERE id = 7')
  t.equal((raw.prepare("SELECT count(*) AS count FROM timeline_event WHERE task_id = '7'").get() as any).count, 0)
})

t.test('an invocation of a task that an unrelated table of tasks does not have is not swept away', async (t) => {
  const path = join(temporaryDirectory(t), 'other.db')
  const raw = openAsHost(path)
  t.teardown(() => { raw.close() })
  raw.exec("CREATE TABLE tasks (id INTEGER PRIMARY KEY, chore TEXT); INSERT INTO tasks VALUES (1, 'shopping')")
  await migrate(path)
  const options = { database: path, taskExists: () => true }
  const first = await openTimeline(options)
  await first.logInvocation({ taskId: 'issue-12', role: 'coder', provider: 'claude' }, async () => 'ok')
  await first.recordTaskEvent({ taskId: 'issue-12', type: 'task.review', actor: 'me' })
  await first.close()
  const second = await openTimeline(options)
  t.teardown(() => second.close())
  t.equal((await second.getTimeline('issue-12')).timeline.length, 3)
})

t.test('an empty directory needs nothing but a name', async (t) => {
  const timeline = await open(t, join(temporaryDirectory(t), 'new.db'))
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude', title: 'First' }, async () => 'ok')
  t.match(await timeline.getTimeline('a'), { task: { id: 'a', title: 'First' }, timeline: [{ seq: 1 }, { seq: 2 }] })
})

function kyselyOn (raw: Database, plugins: CamelCasePlugin[] = []): Kysely<any> {
  return new Kysely({ dialect: new SqliteDialect({ database: raw }), plugins })
}

/** Columns, indexes and triggers; what differs in nothing but blanks is the same. */
function schemaOf (raw: Database): unknown {
  const objects = raw.prepare("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all()
  return objects.map((object: any) => ({
    ...object,
    sql: object.type === 'table' ? null : object.sql,
    columns: object.type === 'table' ? raw.pragma(`table_xinfo(${object.name})`) : null,
    indexes: object.type === 'table' ? raw.pragma(`index_list(${object.name})`) : null
  }))
}

t.test('down takes back what up added, and up can come again', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  const before = schemaOf(host.raw)
  const db = kyselyOn(host.raw)
  const { up, down } = migrations['010_invocation_lifecycle']
  await up(db)
  const after = schemaOf(host.raw)
  await down(db)
  t.same(schemaOf(host.raw), before)
  t.equal(host.get('SELECT count(*) AS count FROM task_invocations').count, 52)
  await up(db)
  t.same(schemaOf(host.raw), after)
  await migrate(host.path)
  checkDerived(t, host)
})

t.test("the host's own Migrator applies the migration, with plugins and under its own name", async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  const db = kyselyOn(host.raw, [new CamelCasePlugin()])
  const provider = { getMigrations: async () => ({ '2026_11_timeline': migrations['010_invocation_lifecycle'] }) }
  // It is in the main module up to Kysely 0.28, and in one of its own from 0.29 on.
  const place = await import('kysely/migration' as string).catch(async () => import('kysely' as string))
  const migrator: Pick<Migrator, 'migrateToLatest' | 'migrateDown'> = new place.Migrator({ db, provider })
  t.match(await migrator.migrateToLatest(), { error: undefined, results: [{ migrationName: '2026_11_timeline', status: 'Success' }] })
  await open(t, host.path)
  checkDerived(t, host)
  t.match(await migrator.migrateDown(), { error: undefined, results: [{ status: 'Success' }] })
  t.notOk(host.all('PRAGMA table_info(task_invocations)').some((column) => column.name === 'started_at'))
})

t.test('a column that the host has come to depend on stays when the migration is taken back', async (t) => {
  const host = new HostDatabase(t)
  await migrate(host.path)
  host.raw.exec('CREATE INDEX of_the_host ON task_invocations(task_id, status)')
  await migrations['010_invocation_lifecycle'].down(kyselyOn(host.raw))
  const columns = host.all('PRAGMA table_info(task_invocations)').map((column) => column.name)
  t.same(columns, [...HOST_COLUMN_NAMES, 'status'])
})

for (const engine of ['sqlite', 'postgres'] as const) {
  t.test(`the file for ${engine} says what the code does`, async (t) => {
    const file = readFileSync(new URL(`../../migrations/010_invocation_lifecycle.${engine}.sql`, import.meta.url), 'utf8')
    t.equal(file, renderSqlFile(engine))
  })
}

t.test('opening completes a database of an earlier version', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  await migrate(host.path)
  host.raw.exec('ALTER TABLE invocation_run DROP COLUMN progress')
  host.raw.exec(`DROP INDEX idx_invocation_run_status_started;
    CREATE INDEX idx_invocation_run_status ON invocation_run(status, invocation_id)`)
  const timeline = await open(t, host.path)
  const run = await timeline.startInvocation({ taskId: 'task-1', role: 'coder', provider: 'claude' })
  t.ok(run.id)
  t.equal(host.get('SELECT progress FROM invocation_run WHERE invocation_id = ?', run.id).progress, null)
  const indexes = host.all("SELECT name FROM sqlite_master WHERE name LIKE 'idx_invocation_run_status%'")
  t.same(indexes.map((index) => index.name), ['idx_invocation_run_status_started'])
  host.raw.exec('ALTER TABLE invocation_run DROP COLUMN progress')
  await migrate(host.path)
  t.ok(host.all('PRAGMA table_info(invocation_run)').some((column) => column.name === 'progress'))
})

t.test('the file makes the same schema as the code, of a legacy database and of an empty one', async (t) => {
  for (const isLegacy of [true, false]) {
    const [byFile, byCode] = [1, 2].map(() => {
      if (isLegacy) return new HostDatabase(t).raw
      const raw = new Sqlite(':memory:')
      t.teardown(() => { raw.close() })
      return raw
    }) as [Database, Database]
    byFile.exec(`BEGIN; ${renderSqlFile('sqlite')}; COMMIT`)
    await migrations['010_invocation_lifecycle'].up(kyselyOn(byCode))
    // SQL cannot look whether there is a table of tasks: its triggers are made at the first open.
    for (const name of ['deleted', 'added', 'changed']) byCode.exec(`DROP TRIGGER IF EXISTS timeline_task_${name}`)
    t.same(schemaOf(byFile), schemaOf(byCode))
    t.match(byFile.prepare('SELECT * FROM timeline_migration').all(), [{ name: '010_invocation_lifecycle', backfilled_at: null }])
  }
})

t.test('a timeline completes what the file could not do', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  host.raw.exec(renderSqlFile('sqlite'))
  const timeline = await open(t, host.path)
  checkDerived(t, host)
  t.equal((await timeline.getTimeline('task-1')).timeline.length, 8)
  host.deleteTask('task-1')
  t.equal(host.get("SELECT count(*) AS count FROM task_stream WHERE task_id = 'task-1'").count, 0)
})
