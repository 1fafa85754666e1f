import type { Usage } from '../../model/activity.js'
import type { ActivityLog } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { countPatch } from '../edited-lines.js'
import { compact, number, object, string, type JsonObject } from '../json.js'
import { sumUsage } from '../sum-usage.js'
import { describeCall } from './describe-call.js'

/** opencode's `run --format json`. A call is told when it is over, with its true duration; there is no last event. */
export const opencodeFormat: OutputFormat = {
  name: 'opencode',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  sessionOf: ({ sessionID }) => string(sessionID),
  createParser () {
    const facts: { -readonly [K in keyof RunFacts]: RunFacts[K] } = {}
    return {
      event (event, log) { takeEvent(event, facts, log) },
      facts: () => facts
    }
  }
}

const TYPES = new Set(['step_start', 'text', 'reasoning', 'tool_use', 'step_finish'])

function confidence ({ type, sessionID, part, error }: JsonObject): number {
  if (string(sessionID)?.startsWith('ses_') !== true) return 0
  if (TYPES.has(String(type)) && string(object(part).messageID) !== undefined) return 1
  return type === 'error' && error !== undefined ? 0.9 : 0.1
}

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }

function takeEvent (event: JsonObject, facts: Facts, log: ActivityLog): void {
  const part = object(event.part)
  if (facts.sessionId === undefined) begin(event, facts, log)
  switch (event.type) {
    case 'step_start': delete facts.outcome
      return
    case 'text': facts.response = string(part.text) ?? ''
      return log.output(facts.response, { source: 'assistant' })
    case 'reasoning': return log.progress('reasoning', string(part.text) ?? 'thinking')
    case 'tool_use': facts.response = ''
      return call(part, log)
    case 'step_finish': return finish(part, facts)
    case 'error': return fail(object(event.error), facts, log)
  }
  log.unknown(String(event.type), event)
}

function begin ({ sessionID }: JsonObject, facts: Facts, log: ActivityLog): void {
  facts.sessionId = string(sessionID) ?? ''
  log.progress('session', `Session ${facts.sessionId}`, { sessionId: facts.sessionId })
}

function call (part: JsonObject, log: ActivityLog): void {
  const state = object(part.state)
  const { start, end } = object(state.time)
  const callId = string(part.callID) ?? string(part.id) ?? ''
  const tool = string(part.tool) ?? 'tool'
  const exitCode = number(object(state.metadata).exit)
  const hasFailed = state.status === 'error' || (exitCode ?? 0) !== 0
  log.toolStart(describeCall(callId, tool, object(state.input)))
  log.toolEnd(callId, compact({
    status: hasFailed ? 'error' as const : 'ok' as const,
    exitCode,
    result: string(state.output) ?? string(state.error),
    edited: countPatch(string(object(state.metadata).diff) ?? ''),
    durationMs: number(start) === undefined || number(end) === undefined ? undefined : Number(end) - Number(start)
  }))
}

/** Told for each call of the model: the run's are their sum. */
function finish ({ tokens, cost, reason }: JsonObject, facts: Facts): void {
  const { input, output, reasoning, cache } = object(tokens)
  const step = compact({
    inputTokens: number(input),
    outputTokens: number(output),
    cacheReadTokens: number(object(cache).read),
    cacheWriteTokens: number(object(cache).write),
    reasoningTokens: number(reasoning),
    costUsd: number(cost)
  }) as unknown as Usage
  facts.usage = sumUsage([facts.usage, step])!
  if (reason === 'tool-calls') return
  facts.outcome = reason === 'stop' ? 'success' : 'failure'
  if (facts.outcome === 'success') return
  facts.reason = String(reason)
  facts.error = `The model stopped with ${String(reason)}.`
}

function fail ({ name, data }: JsonObject, facts: Facts, log: ActivityLog): void {
  const { message, statusCode } = object(data)
  facts.outcome = 'failure'
  facts.error = string(message) ?? string(name) ?? 'opencode failed.'
  facts.reason = string(name) === 'APIError' ? 'api_error' : string(name) ?? 'failed'
  log.error(facts.error, compact({ reason: facts.reason, status: number(statusCode) }))
}
