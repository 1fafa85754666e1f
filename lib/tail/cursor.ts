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

/** The same position as text. */
export function formatCursor (cursor: Cursor): string {
  return cursor.epoch === undefined ? String(cursor.seq) : `${cursor.seq}.${cursor.epoch}`
}

function quote (text: string): string {
  return JSON.stringify(text.length > 40 ? text.slice(0, 40) + '…' : text)
}
