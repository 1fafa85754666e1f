import type { Kysely } from 'kysely'
import { exitCodeForHost, type Ending } from '../../model/ending.js'
import { toIso } from '../../time/clock.js'
import type { HostRows } from '../host-rows.js'
import type { NewEvent } from '../sequence.js'
import type { Tables } from '../tables.js'
import { writeUsageColumns } from './usage-columns.js'

/** The end of a run that is stored as running. */
export interface RunEnd {
  readonly id: number
  readonly ending: Ending
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly durationMs: number
  /** Its start named no model: what the ending says counts. */
  readonly takesModel: boolean
}

/**
 * Ends a run once: whoever comes second, the run itself or who gave it up, changes nothing.
 *
 * @param host whose row is closed too; without it that row stays as it is
 * @returns the event that is about to get its number; undefined where the run had ended before
 */
export async function endRun (
  trx: Kysely<Tables>, host: HostRows | undefined, end: RunEnd
): Promise<NewEvent | undefined> {
  const { id, ending, at, durationMs, takesModel } = end
  const updated = await trx.updateTable('invocation_run').set({
    status: ending.status,
    completed_at: toIso(at),
    duration_ms: durationMs,
    success: Number(ending.status === 'completed'),
    timed_out: Number(ending.status === 'timeout'),
    exit_code: ending.exitCode ?? null,
    signal: ending.signal ?? null,
    reason: ending.reason ?? null,
    error: ending.error ?? null,
    outcome: ending.outcome ?? null,
    summary: ending.summary ?? null,
    usage: ending.usage === undefined ? null : JSON.stringify(ending.usage),
    ...(ending.usage === undefined ? {} : writeUsageColumns(ending.usage)),
    session_id: ending.sessionId ?? null,
    stderr_tail: ending.stderrTail ?? null,
    progress: null,
    tree: null,
    ...(ending.model !== undefined && takesModel ? { model: ending.model } : {})
  }).where('invocation_id', '=', id).where('status', '=', 'running').executeTakeFirst()
  if (updated.numUpdatedRows === 0n) return undefined
  if (host !== undefined) await closeHostRow(trx, host, end)
  return endEvent(end)
}

async function closeHostRow (
  trx: Kysely<Tables>, { schema: { invocations, required }, tryPart }: HostRows, { id, ending, at, durationMs }: RunEnd
): Promise<void> {
  const values: Record<string, unknown> = {
    completed_at: toIso(at),
    status: ending.status,
    response: ending.response ?? null,
    error: ending.error ?? null,
    exit_code: exitCodeForHost(ending),
    duration_ms: durationMs,
    success: Number(ending.status === 'completed'),
    timed_out: Number(ending.status === 'timeout'),
    completed_at_ms: at
  }
  const known = Object.entries(values).filter(([name]) => invocations.has(name))
    .map(([name, value]) => [name, value ?? (required.has(name) ? '' : null)] as const)
  // Without a start, a rebuild of the host's has just taken our columns, and `status` with them.
  const update = (columns: ReadonlyArray<readonly [string, unknown]>) => tryPart(trx, () => trx
    .updateTable('task_invocations').set(Object.fromEntries(columns)).where('id', '=', id)
    .where((eb) => eb.or([eb('status', '=', 'running'), eb('started_at', 'is', null)])).execute())
  // Whatever the host's constraints and triggers refuse: the run has ended, and our own record says so.
  if (!(await update(known))) await update(known.filter(([name]) => name === 'status' || name === 'completed_at'))
}

function endEvent ({ id, ending, at, durationMs }: RunEnd): NewEvent {
  const isGood = ending.status === 'completed'
  const failure = { error: ending.error ?? '', exitCode: ending.exitCode, reason: ending.reason }
  return {
    type: `invocation.${ending.status}`,
    invocationId: id,
    payload: {
      success: isGood,
      duration: durationMs,
      ...(isGood ? { outcome: ending.outcome, summary: ending.summary } : failure),
      usage: ending.usage
    },
    source: 'invocation',
    sourceId: `${id}:end`,
    timestamp: toIso(at)
  }
}
