import type { CurrentFrame, EndedFrame, GapFrame, HealthFrame, SnapshotFrame, TimelineEvent } from '../events.js'
import { toIso } from '../clock.js'

/**
 * Encodes one stored event. Its id is the cursor that resumes after it.
 *
 * Everything is one `data:` line by construction: JSON has no raw line break, and the id is a number and a word.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function encodeEvent (event: TimelineEvent, epoch: string): string {
  return `id: ${event.seq}.${epoch}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Encodes missing numbers in their place; a gap without numbers carries no id. */
export function encodeGap (gap: GapFrame, epoch: string): string {
  const id = gap.toSeq === undefined ? '' : `id: ${gap.toSeq}.${epoch}\n`
  return `${id}data: ${JSON.stringify(gap)}\n\n`
}

/** Tells that a cursor is of another log, or ahead of this one: the log follows from the start. */
export function encodeUnknownCursor (taskId: string): string {
  return encodeGap({ type: 'timeline.gap', taskId, reason: 'unknown-cursor' }, '')
}

/**
 * Frames without their ids: an EventSource remembers one id per connection, which would name one task of several.
 *
 * Only an id's line begins with the field's name, since all data is in `data:` lines.
 */
export function dropIds (frames: string): string {
  return frames.replace(/^id: .*\n/gm, '')
}

/** Encodes what describes the moment rather than the log: it carries no id, so it moves no cursor. */
export function encodeState (frame: SnapshotFrame | CurrentFrame | EndedFrame | HealthFrame): string {
  return `data: ${JSON.stringify(frame)}\n\n`
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
