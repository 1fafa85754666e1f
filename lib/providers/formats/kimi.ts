import type { ActivityLog } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, object, objects, string, type JsonObject } from '../json.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }

/** Kimi Code's `--output-format stream-json`: messages by role, no usage, and no last event: its exit decides. */
export const kimiFormat: OutputFormat = {
  name: 'kimi',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  begins: ({ role, type }) => role === 'meta' && type === 'system.version',
  createParser () {
    const facts: Facts = { isOutcomeByExit: true }
    return {
      event (event, log) { takeEvent(event, facts, log) },
      errorLine ({ text }) {
        const error = /^error: (?:failed to run prompt: )?(.+)/.exec(text)?.[1]
        if (error !== undefined) facts.error = error
      },
      facts: () => facts
    }
  }
}

function confidence (event: JsonObject): number {
  if ('type' in event && event.role !== 'meta') return 0
  switch (event.role) {
    case 'meta': return event.type === 'system.version' ? 1 : /^(session|system|turn)\./.test(String(event.type)) ? 0.6 : 0
    case 'tool': return string(event.tool_call_id) === undefined ? 0 : 0.6
    case 'assistant': return 'content' in event || Array.isArray(event.tool_calls) ? 0.4 : 0
  }
  return 0
}

function takeEvent (event: JsonObject, facts: Facts, log: ActivityLog): void {
  switch (event.role) {
    case 'meta': return meta(event, facts, log)
    case 'assistant': return message(event, facts, log)
    case 'tool': return answer(event, log)
    case 'user': return
  }
  log.unknown(String(event.role ?? event.type), event)
}

function meta ({ type, session_id: sessionId }: JsonObject, facts: Facts, log: ActivityLog): void {
  const id = string(sessionId)
  if (id === undefined || id === facts.sessionId) return
  facts.sessionId = id
  log.progress('session', `Session ${id}`, { sessionId: id, what: String(type) })
}

/** The content is a text, or a list of texts and thoughts. */
function message ({ content, tool_calls: calls }: JsonObject, facts: Facts, log: ActivityLog): void {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : objects(content)
  for (const part of parts as JsonObject[]) {
    const thought = string(part.think) ?? string(part.thinking)
    if (thought !== undefined) log.progress('reasoning', thought)
    const text = string(part.text)
    if (text !== undefined) log.output(facts.response = text, { source: 'assistant' })
  }
  for (const call of objects(calls)) {
    const { name, arguments: input } = object(call.function)
    facts.response = ''
    log.toolStart(describeCall(string(call.id) ?? '', string(name) ?? 'tool', parsed(input)))
  }
}

/** It says that a command failed at the end of what the command printed, and that a call failed in words alone. */
function answer ({ tool_call_id: callId, content, is_error: isError }: JsonObject, log: ActivityLog): void {
  const result = typeof content === 'string' ? content : objects(content).map(({ text }) => string(text) ?? '').join('\n')
  const exitCode = /(?:^|\n)Command failed with exit code: (\d+)\.?\s*$/.exec(result)?.[1]
  const hasFailed = exitCode !== undefined || isError === true
  log.toolEnd(string(callId) ?? '', compact({
    status: hasFailed ? 'error' as const : 'ok' as const, result, exitCode: exitCode === undefined ? undefined : Number(exitCode)
  }))
}

function parsed (input: unknown): JsonObject {
  try {
    return object(JSON.parse(String(input)))
  } catch {
    return object(input)
  }
}
