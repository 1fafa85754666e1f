import type { Gap, StreamFrame, TimelineEvent } from '../lib/model/events.js'

/** A page's events and the gaps between them as a stream would bring them: each in its place. */
export function pageFrames (events: readonly TimelineEvent[], gaps: readonly Gap[], taskId: string): StreamFrame[] {
  const frames = gaps.map((gap) => ({ type: 'timeline.gap' as const, taskId, seq: gap.toSeq, ...gap }))
  return [...events, ...frames].sort((a, b) => a.seq - b.seq)
}
