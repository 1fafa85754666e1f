import type { ToolKind } from '../model/activity.js'
import { keyOfUse, type CallUse } from '../model/open-uses.js'
import { cutText, shortText } from '../text/cut.js'
import { parseObject } from '../text/parse-object.js'
import { askedMs, commandOf, sleepOf } from './command.js'
import { LIVE_OUTPUT_MS, SHOWN_CHARS } from './limits.js'
import { toWait, type Wait } from './wait.js'

/** A tool call that has started and not ended. */
export interface OpenCall {
  readonly callId: string
  /** Which use of the id it is, from the second on. */
  readonly use?: number
  readonly name: string
  /** The first characters of what it was started with. */
  readonly message: string
  /** What it does, as its adapter says. */
  readonly toolKind?: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The call of the sub-agent that made it. */
  readonly parentCallId?: string
  /** The agent goes on while it runs. */
  readonly isBackground?: boolean
  /** The number of its start in the task's log. */
  readonly seq?: number
  /** What it does, guessed where its adapter does not say. */
  readonly kind?: ToolKind
  /** The time that the call itself asked for, in milliseconds. */
  readonly timeoutMs?: number
  /** How long its command sleeps by its own words, in milliseconds. */
  readonly sleepMs?: number
}

/** A call of which nothing but its id was read yet: most are over before anybody asks. */
interface UnreadCall {
  readonly callId: string
  readonly use?: number
  readonly startedAt: number
  readonly seq?: number
  readonly kind?: ToolKind
  readonly activity: ProgressActivity
}

/** What a run is in the middle of, as far as its stored activities tell. */
export interface Progress {
  /** Oldest first, by the key of their use. */
  readonly calls: Map<string, OpenCall | UnreadCall>
  waiting: Wait | undefined
  /** The last activity that was more than a sign of life, in milliseconds since the epoch; 0 for none. */
  movedAt: number
  /** Only signs of life came after it, and attempts that failed once more. */
  hasBeaten: boolean
  /** The model has said or done something. */
  hasTurn: boolean
}

/** The part of an activity that progress is read from; its text has been redacted. */
export interface ProgressActivity {
  readonly type: string
  readonly message: string
  /** JSON. */
  readonly metadata: string | null
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Its number in the task's log. */
  readonly seq?: number
  /** Of a call that starts: see {@link OpenCall.kind}. */
  readonly callKind?: ToolKind | undefined
}

/** Told of each call that starts, is over, or goes on in the background: the one place where the two are paired. */
export interface CallPairing {
  started (call: PairedCall): void
  ended (call: PairedCall): void
  movedToBackground (call: PairedCall): void
}

/** A call, by its start. */
export interface PairedCall {
  readonly callId: string
  readonly use?: number | undefined
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly seq?: number | undefined
  readonly kind?: ToolKind | undefined
}

/** No agent runs more tools at once; whoever opens more has lost count. */
const MAX_CALLS = 256

export function createProgress (): Progress {
  return { calls: new Map(), waiting: undefined, movedAt: 0, hasBeaten: false, hasTurn: false }
}

/** A copy that can go on by itself. */
export function copyProgress (progress: Progress): Progress {
  return { ...progress, calls: new Map(progress.calls) }
}

/**
 * Takes one activity in, in the order of the log.
 *
 * A sign of life (the beat of a long tool call, or what it prints after a quarter of an hour) moves nothing, and
 * neither does an attempt that fails once more. A wait lasts until the agent does something else; one that goes with a
 * tool call is not ended by what other calls do.
 *
 * @returns whether {@link encodeProgress} may say something else now
 */
export function followActivity (progress: Progress, activity: ProgressActivity, pairing?: CallPairing): boolean {
  const { type, message, metadata, at } = activity
  const details = detailsOf(progress, type, metadata)
  const kind = type === 'progress' ? details.kind : undefined
  // The recorder's own words.
  if (kind === 'dropped') return false
  const callId = shortText(details.callId, SHOWN_CHARS.callId)
  if (kind === 'tool' && details.background !== true && !isNewOutput(progress, details, at)) {
    const isFirst = !progress.hasBeaten
    progress.hasBeaten = true
    return isFirst
  }
  if (kind === 'waiting' || kind === 'retry') {
    const { waiting: before } = progress
    progress.waiting = toWait(kind, details, message, at, before)
    // An agent that tries again and again gets nowhere.
    progress.hasBeaten = progress.waiting.since === before?.since
    if (!progress.hasBeaten) progress.movedAt = at
    return true
  }
  const wasStarting = !progress.hasTurn && progress.movedAt !== 0
  let hasChanged = progress.hasBeaten
  progress.hasBeaten = false
  progress.movedAt = at
  // Progress without a kind is a host's own word for what its agent does.
  progress.hasTurn ||= type !== 'error' && !(type === 'progress' && BEFORE_A_TURN.has(String(kind)))
  hasChanged ||= wasStarting || !progress.hasTurn
  const { waiting } = progress
  if (waiting !== undefined && (waiting.callId === undefined || callId === undefined || callId === waiting.callId)) {
    progress.waiting = undefined
    hasChanged = true
  }
  if (callId === undefined) return hasChanged
  const use = { callId, ...(typeof details.use === 'number' ? { use: details.use } : {}) }
  if (type === 'tool_exec') return followCall(progress, use, details.phase, activity, pairing) || hasChanged
  return (details.background === true && moveToBackground(progress, use, pairing)) || hasChanged
}

/** What a CLI says before its model has answered. */
const BEFORE_A_TURN = new Set(['session', 'notice', 'usage', 'unknown', 'unknown_format'])

