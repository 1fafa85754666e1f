import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import pg from 'pg'
import t, { type Test } from 'tap'
import { silentLogger } from '../../../lib/logger.js'
import { migrate, moveTimeline } from '../../../lib/migrate.js'
import { openTimeline, type Timeline } from '../../../lib/open-timeline.js'
import { CARRIED_TABLES } from '../../../lib/store/transfer/carried-tables.js'
import { OWN_TABLES } from '../../../migrations/statements.js'
import agentTimeline from '../../../plugins/agent-timeline.js'
import { SseClient } from '../../plugins/sse-client.js'
import { fillLegacy, HostDatabase, temporaryDirectory } from '../../support/host-database.js'
import { startPostgres } from '../../support/postgres.js'

t.setTimeout(300_000)
const server = await startPostgres(t)
const CLI = fileURLToPath(new URL('../../../dist/plugins/cli/command-line.js', import.meta.url))

function runCli (...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }))
  return { child, ended }
}

async function connectTo (t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  return client
}

async function serve (t: Test, database: string): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(agentTimeline, { database, monitoring: { activityLogRetention: 0 } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app
}

/** Everything that is asked of a task, as it is answered. */
async function answers (app: FastifyInstance, taskIds: readonly string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  const paths = [
    'invocations?limit=1000', 'timeline/tasks', 'timeline/usage?by=model',
    ...taskIds.flatMap((id) => [
      `tasks/${id}/timeline?limit=5000`, `timeline/tasks/${id}/summary`, `timeline/tasks/${id}/calls?limit=500`, `timeline/tasks/${id}/overview`
    ])
  ]
  for (const path of paths) {
    const answer = await app.inject({ url: `/api/${path}` })
    // Of the log as it is: a state that is counted from now on moves meanwhile, and cursors hold the time of asking.
    // PostgreSQL has no NUL.
    found[path] = JSON.parse(answer.body, (name, value) => {
      if (/^(elapsedMs|since|health|nextCursor|recent|.*Ms)$/.test(name)) return undefined
      return typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value
    })
  }
  return found
}

const say = (message: string, metadata?: Record<string, unknown>) =>
  ({ type: 'progress' as const, message, timestamp: new Date(), ...(metadata && { metadata }) })

async function record (timeline: Timeline, taskId: string, calls: number): Promise<void> {
  await timeline.logInvocation({ taskId, title: 'Fix "it"', role: 'coder', provider: 'claude', model: 'm', prompt: 'Überall \u{1F600}' }, async (run) => {
    for (let at = 0; at < calls; at++) {
      const call = { callId: `c${at}`, tool: 'Bash', toolKind: 'shell', input: { z: 1, a: [1.50, { 10: 'x', 2: 'y' }], command: `ls ${at}` } }
      const message = `exec: ls ${at}`
      run.onActivity({ type: 'tool_exec', message, timestamp: new Date(), metadata: { ...call, phase: 'start' } })
      run.onActivity({ type: 'tool_exec', message, timestamp: new Date(), metadata: { ...call, phase: 'end', status: at % 3 === 0 ? 'error' : 'ok', exitCode: 0, result: 'a\u0000b \ud800' } })
    }
    return { success: true, response: 'done', usage: { inputTokens: 3, outputTokens: 4, costUsd: 0.25 } }
  })
  await timeline.recordTaskEvent({ taskId, type: 'task.review', actor: 'me', message: 'look' })
  await timeline.flush()
}

t.test('a timeline that is carried to PostgreSQL, by a process that is killed in the middle, answers as before', async (t) => {
  const host = new HostDatabase(t)
  fillLegacy(host)
  host.addTask('a', 'in_progress', 'A title\u0000')
  host.addAudit('a', null, 'pending', 'somebody\u0000else', '2026-02-03 08:00:00')
  host.addAudit('a', 'pending', 'in_progress', 'orchestrator', '2026-02-03 08:00:01')
  await migrate(host.path)
  const timeline = await openTimeline({ database: host.path, logger: silentLogger })
  t.teardown(() => timeline.close())
  await record(timeline, 'a', 1_500)
  await timeline.logInvocation({ taskId: 'a', role: 'reviewer', provider: 'codex' }, async () => { throw new Error('API Error: 500') }).catch(() => {})
  const taskIds = ['a', ...Array.from({ length: 14 }, (_, index) => `task-${index}`)]
  const before = await serve(t, host.path)
  const expected = await answers(before, taskIds)
  const viewer = await SseClient.open(before, '/api/tasks/a/stream')
  await viewer.untilSeq(500)
  const cursor = viewer.lastId as string
  const numberOfCursor = viewer.seqs.at(-1) as number
  await timeline.close()
  await before.close()

  const url = await server.createDatabase()
  await (await openTimeline({ database: url, logger: silentLogger })).close()
  const client = await connectTo(t, url)
  // Somebody holds a row in the middle: the copy comes to it and no further.
  await client.query(`SELECT pg_advisory_lock(1700);
    CREATE FUNCTION hold() RETURNS trigger AS $$ BEGIN PERFORM pg_advisory_xact_lock(1700); RETURN NEW; END $$ LANGUAGE plpgsql;
    CREATE TRIGGER hold BEFORE INSERT ON invocation_activity FOR EACH ROW WHEN (NEW.id = 1700) EXECUTE FUNCTION hold()`)
  const first = runCli('migrate', '--from', host.path, '--to', url)
  const watcher = await connectTo(t, url)
  const copied = async () => Number((await watcher.query('SELECT count(*) FROM invocation_activity')).rows[0].count)
  while (await copied() < 1_500) {
    if (first.child.exitCode !== null) throw new Error((await first.ended).stderr)
    await sleep(20)
  }
  first.child.kill('SIGKILL')
  t.match(await first.ended, { signal: 'SIGKILL', stdout: '' })
  await client.query('SELECT pg_advisory_unlock(1700)')
  t.equal(await copied(), 1_500, 'what was carried is there, and no more')

  const { code, stdout, stderr } = await runCli('migrate', '--from', host.path, '--to', url).ended
  t.equal(code, 0, stderr)
  t.match(stdout, /host\.db was carried to postgres:\/\/127\.0\.0\.1.*tasks 15.*invocation_activity 3000.*\nBoth have the same rows: sha256 [0-9a-f]{64}\n$/)
  t.notMatch(stdout, /admin/)
  const again = await moveTimeline({ from: host.path, to: url })
  t.ok(stdout.includes(again.sha256), 'and once more changes nothing')

  const after = await serve(t, url)
  const actual = await answers(after, taskIds)
  for (const path of Object.keys(expected)) t.same(actual[path], expected[path], path)

  const resumed = await SseClient.open(after, '/api/tasks/a/stream', { 'last-event-id': cursor })
  t.teardown(() => resumed.destroy())
  const recorder = await openTimeline({ database: url, logger: silentLogger })
  t.teardown(() => recorder.close())
  const head = (expected['tasks/a/timeline?limit=5000'] as any).page.headSeq as number
  const id = await recorder.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async ({ invocationId }) => invocationId as number)
  await recorder.flush()
  await resumed.untilSeq(head + 2)
  t.same(resumed.seqs, Array.from({ length: head + 2 - numberOfCursor }, (_, index) => numberOfCursor + 1 + index))
  t.same(resumed.frames.filter(({ data }) => data.type === 'timeline.gap'), [])
  t.ok(id > Math.max(...host.all('SELECT id FROM task_invocations').map((row) => row.id)), 'ids go on, too')

  await t.rejects(moveTimeline({ from: host.path, to: url }), { code: 'AGENT_TIMELINE_TARGET_IN_USE', message: /a recorder has written there/ })
})

