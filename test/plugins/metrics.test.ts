import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import Fastify, { type FastifyInstance } from 'fastify'
import { register } from 'prom-client'
import t, { type Test } from 'tap'
import { HEALTH_STATES } from '../../lib/model/events.js'
import { encodeData, encodeId } from '../../lib/live/frames.js'
import { openTimeline } from '../../lib/open-timeline.js'
import agentTimeline from '../../plugins/agent-timeline.js'
import { makeApp, makeFolder, recordCoder } from './app.js'
import { parseExposition, type Family } from './prometheus.js'
import { SseClient } from './sse-client.js'

class Scrape {
  readonly families: ReadonlyMap<string, Family>
  readonly text: string

  constructor (text: string) {
    this.text = text
    this.families = parseExposition(text)
  }

  /** The value of the one sample with exactly these labels. */
  get (name: string, labels: Record<string, string> = {}): number | undefined {
    const samples = [...this.families.values()].flatMap(({ samples }) => samples)
    return samples.find((sample) => sample.name === `agent_timeline_${name}` &&
      Object.keys(sample.labels).length === Object.keys(labels).length &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value))?.value
  }
}

async function scrape (app: FastifyInstance): Promise<Scrape> {
  return new Scrape((await app.inject('/api/timeline/metrics')).body)
}

async function scrapeUntil (app: FastifyInstance, isThere: (scrape: Scrape) => boolean): Promise<Scrape> {
  for (;;) {
    const found = await scrape(app)
    if (isThere(found)) return found
    await pause(5)
  }
}

t.test('what was written and delivered is counted', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true, plugin: { metrics: true } })
  const before = await scrape(app)
  for (const name of ['viewers', 'streams_opened_total', 'events_delivered_total', 'batch_rows_sum', 'lost_runs_total']) {
    t.equal(before.get(name), 0, name)
  }
  await recordCoder(timeline)
  const client = await (await SseClient.open(app, '/api/tasks/a/stream')).untilSeq(5)
  const replayed = await scrape(app)
  t.equal(replayed.get('replayed_pages_total'), 1)
  t.equal(replayed.get('delivery_lag_seconds_count'), 0, 'what is replayed is not late')
  await recordCoder(timeline)
  await client.untilSeq(10)
  const after = await scrape(app)
  const events = client.frames.filter(({ id }) => id !== undefined)
  const bytes = events.reduce((sum, { id, data }) => sum + Buffer.byteLength(encodeId(data.seq, id!.split('.')[1]!) + encodeData(data)), 0)
  t.equal(after.get('viewers'), 1)
  t.equal(after.get('streams_opened_total'), 1)
  t.equal(after.get('events_delivered_total'), 10)
  t.equal(after.get('delivered_bytes_total'), bytes)
  t.ok(after.get('stream_writes_total')! >= 2)
  t.equal(after.get('gaps_delivered_total'), 0)
  t.equal(after.get('batch_rows_sum'), 10)
  t.equal(after.get('batch_rows_count'), after.get('batch_duration_seconds_count'))
  t.ok(after.get('batch_duration_seconds_sum')! > 0)
  t.ok(after.get('delivery_lag_seconds_count')! >= 1)
  t.ok(after.get('wakeups_total', { source: 'hint' })! >= 1)
  t.equal(after.get('queue_bytes'), 0)
  const foreign = await SseClient.open(app, '/api/tasks/a/stream', { 'last-event-id': '3.other' })
  await foreign.untilSeq(10)
  t.equal((await scrape(app)).get('gaps_delivered_total'), 1)
  foreign.destroy()
  client.destroy()
  const left = await scrapeUntil(app, (found) => found.get('viewers') === 0)
  t.equal(left.get('streams_opened_total'), 2)
})

t.test('a write by somebody who rings no bell is found by the poll', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app } = await makeApp(t, { listen: true, plugin: { database, metrics: true } })
  await SseClient.open(app, '/api/tasks/a/stream')
  const polls = (await scrapeUntil(app, (found) => found.get('wakeups_total', { source: 'poll' })! > 0))
    .get('wakeups_total', { source: 'poll' })!
  const raw = new Database(database)
  raw.exec('CREATE TABLE somebody_else (x)')
  raw.close()
  t.ok(await scrapeUntil(app, (found) => found.get('wakeups_total', { source: 'poll' })! > polls))
})

