import { RunBins } from '../insight/run-bins.js'
import { isFailed } from '../insight/tally.js'
import type { TaskOverview } from '../model/answers.js'
import type { AnswerReader, RunRecord, SpanRecord } from '../store/answers.js'
import { parseTime, toIso, type Clock } from '../time/clock.js'
import { nextTurn } from '../time/timers.js'

export interface OverviewOptions {
  readonly answers: AnswerReader
  readonly now: Clock
}

/** A part of a task's time, in milliseconds since the epoch. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The shapes of tasks. */
export interface Overviews {
  /** @param epoch of the task's log: another one is another log */
  of (taskId: string, epoch: string, range?: Range): Promise<TaskOverview>
}

/** What is known of a task's calls so far: what comes later is added to it. */
interface Picture {
  readonly epoch: string
  readonly runs: Map<number, RunBins>
  /** Calls that were open when they were read. */
  readonly open: Map<number, SpanRecord>
  after: number
}

/** So many tasks are looked at side by side; a picture takes some 100 kB at most for each of its runs. */
const KEPT_PICTURES = 50
const CALLS_A_READ = 5_000
const MAX_CALLS = 1_000
const MAX_GAPS = 100

/**
 * Draws the shapes of tasks from their calls. A picture that was drawn before is gone on with: only the first look at a
 * task costs by its length.
 */
export function createOverviews ({ answers, now }: OverviewOptions): Overviews {
  const pictures = new Map<string, Picture>()
  /** One look at a task after the other: two would add the same calls. */
  const looks = new Map<string, Promise<unknown>>()

  async function draw (taskId: string, epoch: string, runs: readonly RunRecord[]): Promise<Picture> {
    let picture = pictures.get(taskId)
    if (picture?.epoch !== epoch) picture = { epoch, runs: new Map(), open: new Map(), after: 0 }
    pictures.delete(taskId)
    pictures.set(taskId, picture)
    const oldest = pictures.keys().next().value
    if (pictures.size > KEPT_PICTURES && oldest !== undefined) pictures.delete(oldest)
    const starts = new Map(runs.map((run) => [run.invocationId, run.startedAt]))
    for (const id of picture.runs.keys()) if (!starts.has(id)) picture.runs.delete(id)
    const asked = [...picture.open.keys()]
    const changed = asked.length === 0 ? [] : await answers.spansOf(taskId, asked)
    picture.open.clear()
    for (const span of changed) take(picture, span, starts)
    for (;;) {
      const spans = await answers.spansAfter(taskId, picture.after, CALLS_A_READ)
      for (const span of spans) take(picture, span, starts)
      picture.after = spans.at(-1)?.seq ?? picture.after
      if (spans.length < CALLS_A_READ) return picture
      await nextTurn()
    }
  }

  async function look (taskId: string, epoch: string, range: Range | undefined): Promise<TaskOverview> {
    const runs = await answers.runs(taskId)
    const picture = await draw(taskId, epoch, runs)
    const shown = range === undefined ? runs : runs.filter((run) => isWithin(run, range))
    const all = spanOf(shown, now())
    const calls = range === undefined
      ? undefined
      : await answers.callsBetween(taskId, toIso(range.from), toIso(range.to), MAX_CALLS + 1)
    const span = range ?? all
    return {
      ...(span === undefined ? {} : { from: toIso(span.from), to: toIso(span.to) }),
      lanes: shown.map((run) => laneOf(run, picture)),
      gaps: gapsOf(shown, now()),
      ...(calls === undefined ? {} : { calls: calls.slice(0, MAX_CALLS), hasMoreCalls: calls.length > MAX_CALLS })
    }
  }

  return {
    async of (taskId, epoch, range) {
      const before = looks.get(taskId) ?? Promise.resolve()
      const work = before.catch(() => {}).then(() => look(taskId, epoch, range))
      looks.set(taskId, work)
      try {
        return await work
      } finally {
        if (looks.get(taskId) === work) looks.delete(taskId)
      }
    }
  }
}

function take (picture: Picture, span: SpanRecord, starts: ReadonlyMap<number, number | undefined>): void {
  const { seq, invocationId, kind, status, durationMs } = span
  if (status === 'running') {
    picture.open.set(seq, span)
    return
  }
  const startedAt = parseTime(span.startedAt) ?? 0
  let bins = picture.runs.get(invocationId)
  if (bins === undefined) picture.runs.set(invocationId, bins = new RunBins(starts.get(invocationId) ?? startedAt))
  bins.add({ startedAt, durationMs: durationMs ?? 0, kind, isFailed: isFailed(status) })
}

function laneOf (run: RunRecord, picture: Picture): TaskOverview['lanes'][number] {
  const bins = picture.runs.get(run.invocationId)
  const open = [...picture.open.values()].filter(({ invocationId }) => invocationId === run.invocationId)
  return {
    invocationId: run.invocationId,
    role: run.role,
    provider: run.provider,
    ...(run.model === undefined ? {} : { model: run.model }),
    status: run.status,
    ...(run.startedAt === undefined ? {} : { startedAt: toIso(run.startedAt) }),
    ...(run.completedAt === undefined ? {} : { completedAt: toIso(run.completedAt) }),
    binMs: bins?.widthMs ?? 1_000,
    bins: (bins?.bins() ?? []).map(([at, { ms, calls, failed }]) => ({
      at, ms, ...(calls > 0 ? { calls } : {}), ...(failed > 0 ? { failed } : {})
    })),
    open: open.map(({ seq, kind, message, startedAt }) => ({ seq, kind, message, startedAt }))
  }
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
