import { toIso } from '../time/clock.js'

/** Further off is no limit that ends by itself. */
const MAX_AHEAD_MS = 400 * 86_400_000
const DAY_MS = 86_400_000

/**
 * When a limit ends, as a message says it: a Unix time, an ISO-8601 time, `try again in 5m 30s`, `resets at 3pm
 * (Europe/Berlin)`, `resets Oct 6, 1pm`.
 *
 * @param saidAt milliseconds since the epoch: what is relative counts from here, and a clock time is the next after it
 * @param timeZone of the program that said it, for times without a zone
 * @returns ISO-8601, or undefined where it says no time or one that has passed
 */
export function resetTimeOf (message: string, saidAt: number, timeZone: string): string | undefined {
  const text = message.replace(/[\u2009\u202f\u00a0]/g, ' ')
  const at = unixTime(text) ?? isoTime(text) ?? delayed(text, saidAt) ?? clockTime(text, saidAt, timeZone)
  return at === undefined || at <= saidAt || at - saidAt > MAX_AHEAD_MS ? undefined : toIso(at)
}

const RESET = String.raw`(?:resets?|reset[-_ ]?(?:s|at|time|timestamp)+|retry[-_ ]?(?:after|at)|try again|available|renews?|refreshes|until|unblocked|retry)`

const STAMP = new RegExp(String.raw`${RESET}\w*["']?\s*[:=]?\s*["']?(\d{10}|\d{13})\b`, 'i')

/** `Claude AI usage limit reached|1765432100`, `"resets_at":1765432100`. */
function unixTime (text: string): number | undefined {
  const found = /limit reached\|(\d{10,13})\b/i.exec(text) ?? STAMP.exec(text)
  if (found === null) return undefined
  const value = Number(found[1])
  return value >= 1e12 ? value : value * 1_000
}

const DATE_AND_TIME = String.raw`(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|UTC|GMT|[+-]\d\d:?\d\d)`
const ISO = new RegExp(String.raw`${RESET}[^\n]{0,40}?${DATE_AND_TIME}`, 'i')

function isoTime (text: string): number | undefined {
  const found = ISO.exec(text)
  if (found === null) return undefined
  const [, date, time, zone = 'Z'] = found
  const at = Date.parse(`${date}T${time}${/^[+-]/.test(zone) ? zone : 'Z'}`)
  return Number.isNaN(at) ? undefined : at
}

