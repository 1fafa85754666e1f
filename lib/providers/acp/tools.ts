import type { ToolKind } from '../../model/activity.js'
import type { ActivityLog, ToolEnd, ToolStart } from '../activity-log.js'
import { terminalOf, type AcpState } from './state.js'
import { endOfText } from '../caps.js'
import { countChange } from '../edited-lines.js'
import { compact, contentText, number, object, objects, string, type JsonObject } from '../json.js'
import { shellKind } from '../../model/tool-kind.js'
import { execMessage, toolMessage } from '../tool-message.js'

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
  for (const terminalId of terminalsOf(update)) terminalOf(state, terminalId).callId = callId
  const isOver = merged.status === 'completed' || merged.status === 'failed'
  if (!log.isOpen(callId) && (isOver || isDescribed(merged))) {
    state.answer = ''
    log.toolStart(toolStart(callId, merged))
  }
  const piece = object(object(update._meta).terminal_output_delta).data
  if (typeof piece === 'string') acpToolOutput(callId, piece, state, log)
  else if (!isOver && isPrinting(update, merged)) tellOutput(callId, update, log)
  if (isOver) {
    log.toolEnd(callId, toolEnd(callId, merged, state))
    state.calls.delete(callId)
    state.toolsEnded++
  }
}

/** Copilot's commands print in updates that say nothing but their content. */
function isPrinting (update: JsonObject, { kind }: JsonObject): boolean {
  if (update.status === 'in_progress') return true
  const says = Object.keys(update).filter((name) => name !== 'sessionUpdate' && name !== 'toolCallId' && name !== '_meta')
  return kind === 'execute' && says.length === 1 && says[0] === 'content'
}

function terminalsOf (update: JsonObject): string[] {
  return objects(update.content).flatMap(({ terminalId }) => string(terminalId) ?? [])
}

/** Version 2: a piece of what a terminal prints. */
export function acpTerminalOutput (terminalId: string, bytes: Buffer, state: AcpState, log: ActivityLog): void {
  const terminal = terminalOf(state, terminalId)
  const piece = terminal.decoder.write(bytes)
  terminal.output = endOfText(terminal.output + piece, MAX_OUTPUT_CHARACTERS)
  if (terminal.callId !== undefined) log.toolOutput(terminal.callId, piece)
}

/** A piece of what a running tool prints. */
export function acpToolOutput (callId: string, piece: string, state: AcpState, log: ActivityLog): void {
  const call = state.calls.get(callId)
  if (call === undefined) return
  state.calls.set(callId, { ...call, output: endOfText(call.output + piece, MAX_OUTPUT_CHARACTERS) })
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
  const name = string(update.name) ?? string(meta.toolName) ?? string(object(update._meta).toolName)
  const tool = name ?? string(kind) ?? title ?? 'tool'
  const parentCallId = string(meta.parentToolUseId)
  const command = string(object(rawInput).command)
  const toolKind = kind === 'execute' ? shellKind(command ?? title ?? '') : kindOf(string(kind), tool)
  const call = { callId, tool, toolKind, ...compact({ parentCallId }) }
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

/** The protocol's kinds in our words. A sub-agent's call is of the kind `think`, or `other`. */
const KINDS: Readonly<Record<string, ToolKind>> = {
  read: 'read', edit: 'edit', delete: 'edit', move: 'edit', search: 'search', fetch: 'web'
}
const AGENTS = /^(task|agent|sub-?agent|spawn_?agent)$/i

function kindOf (kind: string | undefined, tool: string): ToolKind {
  if (tool.startsWith('mcp__')) return 'mcp'
  return KINDS[kind ?? ''] ?? (AGENTS.test(tool) ? 'agent' : 'other')
}

function toolEnd (callId: string, update: JsonObject, state: AcpState): ToolEnd {
  const raw = object(update.rawOutput)
  const terminals = terminalsOf(update).map((terminalId) => terminalOf(state, terminalId))
  const exitCode = exitCodeOf(update) ?? terminals.find(({ exitCode }) => exitCode !== undefined)?.exitCode
  const isDenied = string(object(object(update._meta).claudeCode).nonExecutionKind)?.startsWith('permission') === true
  const isFailed = update.status === 'failed' || (exitCode !== undefined && exitCode !== 0)
  const printed = string(update.rawOutput) ?? string(raw.output) ?? string(state.calls.get(callId)?.output) ??
    string(terminals.map(({ output }) => output).join(''))
  const files = filesOf(update)
  const status = isDenied ? 'denied' : isFailed ? 'error' : 'ok'
  return compact({ status, exitCode, result: printed ?? string(textOf(update)) ?? wordsOf(raw), files }) as ToolEnd
}

/**
 * Where agents put a command's exit code: Codex in `rawOutput.exit_code` or `_meta.terminal_exit`, Qwen in
 * `rawOutput.exitCode`, Copilot in `rawOutput.contents[].exitCode`, opencode in `rawOutput.metadata.exit`.
 */
function exitCodeOf ({ rawOutput, _meta }: JsonObject): number | undefined {
  const raw = object(rawOutput)
  const inside = [raw.metadata, raw.result, object(_meta).terminal_exit].map(object)
  const places = [raw, ...inside, ...objects(raw.contents), ...objects(raw.content)]
  const codes = places.map(({ exitCode, exit_code: code, exitStatus }) => {
    return number(exitCode) ?? number(code) ?? number(exitStatus) ?? number(object(exitStatus).exitCode)
  })
  return [...codes, number(object(raw.metadata).exit)].find((code) => code !== undefined)
}

/** The result of a tool whose content is empty: Copilot's reading has it in `rawOutput.content` alone. */
function wordsOf (raw: JsonObject): string {
  return string(raw.content) ?? string(raw.text) ?? string(raw.stdout) ?? string(raw.message) ?? string(raw.error) ??
    contentText(raw.content)
}

/** Of an edit path and size are kept, not the contents. */
function filesOf (update: JsonObject): ToolStart['files'] {
  const diffs = objects(update.content).filter(({ type }) => type === 'diff')
  if (diffs.length === 0) return undefined
  return diffs.map(({ path, oldText, newText }) => ({
    path: string(path) ?? '',
    kind: string(oldText) === undefined ? 'add' : 'update',
    bytes: Buffer.byteLength(string(newText) ?? ''),
    ...countChange(string(oldText) ?? '', string(newText) ?? '')
  }))
}

function textOf (update: JsonObject): string {
  const blocks = objects(update.content).filter(({ type }) => type === 'content')
  const text = blocks.map(({ content }) => contentText([content])).join('\n')
  // Claude wraps what a shell printed into a block of Markdown.
  return text.replace(/^```\w*\n([\s\S]*?)\n?```$/, '$1')
}
