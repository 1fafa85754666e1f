import { parseTime, toIso } from '../time/clock.js'
import type { InvocationStatus } from '../model/events.js'
import { durationOf, exitCodeOf, integerOf, textOf } from '../model/values.js'

/** An invocation as the host's own logger wrote it; columns that a version of the host lacks are undefined. */
export interface HostInvocation {
  readonly id: number
  readonly task_id: string
  readonly role?: string | null
  readonly provider?: string | null
  readonly model?: string | null
  readonly error?: string | null
  readonly exit_code?: number | null
  readonly duration_ms?: number | null
  readonly success?: number | null
  readonly timed_out?: number | null
  readonly created_at?: string | null
  readonly status?: string | null
  readonly started_at_ms?: number | null
  readonly completed_at_ms?: number | null
  readonly last_activity_at_ms?: number | null
}

const READERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  id: Number,
  exit_code: exitCodeOf,
  duration_ms: durationOf,
  success: integerOf,
  timed_out: integerOf,
  started_at_ms: integerOf,
  completed_at_ms: integerOf,
  last_activity_at_ms: integerOf
}

/** Reads a row of the host's: whatever is stored in it, its values come out in the types of {@link HostInvocation}. */
export function readHostRow (row: Readonly<Record<string, unknown>>): HostInvocation {
  const read = Object.entries(row).map(([name, value]) => [name, (READERS[name] ?? textOf)(value)])
  return { ...Object.fromEntries(read), task_id: textOf(row.task_id) ?? '' } as HostInvocation
}

/** What a host's row says once its version's habits are taken into account. */
export interface DerivedLifecycle {
  readonly status: InvocationStatus
  readonly startedAt: string | null
  readonly completedAt: string | null
  readonly lastActivityAt: string | null
  readonly durationMs: number | null
}

/**
 * Derives an invocation's lifecycle from a row that the host wrote.
 *
 * At its migration 009 the host writes a row after the call, so `created_at` is the end and the start lies
 * `duration_ms` before it; 0 counts as known, though a column that defaults to it may mean nothing by it. Later
 * versions write at the start and fill the `*_ms` columns; only there does `status` mean something, and their own
 * backfill called every older row `completed` with start = end.
 */
export function deriveLifecycle (row: HostInvocation): DerivedLifecycle {
  if (row.started_at_ms === null || row.started_at_ms === undefined) {
    const end = parseTime(row.created_at)
    const duration = durationBefore(end, row)
    return lifecycle(endedStatus(row), startOf(end, duration), end, end, duration)
  }
  const start = parseTime(row.started_at_ms)
  const lastActivity = parseTime(row.last_activity_at_ms)
  const end = parseTime(row.completed_at_ms)
  if (row.status === 'running' && end === undefined) return lifecycle('running', start, undefined, lastActivity, null)
  if (end === undefined) return lifecycle(endedStatus(row), start, undefined, lastActivity, null)
  const duration = durationBefore(end, row)
  const wasBackfilled = start === end && duration !== null && duration > 0
  return lifecycle(endedStatus(row), wasBackfilled ? startOf(end, duration) : start, end, lastActivity ?? end, duration)
}

/** A duration that reaches back further than times do is none. */
function durationBefore (end: number | undefined, { duration_ms: duration = null }: HostInvocation): number | null {
  return duration === null || end === undefined || parseTime(end - duration) !== undefined ? duration : null
}

/** Start and end are one where the duration is not known. */
function startOf (end: number | undefined, duration: number | null): number | undefined {
  return end === undefined ? undefined : end - (duration ?? 0)
}

function endedStatus (row: HostInvocation): InvocationStatus {
  if (row.timed_out === 1 || row.status === 'timeout') return 'timeout'
  return row.success === 1 ? 'completed' : 'failed'
}

function lifecycle (
  status: InvocationStatus, start: number | undefined, end: number | undefined, lastActivity: number | undefined,
  durationMs: number | null
): DerivedLifecycle {
  const iso = (ms: number | undefined) => ms === undefined ? null : toIso(ms)
  return {
    status,
    startedAt: iso(start),
    completedAt: iso(end),
    lastActivityAt: iso(lastActivity),
    durationMs: status === 'running' ? null : durationMs
  }
}