const UNIT_MS: ReadonlyArray<[pattern: string, ms: number]> = [
  ['weeks?|w', 7 * DAY_MS], ['days?|d', DAY_MS], ['hours?|hrs?|h', 3_600_000], ['milliseconds?|millis|ms', 1],
  ['minutes?|mins?|m', 60_000], ['seconds?|secs?|s', 1_000]
]
const UNITS = UNIT_MS.map(([pattern]) => pattern).join('|')
const AMOUNT = String.raw`\d+(?:\.\d+)?\s*(?:${UNITS})(?![a-z])`
const BEFORE = 'resets?(?: will be)?|try(?:ing)? again|retry(?:ing)?|available(?: again)?|wait|renews?'
const AFTER = String.raw`(?:${BEFORE})(?: (?:again|at least|for|about|approximately))*\s*(?:in|after|for)?:?`
const DELAY = new RegExp(String.raw`${AFTER}\s+(?:about |approximately |another |~)?(${AMOUNT}(?:[\s,]*(?:and\s+)?${AMOUNT})*)`, 'i')
const PLAIN_DELAY = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?s)"/i
/** A header, in seconds, or `resets_in_seconds`. */
const SECONDS = /(?:retry[-_]?after(?:[-_]?seconds)?|resets?[-_]?in[-_]?seconds|retry_after_seconds)["']?\s*[:=]\s*["']?(\d+(?:\.\d+)?)(?![\d.]*\s*(?:m|h))/i
const MILLISECONDS = /(?:retry[-_]?after[-_]?ms)["']?\s*[:=]\s*["']?(\d+)/i

function delayed (text: string, saidAt: number): number | undefined {
  const milliseconds = MILLISECONDS.exec(text)?.[1]
  if (milliseconds !== undefined) return saidAt + Number(milliseconds)
  const seconds = SECONDS.exec(text)?.[1]
  if (seconds !== undefined) return saidAt + Number(seconds) * 1_000
  const amounts = (DELAY.exec(text) ?? PLAIN_DELAY.exec(text))?.[1]
  if (amounts === undefined) return undefined
  let ms = 0
  for (const [, count, unit] of amounts.matchAll(new RegExp(String.raw`(\d+(?:\.\d+)?)\s*(${UNITS})(?![a-z])`, 'gi'))) {
    ms += Number(count) * (UNIT_MS.find(([pattern]) => new RegExp(`^(?:${pattern})$`, 'i').test(unit as string))?.[1] ?? 0)
  }
  return ms === 0 ? undefined : saidAt + Math.round(ms)
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MONTH = String.raw`(?<month>${MONTHS.join('|')})[a-z]*\.? (?<day>\d{1,2})(?:st|nd|rd|th)?(?:,? (?<year>\d{4}))?`
const DAY_FIRST = String.raw`(?<day>\d{1,2})(?:st|nd|rd|th)? (?<month>${MONTHS.join('|')})[a-z]*\.?(?:,? (?<year>\d{4}))?`
const HALF = String.raw`(?<hour>\d{1,2})(?::(?<minute>\d\d))?(?::\d\d)? ?(?<half>[ap])\.?m\b\.?`
const TIME = String.raw`${HALF}|(?<hour24>\d{1,2}):(?<minute24>\d\d)(?::\d\d)?`
const ZONES: Readonly<Record<string, string>> = {
  Z: 'UTC',
  UTC: 'UTC',
  GMT: 'UTC',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  CET: 'Europe/Berlin',
  CEST: 'Europe/Berlin',
  BST: 'Europe/London',
  JST: 'Asia/Tokyo'
}
const ZONE = String.raw`(?: ?\(?(?<zone>[A-Z][A-Za-z_]+(?:\/[A-Za-z_+-]+)+|${Object.keys(ZONES).join('|')})\b\)?)?`
const SAYS = String.raw`(?:${BEFORE}|refreshes|until)(?: (?:again|your limit))*(?:\s*(?:at|on|by|after))?:?\s+`

function clockTime (text: string, saidAt: number, timeZone: string): number | undefined {
  const groups = firstGroups(text)
  if (groups === undefined) return undefined
  const zone = zoneOf(groups.zone, timeZone)
  const now = partsIn(zone, saidAt)
  if (now === undefined) return undefined
  const { half, hour24 = 0 } = groups
  const hour = half === undefined ? Number(hour24) : Number(groups.hour) % 12 + (half.toLowerCase() === 'p' ? 12 : 0)
  const minute = Number(groups.minute ?? groups.minute24 ?? 0)
  if (hour > 23 || minute > 59) return undefined
  const on = (year: number, month: number, day: number): number =>
    timeIn(zone, Date.UTC(year, month, day, hour, minute))
  if (groups.month !== undefined) {
    const month = MONTHS.indexOf(groups.month.toLowerCase().slice(0, 3))
    const day = Number(groups.day)
    if (groups.year !== undefined) return on(Number(groups.year), month, day)
    const at = on(now.year, month, day)
    return at > saidAt ? at : on(now.year + 1, month, day)
  }
  if (groups.weekday !== undefined) {
    const ahead = (WEEKDAYS.indexOf(groups.weekday.toLowerCase().slice(0, 3)) - now.weekday + 7) % 7
    const at = on(now.year, now.month, now.day + ahead)
    return at > saidAt ? at : on(now.year, now.month, now.day + ahead + 7)
  }
  const days = groups.tomorrow === undefined ? 0 : 1
  const at = on(now.year, now.month, now.day + days)
  return at > saidAt ? at : on(now.year, now.month, now.day + 1)
}

/** With its date first; a time of day alone last. */
const CLOCKS: readonly RegExp[] = [
  new RegExp(String.raw`${SAYS}${MONTH}(?:,?(?: at)? (?:${TIME}))?${ZONE}`, 'i'),
  new RegExp(String.raw`${SAYS}${DAY_FIRST}(?:,?(?: at)? (?:${TIME}))?${ZONE}`, 'i'),
  new RegExp(String.raw`${SAYS}(?<weekday>${WEEKDAYS.join('|')})[a-z]*,?(?: at)? (?:${TIME})${ZONE}`, 'i'),
  new RegExp(String.raw`${SAYS}(?<tomorrow>tomorrow)(?: at)? (?:${TIME})${ZONE}`, 'i'),
  new RegExp(String.raw`${SAYS}(?:${TIME})${ZONE}`, 'i')
]

function firstGroups (text: string): Record<string, string | undefined> | undefined {
  for (const pattern of CLOCKS) {
    const groups = pattern.exec(text)?.groups
    if (groups !== undefined) return groups
  }
  return undefined
}

function zoneOf (name: string | undefined, timeZone: string): string {
  return name === undefined ? timeZone : ZONES[name.toUpperCase()] ?? name
}

interface Parts extends Record<'year' | 'month' | 'day' | 'weekday' | 'offsetMs', number> {}

/** What a calendar in that zone shows; undefined for a zone that nobody knows. */
function partsIn (zone: string, ms: number): Parts | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric'
    })
    const part: Record<string, number> = Object.fromEntries(
      format.formatToParts(ms).map(({ type, value }) => [type, Number(value)])
    )
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    const shown = Date.UTC(year, month - 1, day, hour, minute, second)
    const offsetMs = shown - Math.floor(ms / 1_000) * 1_000
    return { year, month: month - 1, day, weekday: new Date(shown).getUTCDay(), offsetMs }
  } catch {
    return undefined
  }
}

/** The moment at which clocks in that zone show this, given as if it were UTC. */
function timeIn (zone: string, shown: number): number {
  const first = shown - (partsIn(zone, shown)?.offsetMs ?? 0)
  return shown - (partsIn(zone, first)?.offsetMs ?? 0)
}
