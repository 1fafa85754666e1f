import { sql, type Kysely } from 'kysely'
import { parseTime } from '../../time/clock.js'
import { nextTurn } from '../../time/timers.js'
import type { UsedRun } from '../../view/usage-sum.js'
import { isWithin } from '../dialect.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import {
  SECTIONS, type EndedQuery, type EndedState, type EndedTask, type ListedRun, type LiveTask, type TaskEntry,
  type TaskListReader
} from '../task-list.js'
import { inScope, type TaskScope } from '../task-scope.js'
import { readUsageColumns, USAGE_COLUMNS } from './usage-columns.js'

type Read = <T>(query: (db: Kysely<Tables>) => Promise<T>) => Promise<T>

/** More do not run at once. */
const MAX_LIVE = 5_000
/** Of a live task so many of its last calls are looked through, since its entry does not have them yet. */
const LAST_CALLS = 200
/** Entries that are looked through in one query. */
const ENTRIES_A_STEP = 5_000
const LAST_RUNS = 30

/** The list of tasks from the entries of one database. */
export function createTaskListReader (read: Read, refresh: () => Promise<void>): TaskListReader {
  return {
    refresh,
    live: (scope, text) => read((db) => readLive(db, scope, text)),
    countEnded: (scope) => read((db) => countEnded(db, scope)),
    ended: (query, scope) => read((db) => readEnded(db, query, scope)),
    find: (text, scope) => findEnded(read, text, scope),
    runningUse: (taskIds) => read((db) => readRunningUse(db, taskIds)),
    entries: (taskIds) => read((db) => readEntries(db, taskIds)),
    recentTallies: (taskId, after) => read(async (db) => {
      const rows = await db.selectFrom('invocation_run').select(['tally', 'last_activity_at']).where('task_id', '=', taskId)
        .orderBy('invocation_id', 'desc').limit(limitTo(LAST_RUNS)).execute()
      return rows.flatMap(({ tally, last_activity_at: at }) => tally !== null && (at ?? '') >= after ? [tally] : [])
    })
  }
}

async function readLive (
  db: Kysely<Tables>, scope: TaskScope | undefined, text: string | undefined
): Promise<LiveTask[]> {
  const runs = await db.selectFrom('invocation_run').select(['invocation_id', 'task_id', 'role', 'started_at'])
    .where('status', '=', 'running').$if(scope !== undefined, (select) => select.where(inScope(db, 'task_id', scope as TaskScope)))
    .orderBy('invocation_id', 'desc').limit(limitTo(MAX_LIVE)).execute()
  const running = new Map<string, ListedRun[]>()
  for (const { invocation_id: id, task_id: taskId, role, started_at: startedAt } of runs) {
    const run = { invocationId: Number(id), taskId, role, startedAt: parseTime(startedAt) }
    running.set(taskId, [run, ...running.get(taskId) ?? []])
  }
  const columns = ['task_id', 'status', 'changed_at', 'since'] as const
  const entries = await db.selectFrom('task_entry').select(columns).select(hasText(db, text).as('matches'))
    .where('section', '=', SECTIONS.live).$if(scope !== undefined, (select) => select.where(inScope(db, 'task_id', scope as TaskScope)))
    .limit(limitTo(MAX_LIVE)).execute()
  const known = new Map(entries.map((entry) => [entry.task_id, entry]))
  const live: LiveTask[] = []
  for (const taskId of new Set([...known.keys(), ...running.keys()])) {
    const entry = known.get(taskId)
    const isFound = text === undefined || Number(entry?.matches) === 1 || await hasCalled(db, taskId, text)
    if (!isFound) continue
    live.push({
      taskId,
      status: entry?.status ?? undefined,
      changedAt: parseTime(entry?.changed_at),
      endedAt: parseTime(entry?.since || undefined),
      running: running.get(taskId) ?? []
    })
  }
  return live
}

function hasText (db: Kysely<Tables>, text: string | undefined) {
  return text === undefined ? sql<boolean>`1 = 1` : isWithin(db, text, 'words')
}

async function hasCalled (db: Kysely<Tables>, taskId: string, text: string): Promise<boolean> {
  const rows = await db.selectFrom('tool_call').select(['message', 'first_error']).where('task_id', '=', taskId)
    .orderBy('seq', 'desc').limit(limitTo(LAST_CALLS)).execute()
  return rows.some(({ message, first_error: error }) => `${message}\n${error ?? ''}`.toLowerCase().includes(text))
}

const STATES: ReadonlyArray<readonly [number, EndedState]> = [[SECTIONS.failed, 'failed'], [SECTIONS.done, 'done']]

