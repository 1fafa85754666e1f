import { once } from 'node:events'
import { get, IncomingMessage, ServerResponse } from 'node:http'
import { connect, Socket, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { TaskEventSource, Timeline } from '../../lib/open-timeline.js'
import { groupOf } from '../../plugins/stream/address-group.js'
import { ChunkCoding } from '../../plugins/stream/chunk-coding.js'
import { EventStream } from '../../plugins/stream/event-stream.js'
import { OpenStreams } from '../../plugins/stream/open-streams.js'
import { makeApp, makeFolder, recordCoder } from './app.js'
import { SseClient } from './sse-client.js'

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** An invocation that runs until told otherwise. */
async function startCoder (timeline: Timeline, taskId = 'a') {
  const run = await timeline.startInvocation({ taskId, role: 'coder', provider: 'claude', model: 'sonnet-4' })
  const say = (count: number, message = 'line') => {
    for (let i = 0; i < count; i++) {
      // Tool calls are stored one by one; pieces of output may be joined into one row.
      run.activity({
        type: 'tool_exec', message, timestamp: new Date(), metadata: { callId: `c${i}`, phase: 'start', tool: 'Bash' }
      })
    }
  }
  return { run, say }
}

async function headOf (app: FastifyInstance, taskId = 'a'): Promise<number> {
  return (await app.inject(`/api/tasks/${taskId}/timeline?limit=1`)).json().page.headSeq
}

t.test('a stream begins with the moment, replays, goes on live and outlives its invocations', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'orchestrator' })
  const { run, say } = await startCoder(timeline)
  say(3)
  await timeline.flush()
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  t.match(client.response, {
    statusCode: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no'
    }
  })
  await client.untilSeq(5)
  const [snapshot, current, first] = client.frames
  t.match(snapshot?.data, { type: 'timeline.snapshot', taskId: 'a', task: { id: 'a' }, headSeq: 5, epoch: /^[\w-]+$/ })
  t.match(current?.data, { type: 'invocation.current', invocationId: 1, role: 'coder', status: 'running' })
  t.same([snapshot?.id, current?.id], [undefined, undefined])
  t.equal(first?.id, `1.${snapshot?.data.epoch}`)
  t.equal(first?.event, undefined, 'every event has the default name')
  say(2)
  await run.complete('Done')
  await recordCoder(timeline)
  const head = await headOf(app)
  await client.untilSeq(head)
  t.same(client.seqs, upTo(head))
  const page = (await app.inject('/api/tasks/a/timeline')).json().timeline
  t.same(client.frames.filter(({ id }) => id !== undefined).map(({ data }) => data), page, 'the same shape everywhere')
})

t.test('a cut stream resumes by Last-Event-ID, which counts before ?after', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  await recordCoder(timeline)
  const first = await (await SseClient.open(app, '/api/tasks/a/stream?after=2')).untilSeq(5)
  t.same(first.seqs, [3, 4, 5])
  first.destroy()
  await recordCoder(timeline)
  const second = await SseClient.open(app, '/api/tasks/a/stream?after=2', { 'last-event-id': first.lastId as string })
  await second.untilSeq(10)
  t.same(second.seqs, [6, 7, 8, 9, 10])
  const foreign = await SseClient.open(app, '/api/tasks/a/stream', { 'last-event-id': '3.other' })
  await foreign.untilSeq(10)
  t.match(foreign.frames[1], { data: { type: 'timeline.gap', reason: 'unknown-cursor' } })
  t.same(foreign.seqs, upTo(10))
})

t.test('viewers that join, are cut and resume at random during a run miss and repeat nothing', async (t) => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  t.comment(`SEED=${seed}`)
  let state = seed
  const random = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state / 2 ** 31
  }
  const { app, timeline } = await makeApp(t, { listen: true })
  const { run, say } = await startCoder(timeline)
  let isWriting = true
  const writer = (async () => {
    for (let i = 0; i < 60; i++) {
      say(1 + Math.floor(random() * 30))
      await pause(random() * 12)
    }
    await run.complete('Done')
    isWriting = false
  })()
  const viewers = Array.from({ length: 10 }, async () => {
    const seen: number[] = []
    let lastId: string | undefined
    while (true) {
      const wasWriting = isWriting
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
      const client = await SseClient.open(app, '/api/tasks/a/stream', headers)
      const head = await headOf(app)
      if (wasWriting) await pause(random() * 80)
      else if (seen.at(-1) !== head) await client.untilSeq(head)
      client.destroy()
      seen.push(...client.seqs)
      lastId = client.lastId ?? lastId
      if (!wasWriting) return seen
    }
  })
  await writer
  const head = await headOf(app)
  for (const seen of await Promise.all(viewers)) t.same(seen, upTo(head))
})

