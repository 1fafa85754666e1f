import type { TaskState } from '../model/answers.js'
import type { Health, InvocationStatus } from '../model/events.js'

/** A run as far as the state of its task depends on it. Times are milliseconds since the epoch. */
export interface RunOutcome {
  readonly role: string
  readonly status: InvocationStatus
  readonly startedAt: number | undefined
  readonly completedAt: number | undefined
  /** Of one that runs. */
  readonly health?: Health | undefined
}

/** What the host says of its task. */
export interface HostWord {
  readonly status?: string | undefined
  /** When it last changed it, in milliseconds since the epoch. */
  readonly changedAt?: number | undefined
}

/** How long nothing may run on a task that is active before somebody should know, in milliseconds. */
export const USUAL_GAP_MS = 10 * 60_000

/** The host's words for a task on which something should run. */
const ACTIVE = /^(?:in[_-]?progress|running|started|working|active|review|in[_-]?review|rejected)$/i
/** Its words for one that is over, whatever its runs say. */
const OVER = /^(?:completed?|done|closed|cancell?ed|merged|archived|finished)$/i

/**
 * The state of a task, from its runs and what its host says of it.
 *
 * @param runs oldest first
 * @param host its status, where it has one, and when it last said something of the task
 * @param now milliseconds since the epoch
 */
export function taskState (
  runs: readonly RunOutcome[], { status, changedAt }: HostWord, now: number
): { readonly state: TaskState, readonly since: number | undefined } {
  const running = runs.filter((run) => run.status === 'running')
  if (running.length > 0) return stateOfRunning(running)
  const last = runs.reduce<RunOutcome | undefined>((latest, run) =>
    latest === undefined || endOf(run) >= endOf(latest) ? run : latest, undefined)
  const endedAt = last === undefined ? undefined : endOf(last)
  if (status !== undefined && ACTIVE.test(status)) {
    const idleSince = Math.max(endedAt ?? 0, changedAt ?? 0)
    const isIdle = idleSince > 0 && now - idleSince > USUAL_GAP_MS
    return { state: isIdle ? 'not_running' : 'working', since: idleSince === 0 ? undefined : idleSince }
  }
  const isOver = status !== undefined && OVER.test(status)
  return { state: !isOver && hasOpenFailure(runs) ? 'failed' : 'done', since: endedAt }
}

function endOf (run: RunOutcome): number {
  return run.completedAt ?? run.startedAt ?? 0
}

/** Worst first. */
const OF_HEALTH: ReadonlyArray<readonly [TaskState, (health: Health) => boolean]> = [
  ['needs_you', ({ state, waitingFor }) => state === 'waiting' && waitingFor?.kind === 'person'],
  ['stuck', ({ state }) => state === 'stuck' || state === 'looping' || state === 'lost'],
  ['quiet', ({ state }) => state === 'quiet'],
  ['unknown', ({ state }) => state === 'unknown']
]

function stateOfRunning (
  running: readonly RunOutcome[]
): { readonly state: TaskState, readonly since: number | undefined } {
  for (const [state, isSo] of OF_HEALTH) {
    const since = running.flatMap(({ health }) =>
      health !== undefined && isSo(health) ? [Date.parse(health.since)] : [])
    if (since.length > 0) return { state, since: Math.min(...since) }
  }
  const starts = running.flatMap(({ startedAt }) => startedAt === undefined ? [] : [startedAt])
  return { state: 'working', since: starts.length === 0 ? undefined : Math.min(...starts) }
}

/** The last run of a role failed, and none of that role completed later. */
export function hasOpenFailure (runs: ReadonlyArray<Pick<RunOutcome, 'role' | 'status'>>): boolean {
  const last = new Map<string, InvocationStatus>()
  for (const { role, status } of runs) last.set(role, status)
  return [...last.values()].some((status) => status === 'failed' || status === 'timeout')
}
