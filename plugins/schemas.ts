import { ACTIVITY_TYPES } from '../lib/activity.js'
import { HEALTH_STATES, INVOCATION_STATUSES } from '../lib/events.js'
import { DEFAULT_LIST_LIMIT, DEFAULT_PAGE_LIMIT, MAX_LIST_LIMIT, MAX_PAGE_LIMIT } from '../lib/store/reader.js'

/** A response schema drops what it does not list; what may grow, and what hosts put into `metadata`, stays open. */
const open = { additionalProperties: true } as const
const text = { type: 'string' } as const
const whole = { type: 'integer' } as const
const yesNo = { type: 'boolean' } as const
const time = { type: 'string', description: 'ISO-8601, UTC, milliseconds' } as const
const number = { type: 'number' } as const
const free = { type: 'object', ...open } as const

const id = (name: string): string => `fastify-agent-timeline/${name}`
const ref = (name: string): { readonly $ref: string } => ({ $ref: `${id(name)}#` })

/** Shared schemas, to be added to the scope of our routes. */
export const SHARED_SCHEMAS = [
  {
    $id: id('error'),
    type: 'object',
    ...open,
    // Without types: what a guard or the error handler of the host answers is written by this schema, too.
    properties: {
      success: { description: 'false' },
      code: { description: 'AGENT_TIMELINE_ and what is wrong' },
      error: { description: 'a sentence' },
      statusCode: { description: 'the status, as a number' },
      message: { description: 'of errors that are not ours' }
    }
  },
  {
    $id: id('task'),
    type: 'object',
    ...open,
    properties: { id: text, title: text, status: text }
  },
  {
    $id: id('usage'),
    type: 'object',
    ...open,
    properties: {
      inputTokens: number,
      outputTokens: number,
      cacheReadTokens: number,
      cacheWriteTokens: number,
      reasoningTokens: number,
      costUsd: number
    }
  },
  {
    $id: id('event'),
    type: 'object',
    ...open,
    properties: {
      seq: { ...whole, description: 'dense per task from 1' },
      taskId: text,
      timestamp: time,
      type: { ...text, description: 'task.*, invocation.started, .activity, .completed, .failed, .timeout' },
      actor: text,
      message: text,
      invocationId: whole,
      role: text,
      provider: text,
      model: text,
      activity: text,
      activityType: { ...text, enum: ACTIVITY_TYPES },
      metadata: free,
      success: yesNo,
      duration: { ...whole, description: 'milliseconds' },
      error: text,
      exitCode: whole,
      reason: text,
      usage: free,
      outcome: text,
      summary: text
    }
  },
  {
    $id: id('page'),
    type: 'object',
    ...open,
    properties: {
      firstSeq: whole,
      lastSeq: whole,
      headSeq: whole,
      hasMore: { ...yesNo, description: 'more in the direction that was read' },
      gaps: {
        type: 'array',
        items: { type: 'object', ...open, properties: { fromSeq: whole, toSeq: whole, reason: text } }
      }
    }
  },
  {
    $id: id('health'),
    type: 'object',
    ...open,
    description: 'of a running invocation',
    properties: {
      state: { ...text, enum: HEALTH_STATES },
      since: time,
      because: { type: 'array', items: text, description: 'sentences' },
      tool: { type: 'object', ...open, properties: { callId: text, name: text, message: text, elapsedMs: whole } },
      waitingFor: { type: 'object', ...open, properties: { kind: text, what: text, until: time } },
      silentForMs: whole,
      expectedSilenceMs: whole,
      heartbeatAgeMs: whole
    }
  },
  {
    $id: id('invocation'),
    type: 'object',
    ...open,
    properties: {
      id: whole,
      taskId: text,
      title: text,
      role: text,
      provider: text,
      model: text,
      status: { ...text, enum: INVOCATION_STATUSES },
      startedAt: time,
      completedAt: time,
      lastActivityAt: time,
      duration: { ...whole, description: 'milliseconds' },
      success: yesNo,
      timedOut: yesNo,
      exitCode: whole,
      error: text,
      reason: text,
      outcome: text,
      summary: text,
      usage: ref('usage'),
      sessionId: text,
      health: ref('health')
    }
  }
]

