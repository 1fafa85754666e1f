import { isDeepStrictEqual } from 'node:util'
import type { Usage } from '../../model/activity.js'
import type { ActivityLog, ToolStart } from '../activity-log.js'
import { codexToolEnd, codexToolStart, itemType } from './tools.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import type { Line } from '../process/lines.js'
import { planStatus, reportPlan } from '../plan.js'
import { reportUsage } from '../usage.js'

/** What the parser remembers of one run. */
export interface CodexState {
  readonly isResumed: boolean
  readonly model?: string
  sessionId?: string
  lastText: string
  lastError?: string
  /** The item that said something last: some lines are printed twice. */
  lastItem?: JsonObject
  /** The plan as it was reported last. */
  lastPlan?: string
  outcome?: 'completed' | 'failed'
  /** Tokens of the whole session so far. */
  total?: Usage
}

export function createCodexState (isResumed: boolean, model?: string): CodexState {
  return { isResumed, lastText: '', ...compact({ model }) }
}

/** One line of `codex exec --json`. */
export function codexEvent (event: JsonObject, state: CodexState, log: ActivityLog): void {
  const type = string(event.type) ?? 'untyped'
  switch (type) {
    case 'thread.started': return session(event, state, log)
    case 'turn.started':
      delete state.outcome
      return
    case 'item.started':
    case 'item.updated':
    case 'item.completed': return item(type, object(event.item), state, log)
    case 'error': return trouble(messageOf(event), state, log)
    case 'turn.completed': return completed(event, state, log)
    case 'turn.failed':
      state.outcome = 'failed'
      return failure(messageOf(event) ?? 'The turn failed.', state, log)
  }
  log.unknown(type, event)
}

/** An error is a text, or an object that has one. */
function messageOf ({ error, message }: JsonObject): string | undefined {
  return string(message) ?? string(error) ?? string(object(error).message)
}

function session (event: JsonObject, state: CodexState, log: ActivityLog): void {
  const sessionId = string(event.thread_id)
  if (sessionId !== undefined) state.sessionId = sessionId
  log.progress('session', `Session ${sessionId ?? 'started'}`, compact({ sessionId, model: state.model }))
}

function item (type: string, item: JsonObject, state: CodexState, log: ActivityLog): void {
  const messageId = string(item.id)
  const text = contentText(item.text) || (string(item.message) ?? '')
  const isOver = type === 'item.completed'
  switch (itemType(item)) {
    case 'agent_message':
    case 'assistant_message':
      if (!isOver || isRepeated(item, state)) return
      state.lastText = text
      return log.output(text, compact({ source: 'assistant', messageId }))
    case 'reasoning':
      if (isOver && text !== '' && !isRepeated(item, state)) log.progress('reasoning', text)
      return
    case 'todo_list':
      return plan(item, state, log)
    case 'error':
      return log.progress('notice', text === '' ? 'Unknown error.' : text, { what: 'warning' })
  }
  const start = codexToolStart(item)
  if (start === undefined) return log.unknown(`${type}/${String(itemType(item))}`, item)
  // News of a call repeat its start, with more in it.
  if (type === 'item.started' || !log.isOpen(start.callId)) begin(type, start, log)
  if (isOver) log.toolEnd(start.callId, codexToolEnd(item))
  else if (type === 'item.updated') log.toolOutput(start.callId, string(item.aggregated_output) ?? '')
}

function isRepeated (item: JsonObject, state: CodexState): boolean {
  const isSame = string(item.id) !== undefined && isDeepStrictEqual(item, state.lastItem)
  state.lastItem = item
  return isSame
}

/** Something said of a call that is over begins none; but an end alone may be all that is told of one. */
function begin (type: string, start: ToolStart, log: ActivityLog): void {
  if (type !== 'item.started' && log.hasEnded(start.callId)) return
  log.toolStart(start)
}

/** Comes again unchanged when the turn ends. */
function plan (item: JsonObject, state: CodexState, log: ActivityLog): void {
  const entries = objects(item.items)
  const printed = JSON.stringify(entries)
  if (printed === state.lastPlan) return
  state.lastPlan = printed
  reportPlan(log, entries.map(({ text, completed }) => ({ content: string(text) ?? '', status: planStatus(completed) })))
}

/** An `error` is not final: "Reconnecting... 1/5 (…)" comes in runs that then succeed. */
function trouble (message = 'Unknown error.', state: CodexState, log: ActivityLog): void {
  const attempt = /^Reconnecting\.\.\.\s*(?:(\d+)\/(\d+))?/.exec(message)
  if (attempt === null) return failure(message, state, log)
  const isLimited = /\b429\b|rate limit|too many requests/i.test(message)
  const isOffline = /waiting for network|connection|error sending request|timed? ?out/i.test(message)
  const what = isLimited ? 'rate limit' : isOffline ? 'network' : /status (\d{3})/.exec(message)?.[1] ?? 'stream'
  const waitKind = isLimited ? 'rate_limit' : isOffline ? 'network' : 'retry'
  log.retry(isLimited || isOffline ? 'waiting' : 'retry', message, undefined, compact({
    waitKind,
    what: /^\d/.test(what) ? `API error ${what}` : what,
    attempt: attempt[1] === undefined ? undefined : Number(attempt[1]),
    maxAttempts: attempt[2] === undefined ? undefined : Number(attempt[2])
  }))
}

/** The last `error` and `turn.failed` say the same: shown once. */
function failure (message: string, state: CodexState, log: ActivityLog): void {
  if (message !== state.lastError) log.error(message)
  state.lastError = message
}

function completed (event: JsonObject, state: CodexState, log: ActivityLog): void {
  state.outcome = 'completed'
  const usage = object(event.usage)
  const inputTokens = number(usage.input_tokens)
  if (inputTokens === undefined) return
  const total = compact({
    inputTokens,
    outputTokens: number(usage.output_tokens) ?? 0,
    cacheReadTokens: number(usage.cached_input_tokens),
    cacheWriteTokens: number(usage.cache_write_input_tokens),
    reasoningTokens: number(usage.reasoning_output_tokens)
  })
  if (!state.isResumed && !isDeepStrictEqual(total, state.total)) reportUsage(log, total)
  state.total = total
}

const ROUTER_ERROR = /\bERROR codex_core::tools::\S+: (?:error=)?(.+)$/

/** Failed patches and refused tools have no event; all there is of them is a line of the log on stderr. */
export function codexErrorLine ({ text }: Line, _state: CodexState, log: ActivityLog): void {
  const message = ROUTER_ERROR.exec(text.trimEnd())?.[1]
  if (message !== undefined) log.error(message, { source: 'stderr' })
}
