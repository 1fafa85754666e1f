import type { ActivityLog, ToolEnd } from '../activity-log.js'
import type { ClaudeState } from './state.js'
import { claudeAgentGoesOn } from './messages.js'
import { claudeMayGoOn } from './permissions.js'
import { compact, number, object, objects, string, type JsonObject } from '../json.js'

/** Subtypes that repeat what other lines say, or concern only the CLI's own screen. */
const IGNORED = new Set([
  'ui_invalidate', 'files_persisted', 'post_turn_summary', 'hook_progress', 'commands_changed', 'control_request_progress',
  'elicitation_complete'
])
/** Subtypes that tell a person something. */
const NOTICES = new Set([
  'informational', 'notification', 'model_fallback', 'model_refusal_no_fallback', 'local_command_output',
  'hook_started', 'hook_response', 'plugin_install', 'warning', 'model_refusal_fallback', 'memory_recall', 'mirror_error',
  'session_writes_lost', 'worker_shutting_down'
])
const THINKING_STEP = 500

/** A `system` line. The set of subtypes is open: the program knows some 70 more than were ever seen. */
export function claudeSystem (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const subtype = string(event.subtype) ?? 'untyped'
  switch (subtype) {
    case 'init': return init(event, state, log)
    case 'thinking_tokens': return thinking(event, state, log)
    case 'api_retry': return claudeRetry(event, log)
    case 'permission_denied': return denied(event, state, log)
    case 'task_started':
    case 'task_progress':
    case 'task_notification': return task(subtype, event, state, log)
    case 'task_updated': return taskUpdated(event, state, log)
    case 'session_state_changed':
      if (event.state === 'requires_action' && state.asked.size === 0) {
        log.waiting('person', 'Waiting for a person.', { what: 'a decision' })
      }
      return
    case 'status':
      if (event.status === 'compacting') log.progress('compaction', 'Compacting the conversation.')
      if (event.compact_result === 'failed') {
        log.progress('compaction', `The conversation could not be compacted: ${string(event.compact_error) ?? 'no reason given'}`)
      }
      return
    case 'compact_boundary': return log.progress('compaction', 'The conversation was compacted.', compact({
      trigger: string(object(event.compact_metadata).trigger),
      tokensBefore: number(object(event.compact_metadata).pre_tokens)
    }))
    case 'background_tasks_changed':
      state.runningTasks = objects(event.tasks).filter(({ ambient }) => ambient !== true).length
      return
  }
  if (NOTICES.has(subtype)) log.progress('notice', noticeText(event) ?? subtype, { what: subtype })
  else if (!IGNORED.has(subtype)) log.unknown(`system/${subtype}`, event)
}

/** How an MCP server is that the agent must do without; one that is `pending` may come. */
const MISSING = new Set(['failed', 'needs-auth', 'error', 'disconnected'])

/** Comes again before each further turn of the same session. */
function init (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const isFirst = state.sessionId === undefined
  state.sessionId = string(event.session_id) ?? state.sessionId
  state.model = string(event.model) ?? state.model
  if (!isFirst) return
  log.progress('session', `Session ${state.sessionId ?? 'started'}`, compact({
    sessionId: state.sessionId, model: state.model, version: string(event.claude_code_version)
  }))
  const missing = objects(event.mcp_servers).filter(({ status }) => MISSING.has(String(status)))
  if (missing.length === 0) return
  const names = missing.map(({ name, status }) => `${String(name)} (${String(status)})`).join(', ')
  log.progress('notice', `MCP servers that are not available: ${names}`, {
    what: 'mcp', servers: missing.slice(0, 50).map(({ name, status }) => ({ name, status }))
  })
}

/** Many a second: only every so many tokens are reported. */
function thinking (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const tokens = number(event.estimated_tokens) ?? 0
  if (tokens < state.thinkingTokens) state.thinkingTokens = 0
  if (state.thinkingTokens > 0 && tokens - state.thinkingTokens < THINKING_STEP) return
  state.thinkingTokens = tokens
  log.progress('reasoning', `thinking, about ${tokens} tokens so far`, { tokens, live: true })
}

/** Refused by a limit or not reached at all: the agent waits. Anything else: it tries again. */
export function claudeRetry (event: JsonObject, log: ActivityLog, parentCallId?: string): void {
  const status = number(event.error_status)
  const isLimited = status === 429 || status === 529
  const what = isLimited ? 'rate limit' : status === undefined ? 'network' : `API error ${status}`
  const delayMs = number(event.retry_delay_ms)
  const [attempt, maxAttempts] = [number(event.attempt), number(event.max_retries)]
  const message = `Waiting for a retry after ${what} (${attempt ?? '?'} of ${maxAttempts ?? '?'})`
  const waitKind = isLimited ? 'rate_limit' : status === undefined ? 'network' : 'retry'
  log.retry(isLimited || status === undefined ? 'waiting' : 'retry', message, delayMs, compact({
    waitKind,
    what,
    attempt,
    maxAttempts,
    status,
    error: string(event.error) ?? string(event.error_category),
    parentCallId
  }))
}

/** The refused call's own result follows. */
function denied (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const callId = string(event.tool_use_id)
  if (callId !== undefined) state.denied.add(callId)
  log.progress('notice', string(event.message) ?? 'Permission denied.', compact({ what: 'permission', callId }))
}

/**
 * Work that has a life of its own: background commands, sub-agents, and any command after 3 s. The `tool_result` of
 * background work comes at once, its end is the notification.
 */
function task (subtype: string, event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const taskId = string(event.task_id)
  const callId = string(event.tool_use_id) ?? state.tasks.get(taskId ?? '')
  if (callId === undefined) return
  if (taskId !== undefined) state.tasks.set(taskId, callId)
  if (state.tasks.size > MAX_TASKS) state.tasks.delete(state.tasks.keys().next().value!)
  const description = string(event.description) ?? string(event.summary) ?? subtype
  if (subtype !== 'task_notification') {
    if (event.is_backgrounded === true) state.background.add(callId)
    claudeAgentGoesOn(callId, state, log)
    claudeMayGoOn(callId, state, log)
    const last = string(event.last_tool_name)
    log.toolProgress(callId, `running: ${description}`, compact({ lastTool: last, task: string(event.task_type) }))
    return
  }
  if (event.status === 'stopped') state.stopped.add(callId)
  if (!state.background.has(callId) || !log.isOpen(callId)) return
  const status = event.status === 'completed' ? 'ok' : event.status === 'stopped' ? 'aborted' : 'error'
  log.toolEnd(callId, compact({
    status, result: string(event.summary), isBackground: true
  }) as ToolEnd)
}

const MAX_TASKS = 1_000

/** A command or sub-agent that is moved to the background while it runs: its result comes at once, its end is told. */
function taskUpdated (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const callId = state.tasks.get(String(event.task_id))
  const { is_backgrounded: isBackgrounded, status } = object(event.patch)
  if (callId === undefined) return
  if (status === 'killed') state.stopped.add(callId)
  if (isBackgrounded !== true || state.background.has(callId)) return
  state.background.add(callId)
  if (log.isOpen(callId)) log.toolProgress(callId, 'goes on in the background', { background: true })
}

function noticeText (event: JsonObject): string | undefined {
  const said = string(event.content) ?? string(event.message) ?? string(event.text)
  if (said !== undefined) return said
  const parts = [event.hook_name, event.name, event.outcome, event.status, event.error, event.error_code, event.reason]
  return string(parts.map((part) => string(part)).filter((part) => part !== undefined && part !== 'success').join(': '))
}
