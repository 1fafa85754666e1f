import type { ActivityLog } from '../activity-log.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import { describeCall } from './describe-call.js'

type Facts = { -readonly [K in keyof RunFacts]: RunFacts[K] }
interface State {
  readonly facts: Facts
  messageId?: string
}

/** Block's `goose run --output-format stream-json`. */
export const gooseFormat: OutputFormat = {
  name: 'goose',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  createParser () {
    const state: State = { facts: {} }
    return {
      event (event, log) { takeEvent(event, state, log) },
      facts: () => state.facts
    }
  }
}

function confidence (event: JsonObject): number {
  const { role, content, created } = object(event.message)
  switch (event.type) {
    case 'message': {
      if (!Array.isArray(content) || string(role) === undefined) return 0
      const isTool = objects(content).some(({ type }) => type === 'toolRequest' || type === 'toolResponse')
      return isTool ? 1 : typeof created === 'number' ? 0.8 : 0.1
    }
    case 'notification': return string(event.extension_id) === undefined ? 0 : 0.9
    case 'complete': return 'total_tokens' in event ? 0.6 : 0
    case 'error': return typeof event.error === 'string' ? 0.1 : 0
  }
  return 0
}

function takeEvent (event: JsonObject, state: State, log: ActivityLog): void {
  const { facts } = state
  switch (event.type) {
    case 'message': return message(object(event.message), state, log)
    case 'notification': return notification(event, log)
    case 'complete': return complete(event, facts, log)
    case 'error': facts.outcome = 'failure'
      facts.error = string(event.error) ?? 'goose failed.'
      return log.error(facts.error)
  }
  log.unknown(String(event.type), event)
}

function message (message: JsonObject, state: State, log: ActivityLog): void {
  const { facts } = state
  delete facts.outcome
  for (const part of objects(message.content)) {
    switch (part.type) {
      case 'text': text(message, part, state, log)
        break
      case 'thinking': log.progress('reasoning', string(part.thinking) ?? 'thinking')
        break
      case 'redactedThinking': log.progress('reasoning', 'thinking (not shown)')
        break
      case 'toolRequest':
      case 'frontendToolRequest': facts.response = ''
        request(part, log)
        break
      case 'toolResponse': response(part, log)
        break
      case 'toolConfirmationRequest': confirmation(part, log)
        break
      case 'actionRequired': confirmation(object(part.data), log)
        break
      case 'systemNotification': log.progress('notice', string(part.msg) ?? '', { what: String(part.notificationType) })
        break
      case 'contextLengthExceeded':
      case 'summarizationRequested': log.progress('compaction', string(part.msg) ?? 'The context is full')
        break
      default: log.unknown(`message/${String(part.type)}`, part)
    }
  }
}

/** Pieces of a message come with its id again; what a person said is not the answer. */
function text ({ role, id }: JsonObject, { text }: JsonObject, state: State, log: ActivityLog): void {
  const said = string(text)
  if (said === undefined || role !== 'assistant') return
  const isSame = string(id) !== undefined && id === state.messageId
  const messageId = string(id)
  if (messageId !== undefined) state.messageId = messageId
  state.facts.response = isSame ? (state.facts.response ?? '') + said : said
  log.output(said)
}

function request ({ id, toolCall }: JsonObject, log: ActivityLog): void {
  const { value, error } = object(toolCall)
  const { name, arguments: input } = object(value)
  const full = string(name) ?? 'tool'
  // `developer__shell` is the tool `shell` of the built-in extension `developer`.
  const [extension, tool = full] = full.split('__')
  const builtin = extension === 'developer' || !full.includes('__')
  const details = builtin ? {} : { toolKind: 'mcp' as const }
  const callId = string(id) ?? ''
  log.toolStart(describeCall(callId, builtin ? tool : full, object(input), details))
  if (error !== undefined) log.toolEnd(callId, { status: 'error', result: String(error) })
}

function response ({ id, toolResult }: JsonObject, log: ActivityLog): void {
  const { status, value, error } = object(toolResult)
  const content = Array.isArray(value) ? value : object(value).content
  const hasFailed = status === 'error' || error !== undefined || object(value).isError === true
  const result = error === undefined ? contentText(content) : String(error)
  log.toolEnd(string(id) ?? '', { status: hasFailed ? 'error' : 'ok', result })
}

function confirmation ({ id, toolName, prompt }: JsonObject, log: ActivityLog): void {
  const what = string(prompt) ?? `whether it may use ${string(toolName) ?? 'a tool'}`
  log.waiting('person', `Waiting for a person: ${what}`, compact({ what: 'permission', callId: string(id) }))
}

function notification ({ extension_id: extension, log: said, progress, data }: JsonObject, log: ActivityLog): void {
  const { message } = object(said ?? object(data).log)
  const step = object(progress ?? object(data).progress)
  const text = string(message) ?? string(step.message)
  if (text !== undefined) log.progress('notice', text, { what: 'extension', extension: string(extension) })
}

/** Older ones tell the sum of all tokens alone: it is shown, but it is no usage by kind. */
function complete (event: JsonObject, facts: Facts, log: ActivityLog): void {
  facts.outcome = 'success'
  const [inputTokens, outputTokens] = [number(event.input_tokens), number(event.output_tokens)]
  const total = number(event.total_tokens)
  if (inputTokens !== undefined && outputTokens !== undefined) facts.usage = { inputTokens, outputTokens }
  else if (total !== undefined) log.progress('usage', `${total} tokens in all`, { totalTokens: total })
}
