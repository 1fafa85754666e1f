import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { systemClock } from '../lib/clock.js'
import { timelineError } from '../lib/errors.js'
import { checkTaskId } from '../lib/options.js'
import { parseCursor } from '../lib/tail/cursor.js'
import { encodePing } from '../lib/tail/frames.js'
import { describeTask } from './describe-task.js'
import { EventStream } from './event-stream.js'
import { followTask } from './follow-task.js'
import type { OpenStreams } from './open-streams.js'
import type { MonitoringOptions } from './plugin-options.js'
import type { Projects } from './projects.js'
import { one, projectOf, type Query } from './requests.js'
import { streamSchema } from './schemas.js'
import { addRoute } from './scope.js'

const RATE_LIMIT = { max: 60, timeWindow: '1 minute' }

export interface StreamOptions {
  readonly projects: Projects
  readonly streams: OpenStreams
  readonly monitoring: Required<MonitoringOptions>
}

/** `GET /tasks/:id/stream`: server-sent events. No HEAD route: it would never be answered. */
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
        // Before anything is sent, so that errors are JSON with a status.
        const task = await describeTask(core, taskId)
        streams.checkOpen()
        reply.hijack()
        if (reply.raw.destroyed) return place.free()
        const stream = new EventStream(reply, task.frames)
        const stop = followTask(core, task, stream, {
          cursor,
          drainTimeoutMs: 2 * heartbeatMs,
          onEnd: (reason) => reason === 'slow' ? stream.destroy() : stream.end()
        })
        place.occupy(reply.raw, stop)
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
