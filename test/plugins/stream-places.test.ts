import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { Timeline } from '../../lib/open-timeline.js'
import { makeApp } from './app.js'
import { SseClient } from './sse-client.js'

/** More than a socket takes by itself. */
async function fill (timeline: Timeline, taskId: string): Promise<void> {
  const run = await timeline.startInvocation({ taskId, role: 'coder', provider: 'claude' })
  for (let i = 0; i < 3000; i++) run.activity({ type: 'progress', message: 'x'.repeat(8000), timestamp: new Date() })
  await timeline.flush()
}

/** Sends requests, and reads no more once the first one is answered. */
async function stall (t: Test, app: FastifyInstance, paths: readonly string[]): Promise<Socket> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => { socket.destroy() })
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''))
  const [accepted] = await once(app.server, 'connection') as [Socket]
  await once(socket, 'data')
  socket.pause()
  // The system takes several megabytes before the server is behind for good.
  for (let before = -1; !accepted.writableNeedDrain || accepted.bytesWritten !== before;) {
    before = accepted.bytesWritten
    await pause(100)
  }
  return socket
}

/** Resolves when a stream is opened, however often it is refused before. */
async function untilPlace (app: FastifyInstance): Promise<SseClient> {
  for (;;) {
    const client = await SseClient.open(app, '/api/tasks/other/stream')
    if (client.response.statusCode === 200) return client
    client.destroy()
    await nextTurn()
  }
}

for (const path of ['/api/tasks/a/stream', '/api/stream?tasks=a:0']) {
  t.test(`viewers of ${path} that never read give their places back when the task is deleted`, async (t) => {
    const plugin = { redact: false as const, monitoring: { maxConcurrentStreams: 3 } }
    const { app, timeline } = await makeApp(t, { plugin, listen: true })
    await fill(timeline, 'a')
    const sockets: Socket[] = []
    for (let i = 0; i < 3; i++) sockets.push(await stall(t, app, [path]))
    const refused = await SseClient.open(app, '/api/tasks/other/stream')
    t.equal(refused.response.statusCode, 429)
    await timeline.deleteTask('a')
    const clients = [await untilPlace(app), await untilPlace(app), await untilPlace(app)]
    for (const client of clients) client.destroy()
    for (const socket of sockets) socket.destroy()
  })
}

t.test('one socket has one stream, however many requests it sends', async (t) => {
  const plugin = { redact: false as const, monitoring: { maxConcurrentStreams: 20 } }
  const { app, timeline } = await makeApp(t, { plugin, listen: true })
  await fill(timeline, 'a')
  await stall(t, app, Array.from({ length: 150 }, (_, i) => i % 2 === 0 ? '/api/tasks/a/stream' : '/api/stream?tasks=a:0'))
  const clients = await Promise.all(Array.from({ length: 19 }, () => untilPlace(app)))
  t.equal(clients.length, 19)
  for (const client of clients) client.destroy()
})

t.test('a session of HTTP/2 has half of the places', async (t) => {
  const server = { http2: true, forceCloseConnections: true } as unknown as FastifyServerOptions
  const { app } = await makeApp(t, { server, plugin: { monitoring: { maxConcurrentStreams: 8 } }, listen: true })
  const open = () => {
    const session = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    session.on('error', () => {})
    t.teardown(() => session.destroy())
    return async () => {
      const stream = session.request({ ':path': '/api/tasks/a/stream' })
      stream.on('error', () => {})
      const [headers] = await once(stream, 'response')
      return headers[':status']
    }
  }
  const greedy = open()
  const statuses: number[] = []
  for (let i = 0; i < 10; i++) statuses.push(await greedy())
  t.same(statuses, [200, 200, 200, 200, 429, 429, 429, 429, 429, 429])
  t.equal(await open()(), 200)
})

t.test('a position is taken wherever a client writes it, and the newest one counts', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  for (let i = 0; i < 8; i++) run.activity({ type: 'error', message: `e${i}`, timestamp: new Date() })
  await run.complete('ok')
  const all = await SseClient.open(app, '/api/tasks/a/stream')
  await all.untilSeq(10)
  const epoch = all.lastId?.split('.')[1]
  all.destroy()
  const cases: Array<[query: string, header: string, first: number]> = [
    ['lastEventId=4', '', 5],
    [`lastEventId=4.${epoch}`, '', 5],
    ['lastEventID=4', '', 5],
    ['Last-Event-ID=4', '', 5],
    [`after=2&lastEventId=7.${epoch}`, '', 8],
    [`after=2.${epoch}&lastEventId=7.${epoch}`, '', 8],
    [`after=2&lastEventId=3.${epoch}`, `7.${epoch}`, 8],
    [`lastEventId=7.${epoch}`, `3.${epoch}`, 8],
    ['after=7&lastEventId=3', '', 8],
    [`after=9&lastEventId=3.${epoch}`, '', 4],
    [`after=9.another&lastEventId=3.${epoch}`, '', 4],
    ['lastEventId=&after=3', '', 4]
  ]
  for (const [query, header, first] of cases) {
    const headers = header === '' ? {} : { 'last-event-id': header }
    const client = await SseClient.open(app, `/api/tasks/a/stream?${query}`, headers)
    await client.untilSeq(10)
    t.equal(client.seqs[0], first, `${query} ${header}`)
    client.destroy()
  }
  for (const query of ['lastEventId=x', 'lastEventId=1&lastEventId=2', 'Last-Event-ID=-1']) {
    const refused = await SseClient.open(app, `/api/tasks/a/stream?${query}`)
    t.equal(refused.response.statusCode, 400, query)
  }
})
