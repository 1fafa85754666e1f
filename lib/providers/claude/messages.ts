import type { ActivityLog, ToolEnd, ToolStart } from '../activity-log.js'
import type { ClaudeState } from './state.js'
import { countHunk, countLines } from '../edited-lines.js'
import { compact, contentBlocks, contentText, identifier, number, object, objects, string, type JsonObject } from '../json.js'
import { planStatus, reportPlan } from '../plan.js'
import { toolKindOf } from '../../model/tool-kind.js'
import { execMessage, toolMessage } from '../tool-message.js'

/**
 * An `assistant` line: one content block each. Text and two calls are three lines with one `message.id`, each with the
 * same `usage` of the start, which is why that is never counted.
 */
export function claudeAssistant (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const message = object(event.message)
  const parentCallId = string(event.parent_tool_use_id)
  if (parentCallId !== undefined) claudeAgentGoesOn(parentCallId, state, log)
  for (const block of contentBlocks(message.content)) {
    switch (block.type) {
      case 'text': text(block, event, state, log)
        break
      case 'thinking': log.progress('reasoning', string(block.thinking) ?? 'thinking', compact({
        durationMs: event.thinking_duration_ms, parentCallId
      }))
        break
      case 'compaction': log.progress('compaction', 'The conversation was compacted.', compact({ parentCallId }))
        break
      case 'redacted_thinking': log.progress('reasoning', 'thinking (not shown)', compact({ parentCallId }))
        break
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use': toolUse(block, event, state, log)
        if (block.name === 'TodoWrite') plan(block, parentCallId, log)
        break
      default:
        if (string(block.tool_use_id) !== undefined) toolResult(block, event, state, log) // of a server's own tool
        else log.unknown(`assistant/${String(block.type)}`, block)
    }
  }
}

function toolUse (block: JsonObject, event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const parentCallId = string(event.parent_tool_use_id)
  if (parentCallId === undefined) state.answer = ''
  const messageId = string(object(event.message).id)
  const start = { ...claudeToolStart(block, parentCallId), ...compact({ messageId }) }
  if (start.toolKind === 'agent') {
    state.agents.set(start.callId, start)
    if (state.agents.size > MAX_AGENTS) state.agents.delete(state.agents.keys().next().value!)
  }
  log.toolStart(start)
}

/** A sub-agent whose end was told may be given more to do: its call is then open again. */
export function claudeAgentGoesOn (callId: string, state: ClaudeState, log: ActivityLog): void {
  const start = state.agents.get(callId)
  if (start === undefined || !state.background.has(callId) || !log.hasEnded(callId)) return
  const { messageId, ...again } = start
  log.toolStart(again)
  log.toolProgress(callId, 'goes on in the background', { background: true })
}

const MAX_AGENTS = 1_000

function text (block: JsonObject, event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const text = string(block.text)
  if (text === undefined) return
  const parentCallId = string(event.parent_tool_use_id)
  const errorClass = string(event.error) ?? string(event.api_error)
  if (event.is_api_error_message === true || errorClass !== undefined) {
    state.lastError = text
    if (errorClass !== undefined) state.lastErrorClass = errorClass
    log.error(text, compact({ reason: errorClass, status: event.api_error_status }))
    return
  }
  if (parentCallId === undefined) {
    state.lastText = state.answer = text
    // What is left of it, where its pieces were shown: an attempt may have broken off.
    const shown = state.partialText === '' ? state.brokenText : state.partialText
    state.partialText = state.brokenText = ''
    if (shown !== '' && text.startsWith(shown)) return log.output(text.slice(shown.length))
  }
  log.output(text, compact({ source: 'assistant', messageId: string(object(event.message).id), parentCallId }))
}

function plan (block: JsonObject, parentCallId: string | undefined, log: ActivityLog): void {
  const todos = objects(object(block.input).todos)
  const entries = todos.map(({ content, status }) => ({ content: string(content) ?? '', status: planStatus(status) }))
  reportPlan(log, entries, { parentCallId })
}

/** What the CLI puts into the conversation for the model to read. */
const TEXTS = new Set(['text', 'image', 'document'])

/** A `user` line: results of tools, and texts that the CLI itself puts into the conversation. */
export function claudeUser (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  if (event.isReplay === true) return
  const parentCallId = string(event.parent_tool_use_id)
  for (const block of contentBlocks(object(event.message).content)) {
    if (block.type === 'tool_result') toolResult(block, event, state, log)
    else if (TEXTS.has(String(block.type))) log.progress('notice', contentText([block]), compact({ source: 'cli', parentCallId }))
    else log.unknown(`user/${String(block.type)}`, block)
  }
}

