import type { Usage } from '../../model/activity.js'
import type { ActivityLog, ToolEnd } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { countPatch } from '../edited-lines.js'
import { compact, number, object, string, type JsonObject } from '../json.js'
import { sumUsage } from '../sum-usage.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }
interface State {
  readonly facts: Facts
  /** The message whose pieces were shown. */
  streamed?: string
  thought?: string
}

/** GitHub Copilot CLI's `-p … --output-format json`. Tells a command's output while it runs, and no tokens. */
export const copilotFormat: OutputFormat = {
  name: 'copilot',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  createParser () {
    const state: State = { facts: {} }
    return {
      event (event, log) { takeEvent(String(event.type), object(event.data), event, state, log) },
      isNoise: (text) => /^\{"type":"(?:session\.background_tasks_changed|assistant\.tool_call_delta|tool\.shell_output)"/.test(text),
      facts: () => state.facts
    }
  }
}

const TYPES = /^(session|assistant|tool|user|model|subagent|hook|permission|user_input|elicitation|abort|system|skill|command)(\.\w+)?$/

function confidence ({ type, data, timestamp, id, ...rest }: JsonObject): number {
  if (type === 'result') {
    return typeof rest.exitCode === 'number' && 'premiumRequests' in object(rest.usage) ? 1 : 0
  }
  const isEvent = typeof data === 'object' && string(timestamp) !== undefined && string(id) !== undefined && 'parentId' in rest
  return isEvent && String(type).includes('.') ? TYPES.test(String(type)) ? 1 : 0.5 : 0
}

/** What says nothing about the work, or says it once more. */
const IGNORED = new Set([
  'user.message', 'assistant.turn_start', 'assistant.turn_end', 'assistant.message_start', 'assistant.idle',
  'assistant.reasoning_delta', 'assistant.tool_call_delta', 'model.call_start', 'model.call_finished', 'model.call_final_result',
  'tool.shell_output', 'session.background_tasks_changed', 'session.skills_loaded', 'session.mcp_servers_loaded',
  'session.tools_updated', 'session.idle', 'session.usage_info', 'session.title_changed', 'session.start', 'session.resume',
  'session.mcp_server_status_changed', 'session.custom_agents_updated', 'session.extensions_loaded', 'hook.start', 'hook.end',
  'tool.user_requested', 'permission.completed', 'user_input.completed', 'elicitation.completed', 'system.message'
])

function takeEvent (type: string, data: JsonObject, event: JsonObject, state: State, log: ActivityLog): void {
  const { facts } = state
  switch (type) {
    case 'assistant.message_delta': return delta(data, state, log)
    case 'assistant.message': return message(data, state, log)
    case 'assistant.reasoning': return reasoning(string(data.content), state, log)
    case 'assistant.usage': return usage(data, facts)
    case 'assistant.turn_retry': return log.retry('retry', `Trying again: ${String(data.reason)}`, undefined, { what: String(data.reason), waitKind: 'retry' })
    case 'model.call_failure': return log.progress('notice', failureOf(data), compact({ what: 'model', status: number(data.statusCode) }))
    case 'tool.execution_start': return start(data, facts, log)
    case 'tool.execution_progress': return log.toolProgress(string(data.toolCallId) ?? '', string(data.progressMessage) ?? 'working')
    case 'tool.execution_partial_result': return log.toolOutput(string(data.toolCallId) ?? '', string(data.partialOutput) ?? '')
    case 'tool.execution_complete': return log.toolEnd(string(data.toolCallId) ?? '', endOf(data))
    case 'permission.requested': return log.waiting('person', 'Waiting for permission', compact({
      what: 'permission', callId: string(object(data.permissionRequest).toolCallId)
    }))
    case 'user_input.requested':
    case 'elicitation.requested': return log.waiting('person', string(data.question) ?? string(data.message) ?? 'Waiting for an answer', { what: 'question' })
    case 'subagent.started':
    case 'subagent.completed':
    case 'subagent.failed': return log.progress('notice', `Sub-agent ${string(data.agentName) ?? ''} ${type.slice(9)}`, compact({
      what: 'subagent', callId: string(data.toolCallId)
    }))
    case 'session.compaction_start': return log.progress('compaction', 'Compacting the conversation')
    case 'session.compaction_complete': return log.progress('compaction', 'Conversation compacted')
    case 'session.info':
    case 'session.warning': return log.progress('notice', string(data.message) ?? type, compact({ what: string(data.infoType) ?? string(data.warningType) }))
    case 'session.error': facts.error = string(data.message) ?? 'Copilot failed.'
      facts.reason = string(data.errorType) ?? 'failed'
      return log.error(facts.error, compact({ reason: facts.reason, status: number(data.statusCode) }))
    case 'session.model_change': facts.model = string(data.newModel) ?? facts.model ?? ''
      return
    case 'abort': return log.progress('notice', `Aborted: ${String(data.reason)}`, { what: 'abort' })
    case 'result': return result(event, facts, log)
  }
  if (!IGNORED.has(type)) log.unknown(type, event)
}

function delta ({ messageId, deltaContent }: JsonObject, state: State, log: ActivityLog): void {
  const id = string(messageId) ?? ''
  if (state.streamed !== id) state.facts.response = ''
  state.streamed = id
  state.facts.response = (state.facts.response ?? '') + (string(deltaContent) ?? '')
  log.output(string(deltaContent) ?? '')
}

function message (data: JsonObject, state: State, log: ActivityLog): void {
  const { facts } = state
  const content = string(data.content)
  const model = string(data.model)
  if (model !== undefined) facts.model = model
  reasoning(string(data.reasoningText), state, log)
  if (content === undefined) return
  facts.response = content
  const parentCallId = string(data.parentToolCallId)
  if (state.streamed !== data.messageId) log.output(content, compact({ source: 'assistant', parentCallId }))
}

/** A thought is told with the message, and as an event of its own. */
function reasoning (text: string | undefined, state: State, log: ActivityLog): void {
  if (text === undefined || text === state.thought) return
  state.thought = text
  log.progress('reasoning', text)
}

function usage (data: JsonObject, facts: Facts): void {
  const call = compact({
    inputTokens: number(data.inputTokens) ?? 0,
    outputTokens: number(data.outputTokens) ?? 0,
    cacheReadTokens: number(data.cacheReadTokens),
    cacheWriteTokens: number(data.cacheWriteTokens)
  }) as Usage
  facts.usage = sumUsage([facts.usage, call])!
}

function start (data: JsonObject, facts: Facts, log: ActivityLog): void {
  const parentCallId = string(data.parentToolCallId)
  if (parentCallId === undefined) facts.response = ''
  const tool = string(data.mcpToolName) ?? string(data.toolName) ?? 'tool'
  const toolKind = string(data.mcpServerName) === undefined ? undefined : 'mcp' as const
  log.toolStart(describeCall(string(data.toolCallId) ?? '', tool, object(data.arguments), compact({ parentCallId, toolKind })))
}

function endOf (data: JsonObject): ToolEnd {
  const { code, message } = object(data.error)
  const exitCode = number(object(data.shellExecution).exitCode)
  const isDenied = /denied|rejected/.test(String(code))
  const hasFailed = data.success !== true || (exitCode ?? 0) !== 0
  const result = string(object(data.result).content) ?? string(message)
  const edited = countPatch(string(object(data.result).detailedContent) ?? '')
  return compact({ status: isDenied ? 'denied' : hasFailed ? 'error' : 'ok', exitCode, result, edited }) as ToolEnd
}

function failureOf ({ statusCode, failureKind }: JsonObject): string {
  return `The model could not be called${statusCode === undefined ? '' : ` (${String(statusCode)})`}: ${String(failureKind)}`
}

function result ({ sessionId, exitCode }: JsonObject, facts: Facts, log: ActivityLog): void {
  const id = string(sessionId)
  if (id !== undefined) {
    facts.sessionId = id
    log.progress('session', `Session ${id}`, { sessionId: id })
  }
  facts.outcome = exitCode === 0 ? 'success' : 'failure'
}
