import type { ActivityLog } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }

/** Qwen Code's `--output-format stream-json`: lines like Claude's, with other tools, errors and counts. */
export const qwenFormat: OutputFormat = {
  name: 'qwen',
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
  const { type, subtype, session_id: sessionId, uuid } = event
  if (string(sessionId) === undefined) return 0
  if (type === 'system' && subtype === 'init') {
    if (string(event.qwen_code_version) !== undefined) return 1
    return string(event.permission_mode) !== undefined && string(uuid) === sessionId ? 0.9 : 0
  }
  if (string(uuid) === undefined) return 0
  const isMessage = ['assistant', 'user', 'stream_event', 'system'].includes(String(type))
  if (type === 'result') return 'total_cost_usd' in event ? 0.1 : 0.6
  return isMessage ? 'total_tokens' in object(object(event.message).usage) ? 0.7 : 0.2 : 0
}

function takeEvent (event: JsonObject, facts: Facts, log: ActivityLog): void {
  switch (event.type) {
    case 'system': return system(event, facts, log)
    case 'assistant': return assistant(event, facts, log)
    case 'user': return user(event, log)
    case 'result': return result(event, facts, log)
    case 'control_request': return asked(event, log)
    case 'stream_event':
    case 'control_response':
    case 'control_cancel_request': return
  }
  log.unknown(String(event.type), event)
}

function system (event: JsonObject, facts: Facts, log: ActivityLog): void {
  if (event.subtype !== 'init') return log.progress('notice', String(event.subtype), { what: 'system' })
  Object.assign(facts, compact({ sessionId: string(event.session_id), model: string(event.model) }))
  log.progress('session', `Session ${facts.sessionId ?? ''}`, compact({ sessionId: facts.sessionId, model: facts.model }))
}

function assistant (event: JsonObject, facts: Facts, log: ActivityLog): void {
  const parentCallId = string(event.parent_tool_use_id)
  delete facts.outcome
  for (const block of objects(object(event.message).content)) {
    const text = string(block.text)
    if (block.type === 'thinking') log.progress('reasoning', string(block.thinking) ?? 'thinking', compact({ parentCallId }))
    if (block.type === 'text' && text !== undefined) {
      if (parentCallId === undefined) facts.response = text
      log.output(text, compact({ source: 'assistant', parentCallId }))
    }
    if (block.type !== 'tool_use') continue
    if (parentCallId === undefined) facts.response = ''
    const tool = string(block.name) ?? 'tool'
    log.toolStart(describeCall(string(block.id) ?? '', tool, object(block.input), compact({ parentCallId })))
  }
}

function user (event: JsonObject, log: ActivityLog): void {
  for (const block of objects(object(event.message).content)) {
    if (block.type !== 'tool_result') continue
    const result = contentText(block.content)
    // A command that failed is reported in lines of their own, its output among them.
    const exitCode = block.is_error === true ? /^Exit Code: (\d+)$/m.exec(result)?.[1] : undefined
    log.toolEnd(string(block.tool_use_id) ?? '', compact({
      status: block.is_error === true ? 'error' as const : 'ok' as const,
      result,
      exitCode: exitCode === undefined ? undefined : Number(exitCode),
      parentCallId: string(event.parent_tool_use_id)
    }))
  }
}

function asked ({ request }: JsonObject, log: ActivityLog): void {
  const { subtype, tool_name: tool, tool_use_id: callId } = object(request)
  if (subtype !== 'can_use_tool') return
  const message = `Waiting for permission to use ${string(tool) ?? 'a tool'}`
  log.waiting('person', message, compact({ what: 'permission', callId: string(callId) }))
}

function result (event: JsonObject, facts: Facts, log: ActivityLog): void {
  const usage = object(event.usage)
  const inputTokens = number(usage.input_tokens)
  facts.outcome = event.is_error === true ? 'failure' : 'success'
  facts.response = string(event.result) ?? facts.response ?? ''
  if (inputTokens !== undefined) {
    facts.usage = compact({
      inputTokens,
      outputTokens: number(usage.output_tokens) ?? 0,
      cacheReadTokens: number(usage.cache_read_input_tokens)
    })
  }
  if (facts.outcome === 'success') return
  facts.error = string(object(event.error).message) ?? string(event.result) ?? 'Qwen Code failed.'
  facts.reason = String(event.subtype ?? 'failed').replace(/^error_/, '')
  log.error(facts.error, { reason: facts.reason })
}
