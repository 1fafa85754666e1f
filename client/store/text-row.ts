import type { InvocationActivityEvent } from '../../lib/events.js'
import { timeOf, type TextRow } from './rows.js'

/** Makes the row of an activity that is no tool call. */
export function createTextRow (event: InvocationActivityEvent, isParallel: boolean): TextRow {
  const { kind, what, until, truncated, late, parentCallId } = event.metadata ?? {}
  const untilMs = typeof until === 'string' ? Date.parse(until) : NaN
  const type = event.activityType
  return {
    kind: type === 'output' || type === 'error' ? type : 'progress',
    seq: event.seq,
    atMs: timeOf(event),
    invocationId: event.invocationId,
    isParallel,
    text: event.activity,
    isTruncated: truncated === true,
    isNested: typeof parentCallId === 'string',
    isLate: late === true,
    ...(typeof kind === 'string' ? { progressKind: kind } : {}),
    ...(typeof what === 'string' ? { what } : {}),
    ...(Number.isNaN(untilMs) ? {} : { untilMs })
  }
}
