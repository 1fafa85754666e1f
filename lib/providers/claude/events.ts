import { isDeepStrictEqual } from 'node:util'
import type { ActivityLog } from '../activity-log.js'
import { claudeAssistant, claudeUser } from './messages.js'
import { claudeAsks, claudeAsksNoMore, claudeAuth, claudeDeferred, claudeDenials, claudeMayGoOn } from './permissions.js'
import { claudePartial } from './partial.js'
import type { ClaudeState } from './state.js'
import { claudeRetry, claudeSystem } from './system.js'
import { claudeFailure, claudeUsage, isDeferred } from './result.js'
import { compact, identifier, number, object, string, type JsonObject } from '../json.js'
import { reportUsage } from '../usage.js'

/** Types that say nothing about the work. */
const IGNORED = new Set(['control_response', 'keep_alive', 'prompt_suggestion', 'active_goal'])
/** Lines that were printed twice stand close to each other. */
const MAX_LINE_IDS = 64

/** One line of `--output-format stream-json`. The order of keys varies: `type` is not the first of `result`. */
export function claudeEvent (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const type = string(event.type) ?? 'untyped'
  if (isRepeated(event, state)) return
  if (type === 'assistant' || type === 'user' || event.subtype === 'init') delete state.outcome
  switch (type) {
    case 'system': return claudeSystem(event, state, log)
    case 'assistant': return claudeAssistant(event, state, log)
    case 'user': return claudeUser(event, state, log)
    case 'stream_event': return claudePartial(event, state, log)
    case 'result': return result(event, state, log)
    case 'tool_progress': return toolProgress(event, state, log)
    case 'control_request': return claudeAsks(event, state, log)
    case 'control_cancel_request': return claudeAsksNoMore(event, state, log)
    case 'rate_limit_event': return rateLimit(event, log)
    case 'auth_status': return claudeAuth(event, log)
    case 'tool_use_summary': return log.progress('notice', string(event.summary) ?? type, { what: type })
    case 'conversation_reset': return log.progress('notice', 'The conversation was begun anew.', { what: type })
  }
  if (!IGNORED.has(type)) log.unknown(type, event)
}

/** Each line has an id of its own. */
function isRepeated ({ uuid }: JsonObject, { lineIds }: ClaudeState): boolean {
  const id = string(uuid)
  if (id === undefined) return false
  if (lineIds.has(id)) return true
  lineIds.add(id)
  if (lineIds.size > MAX_LINE_IDS) lineIds.delete(lineIds.values().next().value!)
  return false
}

function result (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  if (isDeepStrictEqual(event, state.results.at(-1))) return
  state.results.push(event)
  state.queuedTurns = number(event.queued_turn_count) ?? 0
  state.sessionId ??= string(event.session_id)
  reportUsage(log, claudeUsage([event], state.isResumed))
  const failure = claudeFailure(event, state)
  state.outcome = failure === undefined ? 'success' : 'failure'
  if (isDeferred(event)) {
    claudeDeferred(event, state, log)
    return
  }
  claudeDenials(event, state, log)
  if (failure !== undefined && failure.error !== state.lastError) log.error(failure.error, { reason: failure.reason })
  if (state.runningTasks > 0) {
    log.waiting('background', 'Waiting for background tasks.', { what: 'background', tasks: state.runningTasks })
  }
}

/** The heartbeat of a long call: every 30 s; the call's own id is in `parent_tool_use_id`. */
function toolProgress (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const seconds = number(event.elapsed_time_seconds)
  const own = identifier(event.tool_use_id)
  const callId = log.isOpen(own) ? own : string(event.parent_tool_use_id) ?? own
  claudeMayGoOn(callId, state, log)
  const retry = object(event.subagent_retry)
  if (number(retry.attempt) !== undefined) claudeRetry(retry, log, callId)
  const message = `${string(event.tool_name) ?? 'tool'}: running${seconds === undefined ? '' : ` for ${seconds} s`}`
  log.toolProgress(callId, message, { elapsedMs: seconds === undefined ? undefined : seconds * 1_000 })
}

function rateLimit (event: JsonObject, log: ActivityLog): void {
  const { status, resetsAt, rateLimitType, isUsingOverage, overageInUse } = object(event.rate_limit_info)
  if (status === 'allowed' || typeof status !== 'string') return
  const isPaid = isUsingOverage === true || overageInUse === true
  const message = `Rate limit: ${status}${isPaid ? ', goes on beyond it' : ''}.`
  const details = compact({ what: 'rate limit', until: timeOf(resetsAt), limit: string(rateLimitType) })
  // The limits of a subscription, which begin anew at a time of their own.
  if (status === 'rejected' && !isPaid) log.waiting('usage_limit', message, details)
  else log.progress('notice', message, details)
}

/** Seconds since the epoch, and milliseconds of versions to come; no time where it is none. */
function timeOf (value: unknown): string | undefined {
  const told = number(value)
  if (told === undefined) return undefined
  const time = new Date(told < 100_000_000_000 ? told * 1_000 : told)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