t.test('streams that are refused are counted by reason', async (t) => {
  const { app } = await makeApp(t, {
    listen: true,
    plugin: {
      metrics: true,
      taskExists: (taskId) => taskId !== 'unknown',
      monitoring: { maxConcurrentStreams: 1 },
      hooks: { onRequest: async (request) => { if (request.headers['x-who'] === 'stranger') throw new Error('no') } }
    }
  })
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await app.inject('/api/tasks/a/stream')
  await app.inject('/api/tasks/a/stream')
  await app.inject({ url: '/api/tasks/a/stream', headers: { 'x-who': 'stranger' } })
  await app.inject('/api/tasks/unknown/timeline')
  client.destroy()
  await scrapeUntil(app, (found) => found.get('viewers') === 0)
  await app.inject('/api/tasks/unknown/stream')
  const { families } = await scrape(app)
  const told = families.get('agent_timeline_streams_refused_total')?.samples.map(({ labels, value }) => [labels, value])
  t.same(told, [
    [{ reason: 'too_many_streams' }, 2], [{ reason: 'too_many_streams_per_address' }, 0],
    [{ reason: 'too_many_streams_per_connection' }, 0], [{ reason: 'other' }, 1],
    [{ reason: 'unknown_task' }, 1]
  ])
})

t.test('slow viewers are counted when they are paused and when they are disconnected', async (t) => {
  const { app, timeline } = await makeApp(t, {
    listen: true, plugin: { metrics: true, monitoring: { streamHeartbeatInterval: 0.2 } }
  })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const say = (count: number) => {
    for (let i = 0; i < count; i++) run.activity({ type: 'progress', message: 'x'.repeat(16_000), timestamp: new Date() })
  }
  const slow = await (await SseClient.open(app, '/api/tasks/a/stream')).untilSeq(1)
  say(1)
  await scrapeUntil(app, (found) => found.get('delivery_lag_seconds_count')! > 0)
  slow.response.pause()
  await scrapeUntil(app, (found) => {
    say(50)
    return found.get('slow_viewers_total', { outcome: 'paused' }) === 1
  })
  const { port } = app.server.address() as AddressInfo
  const deaf = connect(port, '127.0.0.1')
  t.teardown(() => deaf.destroy())
  deaf.on('error', () => {}).pause()
  deaf.write('GET /api/tasks/a/stream HTTP/1.1\r\nhost: localhost\r\n\r\n')
  t.ok(await scrapeUntil(app, (found) => {
    say(10)
    return found.get('slow_viewers_total', { outcome: 'disconnected' }) === 2
  }))
})

t.test('locks, a queue that fills and what finds no room in it are counted', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database, metrics: true, caps: { queueBytes: 65_536 } } })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const raw = new Database(database)
  t.teardown(() => raw.close())
  raw.exec('BEGIN EXCLUSIVE')
  for (let i = 0; i < 100; i++) run.activity({ type: 'output', message: 'x'.repeat(1000), timestamp: new Date() })
  const locked = await scrapeUntil(app, (found) =>
    found.get('troubles_total', { code: 'AGENT_TIMELINE_DATABASE_LOCKED' })! > 0)
  t.ok(locked.get('lock_retries_total')! > 0)
  t.ok(locked.get('queue_bytes')! > 60_000)
  raw.exec('COMMIT')
  await run.complete('Done')
  const { timeline: events } = await timeline.getTimeline('a')
  const kept = events.filter((event) => event.type === 'invocation.activity' && event.activityType === 'output')
  const after = await scrape(app)
  t.ok(after.get('dropped_pieces_total')! > 0)
  t.equal(after.get('dropped_pieces_total')! + kept.length, 100)
  t.equal(after.get('queue_bytes'), 0)
})

