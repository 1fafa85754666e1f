import { nextTurn } from '../../time/timers.js'

/** Bytes of an answer, as JSON: what a page may have. A single row that is longer is a page of its own. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024
/** What an answer has besides its rows. */
export const REST_BYTES = 16 * 1024

/** Rows of the first read, of whose length nothing is known. */
const FIRST_ROWS = 100
const MAX_ROWS = 500
/** Reads of long rows have fewer of them: each holds up the event loop. */
const READ_BYTES = 256 * 1024
/** From here on a page is a large one. */
const LARGE_BYTES = 512 * 1024

export interface BoundedRead<Row> {
  /** Rows at most. */
  readonly limit: number
  /** Bytes at most, by {@link bytesOf}; {@link MAX_PAGE_BYTES} by default. */
  readonly maxBytes?: number
  /** Up to so many rows after `last`, in the order of the page; from its beginning without. */
  read (last: Row | undefined, rows: number): Promise<readonly Row[]>
  /** What a row adds to the answer. */
  bytesOf (row: Row): number
  /** Waited for once, before a page becomes a large one. */
  readonly grow: () => Promise<void>
}

export interface BoundedRows<Row> {
  readonly rows: Row[]
  readonly hasMore: boolean
  /** There were other turns of the event loop in between: it is not of one moment. */
  readonly wasLong: boolean
}

/** Reads rows until there are enough of them or of their bytes, in short reads with the event loop's turns between. */
export async function readBounded<Row> (
  { limit, maxBytes = MAX_PAGE_BYTES, read, bytesOf, grow }: BoundedRead<Row>
): Promise<BoundedRows<Row>> {
  const rows: Row[] = []
  let bytes = 0
  let wasLong = false
  for (let size = FIRST_ROWS; ; wasLong = true) {
    // One more than asked for tells whether there are more.
    const wanted = Math.min(size, limit + 1 - rows.length)
    const slice = await read(rows.at(-1), wanted)
    for (const row of slice) {
      const more = bytesOf(row)
      if (rows.length === limit || (rows.length > 0 && bytes + more > maxBytes)) return { rows, hasMore: true, wasLong }
      bytes += more
      rows.push(row)
    }
    if (slice.length < wanted) return { rows, hasMore: false, wasLong }
    size = Math.min(MAX_ROWS, Math.max(1, Math.floor(READ_BYTES * rows.length / bytes)))
    await nextTurn()
    if (bytes >= LARGE_BYTES) await grow()
  }
}

/** Bytes of a text in an answer. */
export function jsonBytesOf (text: string | null | undefined): number {
  return text === null || text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text))
}
