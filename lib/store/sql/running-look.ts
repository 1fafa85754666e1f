import type { Kysely } from 'kysely'
import type { RunningLook, TaskRun } from '../port.js'
import type { Tables } from '../tables.js'
import { inScope, type TaskScope } from '../task-scope.js'

/** More than run anywhere at a time; a look stays short whatever is stored. */
const MAX_RUNS = 5_000

/** Reads what runs in all tasks, and what began after an invocation. */
export async function lookAtRuns (
  db: Kysely<Tables>, after: number | undefined, scope?: TaskScope
): Promise<RunningLook> {
  // Ids rise with their commits: the next look goes on after what was the last one before this look began.
  const newest = await db.selectFrom('invocation_run').select((eb) => eb.fn.max('invocation_id').as('id'))
    .executeTakeFirst()
  const last = Number(newest?.id ?? 0)
  const begun = after === undefined || after >= last
    ? []
    : await selectBegun(db, after, last, scope)
  const running = await selectRuns(db, scope).where('status', '=', 'running')
    .orderBy('invocation_id', 'desc').limit(MAX_RUNS).execute()
  return {
    running: oldestPerTask(running.map(toRun)),
    begun: begun.map(toRun),
    lastInvocationId: begun.length === MAX_RUNS ? Number(begun.at(-1)?.invocation_id) : last
  }
}

/** The number of an invocation's first event. */
export async function firstSeqOf (db: Kysely<Tables>, invocationId: number): Promise<number | undefined> {
  const row = await db.selectFrom('timeline_event').select((eb) => eb.fn.min('seq').as('seq'))
    .where('invocation_id', '=', invocationId).executeTakeFirst()
  return row?.seq === null || row === undefined ? undefined : Number(row.seq)
}

/** What the host wrote by itself had ended when it was written, or is found among those that run. */
async function selectBegun (db: Kysely<Tables>, after: number, last: number, scope: TaskScope | undefined) {
  return selectRuns(db, scope).where('invocation_id', '>', after).where('invocation_id', '<=', last)
    .where('source', '=', 'recorder')
    .orderBy('invocation_id').limit(MAX_RUNS).execute()
}

function selectRuns (db: Kysely<Tables>, scope: TaskScope | undefined) {
  const select = db.selectFrom('invocation_run').select(['task_id', 'invocation_id'])
  return scope === undefined ? select : select.where(inScope(db, 'task_id', scope))
}

function toRun (row: { task_id: string, invocation_id: number }): TaskRun {
  return { taskId: row.task_id, invocationId: Number(row.invocation_id) }
}

/** @param runs newest first; so are the tasks that are returned */
function oldestPerTask (runs: readonly TaskRun[]): TaskRun[] {
  const oldest = new Map<string, TaskRun>()
  for (const run of runs) oldest.set(run.taskId, run)
  return [...oldest.values()]
}
