import type { ActivityLog } from '../activity-log.js'
import type { ClaudeState } from './state.js'
import { object, string, type JsonObject } from '../json.js'

/**
 * Pieces of messages, with `--include-partial-messages` only: the API's own events. Text is passed on piece by piece;
 * all else, and what sub-agents say, comes again as a whole.
 */
export function claudePartial (event: JsonObject, state: ClaudeState, log: ActivityLog): void {
  if (string(event.parent_tool_use_id) !== undefined) return
  const { type, delta } = object(event.event)
  if (type === 'message_start' || type === 'content_block_start') {
    // Pieces whose whole never came: the attempt broke off, and the same text may come again.
    if (state.partialText !== '') state.brokenText = state.partialText
    state.partialText = ''
  }
  const piece = object(delta)
  const text = type === 'content_block_delta' && piece.type === 'text_delta' ? string(piece.text) : undefined
  if (text === undefined) return
  const before = state.partialText.length
  state.partialText += text
  const { partialText, brokenText } = state
  if (brokenText === '') return log.output(text)
  if (brokenText.startsWith(partialText)) return
  state.brokenText = ''
  if (partialText.startsWith(brokenText)) return log.output(partialText.slice(Math.max(brokenText.length, before)))
  // Another answer than the one that was begun.
  log.output(`\n${partialText}`)
}
