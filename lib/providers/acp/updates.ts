import type { ActivityLog } from '../activity-log.js'
import { createAcpState, terminalOf, type AcpState } from './state.js'
import { acpTerminalOutput, acpToolOutput, acpToolUpdate } from './tools.js'
import { readCallUsage, readUsage, usageUpdate } from './usage.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import { planStatus, reportPlan, type PlanEntry } from '../plan.js'

/** Updates that say nothing about the work. */
const IGNORED = new Set([
  'available_commands_update', 'session_info_update', 'config_option_update', 'config_options_update',
  'current_mode_update', 'user_message_chunk', 'user_message', 'compaction_summary_chunk', 'session_message',
  'session_message_chunk'
])

/** One `session/update`, of version 1 or 2. */
export function acpUpdate (update: JsonObject, state: AcpState, log: ActivityLog): void {
  if (state.isReplaying) return
  const type = string(update.sessionUpdate) ?? 'untyped'
  if (type !== 'agent_thought_chunk') flushThought(state, log)
  switch (type) {
    case 'agent_message_chunk': return message(update, state, log)
    case 'agent_message': return wholeMessage(update, state, log)
    case 'agent_thought_chunk': return thought(update, state, log)
    case 'agent_thought': return log.progress('reasoning', contentText(update.content))
    case 'tool_call':
    case 'tool_call_update': return acpToolUpdate(update, state, log)
    case 'terminal_output_chunk': return terminalOutput(update, state, log)
    case 'terminal_update': return terminalUpdate(update, state)
    case 'tool_call_content_chunk': return acpToolOutput(
      string(update.toolCallId) ?? '', contentText([object(update.content).content]), state, log
    )
    case 'plan': return reportPlan(log, planEntries(update.entries))
    case 'plan_update': return planUpdate(update, log)
    case 'plan_removed': return log.progress('notice', 'The plan was dropped', { what: 'plan' })
    case 'usage_update': return usageUpdate(update, state)
    case 'state_update': return stateUpdate(update, state, log)
    case 'compaction_update': return compaction(update, log)
    case 'subagent_update': return subagent(update, state, log)
    case 'notice': return notice(update, log)
  }
  if (!IGNORED.has(type)) log.unknown(type, update)
}

/** Pieces of a message: without metadata, so that the recorder joins them. */
function message (update: JsonObject, state: AcpState, log: ActivityLog): void {
  readCallUsage(update, state)
  const text = contentText([update.content])
  const messageId = string(update.messageId)
  if (messageId !== undefined && messageId !== state.messageId) state.answer = ''
  if (messageId !== undefined) state.messageId = messageId
  state.answer += text
  log.output(text, state.childOf === undefined ? undefined : { sessionId: state.childOf })
}

/** Version 2: the whole of a message, of which pieces may have come before. */
function wholeMessage (update: JsonObject, state: AcpState, log: ActivityLog): void {
  const text = contentText(update.content)
  const messageId = string(update.messageId)
  const told = messageId !== undefined && messageId === state.messageId ? state.answer : ''
  if (text.startsWith(told)) return message({ messageId, content: { type: 'text', text: text.slice(told.length) } }, state, log)
  state.answer = text
}

/** A thought is told as a whole when it is over, and that there is one when it begins. */
function thought (update: JsonObject, state: AcpState, log: ActivityLog): void {
  if (state.thought === '') log.progress('reasoning', 'thinking', { live: true })
  state.thought += contentText([update.content])
}

export function flushThought (state: AcpState, log: ActivityLog): void {
  const text = state.thought.trim()
  state.thought = ''
  if (text !== '') log.progress('reasoning', text)
}

/** Version 2: what a tool prints, in base64. */
function terminalOutput (update: JsonObject, state: AcpState, log: ActivityLog): void {
  const terminalId = string(update.terminalId)
  const data = string(update.data)
  if (terminalId === undefined || data === undefined) return
  acpTerminalOutput(terminalId, Buffer.from(data, 'base64'), state, log)
}

function terminalUpdate (update: JsonObject, state: AcpState): void {
  const terminalId = string(update.terminalId)
  if (terminalId === undefined) return
  const terminal = terminalOf(state, terminalId)
  const output = string(object(update.output).data)
  if (output !== undefined) terminal.output = Buffer.from(output, 'base64').toString()
  terminal.exitCode = number(object(update.exitStatus).exitCode) ?? terminal.exitCode
}

/** Version 2: the turn ends when the agent is idle. One that has just been opened says so, too. */
function stateUpdate (update: JsonObject, state: AcpState, log: ActivityLog): void {
  if (update.state === 'requires_action') {
    log.waiting('person', 'Waiting for a person', { what: 'action' })
  }
  if (update.state === 'running') state.hasBegun = true
  const stopReason = string(update.stopReason)
  const isOver = update.state === 'idle' && (stopReason !== undefined || state.hasBegun === true)
  if (!isOver || state.onIdle === undefined) return
  state.stopReason = stopReason ?? 'end_turn'
  if (update.usage !== undefined) readUsage(update.usage, state)
  state.onIdle()
}

/** A plan that has a name; its steps, or a text or a file instead of them. */
function planUpdate (update: JsonObject, log: ActivityLog): void {
  const plan = object(update.plan)
  if (plan.entries !== undefined) return reportPlan(log, planEntries(plan.entries))
  const text = string(plan.content) ?? string(plan.uri)
  if (text !== undefined) log.progress('notice', `Plan: ${text}`, { what: 'plan' })
}

function planEntries (entries: unknown): PlanEntry[] {
  return objects(entries).map(({ content, status }) => ({ content: string(content) ?? '', status: planStatus(status) }))
}

const COMPACTION: Readonly<Record<string, string>> = {
  in_progress: 'Compacting the conversation',
  completed: 'Conversation compacted',
  failed: 'The conversation could not be compacted',
  cancelled: 'The conversation was not compacted'
}

function compaction (update: JsonObject, log: ActivityLog): void {
  const status = string(update.status) ?? ''
  const error = string(update.error)
  const message = COMPACTION[status] ?? `Compaction: ${status}`
  log.progress('compaction', error === undefined ? message : `${message}: ${error}`, compact({ status, id: update.compactionId }))
}

function notice (update: JsonObject, log: ActivityLog): void {
  const title = string(update.title) ?? string(update.message) ?? contentText(update.content)
  const description = string(update.description)
  const text = description === undefined ? title : `${title}: ${description}`
  log.progress('notice', text, compact({ what: 'notice', severity: string(update.severity) }))
}

function subagent (update: JsonObject, state: AcpState, log: ActivityLog): void {
  const sessionId = string(update.sessionId)
  if (sessionId !== undefined && sessionId !== state.sessionId && !state.children.has(sessionId)) {
    state.children.set(sessionId, createAcpState(true, sessionId))
  }
  const title = string(update.title) ?? string(update.description) ?? sessionId ?? 'one'
  const doing = string(object(update.state).state)
  log.progress('notice', `Sub-agent ${title}${doing === undefined ? '' : `: ${doing}`}`, { what: 'subagent' })
}
