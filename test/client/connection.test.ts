import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { toAsk } from '../../client/connection/answers.js'
import { backoffMs } from '../../client/connection/backoff.js'
import { TimelineConnection, type ConnectionOptions } from '../../client/connection/connection.js'
import type { ConnectionState } from '../../client/connection/connection-state.js'
import { readStream } from '../../client/connection/stream-reader.js'
import type { ToolCall } from '../../lib/model/answers.js'
import type { StreamFrame, TimelineEvent } from '../../lib/model/events.js'
import { TimelineServer } from './support/timeline-server.js'
import { TaskScript } from './support/sample-task.js'

/** A connection and everything it said, with waiting for the next thing. */
class Watcher {
  readonly frames: StreamFrame[] = []
  readonly states: ConnectionState[] = []
  readonly times: string[] = []
  pages = 0
  readonly connection: TimelineConnection
  #waiters: Array<() => void> = []

  constructor (origin: string, options: Partial<ConnectionOptions> = {}) {
    this.connection = new TimelineConnection({
      src: `${origin}/api`,
      task: 'a/b',
      retryMs: 20,
      pollIntervalMs: 10,
      onNewest: ({ timeline }) => {
        this.pages++
        this.frames.length = 0
        this.frames.push(...timeline)
        this.#wake()
      },
      onFrame: (frame) => {
        this.frames.push(frame)
        this.#wake()
      },
      onState: (state) => {
        this.states.push(state)
        this.#wake()
      },
      onServerTime: (iso) => { this.times.push(iso) },
      ...options
    })
  }

  get seqs (): number[] {
    return this.frames.filter((frame): frame is TimelineEvent => 'seq' in frame).map(({ seq }) => seq)
  }

  get state (): ConnectionState | undefined { return this.states.at(-1) }

