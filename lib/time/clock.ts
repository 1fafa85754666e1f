/** Milliseconds since the Unix epoch; a parameter wherever a test has to own the time. */
export type Clock = () => number

/** The system's wall clock: the only place that asks for "now". */
export const systemClock: Clock = () => Date.now()

/** ISO-8601 in UTC with milliseconds: the one format that is stored and sent. */
export function toIso (ms: number): string {
  return new Date(ms).toISOString()
}

const SQL_TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/

/**
 * Reads a stored time as milliseconds since the epoch.
 *
 * SQLite's `datetime('now')` writes UTC without saying so, which `new Date()` would take for local time.
 *
 * @returns undefined for anything that is not a time
 */
export function parseTime (value: unknown): number | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Date) return validMs(value.getTime())
  if (typeof value === 'number') return validMs(value)
  if (typeof value !== 'string') return undefined
  const match = SQL_TIME.exec(value)
  if (match === null) return undefined
  return validMs(Date.parse(`${match[1]}T${match[2]}${match[3] ?? 'Z'}`))
}

/** Same as {@link parseTime}, as ISO-8601. */
export function normaliseTime (value: unknown): string | undefined {
  const ms = parseTime(value)
  return ms === undefined ? undefined : toIso(ms)
}

/** Dates outside this range cannot be written as a four-digit year. */
const MAX_MS = Date.UTC(9999, 11, 31)

function validMs (ms: number): number | undefined {
  return Number.isFinite(ms) && ms >= 0 && ms <= MAX_MS ? ms : undefined
}
