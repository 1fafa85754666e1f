import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import t, { type Test } from 'tap'
import { hostOpener } from '../../../lib/host/open-host.js'
import { createAuditSource } from '../../../lib/host/task-events.js'
import { silentLogger } from '../../../lib/logger.js'
import { migrate, migrations } from '../../../lib/migrate.js'
import { openTimeline, type InvocationHandle, type OpenOptions, type Timeline, type TimelineEvent } from '../../../lib/open-timeline.js'
import { openPostgresDatabase } from '../../../lib/store/postgres/open-store.js'
import { createNoticeStore } from '../../../lib/store/sql/notices.js'
import { renderSqlFile } from '../../../migrations/sql-file.js'
import agentTimeline from '../../../plugins/agent-timeline.js'
import { checkAdvice } from '../../support/advice.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'
import { checkWebhook } from '../../support/notices.js'
import { startPostgres } from '../../support/postgres.js'

const server = await startPostgres(t)
const META = { taskId: 'a', role: 'coder', provider: 'claude' }

async function open (t: Test, database: OpenOptions['database'], options: Partial<OpenOptions> = {}): Promise<Timeline> {
  const timeline = await openTimeline({ database, logger: silentLogger, ...options })
  t.teardown(() => timeline.close())
  return timeline
}

async function openNoticeStore (t: Test, database: string) {
  const openHost = hostOpener({ taskEvents: createAuditSource(Date.now), now: Date.now, clean: (text) => text })
  const opened = await openPostgresDatabase(database, { migrate: false, openHost })
  t.teardown(() => opened.close())
  return createNoticeStore(opened)
}

async function log (timeline: Timeline, taskId: string, count: number, first = 0): Promise<number> {
  const run = await timeline.startInvocation({ ...META, taskId })
  for (let at = first; at < first + count; at++) run.activity({ type: 'progress', message: `${at}`, timestamp: new Date() })
  await run.complete('done')
  return run.id as number
}

/** Follows a task until it has so many events. */
async function follow (timeline: Timeline, taskId: string, count: number): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = []
  for await (const event of timeline.events({ taskId })) {
    events.push(event)
    if (events.length === count) break
  }
  return events
}

/** Ends a run, however long the server was away. */
async function completed (timeline: Timeline, run: InvocationHandle): Promise<void> {
  await run.complete('done').catch(() => {})
  while (await timeline.flush().then(() => false, () => true));
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** A way to the server that can be cut. */
async function openProxy (t: Test) {
  const pairs = new Set<readonly [Socket, Socket]>()
  let isHolding: (text: string) => boolean = () => false
  const proxy = createServer((near) => {
    const far = connect(server.port, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    const drop = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    near.on('data', (bytes) => { far.write(bytes) })
    far.on('data', (bytes) => {
      if (isHolding(bytes.toString('latin1'))) drop()
      else near.write(bytes)
    })
    for (const socket of pair) socket.on('error', drop).on('close', drop)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    proxy.close()
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  })
  return {
    port: (proxy.address() as AddressInfo).port,
    cutAll () { for (const pair of [...pairs]) for (const socket of pair) socket.destroy() },
    /** Cuts instead of handing on what the server says next, if that is of a kind. */
    cutAt (test: (text: string) => boolean) { isHolding = test }
  }
}

t.test('an address, a Pool and a Kysely are one database, and each hears of what the others wrote', async (t) => {
  const url = await server.createDatabase()
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 6 }) })
  const kysely = new Kysely<any>({ dialect })
  t.teardown(async () => { await Promise.all([pool.end(), kysely.destroy()]) })
  const timelines = [await open(t, url), await open(t, pool), await open(t, kysely)]
  const following = timelines.map((timeline) => follow(timeline, 'a', 15))
  for (const timeline of timelines) await log(timeline, 'a', 3)
  for (const events of await Promise.all(following)) t.same(events.map(({ seq }) => seq), upTo(15))
  const [first, ...others] = await Promise.all(timelines.map(async (timeline) => ({
    timeline: await timeline.getTimeline('a'),
    runs: await timeline.listInvocations(),
    summary: await timeline.getSummary('a'),
    run: await timeline.getInvocation(1)
  })))
  for (const other of others) t.same(other, first)
  t.equal((await pool.query('SELECT 1 AS one')).rows[0].one, 1, 'the pool stays its owner\'s')
})