  async until (condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  async isLive (): Promise<void> {
    await this.until(() => this.state?.name === 'live')
  }

  #wake (): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

async function start (t: Test, options: Partial<ConnectionOptions> = {}): Promise<{
  server: TimelineServer, origin: string, watcher: Watcher, script: TaskScript
}> {
  const server = new TimelineServer()
  const origin = await server.listen()
  const watcher = new Watcher(origin, options)
  t.teardown(async () => {
    watcher.connection.close()
    await server.close()
  })
  const script = new TaskScript('a/b', Date.now())
  for (let i = 1; i <= 5; i++) script.say(1, 'output', `${i}`)
  server.events = [...script.events]
  return { server, origin, watcher, script }
}

/** Adds events to the log and to the streams. */
function say (server: TimelineServer, script: TaskScript, count: number): void {
  const from = script.events.length
  for (let i = 0; i < count; i++) script.say(1, 'output', `${from + i + 1}`)
  server.append(...script.events.slice(from))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

t.test('one page, then one stream from its end', async (t) => {
  const { server, watcher, script } = await start(t, { project: '/srv/shop', headers: async () => ({ authorization: 'Bearer x' }) })
  watcher.connection.open()
  await watcher.isLive()
  say(server, script, 3)
  await watcher.until(() => watcher.seqs.length === 8)
  t.same(watcher.seqs, upTo(8))
  t.same(server.requests.map(({ url }) => url.pathname + url.search), [
    '/api/tasks/a%2Fb/timeline?project=%2Fsrv%2Fshop&limit=500&before=end',
    '/api/tasks/a%2Fb/stream?project=%2Fsrv%2Fshop&after=5'
  ])
  t.same(server.requests.map(({ headers }) => headers.authorization), ['Bearer x', 'Bearer x'])
  t.same(watcher.states.map(({ name }) => name), ['loading', 'live'])
  t.ok(watcher.times.length >= 2, 'the server told its time')
})

t.test('a cut stream goes on where it was, with its own position', async (t) => {
  const { server, watcher, script } = await start(t)
  watcher.connection.open()
  await watcher.isLive()
  say(server, script, 2)
  await watcher.until(() => watcher.seqs.length === 7)
  server.cut()
  say(server, script, 2)
  await watcher.until(() => watcher.seqs.length === 9)
  t.same(watcher.seqs, upTo(9))
  const { url, headers } = server.requests.at(-1)!
  t.equal(url.searchParams.get('after'), '7.e1')
  t.equal(headers['last-event-id'], '7.e1')
  t.equal(server.countOf('timeline'), 1)
  t.match(watcher.states.map(({ name }) => name), ['loading', 'live', 'reconnecting', 'live'])
})

t.test('many cuts, refusals and repeated events lose and repeat nothing that has another number', async (t) => {
  const { server, watcher, script } = await start(t, { retryMs: 1 })
  server.retryMs = 1
  watcher.connection.open()
  await watcher.isLive()
  for (let round = 0; round < 20; round++) {
    say(server, script, 5)
    if (round % 3 === 0) server.refusals.stream.push({ status: 503 }, { status: 502 })
    if (round % 4 === 1) for (const stream of server.streams) stream.write(server.encode(script.events.at(-2)!))
    server.cut()
    say(server, script, 1)
    const before = server.countOf('stream')
    await server.until(() => server.countOf('stream') > before && server.streams.size === 1)
  }
  await watcher.until(() => watcher.seqs.at(-1) === script.events.length)
  t.same([...new Set(watcher.seqs)], upTo(script.events.length))
})

t.test('a server that is busy is asked again when it said', async (t) => {
  const { server, watcher } = await start(t)
  server.refusals.stream.push({ status: 503, headers: { 'retry-after': '1' } })
  watcher.connection.open()
  await watcher.until(() => watcher.state?.name === 'reconnecting')
  const { retryAtMs, reason } = watcher.state as ConnectionState & { name: 'reconnecting' }
  t.ok(retryAtMs - Date.now() > 500, 'Retry-After counts')
  t.equal(reason, 'It was refused for a test.')
  await watcher.isLive()
})

t.test('the first page is asked for again as well', async (t) => {
  const { server, watcher } = await start(t)
  server.refusals.timeline.push({ status: 500 }, { status: 429 })
  watcher.connection.open()
  await watcher.isLive()
  t.same(watcher.seqs, upTo(5))
  t.equal(server.countOf('timeline'), 3)
})

t.test('a half-open stream is noticed', async (t) => {
  const { server, watcher, script } = await start(t, { heartbeatMs: -2450 })
  watcher.connection.open()
  await watcher.isLive()
  // Two heartbeats and five seconds make 100 ms here; nothing is ever written.
  await watcher.until(() => watcher.state?.name === 'reconnecting')
  t.match(watcher.state, { reason: 'Nothing has come from the server for too long' })
  const { sinceMs } = watcher.state as { sinceMs: number }
  t.ok(sinceMs <= Date.now() - 90, 'from when it was last heard')
  say(server, script, 1)
  await watcher.until(() => watcher.seqs.length === 6)
  t.same(watcher.seqs, upTo(6))
})

t.test('a stream that is not answered for ten seconds is given up', async (t) => {
  const { server, origin } = await start(t)
  server.gate = new Promise(() => {})
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let isSettled = false
  const reading = readStream({
    url: `${origin}/api/tasks/a/stream`,
    headers: undefined,
    lastEventId: '',
    signal: new AbortController().signal,
    onOpen: () => t.fail('it was opened'),
    onPing: () => {},
    onMessage: () => {}
  }).finally(() => { isSettled = true })
  const refused = t.rejects(reading, { message: 'Nothing has come from the server for too long', silentMs: 10_000 })
  await server.until(() => server.countOf('stream') === 1)
  mock.timers.tick(9_999)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(isSettled, false)
  mock.timers.tick(1)
  await refused
})

t.test('a ping tells the clock, and is no event', async (t) => {
  const { server, watcher, script } = await start(t)
  watcher.connection.open()
  await watcher.isLive()
  const serverTime = '2026-02-10T12:00:00.000Z'
  const data = JSON.stringify({ serverTime, intervalMs: 30_000 })
  for (const stream of server.streams) stream.write(`: ping\nevent: ping\ndata: ${data}\n\n`)
  say(server, script, 1)
  await watcher.until(() => watcher.seqs.length === 6)
  t.ok(watcher.times.includes(serverTime))
  t.same(watcher.frames.map(({ type }) => type).filter((type) => type !== 'invocation.activity'), ['timeline.snapshot'])
})

t.test('where streaming is off the timeline is polled, and said so', async (t) => {
  const { server, watcher, script } = await start(t)
  server.isRefusing = true
  server.refusals.stream.push({
    status: 404, body: { success: false, code: 'AGENT_TIMELINE_STREAMING_DISABLED', error: 'Live streaming is switched off.' }
  })
  watcher.connection.open()
  await watcher.until(() => watcher.state?.name === 'polling')
  t.match(watcher.state, { reason: 'live streaming is switched off' })
  say(server, script, 700)
  await watcher.until(() => watcher.seqs.length === 705)
  t.same(watcher.seqs, upTo(705))
  t.equal(server.countOf('stream'), 1)
})

t.test('a full server is polled until a stream is free', async (t) => {
  const { server, watcher, script } = await start(t)
  server.refusals.stream.push({ status: 429, headers: { 'retry-after': '1' }, body: { code: 'AGENT_TIMELINE_TOO_MANY_STREAMS' } })
  watcher.connection.open()
  await watcher.until(() => watcher.state?.name === 'polling')
  t.match(watcher.state, { reason: 'the server has no free stream' })
  say(server, script, 2)
  await watcher.isLive()
  say(server, script, 2)
  await watcher.until(() => watcher.seqs.length === 9)
  t.same(watcher.seqs, upTo(9))
  t.equal(server.countOf('stream'), 2)
})

t.test('who may not see the task is told, and not asked again', async (t) => {
  for (const status of [401, 403, 404]) {
    const { server, watcher } = await start(t)
    server.refusals.timeline.push({ status, body: { statusCode: status, error: 'Forbidden', message: 'You need the role viewer.' } })
    watcher.connection.open()
    await watcher.until(() => watcher.state?.name === 'denied')
    t.match(watcher.state, { status, message: 'You need the role viewer.' })
    t.equal(server.requests.length, 1)
    watcher.connection.reload()
    await watcher.isLive()
  }
})

t.test('a log that was replaced is loaded anew', async (t) => {
  const { server, watcher } = await start(t)
  watcher.connection.open()
  await watcher.isLive()
  server.append({ ...server.events.at(-1)!, seq: 6 })
  await watcher.until(() => watcher.seqs.length === 6)
  const other = new TaskScript('a/b', Date.now()).say(2, 'output', 'new')
  server.events = [...other.events]
  server.epoch = 'e2'
  server.cut()
  await watcher.until(() => watcher.pages === 2 && watcher.state?.name === 'live')
  t.same(watcher.seqs, [1])
  server.append({ ...other.events[0]!, seq: 2 })
  await watcher.until(() => watcher.seqs.length === 2)
})

t.test('older pages come on demand', async (t) => {
  const { server, watcher } = await start(t, { pageLimit: 2 })
  watcher.connection.open()
  await watcher.isLive()
  t.same(watcher.seqs, [4, 5])
  const { timeline, page } = await watcher.connection.loadOlder(4)
  t.same(timeline.map(({ seq }) => seq), [2, 3])
  t.equal(page.hasMore, true)
  t.equal(server.countOf('stream'), 1)
})

t.test('closing ends the stream and says nothing more', async (t) => {
  const { server, watcher } = await start(t)
  watcher.connection.open()
  await watcher.isLive()
  watcher.connection.close()
  await server.until(() => server.streams.size === 0)
  t.equal(watcher.state?.name, 'live')
})

t.test('waits double, have a limit and differ', async (t) => {
  const waits = [0, 1, 2, 3, 4, 9].map((attempt) => backoffMs(attempt, 1000, () => 1))
  t.same(waits, [1000, 2000, 4000, 8000, 10_000, 10_000])
  t.equal(backoffMs(0, 1000, () => 0), 500)
})

t.test('calls that run are asked for again, and not what came after them', async (t) => {
  const calls = (...running: readonly number[]): ToolCall[] => Array.from({ length: 200 }, (_, i) => ({
    seq: 2 * i + 1, status: running.includes(i) ? 'running' : 'ok'
  }) as ToolCall)
  t.same(toAsk([]), { stretches: [], rest: 0 })
  t.same(toAsk(calls()), { stretches: [], rest: 399 })
  t.same(toAsk(calls(3)), { stretches: [{ after: 6, limit: 1 }], rest: 399 })
  t.same(toAsk(calls(3, 4, 52, 53, 199)), {
    stretches: [{ after: 6, limit: 50 }, { after: 106, limit: 1 }, { after: 398, limit: 1 }], rest: 399
  }, 'neighbours are asked for together')
})
