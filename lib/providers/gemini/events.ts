import { isDeepStrictEqual } from 'node:util'
import type { WaitKind } from '../../model/activity.js'
import type { ActivityLog, ToolEnd, ToolStart } from '../activity-log.js'
import { geminiUsage } from './stats.js'
import { compact, contentText, identifier, object, string, type JsonObject } from '../json.js'
import type { Line } from '../process/lines.js'
import { plain } from '../process/process-end.js'
import { toolKindOf } from '../../model/tool-kind.js'
import { execMessage, toolMessage } from '../tool-message.js'
import { reportUsage } from '../usage.js'

/** What the parser remembers of one run. */
export interface GeminiState {
  sessionId?: string
  model?: string
  /** The text since the last tool: the answer, once the run is over. */
  answer: string
  /** What was said before that tool: all there is, where the run ended in the middle. */
  lastText: string
  lastError?: string
  /** The error after which nothing came but the end. */
  lastStop?: string
  /** The first lines of stderr that say something. */
  readonly errorLines: string[]
  /** What the agent is retrying after. */
  trouble?: { readonly kind: 'waiting' | 'retry', readonly waitKind: WaitKind, readonly what: string, readonly attempt: number }
  result?: JsonObject
}

export function createGeminiState (): GeminiState {
  return { answer: '', lastText: '', errorLines: [] }
}

/** One line of `--output-format stream-json`: six types. */
export function geminiEvent (event: JsonObject, state: GeminiState, log: ActivityLog): void {
  const type = string(event.type) ?? 'untyped'
  if (type !== 'error' && type !== 'result') delete state.lastStop
  switch (type) {
    case 'init': return init(event, state, log)
    case 'message': return message(event, state, log)
    case 'tool_use':
      if (state.answer !== '') state.lastText = state.answer
      state.answer = ''
      return log.toolStart(geminiToolStart(event))
    case 'tool_result': return log.toolEnd(identifier(event.tool_id), toolEnd(event))
    case 'error': return error(event, state, log)
    case 'result': return result(event, state, log)
  }
  log.unknown(type, event)
}

function init (event: JsonObject, state: GeminiState, log: ActivityLog): void {
  const known = compact({ sessionId: string(event.session_id), model: string(event.model) })
  Object.assign(state, known)
  log.progress('session', `Session ${known.sessionId ?? 'started'}`, known)
}

/** The answer comes in pieces without an id or an end. */
function message (event: JsonObject, state: GeminiState, log: ActivityLog): void {
  const text = string(contentText(event.content))
  if (event.role !== 'assistant' || text === undefined) return
  state.answer += text
  if (event.delta === true) log.output(text)
  else log.output(text, { source: 'assistant' })
}

const EDIT_KINDS: Readonly<Record<string, string>> = { replace: 'update', edit: 'update', write_file: 'write' }

/** The start of a call. Of an edit only path and size are kept. */
function geminiToolStart (event: JsonObject): ToolStart {
  const tool = string(event.tool_name) ?? 'unknown'
  const input = object(event.parameters)
  const command = string(input.command)
  const toolKind = toolKindOf(tool, tool === 'run_shell_command' ? command : undefined)
  const call = { callId: identifier(event.tool_id), tool, toolKind }
  if (tool === 'run_shell_command' && command !== undefined) return { ...call, message: execMessage(command), input }
  const path = string(input.file_path)
  const kind = EDIT_KINDS[tool]
  if (kind === undefined || path === undefined) return { ...call, message: toolMessage(tool, input), input }
  const bytes = Buffer.byteLength(string(input.content) ?? string(input.new_string) ?? '')
  return { ...call, message: toolMessage(tool, input), input: { file_path: path }, files: [{ path, kind, bytes }] }
}

function toolEnd (event: JsonObject): ToolEnd {
  const { type, message } = object(event.error)
  const isDenied = /denied|not_allowed|rejected|cancelled/i.test(String(type))
  // A call that was refused or stopped calls itself a success, with an error.
  const hasFailed = event.status !== 'success' || string(type) !== undefined || string(message) !== undefined
  const status = !hasFailed ? 'ok' : isDenied ? 'denied' : 'error'
  return compact({ status, result: outputOf(event.output) ?? string(message) }) as ToolEnd
}

