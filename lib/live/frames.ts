import type {
  CurrentFrame, EndedFrame, GapFrame, HealthFrame, SnapshotFrame, SummaryFrame, TimelineEvent, TroubleFrame
} from '../model/events.js'
import { toIso } from '../time/clock.js'
import { toJsonLine } from '../view/json-line.js'

/** What describes the moment rather than the log. */
type StateFrame = SnapshotFrame | CurrentFrame | EndedFrame | HealthFrame | SummaryFrame | TroubleFrame

/**
 * Encodes a frame without its id: one `data:` line, since JSON has no raw line break.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function encodeData (frame: TimelineEvent | GapFrame | StateFrame): string {
  return `data: ${toJsonLine(frame)}\n\n`
}

/** The line before a frame's data that makes it the position to resume after. */
export function encodeId (seq: number, epoch: string): string {
  return `id: ${seq}.${epoch}\n`
}

/** Reports that a cursor is of another log, or ahead of this one: the log follows from the start. */
export function encodeUnknownCursor (taskId: string): string {
  return encodeData({ type: 'timeline.gap', taskId, reason: 'unknown-cursor' })
}

/** A comment for proxies and readers of text, and the only named event, for watchdogs. */
export function encodePing (nowMs: number, intervalMs: number): string {
  const data = { serverTime: toIso(nowMs), intervalMs }
  return `: ping\nevent: ping\ndata: ${JSON.stringify(data)}\n\n`
}

/** Tells an EventSource how long to wait before it reconnects. */
export function encodeRetry (delayMs: number): string {
  return `retry: ${Math.trunc(delayMs)}\n\n`
}