t.test('times are timestamptz, JSON is jsonb, and a text of any kind is stored', async (t) => {
  const url = await server.createDatabase()
  const timeline = await open(t, url)
  const run = await timeline.startInvocation({ ...META, prompt: 'nul \0, half \ud800', title: 'tit\0le' })
  run.activity({ type: 'output', message: 'a\0b \udfff \u2028', timestamp: new Date(), metadata: { kind: 'x\0', deep: { '\0': '\ud83d' } } })
  run.activity({
    type: 'tool_exec',
    message: 'exec: ls',
    timestamp: new Date(),
    metadata: { callId: 'c\0', phase: 'start', tool: 'Bash', input: { command: 'ls \ud800' } }
  })
  run.activity({
    type: 'tool_exec', message: 'exec: ls', timestamp: new Date(), metadata: { callId: 'c\0', phase: 'end', status: 'error', durationMs: 12.5, result: '\0' }
  })
  const long = Array.from({ length: 900 }, (_, at) => String.fromCharCode(0x4e00 + (at * 7919) % 20_000)).join('')
  run.activity({
    type: 'tool_exec', message: `exec: ${long} x`, timestamp: new Date(), metadata: { callId: 'long', phase: 'start', tool: 'Bash', toolKind: 'shell' }
  })
  run.activity({
    type: 'tool_exec',
    message: 'Edit',
    timestamp: new Date(),
    metadata: { callId: 'long', phase: 'end', status: 'ok', files: [{ path: `/${long}`, kind: 'update', added: 1, removed: 1 }] }
  })
  await run.complete({ success: true, response: 'r\0', usage: { inputTokens: 1.5, outputTokens: 1e300, costUsd: 0.25 } })
  t.match((await timeline.getTimeline('a')).timeline, [{ seq: 1 }, { seq: 2, activity: 'a\ufffdb \ufffd \u2028' }, { seq: 3 }, { seq: 4 }, { seq: 5 }, { seq: 6 }, { seq: 7 }])
  t.match(await timeline.getInvocation(run.id as number), { status: 'completed', response: 'r\ufffd' })
  t.match(await timeline.getSummary('a'), { filesTotal: 1 })
  const types = await server.admin(`SELECT table_name || '.' || column_name AS name, data_type AS type, is_identity AS identity
    FROM information_schema.columns WHERE table_name IN ('invocation_activity', 'task_invocations')`, new URL(url).pathname.slice(1))
  const typeOf = (name: string) => types.find((row) => row.name === name)
  t.match(typeOf('invocation_activity.created_at'), { type: 'timestamp with time zone' })
  t.match(typeOf('invocation_activity.metadata'), { type: 'jsonb' })
  t.match(typeOf('invocation_activity.id'), { type: 'bigint', identity: 'YES' })
  t.match(typeOf('task_invocations.started_at'), { type: 'timestamp with time zone' })
})

