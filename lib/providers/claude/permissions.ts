import type { ActivityLog } from '../activity-log.js'
import type { ClaudeState } from './state.js'
import { claudeQuestion } from './messages.js'
import { compact, object, objects, string, type JsonObject } from '../json.js'
import { toolMessage } from '../tool-message.js'

const ASKS = new Set(['can_use_tool', 'elicitation', 'request_user_dialog'])

/**
 * A question to the program that reads this output, which hands it on to a person: may a tool run, what does an MCP
 * server want to know. Other control requests are answered by programs.
 */
export function claudeAsks (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const request = object(event.request)
  const { subtype } = request
  if (!ASKS.has(String(subtype))) return
  const callId = string(request.tool_use_id)
  const tool = string(request.display_name) ?? string(request.tool_name) ?? string(request.mcp_server_name) ?? 'a tool'
  const isPermission = subtype === 'can_use_tool'
  const text = isPermission ? toolMessage(tool, askedOf(request)) : string(request.dialog_kind) ?? `${tool}: ${string(request.message) ?? ''}`
  state.asked.set(string(event.request_id) ?? '', callId ?? '')
  const message = isPermission ? `Waiting for permission: ${text}` : `Waiting for an answer: ${text}`
  log.waiting('person', message, compact({ what: isPermission ? `permission: ${text}` : text, callId }))
}

function askedOf ({ input, description }: JsonObject): JsonObject {
  const { command, ...rest } = object(input)
  return string(command) === undefined ? { ...claudeQuestion(rest), ...compact({ description }) } : { query: command }
}

/** Nobody needs to answer any more. */
export function claudeAsksNoMore (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const callId = state.asked.get(string(event.request_id) ?? '')
  if (callId === undefined) return
  state.asked.delete(string(event.request_id) ?? '')
  log.progress('notice', 'The question was withdrawn.', { what: 'permission', callId: string(callId) })
}

/** The answer is not printed: a tool that runs was allowed. */
export function claudeMayGoOn (callId: string, state: ClaudeState, log: ActivityLog): void {
  for (const [question, asked] of state.asked) {
    if (asked !== callId) continue
    state.asked.delete(question)
    log.progress('notice', 'Permission given.', { what: 'permission', callId })
  }
}

/** The run ends with a call that was put off until a person has decided. */
export function claudeDeferred (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const call = object(event.deferred_tool_use)
  const what = string(call.name) === undefined ? 'a decision' : toolMessage(String(call.name), claudeQuestion(call.input))
  log.waiting('person', `Waiting for a person: ${what}`, compact({ what, callId: string(call.id) }))
}

/** Signing in takes a person. */
export function claudeAuth (event: JsonObject, log: ActivityLog): void {
  const error = string(event.error)
  if (error !== undefined) log.error(error, { reason: 'authentication' })
  else if (event.isAuthenticating === true) log.waiting('person', 'Waiting for somebody to sign in.', { what: 'sign-in' })
}

/** Older versions tell only at the end which calls were not allowed. */
export function claudeDenials (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const denials = objects(event.permission_denials).filter(({ tool_use_id: id }) => !state.denied.has(String(id)))
  if (denials.length === 0) return
  const names = [...new Set(denials.map(({ tool_name: name }) => string(name) ?? 'a tool'))].slice(0, 10)
  log.progress('notice', `Not allowed: ${names.join(', ')}`, { what: 'permission', count: denials.length })
}