/** Not those of which something runs meanwhile: their entry is not up to date yet. */
function selectEnded (db: Kysely<Tables>, scope: TaskScope | undefined) {
  const select = db.selectFrom('task_entry').where((eb) => eb.not(eb.exists(
    eb.selectFrom('invocation_run').select('invocation_id').where('status', '=', 'running').whereRef('task_id', '=', 'task_entry.task_id'))))
  return scope === undefined ? select : select.where(inScope(db, 'task_entry.task_id', scope))
}

async function countEnded (db: Kysely<Tables>, scope: TaskScope | undefined): Promise<Record<EndedState, number>> {
  const counts = { failed: 0, done: 0 }
  let select = db.selectFrom('task_entry').select((eb) => ['section', eb.fn.countAll<number>().as('count')])
    .where('section', 'in', [SECTIONS.failed, SECTIONS.done])
  if (scope !== undefined) select = select.where(inScope(db, 'task_id', scope))
  const [rows, restarted] = [
    await select.groupBy('section').execute(),
    // Something runs of them meanwhile: their entry is not up to date yet.
    await db.selectFrom('invocation_run').innerJoin('task_entry', 'task_entry.task_id', 'invocation_run.task_id')
      .select(['task_entry.task_id', 'section']).distinct().where('invocation_run.status', '=', 'running')
      .where('section', 'in', [SECTIONS.failed, SECTIONS.done])
      .$if(scope !== undefined, (some) => some.where(inScope(db, 'task_entry.task_id', scope as TaskScope))).execute()
  ]
  for (const [section, state] of STATES) {
    const all = Number(rows.find((row) => Number(row.section) === section)?.count ?? 0)
    counts[state] = all - restarted.filter((row) => Number(row.section) === section).length
  }
  return counts
}

async function readEnded (
  db: Kysely<Tables>, { state, after, until, limit }: EndedQuery, scope: TaskScope | undefined
): Promise<EndedTask[]> {
  let select = selectEnded(db, scope).select(['task_id', 'since']).where('section', '=', SECTIONS[state]).where('since', '<=', until)
  if (after !== undefined) {
    select = select.where(sql<boolean>`(since, task_id) < (${after.since}, ${after.taskId})`)
  }
  const rows = await select.orderBy('since', 'desc').orderBy('task_id', 'desc').limit(limitTo(limit)).execute()
  return rows.map(({ task_id: taskId, since }) => ({ taskId, since, state }))
}

async function findEnded (read: Read, text: string, scope: TaskScope | undefined): Promise<EndedTask[]> {
  const found: EndedTask[] = []
  for (let after = ''; ;) {
    const end = await read((db) => db.selectFrom('task_entry').select('task_id').where('task_id', '>', after)
      .orderBy('task_id').offset(limitTo(ENTRIES_A_STEP - 1)).limit(limitTo(1)).executeTakeFirst())
    const rows = await read((db) => {
      let select = selectEnded(db, scope).select(['task_id', 'since', 'section'])
        .where('section', 'in', [SECTIONS.failed, SECTIONS.done]).where('task_id', '>', after)
        .where(isWithin(db, text, 'words'))
      if (end !== undefined) select = select.where('task_id', '<=', end.task_id)
      return select.execute()
    })
    for (const { task_id: taskId, since, section } of rows) {
      found.push({ taskId, since, state: Number(section) === SECTIONS.failed ? 'failed' : 'done' })
    }
    if (end === undefined) return found
    after = end.task_id
    await nextTurn()
  }
}

async function readRunningUse (
  db: Kysely<Tables>, taskIds: readonly string[]
): Promise<ReadonlyMap<string, readonly UsedRun[]>> {
  if (taskIds.length === 0) return new Map()
  const rows = await db.selectFrom('invocation_run').select(['task_id', 'model', ...USAGE_COLUMNS])
    .where('status', '=', 'running').where('task_id', 'in', [...taskIds]).execute()
  const used = new Map<string, UsedRun[]>()
  for (const row of rows) {
    const run: UsedRun = { status: 'running', model: row.model ?? undefined, usage: readUsageColumns(row), isUsageFinal: false }
    used.set(row.task_id, [...used.get(row.task_id) ?? [], run])
  }
  return used
}

async function readEntries (db: Kysely<Tables>, taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskEntry>> {
  if (taskIds.length === 0) return new Map()
  const rows = await db.selectFrom('task_entry')
    .select(['task_id', 'title', 'runs', 'started_at', 'ended_at', 'who', 'outcomes', 'usage', 'failure'])
    .where('task_id', 'in', [...taskIds]).execute()
  return new Map(rows.map((row) => [row.task_id, {
    taskId: row.task_id,
    title: row.title ?? undefined,
    runs: Number(row.runs),
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    who: row.who,
    outcomes: row.outcomes,
    usage: row.usage,
    failure: row.failure
  }]))
}
