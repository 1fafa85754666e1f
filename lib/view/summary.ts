import { spendUntil, copyTally, type RunTally } from '../insight/tally.js'
import { taskState, type HostWord } from '../insight/task-state.js'
import type { ToolKind, Usage } from '../model/activity.js'
import type { KindCount, TaskSummary } from '../model/answers.js'
import type { Health, InvocationStatus, TaskInfo } from '../model/events.js'
import type { Failure } from '../model/failure.js'
import type { Progress } from '../insight/progress.js'
import { toIso } from '../time/clock.js'
import { budgetOf } from '../model/budget.js'
import { roundUsd } from '../model/prices.js'
import { sumUsage } from './usage-sum.js'

/** Runs that cost more than they may, of which so many are listed. */
const MAX_EXCEEDED = 100

/** A run, as it is summed up. Times are milliseconds since the epoch. */
export interface SummedRun {
  readonly invocationId: number
  readonly role: string
  readonly model: string | undefined
  readonly status: InvocationStatus
  readonly startedAt: number | undefined
  readonly completedAt: number | undefined
  readonly lastActivityAt: number | undefined
  readonly tally: RunTally
  readonly progress: Progress
  readonly usage: Partial<Usage> | undefined
  /** The agent has said at its end what it used. */
  readonly isUsageFinal: boolean
  readonly plan: string | undefined
  /** What it may cost. */
  readonly budgetUsd: number | undefined
  readonly failure: Failure | undefined
}

