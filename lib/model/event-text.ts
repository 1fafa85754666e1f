import type { TimelineEvent } from './events.js'

/** Of the metadata what names a call or says of which kind something is: no view shows it. */
const MARKS: ReadonlySet<string> = new Set(['callId', 'parentCallId', 'phase', 'kind', 'toolKind', 'waitKind'])
/** What is shown as JSON, with its names and numbers. */
const SHOWN_AS_JSON: ReadonlySet<string> = new Set(['input', 'result'])
/** The fields of an event that are no text of it. */
const FRAME: ReadonlySet<string> = new Set(['seq', 'taskId', 'timestamp', 'type', 'invocationId', 'activityType', 'usage', 'metadata'])

/**
 * Whether an event's text has a text in it, as people see it: its message, what is shown of its metadata, the names and
 * words of a start or an end.
 *
 * @param lowerText in small letters
 */
export function hasText (event: TimelineEvent, lowerText: string): boolean {
  const isIn = (text: string): boolean => text.toLowerCase().includes(lowerText)
  for (const [name, value] of Object.entries(event)) {
    if (!FRAME.has(name) && typeof value === 'string' && isIn(value)) return true
  }
  const metadata = event.type === 'invocation.activity' ? (event as { metadata?: Record<string, unknown> }).metadata : undefined
  for (const [name, value] of Object.entries(metadata ?? {})) {
    if (!MARKS.has(name) && someText(value, SHOWN_AS_JSON.has(name), isIn)) return true
  }
  return false
}

/** As deep as metadata may be, so without a bound of its own. */
function someText (value: unknown, withNames: boolean, isIn: (text: string) => boolean): boolean {
  if (typeof value === 'string') return isIn(value)
  if (typeof value !== 'object' || value === null) return withNames && isIn(String(value))
  if (Array.isArray(value)) return value.some((one) => someText(one, withNames, isIn))
  return Object.entries(value).some(([name, one]) => (withNames && isIn(name)) || someText(one, withNames, isIn))
}
