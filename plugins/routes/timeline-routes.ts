import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { systemClock } from '../../lib/time/clock.js'
import type { TimelineCore } from '../../lib/open-core.js'
import { timelineError } from '../../lib/errors.js'
import type { TaskInfo, TimelineEvent } from '../../lib/model/events.js'
import { summarise } from '../../lib/live/summarise.js'
import { toJsonLine } from '../../lib/view/json-line.js'
import { checkTaskId } from '../../lib/options.js'
import type { TimelineQuery } from '../../lib/store/port.js'
import { MAX_LIST_LIMIT } from '../../lib/store/limits.js'
import { formatState } from '../../lib/view/task-answer.js'
import { formatTimeline, type TextTimeline } from '../../lib/view/text-timeline.js'
import { negotiate } from './accept.js'
import type { Projects } from '../projects.js'
import { parseTimelineQuery, projectOf, type Query } from './requests.js'
import { timelineRoute } from './schemas.js'
import { addRoute } from './add-route.js'

/** Applied where the host uses @fastify/rate-limit. */
export const JSON_RATE_LIMIT = { max: 600, timeWindow: '1 minute' }

const FORMATS = ['application/json', 'text/plain', 'application/x-ndjson'] as const

/** What the text shows: without the agents' words, which have a section of their own. */
const TEXT_TYPES = [
  'task.*', 'invocation.started', 'invocation.completed', 'invocation.failed', 'invocation.timeout', 'tool_exec', 'error'
]
const LIVE_TYPES = ['output', 'progress']
const LIVE_ROWS = 50

/** `GET /tasks/:id/timeline`: a page as JSON, as lines of JSON, or the latest part as text. */
export function timelineRoutes (scope: FastifyInstance, projects: Projects): void {
  addRoute(scope, 'routePrefix', {
    url: '/tasks/:id/timeline',
    description: timelineRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request, reply) => {
      const taskId = checkTaskId((request.params as { id: string }).id)
      const query = parseTimelineQuery(request.query as Query)
      const core = await projects.find(projectOf(request), request)
      const task = await getTask(core, taskId)
      return answer(request, reply, core, task, query)
    }
  })
}

/** @throws AGENT_TIMELINE_UNKNOWN_TASK */
export async function getTask (core: TimelineCore, taskId: string): Promise<TaskInfo> {
  const task = await core.reader.getTask(taskId)
  if (task === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
  return task
}

async function answer (
  request: FastifyRequest, reply: FastifyReply, core: TimelineCore, task: TaskInfo, query: TimelineQuery
): Promise<unknown> {
  const { reader } = core
  const format = negotiate(request.headers.accept, FORMATS)
  reply.header('vary', varyOnAccept(reply))
  if (format === 'text/plain') {
    const text = await describe(core, task, query)
    return reply.type('text/plain; charset=utf-8').send(text)
  }
  const { timeline, page } = await reader.readPage(task.id, query)
  if (format === 'application/x-ndjson') {
    const lines = timeline.map((event) => toJsonLine(event) + '\n').join('')
    const { around, ...rest } = request.query as Record<string, string>
    const [name, seq] = query.before === undefined ? ['after', page.nextAfter ?? page.lastSeq] : ['before', page.firstSeq]
    if (page.hasMore) reply.header('link', linkToNext({ ...rest, [name as string]: String(seq) }))
    return reply.type('application/x-ndjson; charset=utf-8').send(lines)
  }
  return { success: true, task, timeline, page }
}

/** The latest part unless another one was asked for: a finite snapshot, however long the task. */
async function describe ({ reader, answers }: TimelineCore, task: TaskInfo, query: TimelineQuery): Promise<string> {
  const isLatest = query.after === undefined && query.around === undefined && query.q === undefined
  const { timeline, page } = await reader.readPage(task.id, {
    types: TEXT_TYPES, ...(isLatest ? { before: 'end' } : {}), ...query
  })
  const running = await reader.running(task.id)
  const words = running.length === 0 || query.types !== undefined
    ? []
    : (await reader.readPage(task.id, { before: 'end', limit: LIVE_ROWS, types: LIVE_TYPES })).timeline
  const events = [...timeline, ...words].sort((a, b) => a.seq - b.seq)
  const isCut = isLatest ? page.hasMore : page.hasBefore === true
  const known = await rolesOf(reader, task.id, events)
  const now = systemClock()
  const state = formatState(await summarise(reader, answers, task.id, systemClock), now)
  return formatTimeline({ task, state, events, running, known, now, isCut })
}

/** Of the task's newest invocations, where an event speaks of one whose start is further up. */
async function rolesOf (
  reader: TimelineCore['reader'], taskId: string, events: readonly TimelineEvent[]
): Promise<NonNullable<TextTimeline['known']>> {
  const begun = new Set<number>()
  const isUnknown = (event: TimelineEvent): boolean => {
    if (event.type === 'invocation.started') begun.add(event.invocationId)
    return 'invocationId' in event && !begun.has(event.invocationId)
  }
  if (!events.some(isUnknown)) return []
  return (await reader.listInvocations({ taskId, limit: MAX_LIST_LIMIT })).invocations
}

/** The rest of what was asked for, as lines have no place to say that there is one. */
function linkToNext (query: Readonly<Record<string, string>>): string {
  return `<?${String(new URLSearchParams(query))}>; rel="next"`
}

function varyOnAccept (reply: FastifyReply): string {
  const vary = reply.getHeader('vary')
  return vary === undefined || vary === '' ? 'accept' : `${String(vary)}, accept`
}
