import { cutText, shortText } from '../text/cut.js'
import { parseTime } from '../time/clock.js'
import { SHOWN_CHARS } from './limits.js'
import { waitKind, type WaitKind } from './wait-kind.js'

/** What an agent said it waits for. */
export interface Wait {
  readonly kind: WaitKind
  readonly what: string
  /** Milliseconds since the epoch. */
  readonly until?: number
  /** When the first of the waits came that followed each other at once, in milliseconds since the epoch. */
  readonly since: number
  /** When it was told of, in milliseconds since the epoch; that of `since` for the first. */
  readonly toldAt?: number
  /** How many followed each other. Default 1. */
  readonly times?: number
  /** The call that it waits with. */
  readonly callId?: string
}

/** What an activity tells of a wait: one more of those that follow each other, or the first. */
export function toWait (
  kind: 'waiting' | 'retry', details: Readonly<Record<string, unknown>>, message: string, at: number, before?: Wait
): Wait {
  const what = shortText(details.what, SHOWN_CHARS.message) ?? cutText(message, SHOWN_CHARS.message)
  const until = parseTime(details.until)
  const callId = shortText(details.callId, SHOWN_CHARS.callId)
  const told = waitKind(kind, what, details.waitKind)
  // A person is no attempt that fails once more.
  const isOneMore = before !== undefined && (before.kind === 'person') === (told === 'person')
  return {
    kind: told,
    what,
    ...(isOneMore ? { since: before.since, toldAt: at, times: (before.times ?? 1) + 1 } : { since: at }),
    ...(until === undefined ? {} : { until }),
    ...(callId === undefined ? {} : { callId })
  }
}