/** Lines that a command prints while it runs show that it moves; one that prints for long may do so for ever. */
function isNewOutput ({ calls }: Progress, details: Details, at: number): boolean {
  if (details.live !== true) return false
  const call = typeof details.callId === 'string' ? calls.get(keyOfUse(details as unknown as CallUse)) : undefined
  return call === undefined || at - call.startedAt < LIVE_OUTPUT_MS
}

/** As adapters write the metadata of a call: reading no further is what makes this cheap enough for every activity. */
const CALL = /^\{"callId":"([^"\\]{1,128})","phase":"(start|end)"(?:,"use":(\d+))?/
/** Kinds of progress that mean something here, wherever in the JSON. */
const KIND = /"kind":"(?:waiting|retry|tool|dropped)"/

/** The metadata of an activity, as far as it can mean something. */
function detailsOf ({ waiting, hasTurn }: Progress, type: string, metadata: string | null): Details {
  if (metadata === null) return NO_DETAILS
  if (type === 'progress') {
    return !hasTurn || waiting?.callId !== undefined || KIND.test(metadata) ? parse(metadata) : NO_DETAILS
  }
  if (type !== 'tool_exec') return NO_DETAILS
  const call = CALL.exec(metadata)
  if (call === null || (call[3] === undefined && metadata.includes('"use":'))) return parse(metadata)
  return { callId: call[1], phase: call[2], ...(call[3] === undefined ? {} : { use: Number(call[3]) }) }
}

function followCall (
  { calls }: Progress, use: CallUse, phase: unknown, activity: ProgressActivity, pairing?: CallPairing
): boolean {
  const key = keyOfUse(use)
  if (phase === 'end') {
    const ended = calls.has(key) ? key : laterKey(calls, key)
    const call = calls.get(ended)
    if (call === undefined) return false
    pairing?.ended(call)
    return calls.delete(ended)
  }
  if (phase !== 'start') return false
  const known = calls.get(key)
  // The same start once more; another one is another call, where who reports them does not count the uses.
  const isSame = (call: OpenCall | UnreadCall): boolean =>
    cutText(messageOf(call), SHOWN_CHARS.message) === cutText(activity.message, SHOWN_CHARS.message)
  if (known !== undefined && isSame(known)) return false
  const { type, message, metadata, at, seq, callKind: kind } = activity
  const numbered = { ...(seq === undefined ? {} : { seq }), ...(kind === undefined ? {} : { kind }) }
  const call = { ...use, startedAt: at, ...numbered, activity: { type, message, metadata, at } }
  pairing?.started(call)
  if (calls.size >= MAX_CALLS) return false
  calls.set(known === undefined ? key : `${key}\0\0${at} ${calls.size}`, call)
  return true
}

function messageOf (call: OpenCall | UnreadCall): string {
  return 'activity' in call ? call.activity.message : call.message
}

/** The oldest of the calls that share a key. */
function laterKey (calls: Progress['calls'], key: string): string {
  for (const other of calls.keys()) if (other.startsWith(`${key}\0\0`)) return other
  return key
}

/** Reads what was put off. */
function readCall (call: OpenCall | UnreadCall): OpenCall {
  if (!('activity' in call)) return call
  const { callId, use, startedAt, seq, kind, activity: { message, metadata } } = call
  const details = parse(metadata ?? '{}')
  const parentCallId = shortText(details.parentCallId, SHOWN_CHARS.callId)
  const toolKind = shortText(details.toolKind, SHOWN_CHARS.name)
  const [timeoutMs, sleepMs] = [askedMs(details), sleepOf(commandOf(message, details) ?? '')]
  return {
    callId,
    ...(use === undefined ? {} : { use }),
    name: shortText(details.tool, SHOWN_CHARS.name) ?? '',
    message: cutText(message, SHOWN_CHARS.message),
    ...(toolKind === undefined ? {} : { toolKind }),
    startedAt,
    ...(parentCallId === undefined ? {} : { parentCallId }),
    ...(seq === undefined ? {} : { seq }),
    ...(kind === undefined ? {} : { kind }),
    ...(details.background === true ? { isBackground: true } : {}),
    ...(timeoutMs > 0 ? { timeoutMs } : {}),
    ...(sleepMs > 0 ? { sleepMs } : {})
  }
}

/** What the agent is busy with while it waits for an answer: the kinds of its open calls, oldest first. */
export function openKinds ({ calls }: Progress): ToolKind[] {
  const kinds: ToolKind[] = []
  for (const call of calls.values()) {
    if (!('isBackground' in call && call.isBackground === true)) kinds.push(call.kind ?? 'other')
  }
  return kinds
}

/** The number of the newest open call of an id. */
export function openSeqOf ({ calls }: Progress, callId: string): number | undefined {
  let found: number | undefined
  for (const call of calls.values()) if (call.callId === callId) found = call.seq ?? found
  return found
}

/** The open calls, oldest first; each is read once and kept so. */
export function callsOf ({ calls }: Progress): OpenCall[] {
  return [...calls].map(([key, call]) => {
    const read = readCall(call)
    if (read !== call) calls.set(key, read)
    return read
  })
}

function moveToBackground ({ calls }: Progress, use: CallUse, pairing?: CallPairing): boolean {
  const key = keyOfUse(use)
  const started = calls.get(key)
  const call = started && readCall(started)
  if (call === undefined || call.isBackground === true) return false
  pairing?.movedToBackground(call)
  calls.set(key, { ...call, isBackground: true })
  return true
}

type Details = Readonly<Record<string, unknown>>
const NO_DETAILS: Details = Object.freeze({})

function parse (json: string): Details {
  return parseObject(json) ?? NO_DETAILS
}
