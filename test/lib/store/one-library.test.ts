import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Sqlite, { type Database } from 'better-sqlite3'
import fastify from 'fastify'
import { Kysely, SqliteDialect } from 'kysely'
import t, { type Test } from 'tap'
import { loadedLibraries } from '../../../lib/store/sqlite/loaded-libraries.js'
import { openTimeline, type DatabaseSource, type OpenOptions } from '../../../lib/open-timeline.js'
import { migrate } from '../../../lib/migrate.js'
import agentTimeline from '../../../plugins/agent-timeline.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const require = createRequire(import.meta.url)
const SECOND = { code: 'AGENT_TIMELINE_SECOND_SQLITE' }

const folder = temporaryDirectory(t)
const copy = copyOfBetterSqlite(join(folder, 'host'))
/** A better-sqlite3 of the host's, with a binary of its own: a second SQLite in this process. */
const HostSqlite = require(copy) as typeof Sqlite
new HostSqlite(':memory:').close()
let files = 0

function copyOfBetterSqlite (root: string): string {
  for (const name of ['better-sqlite3', 'bindings', 'file-uri-to-path']) {
    const from = packageFolder(name)
    if (from === undefined) continue
    cpSync(from, join(root, 'node_modules', name), {
      recursive: true, filter: (path) => !/\/(deps|src|obj|obj\.target|\.deps)$/.test(path)
    })
  }
  return join(root, 'node_modules/better-sqlite3')
}

function packageFolder (name: string): string | undefined {
  const path = join(ROOT, 'node_modules', name)
  return existsSync(path) ? path : undefined
}

interface HostDatabase {
  readonly path: string
  readonly host: Database
}

/** A database of the host's, open through its own copy. */
function hostDatabase (t: Test, Class = HostSqlite): HostDatabase {
  const path = join(folder, `${++files}.db`)
  const host = new Class(path)
  t.teardown(() => host.close())
  host.exec(`PRAGMA journal_mode = WAL; CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT, status TEXT);
    INSERT INTO tasks VALUES ('t', 'T', 'x')`)
  return { path, host }
}

function rowsSeenByAnother (path: string, ...tables: string[]): number {
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ')
  const script = `const db = new (require(${JSON.stringify(copy)}))(${JSON.stringify(path)})
    console.log(db.prepare('SELECT ${counts} AS n').get().n)`
  return Number(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }))
}

async function recordOne (database: DatabaseSource, more: Partial<OpenOptions> = {}): Promise<void> {
  const timeline = await openTimeline({ database, migrate: true, ...more })
  try {
    await timeline.logInvocation({ taskId: 't', role: 'coder', provider: 'p' }, async (run) => {
      run.onActivity({ type: 'output', message: 'hello', timestamp: new Date() })
      return 'done'
    })
  } finally {
    await timeline.close()
  }
}

/** The host goes on writing after our connections are closed; another process sees all of it. */
async function holds (t: Test, { path, host }: HostDatabase, database: DatabaseSource): Promise<void> {
  const wal = statSync(`${path}-wal`).ino
  await recordOne(database)
  t.equal(statSync(`${path}-wal`).ino, wal, 'the write-ahead log stays')
  for (let i = 0; i < 10; i++) host.exec(`INSERT INTO tasks VALUES ('${i}', 'T', 'x')`)
  t.equal(rowsSeenByAnother(path, 'tasks', 'invocation_activity'), 11 + 1)
}

t.test('both copies are seen, and a file that is none is not', async (t) => {
  const names = loadedLibraries(new Map())
  t.ok(names.some((name) => name.startsWith(copy)))
  new Sqlite(':memory:').close()
  t.equal(loadedLibraries(new Map()).length, 2)
})

t.test('a path to a database of the host is refused by every door, before anything is touched', async (t) => {
  const { path } = hostDatabase(t)
  const before = readdirSync(folder)
  await t.rejects(openTimeline({ database: path, migrate: true }), { ...SECOND, message: /Pass the open handle.*better_sqlite3|\.node/ })
  await t.rejects(migrate(path), SECOND)
  const app = fastify()
  t.teardown(() => app.close())
  app.register(agentTimeline, { database: path })
  await t.rejects(async () => { await app.ready() }, SECOND)
  t.same(readdirSync(folder), before)
})

t.test("with onUnavailable: 'warn' agents go on, unrecorded, and requests are told why", async (t) => {
  const { path } = hostDatabase(t)
  const before = readdirSync(folder)
  const logs = new Logs()
  const timeline = await openTimeline({ database: path, migrate: true, onUnavailable: 'warn', logger: logs })
  const meta = { taskId: 't', role: 'coder', provider: 'p' }
  const run = await timeline.startInvocation(meta)
  run.activity({ type: 'output', message: 'hello', timestamp: new Date() })
  t.equal(run.id, undefined)
  await t.rejects(run.complete('done'), SECOND)
  t.equal(await timeline.logInvocation(meta, async () => 'value'), 'value')
  await t.rejects(timeline.flush(), SECOND)
  await timeline.close()
  t.same(logs.warnings.map(({ code }) => code), [SECOND.code])
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(agentTimeline, { database: path, onUnavailable: 'warn' })
  t.match((await app.inject('/api/tasks/t/timeline')).json(), { ...SECOND, statusCode: 503 })
  t.same(readdirSync(folder), before)
})

