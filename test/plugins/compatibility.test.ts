import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import compress from '@fastify/compress'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { TimelineConnection } from '../../client/connection/connection.js'
import agentTimeline from '../../plugins/agent-timeline.js'
import { decodeFrames } from '../lib/live/peer.js'
import { makeApp, makeFolder, recordCoder } from './app.js'
import { SseClient } from './sse-client.js'

const ROUTES = ['/api/tasks/a/stream', '/api/stream?tasks=a:0', '/api/stream?running=true'] as const

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)
const untilTold = (client: SseClient, seq: number) =>
  client.until(({ frames }) => frames.some(({ data }) => data.seq === seq))
const told = ({ frames }: SseClient) => frames.flatMap(({ data }) => data.seq ?? [])

/** Each event arrives while the next one has not been made yet: nobody on the way waits for more. */
async function followsLive (t: Test, app: FastifyInstance, path: string, headers = {}): Promise<SseClient> {
  const timeline = await app.agentTimeline.for()
  await recordCoder(timeline)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'codex' })
  const client = await SseClient.open(app, path, { origin: 'https://example.org', ...headers })
  t.match(client.response.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no'
  })
  await client.until(({ frames }) => frames.length > 0)
  for (let seq = 7; seq < 12; seq++) {
    run.activity({ type: 'error', message: `step ${seq}`, timestamp: new Date() })
    await untilTold(client, seq)
  }
  await run.complete('Done')
  await untilTold(client, 12)
  if (path.includes('a')) t.same(told(client).slice(-6), upTo(12).slice(-6))
  return client
}

for (const path of ROUTES) {
  t.test(`${path} is what it is under CORS, compression, helmet, rate limits, a time limit and hooks on answers`, async (t) => {
    const sent: string[] = []
    const app = Fastify({ handlerTimeout: 50 } as object)
    t.teardown(() => app.close())
    await app.register(cors, { origin: true, credentials: true })
    await app.register(compress, { global: true, threshold: 0 })
    await app.register(helmet)
    await app.register(rateLimit, { global: false })
    app.addHook('onSend', async (request, _reply, payload) => { sent.push(request.url); return payload })
    await app.register(agentTimeline, { database: `${makeFolder(t)}/x.db` })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = await followsLive(t, app, path, { 'accept-encoding': 'gzip, br' })
    t.match(client.response.headers, {
      'access-control-allow-origin': 'https://example.org',
      'access-control-allow-credentials': 'true',
      'content-encoding': undefined,
      'x-content-type-options': 'nosniff',
      'x-ratelimit-limit': '60',
      'x-ratelimit-remaining': '59'
    })
    t.match(client.response.headers['vary'], /origin/i)
    t.same(sent, [], 'a stream is no payload')
    const page = await app.inject({ url: '/api/tasks/a/timeline', headers: { 'accept-encoding': 'gzip' } })
    t.match(page.headers, { 'content-encoding': 'gzip', 'x-ratelimit-limit': '600' }, 'the others are limited and compressed')
    t.equal(sent.length, 1)
  })
}

t.test('requests beyond the rate limit are refused, and the page polls until it may come back', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cors)
  await app.register(rateLimit, { global: false })
  await app.register(agentTimeline, { database: `${makeFolder(t)}/x.db` })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  await recordCoder(await app.agentTimeline.for())
  for (const url of ['/api/tasks/a/stream?after=x', '/api/stream']) {
    for (let count = 0; count < 60; count++) t.equal((await app.inject(url)).statusCode, 400)
    t.match(await app.inject(url), { statusCode: 429, headers: { 'retry-after': /^\d+$/ } })
  }
  const states: string[] = []
  const seqs = new Set<number>()
  let changed = (): void => {}
  const until = async (isDone: () => boolean) => {
    while (!isDone()) await new Promise<void>((resolve) => { changed = resolve })
  }
  const connection = new TimelineConnection({
    src: `${origin}/api`,
    task: 'a',
    pollIntervalMs: 5,
    onNewest: ({ timeline }) => { for (const { seq } of timeline) seqs.add(seq) },
    onFrame: (frame) => { if ('seq' in frame) seqs.add(frame.seq); changed() },
    onState: ({ name }) => { states.push(name); changed() },
    onServerTime: () => {}
  })
  t.teardown(() => connection.close())
  connection.open()
  await until(() => states.includes('polling'))
  await recordCoder(await app.agentTimeline.for())
  await until(() => seqs.has(10))
  t.same([...seqs], upTo(10))
  t.notOk(states.includes('denied'))
})

t.test('more streams than an address may have are refused, by the address that a trusted proxy tells', async (t) => {
  const { app } = await makeApp(t, {
    listen: true, server: { trustProxy: true }, plugin: { monitoring: { maxStreamsPerAddress: 2 } }
  })
  const open = async (address: string, path: string = ROUTES[0]) =>
    (await SseClient.open(app, path, { 'x-forwarded-for': address })).response
  t.equal((await open('2001:db8::1')).statusCode, 200)
  t.equal((await open('2001:db8::2', ROUTES[1])).statusCode, 200)
  for (const path of ROUTES) {
    const refused = await app.inject({ url: path, headers: { 'x-forwarded-for': '2001:db8::3' } })
    t.match(refused, { statusCode: 429, headers: { 'retry-after': /^\d+$/ } })
    t.equal(refused.json().code, 'AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS')
  }
  t.equal((await open('192.0.2.1', ROUTES[2])).statusCode, 200, 'others are not concerned')
})

t.test('HTTP/1.0, which proxies may speak, has no chunks and is told as much', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  await recordCoder(timeline)
  for (const path of [ROUTES[0], ROUTES[1]]) {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.setEncoding('utf8')
    socket.write(`GET ${path} HTTP/1.0\r\nhost: localhost\r\n\r\n`)
    let text = ''
    while (!text.includes('"seq":5')) text += String(await once(socket, 'data'))
    const [head, body] = text.split('\r\n\r\n') as [string, string]
    t.notMatch(head, /transfer-encoding/i)
    t.same(decodeFrames(body).flatMap(({ data }) => data.seq ?? []), upTo(5))
  }
})

t.test('a length or a coding that a hook gives to all answers is not given to streams', async (t) => {
  const { app, timeline } = await makeApp(t, {
    listen: true,
    before: (app) => {
      app.addHook('onRequest', async (_request, reply) => { reply.headers({ 'content-length': '5', 'content-encoding': 'gzip' }) })
    }
  })
  await recordCoder(timeline)
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  await client.until(({ frames }) => frames.some(({ data }) => data.type === 'invocation.completed'))
  t.pass('it was read to its end')
})
