import type { ActivityLog, ToolEnd, ToolStart } from './activity-log.js'
import type { AcpState } from './acp-state.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from './json.js'
import { execMessage, toolMessage } from './tool-message.js'

const MAX_OUTPUT_CHARACTERS = 65_536

/**
 * `tool_call` and `tool_call_update`, of both versions. Agents tell the input bit by bit: Claude's and opencode's first
 * update has none. A call is started as soon as there is something to say about it.
 */
export function acpToolUpdate (update: JsonObject, state: AcpState, log: ActivityLog): void {
  const callId = string(update.toolCallId)
  if (callId === undefined) return
  const known = state.calls.get(callId)
  // What follows the end of a call is no new one, unless it says that one begins.
  const begins = update.sessionUpdate === 'tool_call' || update.status === 'pending' || update.status === 'in_progress'
  if (known === undefined && !begins && log.hasEnded(callId)) return
  const merged = { ...known?.update, ...compact(update) }
  state.calls.set(callId, { update: merged, output: known?.output ?? '' })
  for (const block of objects(update.content)) {
    const terminalId = string(block.terminalId)
    if (terminalId !== undefined) state.terminals.set(terminalId, callId)
  }
  const isOver = merged.status === 'completed' || merged.status === 'failed'
  if (!log.isOpen(callId) && (isOver || isDescribed(merged))) {
    state.answer = ''
    log.toolStart(toolStart(callId, merged))
  }
  const piece = object(object(update._meta).terminal_output_delta).data
  if (typeof piece === 'string') acpToolOutput(callId, piece, state, log)
  else if (!isOver && update.status === 'in_progress') tellOutput(callId, update, log)
  if (isOver) {
    log.toolEnd(callId, toolEnd(callId, merged, state))
    state.calls.delete(callId)
  }
}

/** A piece of what a running tool prints. */
export function acpToolOutput (callId: string, piece: string, state: AcpState, log: ActivityLog): void {
  const call = state.calls.get(callId)
  if (call === undefined) return
  state.calls.set(callId, { ...call, output: (call.output + piece).slice(-MAX_OUTPUT_CHARACTERS) })
  log.toolOutput(callId, piece)
}

/** Starts a call for which permission is asked, if nobody has: Gemini tells it in no other way. */
export function acpToolAsked (toolCall: JsonObject, state: AcpState, log: ActivityLog): void {
  const callId = string(toolCall.toolCallId)
  if (callId === undefined || log.isOpen(callId)) return
  const merged = { ...state.calls.get(callId)?.update, ...compact(toolCall) }
  state.calls.set(callId, { update: merged, output: '' })
  state.answer = ''
  log.toolStart(toolStart(callId, merged))
}

function isDescribed ({ status, rawInput, kind, title }: JsonObject): boolean {
  if (rawInput === undefined) return string(title) !== undefined
  const { cwd, ...rest } = object(rawInput)
  if (Object.keys(rest).length > 0) return true
  return status !== 'pending' && kind !== 'execute'
}

/** Opencode repeats all that was printed so far with each update. */
function tellOutput (callId: string, update: JsonObject, log: ActivityLog): void {
  const text = textOf(update)
  if (text !== '') log.toolOutput(callId, text)
}

function toolStart (callId: string, update: JsonObject): ToolStart {
  const { kind, rawInput } = update
  const meta = object(object(update._meta).claudeCode)
  const title = string(update.title)
  const tool = string(update.name) ?? string(meta.toolName) ?? string(kind) ?? title ?? 'tool'
  const parentCallId = string(meta.parentToolUseId)
  const call = { callId, tool, ...compact({ parentCallId }) }
  const command = string(object(rawInput).command)
  if (kind === 'execute' && (command ?? title) !== undefined) {
    const shown = (command ?? title)!
    return { ...call, message: execMessage(shown), input: rawInput ?? { command: shown } }
  }
  const files = filesOf(update)
  const path = string(objects(update.locations)[0]?.path) ?? files?.[0]?.path
  if (kind === 'edit' || files !== undefined) {
    const target = path ?? title ?? ''
    const input = path === undefined ? undefined : { path }
    return { ...call, message: target === '' ? tool : `${tool}: ${target}`, ...compact({ input, files }) }
  }
  const hasInput = Object.keys(object(rawInput)).length > 0
  const input = hasInput ? rawInput : compact({ path, title })
  return { ...call, message: toolMessage(tool, input), input }
}

function toolEnd (callId: string, update: JsonObject, state: AcpState): ToolEnd {
  const raw = object(update.rawOutput)
  const exitCode = number(raw.exit_code) ?? number(object(raw.metadata).exit) ??
    number(object(object(update._meta).terminal_exit).exit_code) ?? state.exits.get(callId)
  const isDenied = string(object(object(update._meta).claudeCode).nonExecutionKind)?.startsWith('permission') === true
  const isFailed = update.status === 'failed' || (exitCode !== undefined && exitCode !== 0)
  const printed = string(update.rawOutput) ?? string(raw.output) ?? string(state.calls.get(callId)?.output)
  const files = filesOf(update)
  const status = isDenied ? 'denied' : isFailed ? 'error' : 'ok'
  return compact({ status, exitCode, result: printed ?? textOf(update), files }) as ToolEnd
}

/** Of an edit path and size are kept, not the contents. */
function filesOf (update: JsonObject): ToolStart['files'] {
  const diffs = objects(update.content).filter(({ type }) => type === 'diff')
  if (diffs.length === 0) return undefined
  return diffs.map(({ path, oldText, newText }) => ({
    path: string(path) ?? '',
    kind: string(oldText) === undefined ? 'add' : 'update',
    bytes: Buffer.byteLength(string(newText) ?? '')
  }))
}

function textOf (update: JsonObject): string {
  const blocks = objects(update.content).filter(({ type }) => type === 'content')
  const text = blocks.map(({ content }) => contentText([content])).join('\n')
  // Claude wraps what a shell printed into a block of Markdown.
  return text.replace(/^```\w*\n([\s\S]*?)\n?```$/, '$1')
}
