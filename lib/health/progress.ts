import { parseTime, toIso } from '../clock.js'
import { waitKind, type WaitKind } from './wait-kind.js'

/** A tool call that has started and not ended. */
export interface OpenCall {
  readonly callId: string
  readonly name: string
  /** The first characters of what it was started with. */
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The call of the sub-agent that made it. */
  readonly parentCallId?: string
  /** The agent goes on while it runs. */
  readonly isBackground?: boolean
}

/** What an agent said it waits for. */
export interface Wait {
  readonly kind: WaitKind
  readonly what: string
  /** Milliseconds since the epoch. */
  readonly until?: number
  /** When it first said so, in milliseconds since the epoch. */
  readonly since: number
  /** The call that it waits with. */
  readonly callId?: string
}

/** What a run is in the middle of, as far as its stored activities tell. */
export interface Progress {
  /** Oldest first. */
  readonly calls: Map<string, OpenCall>
  waiting: Wait | undefined
  /** The last activity that was more than a sign of life, in milliseconds since the epoch; 0 for none. */
  movedAt: number
  /** Signs of life came after it. */
  hasBeaten: boolean
}

/** The part of an activity that progress is read from; its text has been redacted. */
export interface ProgressActivity {
  readonly type: string
  readonly message: string
  /** JSON. */
  readonly metadata: string | null
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** More open calls than this are not written, the youngest first. */
export const MAX_STORED_CALLS = 16
/** No agent runs more tools at once; whoever opens more has lost count. */
const MAX_CALLS = 256
const MAX_BYTES = 8_192
const MESSAGE_CHARS = 200
const NAME_CHARS = 100
const CALL_ID_CHARS = 128

export function createProgress (): Progress {
  return { calls: new Map(), waiting: undefined, movedAt: 0, hasBeaten: false }
}

/** A copy that can go on by itself. */
export function copyProgress (progress: Progress): Progress {
  return { ...progress, calls: new Map(progress.calls) }
}

/**
 * Takes one activity in, in the order of the log.
 *
 * A sign of life (the beat of a long tool call) moves nothing. A wait lasts until the agent does something else; one
 * that goes with a tool call is not ended by what other calls do.
 *
 * @returns whether {@link encodeProgress} may say something else now
 */
export function followActivity (progress: Progress, { type, message, metadata, at }: ProgressActivity): boolean {
  const details = metadata === null || (type !== 'tool_exec' && type !== 'progress') ? NO_DETAILS : parse(metadata)
  const kind = type === 'progress' ? details.kind : undefined
  // The recorder's own words.
  if (kind === 'dropped') return false
  const callId = text(details.callId, CALL_ID_CHARS)
  if (kind === 'tool' && details.live !== true && typeof details.elapsedMs === 'number') {
    const isFirst = !progress.hasBeaten
    progress.hasBeaten = true
    return isFirst
  }
  let hasChanged = progress.hasBeaten
  progress.hasBeaten = false
  progress.movedAt = at
  if (kind === 'waiting' || kind === 'retry') {
    progress.waiting = toWait(kind, details, message, at, progress.waiting)
    return true
  }
  const { waiting } = progress
  if (waiting !== undefined && (waiting.callId === undefined || callId === undefined || callId === waiting.callId)) {
    progress.waiting = undefined
    hasChanged = true
  }
  if (callId === undefined) return hasChanged
  if (type === 'tool_exec') return followCall(progress, callId, details, message, at) || hasChanged
  return (details.background === true && moveToBackground(progress, callId)) || hasChanged
}

function followCall (progress: Progress, callId: string, details: Details, message: string, at: number): boolean {
  const { calls } = progress
  if (details.phase === 'end') return calls.delete(callId)
  if (details.phase !== 'start' || calls.has(callId) || calls.size >= MAX_CALLS) return false
  const parentCallId = text(details.parentCallId, CALL_ID_CHARS)
  calls.set(callId, {
    callId,
    name: text(details.tool, NAME_CHARS) ?? '',
    message: cut(message, MESSAGE_CHARS),
    startedAt: at,
    ...(parentCallId === undefined ? {} : { parentCallId })
  })
  return true
}

function moveToBackground ({ calls }: Progress, callId: string): boolean {
  const call = calls.get(callId)
  if (call === undefined || call.isBackground === true) return false
  calls.set(callId, { ...call, isBackground: true })
  return true
}

function toWait (kind: 'waiting' | 'retry', details: Details, message: string, at: number, before?: Wait): Wait {
  const what = text(details.what, MESSAGE_CHARS) ?? cut(message, MESSAGE_CHARS)
  const until = parseTime(details.until)
  const callId = text(details.callId, CALL_ID_CHARS)
  const wait = { kind: waitKind(kind, what), what }
  const isSame = before?.kind === wait.kind && before.what === what && before.callId === callId
  return {
    ...wait,
    since: isSame ? before.since : at,
    ...(until === undefined ? {} : { until }),
    ...(callId === undefined ? {} : { callId })
  }
}

/** What is stored of it: JSON of at most 8 KiB, null where there is nothing to tell. */
export function encodeProgress ({ calls, waiting, movedAt, hasBeaten }: Progress): string | null {
  if (calls.size === 0 && waiting === undefined && !hasBeaten) return null
  const rest = { ...(waiting === undefined ? {} : { waiting }), ...(hasBeaten ? { movedAt } : {}) }
  for (let count = MAX_STORED_CALLS; ; count--) {
    const json = JSON.stringify({ calls: [...calls.values()].slice(0, count), ...rest })
    if (count === 0 || Buffer.byteLength(json) <= MAX_BYTES) return json
  }
}

/**
 * Reads what {@link encodeProgress} wrote.
 *
 * @param lastActivityAt milliseconds since the epoch
 */
export function decodeProgress (json: string | null, lastActivityAt: number): Progress {
  const { calls = [], waiting, movedAt } = (json === null ? {} : parse(json)) as {
    calls?: readonly OpenCall[], waiting?: Wait, movedAt?: number
  }
  return {
    calls: new Map(calls.map((call) => [call.callId, call])),
    waiting,
    movedAt: movedAt ?? lastActivityAt,
    hasBeaten: movedAt !== undefined
  }
}

/** A wait as the wire has it. */
export function describeWait ({ kind, what, until }: Wait): { kind: string, what: string, until?: string } {
  return { kind, what, ...(until === undefined ? {} : { until: toIso(until) }) }
}

type Details = Readonly<Record<string, unknown>>
const NO_DETAILS: Details = Object.freeze({})

function parse (json: string): Details {
  try {
    return JSON.parse(json) as Details
  } catch {
    return NO_DETAILS
  }
}

function text (value: unknown, maxChars: number): string | undefined {
  return typeof value === 'string' && value !== '' ? cut(value, maxChars) : undefined
}

/** Never half a character: Postgres refuses one. */
function cut (value: string, maxChars: number): string {
  return value.length <= maxChars ? value : value.slice(0, maxChars).replace(/[\ud800-\udbff]$/, '')
}
