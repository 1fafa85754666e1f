import type { TaskRow, TaskState, UsageSum } from '../model/answers.js'
import type { Health } from '../model/events.js'
import { addUsage, sumUsage, type UsedRun } from './usage-sum.js'

/** What is kept of a task for the list. JSON as it is stored. */
export interface ListedTask {
  readonly title: string | undefined
  readonly runs: number
  readonly startedAt: string | undefined
  readonly endedAt: string | undefined
  readonly who: string | null
  readonly outcomes: string | null
  readonly usage: string | null
  readonly failure: string | null
}

/** What is known of a task, to be shown in one row. */
export interface TaskRowParts {
  readonly taskId: string
  readonly state: TaskState
  /** ISO-8601; empty where nobody knows. */
  readonly since: string
  readonly entry: ListedTask | undefined
  readonly isRunning: boolean
  /** The worst verdict on what runs. */
  readonly worst: Health | undefined
  /** What the running invocations have used so far. */
  readonly used: readonly UsedRun[]
  readonly recent: readonly number[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A row of the list of tasks. */
export function toTaskRow (parts: TaskRowParts): TaskRow {
  const { taskId, state, since, entry, isRunning, worst, used, recent, now } = parts
  const failure = read<TaskRow['failure']>(entry?.failure, undefined)
  const from = entry?.startedAt === undefined ? undefined : Date.parse(entry.startedAt)
  const last = entry?.endedAt === undefined ? undefined : Date.parse(entry.endedAt)
  const until = isRunning ? Math.max(now, last ?? now) : last
  return {
    id: taskId,
    ...(entry?.title === undefined ? {} : { title: entry.title }),
    state,
    ...(since === '' ? {} : { since }),
    ...(worst === undefined ? {} : { now: nowOf(worst, now) }),
    who: read<TaskRow['who']>(entry?.who, []),
    runs: entry?.runs ?? 0,
    ...(entry?.startedAt === undefined ? {} : { startedAt: entry.startedAt }),
    ...(isRunning || entry?.endedAt === undefined ? {} : { endedAt: entry.endedAt }),
    elapsedMs: from === undefined || until === undefined ? 0 : Math.max(0, until - from),
    usage: addUsage([read<UsageSum>(entry?.usage, { isProvisional: false }), sumUsage(used)]),
    ...(failure === undefined ? {} : { failure }),
    recent,
    outcomes: read<TaskRow['outcomes']>(entry?.outcomes, [])
  }
}

/** What we wrote ourselves. */
function read<Value> (json: string | null | undefined, otherwise: Value): Value {
  return json === null || json === undefined ? otherwise : JSON.parse(json) as Value
}

/** Its call, what it waits for, or else what the verdict says of it. */
function nowOf ({ tool, waitingFor, because, since }: Health, now: number): { text: string, elapsedMs: number } {
  if (tool !== undefined) return { text: tool.message, elapsedMs: tool.elapsedMs }
  const text = waitingFor === undefined ? because[0] ?? '' : `waiting: ${waitingFor.what}`
  return { text, elapsedMs: Math.max(0, now - Date.parse(since)) }
}
