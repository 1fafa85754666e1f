import { keyOfUse } from '../model/open-uses.js'
import { parseObject } from '../text/parse-object.js'
import { callsOf, type OpenCall, type Progress } from './progress.js'
import type { Wait } from './wait.js'
import { WAIT_KINDS } from './wait-kind.js'

/** More open calls than this are not written, the youngest first. */
export const MAX_STORED_CALLS = 16
const MAX_BYTES = 8_192

/** What is stored of it: JSON of at most 8 KiB, null where there is nothing to tell. */
export function encodeProgress (progress: Progress): string | null {
  const { calls, waiting, movedAt, hasBeaten, hasTurn } = progress
  if (calls.size === 0 && waiting === undefined && !hasBeaten && hasTurn) return null
  const first = callsOf(progress).slice(0, MAX_STORED_CALLS)
  const rest = {
    ...(waiting === undefined ? {} : { waiting }), ...(hasBeaten ? { movedAt } : {}), ...(hasTurn ? {} : { hasTurn })
  }
  for (let count = MAX_STORED_CALLS; ; count--) {
    const json = JSON.stringify({ calls: first.slice(0, count), ...rest })
    if (count === 0 || Buffer.byteLength(json) <= MAX_BYTES) return json
  }
}

/**
 * Reads what {@link encodeProgress} wrote. Of anything else it takes what it understands: one row that somebody else
 * has written must not hide all the others.
 *
 * @param lastActivityAt milliseconds since the epoch
 */
export function decodeProgress (json: string | null, lastActivityAt: number): Progress {
  const { calls, waiting, movedAt, hasTurn } = (json === null ? undefined : parseObject(json)) ?? {}
  const known = Array.isArray(calls) ? calls.filter(isOpenCall) : []
  const hasBeaten = isTime(movedAt)
  return {
    calls: new Map(known.map((call, at) => [known.findIndex((one) => keyOfUse(one) === keyOfUse(call)) === at
      ? keyOfUse(call)
      : `${keyOfUse(call)}\0\0${call.startedAt} ${at}`, call])),
    waiting: isWait(waiting) ? waiting : undefined,
    movedAt: hasBeaten ? movedAt : lastActivityAt,
    hasBeaten,
    hasTurn: hasTurn !== false
  }
}

function isOpenCall (value: unknown): value is OpenCall {
  const { callId, name, message, toolKind, startedAt, parentCallId } = object(value)
  return typeof callId === 'string' && typeof name === 'string' && typeof message === 'string' && isTime(startedAt) &&
    [toolKind, parentCallId].every((member) => member === undefined || typeof member === 'string')
}

function isWait (value: unknown): value is Wait {
  const { kind, what, until, since, toldAt, times, callId } = object(value)
  return (WAIT_KINDS as readonly unknown[]).includes(kind) && typeof what === 'string' && isTime(since) &&
    [until, toldAt, times].every((member) => member === undefined || isTime(member)) && (callId === undefined || typeof callId === 'string')
}

/** Milliseconds that a date can hold. */
function isTime (value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15
}

function object (value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {}
}
