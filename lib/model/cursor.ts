import { timelineError } from '../errors.js'

/** A position in one task's log: everything up to `seq` has been seen. */
export interface Cursor {
  readonly seq: number
  /** The log it was seen in; a bare number is believed to belong to the present one. */
  readonly epoch?: string
}

const CURSOR = /^(\d{1,16})(?:\.([\w-]{1,64}))?$/

/**
 * Reads `17` or `17.epoch`, as `Last-Event-ID` and `?after=` carry it.
 *
 * @returns undefined for nothing at all: no cursor, from the start
 * @throws AGENT_TIMELINE_INVALID_CURSOR for anything else
 */
export function parseCursor (text: string | undefined): Cursor | undefined {
  if (text === undefined || text === '') return undefined
  const match = CURSOR.exec(text)
  const seq = Number(match?.[1])
  if (match === null || !Number.isSafeInteger(seq)) {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', [quote(text), 'it is a number, or a number, a dot and an epoch'])
  }
  return match[2] === undefined ? { seq } : { seq, epoch: match[2] }
}

/** Whether the position is one of a log, which is at `headSeq` now. */
export function isKnown (cursor: Cursor, headSeq: number, epoch: string | undefined): boolean {
  return cursor.seq <= headSeq && (cursor.epoch === undefined || cursor.epoch === epoch)
}

/**
 * Of several positions the one that was reached last: the largest number of those that name the present log, or else of
 * those that name none. A number without an epoch may have been counted in a log that is no more.
 *
 * @returns the first one where none is of this log; undefined where none is given
 */
export function newestOf (cursors: readonly Cursor[], headSeq: number, epoch: string | undefined): Cursor | undefined {
  const known = cursors.filter((cursor) => isKnown(cursor, headSeq, epoch))
  const named = known.filter((cursor) => cursor.epoch !== undefined)
  const [newest = cursors[0]] = (named.length > 0 ? named : known).sort((a, b) => b.seq - a.seq)
  return newest
}

function quote (text: string): string {
  return JSON.stringify(text.length > 40 ? text.slice(0, 40) + '…' : text)
}