t.test('what is written and deleted between two attempts is carried and deleted, too', async (t) => {
  const from = join(temporaryDirectory(t), 'x.db')
  const url = await server.createDatabase()
  const timeline = await openTimeline({ database: from, logger: silentLogger })
  t.teardown(() => timeline.close())
  for (const taskId of ['a', 'b', 'c']) await record(timeline, taskId, 5)
  const first = await moveTimeline({ from, to: url })
  t.match(first.rows, { task_stream: 3, invocation_activity: 30, tool_call: 15 })
  const running = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  running.activity(say('still at it'))
  await timeline.deleteTask('b')
  await timeline.close()
  const seen: string[] = []
  const second = await moveTimeline({ from, to: url, onProgress: (table) => { seen.push(table) } })
  t.match(second.rows, { task_stream: 2, invocation_activity: 21, tool_call: 10, task_invocations: 3 })
  t.not(second.sha256, first.sha256)
  t.ok(seen.includes('invocation_activity'))
  const carried = await openTimeline({ database: url, logger: silentLogger })
  t.teardown(() => carried.close())
  t.same((await carried.getTimeline('b')).timeline, [])
  t.match((await carried.getTimeline('a', { before: 'end', limit: 2 })).timeline, [{ activity: 'still at it' }, { reason: 'closed' }])
})