t.test('a viewer that stops reading costs little memory, harms nobody and is caught up later', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const { say } = await startCoder(timeline)
  const slow = await SseClient.open(app, '/api/tasks/a/stream')
  slow.response.pause()
  const fast = await SseClient.open(app, '/api/tasks/a/stream')
  let head = 1
  for (let i = 0; i < 15; i++) {
    say(100, 'x'.repeat(8000))
    head += 100
    await fast.untilSeq(head)
  }
  slow.response.resume()
  await slow.untilSeq(head)
  t.same(slow.seqs, upTo(head))
})

t.test('a viewer that never reads is disconnected', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true, plugin: { monitoring: { streamHeartbeatInterval: 0.2 } } })
  const { say } = await startCoder(timeline)
  say(2000, 'x'.repeat(8000))
  await timeline.flush()
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => {})
  const [accepted] = await Promise.all([
    once(app.server, 'request').then(([, response]) => response),
    socket.write('GET /api/tasks/a/stream HTTP/1.1\r\nhost: localhost\r\n\r\n')
  ])
  await once(accepted, 'close')
  t.ok(accepted.destroyed)
  socket.destroy()
})

t.test('pings come at the interval', async (t) => {
  const { app } = await makeApp(t, { listen: true, plugin: { monitoring: { streamHeartbeatInterval: 0.1 } } })
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await client.until(({ frames }) => frames.filter(({ event }) => event === 'ping').length >= 2)
  const ping = client.frames.find(({ event }) => event === 'ping')
  t.match(ping, { data: { serverTime: /^\d{4}-\d\d-\d\dT.*Z$/, intervalMs: 100 } })
  t.equal(ping?.id, undefined)
})

t.test('a stream that was ended is not pinged any more', async (t) => {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  response.on('error', (err) => t.fail(err.message))
  const streams = new OpenStreams({ maxConcurrentStreams: 1, maxStreamsPerAddress: 0 })
  const place = streams.take('127.0.0.1', { key: {}, isShared: false })
  place.occupy(new EventStream(response, new ChunkCoding()), () => {})
  response.end()
  streams.ping(': ping\n\n')
  await nextTurn()
  t.throws(() => streams.take('::1', { key: {}, isShared: false }), { code: 'AGENT_TIMELINE_TOO_MANY_STREAMS' }, 'its place is taken until it is closed')
  response.emit('close')
  const next = streams.take('::1', { key: {}, isShared: false })
  next.free()
  next.free()
  t.doesNotThrow(() => streams.take('::1', { key: {}, isShared: false }))
})

t.test('open streams are limited and counted by client address', async (t) => {
  const streams = new OpenStreams({ maxConcurrentStreams: 4, maxStreamsPerAddress: 2 })
  const code = 'AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS'
  const first = streams.take('2001:db8:0:1::1', { key: {}, isShared: false })
  streams.take('2001:db8::1:ffff:0:0:1', { key: {}, isShared: false })
  t.throws(() => streams.take('2001:0db8:0000:0001::2', { key: {}, isShared: false }), { code, statusCode: 429 }, 'a /64 network is one client')
  streams.take('2001:db8:0:2::1', { key: {}, isShared: false })
  first.free()
  streams.take('2001:db8:0:1::3', { key: {}, isShared: false })
  streams.take('192.0.2.1', { key: {}, isShared: false })
  t.throws(() => streams.take('192.0.2.2', { key: {}, isShared: false }), { code: 'AGENT_TIMELINE_TOO_MANY_STREAMS' }, 'the total counts first')
  t.match(streams.counts, { open: 0, opened: 0, rejectedByTotal: 1, rejectedByAddress: 1, endedSlow: 0 })
})

t.test('on a Unix socket nobody has an address, and all are served', async (t) => {
  const { app } = await makeApp(t, { plugin: { monitoring: { maxStreamsPerAddress: 1 } } })
  const socketPath = join(makeFolder(t), 'app.sock')
  await app.listen({ path: socketPath })
  for (const expected of [200, 200]) {
    const request = get({ socketPath, path: '/api/tasks/a/stream', agent: false })
    t.teardown(() => { request.destroy() })
    const [response] = await once(request, 'response') as [IncomingMessage]
    t.equal(response.statusCode, expected)
  }
})