const errors = { '4xx': ref('error'), '5xx': ref('error') }
const project = { ...text, description: 'which project; ignored where there is one database' }
const after = { ...text, description: 'events after this number; a stream\'s cursor is understood too' }
const before = { ...text, description: 'the events before this number, or before the "end"' }
const taskParams = { type: 'object', required: ['id'], properties: { id: { ...text, minLength: 1, maxLength: 256 } } }
const pageLimit = { ...whole, minimum: 1, maximum: MAX_PAGE_LIMIT, default: DEFAULT_PAGE_LIMIT }
const tags = ['agent timeline']

const success = (properties: object): object => ({
  type: 'object',
  ...open,
  properties: { success: { ...yesNo, const: true }, ...properties }
})

export const timelineSchema = {
  tags,
  operationId: 'getTaskTimeline',
  summary: 'A page of a task\'s timeline',
  params: taskParams,
  querystring: {
    type: 'object',
    properties: {
      project,
      after,
      before,
      limit: pageLimit,
      types: { ...text, description: 'comma-separated: event types, task.*, activity types' }
    }
  },
  response: {
    200: {
      description: 'Ascending; as text it is the latest part, for people',
      content: {
        'application/json': {
          schema: success({ task: ref('task'), timeline: { type: 'array', items: ref('event') }, page: ref('page') })
        },
        'text/plain': { schema: text },
        'application/x-ndjson': { schema: text }
      }
    },
    ...errors
  }
}

export const streamSchema = {
  tags,
  operationId: 'streamTask',
  summary: 'A task\'s events as they come, after those that are stored',
  params: taskParams,
  querystring: { type: 'object', properties: { project, after } },
  headers: { type: 'object', properties: { 'last-event-id': { ...text, description: 'the cursor, before ?after=' } } },
  response: {
    200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: text } } },
    ...errors
  }
}

export const manyStreamSchema = {
  tags,
  operationId: 'streamTasks',
  summary: 'The events of many tasks as they come, on one connection',
  querystring: {
    type: 'object',
    properties: {
      project,
      tasks: { ...text, description: 'comma-separated task ids, each with a colon and the cursor to go on after, or without' },
      running: { ...text, enum: ['true'], description: 'instead of tasks: those in which an invocation runs' }
    }
  },
  response: {
    200: { description: 'Server-sent events without ids', content: { 'text/event-stream': { schema: text } } },
    ...errors
  }
}

export const metricsSchema = {
  tags,
  operationId: 'getMetrics',
  summary: 'What the plugin counts, for Prometheus',
  response: { 200: { description: 'Prometheus text', content: { 'text/plain': { schema: text } } }, ...errors }
}

export const invocationSchema = {
  tags,
  operationId: 'getInvocation',
  summary: 'One invocation, with its prompt, response and a page of its activities',
  params: { type: 'object', required: ['id'], properties: { id: { ...whole, minimum: 1 } } },
  querystring: { type: 'object', properties: { project, after, before, limit: pageLimit } },
  response: {
    200: success({
      invocation: {
        type: 'object',
        ...open,
        properties: {
          ...SHARED_SCHEMAS.find(({ $id }) => $id === id('invocation'))?.properties,
          prompt: text,
          response: text,
          signal: text,
          stderrTail: text,
          activities: {
            type: 'array',
            items: {
              type: 'object',
              ...open,
              properties: { seq: whole, timestamp: time, type: text, message: text, metadata: free }
            }
          },
          page: ref('page')
        }
      }
    }),
    ...errors
  }
}

export const invocationListSchema = {
  tags,
  operationId: 'listInvocations',
  summary: 'What runs and ran, newest first',
  querystring: {
    type: 'object',
    properties: {
      project,
      status: { ...text, enum: INVOCATION_STATUSES },
      task: text,
      limit: { ...whole, minimum: 1, maximum: MAX_LIST_LIMIT, default: DEFAULT_LIST_LIMIT },
      cursor: { ...text, description: 'page.nextCursor of the answer before' }
    }
  },
  response: {
    200: success({
      invocations: { type: 'array', items: ref('invocation') },
      page: { type: 'object', ...open, properties: { nextCursor: { type: ['string', 'null'] } } }
    }),
    ...errors
  }
}
