import { parseTime, toIso } from '../time/clock.js'
import type { NewEvent } from '../store/sequence.js'
import type { DerivedLifecycle, HostInvocation } from './legacy-row.js'

/** An invocation of the host's with what its row says. */
export interface ReadInvocation {
  readonly row: HostInvocation
  readonly derived: DerivedLifecycle
}

/** Where an invocation stands in the timeline, in milliseconds since the epoch; the end is never before the start. */
interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The events of invocations of one task that enter its log together.
 *
 * An event needs a time, also where the row has none that can be read. Such an invocation begins where the one before
 * it ended; without one, it ends where the next began, and where no row has a time, at `now`. It keeps its length.
 *
 * @param invocations in order of their ids, in which the host wrote them
 */
export function eventsOf (invocations: readonly ReadInvocation[], now: number): NewEvent[] {
  const spans = placeInTime(invocations.map(({ derived }) => derived), now)
  return invocations.flatMap((invocation, index) => {
    const { start, end } = spans[index]!
    return [startEvent(invocation.row, start), ...endEvents(invocation, end)]
  })
}

/** The end of an invocation whose start is in the log already; none while it runs. */
export function laterEventsOf (invocation: ReadInvocation, now: number): NewEvent[] {
  return endEvents(invocation, spanOf(invocation.derived)?.end ?? now)
}

/**
 * Sorts what enters a log together. At the same moment: ends, then what the task did about it, then starts, each
 * followed by its own end where that is at the same moment too.
 *
 * @param events each start before its end
 */
export function mergeByTime (events: readonly NewEvent[]): NewEvent[] {
  const starts = new Map(events.filter(isStart).map(({ invocationId, timestamp }) => [invocationId, timestamp]))
  const rank = (event: NewEvent): number => {
    if (event.invocationId === null) return 1
    return isStart(event) || starts.get(event.invocationId) === event.timestamp ? 2 : 0
  }
  return [...events].sort((a, b) => timeOf(a) - timeOf(b) || rank(a) - rank(b))
}

/**
 * Moves what a task did, which the host notes by the second, behind what came before it within that second.
 *
 * @param lastMs of the last event in the log, in milliseconds since the epoch
 */
export function withinTheirSecond (events: readonly NewEvent[], lastMs: number): NewEvent[] {
  let last = lastMs
  return events.map((event) => {
    const at = timeOf(event)
    const isOfSecond = event.invocationId === null && at % 1_000 === 0 && last > at && last < at + 1_000
    last = Math.max(last, at)
    return isOfSecond ? { ...event, timestamp: toIso(last) } : event
  })
}

function isStart (event: NewEvent): boolean {
  return event.type === 'invocation.started'
}

function timeOf (event: NewEvent): number {
  return parseTime(event.timestamp) ?? 0
}

function placeInTime (lifecycles: readonly DerivedLifecycle[], now: number): Span[] {
  const spans = lifecycles.map(spanOf)
  const first = spans.findIndex((span) => span !== undefined)
  let next = spans[first]?.start ?? now
  for (let index = (first === -1 ? spans.length : first) - 1; index >= 0; index--) {
    const span = endingAt(next, lifecycles[index]!.durationMs)
    spans[index] = span
    next = span.start
  }
  let last = 0
  return spans.map((known, index) => {
    const { durationMs } = lifecycles[index]!
    // A length that no time confirms must not lead into the future.
    const span = known ?? endingAt(Math.min(last + (durationMs ?? 0), now), durationMs)
    last = span.end
    return span
  })
}

/** As far as the row has times. */
function spanOf ({ startedAt, completedAt, lastActivityAt }: DerivedLifecycle): Span | undefined {
  const last = parseTime(completedAt) ?? parseTime(lastActivityAt)
  const start = parseTime(startedAt) ?? last
  return start === undefined ? undefined : { start, end: Math.max(start, last ?? start) }
}

function endingAt (end: number, durationMs: number | null): Span {
  return { start: parseTime(end - (durationMs ?? 0)) ?? end, end }
}

function startEvent (row: HostInvocation, at: number): NewEvent {
  return {
    type: 'invocation.started',
    invocationId: row.id,
    payload: { role: row.role ?? '', provider: row.provider ?? '', ...(row.model ? { model: row.model } : {}) },
    source: 'invocation',
    sourceId: `${row.id}:start`,
    timestamp: toIso(at)
  }
}

function endEvents ({ row, derived }: ReadInvocation, at: number): NewEvent[] {
  if (derived.status === 'running') return []
  const isGood = derived.status === 'completed'
  const exitCode = row.exit_code ? { exitCode: row.exit_code } : {}
  const failure = { error: row.error ?? defaultError(row, derived), ...exitCode }
  return [{
    type: `invocation.${derived.status}`,
    invocationId: row.id,
    payload: {
      success: isGood,
      ...(derived.durationMs === null ? {} : { duration: derived.durationMs }),
      ...(isGood ? {} : failure)
    },
    source: 'invocation',
    sourceId: `${row.id}:end`,
    timestamp: toIso(at)
  }]
}

function defaultError (row: HostInvocation, derived: DerivedLifecycle): string {
  if (derived.status === 'timeout') return 'Timed out'
  return row.exit_code ? `Exited with code ${row.exit_code}` : 'Failed without a message'
}
