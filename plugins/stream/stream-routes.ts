import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { systemClock } from '../../lib/time/clock.js'
import { timelineError } from '../../lib/errors.js'
import { checkTaskId } from '../../lib/options.js'
import { newestOf, parseCursor, type Cursor } from '../../lib/model/cursor.js'
import { encodePing } from '../../lib/live/frames.js'
import { describeTask } from './describe-task.js'
import { ChunkCoding } from './chunk-coding.js'
import { EventStream } from './event-stream.js'
import { followTask } from './follow-task.js'
import { openListed } from './listed-tasks.js'
import { connectionOf, type OpenStreams } from './open-streams.js'
import type { Opening, OpeningContext } from './opening.js'
import type { MonitoringOptions } from '../plugin-options.js'
import type { Projects } from '../projects.js'
import { one, projectOf, type Query } from '../routes/requests.js'
import { openRunning } from './running-feeds.js'
import { manyStreamRoute, streamRoute } from '../routes/schemas.js'
import { addRoute } from '../routes/add-route.js'
import { parseTasks } from './task-positions.js'
import { encodeTrouble, followTrouble } from './trouble-frames.js'
import { clearInterval, setInterval } from '../../lib/time/timers.js'

const RATE_LIMIT = { max: 60, timeWindow: '1 minute' }

export interface StreamOptions {
  readonly projects: Projects
  readonly streams: OpenStreams
  readonly monitoring: Required<MonitoringOptions>
}

/** Reads the request before anything else, then what the stream begins with. */
type Prepare = (request: FastifyRequest) => (context: OpeningContext) => Promise<Opening>

/**
 * `GET /tasks/:id/stream`, one task; `GET /stream`, many: server-sent events.
 *
 * No HEAD routes: they would never be answered.
 */
export function streamRoutes (scope: FastifyInstance, options: StreamOptions): void {
  const heartbeatMs = options.monitoring.streamHeartbeatInterval * 1000
  const coding = new ChunkCoding()
  const heartbeat = setInterval(() => options.streams.ping(encodePing(systemClock(), heartbeatMs)), heartbeatMs).unref()
  scope.addHook('onClose', async () => clearInterval(heartbeat))

  for (const { url, description, prepare } of [
    { url: '/tasks/:id/stream', description: streamRoute, prepare: prepareOne },
    { url: '/stream', description: manyStreamRoute, prepare: prepareMany }
  ]) {
    addRoute(scope, 'routePrefix', {
      url,
      exposeHeadRoute: false,
      description,
      rateLimit: RATE_LIMIT,
      handler: async (request, reply) => serve(request, reply, prepare, options, coding)
    })
  }
}

async function serve (
  request: FastifyRequest, reply: FastifyReply, prepare: Prepare, { projects, streams, monitoring }: StreamOptions,
  coding: ChunkCoding
): Promise<void> {
  if (!monitoring.enableLiveStreaming) throw timelineError('AGENT_TIMELINE_STREAMING_DISABLED')
  const open = prepare(request)
  const place = streams.take(request.ip, connectionOf(request))
  const stream = new EventStream(reply.raw, coding)
  // A resolver of projects may never answer: whoever has left meanwhile keeps nobody out.
  stream.onClose(place.free)
  let opening: Opening | undefined
  try {
    const core = await projects.find(projectOf(request), request)
    const drainTimeoutMs = 2 * monitoring.streamHeartbeatInterval * 1000
    // Before anything is sent, so that errors are JSON with a status.
    opening = await open({
      core, stream, drainTimeoutMs, end: () => streams.end(stream), endSlow: () => streams.endSlow(stream)
    })
    streams.checkOpen()
    reply.hijack()
    if (stream.isGone) {
      place.free()
      return opening.stop()
    }
    const { stop } = opening
    const trouble = core.trouble.current
    stream.begin(reply, opening.frames + encodeTrouble(trouble))
    const forget = followTrouble(core.trouble, stream, trouble)
    place.occupy(stream, () => { forget(); stop() })
    opening.follow()
  } catch (err) {
    place.free()
    opening?.stop()
    // Once it is hijacked nobody else answers; a header of another plugin's may be what cannot be written.
    if (reply.sent) stream.destroy()
    throw err
  }
}

function prepareOne (request: FastifyRequest): (context: OpeningContext) => Promise<Opening> {
  const taskId = checkTaskId((request.params as { id: string }).id)
  const cursors = cursorsOf(request)
  return async ({ core, stream, drainTimeoutMs, end, endSlow }) => {
    const task = await describeTask(core, taskId, { withSummary: true })
    const cursor = newestOf(cursors, task.headSeq, task.epoch)
    let stop = (): void => {}
    return {
      frames: task.frames,
      follow: () => {
        stop = followTask(core, task, stream, {
          ...(cursor === undefined ? {} : { cursor }),
          drainTimeoutMs,
          onEnd: (reason) => reason === 'slow' ? endSlow() : end()
        }).close
      },
      stop: () => stop()
    }
  }
}

function prepareMany (request: FastifyRequest): (context: OpeningContext) => Promise<Opening> {
  const query = request.query as Query
  const running = one(query, 'running')
  if (running !== undefined && running !== 'true') {
    throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', ['running is true, or left out'])
  }
  const hasTasks = one(query, 'tasks') !== undefined
  if (hasTasks === (running !== undefined)) {
    throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', ['give tasks or running=true, one of the two'])
  }
  if (!hasTasks) return openRunning
  const tasks = parseTasks(request.raw.url ?? '')
  return async (context) => openListed(context, tasks)
}

/** Where a client may write its position; `lastEventId` is that of event-source-polyfill, the others are Mercure's. */
const CURSOR_PARAMETERS = ['lastEventId', 'lastEventID', 'Last-Event-ID', 'after'] as const

/** All that were given: a client that reconnects adds its position to the address it was made with. */
function cursorsOf ({ headers, query }: FastifyRequest): Cursor[] {
  const texts = [headers['last-event-id'], ...CURSOR_PARAMETERS.map((name) => one(query as Query, name))]
  return texts.map((text) => parseCursor(text as string | undefined)).filter((cursor) => cursor !== undefined)
}
