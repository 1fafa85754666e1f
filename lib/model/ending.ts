import { constants } from 'node:os'
import { USAGE_KINDS, type InvocationResult, type Usage } from './activity.js'
import { exitCodeOf, integerOf } from './values.js'

/** How a run ended, as it is stored. */
export interface Ending {
  readonly status: 'completed' | 'failed' | 'timeout'
  readonly response?: string | undefined
  readonly error?: string | undefined
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly reason?: string | undefined
  /** Milliseconds, as the agent's adapter measured them. */
  readonly durationMs?: number | undefined
  readonly usage?: Usage | undefined
  readonly sessionId?: string | undefined
  readonly model?: string | undefined
  readonly outcome?: 'approved' | 'rejected' | undefined
  readonly summary?: string | undefined
  readonly stderrTail?: string | undefined
}

/** What may end a run: a response, an {@link InvocationResult}, or part of one. */
export type ResultLike = string | undefined | null | (Partial<InvocationResult> & ForeignResult)

/** Names under which other orchestrators' providers report the same. */
interface ForeignResult {
  readonly stdout?: string
  readonly stderr?: string
  readonly duration?: number
}

/** Reads what an invocation returned. Anything that is no result at all counts as a success without a response. */
export function endingOf (value: unknown): Ending {
  if (typeof value === 'string') return { status: 'completed', response: value }
  if (typeof value !== 'object' || value === null) return { status: 'completed' }
  const result = value as Partial<InvocationResult> & ForeignResult
  const status = result.timedOut === true ? 'timeout' : result.success === false ? 'failed' : 'completed'
  return {
    status,
    response: text(result.response ?? result.stdout),
    error: status === 'completed' ? undefined : (text(result.error) || lastLine(result.stderr) || defaultError(result, status)),
    exitCode: exitCodeOf(result.exitCode) ?? undefined,
    signal: text(result.signal),
    reason: text(result.reason) ?? (status === 'timeout' ? 'timeout' : undefined),
    durationMs: integerOf(result.durationMs ?? result.duration, 0) ?? undefined,
    usage: usageOf(result.usage),
    sessionId: text(result.sessionId),
    model: text(result.model),
    outcome: result.outcome === 'approved' || result.outcome === 'rejected' ? result.outcome : undefined,
    summary: text(result.summary),
    stderrTail: text(result.stderrTail ?? (status === 'completed' ? undefined : result.stderr))
  }
}

/**
 * Reads what an invocation threw.
 *
 * @param describe an object that is no error, as a text of bounded length
 */
export function endingOfError (error: unknown, describe: (value: object) => string): Ending {
  try {
    return readError(error, describe)
  } catch {
    // A proxy, or getters that throw: whatever it was, it was thrown.
    return { status: 'failed', error: NO_MESSAGE, reason: 'error' }
  }
}

const NO_MESSAGE = 'Failed without a message'

function readError (error: unknown, describe: (value: object) => string): Ending {
  const name = error instanceof Error ? text(error.name) ?? '' : ''
  const message = (error instanceof Error ? text(error.message) || name : describeThrown(error, describe)) || NO_MESSAGE
  const { code, exitCode, timedOut } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  if (name === 'TimeoutError' || timedOut === true) return { status: 'timeout', error: message, reason: 'timeout' }
  return {
    status: 'failed',
    error: message,
    exitCode: exitCodeOf(exitCode) ?? undefined,
    reason: name === 'AbortError' ? 'aborted' : text(code) ?? 'error'
  }
}

/** Of what was thrown no more is read than so many bytes, or characters. */
const MAX_READ = 65_536

/** Whatever was thrown, as a text. */
function describeThrown (error: unknown, describe: (value: object) => string): string {
  try {
    if (typeof error !== 'object' || error === null) return String(error)
    const bytes = bytesOf(error)
    if (bytes === undefined) return describe(error)
    return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_READ)).toString()
  } catch {
    return NO_MESSAGE
  }
}

/** What a command printed, for one: as JSON each byte would be a member. */
function bytesOf (value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined
}

/** The exit code for a column that takes no NULL: 128 + signal as shells have it, 1 for a failure without either. */
export function exitCodeForHost (ending: Ending): number {
  if (ending.exitCode !== undefined) return ending.exitCode
  const signal = constants.signals[ending.signal as NodeJS.Signals]
  if (signal !== undefined) return 128 + signal
  return ending.status === 'completed' ? 0 : 1
}

function defaultError (result: Partial<InvocationResult>, status: 'failed' | 'timeout'): string {
  if (status === 'timeout') return 'Timed out'
  if (result.signal) return `Ended by ${result.signal}`
  return typeof result.exitCode === 'number' ? `Exited with code ${result.exitCode}` : NO_MESSAGE
}

function lastLine (value: unknown): string | undefined {
  const end = text(value)?.slice(-MAX_READ).trim()
  const line = end?.slice(end.lastIndexOf('\n') + 1)
  return line === '' ? undefined : line
}

function text (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What is understood of a usage: the numbers that have a name here; undefined where there is none. */
export function usageOf (value: unknown): Usage | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const amounts = value as Partial<Record<keyof Usage, unknown>>
  const entries = USAGE_KINDS.flatMap((name) => Number.isFinite(amounts[name]) ? [[name, amounts[name]]] : [])
  return entries.length === 0 ? undefined : Object.fromEntries(entries) as unknown as Usage
}
