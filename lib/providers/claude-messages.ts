import type { ActivityLog, ToolEnd, ToolStart } from './activity-log.js'
import type { ClaudeState } from './claude-events.js'
import { compact, contentText, object, objects, string, type JsonObject } from './json.js'
import { planStatus, reportPlan } from './plan.js'
import { execMessage, toolMessage } from './tool-message.js'

/**
 * An `assistant` line: one content block each. Text and two calls are three lines with one `message.id`, each with the
 * same `usage` of the start, which is why that is never counted.
 */
export function claudeAssistant (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const message = object(event.message)
  const parentCallId = string(event.parent_tool_use_id)
  for (const block of objects(message.content)) {
    switch (block.type) {
      case 'text': text(block, event, state, log)
        break
      case 'thinking': log.progress('reasoning', string(block.thinking) ?? 'thinking', compact({
        durationMs: event.thinking_duration_ms, parentCallId
      }))
        break
      case 'redacted_thinking': log.progress('reasoning', 'thinking (not shown)', compact({ parentCallId }))
        break
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use': log.toolStart(claudeToolStart(block, parentCallId))
        if (block.name === 'TodoWrite') plan(block, parentCallId, log)
        break
      default:
        if (string(block.tool_use_id) !== undefined) toolResult(block, event, state, log) // of a server's own tool
        else log.unknown(`assistant/${String(block.type)}`, block)
    }
  }
}

function text (block: JsonObject, event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const text = string(block.text)
  if (text === undefined) return
  const parentCallId = string(event.parent_tool_use_id)
  if (event.is_api_error_message === true) {
    state.lastError = text
    log.error(text, compact({ reason: string(event.error) ?? string(event.api_error), status: event.api_error_status }))
    return
  }
  if (parentCallId === undefined) {
    state.lastText = text
    const hasStreamed = state.partialText === text
    state.partialText = ''
    if (hasStreamed) return
  }
  log.output(text, compact({ source: 'assistant', messageId: string(object(event.message).id), parentCallId }))
}

function plan (block: JsonObject, parentCallId: string | undefined, log: ActivityLog): void {
  const todos = objects(object(block.input).todos)
  const entries = todos.map(({ content, status }) => ({ content: string(content) ?? '', status: planStatus(status) }))
  reportPlan(log, entries, { parentCallId })
}

/** A `user` line: results of tools, and texts that the CLI itself puts into the conversation. */
export function claudeUser (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  if (event.isReplay === true) return
  const parentCallId = string(event.parent_tool_use_id)
  for (const block of objects(object(event.message).content)) {
    if (block.type === 'tool_result') toolResult(block, event, state, log)
    else if (block.type === 'text') log.progress('notice', string(block.text) ?? '', compact({ source: 'cli', parentCallId }))
    else log.unknown(`user/${String(block.type)}`, block)
  }
}

function toolResult (block: JsonObject, event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  const callId = string(block.tool_use_id) ?? ''
  const result = contentText(block.content)
  const isError = block.is_error === true
  const details = object(event.tool_use_result)
  if (!isError && (state.background.has(callId) || string(details.backgroundTaskId) !== undefined)) {
    state.background.add(callId)
    log.toolProgress(callId, 'running in the background', { background: true })
    return
  }
  const status = state.stopped.has(callId) ? 'aborted' : state.denied.has(callId) ? 'denied' : isError ? 'error' : 'ok'
  // Only failures tell their exit code, in the first line of the text.
  const exitCode = isError ? /^(?:Error: )?Exit code (\d+)/.exec(result)?.[1] : undefined
  log.toolEnd(callId, compact({
    status, result, exitCode: exitCode === undefined ? undefined : Number(exitCode)
  }) as ToolEnd)
}

const EDIT_KINDS: Readonly<Record<string, string>> = {
  Edit: 'update', MultiEdit: 'update', NotebookEdit: 'update', Write: 'write'
}

/** The start of a call. Of an edit only path and size are kept: contents belong into the repository, not into a log. */
export function claudeToolStart (block: JsonObject, parentCallId: string | undefined): ToolStart {
  const tool = string(block.name) ?? 'unknown'
  const input = object(block.input)
  const call = { callId: string(block.id) ?? '', tool, ...compact({ parentCallId }) }
  const command = string(input.command)
  if (tool === 'Bash' && command !== undefined) return { ...call, message: execMessage(command), input }
  const kind = EDIT_KINDS[tool]
  const path = string(input.file_path) ?? string(input.notebook_path)
  if (kind === undefined || path === undefined) return { ...call, message: toolMessage(tool, input), input }
  const edits = tool === 'MultiEdit' ? objects(input.edits) : [input]
  const bytes = edits.reduce((sum, edit) => {
    return sum + Buffer.byteLength(string(edit.content) ?? string(edit.new_string) ?? string(edit.new_source) ?? '')
  }, 0)
  return { ...call, message: toolMessage(tool, input), input: { file_path: path }, files: [{ path, kind, bytes }] }
}
