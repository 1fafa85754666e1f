import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely'
import { hasText } from '../../model/event-text.js'
import { nextTurn, performance } from '../../time/timers.js'
import { isInText, isWithin } from '../dialect.js'
import type { Tables } from '../tables.js'
import { selectEvents, toEvent, type EventRange, type EventRow, type TypeFilter } from './event-rows.js'

type Read = <T>(query: (db: Kysely<Tables>) => Promise<T>) => Promise<T>

export interface Search {
  readonly taskId: string
  /** As it was typed: no pattern, whatever it looks like. */
  readonly text: string
  readonly after: number
  /** Up to which number there is something to look at. */
  readonly headSeq: number
  /** Events at most. */
  readonly limit: number
  readonly maxBytes: number
  /** What a row adds to the answer. */
  readonly bytesOf: (row: EventRow) => number
  readonly filter: TypeFilter | undefined
}

export interface Found {
  readonly rows: readonly EventRow[]
  /** Where the search goes on; undefined at the end of the log. */
  readonly nextAfter: number | undefined
}

/** How long a search may take before it answers with what it has, in milliseconds. */
const BUDGET_MS = 250
/** A step that takes longer is followed by a shorter one: it holds up the event loop. */
const LONG_STEP_MS = 8
const SHORT_STEP_MS = 3
const FIRST_STEP = 64
const MIN_STEP = 8
const MAX_STEP = 16_384

/** Looks through a log for a text, whatever its capitals, in short steps with the event loop's turns between. */
export async function findEvents (read: Read, search: Search): Promise<Found> {
  const { taskId, text, headSeq, limit, maxBytes, bytesOf, filter } = search
  const lowerText = text.toLowerCase()
  const prefilter = prefilterOf(text)
  const rows: EventRow[] = []
  const until = performance.now() + BUDGET_MS
  let bytes = 0
  let step = FIRST_STEP
  for (let at = search.after; at < headSeq;) {
    const startedAt = performance.now()
    const to = Math.min(at + step, headSeq)
    const range = { taskId, after: at, before: to + 1, limit: step, order: 'asc' as const, filter }
    const found = await read((db) => selectEvents(db, { ...range, hasAnyOf: prefilter(db) }).execute())
    for (const row of found) {
      if (!hasText(toEvent(taskId, row), lowerText)) continue
      const more = bytesOf(row)
      const isFull = rows.length === limit || (rows.length > 0 && bytes + more > maxBytes)
      if (isFull) return { rows, nextAfter: Number(rows.at(-1)?.seq) }
      bytes += more
      rows.push(row)
    }
    at = to
    const now = performance.now()
    if (now - startedAt > LONG_STEP_MS) step = Math.max(MIN_STEP, step >> 1)
    else if (now - startedAt < SHORT_STEP_MS) step = Math.min(MAX_STEP, step * 2)
    if (at < headSeq && now > until) return { rows, nextAfter: at }
    await nextTurn()
  }
  return { rows, nextAfter: undefined }
}

/**
 * What an engine can tell of a row without handing it over: whether a part of the text is in its texts. It knows the
 * capitals of ASCII; of another letter each form is looked for.
 */
function prefilterOf (text: string): (db: Kysely<Tables>) => NonNullable<EventRange['hasAnyOf']> {
  // eslint-disable-next-line no-control-regex -- all of ASCII
  const [part] = (text.match(/[\u0001-\u007f]+/g) ?? []).sort((a, b) => b.length - a.length)
  if (part === undefined) {
    const forms = formsOf(text)
    return (db) => (...columns) => anyOf(columns.flatMap((column) => forms.map((form) => isWithin(db, form, column))))
  }
  const lower = part.toLowerCase()
  // Metadata are JSON: a line break in them is written as one would type it in code.
  const escaped = JSON.stringify(part).slice(1, -1).toLowerCase()
  return (db) => (...columns) => anyOf(columns.map((column) => isInText(db, isJson(column) ? escaped : lower, column)))
}

/** Of the first character. */
function formsOf (text: string): string[] {
  const [character = ''] = text.replaceAll('\0', '\ufffd')
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()]
  // The capital of this one becomes two letters, and is not the one that becomes it.
  return [...new Set([character, lower, upper, upper.toLowerCase(), ...(lower === '\u00df' ? ['\u1e9e'] : [])])]
}

function anyOf (conditions: ReadonlyArray<RawBuilder<boolean>>): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${sql.join(conditions, sql` OR `)})`
}

function isJson (column: string): boolean {
  return column === 'metadata' || column === 'payload'
}
