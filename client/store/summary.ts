import type { ConnectionState } from '../connection/connection-state.js'
import { indexOfSeq, type TaskRow, type ToolRow } from './rows.js'
import type { Invocation, TimelineState } from './state.js'

/** The one word about a task; each has an icon of its own too. */
export type Verdict = 'none' | 'running' | 'waiting' | 'completed' | 'failed' | 'timeout' | 'lost'

export interface Summary {
  readonly verdict: Verdict
  /** Invocations that run, oldest first. */
  readonly running: readonly Invocation[]
  /** The invocation the verdict speaks of. */
  readonly invocation?: Invocation
  /** The task's last change, where that is what the verdict rests on: its end, which no invocation's end tells of. */
  readonly change?: TaskRow
  /** The tool call that has been open longest, if one is. */
  readonly openTool?: ToolRow
  /** Something may happen at any time: the live panel is shown. */
  readonly isActive: boolean
}

/** A cut shorter than this is none of the reader's concern; the status bar shows it at once. */
const LOST_AFTER_MS = 5_000
const ACTIVE = ['in_progress', 'review']

/**
 * Says what the data says about a task, and no more. A later health verdict of a running invocation takes the place of
 * `running` here.
 *
 * @param nowMs the browser's clock, which the connection's times are in
 */
export function summarise (state: TimelineState, connection: ConnectionState, nowMs: number): Summary {
  const running = [...state.invocations.values()].filter(({ status }) => status === 'running')
  const isActive = running.length > 0 || ACTIVE.includes(state.task.status ?? '')
  const isLost = 'sinceMs' in connection && nowMs - connection.sinceMs >= LOST_AFTER_MS
  const openTool = findOpenTool(state)
  const last = lastEnded(state)
  const base = { running, isActive, openTool, invocation: running[0] ?? last }
  if (isLost && isActive) return { ...base, verdict: 'lost' }
  if (running.length > 0) {
    const isWaiting = openTool === undefined && running.every(({ waitingFor }) => waitingFor !== undefined)
    return { ...base, verdict: isWaiting ? 'waiting' : 'running' }
  }
  if (state.task.status === 'completed') return { ...base, verdict: 'completed' }
  // An agent may do its work well and the task fail of it.
  if (state.task.status === 'failed') return { ...base, verdict: 'failed', change: findChange(state, 'failed') }
  if (last === undefined) return { ...base, verdict: 'none' }
  // That an agent failed says more than that none is running.
  if (isActive && last.status === 'completed') return { ...base, verdict: 'waiting' }
  return { ...base, verdict: last.status as Verdict }
}

/** What all invocations cost together, in USD, as far as agents told. */
export function totalCostUsd (state: TimelineState): number | undefined {
  let sum: number | undefined
  for (const { usage } of state.invocations.values()) {
    if (usage?.costUsd !== undefined) sum = (sum ?? 0) + usage.costUsd
  }
  return sum
}

/** When the first thing that is known happened; Infinity before anything did. */
export function startedAtMs (state: TimelineState): number {
  const starts = [...state.invocations.values()].map((invocation) => invocation.startedAtMs)
  return Math.min(...[state.rows[0]?.atMs, ...starts].map((ms) => ms || Infinity))
}

function findOpenTool (state: TimelineState): ToolRow | undefined {
  for (const seq of state.openCalls.values()) {
    const row = state.rows[indexOfSeq(state.rows, seq)]
    if (row?.kind === 'tool' && row.status === 'running') return row
  }
  return undefined
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
  for (const invocation of state.invocations.values()) {
    if (invocation.endedAtMs !== undefined && invocation.endedAtMs >= (last?.endedAtMs ?? 0)) last = invocation
  }
  return last
}
