import { TOOL_KINDS } from '../../lib/model/activity.js'
import { TASK_STATES, USAGE_GROUPS } from '../../lib/model/answers.js'
import { EXPORT_FORMATS } from '../../lib/live/export-task.js'
import { INVOCATION_STATUSES } from '../../lib/model/events.js'
import { ADVICE_STATES } from '../../lib/model/health.js'
import { NOTICE_KINDS } from '../../lib/model/notice.js'
import { FAILURE_CLASSES, FAILURE_CODES } from '../../lib/model/failure.js'
import {
  DEFAULT_CALL_LIMIT, DEFAULT_TASK_LIMIT, MAX_CALL_LIMIT, MAX_QUERY_LENGTH, MAX_TASK_LIMIT
} from '../../lib/store/limits.js'
import type { Dialect, Schemas } from './dialects.js'
import { BUDGET, HEALTH, HEALTH_DETAILS, milliseconds, object, text, time, whole, yesNo } from './event-schemas.js'
import { after, project, success, taskParams, type RouteDescription } from './schemas.js'

const count = { type: 'integer', minimum: 0 } as const

export const taskListRoute: RouteDescription = {
  operationId: 'listTasks',
  summary: 'The tasks, worst first',
  querystring: {
    project,
    state: { ...text, description: `comma-separated: ${TASK_STATES.join(', ')}` },
    q: { ...text, maxLength: MAX_QUERY_LENGTH, description: 'found in the title, the id, an error, or one of the last 200 calls' },
    limit: { ...whole, minimum: 1, maximum: MAX_TASK_LIMIT, default: DEFAULT_TASK_LIMIT },
    cursor: { ...text, description: 'page.nextCursor of the page before' }
  },
  answer: ({ ref, nullable }) => ({
    description: 'A page of them; in a state those first that came into it last. The order is that of the first page',
    content: success({
      tasks: { type: 'array', items: ref('AgentTimelineTaskRow') },
      counts: object(Object.fromEntries(TASK_STATES.map((state) => [state, count]))),
      page: object({ nextCursor: { ...nullable('string'), description: 'null at the end' } })
    })
  }),
  errors: [400, 404, 503]
}

export const usageRoute: RouteDescription = {
  operationId: 'getUsage',
  summary: 'What the runs of all tasks used, of those that ended in a time',
  querystring: {
    project,
    from: { ...text, description: 'a day (2026-02-10, from 00:00 UTC) or a time in ISO-8601; from the first run on without it' },
    to: { ...text, description: 'before this day or time' },
    by: { ...text, enum: USAGE_GROUPS, default: 'day', description: 'days are those of UTC' }
  },
  answer: ({ ref }) => ({ description: 'Sums', content: success({ usage: ref('AgentTimelineUsageReport') }) }),
  errors: [400, 403, 404, 503]
}

export const verdictReportRoute: RouteDescription = {
  operationId: 'getVerdictReport',
  summary: 'How often runs were called quiet, looping or stuck, and how often wrongly',
  querystring: { project },
  answer: ({ ref }) => ({ description: 'Of the last 10,000', content: success({ report: ref('AgentTimelineVerdictReport') }) }),
  errors: [400, 403, 404, 503]
}

export const statusRoute: RouteDescription = {
  operationId: 'getStatus',
  summary: 'How the timeline is doing in this process',
  querystring: { project },
  answer: ({ ref }) => ({ description: 'Since it was opened', content: success({ status: ref('AgentTimelineStatus') }) }),
  errors: [400, 403, 404, 503]
}

export const summaryRoute: RouteDescription = {
  operationId: 'getTaskSummary',
  summary: 'What is known of a task now: state, failure, cost, calls, time, files, plan',
  params: taskParams,
  querystring: { project },
  answer: ({ ref }) => ({
    description: 'Exact for a task of any length', content: success({ summary: ref('AgentTimelineSummary') })
  }),
  errors: [400, 404, 503]
}

export const exportRoute: RouteDescription = {
  operationId: 'exportTask',
  summary: 'A task as a file: a page that needs nothing else, or an event in each line',
  params: taskParams,
  querystring: { project, format: { ...text, enum: EXPORT_FORMATS, default: 'html' } },
  answer: () => ({
    description: 'The file; with format=ndjson an AgentTimelineEvent in each line',
    headers: { 'Content-Disposition': { ...text, description: 'with a name for the file' } },
    content: { 'text/html': text }
  }),
  otherFormats: ['application/x-ndjson'],
  errors: [400, 404, 503]
}

export const overviewRoute: RouteDescription = {
  operationId: 'getTaskOverview',
  summary: 'The shape of a task: a lane for each of its runs, what it did when, and when nothing ran',
  params: taskParams,
  querystring: {
    project,
    from: { ...text, description: 'ISO-8601; with to, the runs of that time and its calls, each as it was' },
    to: { ...text, description: 'ISO-8601, after from' }
  },
  answer: ({ ref }) => ({
    description: 'Bounded, whatever the length of the task', content: success({ overview: ref('AgentTimelineOverview') })
  }),
  errors: [400, 404, 503]
}

