import type { ActivityLog, ToolEnd } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, number, object, objects, string, type JsonObject } from '../json.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }
interface State {
  readonly facts: Facts
  isThinking: boolean
}

/** Cline's `--json`. */
export const clineFormat: OutputFormat = {
  name: 'cline',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  begins: ({ type, hookEventName, parentAgentId }) =>
    type === 'hook_event' && hookEventName === 'agent_start' && parentAgentId === null,
  createParser () {
    const state: State = { facts: {}, isThinking: false }
    return {
      event (event, log) { takeEvent(event, state, log) },
      facts: () => state.facts
    }
  }
}

function confidence (event: JsonObject): number {
  if (string(event.ts) === undefined) return 0
  switch (event.type) {
    case 'hook_event': return string(event.hookEventName) !== undefined && 'parentAgentId' in event ? 1 : 0
    case 'agent_event': return string(object(event.event).type) === undefined ? 0 : 1
    case 'run_result': return string(event.finishReason) === undefined ? 0 : 1
    case 'error': return string(event.message) === undefined ? 0 : 0.2
  }
  return 0.1
}

function takeEvent (event: JsonObject, state: State, log: ActivityLog): void {
  switch (event.type) {
    case 'hook_event': return
    case 'agent_event': return agentEvent(object(event.event), state, log)
    case 'run_result': return result(event, state.facts)
    case 'error': state.facts.error = string(event.message) ?? 'Cline failed.'
      return log.error(state.facts.error)
  }
  log.unknown(String(event.type), event)
}

function agentEvent (event: JsonObject, state: State, log: ActivityLog): void {
  switch (event.type) {
    case 'content_start': return contentStart(event, state, log)
    case 'content_update': return contentUpdate(event, log)
    case 'content_end': return contentEnd(event, state, log)
    case 'error': return failed(event, state.facts, log)
    case 'notice': return log.progress('notice', string(event.message) ?? '', { what: 'notice' })
    case 'iteration_start':
    case 'iteration_end':
    case 'usage':
    case 'done': return
  }
  log.unknown(String(event.type), event)
}

/** Each piece of a text is a start; a call has one. */
function contentStart (event: JsonObject, state: State, log: ActivityLog): void {
  const callId = string(event.toolCallId)
  delete state.facts.outcome
  if (event.contentType === 'text') return log.output(string(event.text) ?? '')
  if (event.contentType === 'reasoning') {
    if (!state.isThinking) log.progress('reasoning', 'thinking', { live: true })
    state.isThinking = true
    return
  }
  if (callId === undefined) return
  state.facts.response = ''
  log.toolStart(describeCall(callId, string(event.toolName) ?? 'tool', object(event.input), KINDS[String(event.toolName)] ?? {}))
}

const KINDS: Readonly<Record<string, { readonly toolKind?: 'read' | 'edit' | 'person' | 'web' }>> = {
  read_files: { toolKind: 'read' },
  editor: { toolKind: 'edit' },
  ask_question: { toolKind: 'person' },
  fetch_web_content: { toolKind: 'web' }
}

function contentUpdate ({ toolCallId, update }: JsonObject, log: ActivityLog): void {
  const chunk = string(object(update).chunk)
  if (chunk !== undefined) log.toolOutput(string(toolCallId) ?? '', chunk)
}

function contentEnd (event: JsonObject, state: State, log: ActivityLog): void {
  const callId = string(event.toolCallId)
  if (event.contentType === 'text') state.facts.response = string(event.text) ?? ''
  if (event.contentType === 'reasoning') {
    state.isThinking = false
    log.progress('reasoning', string(event.reasoning) ?? 'thinking')
  }
  if (callId !== undefined) log.toolEnd(callId, endOf(event), string(event.toolName))
}

/** A call may do several things at once: it failed if one of them did. */
function endOf ({ output, error, durationMs }: JsonObject): ToolEnd {
  const parts = Array.isArray(output) ? objects(output) : [object(output)]
  const errors = [string(error), ...parts.map((part) => string(part.error))].filter((error) => error !== undefined)
  const code = /^Command exited with code (\d+)$/.exec(errors[0] ?? '')?.[1]
  const hasFailed = errors.length > 0 || parts.some(({ success }) => success === false)
  const texts = parts.map((part) => string(part.result)).filter((text) => text !== undefined)
  return compact({
    status: hasFailed ? 'error' : 'ok',
    exitCode: code === undefined ? undefined : Number(code),
    result: string(texts.join('\n')) ?? string(output) ?? errors[0],
    durationMs: number(durationMs)
  }) as ToolEnd
}

function failed ({ error, errorClass, recoverable }: JsonObject, facts: Facts, log: ActivityLog): void {
  const message = string(object(error).message) ?? 'Cline failed.'
  if (recoverable !== false) return log.progress('notice', message, { what: 'error' })
  facts.error = message
  facts.reason = string(errorClass) === 'auth' ? 'authentication' : string(errorClass) ?? 'failed'
  log.error(message, { reason: facts.reason })
}

function result (event: JsonObject, facts: Facts): void {
  const usage = object(event.aggregateUsage ?? event.usage)
  const cost = number(usage.totalCost)
  const inputTokens = number(usage.inputTokens)
  const text = string(event.text)
  facts.outcome = event.finishReason === 'completed' ? 'success' : 'failure'
  Object.assign(facts, compact({ model: string(object(event.model).id) }))
  if (inputTokens !== undefined) {
    facts.usage = compact({
      inputTokens,
      outputTokens: number(usage.outputTokens) ?? 0,
      cacheReadTokens: number(usage.cacheReadTokens),
      cacheWriteTokens: number(usage.cacheWriteTokens),
      costUsd: cost === 0 ? undefined : cost // it has no price for the model
    })
  }
  if (facts.outcome === 'success') facts.response = text ?? facts.response ?? ''
  else {
    facts.error ??= text ?? `Cline ended with ${String(event.finishReason)}.`
    facts.reason ??= String(event.finishReason)
  }
}
