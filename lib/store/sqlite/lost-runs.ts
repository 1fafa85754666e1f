import { sql, type Kysely } from 'kysely'
import { parseTime, toIso, type Clock } from '../../time/clock.js'
import { debug } from '../../debug.js'
import { publish } from '../../lifecycle.js'
import type { Meter } from '../../meter.js'
import { currentOwner, judgeOwner, parseOwner } from '../../liveness/owner.js'
import { abortedMetadata, MAX_OPEN_CALLS, readToolKind, type OpenCall } from '../../model/run.js'
import { appendEvents, allocate } from '../sequence.js'
import type { Database } from './database.js'
import { OpenUses, readUse } from '../../model/open-uses.js'
import { parseDetails } from './event-rows.js'
import { insertActivities } from './insert-activities.js'
import type { Silences } from '../../liveness/silences.js'
import { isBusy } from './sqlite.js'
import { limitTo } from '../statement.js'
import { tryWithinSavepoint } from './savepoint.js'
import type { Tables } from '../tables.js'
import type { Troubles } from '../troubles.js'
import { nextTurn } from '../../time/timers.js'

export interface ReconcileOptions {
  /** The writer of this process, whose runs are known to live. */
  readonly writerId: string
  /** A run whose owner cannot be judged from here is given up after so long without a heartbeat. */
  readonly ownerLeaseMs: number
  /** By invocation: how long the owners that cannot be judged have been silent. */
  readonly silences: Silences
  /** Whose sign of life is younger than this, in milliseconds, is not looked at. Default 0: everybody is. */
  readonly freshMs?: number
  readonly troubles: Pick<Troubles, 'tell'>
  readonly now: Clock
  /** Told of each run that is ended. */
  readonly meter?: Meter
}

/** Writers without a run leave a row each; after this long, in milliseconds, nobody asks for it any more. */
const FORGET_AFTER_MS = 30 * 24 * 60 * 60 * 1000

/** Deletes what is left of processes that wrote long ago and have no run that is open. */
export async function forgetWriters (database: Database, now: Clock): Promise<void> {
  const before = toIso(now() - FORGET_AFTER_MS)
  const old = await database.read((db) => db.selectFrom('timeline_writer').select('writer_id')
    .where('heartbeat_at', '<', before).limit(1).executeTakeFirst())
  if (old === undefined) return
  await database.write((trx) => trx.deleteFrom('timeline_writer').where('heartbeat_at', '<', before)
    .where((eb) => eb.not(eb.exists(eb.selectFrom('invocation_run').select('invocation_id')
      .where('status', '=', 'running').whereRef('owner', '=', 'timeline_writer.writer_id')))).execute(), PATIENCE_MS)
}

/** How long the end of a lost run waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

interface LostRun {
  readonly invocation_id: number
  readonly task_id: string
  readonly started_at: string | null
  readonly last_activity_at: string | null
}

/**
 * Ends the runs whose process is gone: failed, with reason `lost`.
 *
 * Death is proven by process, start time, boot and pid namespace together. A missed heartbeat proves nothing where the
 * process can be looked at; where it cannot, the lease decides, counted from when we saw the last heartbeat come.
 *
 * @returns the tasks of the runs that were ended
 */
export async function endLostRuns (database: Database, options: ReconcileOptions): Promise<readonly string[]> {
  const lost = await database.read((db) => findLost(db, options))
  for (const run of lost) {
    try {
      const openCalls = await findOpenCalls(database, run, options.now())
      const hasEnded = await database.write(
        (trx, host) => endRun(trx, host.schema.invocations, run, openCalls, options.now()), PATIENCE_MS)
      if (!hasEnded) continue
      options.meter?.lostRunEnded()
      debug.liveness('run %d of task %s is ended as lost', run.invocation_id, run.task_id)
      publish('invocation.lost', () => ({ taskId: run.task_id, invocationId: Number(run.invocation_id) }))
    } catch (error) {
      // A lock is everybody's; anything else is the matter of this run, and keeps no other from its end.
      if (isBusy(error)) throw error
      options.troubles.tell(error)
    }
  }
  return [...new Set(lost.map((run) => run.task_id))]
}

async function findLost (
  db: Kysely<Tables>, { writerId, ownerLeaseMs, silences, freshMs = 0, now }: ReconcileOptions
): Promise<LostRun[]> {
  const at = now()
  // Clocks that differ, or were set, make a sign of the future: it says nothing.
  const isFresh = (column: 'invocation_run.heartbeat_at' | 'timeline_writer.heartbeat_at') =>
    sql<boolean>`${sql.ref(column)} BETWEEN ${toIso(at - freshMs)} AND ${toIso(at + 1_000)}`
  const rows = await db.selectFrom('invocation_run')
    .leftJoin('timeline_writer', 'timeline_writer.writer_id', 'invocation_run.owner')
    .select(['invocation_id', 'task_id', 'started_at', 'last_activity_at', 'invocation_run.heartbeat_at', 'invocation_run.owner as writer',
      'timeline_writer.owner as owner', 'timeline_writer.heartbeat_at as written_at'])
    .where('invocation_run.status', '=', 'running').where('invocation_run.source', '=', 'recorder')
    .$if(freshMs > 0, (select) => select
      .where(sql<boolean>`${isFresh('invocation_run.heartbeat_at')} IS NOT 1`)
      .where(sql<boolean>`${isFresh('timeline_writer.heartbeat_at')} IS NOT 1`))
    .execute()
  const self = currentOwner()
  const verdicts = new Map<string, ReturnType<typeof judgeOwner>>()
  silences.keep(new Set(rows.map((row) => Number(row.invocation_id))))
  return rows.filter((row) => {
    if (row.writer === null || row.writer === writerId) return false
    let verdict = verdicts.get(row.writer)
    if (verdict === undefined) {
      verdicts.set(row.writer, verdict = judgeOwner(parseOwner(row.owner), self))
      debug.liveness('writer %s: %s', row.writer, verdict)
    }
    if (verdict !== 'unknown') return verdict === 'dead'
    return silences.since(Number(row.invocation_id), `${row.heartbeat_at} ${row.written_at}`) > ownerLeaseMs
  })
}