function outputOf (output: unknown): string | undefined {
  if (typeof output !== 'object' || output === null) return string(output)
  return string(contentText(output)) ?? JSON.stringify(output)
}

/** Not final: a loop that was stopped is a warning in a run that succeeds. */
function error (event: JsonObject, state: GeminiState, log: ActivityLog): void {
  const text = string(event.message) ?? 'Unknown error.'
  if (event.severity === 'warning') return log.progress('notice', text, { what: 'warning' })
  state.lastError = state.lastStop = text
  log.error(text)
}

function result (event: JsonObject, state: GeminiState, log: ActivityLog): void {
  if (isDeepStrictEqual(event, state.result)) return
  state.result = event
  reportUsage(log, geminiUsage(event))
  const failure = geminiFailure(event, state)
  if (failure !== undefined && failure.error !== state.lastError) log.error(failure.error, { reason: failure.reason })
}

/** Why a `result` is not a success, or undefined. */
export function geminiFailure (
  result: JsonObject, state: GeminiState
): { readonly error: string, readonly reason: string } | undefined {
  const { type, message } = object(result.error)
  if (result.status === 'success') {
    // Its limit of turns is an error that the run ends with, which is then said to be a success.
    if (state.lastStop === undefined) return undefined
    return { error: state.lastStop, reason: /\bturns\b/i.test(state.lastStop) ? 'max_turns' : 'api_error' }
  }
  const error = readable(string(message)) ?? state.lastError ?? `Gemini ended with the status ${String(result.status)}.`
  const isNamed = string(type) !== undefined && type !== 'unknown'
  return { error, reason: isNamed ? String(type) : 'api_error' }
}

/** `[API Error: {"error":{"code":401,"message":"…"}}]` in words. */
function readable (message: string | undefined): string | undefined {
  const inner = /^\[API Error: (\{[\s\S]*\})\]/.exec(message ?? '')?.[1]
  if (inner === undefined) return message
  try {
    const { code, message: text } = object(object(JSON.parse(inner)).error)
    return `API error ${String(code)}: ${String(text)}`
  } catch {
    return message
  }
}

const NOISE = /^(\s+at |Warning: True color|YOLO mode|\[STARTUP\]|Loaded cached|Error executing tool|Attempt \d+ failed)/
const ATTEMPT = /^Attempt (\d+) failed(?: with status (\d+))?(.*)$/
const DELAY = /Retrying after (\d+)ms/

/** Retries are told on stderr only, as free text, the delay sometimes on the next line. */
export function geminiErrorLine (line: Line, state: GeminiState, log: ActivityLog): void {
  const text = line.text.trimEnd()
  const attempt = ATTEMPT.exec(text)
  if (attempt !== null) {
    const [, count, status, rest = ''] = attempt
    const isLimited = status === '429' || /exhausted|quota|rate limit/i.test(rest)
    const isOffline = /fetch failed|ECONN|ENOTFOUND|network/i.test(rest)
    const what = isLimited ? 'rate limit' : isOffline ? 'network' : status === undefined ? 'API error' : `API error ${status}`
    const waitKind = isLimited ? 'rate_limit' : isOffline ? 'network' : 'retry'
    state.trouble = { kind: isLimited || isOffline ? 'waiting' : 'retry', waitKind, what, attempt: Number(count) }
  }
  const delayMs = DELAY.exec(text)?.[1]
  if (state.trouble !== undefined && /Retrying (with|after)/.test(text)) {
    const { kind, ...details } = state.trouble
    const message = `Waiting for a retry after ${details.what} (attempt ${details.attempt})`
    log.retry(kind, message, delayMs === undefined ? undefined : Number(delayMs), details)
    return
  }
  if (text.trim() !== '' && !NOISE.test(text) && state.errorLines.length < 3) state.errorLines.push(plain(text).trim())
}
