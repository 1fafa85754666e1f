import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { systemClock, toIso } from '../lib/clock.js'
import type { TimelineCore } from '../lib/core.js'
import { timelineError } from '../lib/errors.js'
import { checkTaskId } from '../lib/options.js'
import { parseCursor, type Cursor } from '../lib/tail/cursor.js'
import { encodePing, encodeRetry, encodeState } from '../lib/tail/frames.js'
import type { OpenStreams, StreamPlace } from './open-streams.js'
import type { MonitoringOptions } from './plugin-options.js'
import type { Projects } from './projects.js'
import { one, projectOf, type Query } from './requests.js'
import { streamSchema } from './schemas.js'
import { addRoute } from './scope.js'
import { getTask } from './timeline-routes.js'

const RATE_LIMIT = { max: 60, timeWindow: '1 minute' }
const RETRY_MS = 1000

export interface StreamOptions {
  readonly projects: Projects
  readonly streams: OpenStreams
  readonly monitoring: Required<MonitoringOptions>
}

/**
 * `GET /tasks/:id/stream`: server-sent events.
 *
 * The reply is hijacked rather than sent as a stream: a host's `handlerTimeout` would cut that, its buffer would come
 * on top of the socket's, and frames could not be shared between viewers. No HEAD route: it would never be answered.
 */
export function streamRoute (scope: FastifyInstance, { projects, streams, monitoring }: StreamOptions): void {
  const heartbeatMs = monitoring.streamHeartbeatInterval * 1000
  const heartbeat = setInterval(() => streams.ping(encodePing(systemClock(), heartbeatMs)), heartbeatMs).unref()
  scope.addHook('onClose', async () => clearInterval(heartbeat))

  addRoute(scope, 'routePrefix', {
    url: '/tasks/:id/stream',
    exposeHeadRoute: false,
    schema: streamSchema,
    config: { rateLimit: RATE_LIMIT },
    handler: async (request, reply) => {
      if (!monitoring.enableLiveStreaming) throw timelineError('AGENT_TIMELINE_STREAMING_DISABLED')
      const taskId = checkTaskId((request.params as { id: string }).id)
      const cursor = parseCursor(lastEventId(request.headers) ?? one(request.query as Query, 'after'))
      const place = streams.take()
      try {
        const core = await projects.find(projectOf(request), request)
        const opening = await describeTask(core, taskId)
        streams.checkOpen()
        reply.hijack()
        if (reply.raw.destroyed) return place.free()
        begin(reply, opening)
        subscribe(reply.raw, core, taskId, place, 2 * heartbeatMs, cursor)
      } catch (err) {
        place.free()
        // Once it is hijacked nobody else answers; a header of another plugin's may be what cannot be written.
        if (reply.sent) reply.raw.destroy()
        throw err
      }
    }
  })
}

function lastEventId (headers: IncomingHttpHeaders): string | undefined {
  const value = headers['last-event-id']
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Where the task stands and what runs: read before anything is sent, so that errors are JSON with a status. */
async function describeTask (core: TimelineCore, taskId: string): Promise<string> {
  const { reader } = core
  const task = await getTask(core, taskId)
  await reader.importHostRows([taskId])
  const head = (await reader.heads([taskId])).get(taskId)
  const running = await reader.running(taskId)
  const snapshot = encodeState({
    type: 'timeline.snapshot',
    taskId,
    task,
    headSeq: head?.lastSeq ?? 0,
    epoch: head?.epoch ?? '',
    serverTime: toIso(systemClock())
  })
  return snapshot + running.map(encodeState).join('')
}

/** Sends the headers, those that other plugins set among them (CORS, rate limits), and what the moment is like. */
function begin (reply: FastifyReply, opening: string): void {
  reply.raw.writeHead(200, {
    ...reply.getHeaders() as OutgoingHttpHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no'
  })
  reply.raw.write(encodeRetry(RETRY_MS) + opening)
}

function subscribe (
  response: ServerResponse, { hub }: TimelineCore, taskId: string, place: StreamPlace, drainTimeoutMs: number,
  cursor: Cursor | undefined
): void {
  const subscription = hub.subscribe(taskId, {
    ...(cursor === undefined ? {} : { cursor }),
    drainTimeoutMs,
    write: (chunk) => response.write(chunk),
    bufferedBytes: () => response.writableLength,
    onEnd: (reason) => {
      if (reason === 'slow') response.destroy()
      else response.end()
    }
  })
  response.on('drain', () => subscription.drained())
  place.occupy(response, () => subscription.close())
}