function toolResult (block: JsonObject, event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const callId = identifier(block.tool_use_id)
  const failure = object(block.content)
  // The server's own tools answer with an object, and say by its type that they failed.
  const hasFailed = /_error$/.test(String(failure.type)) || string(failure.error_code) !== undefined ||
    (number(failure.return_code) ?? 0) !== 0
  const isError = block.is_error === true || hasFailed
  const result = resultText(block.content)
  const details = object(event.tool_use_result)
  if (!isError && (state.background.has(callId) || isLaunched(details))) {
    state.background.add(callId)
    log.toolProgress(callId, 'running in the background', { background: true })
    return
  }
  const status = state.stopped.has(callId) ? 'aborted' : state.denied.has(callId) ? 'denied' : isError ? 'error' : 'ok'
  // Only failures tell their exit code, in the first line of the text.
  const exitCode = isError ? /^(?:Error: )?Exit code (\d+)/.exec(result)?.[1] : undefined
  log.toolEnd(callId, compact({
    status,
    result,
    exitCode: exitCode === undefined ? number(failure.return_code) : Number(exitCode),
    files: isError ? undefined : editedFile(details),
    parentCallId: string(event.parent_tool_use_id)
  }) as ToolEnd)
}

/** Of an edit, what it changed. */
function editedFile ({ filePath, structuredPatch, type, content }: JsonObject): ToolEnd['files'] {
  const path = string(filePath)
  if (path === undefined || !Array.isArray(structuredPatch)) return undefined
  const isNew = type === 'create'
  const lines = objects(structuredPatch).flatMap((hunk) => Array.isArray(hunk.lines) ? hunk.lines.map(String) : [])
  const changed = isNew && lines.length === 0 ? { added: countLines(string(content) ?? ''), removed: 0 } : countHunk(lines)
  return [{ path, ...(isNew && { kind: 'create' }), ...changed }]
}

/** Commands and sub-agents that were begun in the background: their end is told later. */
function isLaunched ({ backgroundTaskId, status }: JsonObject): boolean {
  return string(backgroundTaskId) !== undefined || status === 'async_launched' || status === 'remote_launched'
}

/** Of questions to a person, the questions. */
export function claudeQuestion (input: unknown): JsonObject {
  const questions = objects(object(input).questions).map(({ question }) => string(question) ?? '').join(' ').trim()
  return questions === '' ? object(input) : { query: questions }
}

function resultText (content: unknown): string {
  if (typeof content === 'string' || Array.isArray(content)) return contentText(content)
  const { error_code: code, error_message: message, stdout, stderr, content: inner } = object(content)
  const texts = [string(code), string(message), string(stdout), string(stderr)].filter((text) => text !== undefined)
  return texts.length > 0 ? texts.join('\n') : contentText(inner)
}

const EDIT_KINDS: Readonly<Record<string, string>> = {
  Edit: 'update', MultiEdit: 'update', NotebookEdit: 'update', Write: 'write'
}

/** The start of a call. Of an edit only path and size are kept: contents belong into the repository, not into a log. */
export function claudeToolStart (block: JsonObject, parentCallId: string | undefined): ToolStart {
  const tool = string(block.name) ?? 'unknown'
  const input = object(block.input)
  const command = string(input.command)
  const toolKind = toolKindOf(tool, tool === 'Bash' ? command : undefined)
  const call = { callId: identifier(block.id), tool, toolKind, ...compact({ parentCallId }) }
  if (tool === 'Bash' && command !== undefined) return { ...call, message: execMessage(command), input }
  const kind = EDIT_KINDS[tool]
  const path = string(input.file_path) ?? string(input.notebook_path)
  const message = toolMessage(tool, claudeQuestion(input))
  if (kind === undefined || path === undefined) return { ...call, message, input }
  const edits = tool === 'MultiEdit' ? objects(input.edits) : [input]
  const bytes = edits.reduce((sum, edit) => {
    return sum + Buffer.byteLength(string(edit.content) ?? string(edit.new_string) ?? string(edit.new_source) ?? '')
  }, 0)
  return { ...call, message, input: { file_path: path }, files: [{ path, kind, bytes }] }
}
