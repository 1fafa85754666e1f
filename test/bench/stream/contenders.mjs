import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import Fastify from 'fastify'
import { isSmoke } from '../measure.mjs'
import { openDocumentPath } from '../write-paths.mjs'

/** Of all streams, so that those who ping and those who do not are compared at the same rhythm. */
export const HEARTBEAT_SECONDS = 10

/**
 * Web servers that store activities and show them: ours, and the document's write path in front of two SSE packages.
 *
 * Each loads its own package alone: the process's memory is measured.
 */
export const CONTENDERS = { Timeline: openTimelineServer, 'better-sse': openBetterSse, '@fastify/sse': openFastifySse }

/** Who takes part where one benchmark has shown already that all of them run. */
export const NAMES = isSmoke ? ['Timeline'] : Object.keys(CONTENDERS)

/** What no server can do better that writes to each viewer through Node as often as ours does. */
export const LIMIT = 'node:http by hand, frames joined per 50 ms, nothing stored'
const JOIN_MS = 50

/** Servers that only show what others store. */
export const SERVERS = {
  [LIMIT]: openBareServer,
  viewer: (directory) => openPlugin({ database: join(directory, 'bench.db') }),
  'poll-250': (directory) => openPolling(directory, 250),
  'poll-1000': (directory) => openPolling(directory, 1000),
  archive: (directory) => openPlugin({ projects: { '/small': join(directory, 'small.db'), '/large': join(directory, 'large.db') } })
}

async function openPlugin (source) {
  const { default: agentTimeline } = await import('fastify-agent-timeline')
  const app = Fastify()
  await app.register(agentTimeline, {
    ...source,
    monitoring: { maxConcurrentStreams: 10_000, streamHeartbeatInterval: HEARTBEAT_SECONDS },
    hooks: {}
  })
  return { app, path: '/api/tasks/t/stream' }
}

/** Ours: the plugin, and its own timeline as the writer. */
async function openTimelineServer (directory) {
  const { app, path } = await openPlugin({ database: join(directory, 'bench.db') })
  const timeline = await app.agentTimeline.for()
  const handle = await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'x' })
  return { app, path, onActivity: handle.activity, flush: () => timeline.flush() }
}

/** README of better-sse: a session per request, registered with a channel that broadcasts. */
async function openBetterSse (directory) {
  const { createChannel, createSession } = await import('better-sse')
  const { emitter, onActivity } = openDocumentWriter(directory)
  const channel = createChannel()
  emitter.on('invocation', (event) => channel.broadcast(event, 'message', { eventId: String(event.seq) }))
  const app = Fastify()
  app.get('/api/tasks/:id/stream', async (request, reply) => {
    reply.hijack()
    channel.register(await createSession(request.raw, reply.raw, { keepAlive: HEARTBEAT_SECONDS * 1000 }))
  })
  return { app, path: '/api/tasks/t/stream', onActivity }
}

/** README of @fastify/sse: `keepAlive()`, a first message, `send` for each event, `onClose`. */
async function openFastifySse (directory) {
  const { default: fastifySse } = await import('@fastify/sse')
  const { emitter, onActivity } = openDocumentWriter(directory)
  const app = Fastify()
  await app.register(fastifySse, { heartbeatInterval: HEARTBEAT_SECONDS * 1000 })
  app.get('/api/tasks/:id/stream', { sse: true }, async (request, reply) => {
    reply.sse.keepAlive()
    await reply.sse.send({ data: { type: 'connected' } })
    const send = (event) => { reply.sse.send({ id: event.seq, data: event }).catch(() => {}) }
    emitter.on('invocation', send)
    reply.sse.onClose(() => emitter.off('invocation', send))
  })
  return { app, path: '/api/tasks/t/stream', onActivity }
}

/** Frames are encoded once and written together; that is all. */
async function openBareServer () {
  const viewers = []
  let frames = ''
  let told = 0
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write('retry: 1000\n\n')
    viewers.push(response)
  })
  setInterval(() => {
    if (frames === '') return
    const bytes = Buffer.from(frames)
    frames = ''
    for (const viewer of viewers) viewer.write(bytes)
  }, JOIN_MS).unref()
  return {
    app: { server, listen: (options) => new Promise((resolve) => { server.listen(options, resolve) }) },
    path: '/',
    onActivity ({ type: activityType, message: activity, metadata }) {
      const event = {
        seq: ++told, taskId: 't', timestamp: new Date(), type: 'invocation.activity', invocationId: 1, activity, activityType, metadata
      }
      frames += `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`
    }
  }
}

/** The document's logger: two statements, then an event for whoever listens in this process. */
function openDocumentWriter (directory) {
  const emitter = new EventEmitter().setMaxListeners(0)
  const log = openDocumentPath(directory)
  return {
    emitter,
    onActivity (activity) {
      const seq = log.onActivity(activity)
      emitter.emit('invocation', {
        seq,
        taskId: 't',
        timestamp: new Date(),
        type: 'invocation.activity',
        invocationId: 1,
        activity: activity.message,
        activityType: activity.type,
        metadata: activity.metadata
      })
    }
  }
}

/** What is done where nothing tells one process of another's writes: a query by cursor, again and again. */
async function openPolling (directory, intervalMs) {
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(join(directory, 'bench.db'))
  const news = db.prepare('SELECT seq, activity_type, message FROM invocation_activity WHERE task_id = ? AND seq > ? ORDER BY seq LIMIT 500')
  const app = Fastify()
  app.get('/api/tasks/:id/stream', (request, reply) => {
    let seen = 0
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    const poll = () => {
      for (const { seq, activity_type: activityType, message } of news.all(request.params.id, seen)) {
        const event = { seq, taskId: request.params.id, type: 'invocation.activity', activity: message, activityType }
        reply.raw.write(`id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`)
        seen = seq
      }
    }
    reply.raw.write('retry: 1000\n\n')
    const timer = setInterval(poll, intervalMs)
    reply.raw.on('close', () => clearInterval(timer))
  })
  return { app, path: '/api/tasks/t/stream' }
}