export const callsRoute: RouteDescription = {
  operationId: 'listCalls',
  summary: 'A page of a task\'s tool calls, ascending by start',
  params: taskParams,
  querystring: {
    project,
    invocation: { ...whole, minimum: 1 },
    after,
    limit: { ...whole, minimum: 1, maximum: MAX_CALL_LIMIT, default: DEFAULT_CALL_LIMIT },
    kind: { ...text, enum: TOOL_KINDS },
    failed: { ...text, enum: ['true', 'false'], description: 'those that failed or were not allowed, or those that were not' }
  },
  answer: ({ ref, nullable }) => ({
    description: 'A page of them',
    content: success({
      calls: { type: 'array', items: ref('AgentTimelineCall') },
      page: object({ hasMore: yesNo, nextAfter: { ...nullable('integer'), description: 'after of the next page; null at the end' } })
    })
  }),
  errors: [400, 404, 503]
}

export const callRoute: RouteDescription = {
  operationId: 'getCall',
  summary: 'A tool call with its input and result as stored',
  params: { ...taskParams, seq: { ...whole, minimum: 0, description: 'the number of its start' } },
  querystring: { project },
  answer: ({ ref }) => ({ description: 'The call', content: success({ call: ref('AgentTimelineCallDetails') }) }),
  errors: [400, 404, 503]
}

const location = object({ file: text }, { line: whole })
const STATUSES = ['running', 'ok', 'error', 'denied', 'aborted'] as const

const CALL = {
  seq: { ...whole, description: 'of its start' },
  callId: text,
  use: { ...whole, description: 'which use of the id it is' },
  invocationId: whole,
  kind: { ...text, enum: TOOL_KINDS },
  name: text,
  message: text,
  status: { ...text, enum: STATUSES },
  startedAt: time
} as const
const CALL_DETAILS = {
  endSeq: whole,
  durationMs: milliseconds,
  exitCode: whole,
  parentSeq: { ...whole, description: 'the call of the sub-agent that made it' },
  file: object({ path: text }, { added: count, removed: count }),
  firstError: object({ message: text }, { location }),
  isBackground: yesNo
} as const

const SUM = { isProvisional: { ...yesNo, description: 'not all has been reported' } } as const
const AMOUNTS = {
  inputTokens: count,
  outputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  reasoningTokens: count,
  costUsd: { type: 'number' },
  unpriced: { type: 'array', items: text, description: 'models of which nobody told the price' }
} as const

const VERDICTS = {
  advised: count,
  wrong: { ...count, description: 'went on by themselves' },
  ended: { ...count, description: 'ended without' },
  open: { ...count, description: 'neither is known yet' }
} as const

const byKind = (value: Schemas[string]): Schemas[string] => ({ type: 'object', additionalProperties: value })
const total = object({ total: count, failed: count })

