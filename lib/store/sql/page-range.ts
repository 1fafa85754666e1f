import type { Gap, Page } from '../../model/events.js'
import { findGaps } from '../../model/gaps.js'
import type { PageQuery, StreamHead } from '../port.js'
import type { BoundedRows } from './bounded-read.js'
import type { EventRow } from './event-rows.js'

/** Rows of a page, and whether more lie behind them. */
export interface Range<Row> { readonly rows: readonly Row[], readonly hasMore: boolean }

export function orderOf ({ before }: PageQuery): 'asc' | 'desc' {
  return before === undefined ? 'asc' : 'desc'
}

/** Where reading begins, or goes on after a row. */
export function rangeAfter ({ after, before }: PageQuery, last: { readonly seq: number } | undefined) {
  const isBackwards = before !== undefined
  const from = isBackwards ? after : last?.seq ?? after
  const to = isBackwards ? last?.seq ?? before : before
  return {
    ...(from === undefined ? {} : { after: Number(from) }),
    ...(to === undefined || to === 'end' ? {} : { before: Number(to) })
  }
}

/** Reads the rows of a range of a timeline. */
export type ReadRange = (query: PageQuery, limit: number, maxBytes: number) => Promise<BoundedRows<EventRow>>

/** Rows on both sides of a number: as many before it as from it on, more where the other side has fewer. */
export async function readAround (
  seq: number, limit: number, maxBytes: number, bytesOf: (row: EventRow) => number,
  readRange: ReadRange
): Promise<{ readonly rows: readonly EventRow[], readonly hasBefore: boolean, readonly hasAfter: boolean }> {
  const half = Math.floor(limit / 2)
  const sizeOf = (rows: readonly EventRow[]) => rows.reduce((sum, row) => sum + bytesOf(row), 0)
  const from = await readRange({ after: seq - 1 }, limit - half, maxBytes / 2)
  const bytesLeft = maxBytes - sizeOf(from.rows)
  const before = await readRange({ before: seq }, limit - from.rows.length, bytesLeft)
  const left = limit - from.rows.length - before.rows.length
  const last = from.rows.at(-1)
  const more = last !== undefined && from.hasMore && left > 0 && !before.hasMore
    ? await readRange({ after: Number(last.seq) }, left, bytesLeft - sizeOf(before.rows))
    : undefined
  return {
    rows: [...before.rows.toReversed(), ...from.rows, ...more?.rows ?? []],
    hasBefore: before.hasMore,
    hasAfter: more?.hasMore ?? from.hasMore
  }
}

/** Pages are ascending, also those that were read from their end. */
export function inOrder<Row> ({ rows, hasMore }: Range<Row>, query: PageQuery): Range<Row> {
  return { rows: orderOf(query) === 'desc' ? rows.toReversed() : rows, hasMore }
}

export function toPage (range: Range<{ seq: number }>, query: PageQuery, head: StreamHead, isFiltered: boolean): Page {
  const first = range.rows[0]
  const last = range.rows.at(-1)
  const lastSeq = last === undefined ? undefined : Number(last.seq)
  const headSeq = Math.max(head.lastSeq, lastSeq ?? 0)
  return {
    ...(first === undefined ? {} : { firstSeq: Number(first.seq) }),
    ...(lastSeq === undefined ? {} : { lastSeq }),
    headSeq,
    hasMore: range.hasMore,
    gaps: isFiltered ? [] : gapsOf(range, query, { ...head, lastSeq: headSeq })
  }
}

/** The range that a page answers for reaches to the limit of the query where no row is left out. */
function gapsOf (range: Range<{ seq: number }>, query: PageQuery, head: StreamHead): Gap[] {
  const seqs = range.rows.map((row) => Number(row.seq))
  const isBackwards = query.before !== undefined
  const from = isBackwards && range.hasMore ? seqs[0] ?? 1 : (query.after ?? 0) + 1
  const end = typeof query.before === 'number' ? Math.min(query.before - 1, head.lastSeq) : head.lastSeq
  const to = !isBackwards && range.hasMore ? seqs.at(-1) ?? 0 : end
  return findGaps(seqs, from, to, head.floorSeq)
}
