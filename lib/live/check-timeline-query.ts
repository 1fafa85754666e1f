import { timelineError } from '../errors.js'
import { checkObject } from '../options.js'
import { MAX_PAGE_LIMIT, MAX_QUERY_LENGTH } from '../store/limits.js'
import type { TimelineQuery } from '../store/port.js'

/**
 * Which part of a timeline is asked for, whoever asks.
 *
 * @throws AGENT_TIMELINE_INVALID_CURSOR, AGENT_TIMELINE_INVALID_LIMIT, AGENT_TIMELINE_INVALID_QUERY
 */
export function checkTimelineQuery (query: TimelineQuery): TimelineQuery {
  checkPage(query)
  const { after, before, around, q } = query
  checkNumber('around', around)
  if (around !== undefined && (after !== undefined || before !== undefined || q !== undefined)) {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', ['around', 'it goes without after, before and q'])
  }
  if (q === undefined) return query
  if (typeof q !== 'string' || q === '' || q.length > MAX_QUERY_LENGTH) {
    throw timelineError('AGENT_TIMELINE_INVALID_QUERY', [MAX_QUERY_LENGTH])
  }
  if (before !== undefined) throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', ['before', 'a search goes forward: give after'])
  return query
}

/** @throws AGENT_TIMELINE_INVALID_CURSOR, AGENT_TIMELINE_INVALID_LIMIT */
export function checkPage (query: { after?: number, before?: number | 'end', limit?: number }): void {
  checkObject('query', query)
  if (query.after !== undefined && query.before !== undefined) {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', ['after', 'give after or before, not both'])
  }
  for (const name of ['after', 'before'] as const) {
    const value = query[name]
    if (value !== 'end') checkNumber(name, value)
  }
  if (query.limit !== undefined) checkLimit(query.limit, MAX_PAGE_LIMIT)
}

/** That of an event, if it is given. @throws AGENT_TIMELINE_INVALID_CURSOR */
export function checkNumber (name: string, seq: unknown): void {
  if (seq === undefined || (Number.isSafeInteger(seq) && Number(seq) >= 0)) return
  throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', [name, 'it is a whole number from 0'])
}

/** @throws AGENT_TIMELINE_INVALID_LIMIT */
export function checkLimit (limit: number, max: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > max) throw timelineError('AGENT_TIMELINE_INVALID_LIMIT', [max])
}
