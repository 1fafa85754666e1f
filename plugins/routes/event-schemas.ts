import { ACTIVITY_TYPES } from '../../lib/model/activity.js'
import { HEALTH_STATES } from '../../lib/model/events.js'
import type { Dialect, Schema, Schemas } from './dialects.js'

export const text = { type: 'string' } as const
export const whole = { type: 'integer' } as const
export const yesNo = { type: 'boolean' } as const
export const time = { type: 'string', format: 'date-time', description: 'UTC, with milliseconds' } as const
export const milliseconds = { type: 'integer', description: 'milliseconds' } as const
export const outcome = { ...text, enum: ['approved', 'rejected'] } as const

/** An object; what it does not require may be absent. */
export function object (required: Schemas, optional: Schemas = {}): Schema {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } }
}

/** An object's `type` where it is one of these. */
const typed = (...types: readonly string[]): Schema => ({ ...text, enum: types })
/** What adapters and hosts report beside a message: docs/api.md names what is in it. */
export const metadata: Schema = { type: 'object', additionalProperties: true }
const withoutId = 'without an id: it moves no position'

/** Everything that is stored, by the name of its schema. */
export function eventSchemas ({ ref }: Dialect): Schemas {
  const base = {
    seq: { ...whole, minimum: 1, description: 'counts from 1 per task, without holes' }, taskId: text, timestamp: time
  }
  const ended = { ...base, invocationId: whole }
  return {
    AgentTimelineTaskEvent: object({
      ...base,
      type: { ...text, pattern: '^task\\.', description: 'task. and what happened to the task, its new status for one' },
      actor: text,
      message: text
    }),
    AgentTimelineInvocationStarted: object({
      ...base, type: typed('invocation.started'), invocationId: whole, role: text, provider: text
    }, { model: text, title: { ...text, description: 'of the task' } }),
    AgentTimelineInvocationActivity: object({
      ...base,
      type: typed('invocation.activity'),
      invocationId: whole,
      activity: text,
      activityType: { ...text, enum: ACTIVITY_TYPES }
    }, { metadata }),
    AgentTimelineInvocationCompleted: object({
      ...ended, type: typed('invocation.completed'), success: { ...yesNo, enum: [true] }
    }, { duration: milliseconds, usage: ref('AgentTimelineUsage'), outcome, summary: text }),
    AgentTimelineInvocationFailed: object({
      ...ended, type: typed('invocation.failed', 'invocation.timeout'), success: { ...yesNo, enum: [false] }, error: text
    }, { duration: milliseconds, exitCode: whole, reason: text, usage: ref('AgentTimelineUsage') })
  }
}

/** A task's event may be any `task.*`; of these it is known what they mean. */
export const EVENT_TYPES = {
  'task.started': 'AgentTimelineTaskEvent',
  'task.review': 'AgentTimelineTaskEvent',
  'task.rejected': 'AgentTimelineTaskEvent',
  'task.completed': 'AgentTimelineTaskEvent',
  'invocation.started': 'AgentTimelineInvocationStarted',
  'invocation.activity': 'AgentTimelineInvocationActivity',
  'invocation.completed': 'AgentTimelineInvocationCompleted',
  'invocation.failed': 'AgentTimelineInvocationFailed',
  'invocation.timeout': 'AgentTimelineInvocationFailed'
} as const

/** What streams carry beside events, by the name of its schema. */
export function frameSchemas ({ ref }: Dialect): Schemas {
  const health = ref('AgentTimelineHealth')
  const trouble = { code: { ...text, description: 'AGENT_TIMELINE_ and what is wrong' }, since: time }
  return {
    AgentTimelineSnapshotFrame: object({
      type: typed('timeline.snapshot'),
      taskId: text,
      task: ref('AgentTimelineTask'),
      headSeq: { ...whole, description: 'the last number of its log; 0 where it has none' },
      epoch: { ...text, description: 'of its log; empty where it has none' },
      serverTime: time
    }, {
      health: {
        ...object({ invocationId: whole, ...HEALTH }, HEALTH_DETAILS),
        description: 'the worst verdict on what runs; absent when nothing runs'
      },
      summary: ref('AgentTimelineSummary')
    }),
    AgentTimelineCurrentFrame: object({
      type: typed('invocation.current'),
      taskId: text,
      invocationId: whole,
      role: text,
      provider: text,
      status: typed('running'),
      startedAt: time
    }, { model: text, lastActivityAt: time, health }),
    AgentTimelineHealthFrame: object({ type: typed('timeline.health'), taskId: text, invocationId: whole, health }),
    AgentTimelineSummaryFrame: object({
      type: typed('timeline.summary'), taskId: text, summary: ref('AgentTimelineSummary')
    }),
    AgentTimelineGapFrame: {
      ...object({
        type: typed('timeline.gap'), taskId: text, reason: typed('expired', 'removed', 'unknown-cursor')
      }, { fromSeq: whole, toSeq: whole }),
      description: 'numbers whose events were deleted, in their place; without numbers the position was unknown, and ' +
        'the log follows from its start'
    },
    AgentTimelineEndedFrame: object({
      type: typed('timeline.ended'), taskId: text, reason: typed('unknown', 'deleted', 'idle')
    }),
    AgentTimelineTroubleFrame: {
      ...object({ type: typed('timeline.trouble'), ...trouble }),
      description: `the server cannot read its database, ${withoutId}`
    },
    AgentTimelineRecoveredFrame: {
      ...object({ type: typed('timeline.recovered'), ...trouble }), description: 'it can again'
    }
  }
}

export const FRAME_TYPES = {
  'timeline.snapshot': 'AgentTimelineSnapshotFrame',
  'invocation.current': 'AgentTimelineCurrentFrame',
  'timeline.health': 'AgentTimelineHealthFrame',
  'timeline.summary': 'AgentTimelineSummaryFrame',
  'timeline.gap': 'AgentTimelineGapFrame',
  'timeline.ended': 'AgentTimelineEndedFrame',
  'timeline.trouble': 'AgentTimelineTroubleFrame',
  'timeline.recovered': 'AgentTimelineRecoveredFrame',
  ...EVENT_TYPES
} as const

export const BUDGET = {
  limitUsd: { type: 'number' },
  spentUsd: { type: 'number' },
  isExceeded: { type: 'boolean', description: 'more was spent than the limit' }
} as const

export const HEALTH = {
  state: { ...text, enum: HEALTH_STATES },
  since: time,
  because: { type: 'array', items: text, description: 'sentences' },
  silentForMs: whole,
  expectedSilenceMs: whole,
  heartbeatAgeMs: whole
} as const

export const HEALTH_DETAILS = {
  tool: object({ name: text, message: text, elapsedMs: whole }, { callId: text }),
  waitingFor: object({ kind: text, what: text }, { until: text }),
  loop: object({ calls: whole, times: whole, sinceSeq: whole }),
  stuckAfterMs: whole,
  tree: object({ processes: whole, cpuMs: whole, ioBytes: whole, sampledAt: whole })
} as const