t.test('addresses count as one client where they are one', async (t) => {
  const groups: Array<readonly [address: string, group: string]> = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::5', '2001:db8:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['unknown', 'unknown']
  ]
  for (const [address, group] of groups) t.equal(groupOf(address), group, address)
})

t.test('headers that other plugins set are kept', async (t) => {
  const { app } = await makeApp(t, {
    listen: true,
    before: (app) => {
      app.addHook('onRequest', async (request, reply) => {
        reply.header('access-control-allow-origin', 'https://example.org')
        reply.raw.setHeader('x-request-id', request.id)
      })
    }
  })
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  t.match(client.response.headers, { 'access-control-allow-origin': 'https://example.org', 'x-request-id': /./ })
})

t.test('a host\'s handlerTimeout does not cut streams', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true, server: { handlerTimeout: 100 } as object })
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await pause(200)
  await recordCoder(timeline)
  await client.untilSeq(5)
  t.same(client.seqs, upTo(5))
})

t.test('a client that leaves before its project is found gives its place back', async (t) => {
  let arrived = (): void => {}
  const { app } = await makeApp(t, {
    listen: true,
    plugin: {
      monitoring: { maxConcurrentStreams: 1 },
      projects: async (project) => {
        if (project !== 'slow') return undefined
        arrived()
        return new Promise<never>(() => {})
      }
    }
  })
  const statusOfAnother = async () => (await app.inject('/api/stream?tasks=a&project=none')).statusCode
  for (const url of ['/api/stream?tasks=a&project=slow', '/api/tasks/a/stream?project=slow']) {
    const asked = new Promise<void>((resolve) => { arrived = resolve })
    const { port } = app.server.address() as AddressInfo
    const request = get({ host: '127.0.0.1', port, path: url, agent: false }).on('error', () => {})
    await asked
    t.equal(await statusOfAnother(), 429, url)
    request.destroy()
    while (await statusOfAnother() === 429) await nextTurn()
    t.equal(await statusOfAnother(), 404, url)
  }
})

t.test('streams that wait behind another one of their connection take no places', async (t) => {
  const { app } = await makeApp(t, { listen: true, plugin: { monitoring: { maxConcurrentStreams: 30 } } })
  const { port } = app.server.address() as AddressInfo
  const warnings: Error[] = []
  const onWarning = (warning: Error) => { warnings.push(warning) }
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => { socket.destroy() })
  socket.write('GET /api/tasks/a/stream HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(30))
  await once(socket, 'data')
  const open = await Promise.all(Array.from({ length: 29 }, async () => SseClient.open(app, '/api/tasks/b/stream')))
  t.same(new Set(open.map(({ response }) => response.statusCode)), new Set([200]))
  const statusOfNext = async () => {
    const client = await SseClient.open(app, '/api/tasks/b/stream')
    client.destroy()
    return client.response.statusCode
  }
  t.equal(await statusOfNext(), 429)
  socket.destroy()
  while (await statusOfNext() === 429) await nextTurn()
  t.same(warnings, [])
})

t.test('more streams than allowed are refused until one leaves', async (t) => {
  const { app } = await makeApp(t, { listen: true, plugin: { monitoring: { maxConcurrentStreams: 2 } } })
  const open = async (taskId: string) => SseClient.open(app, `/api/tasks/${taskId}/stream`)
  const [first] = [await open('a'), await open('b')]
  const refused = await app.inject('/api/tasks/c/stream')
  t.match(refused, { statusCode: 429, headers: { 'retry-after': /^\d+$/ } })
  t.match(refused.json(), { success: false, code: 'AGENT_TIMELINE_TOO_MANY_STREAMS', statusCode: 429 })
  t.equal((await app.inject('/api/tasks/%00/stream')).statusCode, 400)
  first?.destroy()
  let status = 429
  while (status === 429) {
    const next = await open('c')
    status = next.response.statusCode as number
  }
  t.equal(status, 200)
})

t.test('streaming can be switched off', async (t) => {
  const { app } = await makeApp(t, { plugin: { monitoring: { enableLiveStreaming: false } } })
  t.match((await app.inject('/api/tasks/a/stream')).json(), { statusCode: 404, code: 'AGENT_TIMELINE_STREAMING_DISABLED' })
})

