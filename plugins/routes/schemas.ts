import { INVOCATION_STATUSES } from '../../lib/model/events.js'
import { DEFAULT_LIST_LIMIT, DEFAULT_PAGE_LIMIT, MAX_LIST_LIMIT, MAX_PAGE_LIMIT, MAX_QUERY_LENGTH } from '../../lib/store/limits.js'
import type { Answer, Dialect, Schemas } from './dialects.js'
import { object, text, whole, yesNo } from './event-schemas.js'

/** What a route takes and answers. */
export interface RouteDescription {
  readonly operationId: string
  readonly summary: string
  readonly params?: Schemas
  readonly querystring?: Schemas
  readonly headers?: Schemas
  readonly answer: (dialect: Dialect) => Answer
  /**
   * Media types to be had by `Accept`. Told in words: a client that is generated from a document would take the type of
   * an answer of several for any of them, whatever it asked for.
   */
  readonly otherFormats?: readonly string[]
  /** With which statuses it refuses, beside those of every route. */
  readonly errors: readonly ErrorStatus[]
}

/** The statuses of errors, and what they are for. */
export const ERRORS = {
  400: 'The request is not understood',
  403: 'The answer is about all tasks, of which the request may not see all',
  404: 'There is no such project, or nothing of that name in it',
  421: 'Requests may not name this host',
  429: 'Too many open streams',
  500: 'Something went wrong',
  503: 'The database cannot be read at the moment, or too much is being read'
} as const
export type ErrorStatus = keyof typeof ERRORS

export const project = { ...text, description: 'which project; ignored where there is one database' }
export const after = { ...text, description: 'events after this number; a stream\'s cursor is understood too' }
const before = { ...text, description: 'the events before this number, or before the "end"' }
export const taskParams = { id: { ...text, minLength: 1, maxLength: 256 } }
const pageLimit = { ...whole, minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT }

export const success = (properties: Schemas): Schemas => ({
  'application/json': object({ success: { ...yesNo, enum: [true] }, ...properties })
})

export const timelineRoute: RouteDescription = {
  operationId: 'getTaskTimeline',
  summary: 'A page of a task\'s timeline',
  params: taskParams,
  querystring: {
    project,
    after,
    before,
    limit: pageLimit,
    around: { ...whole, minimum: 0, description: 'the events on both sides of this number' },
    q: { ...text, maxLength: MAX_QUERY_LENGTH, description: 'only events with this text, whatever the capitals' },
    types: { ...text, description: 'comma-separated: event types, task.*, activity types' }
  },
  answer: ({ ref }) => ({
    description: 'Ascending. With Accept: application/x-ndjson an AgentTimelineEvent in each line; with Accept: ' +
      'text/plain the latest part, for people',
    headers: { Link: { ...text, description: 'of application/x-ndjson: the next page, as rel="next"; absent at the end' } },
    content: success({
      task: ref('AgentTimelineTask'),
      timeline: { type: 'array', items: ref('AgentTimelineEvent') },
      page: ref('AgentTimelinePage')
    })
  }),
  otherFormats: ['text/plain', 'application/x-ndjson'],
  errors: [400, 404, 503]
}

const stream = (about: string) => ({ ref }: Dialect): Answer => ({
  description: `Server-sent events ${about}: data: lines hold an AgentTimelineStreamFrame, those of the event named ` +
    'ping an AgentTimelinePing, as JSON',
  content: { 'text/event-stream': { anyOf: [ref('AgentTimelineStreamFrame'), ref('AgentTimelinePing')] } }
})

export const streamRoute: RouteDescription = {
  operationId: 'streamTask',
  summary: 'A task\'s events as they come, after those that are stored',
  params: taskParams,
  querystring: {
    project, after, lastEventId: { ...text, description: 'the cursor too; of several positions the newest counts' }
  },
  headers: { 'last-event-id': { ...text, description: 'the cursor, as an EventSource sends it' } },
  answer: stream('with the cursor as id'),
  errors: [400, 404, 429, 503]
}

export const manyStreamRoute: RouteDescription = {
  operationId: 'streamTasks',
  summary: 'The events of many tasks as they come, on one connection',
  querystring: {
    project,
    tasks: { ...text, description: 'comma-separated task ids, each with a colon and the cursor to go on after, or without' },
    running: { ...text, enum: ['true'], description: 'instead of tasks: those in which an invocation runs' }
  },
  answer: stream('without ids'),
  errors: [400, 404, 429, 503]
}

export const metricsRoute: RouteDescription = {
  operationId: 'getMetrics',
  summary: 'What the plugin counts, for Prometheus',
  answer: () => ({ description: 'Prometheus text', content: { 'text/plain': text } }),
  errors: [403]
}

export const invocationRoute: RouteDescription = {
  operationId: 'getInvocation',
  summary: 'One invocation, with its prompt, response and a page of its activities',
  params: { id: { ...whole, minimum: 1 } },
  querystring: { project, after, before, limit: pageLimit, types: { ...text, description: 'comma-separated: activity types' } },
  answer: ({ ref }) => ({
    description: 'The invocation', content: success({ invocation: ref('AgentTimelineInvocationDetails') })
  }),
  errors: [400, 404, 503]
}

export const invocationListRoute: RouteDescription = {
  operationId: 'listInvocations',
  summary: 'What runs and ran, newest first',
  querystring: {
    project,
    status: { ...text, enum: INVOCATION_STATUSES },
    task: text,
    limit: { ...whole, minimum: 1, maximum: MAX_LIST_LIMIT, default: DEFAULT_LIST_LIMIT },
    cursor: { ...text, description: 'page.nextCursor of the answer before' }
  },
  answer: ({ ref, nullable }) => ({
    description: 'A page of them',
    content: success({
      invocations: { type: 'array', items: ref('AgentTimelineInvocation') },
      page: object({ nextCursor: { ...nullable('string'), description: 'null at the end' } })
    })
  }),
  errors: [400, 404, 503]
}
