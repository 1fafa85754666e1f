import type { ActivityLog } from './activity-log.js'
import type { ClaudeState } from './claude-events.js'
import { object, string, type JsonObject } from './json.js'

/**
 * Pieces of messages, with `--include-partial-messages` only: the API's own events. Text is passed on piece by piece;
 * all else, and what sub-agents say, comes again as a whole.
 */
export function claudePartial (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  if (string(event.parent_tool_use_id) !== undefined) return
  const { type, delta } = object(event.event)
  if (type === 'content_block_start') state.partialText = ''
  const piece = object(delta)
  const text = type === 'content_block_delta' && piece.type === 'text_delta' ? string(piece.text) : undefined
  if (text === undefined) return
  state.partialText += text
  log.output(text)
}
