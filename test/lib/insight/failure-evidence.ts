import { firstErrorOf } from '../../../lib/insight/first-error.js'
import type { FailedCall, FailureEvidence, OpenCall } from '../../../lib/insight/failure.js'
import { readCall } from '../../../lib/insight/call-facts.js'
import type { CallStart } from '../../../lib/model/activity-facts.js'
import type { InvocationActivity, InvocationResult } from '../../../lib/model/activity.js'

export const ENDED_AT = '2026-11-30T12:00:00.000Z'

/** Evidence with nothing in it but what is given. */
export function evidence (parts: Partial<FailureEvidence> = {}): FailureEvidence {
  const nothing = { errors: [], waits: [], failedCalls: [], openCalls: [] }
  return { provider: 'claude', status: 'failed', ...nothing, endedAt: ENDED_AT, timeZone: 'UTC', ...parts }
}

/** A call that failed, with what it printed. */
export function failedCall (seq: number, command: string, output: string, parts: Partial<FailedCall> = {}): FailedCall {
  const start = readCall(`exec: ${command}`, { callId: `call_${seq}`, phase: 'start', tool: 'Bash', input: { command } }) as CallStart
  const firstError = firstErrorOf(output)
  return {
    seq, callId: `call_${seq}`, name: 'Bash', kind: start.kind, message: start.message, chain: start.chain, status: 'error', exitCode: 1, endedAt: ENDED_AT, wasMended: false, ...(firstError !== undefined && { firstError }), ...parts
  }
}

/** What a recorder would know of a run at its end: its rows, numbered, and its result. */
export function evidenceOf (
  provider: string,
  { activities, result }: { readonly activities: readonly InvocationActivity[], readonly result: InvocationResult }
): FailureEvidence {
  const rows = activities.map((activity, at) => ({ seq: at + 1, ...activity, metadata: activity.metadata ?? {} }))
  const starts = new Map<string, { seq: number, start: CallStart }>()
  const ended: FailedCall[] = []
  const openCalls: OpenCall[] = []
  for (const { seq, type, message, metadata } of rows) {
    if (type !== 'tool_exec') continue
    const call = readCall(message, metadata)
    if (call === undefined) continue
    const key = `${call.callId} ${call.use}`
    if (call.phase === 'start') starts.set(key, { seq, start: call })
    const known = starts.get(key)
    if (call.phase !== 'end' || known === undefined) continue
    const { callId, name, kind, chain } = known.start
    if (call.status === 'aborted') openCalls.push({ seq: known.seq, callId, name, message, startedAt: ENDED_AT })
    const { status, exitCode, firstError } = call
    ended.push({
      seq, callId, name, kind, message, chain, status, exitCode, firstError, endedAt: ENDED_AT, wasMended: false
    })
  }
  const isSame = (one: FailedCall, other: FailedCall): boolean =>
    one.message === other.message || (one.chain !== null && one.chain === other.chain)
  const wasMended = (call: FailedCall): boolean =>
    ended.some((later) => later.seq > call.seq && later.status === 'ok' && isSame(later, call))
  const failedCalls = ended.filter(({ status }) => status === 'error' || status === 'denied')
    .map((call) => ({ ...call, wasMended: wasMended(call) }))
  const isWait = ({ kind }: Record<string, unknown>): boolean => kind === 'waiting' || kind === 'retry'
  const waits = rows.filter(({ type, metadata }) => type === 'progress' && isWait(metadata)).map(({ seq, message, metadata }) => ({ seq, message, ...metadata }))
  const others = rows.filter(({ type, metadata }) => type === 'output' || (type === 'tool_exec' && metadata.status !== 'aborted'))
  const said = rows.findLast(({ type }) => type === 'output')?.message
  return {
    provider,
    status: result.timedOut ? 'timeout' : result.success ? 'completed' : 'failed',
    error: result.error,
    reason: result.reason,
    exitCode: result.exitCode,
    signal: result.signal,
    stderrTail: result.stderrTail,
    errors: rows.filter(({ type }) => type === 'error').slice(-50),
    waits: waits.slice(-50),
    failedCalls,
    openCalls,
    lastWord: said,
    lastActivitySeq: others.at(-1)?.seq,
    endedAt: ENDED_AT,
    timeZone: 'UTC'
  }
}
