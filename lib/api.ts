import { timelineError } from './errors.js'
import type { AdviceKeeper } from './live/advice-keeper.js'
import type { Hub } from './live/hub.js'
import { follow } from './live/follow.js'
import { checkTaskFilter } from './live/check-task-filter.js'
import { checkLimit, checkNumber, checkPage, checkTimelineQuery } from './live/check-timeline-query.js'
import { listTasks, type TaskListParts } from './live/list-tasks.js'
import { reportUsage } from './live/report-usage.js'
import { summarise } from './live/summarise.js'
import { INVOCATION_STATUSES } from './model/events.js'
import { checkInvocationId, checkObject, checkTaskId } from './options.js'
import { withinPatience } from './recorder/patience.js'
import type { Recorder } from './recorder/recorder.js'
import type { Writer } from './recorder/writer.js'
import { MAX_LIST_LIMIT } from './store/limits.js'
import type { AnswerReader } from './store/answers.js'
import type { LogReader } from './store/port.js'
import { parseTime, toIso, type Clock } from './time/clock.js'
import type { Timeline } from './timeline.js'

export interface ApiOptions {
  readonly recorder: Recorder
  readonly writer: Writer
  readonly reader: LogReader
  readonly answers: AnswerReader
  readonly tasks: TaskListParts['tasks']
  readonly health: TaskListParts['health']
  readonly advice: Pick<AdviceKeeper, 'report'>
  readonly hub: Hub
  readonly now: Clock
  /** Redacts and caps a text before it enters the log. */
  readonly clean: (text: string) => string
  readonly deleteTask: (taskId: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** The methods of a timeline: what they are given is checked here, and what they do is done by the parts. */
export function createTimeline (options: ApiOptions): Timeline {
  const { recorder, writer, reader, answers, tasks, health, advice, hub, now, clean, deleteTask, close } = options
  let taskEvents = 0
  let closing: Promise<void> | undefined

  return {
    logInvocation: recorder.logInvocation,
    startInvocation: recorder.startInvocation,

    async recordTaskEvent (event) {
      const op = {
        kind: 'task' as const,
        taskId: checkTaskId(event?.taskId),
        ...checkTaskEvent(event),
        actor: clean(event.actor),
        message: clean(event.message ?? ''),
        timestamp: toIso(Math.min(parseTime(event.timestamp) ?? now(), now())),
        sourceId: String(taskEvents++)
      }
      if (await reader.getTask(op.taskId) === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
      await withinPatience(new Promise<void>((resolve, reject) => {
        writer.push(op, (error) => error === undefined ? resolve() : reject(error))
      }), true)
    },

    async getTimeline (taskId, query = {}) {
      const id = checkTaskId(taskId)
      checkTimelineQuery(query)
      const task = await reader.getTask(id)
      if (task === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
      const page = await reader.readPage(id, query)
      return { task, ...page }
    },

    async getInvocation (id, query = {}) {
      checkPage(query)
      return reader.getInvocation(checkInvocationId(id), query)
    },

    async listInvocations (filter = {}) {
      checkObject('filter', filter)
      if (filter.status !== undefined && !INVOCATION_STATUSES.includes(filter.status)) {
        throw timelineError('AGENT_TIMELINE_INVALID_STATUS')
      }
      if (filter.limit !== undefined) checkLimit(filter.limit, MAX_LIST_LIMIT)
      const { taskId, ...rest } = filter
      return reader.listInvocations(taskId === undefined ? rest : { ...rest, taskId: checkTaskId(taskId) })
    },

    async getSummary (taskId) {
      return summarise(reader, answers, checkTaskId(taskId), now)
    },

    listTasks: async (filter = {}) => listTasks({ tasks, health, now }, checkTaskFilter(filter)),

    getUsage: async (query = {}) => reportUsage(reader, answers, query),

    getVerdictReport: async () => advice.report(),

    events (query) {
      checkObject('options', query)
      const { taskId, after, ...rest } = query
      checkNumber('after', after)
      return follow(hub, reader, { ...rest, ...(after === undefined ? {} : { after }), taskId: checkTaskId(taskId) })
    },

    deleteTask: async (taskId) => deleteTask(checkTaskId(taskId)),

    flush: async () => writer.flush(),
    close: async () => {
      closing ??= close()
      return closing
    }
  }
}

/** Of 1973: a number below is one of seconds. */
const FIRST_MS = 1e11

function checkTaskEvent (
  event: { type: string, actor: string, message?: string, timestamp?: unknown }
): { type: `task.${string}` } {
  const isType = typeof event.type === 'string' && /^task\.\w{1,64}$/.test(event.type)
  if (!isType) throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['type is task. and a word'])
  if (typeof event.actor !== 'string') throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['actor is a text'])
  if (typeof (event.message ?? '') !== 'string') throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['message is a text'])
  const { timestamp } = event
  const isTime = (timestamp ?? undefined) === undefined || parseTime(timestamp) !== undefined
  if (!isTime || (typeof timestamp === 'number' && timestamp < FIRST_MS)) {
    throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['timestamp is a Date, a time in ISO-8601, or milliseconds'])
  }
  return { type: event.type as `task.${string}` }
}
