import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { Health } from '../../lib/model/events.js'
import { openTimeline, type InvocationHandle } from '../../lib/open-timeline.js'
import { Child } from '../support/children.js'
import { HostDatabase, nowAsHost } from '../support/host-database.js'
import { makeApp, makeFolder } from './app.js'
import { SseClient } from './sse-client.js'

const META = { taskId: 'a', role: 'coder', provider: 'claude' }
const call = (run: InvocationHandle, phase: 'start' | 'end', callId = 'c1') => {
  run.activity({ type: 'tool_exec', message: 'exec: ls', timestamp: new Date(), metadata: { callId, phase, tool: 'Bash' } })
}
const says = (run: InvocationHandle, message = 'x') => run.activity({ type: 'output', message, timestamp: new Date() })

/** The verdicts on one invocation that a stream has told, first frames included. */
const told = (client: SseClient, id: number | undefined): Health[] => client.frames.flatMap(({ data }) =>
  data.invocationId === id && data.health !== undefined ? [data.health] : [])
const untilTold = (client: SseClient, id: number | undefined, state: string) =>
  client.until(() => told(client, id).at(-1)?.state === state)

/** A file that an application serves, whose runners are dead for all that anybody can see. */
async function withDeadRun (t: Test) {
  const database = join(makeFolder(t), 'x.db')
  const runner = await openTimeline({ database, runnerHeartbeatIntervalMs: 60_000 })
  t.teardown(() => runner.close())
  const { id } = await runner.startInvocation(META)
  const raw = new Sqlite(database)
  t.teardown(() => { raw.close() })
  const kill = () => {
    raw.exec(`INSERT INTO timeline_writer (writer_id, batch, owner, heartbeat_at)
      SELECT 'gone', 1, json_set(owner, '$.pid', 4194304), heartbeat_at FROM timeline_writer;
      UPDATE invocation_run SET owner = 'gone'`)
  }
  const { app } = await makeApp(t, { plugin: { database, runnerHeartbeatIntervalMs: 60_000 }, listen: true })
  return { app, id, kill, raw }
}

/** An application, and a way past it into its database. */
async function withSpoiled (t: Test) {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database } })
  const raw = new Sqlite(database)
  t.teardown(() => { raw.close() })
  return { app, timeline, raw }
}

t.test('list, details and their schemas have the verdict on what runs, and on nothing else', async (t) => {
  const { app, timeline } = await makeApp(t)
  const run = await timeline.startInvocation(META)
  const get = async (url: string) => (await app.inject(url)).json()
  const because = [/^It has not said/, 'Its process is alive.']
  t.match((await get('/api/invocations')).invocations, [{
    health: { state: 'starting', because, since: /Z$/, expectedSilenceMs: 120_000, stuckAfterMs: 360_000 }
  }])
  call(run, 'start')
  await timeline.flush()
  const { health } = (await get(`/api/invocations/${run.id}`)).invocation
  t.match(health, { state: 'in_tool', tool: { callId: 'c1', name: 'Bash', message: 'exec: ls', elapsedMs: Number } })
  t.same(Object.keys(health).sort(),
    ['because', 'expectedSilenceMs', 'heartbeatAgeMs', 'silentForMs', 'since', 'state', 'stuckAfterMs', 'tool'])
  run.activity({
    type: 'progress',
    message: 'Waiting',
    timestamp: new Date(),
    metadata: { kind: 'waiting', what: 'permission', until: '2999-01-01T00:00:00.000Z' }
  })
  await timeline.flush()
  const waitingFor = { kind: 'person', what: 'permission', until: '2999-01-01T00:00:00.000Z' }
  t.match((await get('/api/invocations?status=running')).invocations, [{ health: { state: 'waiting', waitingFor } }])
  t.match(await timeline.getInvocation(run.id as number), { health: { state: 'waiting', waitingFor } })
  t.match((await timeline.listInvocations()).invocations, [{ health: { state: 'waiting' } }])
  await run.complete()
  t.notOk('health' in (await get('/api/invocations')).invocations[0])
  t.notOk('health' in (await get(`/api/invocations/${run.id}`)).invocation)
})

