import { timelineError } from '../errors.js'
import { parseTime, toIso } from '../time/clock.js'

/**
 * One end of a time that is asked about: a day in UTC, or a time, which is in UTC where it names no zone.
 *
 * @returns milliseconds since the epoch
 * @throws AGENT_TIMELINE_INVALID_REQUEST
 */
export function checkMoment (name: string, given: Date | string | undefined): number | undefined {
  if (given === undefined) return undefined
  const isDay = typeof given === 'string' && /^\d{4}-\d\d-\d\d$/.test(given)
  const ms = typeof given === 'number' ? undefined : parseTime(isDay ? `${given}T00:00Z` : given)
  // Some parsers take the 30th of February for the 2nd of March.
  if (ms === undefined || (isDay && !toIso(ms).startsWith(given))) {
    throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', [`${name} is a day such as 2026-02-10, or a time in ISO-8601`])
  }
  return ms
}