t.test('heartbeats and runs of the dead are counted', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database, metrics: true, runnerHeartbeatIntervalMs: 100 } })
  t.equal((await scrape(app)).get('heartbeats_total'), 0)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  await scrapeUntil(app, (found) => found.get('heartbeats_total')! >= 2)
  await run.complete('Done')
  const other = await openTimeline({ database })
  t.teardown(() => other.close())
  await other.startInvocation({ taskId: 'b', role: 'coder', provider: 'claude' })
  const raw = new Database(database)
  t.teardown(() => raw.close())
  // The same process id, started at another time: not the one that wrote this.
  raw.exec(`UPDATE timeline_writer SET owner = json_set(owner, '$.startTime', '1')
    WHERE writer_id = (SELECT owner FROM invocation_run WHERE status = 'running')`)
  const after = await scrapeUntil(app, (found) => found.get('lost_runs_total') === 1)
  t.equal(after.get('lost_runs_total'), 1)
})

t.test('running invocations are counted by the verdict on them', async (t) => {
  const { app, timeline } = await makeApp(t, { plugin: { metrics: true } })
  const states = async () => {
    const samples = (await scrape(app)).families.get('agent_timeline_running_invocations')?.samples ?? []
    return Object.fromEntries(samples.map(({ labels, value }) => [labels['state'], value]))
  }
  const none = Object.fromEntries(HEALTH_STATES.map((state) => [state, 0]))
  t.same(await states(), none)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  t.same(await states(), { ...none, starting: 1 })
  run.activity({
    type: 'tool_exec', message: 'exec: npm test', timestamp: new Date(), metadata: { callId: 'c', phase: 'start', tool: 'Bash' }
  })
  await timeline.flush()
  t.same(await Promise.all([states(), states()]), Array(2).fill({ ...none, in_tool: 1 }), 'two readers at a time')
  await run.complete('Done')
  t.same(await states(), none)
})

t.test('projects have labels where the host named them, and nobody else has', async (t) => {
  const folder = makeFolder(t)
  const [shop, blog] = [join(folder, 'shop.db'), join(folder, 'blog.db')]
  const { app } = await makeApp(t, { plugin: { metrics: true, projects: { shop, blog } } })
  await recordCoder(await app.agentTimeline.for('shop'), 'task-17')
  await app.inject('/api/tasks/task-17/stream?project=unheard-of')
  const named = await scrape(app)
  t.equal(named.get('batch_rows_sum', { project: 'shop' }), 5)
  t.equal(named.get('batch_rows_sum', { project: 'blog' }), 0, 'a project that was not used yet')
  t.notMatch(named.text, /task-17|unheard-of|Fix it|\.db/)
  const found = await makeApp(t, { plugin: { metrics: true, projects: (project) => project === 'blog' ? blog : shop } })
  await recordCoder(await found.app.agentTimeline.for('anything'))
  await recordCoder(await found.app.agentTimeline.for('blog'))
  const unnamed = await scrape(found.app)
  t.equal(unnamed.get('batch_rows_sum'), 10)
  t.notMatch(unnamed.text, /project=|anything/)
})

t.test('the text is what Prometheus asks for, and docs/metrics.md tells of all of it', async (t) => {
  const { app, timeline } = await makeApp(t, {
    listen: true, plugin: { metrics: true, projects: { p: join(makeFolder(t), 'x.db') }, monitoring: { maxConcurrentStreams: 1 } }
  })
  t.equal(timeline, undefined)
  await recordCoder(await app.agentTimeline.for('p'))
  const client = await SseClient.open(app, '/api/tasks/a/stream?project=p')
  await app.inject('/api/tasks/a/stream?project=p')
  await client.untilSeq(5)
  const answer = await app.inject('/api/timeline/metrics')
  t.match(answer, { statusCode: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' } })
  const head = await app.inject({ method: 'HEAD', url: '/api/timeline/metrics' })
  t.match(head, { statusCode: 200, body: '', headers: { 'content-type': answer.headers['content-type'] } })
  const { families } = new Scrape(answer.body)
  for (const [name, { help, type, samples }] of families) {
    t.match(name, /^agent_timeline_[a-z]+(_[a-z]+)*$/)
    t.match(help, /^[A-Z].*\.$/, `${name} is explained in a sentence`)
    t.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    t.notMatch(name, /_(ms|millis|milliseconds|kb|mb|count|sum|bucket)(_|$)/, 'base units, and no reserved ending')
    if (type === 'histogram') checkBuckets(t, name, samples)
  }
  const rows = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    .matchAll(/^\| `(agent_timeline_\w+)` \| (\w+) \|(.*?)\|/gm)
  const told = [...rows].map(([, name, type, labels]) => [name!, type!, [...labels!.matchAll(/\w+/g)].map(String).sort()])
  const real = [...families].map(([name, { type, samples }]) => {
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels).filter((label) => label !== 'le')))
    return [name, type, [...labels].sort()]
  })
  t.same(told.sort(), real.sort())
})