t.test('a table of the host\'s keeps its rows and columns, and gets those that are missing', async (t) => {
  const host = new HostDatabase(t)
  for (const id of ['1', '2']) host.addTask(id)
  host.addInvocation({ task_id: '1' })
  await migrate(host.path)
  const url = await server.createDatabase()
  const client = await connectTo(t, url)
  await client.query(`CREATE TABLE tasks (id bigint PRIMARY KEY, title varchar(80) NOT NULL, status text NOT NULL, more boolean DEFAULT true);
    INSERT INTO tasks VALUES (1, 'As it is here', 'completed')`)
  await moveTimeline({ from: host.path, to: url })
  t.same((await client.query('SELECT * FROM tasks ORDER BY id')).rows, [
    { id: '1', title: 'As it is here', status: 'completed', more: true }, { id: '2', title: 'Title of 2', status: 'in_progress', more: true }
  ])
  host.addTask('3', 'in_progress', 'x'.repeat(81))
  await t.rejects(moveTimeline({ from: host.path, to: url }), { code: 'AGENT_TIMELINE_COPY_REFUSED', message: /tasks .*too long/ })
  host.addTask('not a number')
  await t.rejects(moveTimeline({ from: host.path, to: url }), {
    code: 'AGENT_TIMELINE_COPY_REFUSED', message: /tasks .*not a number: id is "not a number", which is no bigint/
  })
})

t.test('every table of the timeline is carried over, but the record of the migration', (t) => {
  const carried = CARRIED_TABLES.map(({ name }) => name)
  t.same(OWN_TABLES.filter((name) => !carried.includes(name)), ['timeline_migration'])
  t.end()
})

t.test('what is not to be carried over is refused, and nothing of it changed', async (t) => {
  const folder = temporaryDirectory(t)
  const files = ['x.db', 'y.db'].map((name) => join(folder, name))
  for (const [index, database] of files.entries()) {
    const timeline = await openTimeline({ database, logger: silentLogger })
    await record(timeline, `task-${index}`, 1)
    await timeline.close()
  }
  const [one = '', other = ''] = files
  const url = await server.createDatabase()
  await moveTimeline({ from: one, to: url })
  await t.rejects(moveTimeline({ from: other, to: url }), { code: 'AGENT_TIMELINE_TARGET_IN_USE', message: /another file/ })
  const used = await server.createDatabase()
  const timeline = await openTimeline({ database: used, logger: silentLogger })
  await record(timeline, 'mine', 1)
  await timeline.close()
  await t.rejects(moveTimeline({ from: one, to: used }), { code: 'AGENT_TIMELINE_TARGET_IN_USE', message: /task_stream has rows/ })
  const theirs = await server.createDatabase()
  const client = await connectTo(t, theirs)
  await client.query(readFileSync(new URL('../../../migrations/010_invocation_lifecycle.postgres.sql', import.meta.url), 'utf8'))
  await client.query("INSERT INTO task_invocations (task_id, role, provider, model, prompt) VALUES ('theirs', 'coder', 'codex', 'm', 'p')")
  await t.rejects(moveTimeline({ from: one, to: theirs }), { code: 'AGENT_TIMELINE_TARGET_IN_USE', message: /task_invocations 1 is another one/ })
  t.match((await client.query('SELECT task_id FROM task_invocations')).rows, [{ task_id: 'theirs' }])
  await t.rejects(moveTimeline({ from: one, to: server.urlOf('no_such') }), { code: 'AGENT_TIMELINE_DATABASE_MISSING', message: /no_such/ })
  await t.rejects(moveTimeline({ from: one, to: other }), { code: 'AGENT_TIMELINE_INVALID_OPTION', message: /to is a postgres/ })
  await t.rejects(moveTimeline({ from: url, to: url }), { code: 'AGENT_TIMELINE_INVALID_OPTION', message: /from is the path/ })
  await t.rejects(moveTimeline({ from: one, to: url, signal: AbortSignal.abort() }), { code: 'AGENT_TIMELINE_CLOSED' })
})
