import type { TaskState } from '../../lib/model/answers.js'
import type { Health, HealthState } from '../../lib/model/events.js'
import { indexOfSeq, type TaskRow, type ToolRow } from './rows.js'
import type { Invocation, TimelineState } from './state.js'

/**
 * The one word about a task; each has an icon of its own too. `running` where the server gives no verdict,
 * `disconnected` where it cannot be heard.
 */
export type Verdict = HealthState | 'needs_you' | 'not_running' | 'none' | 'running' | 'completed' | 'failed' | 'timeout' | 'disconnected'

export interface Summary {
  readonly verdict: Verdict
  /** Invocations that run, oldest first. */
  readonly running: readonly Invocation[]
  /** The invocation the verdict speaks of. */
  readonly invocation?: Invocation
  /** The task's last change, where that is what the verdict rests on: its end, which no run's end shows. */
  readonly change?: TaskRow
  /** The tool call of that invocation that has been open longest, else of any. */
  readonly openTool?: ToolRow
  /** Something may happen at any time: the live panel is shown. */
  readonly isActive: boolean
}

/** Best first; what is not here is as good as `working`: lists must not jump with every tool call. */
const TROUBLES: readonly HealthState[] = ['waiting', 'unknown', 'quiet', 'looping', 'stuck', 'lost']
const ACTIVE = ['in_progress', 'review']

/** How bad a verdict is: 0 for one that needs nobody. */
export function badnessOf (health: Health | undefined): number {
  return TROUBLES.indexOf(health?.state as HealthState) + 1
}

/**
 * Says what the data says about a task, and no more.
 *
 * @param isLost the server cannot be heard: what it said last is no news
 * @param told the state of the task in the server's last summary, which knows what is usual between runs
 */
export function summarise (state: TimelineState, isLost: boolean, told?: TaskState): Summary {
  const running = [...state.runsById.values()].filter(({ status }) => status === 'running')
  const isActive = running.length > 0 || ACTIVE.includes(state.task.status ?? '')
  const worst = [...running].sort((a, b) => badnessOf(b.health) - badnessOf(a.health))[0]
  const openTool = findOpenTool(state, worst)
  const last = lastEnded(state)
  const base = { running, isActive, openTool, invocation: worst ?? last }
  if (isLost && isActive) return { ...base, verdict: 'disconnected' }
  if (worst !== undefined) {
    const needsPerson = worst.health?.state === 'waiting' && worst.health.waitingFor?.kind === 'person'
    return { ...base, verdict: needsPerson ? 'needs_you' : worst.health?.state ?? 'running' }
  }
  if (told === 'not_running') return { ...base, verdict: told }
  if (state.task.status === 'completed') return { ...base, verdict: 'completed' }
  // An agent may do its work well and the task fail of it.
  if (state.task.status === 'failed') return { ...base, verdict: 'failed', change: findChange(state, 'failed') }
  if (last === undefined) return { ...base, verdict: 'none' }
  // That an agent failed says more than that none is running.
  if (isActive && last.status === 'completed') return { ...base, verdict: 'waiting' }
  return { ...base, verdict: last.status as Verdict }
}

/** What all runs cost together, in USD, as far as agents reported it. */
export function totalCostUsd (state: TimelineState): number | undefined {
  let sum: number | undefined
  for (const { usage } of state.runsById.values()) {
    if (usage?.costUsd !== undefined) sum = (sum ?? 0) + usage.costUsd
  }
  return sum
}

/** When the first thing that is known happened; Infinity before anything did. */
export function startedAtMs (state: TimelineState): number {
  const starts = [...state.runsById.values()].map((invocation) => invocation.startedAtMs)
  return Math.min(...[state.rows[0]?.atMs, ...starts].map((ms) => ms || Infinity))
}

function findOpenTool ({ rows, openCalls }: TimelineState, worst: Invocation | undefined): ToolRow | undefined {
  const open = [...openCalls.values()].map((seq) => rows[indexOfSeq(rows, seq)])
    .filter((row) => row?.kind === 'tool' && row.status === 'running') as ToolRow[]
  return open.find(({ invocationId }) => invocationId === worst?.id) ?? open[0]
}

function findChange (state: TimelineState, change: string): TaskRow | undefined {
  for (let index = state.rows.length - 1; index >= 0; index--) {
    const row = state.rows[index]!
    if (row.kind === 'task') return row.change === change ? row : undefined
  }
  return undefined
}

function lastEnded (state: TimelineState): Invocation | undefined {
  let last: Invocation | undefined
  for (const invocation of state.runsById.values()) {
    if (invocation.endedAtMs !== undefined && invocation.endedAtMs >= (last?.endedAtMs ?? 0)) last = invocation
  }
  return last
}