t.test('a host with tables of its own, in a schema with a name of any kind, is migrated once by many, and goes on', async (t) => {
  const url = await server.createDatabase({ schema: 'My Host' })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query(`
    CREATE TABLE tasks (id text PRIMARY KEY, title text, status text NOT NULL);
    CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id text NOT NULL REFERENCES tasks(id), from_status text,
      to_status text NOT NULL, actor text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE task_invocations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id text NOT NULL REFERENCES tasks(id),
      role text NOT NULL, provider text NOT NULL, model text NOT NULL, prompt text NOT NULL, response text, error text,
      exit_code integer NOT NULL DEFAULT 0, duration_ms integer NOT NULL DEFAULT 0, success boolean NOT NULL DEFAULT false,
      timed_out boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO tasks VALUES ('a', 'First', 'review'), ('b', 'Second', 'in_progress');
    INSERT INTO audit (task_id, from_status, to_status, actor, created_at) VALUES
      ('a', NULL, 'pending', 'me', now() - interval '9 min'), ('a', 'pending', 'in_progress', 'me', now() - interval '8 min'),
      ('a', 'in_progress', 'review', 'me', now() - interval '1 min');
    INSERT INTO task_invocations (task_id, role, provider, model, prompt, response, duration_ms, success, created_at)
      VALUES ('a', 'coder', 'claude', 'm', 'do it', 'did it', 60000, true, now() - interval '2 min')`)
  await t.rejects(openTimeline({ database: url, logger: silentLogger }), { code: 'AGENT_TIMELINE_NOT_MIGRATED' })
  const reports = await Promise.all(upTo(6).map(() => migrate(url)))
  t.ok(reports.some(({ wasApplied }) => wasApplied))
  t.match(await migrate(url), { wasApplied: false })

  const [one, other] = [await open(t, url), await open(t, url)]
  const timelines = await Promise.all([one, other, one, other].map((timeline) => timeline.getTimeline('a')))
  for (const { timeline } of timelines) {
    t.same(timeline.map(({ seq, type }) => [seq, type]), [
      [1, 'task.pending'], [2, 'task.started'], [3, 'invocation.started'], [4, 'invocation.completed'], [5, 'task.review']
    ], 'once, whoever reads first')
  }
  t.match(timelines[0]?.task, { id: 'a', title: 'First', status: 'review' })
  t.match((await one.listInvocations()).invocations, [{ status: 'completed', success: true, duration: 60_000, title: 'First' }])
  const id = await log(one, 'b', 2)
  t.match((await client.query('SELECT success, status, timed_out FROM task_invocations WHERE id = $1', [id])).rows, [{ success: true, status: 'completed' }])

  const logger = new Logs()
  const recording = await open(t, url, { logger })
  await log(recording, 'nobody', 1).catch(() => {})
  await recording.flush()
  t.ok(logger.lines.some(({ code }) => code === 'AGENT_TIMELINE_UNKNOWN_TASK'))

  await client.query("SET search_path TO public; DELETE FROM \"My Host\".audit; DELETE FROM \"My Host\".task_invocations; DELETE FROM \"My Host\".tasks WHERE id = 'a'")
  await client.query('SET search_path TO "My Host"')
  t.equal((await client.query("SELECT 1 FROM timeline_event WHERE task_id = 'a'")).rowCount, 0, 'our rows go with the host\'s')
  await t.rejects(one.getTimeline('a'), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })

  await Promise.all([one, other, recording].map((timeline) => timeline.close()))
  const kysely = new Kysely<any>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) })
  await migrations['010_invocation_lifecycle'].down(kysely)
  await kysely.destroy()
  const { rows } = await client.query('SELECT relname FROM pg_class WHERE relnamespace = \'"My Host"\'::regnamespace AND relkind = \'r\' ORDER BY 1')
  t.same(rows.map(({ relname }) => relname), ['audit', 'task_invocations', 'tasks'])
  await client.query('UPDATE tasks SET title = title')
})

