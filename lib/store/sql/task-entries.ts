import { sql, type Kysely, type Selectable } from 'kysely'
import { taskState } from '../../insight/task-state.js'
import type { InvocationStatus } from '../../model/events.js'
import { parseTime, type Clock } from '../../time/clock.js'
import { nextTurn } from '../../time/timers.js'
import { lockEntry } from '../dialect.js'
import type { HostRows } from '../host-rows.js'
import { limitTo, Statement } from '../statement.js'
import type { TaskEntryTable, Tables } from '../tables.js'
import { SECTIONS, type Section } from '../task-list.js'
import type { Database } from './database.js'
import { selectLastTaskEvent } from './event-rows.js'
import { withinSavepoint } from './savepoint.js'
import { TransactionGone } from './transaction-gone.js'
import { readUsageColumns } from './usage-columns.js'

/** Tasks that are put together in one transaction. */
const TASKS_A_STEP = 50
/** Of a task's runs so many are shown, and looked through for texts. */
const LAST_RUNS = 30
/** Of its calls so many are found by their text. */
const LAST_CALLS = 200
/** Characters that a search looks through. */
const MAX_WORDS = 8 * 1024

export interface RefreshOptions {
  /** At most so many tasks. */
  readonly limit: number
  /** How long a step waits for the lock, in milliseconds. */
  readonly patienceMs: number
  readonly now: Clock
  /** Its host's rows come into the log with it, where they decide; without it such a task stays marked. */
  readonly mayImport: boolean
  /** Told of a task whose host's rows came into the log with it. */
  readonly onImported: (taskIds: readonly string[]) => void
  readonly isStopped?: () => boolean
}

/** Puts the entries together again of which something has changed, in short steps. */
export async function refreshEntries (
  database: Database, { limit, patienceMs, now, mayImport, onImported, isStopped = () => false }: RefreshOptions
): Promise<void> {
  const statements = createEntryStatements()
  let after = ''
  for (let done = 0; done < limit && !isStopped();) {
    const rows = await database.read((db) => db.selectFrom('task_entry').select('task_id').where('is_stale', '=', sql.lit(1))
      .where('task_id', '>', after).orderBy('task_id').limit(limitTo(TASKS_A_STEP)).execute())
    if (rows.length === 0) return
    const imported = await database.write(
      (trx, host) => refreshWithin(
        trx, host, statements, rows.map(({ task_id: taskId }) => taskId), now(), mayImport), patienceMs)
    if (imported.length > 0) onImported(imported)
    after = rows.at(-1)?.task_id as string
    done += rows.length
    await nextTurn()
  }
}

/**
 * The same within a transaction. One that something is wrong with, its host's rows for example, stays marked.
 *
 * @returns the tasks whose host's rows came into the log
 */
export async function refreshWithin (
  trx: Kysely<Tables>, host: HostRows, statements: EntryStatements, taskIds: readonly string[], now: number,
  mayImport = true
): Promise<readonly string[]> {
  const imported: string[] = []
  for (const taskId of taskIds) {
    try {
      const refresh = () => refreshEntry(trx, host, statements, taskId, now, mayImport)
      if (await withinSavepoint(trx, refresh)) imported.push(taskId)
    } catch (error) {
      if (error instanceof TransactionGone) throw error
    }
  }
  return imported
}

/** @returns whether rows of its host came into the log */
async function refreshEntry (
  trx: Kysely<Tables>, host: HostRows, statements: EntryStatements, taskId: string, now: number, mayImport: boolean
): Promise<boolean> {
  await lockEntry(trx, taskId)
  const runs = await readRuns(trx, statements, taskId)
  let { status, title } = await host.getTask(trx, taskId) ?? { status: undefined, title: undefined }
  let isSettled = true
  let hasImported = false
  if (runs.section !== SECTIONS.live && stateOf(runs, status, undefined, now) === 'live') {
    // Since when nothing runs is what its host's own rows say.
    const { hasPending, recheckInMs } = await host.look(trx, taskId)
    const found = hasPending && mayImport ? await host.importPending(trx, taskId) : { imported: 0, recheckInMs }
    isSettled = found.recheckInMs === undefined && (mayImport || !hasPending)
    hasImported = found.imported > 0
    ;({ status, title } = await host.getTask(trx, taskId) ?? { status, title })
  }
  const changedAt = (await statements.lastTaskEvent.first(trx, { taskId }))?.created_at
  const isLive = runs.section === SECTIONS.live
  const section = isLive ? SECTIONS.live : SECTIONS[stateOf(runs, status, parseTime(changedAt), now)]
  if (runs.count === 0 && section === SECTIONS.none && title === undefined && status === undefined) {
    await statements.remove.run(trx, { taskId })
    return hasImported
  }
  const last = await readLastRuns(trx, statements, taskId)
  await statements.upsert.run(trx, {
    task_id: taskId,
    is_stale: isSettled ? 0 : 1,
    section,
    since: runs.endedAt ?? '',
    title: title ?? null,
    status: status ?? null,
    changed_at: changedAt ?? null,
    runs: runs.count,
    started_at: runs.startedAt,
    ended_at: runs.lastAt,
    who: JSON.stringify(last.who),
    outcomes: JSON.stringify(last.outcomes),
    usage: JSON.stringify(runs.usage),
    failure: runs.failure,
    words: await wordsOf(trx, statements, taskId, title, last.texts)
  })
  return hasImported
}

