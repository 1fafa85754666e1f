import type { EndedCall } from './loops.js'

/** A call that has come to its end, as it is stored. Times are milliseconds. */
export interface StoredCall {
  readonly seq: number
  readonly endSeq: number
  readonly parentSeq: number | null
  readonly kind: string
  readonly name: string
  readonly hash: string
  readonly resultHash: string | null
  readonly status: string
  readonly isPoll: boolean
  readonly startedAt: number
  readonly durationMs: number
}

/** As far as repetition goes; undefined for one that did not come to its end by itself. */
export function toEndedCall (call: StoredCall): EndedCall | undefined {
  const { status, startedAt } = call
  if (status !== 'ok' && status !== 'error') return undefined
  return {
    seq: call.seq,
    endSeq: call.endSeq,
    parentSeq: call.parentSeq,
    call: call.hash,
    tool: call.name,
    result: call.resultHash ?? '',
    isError: status === 'error',
    // A tool that nobody knows, and that says again what it said, may be one that asks how something goes on.
    isPoll: call.isPoll || (OF_UNKNOWN_USE.has(call.kind) && status === 'ok'),
    startedAt,
    endedAt: startedAt + call.durationMs
  }
}

const OF_UNKNOWN_USE: ReadonlySet<string> = new Set(['other', 'plan', 'person'])