/** The schemas of answers about a task. */
export function answerSchemas ({ ref, nullable }: Dialect): Schemas {
  const failure = {
    summary: text,
    code: { ...text, enum: FAILURE_CODES },
    class: { ...text, enum: FAILURE_CLASSES },
    rule: text,
    retryable: yesNo,
    exitCode: nullable('integer'),
    signal: nullable('string'),
    stderrTail: nullable('string')
  }
  const failureDetails = {
    resetAt: { ...time, description: 'when a limit ends, as the agent said' },
    firstError: object({ seq: whole, message: text }, { callId: text, location }),
    openTool: object({ seq: whole, callId: text, name: text, message: text, elapsedMs: milliseconds }),
    lastWord: text,
    attempts: count
  }
  return {
    AgentTimelineCall: object(CALL, CALL_DETAILS),
    AgentTimelineCallDetails: object({
      ...CALL,
      beats: { type: 'array', items: object({ seq: whole, timestamp: time, message: text }) },
      earlier: {
        type: 'array',
        items: object(
          { taskId: text, seq: whole, invocationId: whole, status: CALL.status, startedAt: time },
          { durationMs: milliseconds, exitCode: whole }),
        description: 'the last ten with the same tool and input, newest first'
      }
    }, { ...CALL_DETAILS, input: {}, result: {} }),
    AgentTimelineFailure: object(failure, failureDetails),
    AgentTimelineTaskFailure: object({ ...failure, invocationId: whole }, failureDetails),
    AgentTimelineStatus: object({
      queueBytes: { ...count, description: 'what waits to be written' },
      droppedPieces: { ...count, description: 'pieces of output that found no room' },
      lockRetries: count
    }, {
      databaseBytes: { ...count, description: 'in use' },
      deliveryLagMs: { ...milliseconds, description: 'of the last delivery to viewers, since its first activity was stored' },
      lastNotice: {
        ...object(
          { kind: { ...text, enum: NOTICE_KINDS }, at: time, taskId: text, isTold: yesNo }, { invocationId: whole }
        ),
        description: 'the last change that was noticed, by any process'
      },
      trouble: object({ code: text, since: time })
    }),
    AgentTimelineVerdictReport: object({
      stuck: object(VERDICTS),
      looping: object(VERDICTS),
      quiet: object(VERDICTS),
      kinds: {
        type: 'array',
        items: object({
          kind: { ...text, description: 'what it was at: start, think, or the kind of call' },
          state: { ...text, enum: ADVICE_STATES },
          ...VERDICTS,
          afterMs: { ...object({ p50: milliseconds, p95: milliseconds }), description: 'how long it had been so' }
        }, {
          longestWrongMs: { ...milliseconds, description: 'of the silences that were no fault' },
          raisedToMs: { ...milliseconds, description: 'the limit that was learnt from them' }
        })
      }
    }, { since: { ...time, description: 'when the first of them was called so' } }),
    AgentTimelineUsageSum: object(SUM, AMOUNTS),
    AgentTimelineUsageReport: object({
      by: { ...text, enum: USAGE_GROUPS },
      total: object({ ...SUM, runs: count }, AMOUNTS),
      groups: {
        type: 'array',
        items: object({ ...SUM, key: text, runs: count }, AMOUNTS),
        description: 'at most 1,000: the last days, or those that cost most, the dearest first'
      },
      groupsTotal: count
    }, { from: time, to: time }),
    AgentTimelineOverview: object({
      lanes: {
        type: 'array',
        items: object({
          invocationId: whole,
          role: text,
          provider: text,
          status: { ...text, enum: INVOCATION_STATUSES },
          binMs: { ...milliseconds, description: 'length of a bin; the first one begins with the run' },
          bins: {
            type: 'array',
            items: object({ at: count, ms: byKind(milliseconds) }, { calls: count, failed: count }),
            description: 'at most 512, those in which something happened'
          },
          open: { type: 'array', items: object({ seq: whole, kind: CALL.kind, message: text, startedAt: time }) }
        }, { model: text, startedAt: time, completedAt: time })
      },
      gaps: { type: 'array', items: object({ from: time, to: time }), description: 'when nothing ran' }
    }, { from: time, to: time, calls: { type: 'array', items: ref('AgentTimelineCall') }, hasMoreCalls: yesNo }),
    AgentTimelineTaskRow: object({
      id: text,
      state: { ...text, enum: TASK_STATES },
      who: { type: 'array', items: object({ role: text, provider: text }, { model: text }), description: 'of the last 30 runs, the last one first' },
      runs: count,
      elapsedMs: milliseconds,
      usage: ref('AgentTimelineUsageSum'),
      recent: { type: 'array', items: count, description: 'activities in each of the last 30 minutes' },
      outcomes: { type: 'array', items: { ...text, enum: INVOCATION_STATUSES }, description: 'of the last 30 runs, oldest first' }
    }, {
      title: text,
      since: time,
      now: { ...object({ text, elapsedMs: milliseconds }), description: 'what its worst running invocation does' },
      startedAt: time,
      endedAt: { ...time, description: 'absent while something runs' },
      failure: ref('AgentTimelineTaskFailure')
    }),
    AgentTimelineSummary: object({
      task: ref('AgentTimelineTask'),
      state: { ...text, enum: TASK_STATES },
      runs: object({ total: count, running: count, completed: count, failed: count, timeout: count }),
      elapsedMs: milliseconds,
      usage: ref('AgentTimelineUsageSum'),
      calls: object({ total: count, failed: count, byKind: byKind(total) }),
      time: object({
        toolMs: milliseconds,
        thinkingMs: milliseconds,
        waitingMs: milliseconds,
        personMs: milliseconds,
        betweenRunsMs: { ...milliseconds, description: 'while nothing ran' },
        byKind: byKind(milliseconds)
      }),
      files: { type: 'array', items: object({ path: text, edits: count }, { added: count, removed: count, isNew: yesNo }) },
      filesTotal: count,
      headSeq: whole,
      epoch: text
    }, {
      since: time,
      health: object({ invocationId: whole, ...HEALTH }, HEALTH_DETAILS),
      failure: ref('AgentTimelineTaskFailure'),
      startedAt: time,
      lastActivityAt: time,
      budget: {
        ...object({ spentUsd: BUDGET.spentUsd, isExceeded: yesNo, invocations: { type: 'array', items: object({ invocationId: whole, ...BUDGET }) } }, { limitUsd: BUDGET.limitUsd }),
        description: 'where a limit was given; of runs those that cost more than they may'
      },
      plan: object({
        entries: {
          type: 'array', items: object({ text, status: { ...text, enum: ['pending', 'in_progress', 'completed'] } })
        },
        done: count,
        total: count
      })
    })
  }
}
