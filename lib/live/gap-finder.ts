import type { Gap, TimelineEvent } from '../model/events.js'
import { findGaps } from '../model/gaps.js'

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
  const gaps = gapsOf(span)
  if (gaps.length === 0) return span.events.map((event) => ({ event }))
  const items: LogItem[] = []
  let next = 0
  for (const event of span.events) {
    for (let gap = gaps[next]; gap !== undefined && gap.toSeq < event.seq; gap = gaps[++next]) items.push({ gap })
    items.push({ event })
  }
  return [...items, ...gaps.slice(next).map((gap) => ({ gap }))]
}

/** Whether {@link fillHoles} would find a hole. */
export function hasHoles (span: ReadSpan): boolean {
  return gapsOf(span).length > 0
}

function gapsOf ({ after, events, through = 0, floorSeq }: ReadSpan): Gap[] {
  const seqs = events.map(({ seq }) => seq)
  return findGaps(seqs, after + 1, through, floorSeq)
}