t.test('a path to a database that the host has closed for now is refused, too, and left as it is', async (t) => {
  const path = join(folder, `${++files}.db`)
  const host = new HostSqlite(path)
  host.exec('CREATE TABLE tasks (id TEXT)')
  host.close()
  await t.rejects(openTimeline({ database: path, migrate: true }), SECOND)
  t.equal(rowsSeenByAnother(path, 'sqlite_master'), 1)
})

t.test('a file of our own is allowed, new and again, by two timelines at once, unless the host has it open', async (t) => {
  const path = join(folder, `${++files}.db`)
  await recordOne(path)
  const first = await openTimeline({ database: path })
  await recordOne(path)
  await first.close()
  t.equal(rowsSeenByAnother(path, 'invocation_activity'), 2)
  const host = new HostSqlite(path)
  t.teardown(() => host.close())
  await t.rejects(openTimeline({ database: path }), SECOND)
})

t.test('a handle is opened again through its own copy', async (t) => {
  const database = hostDatabase(t)
  await holds(t, database, database.host)
})

t.test('a path is opened through the copy that a timeline has it open with already', async (t) => {
  const database = hostDatabase(t)
  const timeline = await openTimeline({ database: database.host, migrate: true })
  await holds(t, database, database.path)
  await timeline.close()
})

t.test('a handle of a subclass, one behind a wrapper, and one in the middle of a query', async (t) => {
  class Named extends (HostSqlite as any) {
    constructor (options: { file: string }) { super(options.file) }
  }
  const database = hostDatabase(t, function (file: string) { return new Named({ file }) } as any)
  await holds(t, database, database.host)

  const wrapped = hostDatabase(t)
  const { host } = wrapped
  await holds(t, wrapped, {
    name: wrapped.path,
    memory: false,
    inTransaction: false,
    prepare: (text: string) => host.prepare(text),
    pragma: (text: string, options?: object) => host.pragma(text, options),
    close () {}
  } as never)

  const busy = hostDatabase(t)
  const rows = busy.host.prepare('SELECT * FROM tasks').iterate()
  rows.next()
  const timeline = await openTimeline({ database: busy.host, migrate: false, create: false }).catch(({ code }) => code)
  rows.return?.()
  t.equal(timeline, 'AGENT_TIMELINE_NOT_MIGRATED')
})

t.test('a Kysely on the copy of the host, and several at once', async (t) => {
  const database = hostDatabase(t)
  const kysely = new Kysely<any>({ dialect: new SqliteDialect({ database: database.host }) })
  await holds(t, database, kysely)
  const timelines = await Promise.all([database.host, kysely, kysely, database.host].map(
    (source) => openTimeline({ database: source as DatabaseSource })))
  for (const timeline of timelines) await timeline.close()
})

t.test('the signs of life of a run come from a thread with the copy of the host', async (t) => {
  const { path, host } = hostDatabase(t)
  const logs = new Logs()
  const timeline = await openTimeline({ database: host, migrate: true, runnerHeartbeatIntervalMs: 100, logger: logs })
  await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'p' })
  const beat = () => (host.prepare('SELECT heartbeat_at AS at FROM invocation_run').get() as { at: string }).at
  const mapped = () => loadedLibraries(new Map()).length
  for (let last = beat(), changes = 0; changes < 3;) {
    await pause(10)
    if (beat() !== last) changes++
    last = beat()
  }
  t.equal(mapped(), 2)
  t.notOk(logs.lines.some(({ message }) => message.includes('no thread')))
  await timeline.close()
  t.ok(existsSync(`${path}-wal`), 'the host has it open')
})

t.test('another copy that opens the file later is reported once, and nothing of it is lost when the timeline closes', async (t) => {
  const path = join(folder, `${++files}.db`)
  const logs = new Logs()
  const timeline = await openTimeline({ database: path, logger: logs, runnerHeartbeatIntervalMs: 100 })
  await timeline.recordTaskEvent({ taskId: 't', type: 'task.started', actor: 'x' }).catch(() => {})
  await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'p' })
  const host = new HostSqlite(path)
  t.teardown(() => host.close())
  host.exec('CREATE TABLE notes (text TEXT)')
  const told = () => logs.warnings.filter(({ code }) => code === SECOND.code).length
  while (told() === 0) await pause(10)
  await pause(250)
  t.equal(told(), 1)
  const wal = statSync(`${path}-wal`).ino
  await timeline.close()
  t.equal(statSync(`${path}-wal`).ino, wal)
  for (let i = 0; i < 10; i++) host.exec('INSERT INTO notes VALUES (1)')
  t.equal(rowsSeenByAnother(path, 'notes'), 10)
})