type Runs = Awaited<ReturnType<typeof readRuns>>

const HAS_USAGE = 'coalesce(input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd) IS NOT NULL'

/** Statements that put entries together; one set for each who does. */
export type EntryStatements = ReturnType<typeof createEntryStatements>

export function createEntryStatements () {
  type OfTask = { taskId: string }
  const count = (condition: string) => sql<number | null>`sum(CASE WHEN ${sql.raw(condition)} THEN 1 ELSE 0 END)`
  const ended = (column: string) => sql<number | null>`sum(CASE WHEN status <> 'running' THEN ${sql.ref(column)} END)`
  const ofTask = (db: Kysely<Tables>, { taskId }: OfTask) => db.selectFrom('invocation_run').where('task_id', '=', taskId)
  return {
    sums: new Statement((db, of: OfTask) => ofTask(db, of).select((eb) => [
      eb.fn.countAll<number>().as('count'),
      count("status = 'running'").as('running'),
      eb.fn.min('started_at').as('started_at'),
      sql<string | null>`max(CASE WHEN status <> 'running' THEN coalesce(completed_at, started_at) END)`.as('ended_at'),
      eb.fn.max('completed_at').as('last_completed_at'),
      eb.fn.max('last_activity_at').as('last_activity_at'),
      eb.fn.max('started_at').as('last_started_at'),
      ended('input_tokens').as('input_tokens'),
      ended('output_tokens').as('output_tokens'),
      ended('cache_read_tokens').as('cache_read_tokens'),
      ended('cache_write_tokens').as('cache_write_tokens'),
      ended('reasoning_tokens').as('reasoning_tokens'),
      ended('cost_usd').as('cost_usd'),
      count(`status <> 'running' AND usage IS NULL AND ${HAS_USAGE}`).as('untold'),
      count(`status <> 'running' AND cost_usd IS NULL AND ${HAS_USAGE}`).as('unpriced')
    ])),
    // Of each role the last run.
    roles: new Statement((db, of: OfTask) => db.selectFrom('invocation_run').select(['role', 'status'])
      .where('invocation_id', 'in', ofTask(db, of).select((eb) => eb.fn.max('invocation_id').as('id')).groupBy('role'))),
    unpriced: new Statement((db, of: OfTask) => ofTask(db, of).select(sql<string>`coalesce(nullif(model, ''), 'unknown')`.as('name'))
      .distinct().where('status', '<>', 'running').where('cost_usd', 'is', null).where(sql<boolean>`${sql.raw(HAS_USAGE)}`)),
    lastEnded: new Statement((db, of: OfTask) => ofTask(db, of).select(['invocation_id', 'failure']).where('status', '<>', 'running')
      .orderBy('completed_at', (order) => order.desc().nullsLast()).orderBy('invocation_id', 'desc').limit(limitTo(1))),
    lastRuns: new Statement((db, of: OfTask) => ofTask(db, of)
      .select(['role', 'provider', 'model', 'status', 'error', 'failure']).orderBy('invocation_id', 'desc').limit(limitTo(LAST_RUNS))),
    lastCalls: new Statement((db, { taskId }: OfTask) => db.selectFrom('tool_call').select(['message', 'first_error'])
      .where('task_id', '=', taskId).orderBy('seq', 'desc').limit(limitTo(LAST_CALLS))),
    lastTaskEvent: new Statement((db, { taskId }: OfTask) => selectLastTaskEvent(db, taskId)),
    upsert: new Statement((db, entry: StoredEntry) => db.insertInto('task_entry').values(pick(entry))
      .onConflict((conflict) => conflict.column('task_id').doUpdateSet((eb) => Object.fromEntries(
        COLUMNS.map((name) => [name, eb.ref(`excluded.${name}`)]))))),
    remove: new Statement((db, { taskId }: OfTask) => db.deleteFrom('task_entry').where('task_id', '=', taskId))
  }
}

