import { timelineError } from '../errors.js'
import { taskState } from '../insight/task-state.js'
import { decodeTally, RECENT_MINUTES, sumRecent } from '../insight/tally.js'
import { TASK_STATES, type TaskFilter, type TaskList, type TaskRow, type TaskState } from '../model/answers.js'
import type { Health } from '../model/events.js'
import { checkTaskId } from '../options.js'
import { DEFAULT_TASK_LIMIT } from '../store/limits.js'
import type { EndedState, EndedTask, LiveTask, TaskListReader } from '../store/task-list.js'
import type { TaskScope } from '../store/task-scope.js'
import { parseTime, toIso, type Clock } from '../time/clock.js'
import { toTaskRow } from '../view/task-row.js'
import type { HealthMonitor } from './health-monitor.js'
import { rankOfHealth } from './with-health.js'

export interface TaskListParts {
  readonly tasks: TaskListReader
  readonly health: Pick<HealthMonitor, 'healthOf'>
  readonly scope?: TaskScope | undefined
  readonly now: Clock
}

/** A task at its place in the list. */
interface Place {
  readonly taskId: string
  readonly state: TaskState
  /** ISO-8601; empty where nobody knows. */
  readonly since: string
  readonly live?: LiveTask
  readonly health?: readonly Health[]
}

/** Where a page ends, and when the first one was asked for. */
interface Position {
  readonly at: string
  readonly state: TaskState
  readonly since: string
  readonly taskId: string
}

/**
 * A page of the tasks, worst first, and in a state those first that came into it last.
 *
 * The order is that of the first page: what has changed its state since is not moved to a later one.
 *
 * @throws AGENT_TIMELINE_INVALID_CURSOR
 */
export async function listTasks (parts: TaskListParts, filter: TaskFilter = {}): Promise<TaskList> {
  const { tasks, scope, now } = parts
  const { limit = DEFAULT_TASK_LIMIT } = filter
  const text = filter.q?.trim().toLowerCase() || undefined
  const position = filter.cursor === undefined ? undefined : parsePosition(filter.cursor)
  const wanted = new Set<TaskState>(filter.state === undefined ? TASK_STATES : [filter.state].flat())
  await tasks.refresh()
  const nowMs = now()
  const at = position?.at ?? toIso(nowMs)
  const live = await judge(parts, await tasks.live(scope, text), nowMs)
  const found = text === undefined ? undefined : await tasks.find(text, scope)
  const counts = countStates(live, found ?? await tasks.countEnded(scope))
  const places: Place[] = []
  for (const state of TASK_STATES) {
    if (!wanted.has(state) || places.length > limit) continue
    if (position !== undefined && rankOf(state) < rankOf(position.state)) continue
    const after = position?.state === state ? position : undefined
    const some: readonly Place[] = live.filter((place) => place.state === state)
    const missing = limit + 1 - places.length
    const ended = isEnded(state)
      ? found?.filter((place) => place.state === state) ??
        await tasks.ended({ state, until: at, limit: missing, ...(after && { after }) }, scope)
      : []
    const behind = [...some, ...ended].filter((place) =>
      (position === undefined || place.since <= at) && (after === undefined || isBehind(place, after)))
    places.push(...behind.sort((a, b) => isBehind(a, b) ? 1 : -1).slice(0, missing))
  }
  const page = places.slice(0, limit)
  const last = page.at(-1)
  return {
    tasks: await toRows(parts, page, nowMs),
    counts,
    page: { nextCursor: places.length > limit && last !== undefined ? encodePosition({ ...last, at }) : null }
  }
}

function isEnded (state: TaskState): state is EndedState {
  return state === 'failed' || state === 'done'
}

function rankOf (state: TaskState): number {
  return TASK_STATES.indexOf(state)
}

/** Of two places in the same state. */
function isBehind (a: Pick<Place, 'since' | 'taskId'>, b: Pick<Place, 'since' | 'taskId'>): boolean {
  return a.since === b.since ? a.taskId < b.taskId : a.since < b.since
}

async function judge ({ health }: TaskListParts, live: readonly LiveTask[], now: number): Promise<Place[]> {
  const verdicts = await health.healthOf(live.flatMap(({ running }) => running.map(({ invocationId }) => invocationId)))
  return live.map((task) => {
    const { running, status, changedAt, endedAt } = task
    const outcomes = running.map((run) => ({
      ...run, status: 'running' as const, completedAt: undefined, health: verdicts.get(run.invocationId)
    }))
    const ended = endedAt === undefined
      ? []
      : [{ role: '', status: 'completed' as const, startedAt: endedAt, completedAt: endedAt }]
    const { state, since } = taskState(running.length > 0 ? outcomes : ended, { status, changedAt }, now)
    return {
      taskId: task.taskId,
      state,
      since: since === undefined || since === 0 ? '' : toIso(since),
      live: task,
      health: outcomes.flatMap((run) => run.health === undefined ? [] : [run.health])
    }
  })
}

function countStates (live: readonly Place[], ended: readonly EndedTask[] | Readonly<Record<EndedState, number>>): TaskList['counts'] {
  const counts = Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as Record<TaskState, number>
  for (const { state } of live) counts[state]++
  if ('failed' in ended) {
    counts.failed += ended.failed
    counts.done += ended.done
  } else {
    for (const { state } of ended) counts[state]++
  }
  return counts
}

function worstOf ({ health = [] }: Place): Health | undefined {
  return [...health].sort((a, b) => rankOfHealth(a) - rankOfHealth(b))[0]
}

async function toRows ({ tasks }: TaskListParts, places: readonly Place[], now: number): Promise<TaskRow[]> {
  const ids = places.map(({ taskId }) => taskId)
  const entries = await tasks.entries(ids)
  const isRunning = ({ live }: Place) => live !== undefined && live.running.length > 0
  const used = await tasks.runningUse(places.filter(isRunning).map(({ taskId }) => taskId))
  const recently = toIso(now - RECENT_MINUTES * 60_000)
  const rows: TaskRow[] = []
  for (const place of places) {
    const entry = entries.get(place.taskId)
    const isRecent = isRunning(place) || (entry?.endedAt ?? '') >= recently
    const tallies = isRecent ? await tasks.recentTallies(place.taskId, recently) : []
    rows.push(toTaskRow({
      ...place,
      entry,
      isRunning: isRunning(place),
      worst: worstOf(place),
      used: used.get(place.taskId) ?? [],
      recent: sumRecent(tallies.map((tally) => decodeTally(tally, 0)), now),
      now
    }))
  }
  return rows
}

function encodePosition ({ at, state, since, taskId }: Position): string {
  return Buffer.from(JSON.stringify([at, state, since, taskId])).toString('base64url')
}

/** @throws AGENT_TIMELINE_INVALID_CURSOR */
function parsePosition (cursor: string): Position {
  try {
    const [at, state, since, taskId, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[]
    const isWhole = [at, state, since, taskId].every((part) => typeof part === 'string') && rest.length === 0
    const hasTimes = parseTime(at) !== undefined && (since === '' || parseTime(since) !== undefined)
    if (isWhole && hasTimes && TASK_STATES.includes(state as TaskState)) {
      return { at, state, since, taskId: checkTaskId(taskId) } as Position
    }
  } catch {
    // Said below.
  }
  throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', [JSON.stringify(cursor.slice(0, 100)), 'take it from page.nextCursor'])
}