t.test('what the alerts of docs/metrics.md look at is there before it happens', async (t) => {
  const { app } = await makeApp(t, { plugin: { metrics: true } })
  const { families } = await scrape(app)
  const alerts = [...readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    .matchAll(/^ {2}expr: .*?(agent_timeline_\w+?)(?:_bucket)?(?:\{(\w+)="(\w+)"\})?[[)]/gm)]
  t.ok(alerts.length > 5)
  for (const [, name, label, value] of alerts) {
    const samples = families.get(name!)?.samples.filter(({ labels }) => label === undefined || labels[label] === value)
    t.ok(samples?.length, `${name} ${value ?? ''}`)
    t.ok(samples?.every((sample) => sample.value === 0), `${name} begins at 0`)
  }
})

function checkBuckets (t: Test, name: string, samples: Family['samples']): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  const counts = buckets.map(({ value }) => value)
  t.equal(buckets.at(-1)?.labels['le'], '+Inf', name)
  t.same(counts, counts.toSorted((a, b) => a - b), `${name} adds up`)
  t.equal(samples.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1), name)
}

t.test('the hooks guard it, the prefix moves it, and a taken route is told', async (t) => {
  const { app } = await makeApp(t, {
    plugin: {
      metrics: true,
      routePrefix: '/agents',
      hooks: { onRequest: async (request, reply) => { if (request.headers.authorization !== 'me') reply.code(401).send() } }
    }
  })
  t.equal((await app.inject('/agents/timeline/metrics')).statusCode, 401)
  t.equal((await app.inject({ url: '/agents/timeline/metrics', headers: { authorization: 'me' } })).statusCode, 200)
  const taken = Fastify()
  t.teardown(() => taken.close())
  taken.get('/api/timeline/metrics', async () => 'mine')
  await t.rejects(async () => taken.register(agentTimeline, { database: ':memory:', metrics: true }), {
    code: 'AGENT_TIMELINE_ROUTE_COLLISION', message: /\/api\/timeline\/metrics.*routePrefix/
  })
})

t.test('two applications count for themselves, and the default registry stays empty', async (t) => {
  const [one, two] = [await makeApp(t, { plugin: { metrics: true } }), await makeApp(t, { plugin: { metrics: true } })]
  await recordCoder(one.timeline)
  t.equal((await scrape(one.app)).get('batch_rows_sum'), 5)
  t.equal((await scrape(two.app)).get('batch_rows_sum'), 0)
  t.same(await register.getMetricsAsJSON(), [])
})

t.test('without the option there is no route, and prom-client is not loaded', async (t) => {
  const { app } = await makeApp(t)
  t.equal((await app.inject('/api/timeline/metrics')).statusCode, 404)
  const script = `
    import { createRequire } from 'node:module'
    import Fastify from 'fastify'
    import agentTimeline from 'fastify-agent-timeline'
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('prom-client'))
    const loaded = []
    for (const metrics of [false, true]) {
      const app = Fastify()
      await app.register(agentTimeline, { database: ':memory:', metrics })
      loaded.push(isLoaded())
      await app.close()
    }
    console.log(JSON.stringify(loaded))`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)), env: { ...process.env, NODE_OPTIONS: '' }, encoding: 'utf8'
  })
  t.same(JSON.parse(output), [false, true])
})
