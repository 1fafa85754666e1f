import { once } from 'node:events'
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { Timeline } from '../../lib/open-timeline.js'
import { makeApp, makeFolder, recordCoder } from './app.js'
import { SseClient } from './sse-client.js'

const STREAMS = 1000
const STREAMS_PER_SESSION = 100
const PATHS = ['/api/tasks/small/stream', '/api/stream?tasks=small:0', '/api/stream?running=true']
/** More than sockets and flow control hold, for viewers that do not read. */
const LARGE_PATHS = ['/api/tasks/large/stream', '/api/stream?tasks=small:0,large:0']
const UNREAD_EACH = 10

async function record (timeline: Timeline): Promise<void> {
  await recordCoder(timeline, 'small')
  const run = await timeline.startInvocation({ taskId: 'large', role: 'coder', provider: 'codex' })
  const message = 'x'.repeat(16_000)
  for (let i = 0; i < 1000; i++) run.activity({ type: 'error', message, timestamp: new Date() })
  await timeline.flush()
}

/** The ends of all responses of a server. */
function watchEnds (app: FastifyInstance): Array<Promise<unknown>> {
  const ends: Array<Promise<unknown>> = []
  app.addHook('onRequest', async (_request, reply) => { ends.push(once(reply.raw, 'close')) })
  return ends
}

/** `open` opens all streams. @returns those that are read */
async function closesWith (
  t: Test, server: FastifyServerOptions, open: (app: FastifyInstance) => Promise<readonly SseClient[]>
): Promise<void> {
  let ends: Array<Promise<unknown>> = []
  const { app, timeline } = await makeApp(t, {
    listen: true,
    server,
    before: (host) => { ends = watchEnds(host) },
    plugin: { monitoring: { maxConcurrentStreams: 2 * STREAMS } }
  })
  await record(timeline)
  const clients = await open(app)
  const unread = LARGE_PATHS.length * UNREAD_EACH
  t.equal(ends.length, STREAMS + unread)
  const start = performance.now()
  await app.close()
  const tookMs = performance.now() - start
  t.comment(`closed ${STREAMS} streams, and ${unread} that nobody reads, in ${tookMs.toFixed(0)} ms`)
  // A viewer that does not read cannot see its end; its server can.
  await Promise.all(ends)
  await Promise.all(clients.map((client) => client.untilEnd()))
}

t.test('app.close() ends 1,000 open streams, and does not wait for viewers that do not read, on HTTP/1.1', async (t) => {
  await closesWith(t, {}, async (app) => {
    const clients: SseClient[] = []
    for (let i = 0; i < STREAMS; i += 50) {
      clients.push(...await Promise.all(Array.from({ length: 50 }, async (_, index) =>
        SseClient.open(app, PATHS[index % PATHS.length] as string))))
    }
    await Promise.all(clients.map(async (client) => client.until(({ frames }) => frames.length > 0)))
    for (const path of LARGE_PATHS) {
      for (let i = 0; i < UNREAD_EACH; i++) {
        const { response } = await SseClient.open(app, path)
        response.pause()
        t.teardown(() => response.destroy())
      }
    }
    return clients
  })
})

t.test('app.close() ends 1,000 open streams, and does not wait for viewers that do not read, on HTTP/2', async (t) => {
  const options = { http2: true, forceCloseConnections: true } as unknown as FastifyServerOptions
  await closesWith(t, options, async (app) => {
    const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    const sessions = Array.from({ length: STREAMS / STREAMS_PER_SESSION }, () => connect(origin))
    for (const session of sessions) {
      session.on('error', () => {})
      t.teardown(() => session.destroy())
    }
    const clients = await Promise.all(sessions.flatMap((session) =>
      Array.from({ length: STREAMS_PER_SESSION }, async (_, index) =>
        open(session, PATHS[index % PATHS.length] as string))))
    await Promise.all(clients.map(async (client) => client.until(({ frames }) => frames.length > 0)))
    const last = connect(origin)
    last.on('error', () => {})
    t.teardown(() => last.destroy())
    await Promise.all(LARGE_PATHS.flatMap((path) => Array.from({ length: UNREAD_EACH }, async () => {
      const { response } = await open(last, path)
      response.pause()
    })))
    return clients
  })
})

/** @returns a client whose response is the stream of HTTP/2 */
async function open (session: ClientHttp2Session, path: string): Promise<SseClient> {
  const stream = session.request({ [constants.HTTP2_HEADER_PATH]: path })
  stream.on('error', () => {})
  const [headers] = await once(stream, 'response')
  if (headers[':status'] !== 200) throw new Error(`The answer to ${path} was ${headers[':status']}`)
  return new SseClient(stream as unknown as IncomingMessage)
}

/** A database that has to be set up, and that somebody keeps locked until the test ends. */
function lockedDatabase (t: Test): Sqlite.Database {
  const lock = new Sqlite(join(makeFolder(t), 'x.db'))
  t.teardown(() => lock.close())
  lock.pragma('journal_mode = WAL')
  lock.exec('CREATE TABLE other (id); BEGIN EXCLUSIVE')
  return lock
}

t.test('app.close() ends the wait for a database that somebody keeps locked', async (t) => {
  const lock = lockedDatabase(t)
  const { app } = await makeApp(t, { plugin: { projects: { a: lock.name }, migrate: true } })
  const opening = app.agentTimeline.for('a')
  const refused = t.rejects(opening, { code: 'AGENT_TIMELINE_CLOSED' })
  await app.close()
  await refused
  t.equal(lock.inTransaction, true, 'the lock was never given up')
})

t.test('a database that stays locked is told with its code before Fastify gives the plugin up', async (t) => {
  const lock = lockedDatabase(t)
  await t.rejects(makeApp(t, { plugin: { database: lock.name, migrate: true } }), { code: 'AGENT_TIMELINE_DATABASE_LOCKED' })
})