t.test('a host with numbers for ids has tasks of any number, and no invocation of a number that its column cannot hold', async (t) => {
  const url = await server.createDatabase()
  const large = '1234567890123456789'
  await server.admin(`
    CREATE TABLE tasks (id bigint PRIMARY KEY, title text, status text NOT NULL);
    CREATE TABLE task_invocations (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks(id),
      role text NOT NULL, provider text NOT NULL, model text NOT NULL, prompt text NOT NULL, response text, error text,
      exit_code integer NOT NULL DEFAULT 0, duration_ms integer NOT NULL DEFAULT 0, success boolean NOT NULL DEFAULT false,
      timed_out boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO tasks VALUES (${large}, 'Large', 'in_progress');
    INSERT INTO task_invocations (task_id, role, provider, model, prompt) VALUES (${large}, 'coder', 'claude', 'm', 'do it')`,
  new URL(url).pathname.slice(1))
  const timeline = await open(t, url, { migrate: true })
  await log(timeline, large, 1)
  t.match(await timeline.getTimeline(large), { task: { id: large, title: 'Large' }, page: { headSeq: 5 } })
  t.match((await timeline.listInvocations()).invocations, [{ taskId: large, title: 'Large' }, { taskId: large, title: 'Large' }])
  t.equal(await timeline.getInvocation(Number.MAX_SAFE_INTEGER), undefined)
  await t.rejects(timeline.listTasks({ q: '\0' }), { code: 'AGENT_TIMELINE_INVALID_QUERY' })
})

t.test('who may only delete invocations does nothing else with the rights of who migrated', async (t) => {
  const url = `${await server.createDatabase({ schema: 'My Host' })},public`
  const timeline = await open(t, url)
  const runs = [await log(timeline, 'a', 1), await log(timeline, 'a', 1), await log(timeline, 'a', 1)]
  const database = new URL(url).pathname.slice(1)
  await server.admin(`CREATE ROLE intruder LOGIN; GRANT USAGE ON SCHEMA "My Host" TO intruder;
    GRANT SELECT, DELETE ON "My Host".task_invocations TO intruder`, database)
  /** A table of the session's own in the place of ours, and who wrote to it. */
  const intrude = async (run: number | undefined) => {
    const client = new pg.Client({ connectionString: url.replace('admin@', 'intruder@') })
    await client.connect()
    await client.query(`CREATE TEMP TABLE seen (name text); CREATE TEMP TABLE task_entry (task_id text PRIMARY KEY, is_stale bigint);
      CREATE FUNCTION pg_temp.see() RETURNS trigger AS $$ BEGIN INSERT INTO pg_temp.seen VALUES (current_user); RETURN NEW; END $$ LANGUAGE plpgsql;
      CREATE TRIGGER see BEFORE INSERT ON pg_temp.task_entry FOR EACH ROW EXECUTE FUNCTION pg_temp.see()`)
    await client.query('DELETE FROM task_invocations WHERE id = $1', [run])
    const { rows } = await client.query('SELECT name FROM seen')
    const made = await client.query(`CREATE TEMP TABLE bait (id bigint, task_id text);
      CREATE TRIGGER bait AFTER DELETE ON bait FOR EACH ROW EXECUTE FUNCTION timeline_invocation_deleted()`).then(() => 'made', ({ code }) => code)
    await client.end()
    return [rows.map(({ name }) => name), made]
  }
  t.same(await intrude(runs[0]), [[], '42501'])
  t.equal(await timeline.getInvocation(runs[0] as number), undefined, 'our rows go all the same')

  // As an earlier version has left it.
  await server.admin(`SET search_path = "My Host", public; ALTER FUNCTION timeline_invocation_deleted() SET search_path FROM CURRENT;
    GRANT EXECUTE ON FUNCTION timeline_invocation_deleted() TO PUBLIC`, database)
  t.same(await intrude(runs[1]), [['admin'], 'made'])
  await open(t, url)
  t.same(await intrude(runs[2]), [[], '42501'])

  const byFile = new URL(await server.createDatabase()).pathname.slice(1)
  await server.admin(renderSqlFile('postgres'), byFile)
  const functions = await server.admin(`SELECT prosecdef, proconfig::text, has_function_privilege('public', oid, 'EXECUTE') AS is_open
    FROM pg_proc WHERE proname LIKE 'timeline\\_%'`, byFile)
  t.equal(functions.length, 5)
  for (const one of functions) t.same(one, { prosecdef: true, proconfig: '{"search_path=public, pg_temp"}', is_open: false })
})

