import type { Gap, TimelineEvent } from '../events.js'

/** An event, or the numbers that are missing in its place. */
export type LogItem = { readonly event: TimelineEvent } | { readonly gap: Gap }

/** What of a log was read: all rows after `after`, and, when known, up to `through`. */
export interface ReadSpan {
  readonly after: number
  readonly events: readonly TimelineEvent[]
  /** The head as it stood before the rows were read; undefined when the page was full, so that more may follow. */
  readonly through?: number
  readonly floorSeq: number
}

/** Puts a gap wherever numbers are missing: they are dense, so each missing one was deleted. */
export function fillHoles (span: ReadSpan): LogItem[] {
  const items: LogItem[] = []
  let last = span.after
  for (const event of span.events) {
    if (event.seq > last + 1) items.push(gapOf(last + 1, event.seq - 1, span.floorSeq))
    items.push({ event })
    last = event.seq
  }
  if (span.through !== undefined && span.through > last) items.push(gapOf(last + 1, span.through, span.floorSeq))
  return items
}

/** Whether {@link fillHoles} would find a hole. */
export function hasHoles (span: ReadSpan): boolean {
  const last = span.events.at(-1)?.seq ?? span.after
  return last - span.after !== span.events.length || (span.through !== undefined && span.through > last)
}

function gapOf (fromSeq: number, toSeq: number, floorSeq: number): LogItem {
  return { gap: { fromSeq, toSeq, reason: toSeq <= floorSeq ? 'expired' : 'removed' } }
}
