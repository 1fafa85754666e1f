import type { Kysely } from 'kysely'
import { copyProgress, createProgress } from '../../insight/progress.js'
import { decodeProgress } from '../../insight/stored-progress.js'
import { copyTally, createTally, decodeTally } from '../../insight/tally.js'
import { toBudgets } from '../../model/budget.js'
import type { Op, TaskOp } from '../../model/operations.js'
import { parseTime } from '../../time/clock.js'
import { lockStreams } from '../dialect.js'
import type { HostRows } from '../host-rows.js'
import type { Batch, BatchOutcome, LogRun, RunLog } from '../port.js'
import { ensureStream, type NewEvent } from '../sequence.js'
import type { Tables } from '../tables.js'
import type { BatchContext, RunInBatch } from './batch-context.js'
import { noteBudgets } from './budgets.js'
import { advanceFence, renewEpoch } from './fence.js'
import { endRun } from './run-end.js'
import { startRun } from './run-start.js'
import { withinSavepoint } from './savepoint.js'
import { TransactionGone } from './transaction-gone.js'
import { refreshWithin } from './task-entries.js'
import { touchRun, writeRows, type NewRow } from './write-rows.js'

/** Writes operations of any tasks in one transaction, numbers included. */
export async function commitBatch (trx: Kysely<Tables>, context: BatchContext, batch: Batch): Promise<BatchOutcome> {
  const { ops, withoutHost } = batch
  const ids = new Map<LogRun, number>()
  const runs = new Map<LogRun, RunInBatch>()
  const importErrors: unknown[] = []
  const fence = await advanceFence(trx, context, batch.number)
  const generation = batch.generation + Number(fence === 'elsewhere')
  if (fence === 'passed') {
    const taskIds = [...new Set(ops.map(taskIdOf))]
    return { ids, vanished: [], logs: await readLogs(trx, ops), importErrors, taskIds, generation, wasCommitted: true }
  }
  const statuses = await readStatuses(trx, context, ops)
  /** Runs that another database, put in the place of theirs, does not know. */
  const strangers = new Set(ops.flatMap((op) => {
    if (!('run' in op) || op.run.id === undefined) return []
    return op.run.generation < generation && !statuses.has(op.run.id) ? [op.run] : []
  }))
  const isAlive = (op: Op<LogRun>) =>
    op.kind === 'task' || op.run.id === undefined || statuses.has(op.run.id) || strangers.has(op.run)
  const taskIds = [...new Set(ops.filter(isAlive).map(taskIdOf))]
  const titles = startedTitles(ops)
  // Sorted: writers of several tasks must lock the streams in one order.
  await lockStreams(trx, taskIds)
  for (const taskId of [...taskIds].sort()) {
    if (titles.has(taskId)) await ensureStream(trx, taskId, titles.get(taskId))
    if (ops.some((op) => taskIdOf(op) === taskId && (fence === 'elsewhere' || isBehind(op, generation)))) {
      await renewEpoch(trx, taskId)
    }
    if (withoutHost) continue
    await importHostRows(trx, context.host, taskId).catch((error) => {
      if (error instanceof TransactionGone) throw error
      importErrors.push(error)
    })
  }

  async function start (run: LogRun): Promise<NewEvent> {
    const { id, event } = await startRun(trx, context, run)
    ids.set(run, id)
    statuses.set(id, 'running')
    return event
  }

  function inBatch (run: LogRun): RunInBatch {
    let known = runs.get(run)
    if (known === undefined) {
      const id = ids.get(run) ?? run.id
      const status = id === undefined ? undefined : statuses.get(id)
      const isStranger = strangers.has(run)
      const { activityCount, lastHeadSeq } = isStranger ? NOTHING_WRITTEN : run
      known = {
        run,
        id: status === undefined ? undefined : id,
        isLate: status !== 'running',
        lastAt: 0,
        activityCount,
        countBefore: activityCount,
        lastHeadSeq,
        lastActivityAt: run.lastActivityAt,
        // A batch that fails is tried again from what was committed.
        progress: isStranger ? createProgress() : copyProgress(run.progress),
        tally: isStranger ? createTally(run.startedAt) : copyTally(run.tally),
        hasProgressed: false,
        hasFinalUsage: false
      }
      runs.set(run, known)
    }
    return known
  }

  const rows = new Map<string, NewRow[]>(taskIds.map((taskId) => [taskId, []]))
  for (const run of strangers) {
    await ensureStream(trx, run.taskId, run.meta.title || undefined)
    rows.get(run.taskId)?.push({ event: await start(run) })
  }
  for (const op of ops) {
    const target = rows.get(taskIdOf(op)) ?? []
    if (op.kind === 'task') {
      target.push({ event: taskEvent(op, context.writerId) })
    } else if (op.kind === 'start') {
      target.push({ event: await start(op.run) })
    } else {
      const of = inBatch(op.run)
      if (of.id === undefined) continue
      if (op.kind === 'activity') {
        target.push({ op, of, isLate: of.isLate })
        if (of.isLate) continue
        if (op.at > of.lastAt) of.lastAt = op.at
      } else {
        const { run, ending, at } = op
        const durationMs = ending.durationMs ?? Math.max(0, at - run.startedAt)
        const takesModel = run.meta.model === undefined
        const event = await endRun(trx, withoutHost ? undefined : context.host, {
          id: of.id, ending, at, durationMs, takesModel
        })
        if (event !== undefined) {
          target.push({ event })
          of.endedAt = at
          of.hasFinalUsage = ending.usage !== undefined
        }
        of.isLate = true
      }
    }
  }
  for (const [taskId, ofTask] of rows) await writeRows(trx, context, taskId, ofTask)
  for (const of of runs.values()) await touchRun(trx, context, of)
  for (const [taskId, runIds] of spending(ids, runs)) await noteBudgets(trx, taskId, runIds, context.now)
  if (!withoutHost) {
    await refreshWithin(trx, context.host, context.statements.entries, changedTasks(ops, runs), context.now)
  }
  const vanished = [...runs.values()].filter((of) => of.id === undefined).map((of) => of.run)
  return { ids, vanished, logs: runs, importErrors, taskIds, generation, wasCommitted: false }
}

