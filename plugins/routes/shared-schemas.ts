import { ACTIVITY_TYPES } from '../../lib/model/activity.js'
import { INVOCATION_STATUSES } from '../../lib/model/events.js'
import { answerSchemas } from './answer-schemas.js'
import type { Dialect, Schemas } from './dialects.js'
import {
  BUDGET, EVENT_TYPES, eventSchemas, FRAME_TYPES, frameSchemas, HEALTH, HEALTH_DETAILS, metadata, milliseconds, object,
  outcome, text, time, whole, yesNo
} from './event-schemas.js'

/** The schemas that a document has under names of their own, whoever refers to them. */
export function sharedSchemas (dialect: Dialect): Schemas {
  const { ref } = dialect
  const schemas = { ...eventSchemas(dialect), ...frameSchemas(dialect), ...answerSchemas(dialect) }
  const tokens = { type: 'number' } as const
  const invocation = {
    id: whole,
    taskId: text,
    role: text,
    provider: text,
    status: { ...text, enum: INVOCATION_STATUSES },
    timedOut: yesNo
  }
  const invocationDetails = {
    title: { ...text, description: 'of the task' },
    model: text,
    startedAt: time,
    completedAt: time,
    lastActivityAt: time,
    duration: milliseconds,
    success: { ...yesNo, description: 'absent while it runs' },
    exitCode: whole,
    error: text,
    reason: text,
    outcome,
    summary: text,
    usage: ref('AgentTimelineUsage'),
    sessionId: text,
    health: ref('AgentTimelineHealth')
  }
  return {
    ...schemas,
    AgentTimelineEvent: {
      ...dialect.union(EVENT_TYPES, schemas), description: 'what happened to a task, or what an agent did'
    },
    AgentTimelineStreamFrame: {
      ...dialect.union(FRAME_TYPES, schemas), description: 'one data: line of a stream, under the default event name'
    },
    AgentTimelinePing: { ...object({ serverTime: time, intervalMs: whole }), description: 'data of the event ping' },
    AgentTimelineTask: object({ id: text }, { title: text, status: text }),
    AgentTimelineUsage: object({ inputTokens: tokens, outputTokens: tokens }, {
      cacheReadTokens: tokens,
      cacheWriteTokens: tokens,
      reasoningTokens: tokens,
      costUsd: { type: 'number' },
      isProvisional: { ...yesNo, description: 'as told so far, by a run whose end has not said it' }
    }),
    AgentTimelineHealth: { ...object(HEALTH, HEALTH_DETAILS), description: 'of a running invocation' },
    AgentTimelineGap: object({
      fromSeq: whole, toSeq: whole, reason: { ...text, enum: ['expired', 'removed'] }
    }),
    AgentTimelinePage: object({
      headSeq: { ...whole, description: 'the last number of the task' },
      hasMore: { ...yesNo, description: 'more in the direction that was read' },
      gaps: { type: 'array', items: ref('AgentTimelineGap') }
    }, {
      firstSeq: whole,
      lastSeq: whole,
      hasBefore: { ...yesNo, description: 'of a page around a number: more before it' },
      nextAfter: { ...whole, description: 'of a search that has not seen the whole log: where it goes on' }
    }),
    AgentTimelineInvocation: object(invocation, invocationDetails),
    AgentTimelineActivityRecord: object({
      seq: whole, timestamp: time, type: { ...text, enum: ACTIVITY_TYPES }, message: text
    }, { metadata }),
    AgentTimelineInvocationDetails: object({
      ...invocation,
      prompt: { ...text, description: 'empty where none was given' },
      activities: { type: 'array', items: ref('AgentTimelineActivityRecord') },
      page: ref('AgentTimelinePage')
    }, { ...invocationDetails, response: text, signal: text, stderrTail: text, budget: object(BUDGET), failure: ref('AgentTimelineFailure') }),
    AgentTimelineError: object({
      success: { ...yesNo, enum: [false] },
      code: { ...text, description: 'AGENT_TIMELINE_ and what is wrong' },
      error: { ...text, description: 'a sentence' },
      statusCode: whole
    })
  }
}
