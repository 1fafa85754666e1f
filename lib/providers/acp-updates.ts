import type { ActivityLog } from './activity-log.js'
import type { AcpState } from './acp-state.js'
import { acpToolOutput, acpToolUpdate } from './acp-tools.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from './json.js'
import { planStatus, reportPlan } from './plan.js'

/** Updates that say nothing about the work. */
const IGNORED = new Set([
  'available_commands_update', 'session_info_update', 'config_option_update', 'config_options_update',
  'current_mode_update', 'user_message_chunk', 'user_message'
])

/** One `session/update`, of version 1 or 2. */
export function acpUpdate (update: JsonObject, state: AcpState, log: ActivityLog): void {
  if (state.isReplaying) return
  const type = string(update.sessionUpdate) ?? 'untyped'
  if (type !== 'agent_thought_chunk') flushThought(state, log)
  switch (type) {
    case 'agent_message_chunk': return message(update, state, log)
    case 'agent_thought_chunk': return thought(update, state, log)
    case 'tool_call':
    case 'tool_call_update': return acpToolUpdate(update, state, log)
    case 'terminal_output_chunk': return terminalOutput(update, state, log)
    case 'terminal_update': return terminalUpdate(update, state)
    case 'plan': return reportPlan(log, objects(update.entries).map(({ content, status }) => ({
      content: string(content) ?? '', status: planStatus(status)
    })))
    case 'usage_update': return usage(update, state)
    case 'state_update': return stateUpdate(update, state)
    case 'notice': return log.progress('notice', string(update.message) ?? contentText(update.content), { what: 'notice' })
  }
  if (!IGNORED.has(type)) log.unknown(type, update)
}

/** Pieces of a message: without metadata, so that the recorder joins them. */
function message (update: JsonObject, state: AcpState, log: ActivityLog): void {
  const text = contentText([update.content])
  const messageId = string(update.messageId)
  if (messageId !== undefined && messageId !== state.messageId) state.answer = ''
  if (messageId !== undefined) state.messageId = messageId
  state.answer += text
  log.output(text)
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
  const callId = state.terminals.get(string(update.terminalId) ?? '')
  const data = string(update.data)
  if (callId !== undefined && data !== undefined) acpToolOutput(callId, Buffer.from(data, 'base64').toString(), state, log)
}

function terminalUpdate (update: JsonObject, state: AcpState): void {
  const callId = state.terminals.get(string(update.terminalId) ?? '')
  const exitCode = number(object(update.exitStatus).exitCode)
  if (callId !== undefined && exitCode !== undefined) state.exits.set(callId, exitCode)
}

/** How full the context is, after each step; the cost of the session, at its end. */
function usage (update: JsonObject, state: AcpState): void {
  const { amount, currency } = object(update.cost)
  const cost = number(amount)
  if (cost !== undefined && currency === 'USD') state.costUsd = cost
  const model = string(object(update._meta)['_claude/model'])
  if (model !== undefined) state.model = model
}

/** Version 2: the turn ends when the agent is idle. */
function stateUpdate (update: JsonObject, state: AcpState): void {
  if (update.state !== 'idle' || state.onIdle === undefined) return
  state.stopReason = string(update.stopReason) ?? 'end_turn'
  if (update.usage !== undefined) readUsage(update.usage, state)
  state.onIdle()
}

/** Tokens of the turn, as the answer to the prompt tells them: in `usage`, Gemini's in `_meta.quota`. */
export function readUsage (told: unknown, state: AcpState): void {
  const usage = object(told)
  const inputTokens = number(usage.inputTokens) ?? number(usage.input_tokens)
  if (inputTokens === undefined || state.isResumed) return
  state.usage = compact({
    inputTokens,
    outputTokens: number(usage.outputTokens) ?? number(usage.output_tokens) ?? 0,
    cacheReadTokens: number(usage.cachedReadTokens),
    cacheWriteTokens: number(usage.cachedWriteTokens),
    reasoningTokens: number(usage.thoughtTokens)
  })
}