const COLUMNS = [
  'task_id', 'is_stale', 'section', 'since', 'title', 'status', 'changed_at', 'runs', 'started_at', 'ended_at', 'who', 'outcomes',
  'usage', 'failure', 'words'
] as const
type StoredEntry = { [name in typeof COLUMNS[number]]: Selectable<TaskEntryTable>[name] }

/** Each value by itself: while a statement is built they are not there yet. */
function pick (entry: StoredEntry): StoredEntry {
  return Object.fromEntries(COLUMNS.map((name) => [name, entry[name]])) as StoredEntry
}

/** What is known of a task's runs that ended, by sums that are made where they are stored. */
async function readRuns (db: Kysely<Tables>, statements: EntryStatements, taskId: string) {
  const row = await statements.sums.first(db, { taskId })
  if (row === undefined) throw new TypeError('a sum is always one row')
  const { rows: roles } = await statements.roles.run(db, { taskId })
  const lastEnded = await statements.lastEnded.first(db, { taskId })
  const unpriced = Number(row.unpriced ?? 0) === 0 ? [] : (await statements.unpriced.run(db, { taskId })).rows
  return {
    count: Number(row.count),
    section: Number(row.running ?? 0) > 0 ? SECTIONS.live : SECTIONS.none as Section,
    roles: roles.map(({ role, status }) => ({ role, status: status as InvocationStatus })),
    startedAt: row.started_at,
    endedAt: row.ended_at,
    lastAt: [row.last_completed_at, row.last_activity_at, row.last_started_at]
      .filter((at) => at !== null).sort().at(-1) ?? null,
    failure: failureOf(lastEnded),
    usage: {
      ...readUsageColumns(row),
      ...(Number(row.untold ?? 0) > 0 ? { isProvisional: true } : {}),
      ...(unpriced.length > 0 ? { unpriced: unpriced.map(({ name }) => name).sort() } : {})
    }
  }
}

function failureOf (
  run: { readonly invocation_id: number, readonly failure: string | null } | undefined
): string | null {
  if (run === undefined || run.failure === null) return null
  return JSON.stringify({ invocationId: Number(run.invocation_id), ...JSON.parse(run.failure) as object })
}

function stateOf (
  { roles, endedAt, count }: Runs, status: string | undefined, changedAt: number | undefined, now: number
): 'live' | 'failed' | 'done' | 'none' {
  const completedAt = parseTime(endedAt)
  const outcomes = roles.map((run) => ({ ...run, startedAt: completedAt, completedAt }))
  const { state } = taskState(outcomes, { status, changedAt }, now)
  if (state !== 'failed' && state !== 'done') return 'live'
  return count === 0 ? 'none' : state
}

async function readLastRuns (db: Kysely<Tables>, statements: EntryStatements, taskId: string) {
  const { rows } = await statements.lastRuns.run(db, { taskId })
  const who = new Map(rows.map(({ role, provider, model }) => {
    const one = { role, provider, ...(model === null || model === '' ? {} : { model }) }
    return [JSON.stringify(one), one]
  }))
  return {
    who: [...who.values()],
    outcomes: rows.map(({ status }) => status).reverse(),
    texts: rows.flatMap(({ error, failure }) => [error, failure === null ? null : textsOf(failure)])
  }
}

function textsOf (failure: string): string {
  const { summary = '', firstError } = JSON.parse(failure) as { summary?: string, firstError?: { message?: string } }
  return `${summary}\n${firstError?.message ?? ''}`
}

/** What names the task, what went wrong, and what it ran last: in small letters, each once. */
async function wordsOf (
  db: Kysely<Tables>, statements: EntryStatements, taskId: string, title: string | undefined,
  texts: ReadonlyArray<string | null>
): Promise<string> {
  const { rows: calls } = await statements.lastCalls.run(db, { taskId })
  const lines = [
    taskId, title, ...texts, ...calls.flatMap(({ first_error: error }) => error === null ? [] : [String(JSON.parse(error).message ?? '')]),
    ...calls.map(({ message }) => message)
  ]
  const words = new Set(lines.flatMap((line) => line === undefined || line === null ? [] : [line.toLowerCase()]))
  return [...words].join('\n').slice(0, MAX_WORDS)
}