export interface SummaryParts {
  readonly task: TaskInfo
  /** Oldest first. */
  readonly runs: readonly SummedRun[]
  readonly health: ReadonlyMap<number, Health>
  readonly worst: TaskSummary['health']
  readonly host: HostWord
  readonly files: TaskSummary['files']
  readonly filesTotal: number
  /** What all runs together may cost. */
  readonly budgetUsd: number | undefined
  readonly headSeq: number
  readonly epoch: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Puts together what is known of a task. */
export function toSummary (parts: SummaryParts): TaskSummary {
  const { task, runs, worst, files, filesTotal, headSeq, epoch, now } = parts
  const outcomes = runs.map((run) => ({ ...run, health: parts.health.get(run.invocationId) }))
  const { state, since } = taskState(outcomes, parts.host, now)
  const failure = failureOf(runs)
  const planned = runs.findLast(({ plan }) => plan !== undefined)?.plan
  const span = spanOf(runs, now)
  const usage = sumUsage(runs)
  const budget = budgetOfTask(parts.budgetUsd, usage.costUsd, runs)
  const courses = runs.map((run) => courseOf(run, now))
  return {
    task,
    state,
    ...(since === undefined || since === 0 ? {} : { since: toIso(since) }),
    ...(worst === undefined ? {} : { health: worst }),
    ...(failure === undefined ? {} : { failure }),
    runs: countRuns(runs),
    ...(span.from === undefined ? {} : { startedAt: toIso(span.from) }),
    ...(span.last === undefined ? {} : { lastActivityAt: toIso(span.last) }),
    elapsedMs: span.elapsedMs,
    usage,
    ...(budget === undefined ? {} : { budget }),
    calls: {
      total: sum(courses, ({ calls }) => calls),
      failed: sum(courses, ({ failed }) => failed),
      byKind: byKind(courses, (counts): KindCount => ({
        total: sum(counts, ([all]) => all), failed: sum(counts, ([, bad]) => bad)
      }))
    },
    time: {
      toolMs: sum(courses.flatMap(({ kinds }) => Object.values(kinds)), ([,, ms]) => ms),
      thinkingMs: sum(courses, ({ thinkingMs }) => thinkingMs),
      waitingMs: sum(courses, ({ waitingMs }) => waitingMs),
      personMs: sum(courses, ({ personMs }) => personMs),
      betweenRunsMs: betweenRuns(runs, now),
      byKind: byKind(courses, (counts) => sum(counts, ([,, ms]) => ms))
    },
    files,
    filesTotal,
    ...(planned === undefined ? {} : { plan: JSON.parse(planned) as NonNullable<TaskSummary['plan']> }),
    headSeq,
    epoch
  }
}

function budgetOfTask (
  limitUsd: number | undefined, spentUsd: number | undefined, runs: readonly SummedRun[]
): TaskSummary['budget'] {
  const ofTask = budgetOf(limitUsd, spentUsd)
  const ofRuns = runs.flatMap(({ invocationId, budgetUsd, usage }) => {
    const budget = budgetOf(budgetUsd, usage?.costUsd)
    return budget === undefined ? [] : [{ invocationId, ...budget }]
  })
  if (ofTask === undefined && ofRuns.length === 0) return undefined
  const exceeded = ofRuns.filter(({ isExceeded }) => isExceeded)
  return {
    ...(ofTask === undefined ? {} : { limitUsd: ofTask.limitUsd }),
    spentUsd: roundUsd(spentUsd ?? 0),
    isExceeded: ofTask?.isExceeded === true || exceeded.length > 0,
    invocations: exceeded.slice(-MAX_EXCEEDED)
  }
}

/** Up to now, where it goes on. */
function courseOf ({ status, tally, progress }: SummedRun, now: number): RunTally {
  if (status !== 'running') return tally
  const course = copyTally(tally)
  spendUntil(course, progress, now)
  return course
}

function failureOf (runs: readonly SummedRun[]): TaskSummary['failure'] {
  const ended = runs.filter(({ status }) => status !== 'running')
  const last = ended.reduce<SummedRun | undefined>((latest, run) =>
    latest === undefined || (run.completedAt ?? 0) >= (latest.completedAt ?? 0) ? run : latest, undefined)
  return last?.failure && { invocationId: last.invocationId, ...last.failure }
}

function countRuns (runs: readonly SummedRun[]): TaskSummary['runs'] {
  const counts = { total: runs.length, running: 0, completed: 0, failed: 0, timeout: 0 }
  for (const { status } of runs) counts[status]++
  return counts
}

function spanOf (runs: readonly SummedRun[], now: number) {
  let [from, last]: [number | undefined, number | undefined] = [undefined, undefined]
  for (const run of runs) {
    if (run.startedAt !== undefined) from = Math.min(from ?? run.startedAt, run.startedAt)
    const times = [run.startedAt, run.lastActivityAt, run.completedAt].filter((at) => at !== undefined)
    if (times.length > 0) last = Math.max(last ?? -Infinity, ...times)
  }
  const isRunning = runs.some(({ status }) => status === 'running')
  const until = isRunning ? Math.max(now, last ?? now) : last
  return { from, last, elapsedMs: from === undefined || until === undefined ? 0 : until - from }
}

/** Of the time between the first start and the last end what no run covers. */
function betweenRuns (runs: readonly SummedRun[], now: number): number {
  const spans = runs.flatMap(({ startedAt, completedAt, lastActivityAt, status }) => startedAt === undefined
    ? []
    : [[startedAt, status === 'running' ? Infinity : completedAt ?? lastActivityAt ?? startedAt] as const])
  spans.sort(([a], [b]) => a - b)
  let gaps = 0
  let covered = spans[0]?.[0] ?? now
  for (const [from, to] of spans) {
    gaps += Math.max(0, from - covered)
    covered = Math.max(covered, to)
  }
  return gaps
}

type Counts = NonNullable<RunTally['kinds'][ToolKind]>

function byKind<Value> (
  courses: readonly RunTally[], combine: (counts: readonly Counts[]) => Value
): Partial<Record<ToolKind, Value>> {
  const counts = new Map<ToolKind, Counts[]>()
  for (const { kinds } of courses) {
    for (const [kind, count] of Object.entries(kinds) as Array<[ToolKind, Counts]>) {
      counts.set(kind, [...counts.get(kind) ?? [], count])
    }
  }
  return Object.fromEntries([...counts].map(([kind, all]) => [kind, combine(all)]))
}

function sum<Item> (items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0)
}