const LOST_MESSAGE = 'The process that ran the agent is gone'

/** @returns false where the run had ended meanwhile */
async function endRun (
  trx: Kysely<Tables>, columns: ReadonlySet<string>, run: LostRun, openCalls: OpenCalls, now: number
): Promise<boolean> {
  // Its process may have had another clock.
  const endedAt = Math.max(now, parseTime(run.started_at) ?? 0, parseTime(run.last_activity_at) ?? 0)
  const completedAt = toIso(endedAt)
  const duration = endedAt - (parseTime(run.started_at) ?? endedAt)
  const updated = await trx.updateTable('invocation_run').set({
    status: 'failed',
    completed_at: completedAt,
    duration_ms: duration,
    success: 0,
    reason: 'lost',
    error: LOST_MESSAGE,
    progress: null
  }).where('invocation_id', '=', run.invocation_id).where('status', '=', 'running').executeTakeFirst()
  if (updated.numUpdatedRows === 0n) return false
  const values: Record<string, unknown> = {
    status: 'failed',
    completed_at: completedAt,
    completed_at_ms: endedAt,
    success: 0,
    exit_code: 1,
    duration_ms: duration,
    error: LOST_MESSAGE
  }
  const known = Object.entries(values).filter(([name]) => columns.has(name))
  const update = (some: typeof known) => tryWithinSavepoint(trx, () => trx.updateTable('task_invocations')
    .set(Object.fromEntries(some)).where('id', '=', run.invocation_id)
    .where((eb) => eb.or([eb('status', '=', 'running'), eb('started_at', 'is', null)])).execute())
  // Whatever the host's constraints and triggers refuse: a run that is lost must not look alive for it.
  if (!(await update(known))) await update(known.filter(([name]) => name === 'status' || name === 'completed_at'))
  await abortCalls(trx, run, openCalls, now)
  await appendEvents(trx, run.task_id, [{
    type: 'invocation.failed',
    invocationId: run.invocation_id,
    payload: { success: false, duration, error: LOST_MESSAGE, reason: 'lost' },
    source: 'invocation',
    sourceId: `${run.invocation_id}:end`,
    timestamp: completedAt
  }])
  return true
}

type OpenCalls = OpenUses<OpenCall>

/** A page holds no more than a few megabytes, whatever the rows. */
const ROWS_A_PAGE = 200

/**
 * Tool calls that the log shows as started and not ended. Who is lost writes no more: they are looked for page by page,
 * before the transaction, since a run may have a hundred thousand.
 */
async function findOpenCalls (database: Database, run: LostRun, now: number): Promise<OpenCalls> {
  const open: OpenCalls = new OpenUses()
  for (let after = 0; ;) {
    const rows = await database.read((db) => db.selectFrom('invocation_activity')
      .select(['seq', 'message', 'metadata', 'created_at'])
      .where('invocation_id', '=', run.invocation_id).where('seq', '>', after).where('activity_type', '=', 'tool_exec')
      .orderBy('seq').limit(limitTo(ROWS_A_PAGE)).execute())
    for (const { message, metadata, created_at: createdAt } of rows) {
      const details = parseDetails(metadata) ?? {}
      const { phase, tool = '' } = details as Record<string, string | undefined>
      const use = readUse(details)
      if (use === undefined) continue
      if (phase === 'end') open.end(use)
      else if (phase === 'start' && open.size < MAX_OPEN_CALLS) {
        open.start({ ...use, ...readToolKind(details), tool, message, startedAt: parseTime(createdAt) ?? now })
      }
    }
    if (rows.length < ROWS_A_PAGE) return open
    after = Number(rows.at(-1)?.seq)
    await nextTurn()
  }
}

async function abortCalls (trx: Kysely<Tables>, run: LostRun, open: OpenCalls, now: number): Promise<void> {
  if (open.size === 0) return
  const first = await allocate(trx, run.task_id, open.size) ?? 0
  await insertActivities(trx, new Map(), run.task_id, toIso(now), [...open].map((call, index) => ({
    invocationId: run.invocation_id,
    type: 'tool_exec' as const,
    message: call.message,
    lagMs: 0,
    seq: first + index,
    metadata: JSON.stringify(abortedMetadata(call, now))
  })))
}