t.test('a deleted task ends its streams', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  await recordCoder(timeline)
  await recordCoder(timeline, 'b')
  const deleted = await (await SseClient.open(app, '/api/tasks/a/stream')).untilSeq(5)
  const kept = await (await SseClient.open(app, '/api/tasks/b/stream')).untilSeq(5)
  await timeline.deleteTask('a')
  await deleted.untilEnd()
  t.notOk(kept.hasEnded)
})

t.test('app.close() does not wait for a stream whose request it overtakes', async (t) => {
  let isAsked = (): void => {}
  let answer = (): void => {}
  const asked = new Promise<void>((resolve) => { isAsked = resolve })
  const answered = new Promise<void>((resolve) => { answer = resolve })
  let isClosing = (): void => {}
  const closing = new Promise<void>((resolve) => { isClosing = resolve })
  const { app } = await makeApp(t, {
    listen: true,
    before: (host) => host.addHook('preClose', async () => { isClosing() }),
    plugin: { hooks: { preHandler: async () => { isAsked(); await answered } } }
  })
  const refused = SseClient.open(app, '/api/tasks/a/stream')
  await asked
  const closed = app.close()
  await closing
  await nextTurn()
  answer()
  const { response } = await refused
  t.equal(response.statusCode, 503)
  await closed
})

t.test('a header that cannot be written ends the connection, and not the ability to close', async (t) => {
  const { app } = await makeApp(t, {
    listen: true,
    before: (host) => host.addHook('onRequest', async (_request, reply) => { reply.header('x-user', 'Zoë ☃') })
  })
  await t.rejects(SseClient.open(app, '/api/tasks/a/stream'))
  await app.close()
})

t.test('a task is the same through every door, whichever is opened first', async (t) => {
  const taskEvents: TaskEventSource = {
    name: 'mine',
    isPresent: async () => true,
    hasPending: async (_db, taskId, cursor) => taskId === 'a' && cursor < 1,
    read: async () => ({
      cursor: 1,
      events: [
        { sourceId: '1', type: 'task.started', actor: 'me', message: 'go', timestamp: '2026-02-10T12:00:00.000Z' }
      ]
    })
  }
  const snapshotOf = async (app: FastifyInstance, path: string) => {
    const client = await SseClient.open(app, path)
    await client.until(({ frames }) => frames.some(({ data }) => data.type === 'task.started'))
    const { task, headSeq } = client.frames[0]!.data
    client.response.destroy()
    return { task, headSeq }
  }
  type Door = (app: FastifyInstance, timeline: Timeline) => Promise<{ task: object, headSeq: number }>
  const doors: Record<string, Door> = {
    async route (app) {
      const { task, page } = (await app.inject('/api/tasks/a/timeline')).json()
      return { task, headSeq: page.headSeq }
    },
    async text (app) {
      const { body } = await app.inject({ url: '/api/tasks/a/timeline', headers: { accept: 'text/plain' } })
      const hasAll = body.includes('in_progress') && body.includes('Task started by me')
      return { task: { id: 'a', ...(hasAll ? { status: 'in_progress' } : { body }) }, headSeq: 1 }
    },
    async lines (app) {
      const { body } = await app.inject({ url: '/api/tasks/a/timeline', headers: { accept: 'application/x-ndjson' } })
      return { task: { id: 'a', status: 'in_progress' }, headSeq: body.trim().split('\n').length }
    },
    async api (_, timeline) {
      const { task, page } = await timeline.getTimeline('a')
      return { task, headSeq: page.headSeq }
    },
    async events (_, timeline) {
      const { value } = await timeline.events({ taskId: 'a' })[Symbol.asyncIterator]().next()
      return { task: { id: 'a', status: 'in_progress' }, headSeq: value.seq }
    },
    stream: (app) => snapshotOf(app, '/api/tasks/a/stream'),
    many: (app) => snapshotOf(app, '/api/stream?tasks=a:0')
  }
  for (const first of Object.keys(doors)) {
    const { app, timeline } = await makeApp(t, { listen: true, plugin: { taskEvents } })
    const expected = { task: { id: 'a', status: 'in_progress' }, headSeq: 1 }
    t.same(await doors[first]!(app, timeline), expected, first)
    for (const [name, open] of Object.entries(doors)) t.same(await open(app, timeline), expected, `${name} after ${first}`)
    await app.close()
  }
})