/** What a process says in which a package cannot be found. */
async function withoutPackage (name: string, database: string): Promise<string> {
  const hook = `export async function resolve (specifier, context, next) {
    if (specifier === '${name}') throw Object.assign(new Error('Cannot find package ${name}'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(specifier, context)
  }`
  const script = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
    const { openTimeline } = await import('fastify-agent-timeline/recorder')
    try {
      const timeline = await openTimeline({ database: ${JSON.stringify(database)} })
      await timeline.close()
      console.log('opened')
    } catch (error) {
      console.log(error.code, error.message)
    }`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '' }
  })
  return stdout.trim()
}

t.test('without pg there is a code that says what to install; without better-sqlite3 PostgreSQL works', async (t) => {
  const url = await server.createDatabase()
  t.match(await withoutPackage('pg', url), /^AGENT_TIMELINE_PG_MISSING .*npm install pg@8/)
  t.equal(await withoutPackage('better-sqlite3', url), 'opened')
})

t.test('what keeps us from a server has a code that says what', async (t) => {
  const url = await server.createDatabase()
  await open(t, url)
  const database = new URL(url).pathname.slice(1)
  const at = (more: string) => openTimeline({ database: more, migrate: true, logger: silentLogger })
  await t.rejects(at(server.urlOf('no_such')), { code: 'AGENT_TIMELINE_DATABASE_MISSING', message: /no_such/ })
  await t.rejects(at(server.urlOf(database, 'nobody')), { code: 'AGENT_TIMELINE_DATABASE_ACCESS', message: /nobody/ })
  await t.rejects(at('postgres://admin@127.0.0.1:1/x'), { code: 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' })
  await t.rejects(at(`${url}?options=-c%20search_path%3Dnowhere`), { code: 'AGENT_TIMELINE_UNSUPPORTED_DATABASE', message: /search_path/ })
  await server.admin('CREATE ROLE guest LOGIN')
  await server.admin("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
  await t.rejects(at(server.urlOf('latin')), { code: 'AGENT_TIMELINE_UNSUPPORTED_DATABASE', message: /LATIN1/ })
  await t.rejects(at(server.urlOf('postgres', 'guest')), { code: 'AGENT_TIMELINE_DATABASE_ACCESS', message: /permission/ })
  await t.rejects(openTimeline({ database: url, maxDatabaseBytes: 2_000_000 }), { code: 'AGENT_TIMELINE_INVALID_OPTION', message: /activityLogRetention/ })

  const logger = new Logs()
  const timeline = await open(t, url, { logger })
  await log(timeline, 'a', 1)
  await server.admin(`ALTER DATABASE ${database} SET default_transaction_read_only = on`)
  await server.admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)
  const run = await timeline.startInvocation({ ...META, taskId: 'a' })
  run.activity({ type: 'progress', message: 'written later', timestamp: new Date() })
  while (!logger.lines.some(({ code }) => code === 'AGENT_TIMELINE_DATABASE_READ_ONLY')) await timeline.getTimeline('a')
  t.equal((await timeline.getTimeline('a')).timeline.length, 3, 'what is stored can be read')
  await server.admin(`ALTER DATABASE ${database} SET default_transaction_read_only = off`)
  await server.admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)
  await completed(timeline, run)
  t.equal((await timeline.getTimeline('a')).timeline.length, 6)
})

t.test('connections that are cut, also in the middle of a commit, lose nothing and double nothing', async (t) => {
  const url = await server.createDatabase()
  const proxy = await openProxy(t)
  const reader = await open(t, url)
  const timeline = await open(t, url.replace(`:${server.port}/`, `:${proxy.port}/`))
  const count = 600
  const following = follow(reader, 'a', count + 2)
  const run = await timeline.startInvocation({ ...META, taskId: 'a' })
  let cuts = 0
  // The server has committed, and nobody is told.
  proxy.cutAt((text) => text.includes('COMMIT') && Math.random() < 0.3 && ++cuts > 0)
  for (let at = 0; at < count; at++) {
    run.activity({ type: 'progress', message: `${at}`, timestamp: new Date() })
    if (at % 20 === 0) await timeline.flush().catch(() => {})
    if (at % 150 === 149) proxy.cutAll()
  }
  proxy.cutAt(() => false)
  await completed(timeline, run)
  const events = await following
  t.same(events.map(({ seq }) => seq), upTo(count + 2))
  t.same(events.flatMap((event) => event.type === 'invocation.activity' ? [Number(event.activity)] : []), upTo(count).map((at) => at - 1))
  t.ok(cuts > 0, `${cuts} commits of which nobody was told`)
})

t.test('a server that is stopped and started is written to again, and viewers miss nothing', async (t) => {
  const url = await server.createDatabase()
  const [timeline, reader] = [await open(t, url), await open(t, url)]
  const following = follow(reader, 'a', 62)
  const run = await timeline.startInvocation({ ...META, taskId: 'a' })
  for (const [round, mode] of (['fast', 'immediate'] as const).entries()) {
    const say = (from: number) => {
      for (let at = from; at < from + 15; at++) run.activity({ type: 'progress', message: `${at}`, timestamp: new Date() })
    }
    say(round * 30)
    await timeline.flush()
    await server.stop(mode)
    say(round * 30 + 15)
    await server.start()
  }
  await completed(timeline, run)
  t.same((await following).map(({ seq }) => seq), upTo(62))
})

t.test('a transaction of the host that keeps a row delays nobody for long, and is never the one that is undone', async (t) => {
  const url = await server.createDatabase()
  const timeline = await open(t, url)
  await log(timeline, 'a', 1)
  await log(timeline, 'b', 1)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query("BEGIN; UPDATE task_entry SET title = 'x' WHERE task_id = 'b'; UPDATE task_stream SET title = 'x' WHERE task_id = 'a'")
  const writing = Promise.all([log(timeline, 'a', 2), log(timeline, 'b', 2)])
  await new Promise((resolve) => setTimeout(resolve, 50))
  await client.query("UPDATE task_stream SET title = 'x' WHERE task_id = 'b'; COMMIT")
  await writing
  await timeline.flush()
  for (const taskId of ['a', 'b']) t.same((await timeline.getTimeline(taskId)).timeline.map(({ seq }) => seq), upTo(7))
})

t.test('a run of a machine that is elsewhere is given up after its lease, by the clock of the database', async (t) => {
  const url = await server.createDatabase()
  const timeline = await open(t, url)
  const run = await timeline.startInvocation({ ...META, taskId: 'a' })
  const database = new URL(url).pathname.slice(1)
  await server.admin(`UPDATE timeline_writer SET writer_id = 'elsewhere', owner = '{"hostname":"far","pid":1,"bootId":"x","pidNamespace":"y"}';
    UPDATE invocation_run SET owner = 'elsewhere', heartbeat_at = heartbeat_at - interval '3 hours'`, database)
  const watcher = await open(t, url, { ownerLeaseMs: 1_000, runnerHeartbeatIntervalMs: 100 })
  const events = await follow(watcher, 'a', 2)
  t.match(events[1], { type: 'invocation.failed', reason: 'lost', invocationId: run.id })
})

/** Two tasks: one that failed and was taken up again, one that is worked on. */
async function record (timeline: Timeline): Promise<void> {
  const call = (callId: string, phase: 'start' | 'end', more: object = {}) => ({
    type: 'tool_exec' as const,
    message: `exec: npm test -- ${callId}`,
    timestamp: new Date(),
    metadata: { callId, phase, tool: 'Bash', toolKind: 'test', input: { command: `npm test -- ${callId}` }, ...more }
  })
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'me', message: 'It begins' })
  const failing = await timeline.startInvocation({ ...META, title: 'Fix login', model: 'sonnet', prompt: 'Do it' })
  for (const id of ['c1', 'c2', 'c3']) {
    failing.activity(call(id, 'start'))
    failing.activity({ type: 'progress', message: 'still at it', timestamp: new Date(), metadata: { kind: 'tool', callId: id } })
    failing.activity(call(id, 'end', { status: id === 'c2' ? 'error' : 'ok', exitCode: id === 'c2' ? 1 : 0, result: 'not ok 1 - adds\nError: no' }))
  }
  failing.activity({
    type: 'tool_exec',
    message: 'Edit: src/a.ts',
    timestamp: new Date(),
    metadata: { callId: 'e1', phase: 'start', tool: 'Edit', toolKind: 'edit', input: { file_path: 'src/a.ts', old_string: 'a', new_string: 'b' } }
  })
  failing.activity({ type: 'tool_exec', message: 'Edit: src/a.ts', timestamp: new Date(), metadata: { callId: 'e1', phase: 'end', status: 'ok' } })
  failing.activity({ type: 'output', message: 'I could not mend the Parser', timestamp: new Date() })
  failing.activity(call('open', 'start'))
  await failing.fail(new Error('Exited with code 1'))
  const done = await timeline.startInvocation({ ...META, role: 'reviewer', model: 'opus' })
  done.activity({ type: 'error', message: 'Überraschung: parser', timestamp: new Date(), metadata: { kind: 'notice' } })
  await done.complete({ success: true, response: 'fine', outcome: 'approved', usage: { inputTokens: 10, outputTokens: 5, costUsd: 0.5 } })
  const running = await timeline.startInvocation({ ...META, taskId: 'b', title: 'Another' })
  running.activity(call('c1', 'start'))
  await timeline.flush()
}

t.test('what a run was called is kept once, whoever watches, and learnt from', async (t) => {
  const database = await server.createDatabase()
  const client = new pg.Client(database)
  await client.connect()
  t.teardown(() => client.end())
  await checkAdvice(t, database, {
    async silent (id, minutes) {
      await client.query(`UPDATE invocation_run SET last_activity_at = now() - $2 * interval '1 minute',
        started_at = least(started_at, now() - $2 * interval '1 minute'), heartbeat_at = now() WHERE invocation_id = $1`, [id, minutes])
    }
  })
})

t.test('each change arrives at a receiver that fails, hangs and restarts, whoever of two sends it', async (t) => {
  await checkWebhook(t, await server.createDatabase(), { isLate: false })
})

t.test('of many that want to tell of changes one does, and an end that is committed late is told, too', async (t) => {
  const database = await server.createDatabase()
  const timeline = await open(t, database)
  await log(timeline, 'history', 1)
  const stores = await Promise.all([1, 2, 3].map(() => openNoticeStore(t, database)))
  const [store] = stores as [typeof stores[number]]
  const hold = (at: number) => Promise.all(stores.map((one, index) => one.hold('notices', `${index}`, at, at + 1_000)))
  const at = Date.now()
  t.equal((await hold(at)).filter(Boolean).length, 1)
  for (const one of stores) for (let index = 0; index < 3; index++) await one.release(`${index}`)
  t.equal((await hold(at)).filter(Boolean).length, 1, 'of those that find it free at once')
  t.same(await store.ends('2000-01-01'), [], 'what ended before is history')
  const holder = String((await Promise.all(stores.map((one, index) => one.hold('notices', `${index}`, at, at + 60_000)))).indexOf(true))
  // An end that has its id and is not committed, and one that comes after it.
  const client = new pg.Client(database)
  await client.connect()
  t.teardown(() => client.end())
  const end = (taskId: string) => client.query(`INSERT INTO timeline_event (task_id, seq, type, invocation_id, payload, source, source_id, created_at)
    VALUES ($1, 1, 'invocation.completed', 1, '{}', 'x', $1, now())`, [taskId])
  await client.query('BEGIN')
  await end('slow')
  await log(timeline, 'quick', 1)
  const quick = await store.ends('2000-01-01')
  t.same(quick.map(({ taskId }) => taskId), ['quick'])
  const notices = (ends: typeof quick) => ends.map(({ taskId, invocationId }) =>
    ({ noticeId: taskId, taskId, invocationId, kind: 'ended' as const, data: '{}' }))
  t.ok(await store.add(holder, notices(quick), new Date().toISOString(), quick.at(-1)?.eventId))
  await client.query('COMMIT')
  const slow = await store.ends('2000-01-01')
  t.same(slow.map(({ taskId }) => taskId), ['slow'])
  t.ok(await store.add(holder, notices(slow), new Date().toISOString(), slow.at(-1)?.eventId))
  t.same(await store.ends('2000-01-01'), [])
  t.notOk(await store.add('somebody', notices(slow), new Date().toISOString(), undefined), 'whoever has lost the lease')
})

t.test('every route answers the same on both engines', async (t) => {
  const answers: Array<Record<string, unknown>> = []
  for (const database of [join(temporaryDirectory(t), 'same.db'), await server.createDatabase()]) {
    const app = Fastify()
    await app.register(agentTimeline, { database })
    t.teardown(() => app.close())
    await record(await app.agentTimeline.for())
    const found: Record<string, unknown> = {}
    for (const path of [
      'tasks/a/timeline', 'tasks/a/timeline?before=end&limit=4', 'tasks/a/timeline?types=tool_exec,task.*', 'tasks/a/timeline?around=9&limit=4',
      'tasks/a/timeline?q=PARSER', 'tasks/a/timeline?q=%C3%BCberraschung', 'tasks/a/timeline?q=command', 'invocations', 'invocations?status=failed',
      'invocations?status=running&task=b', 'invocations?limit=1', 'invocations/1', 'invocations/1?after=5&limit=3', 'invocations/99',
      'timeline/tasks', 'timeline/tasks?q=parser', 'timeline/tasks?state=done,failed', 'timeline/tasks/a/summary', 'timeline/tasks/b/summary',
      'timeline/tasks/a/calls', 'timeline/tasks/a/calls?failed=true', 'timeline/tasks/a/calls?kind=test&limit=2', 'timeline/tasks/a/calls/3',
      'timeline/tasks/a/calls/6', 'timeline/tasks/a/overview', 'timeline/tasks/a/overview?from=2020-01-01T00:00:00.000Z&to=2100-01-01T00:00:00.000Z',
      'timeline/tasks/a/overview?from=2026-01-01&to=%2B010000-01-01T00:00:00Z', 'timeline/tasks?q=%00',
      `timeline/tasks?cursor=${Buffer.from('["2026-01-01","done","","a\\u0000"]').toString('base64url')}`, 'invocations/9007199254740991',
      'timeline/verdict-report', 'timeline/usage', 'timeline/usage?by=task', 'timeline/usage?by=model', 'timeline/tasks/a/export?format=ndjson'
    ]) {
      const answer = await app.inject({ url: `/api/${path}` })
      found[path] = [answer.statusCode, path.includes('export') ? answer.body.split('\n').length : withoutTimes(answer.json())]
    }
    answers.push(found)
  }
  const [onSqlite, onPostgres] = answers
  for (const path of Object.keys(onSqlite ?? {})) t.same(onPostgres?.[path], onSqlite?.[path], path)
})

/** What two recordings of the same have in common. */
function withoutTimes (value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return name === 'recent' || name === 'bins' ? value.length : value.map((item) => withoutTimes(item))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) =>
      [key, withoutTimes(item, name === 'byKind' && typeof item === 'number' ? 'kindMs' : key)]))
  }
  if (typeof value === 'number' && /Ms$|^duration$/.test(name)) return 'ms'
  if (name === 'epoch' || /cursor/i.test(name)) return value === null ? null : name
  return typeof value === 'string' ? value.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time').replace(/\b\d+(\.\d+)? ?(ms|s|min)\b/g, 'time') : value
}
