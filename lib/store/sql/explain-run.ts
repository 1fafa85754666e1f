import type { Kysely } from 'kysely'
import { explainFailure, type FailureEvidence } from '../../insight/failure.js'
import type { FirstError } from '../../model/activity-facts.js'
import type { ToolKind } from '../../model/activity.js'
import type { Failure } from '../../model/failure.js'
import { parseTime } from '../../time/clock.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import { parseObject } from '../../text/parse-object.js'

/** Of what a run said last, so many rows are read: its end follows from what is near. */
const LAST_ROWS = 120
const LAST_CALLS = 200
const LAST_WORD_CHARS = 500
/** Of what a program without a format printed. */
const LAST_PRINTED = 40
/** What is told of calls, and of what was used, is no activity of the agent. */
const IDLE_KINDS: ReadonlySet<unknown> = new Set(['tool', 'usage'])
/** Calls that were cut off this shortly before the end were open when it came, in milliseconds. */
const OPEN_AT_END_MS = 10_000

/**
 * Why a run failed, from what is stored of it.
 *
 * @returns undefined for one that did not fail, or is not there
 */
export async function explainRun (db: Kysely<Tables>, invocationId: number): Promise<Failure | undefined> {
  const run = await db.selectFrom('invocation_run').select([
    'provider', 'status', 'error', 'reason', 'exit_code', 'signal', 'stderr_tail', 'completed_at', 'started_at'
  ]).where('invocation_id', '=', invocationId).executeTakeFirst()
  if (run === undefined || (run.status !== 'failed' && run.status !== 'timeout')) return undefined
  const endedAt = parseTime(run.completed_at) ?? parseTime(run.started_at) ?? 0
  return explainFailure({
    provider: run.provider,
    status: run.status,
    error: run.error,
    reason: run.reason,
    exitCode: run.exit_code === null ? null : Number(run.exit_code),
    signal: run.signal,
    stderrTail: run.stderr_tail,
    endedAt,
    ...await readWords(db, invocationId),
    ...await readCalls(db, invocationId, endedAt)
  })
}

async function readWords (
  db: Kysely<Tables>, invocationId: number
): Promise<Pick<FailureEvidence, 'errors' | 'waits' | 'lastWord' | 'printed' | 'lastActivitySeq'>> {
  const rows = await db.selectFrom('invocation_activity').select(['seq', 'activity_type', 'message', 'metadata'])
    .where('invocation_id', '=', invocationId).where('activity_type', '<>', 'tool_exec')
    .orderBy('seq', 'desc').limit(limitTo(LAST_ROWS)).execute()
  const words = rows.reverse().map((row) => ({
    seq: Number(row.seq), type: row.activity_type, message: row.message, metadata: parseObject(row.metadata) ?? {}
  }))
  const isWait = (kind: unknown) => kind === 'waiting' || kind === 'retry'
  const last = words.findLast(({ type, metadata: { kind } }) => type !== 'error' && !isWait(kind) && !IDLE_KINDS.has(kind))
  const call = await db.selectFrom('tool_call').select(({ fn }) => fn.max('seq').as('seq'))
    .where('invocation_id', '=', invocationId).executeTakeFirst()
  return {
    errors: words.filter(({ type }) => type === 'error'),
    waits: words.filter(({ type, metadata }) => type === 'progress' && isWait(metadata.kind))
      .map(({ seq, message, metadata: { what, waitKind, until } }) => ({
        seq, message, what: textOf(what), waitKind: textOf(waitKind), until: textOf(until)
      })),
    lastWord: words.findLast(({ type, message }) => type === 'output' && message.trim() !== '')?.message.slice(-LAST_WORD_CHARS),
    printed: words.filter(({ type }) => type === 'output').slice(-LAST_PRINTED),
    lastActivitySeq: Math.max(last?.seq ?? 0, Number(call?.seq ?? 0))
  }
}

async function readCalls (
  db: Kysely<Tables>, invocationId: number, endedAt: number
): Promise<Pick<FailureEvidence, 'failedCalls' | 'openCalls'>> {
  const rows = await db.selectFrom('tool_call').select([
    'seq', 'call_id', 'name', 'kind', 'message', 'chain', 'call_hash', 'status', 'exit_code', 'first_error', 'started_at',
    'duration_ms', 'parent_seq'
  ]).where('invocation_id', '=', invocationId).orderBy('seq', 'desc').limit(limitTo(LAST_CALLS)).execute()
  const calls = rows.reverse()
  return {
    failedCalls: calls.filter(({ status }) => status === 'error' || status === 'denied').map((call) => ({
      seq: Number(call.seq),
      callId: call.call_id,
      name: call.name,
      kind: call.kind as ToolKind,
      message: call.message,
      chain: call.chain,
      status: call.status,
      exitCode: call.exit_code === null ? null : Number(call.exit_code),
      firstError: call.first_error === null ? undefined : JSON.parse(call.first_error) as FirstError,
      endedAt: (parseTime(call.started_at) ?? 0) + Number(call.duration_ms ?? 0),
      wasMended: calls.some((later) => later.seq > call.seq && later.status === 'ok' &&
        (later.call_hash === call.call_hash || (call.chain !== null && later.chain === call.chain)))
    })),
    openCalls: calls.filter(({ status, started_at: startedAt, duration_ms: durationMs }) => status === 'running' ||
      (status === 'aborted' && (parseTime(startedAt) ?? 0) + Number(durationMs ?? 0) > endedAt - OPEN_AT_END_MS))
      .map(({ seq, call_id: callId, name, message, started_at: startedAt, parent_seq: parentSeq }) => ({
        seq: Number(seq), callId, name, message, startedAt, parentCallId: parentSeq === null ? null : String(parentSeq)
      }))
  }
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Keeps the explanation with the run. */
export async function storeFailure (trx: Kysely<Tables>, invocationId: number): Promise<void> {
  const failure = await explainRun(trx, invocationId)
  if (failure === undefined) return
  await trx.updateTable('invocation_run').set({ failure: JSON.stringify(failure) })
    .where('invocation_id', '=', invocationId).execute()
}