t.test('what is no open handle is a coded error that says what to give', async (t) => {
  const { path, host } = hostDatabase(t)
  const closed = new HostSqlite(path)
  closed.close()
  const unsupported = { code: 'AGENT_TIMELINE_UNSUPPORTED_DATABASE' }
  await t.rejects(openTimeline({ database: closed as never }), { ...unsupported, message: /the handle is closed/ })
  await t.rejects(openTimeline({ database: { client: host } as never }), { ...unsupported, message: /DatabaseSync/ })
  for (const options of [path, undefined, null, [path]]) {
    await t.rejects(openTimeline(options as never), { code: 'AGENT_TIMELINE_INVALID_OPTION', message: /an object that has it/ })
  }
})

t.test('a handle in memory is shared', async (t) => {
  const host = new HostSqlite(':memory:')
  const timeline = await openTimeline({ database: host })
  await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'p' })
  t.equal(host.prepare('SELECT count(*) AS n FROM invocation_run').pluck().get(), 1)
  await timeline.close()
  t.ok(host.open)
  host.close()
})

t.test('a link to a database and the database ring one bell', async (t) => {
  const path = join(folder, `${++files}.db`)
  const link = join(folder, `${files}-link.db`)
  symlinkSync(path, link)
  const timelines = [await openTimeline({ database: link }), await openTimeline({ database: path })]
  for (const timeline of timelines) await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'p' })
  t.ok(existsSync(`${path}-bell`))
  t.notOk(existsSync(`${link}-bell`))
  for (const timeline of timelines) await timeline.close()
})

t.test('a table that has our name and lacks our columns is told as such, whoever asks to migrate', async (t) => {
  const path = join(folder, `${++files}.db`)
  const host = new HostSqlite(path)
  t.teardown(() => host.close())
  host.exec('CREATE TABLE task_invocations (something TEXT)')
  await t.rejects(openTimeline({ database: host, migrate: true }), {
    code: 'AGENT_TIMELINE_UNSUPPORTED_DATABASE', message: /lacks the column \w+, which migration 010 does not add/
  })
})

t.test('all that was acknowledged is there after kill -9, and after another process wrote', (t) => {
  const options = JSON.stringify({ library: copy, file: join(folder, `${++files}.db`), as: 'recorder', source: 'handle', end: 'second' })
  const play = (script: string) => spawnSync(process.execPath, [join(ROOT, 'test/hosts', script), options], { encoding: 'utf8' })
  const { stdout, stderr, signal } = play('host.mjs')
  t.equal(signal, 'SIGKILL', stderr)
  t.match(JSON.parse(play('look.mjs').stdout), { ...JSON.parse(stdout), isWhole: true })
  t.end()
})

/** A host beside whose copy of this package another better-sqlite3 is installed. @returns the package's folder */
function install (name: string, manifest?: object, index = ''): string {
  const root = join(folder, 'installed', name)
  const ours = join(root, 'node_modules/fastify-agent-timeline')
  mkdirSync(ours, { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(ours, 'package.json'))
  for (const part of ['dist/lib', 'dist/migrations', 'dist/plugins']) cpSync(join(ROOT, part), join(ours, part), { recursive: true })
  for (const dependency of ['kysely', 'fastify', 'fastify-plugin', '@fastify', 'cross-spawn']) {
    symlinkSync(join(ROOT, 'node_modules', dependency), join(root, 'node_modules', dependency))
  }
  if (manifest !== undefined) {
    const better = join(root, 'node_modules/better-sqlite3')
    mkdirSync(better)
    writeFileSync(join(better, 'package.json'), JSON.stringify({ name: 'better-sqlite3', ...manifest }))
    writeFileSync(join(better, 'index.js'), index)
  }
  return ours
}

t.test('a better-sqlite3 that is missing, too new or unbuilt ends nothing, and has a code of its own', (t) => {
  const tooNew = install('new', { version: '99.0.0', engines: { node: '>=99' } }, 'process.abort()')
  const unbuilt = install('unbuilt', { version: '12.0.0', engines: { node: '20.x || 99.x' } },
    "module.exports = class { constructor () { throw new Error('Could not locate the bindings file') } }")
  const cwd = join(folder, 'installed')
  writeFileSync(join(cwd, 'host.mjs'), `
    const codes = []
    for (const folder of process.argv.slice(2)) {
      await import(folder + '/dist/lib/migrate.js')
      const { openTimeline } = await import(folder + '/dist/lib/open-timeline.js')
      await openTimeline({ database: 'x.db' }).catch((error) => codes.push(error.code))
    }
    console.log(codes.join())`)
  const folders = [install('missing'), tooNew, unbuilt]
  t.equal(execFileSync(process.execPath, ['host.mjs', ...folders], { cwd, encoding: 'utf8' }).trim(),
    'AGENT_TIMELINE_SQLITE_MISSING,AGENT_TIMELINE_SQLITE_TOO_NEW,AGENT_TIMELINE_SQLITE_UNBUILT')
  const command = [join(tooNew, 'dist/plugins/cli/command-line.js'), 'run', '--database', 'x.db', '--task', 't', '--role', 'r']
  t.match(spawnSync(process.execPath, [...command, '--', 'echo', 'hi'], { cwd, encoding: 'utf8' }), { status: 0, stdout: 'hi\n' })
  t.end()
})
