import { FIRST_BIN_MS } from '../insight/run-bins.js'
import type { ToolKind } from '../model/activity.js'
import type { TaskOverview } from '../model/answers.js'
import type { AnswerReader, BinRecord, OpenSpan, RunRecord } from '../store/answers.js'
import { toIso, type Clock } from '../time/clock.js'

/** A part of a task's time, in milliseconds since the epoch. */
export interface Range {
  readonly from: number
  readonly to: number
}

const MAX_CALLS = 1_000
const MAX_GAPS = 100

/** The shape of a task, or of a part of its time, from the stretches that are kept with its runs: no call is read. */
export async function overviewOf (
  answers: Omit<AnswerReader, 'databaseBytes'>, taskId: string, range: Range | undefined, now: Clock
): Promise<TaskOverview> {
  const runs = await answers.runs(taskId)
  const bins = new Map<number, BinRecord[]>(runs.map(({ invocationId }) => [invocationId, []]))
  for (const bin of await answers.bins(taskId)) bins.get(bin.invocationId)?.push(bin)
  const running = runs.filter(({ status }) => status === 'running').map(({ invocationId }) => invocationId)
  const open = await answers.openCalls(running)
  const shown = range === undefined ? runs : runs.filter((run) => isWithin(run, range))
  const calls = range === undefined
    ? undefined
    : await answers.callsBetween(taskId, toIso(range.from), toIso(range.to), MAX_CALLS + 1)
  const span = range ?? spanOf(shown, now())
  return {
    ...(span === undefined ? {} : { from: toIso(span.from), to: toIso(span.to) }),
    lanes: shown.map((run) => laneOf(run, bins.get(run.invocationId) ?? [], open)),
    gaps: gapsOf(shown, now()),
    ...(calls === undefined ? {} : { calls: calls.slice(0, MAX_CALLS), hasMoreCalls: calls.length > MAX_CALLS })
  }
}

type Lane = TaskOverview['lanes'][number]

function laneOf (run: RunRecord, rows: readonly BinRecord[], open: readonly OpenSpan[]): Lane {
  return {
    invocationId: run.invocationId,
    role: run.role,
    provider: run.provider,
    ...(run.model === undefined ? {} : { model: run.model }),
    status: run.status,
    ...(run.startedAt === undefined ? {} : { startedAt: toIso(run.startedAt) }),
    ...(run.completedAt === undefined ? {} : { completedAt: toIso(run.completedAt) }),
    binMs: run.binMs ?? FIRST_BIN_MS,
    bins: binsOf(rows),
    open: open.filter(({ invocationId }) => invocationId === run.invocationId)
      .map(({ seq, kind, message, startedAt }) => ({ seq, kind, message, startedAt }))
  }
}

/** The kinds of a stretch put together. @param rows in the order of their places */
function binsOf (rows: readonly BinRecord[]): Lane['bins'] {
  const bins: Array<{ at: number, ms: Partial<Record<ToolKind, number>>, calls?: number, failed?: number }> = []
  for (const { at, kind, ms, calls, failed } of rows) {
    let bin = bins.at(-1)
    if (bin?.at !== at) bins.push(bin = { at, ms: {} })
    bin.ms[kind] = ms
    if (calls > 0) bin.calls = (bin.calls ?? 0) + calls
    if (failed > 0) bin.failed = (bin.failed ?? 0) + failed
  }
  return bins
}

function endOf ({ status, startedAt, lastActivityAt, completedAt }: RunRecord, now: number): number {
  return status === 'running' ? now : completedAt ?? lastActivityAt ?? startedAt ?? 0
}

function isWithin (run: RunRecord, { from, to }: Range): boolean {
  return (run.startedAt ?? 0) < to && endOf(run, Infinity) >= from
}

function spanOf (runs: readonly RunRecord[], now: number): Range | undefined {
  const starts = runs.flatMap(({ startedAt }) => startedAt === undefined ? [] : [startedAt])
  if (starts.length === 0) return undefined
  return { from: Math.min(...starts), to: Math.max(...runs.map((run) => endOf(run, now))) }
}

function gapsOf (runs: readonly RunRecord[], now: number): TaskOverview['gaps'] {
  const spans = runs.flatMap((run) => run.startedAt === undefined ? [] : [[run.startedAt, endOf(run, now)] as const])
  spans.sort(([a], [b]) => a - b)
  const gaps: Range[] = []
  let covered = spans[0]?.[0] ?? 0
  for (const [from, to] of spans) {
    if (from > covered) gaps.push({ from: covered, to: from })
    covered = Math.max(covered, to)
  }
  const longest = gaps.sort((a, b) => (b.to - b.from) - (a.to - a.from)).slice(0, MAX_GAPS)
  return longest.sort((a, b) => a.from - b.from).map(({ from, to }) => ({ from: toIso(from), to: toIso(to) }))
}