/** Tasks whose entry in the list is another one now; what runs is judged when the list is asked for. */
function changedTasks (ops: ReadonlyArray<Op<LogRun>>, runs: ReadonlyMap<LogRun, RunInBatch>): readonly string[] {
  const ended = [...runs.values()].flatMap(({ run, endedAt }) => endedAt === undefined ? [] : [run.taskId])
  return [...new Set([...ended, ...ops.flatMap((op) => op.kind === 'task' ? [op.taskId] : [])])]
}

/** Of tasks, the runs that cost more now, or that brought a limit. */
function spending (
  started: ReadonlyMap<LogRun, number>, runs: ReadonlyMap<LogRun, RunInBatch>
): ReadonlyMap<string, readonly number[]> {
  const ofTasks = new Map<string, number[]>()
  const add = ({ taskId }: LogRun, ids: readonly number[]) => {
    ofTasks.set(taskId, [...ofTasks.get(taskId) ?? [], ...ids])
  }
  for (const run of started.keys()) if (toBudgets(run.meta.budgetUsd).task !== undefined) add(run, [])
  for (const { run, id, usage, hasFinalUsage } of runs.values()) {
    if (id !== undefined && (usage?.costUsd !== undefined || hasFinalUsage)) add(run, [id])
  }
  return ofTasks
}

const NOTHING_WRITTEN = { activityCount: 0, lastHeadSeq: undefined }

function isBehind (op: Op<LogRun>, generation: number): boolean {
  return 'run' in op && op.run.id !== undefined && op.run.generation < generation
}

/** Whatever is wrong with the host's rows, or with its own source of task events, must not keep ours from the log. */
async function importHostRows (trx: Kysely<Tables>, host: HostRows, taskId: string): Promise<void> {
  await withinSavepoint(trx, async () => {
    if ((await host.look(trx, taskId)).hasPending) await host.importPending(trx, taskId)
  })
}

/** States of the runs that are known; by owner too, because another database may have the same ids. */
async function readStatuses (
  trx: Kysely<Tables>, { writerId, statements }: BatchContext, ops: ReadonlyArray<Op<LogRun>>
): Promise<Map<number, string>> {
  const ids = new Set<number>()
  for (const op of ops) if ('run' in op && op.run.id !== undefined) ids.add(op.run.id)
  const found = new Map<number, string>()
  for (const id of ids) {
    const row = await statements.readStatus.first(trx, { id, writerId })
    if (row !== undefined) found.set(id, row.status)
  }
  return found
}

/** Of runs that a batch wrote to which was committed before: what it made of them is in their rows. */
async function readLogs (trx: Kysely<Tables>, ops: ReadonlyArray<Op<LogRun>>): Promise<ReadonlyMap<LogRun, RunLog>> {
  const runs = new Map<number, LogRun>()
  for (const op of ops) if ('run' in op && op.run.id !== undefined) runs.set(op.run.id, op.run)
  if (runs.size === 0) return new Map()
  const rows = await trx.selectFrom('invocation_run')
    .select(['invocation_id', 'activity_count', 'last_activity_at', 'progress', 'tally'])
    .where('invocation_id', 'in', [...runs.keys()]).execute()
  return new Map(rows.map((row) => {
    const run = runs.get(Number(row.invocation_id)) as LogRun
    const lastAt = parseTime(row.last_activity_at) ?? 0
    return [run, {
      activityCount: Number(row.activity_count),
      lastHeadSeq: run.lastHeadSeq,
      lastActivityAt: Math.max(lastAt, run.lastActivityAt),
      progress: decodeProgress(row.progress, lastAt),
      tally: decodeTally(row.tally, run.startedAt)
    }]
  }))
}

function taskIdOf (op: Op<LogRun>): string {
  return op.kind === 'task' ? op.taskId : op.run.taskId
}

/** The tasks that runs of these begin on, with the first title that one of them has. */
function startedTitles (ops: ReadonlyArray<Op<LogRun>>): ReadonlyMap<string, string | undefined> {
  const titles = new Map<string, string | undefined>()
  for (const op of ops) {
    if (op.kind !== 'start') continue
    const { taskId, meta } = op.run
    titles.set(taskId, titles.get(taskId) ?? (meta.title || undefined))
  }
  return titles
}

function taskEvent (op: TaskOp, writerId: string): NewEvent {
  return {
    type: op.type,
    invocationId: null,
    actor: op.actor,
    message: op.message,
    source: 'recorder',
    sourceId: `${writerId}:${op.sourceId}`,
    timestamp: op.timestamp
  }
}