t.test('the text says of everything that runs how it is doing', async (t) => {
  const { app, timeline } = await makeApp(t)
  const run = await timeline.startInvocation(META)
  call(run, 'start')
  await timeline.startInvocation({ ...META, role: 'reviewer', provider: 'codex' })
  await timeline.flush()
  const { body } = await app.inject({ url: '/api/tasks/a/timeline', headers: { accept: 'text/plain' } })
  t.same(/\nRunning:\n((?: {2}.*\n)+)/.exec(body.replace(/\d+ s\b/g, 'n s'))?.[1]?.trimEnd().split('\n'), [
    '  Coder (claude) is in a tool. `ls` has been running for n s; up to 11 min are usual for it. Its process is alive.',
    '  Reviewer (codex) is starting. It has not said anything yet; up to 2 min are usual. Its process is alive.'
  ])
})

t.test('a stream begins with the verdicts, and tells each change once', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const run = await timeline.startInvocation(META)
  call(run, 'start')
  await timeline.flush()
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await client.until(({ frames }) => frames.length >= 2)
  const [snapshot, current] = client.frames
  t.match(snapshot?.data, { type: 'timeline.snapshot', health: { invocationId: run.id, state: 'in_tool' } })
  t.match(current?.data, { type: 'invocation.current', health: { state: 'in_tool', tool: { callId: 'c1' } } })
  call(run, 'end')
  await untilTold(client, run.id, 'working')
  for (let index = 0; index < 20; index++) says(run, `word ${index}`)
  const later = await timeline.startInvocation({ ...META, role: 'reviewer' })
  await untilTold(client, later.id, 'starting')
  call(run, 'start', 'c2')
  await untilTold(client, run.id, 'in_tool')
  const changes = told(client, run.id).slice(1).map(({ state, tool }) => [state, tool?.callId])
  t.same(changes, [['working', undefined], ['in_tool', 'c2']])
  t.same(told(client, later.id).map(({ state }) => state), ['starting'])
  const frames = client.frames.filter(({ data }) => data.type === 'timeline.health')
  t.ok(frames.every(({ id, event }) => id === undefined && event === undefined), 'without id, under the default name')
  client.destroy()
})

t.test('streams over many tasks tell verdicts, too', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const one = await timeline.startInvocation(META)
  const two = await timeline.startInvocation({ ...META, taskId: 'b' })
  const client = await SseClient.open(app, '/api/stream?tasks=a,b')
  await untilTold(client, one.id, 'starting')
  call(two, 'start')
  await untilTold(client, two.id, 'in_tool')
  t.match(client.frames.find(({ data }) => data.type === 'timeline.health')?.data, { taskId: 'b', invocationId: two.id })
  client.destroy()
})

t.test('events() tells events only', async (t) => {
  const { timeline } = await makeApp(t)
  const run = await timeline.startInvocation(META)
  call(run, 'start')
  await run.complete()
  const types: string[] = []
  for await (const event of timeline.events({ taskId: 'a' })) {
    types.push(event.type)
    if (event.type === 'invocation.completed') break
  }
  t.same(types, ['invocation.started', 'invocation.activity', 'invocation.activity', 'invocation.completed'])
})

t.test('a run whose process is gone is lost before it is ended', async (t) => {
  const { app, id, kill } = await withDeadRun(t)
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await untilTold(client, id, 'starting')
  kill()
  await untilTold(client, id, 'lost')
  t.match(told(client, id).at(-1)?.because.at(-1), 'Its process is gone.')
  t.match((await app.inject(`/api/invocations/${id}`)).json().invocation, { status: 'running', health: { state: 'lost' } })
  client.destroy()
})

