import type { ActivityLog } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, number, object, string, type JsonObject } from '../json.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }

/** Factory's `droid exec --output-format stream-json`. */
export const droidFormat: OutputFormat = {
  name: 'droid',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  sessionOf: ({ session_id: sessionId }) => string(sessionId),
  createParser () {
    const facts: Facts = {}
    return {
      event (event, log) { takeEvent(event, facts, log) },
      facts: () => facts
    }
  }
}

function confidence (event: JsonObject): number {
  const { type, session_id: sessionId, timestamp } = event
  switch (type) {
    case 'system': {
      const isInit = event.subtype === 'init' && 'reasoning_effort' in event && Array.isArray(event.tools)
      return isInit && string(sessionId) !== undefined ? 0.9 : 0
    }
    case 'tool_call': return string(event.toolName) !== undefined && string(event.toolId) !== undefined ? 1 : 0
    case 'tool_result': return string(event.toolId) !== undefined && 'isError' in event ? 1 : 0
    case 'completion': return typeof event.finalText === 'string' && 'numTurns' in event ? 1 : 0
    case 'message': return typeof event.text === 'string' && string(event.role) !== undefined && typeof timestamp === 'number' ? 0.6 : 0
    case 'reasoning': return typeof event.text === 'string' && typeof timestamp === 'number' ? 0.5 : 0
    case 'error': return string(event.source) !== undefined && string(event.message) !== undefined ? 0.6 : 0
  }
  return 0
}

function takeEvent (event: JsonObject, facts: Facts, log: ActivityLog): void {
  switch (event.type) {
    case 'system': return begin(event, facts, log)
    case 'message': return message(event, facts, log)
    case 'reasoning': return log.progress('reasoning', string(event.text) ?? 'thinking')
    case 'tool_call': facts.response = ''
      return log.toolStart(describeCall(string(event.id) ?? '', string(event.toolName) ?? 'tool', object(event.parameters)))
    case 'tool_result': return log.toolEnd(string(event.id) ?? '', compact({
      status: event.isError === true ? 'error' as const : 'ok' as const, result: resultOf(event)
    }), string(event.toolId))
    case 'completion': return complete(event, facts)
    case 'error': facts.error = string(event.message) ?? 'droid failed.'
      facts.reason = string(event.source) ?? 'failed'
      facts.outcome = 'failure'
      return log.error(facts.error, { source: facts.reason })
  }
  log.unknown(String(event.type), event)
}

function begin ({ session_id: sessionId, model }: JsonObject, facts: Facts, log: ActivityLog): void {
  Object.assign(facts, compact({ sessionId: string(sessionId), model: string(model) }))
  log.progress('session', `Session ${facts.sessionId ?? ''}`, compact({ sessionId: facts.sessionId, model: facts.model }))
}

function message ({ role, text }: JsonObject, facts: Facts, log: ActivityLog): void {
  if (role !== 'assistant') return
  delete facts.outcome
  facts.response = string(text) ?? ''
  log.output(facts.response, { source: 'assistant' })
}

function resultOf ({ value, error }: JsonObject): string | undefined {
  if (typeof value === 'string') return value
  return string(object(error).message) ?? string(error) ?? (value === undefined ? undefined : JSON.stringify(value))
}

function complete (event: JsonObject, facts: Facts): void {
  const usage = object(event.usage)
  const inputTokens = number(usage.input_tokens)
  facts.outcome = 'success'
  facts.response = string(event.finalText) ?? facts.response ?? ''
  if (inputTokens === undefined) return
  facts.usage = compact({
    inputTokens,
    outputTokens: number(usage.output_tokens) ?? 0,
    cacheReadTokens: number(usage.cache_read_input_tokens),
    cacheWriteTokens: number(usage.cache_creation_input_tokens),
    reasoningTokens: number(usage.thinking_tokens)
  })
}
