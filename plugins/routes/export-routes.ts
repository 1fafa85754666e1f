import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { timelineError } from '../../lib/errors.js'
import { EXPORT_FORMATS, exportFileName, exportTask, type ExportFormat } from '../../lib/live/export-task.js'
import { checkTaskId } from '../../lib/options.js'
import { clearTimeout, setTimeout } from '../../lib/time/timers.js'
import type { Projects } from '../projects.js'
import { addRoute } from './add-route.js'
import { exportRoute } from './answer-schemas.js'
import { one, projectOf, type Query } from './requests.js'
import { getTask } from './timeline-routes.js'

/** Whoever comes later is asked to come again: each holds some megabytes. */
const MAX_EXPORTS = 16
/** Whoever takes nothing for so long gets no more. */
const STALLED_MS = 60_000
const RATE_LIMIT = { max: 60, timeWindow: '1 minute' }
const TYPES: Readonly<Record<ExportFormat, string>> = {
  html: 'text/html; charset=utf-8', ndjson: 'application/x-ndjson; charset=utf-8'
}

/** `GET /timeline/tasks/:id/export`: a task as a file. */
export function exportRoutes (scope: FastifyInstance, projects: Projects): void {
  const open = new Map<AsyncGenerator<string>, Readable | undefined>()
  let isClosing = false
  // A server that closes waits for its answers, a slow reader's too.
  scope.addHook('preClose', async () => {
    isClosing = true
    for (const stream of open.values()) stream?.destroy()
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/tasks/:id/export',
    description: exportRoute,
    rateLimit: RATE_LIMIT,
    // It would read the whole log to tell its headers.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const taskId = checkTaskId((request.params as { id: string }).id)
      const format = formatOf(one(request.query as Query, 'format'))
      const core = await projects.find(projectOf(request), request)
      await getTask(core, taskId)
      if (open.size >= MAX_EXPORTS) throw timelineError('AGENT_TIMELINE_BUSY')
      const pieces = exportTask(core.reader, core.answers, taskId, format)
      open.set(pieces, undefined)
      let first: IteratorResult<string>
      try {
        first = await pieces.next()
        if (isClosing) throw timelineError('AGENT_TIMELINE_CLOSED')
      } catch (err) {
        open.delete(pieces)
        throw err
      }
      const stream = Readable.from(inTime(first, pieces, () => stream.destroy()))
      open.set(pieces, stream)
      // A hook of the host may answer something else.
      const unread = setTimeout(() => stream.destroy(), STALLED_MS).unref()
      stream.once('resume', () => clearTimeout(unread))
      stream.once('close', () => {
        clearTimeout(unread)
        open.delete(pieces)
      })
      // Only now: an error is no file.
      reply.type(TYPES[format]).header('content-disposition', `attachment; filename="${exportFileName(taskId, format)}"`)
      if (format === 'html') reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
      return reply.send(stream)
    }
  })
}

async function * inTime (
  first: IteratorResult<string>, rest: AsyncGenerator<string>, giveUp: () => void
): AsyncGenerator<string> {
  for (let piece = first; piece.done !== true; piece = await rest.next()) {
    const timer = setTimeout(giveUp, STALLED_MS)
    try {
      yield piece.value
    } finally {
      clearTimeout(timer)
    }
  }
}

function formatOf (given: string = 'html'): ExportFormat {
  const format = EXPORT_FORMATS.find((known) => known === given)
  if (format === undefined) throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', [`format is one of ${EXPORT_FORMATS.join(', ')}`])
  return format
}
