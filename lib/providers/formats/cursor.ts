import type { ToolEnd, ActivityLog } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }
interface State {
  readonly facts: Facts
  thought: string
  /** Pieces of the text that is being told; its whole follows. */
  pieces: string
}

/** Cursor's `cursor-agent -p --output-format stream-json`. */
export const cursorFormat: OutputFormat = {
  name: 'cursor',
  commands: ['cursor-agent'],
  recognise: (objects) => Math.max(...objects.map(confidence)),
  sessionOf: ({ session_id: sessionId }) => string(sessionId),
  createParser () {
    const state: State = { facts: {}, thought: '', pieces: '' }
    return {
      event (event, log) { takeEvent(event, state, log) },
      facts: () => state.facts
    }
  }
}

function confidence (event: JsonObject): number {
  const { type, subtype, session_id: sessionId } = event
  const hasSession = string(sessionId) !== undefined
  switch (type) {
    case 'system': {
      const isOther = 'tools' in event || Object.keys(event).some((key) => key.endsWith('_version'))
      return subtype === 'init' && hasSession && !isOther && string(event.apiKeySource) !== undefined ? 0.9 : 0
    }
    case 'tool_call': return typeof event.tool_call === 'object' && string(event.call_id) !== undefined ? 1 : 0
    case 'thinking': return hasSession && (subtype === 'delta' || subtype === 'completed') ? 0.9 : 0
    case 'interaction_query': return hasSession ? 0.6 : 0
    case 'result': return hasSession && string(event.request_id) !== undefined ? 0.7 : 0
    case 'assistant':
    case 'user': return hasSession && !('uuid' in event) && !('parent_tool_use_id' in event) ? 0.2 : 0
  }
  return 0
}

function takeEvent (event: JsonObject, state: State, log: ActivityLog): void {
  switch (event.type) {
    case 'system': return begin(event, state.facts, log)
    case 'user': return
    case 'thinking': return thinking(event, state, log)
    case 'assistant': return assistant(event, state, log)
    case 'tool_call': return toolCall(event, state, log)
    case 'interaction_query': return asked(event, log)
    case 'result': return result(event, state.facts, log)
  }
  log.unknown(String(event.type), event)
}

function begin ({ session_id: sessionId, model }: JsonObject, facts: Facts, log: ActivityLog): void {
  Object.assign(facts, compact({ sessionId: string(sessionId), model: string(model) }))
  log.progress('session', `Session ${facts.sessionId ?? ''}`, compact({ sessionId: facts.sessionId, model: facts.model }))
}

function thinking ({ subtype, text }: JsonObject, state: State, log: ActivityLog): void {
  if (subtype === 'delta') {
    if (state.thought === '') log.progress('reasoning', 'thinking', { live: true })
    state.thought += string(text) ?? ''
    return
  }
  if (state.thought.trim() !== '') log.progress('reasoning', state.thought.trim())
  state.thought = ''
}

/** With `--stream-partial-output` the pieces come first, then the whole once more. */
function assistant (event: JsonObject, state: State, log: ActivityLog): void {
  const text = contentText(object(event.message).content)
  if (text === '') return
  delete state.facts.outcome
  if (text === state.pieces) {
    state.pieces = ''
    state.facts.response = text
    return
  }
  state.pieces += text
  state.facts.response = state.pieces
  log.output(text)
}

/** The tool is the name of the only member, without its ending: `shellToolCall`. */
function toolCall (event: JsonObject, state: State, log: ActivityLog): void {
  const callId = string(event.call_id) ?? ''
  const [member = 'tool', told] = Object.entries(object(event.tool_call)).find(([, value]) => typeof value === 'object') ?? []
  const { args, result, name, arguments: input } = object(told)
  const tool = string(name) ?? member.replace(/ToolCall$/, '')
  if (event.subtype === 'started') {
    state.pieces = state.facts.response = ''
    return log.toolStart(describeCall(callId, tool, object(args ?? parsed(input))))
  }
  if (event.subtype === 'completed') return log.toolEnd(callId, endOf(object(result)), tool)
  log.toolProgress(callId, String(event.subtype))
}

function endOf (result: JsonObject): ToolEnd {
  const [kind = 'success', told] = Object.entries(result).find(([, value]) => typeof value === 'object' && value !== null) ?? []
  const details = object(told)
  const exitCode = number(details.exitCode)
  const isDenied = /reject|denied/i.test(kind)
  const hasFailed = kind !== 'success' || (exitCode ?? 0) !== 0
  const printed = [string(details.stdout), string(details.stderr)].filter((text) => text !== undefined).join('\n')
  const words = string(printed) ?? string(details.content) ?? string(details.errorMessage) ?? string(details.error) ??
    string(details.reason) ?? string(details.message)
  const status = isDenied ? 'denied' : hasFailed ? 'error' : 'ok'
  return compact({ status, exitCode, result: words ?? shortJson(details) }) as ToolEnd
}

function shortJson (details: JsonObject): string | undefined {
  return Object.keys(details).length === 0 ? undefined : JSON.stringify(details)
}

function asked ({ subtype, query_type: type, query }: JsonObject, log: ActivityLog): void {
  const what = string(type) ?? string(object(query).type) ?? 'permission'
  if (subtype === 'request') return log.waiting('person', `Waiting for a person: ${what}`, { what: 'permission' })
  log.progress('notice', `Answered: ${what}`, { what: 'permission' })
}

function result (event: JsonObject, facts: Facts, log: ActivityLog): void {
  const usage = object(event.usage)
  const inputTokens = number(usage.inputTokens) ?? number(usage.input_tokens)
  facts.outcome = event.is_error === true || event.subtype !== 'success' ? 'failure' : 'success'
  facts.response = string(facts.response) ?? string(event.result) ?? ''
  if (inputTokens !== undefined) {
    facts.usage = compact({
      inputTokens,
      outputTokens: number(usage.outputTokens) ?? number(usage.output_tokens) ?? 0,
      cacheReadTokens: number(usage.cacheReadTokens),
      cacheWriteTokens: number(usage.cacheWriteTokens)
    })
  }
  if (facts.outcome === 'success') return
  facts.error = string(event.result) ?? string(objects(event.errors)[0]?.message) ?? 'Cursor failed.'
  facts.reason = String(event.subtype ?? 'failed')
  log.error(facts.error, { reason: facts.reason })
}

function parsed (input: unknown): unknown {
  try {
    return JSON.parse(String(input))
  } catch {
    return {}
  }
}
