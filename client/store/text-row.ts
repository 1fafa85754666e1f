import type { InvocationActivityEvent } from '../../lib/model/events.js'
import { timeOf, type TextRow } from './rows.js'

/** Makes the row of an activity that is no tool call. */
export function createTextRow (event: InvocationActivityEvent, isParallel: boolean): TextRow {
  const { kind, truncated, late, parentCallId } = event.metadata ?? {}
  const type = event.activityType
  return {
    kind: type === 'output' || type === 'error' ? type : 'progress',
    seq: event.seq,
    atMs: timeOf(event),
    invocationId: event.invocationId,
    isParallel,
    text: event.activity,
    progressKind: typeof kind === 'string' ? kind : undefined,
    isTruncated: truncated === true,
    isNested: parentCallId !== undefined,
    isLate: late === true
  }
}