t.test('a row that somebody else has spoiled hides no other', async (t) => {
  const { app, timeline, raw } = await withSpoiled(t)
  const ids = (await Promise.all(['a', 'b'].map((taskId) => timeline.startInvocation({ ...META, taskId })))).map(({ id }) => id)
  for (const progress of ['null', '{"calls":[5]}', '{"movedAt":"x"}']) {
    for (const usage of ['{', '5', '{"inputTokens":"x"}']) {
      raw.prepare('UPDATE invocation_run SET progress = ?, usage = ? WHERE task_id = ?').run(progress, usage, 'a')
      const { statusCode, body } = await app.inject('/api/invocations')
      t.equal(statusCode, 200, `${progress} ${usage}`)
      t.same(JSON.parse(body).invocations.map((one: { health: Health }) => one.health.state), ['starting', 'starting'])
      const details = await app.inject(`/api/invocations/${ids[0]}`)
      t.equal(details.statusCode, 200)
      t.equal(details.json().invocation.usage, undefined)
    }
  }
})

t.test('a run elsewhere is unknown once its signs are old', async (t) => {
  const { app, id, kill, raw } = await withDeadRun(t)
  kill()
  raw.exec('UPDATE timeline_writer SET owner = json_set(owner, \'$.hostname\', \'elsewhere\', \'$.bootId\', \'x\', \'$.machineId\', \'x\')')
  const health = async () => (await app.inject(`/api/invocations/${id}`)).json().invocation.health
  t.match(await health(), { state: 'starting', because: [/./, /^Its process last gave a sign \d s ago\.$/] })
  raw.exec(`UPDATE timeline_writer SET heartbeat_at = '2026-01-01T00:00:00.000Z';
    UPDATE invocation_run SET heartbeat_at = '2026-01-01T00:00:00.000Z'`)
  t.match(await health(), { state: 'unknown', because: [/./, /^Its process cannot be looked at from here/] })
})

const isLinux = process.platform === 'linux'

t.test('a runner that is stopped is not lost, and it is said', { skip: isLinux ? false : 'needs /proc' }, async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app } = await makeApp(t, { plugin: { database }, listen: true })
  const runner = new Child(t, 'run', { database, taskId: 'a', count: 1 })
  const { id } = await runner.message<{ id: number }>()
  await runner.suspend(database)
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await untilTold(client, id, 'in_tool')
  // It was looked at a moment ago, perhaps before the signal had reached it.
  let health: Health
  do {
    health = (await app.inject(`/api/invocations/${id}`)).json().invocation.health
    await pause(10)
  } while (health.because[1] === 'Its process is alive.')
  t.match(health, { state: 'in_tool', because: [/^`sleep` has been running/, 'Its process is suspended.'] })
  runner.process.kill('SIGCONT')
  runner.tell('end')
  await once(runner.process, 'exit')
  client.destroy()
})

t.test('an invocation that the host recorded is judged by its activity, and unknown without', async (t) => {
  const host = new HostDatabase(t, { version: 'head' })
  host.addTask('a')
  const hourAgo = Date.now() - 3_600_000
  const id = host.addInvocation({
    task_id: 'a', status: 'running', success: 0, duration_ms: 0, started_at_ms: hourAgo, created_at: nowAsHost(hourAgo)
  })
  const { app } = await makeApp(t, { plugin: { database: host.path, migrate: true } })
  const health = async () => (await app.inject(`/api/invocations/${id}`)).json().invocation.health
  t.match(await health(), {
    state: 'unknown',
    because: [/^It never started: nothing came for 1 h/, /^It was recorded by the host alone, so whether/]
  })
  host.raw.prepare('UPDATE task_invocations SET last_activity_at_ms = ? WHERE id = ?').run(Date.now(), id)
  t.match(await health(), {
    state: 'working', because: [/^Its last activity was \d s ago/, /^It was recorded by the host alone: nothing is known/]
  })
})
