import type { Kysely } from 'kysely'
import { parseTime, toIso } from '../../time/clock.js'
import { CallChanges } from '../../insight/call-changes.js'
import { copyProgress, createProgress, decodeProgress, encodeProgress, type Progress } from '../../insight/progress.js'
import { copyTally, createTally, decodeTally, encodeTally, spendUntil, type RunTally } from '../../insight/tally.js'
import type { Usage } from '../../model/activity.js'
import type { Host } from '../../host/host.js'
import { addToJson } from '../../intake/metadata.js'
import { exitCodeForHost, type Ending } from '../../model/ending.js'
import type { ActivityOp, EndOp, Op, StartOp } from '../../recorder/queue.js'
import type { Run } from '../../model/run.js'
import type { BatchStatements } from './batch-statements.js'
import { abortCalls, storeCalls } from './tool-calls.js'
import { insertActivities, type ActivityRow } from './insert-activities.js'
import { TransactionGone, tryWithinSavepoint, withinSavepoint } from './savepoint.js'
import { ensureStream, insertEvents, randomEpoch, type NewEvent } from '../sequence.js'
import type { Tables } from '../tables.js'

export interface BatchContext {
  readonly host: Host
  readonly writerId: string
  /** The writer's {@link Owner}, as JSON. */
  readonly owner: string
  /** This batch's number; one more than the last committed. */
  readonly batch: number
  /** How often another database took the place of the one that was written to, as far as known. */
  readonly generation: number
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly activitiesPerInvocation: number
  /** Leaves out what a host's trigger may refuse and the log can do without: its other rows, and the end in its row. */
  readonly withoutHost: boolean
  readonly statements: BatchStatements
}

/** What is true once the batch is committed, and must not be believed before. */
export interface BatchOutcome {
  readonly ids: ReadonlyMap<Run, number>
  /** Runs whose rows are gone: deleted by the host meanwhile. */
  readonly vanished: readonly Run[]
  /** Where the logs of the runs stand. */
  readonly logs: ReadonlyMap<Run, RunLog>
  /** Why rows of the host's could not be brought into the log; ours are stored all the same. */
  readonly importErrors: readonly unknown[]
  readonly taskIds: readonly string[]
  /** As in the context; one more where this batch has found another database. */
  readonly generation: number
  /** The batch had been committed before; only its acknowledgement was lost. */
  readonly wasCommitted: boolean
}

/** How far a run's log has come. */
interface RunLog {
  /** Rows written so far. */
  count: number
  /** The number of the last row of the half that stays when the middle goes. */
  lastHeadSeq: number | undefined
  progress: Progress
  tally: RunTally
}

/** A run in a batch. */
interface RunInBatch extends RunLog {
  readonly run: Run
  /** Undefined when its row is gone. */
  readonly id: number | undefined
  /** Rows written before this batch. */
  readonly countBefore: number
  isLate: boolean
  /** Of its last activity, in milliseconds since the epoch; 0 for none. */
  lastAt: number
  /** What is stored of its progress may be outdated. */
  hasProgressed: boolean
  /** When this batch ended it, in milliseconds since the epoch. */
  endedAt?: number
  /** As its agent told them in this batch. */
  plan?: string
  usage?: Partial<Usage>
}

/** What gets a number: an activity of a run, or an event. */
type Row = { readonly op: ActivityOp, readonly of: RunInBatch, readonly isLate: boolean } | { readonly event: NewEvent }

/** Writes operations of any tasks in one transaction, numbers included. */
export async function commitBatch (
  trx: Kysely<Tables>, context: BatchContext, ops: readonly Op[]
): Promise<BatchOutcome> {
  const ids = new Map<Run, number>()
  const runs = new Map<Run, RunInBatch>()
  const importErrors: unknown[] = []
  const fence = await advanceFence(trx, context)
  const generation = context.generation + Number(fence === 'elsewhere')
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
  const isAlive = (op: Op) => op.kind === 'task' || op.run.id === undefined || statuses.has(op.run.id) || strangers.has(op.run)
  const taskIds = [...new Set(ops.filter(isAlive).map(taskIdOf))]
  const titles = startedTitles(ops)
  // Sorted: writers of several tasks must lock the streams in one order.
  for (const taskId of [...taskIds].sort()) {
    if (titles.has(taskId)) await ensureStream(trx, taskId, titles.get(taskId))
    if (ops.some((op) => taskIdOf(op) === taskId && (fence === 'elsewhere' || isBehind(op, generation)))) {
      await renewEpoch(trx, taskId)
    }
    if (context.withoutHost) continue
    await importHostRows(trx, context.host, taskId).catch((error) => {
      if (error instanceof TransactionGone) throw error
      importErrors.push(error)
    })
  }

  function inBatch (run: Run): RunInBatch {
    let known = runs.get(run)
    if (known === undefined) {
      const id = ids.get(run) ?? run.id
      const status = id === undefined ? undefined : statuses.get(id)
      const isStranger = strangers.has(run)
      const { activityCount: count, lastHeadSeq } = isStranger ? NOTHING_WRITTEN : run
      known = {
        run,
        id: status === undefined ? undefined : id,
        isLate: status !== 'running',
        lastAt: 0,
        count,
        countBefore: count,
        lastHeadSeq,
        // A batch that fails is tried again from what was committed.
        progress: isStranger ? createProgress() : copyProgress(run.progress),
        tally: isStranger ? createTally(run.startedAt) : copyTally(run.tally),
        hasProgressed: false
      }
      runs.set(run, known)
    }
    return known
  }

  const rows = new Map<string, Row[]>(taskIds.map((taskId) => [taskId, []]))
  for (const run of strangers) {
    await ensureStream(trx, run.taskId, run.meta.title || undefined)
    rows.get(run.taskId)?.push({ event: await start(trx, context, { kind: 'start', run }, ids, statuses) })
  }
  for (const op of ops) {
    const target = rows.get(taskIdOf(op)) ?? []
    if (op.kind === 'task') {
      target.push({ event: taskEvent(op, context.writerId) })
    } else if (op.kind === 'start') {
      target.push({ event: await start(trx, context, op, ids, statuses) })
    } else {
      const of = inBatch(op.run)
      if (of.id === undefined) continue
      if (op.kind === 'activity') {
        target.push({ op, of, isLate: of.isLate })
        if (of.isLate) continue
        if (op.at > of.lastAt) of.lastAt = op.at
      } else {
        const ended = await end(trx, context, op, of.id)
        target.push(...ended)
        if (ended.length > 0) of.endedAt = op.at
        of.isLate = true
      }
    }
  }
  for (const [taskId, ofTask] of rows) await store(trx, taskId, ofTask, context)
  for (const of of runs.values()) await touch(trx, context, of)
  const vanished = [...runs.values()].filter((of) => of.id === undefined).map((of) => of.run)
  return { ids, vanished, logs: runs, importErrors, taskIds, generation, wasCommitted: false }
}

const NOTHING_WRITTEN = { activityCount: 0, lastHeadSeq: undefined }

function isBehind (op: Op, generation: number): boolean {
  return 'run' in op && op.run.id !== undefined && op.run.generation < generation
}

/** Numbers are given anew that viewers have seen with other rows: they must not take one log for the other. */
async function renewEpoch (trx: Kysely<Tables>, taskId: string): Promise<void> {
  await trx.updateTable('task_stream').set({ epoch: randomEpoch() }).where('task_id', '=', taskId).execute()
}

/**
 * The fence: a batch that was committed already finds its number taken, and one that is put into another database than
 * those before it finds none, or a number that lags behind.
 */
async function advanceFence (trx: Kysely<Tables>, context: BatchContext): Promise<'next' | 'passed' | 'elsewhere'> {
  const { writerId, batch, owner } = context
  const heartbeat = toIso(context.now)
  const { numAffectedRows } = await context.statements.advanceFence.run(trx, {
    batch, before: batch - 1, writerId, heartbeatAt: heartbeat
  })
  if (numAffectedRows === 1n) return 'next'
  const row = await trx.selectFrom('timeline_writer').select('batch').where('writer_id', '=', writerId).executeTakeFirst()
  if (row !== undefined && Number(row.batch) >= batch) return 'passed'
  // A number that lags behind is that of a backup, put in the place of the database while we wrote.
  await trx.insertInto('timeline_writer').values({ writer_id: writerId, batch, owner, heartbeat_at: heartbeat })
    .onConflict((conflict) => conflict.column('writer_id').doUpdateSet({ batch, heartbeat_at: heartbeat })).execute()
  return batch === 1 ? 'next' : 'elsewhere'
}

/** Whatever is wrong with the host's rows, or with its own source of task events, must not keep ours from the log. */
async function importHostRows (trx: Kysely<Tables>, host: Host, taskId: string): Promise<void> {
  await withinSavepoint(trx, async () => {
    if ((await host.look(trx, taskId)).hasPending) await host.importPending(trx, taskId)
  })
}

/** States of the runs that are known; by owner too, because another database may have the same ids. */
async function readStatuses (
  trx: Kysely<Tables>, { writerId, statements }: BatchContext, ops: readonly Op[]
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
async function readLogs (trx: Kysely<Tables>, ops: readonly Op[]): Promise<ReadonlyMap<Run, RunLog>> {
  const runs = new Map<number, Run>()
  for (const op of ops) if ('run' in op && op.run.id !== undefined) runs.set(op.run.id, op.run)
  if (runs.size === 0) return new Map()
  const rows = await trx.selectFrom('invocation_run')
    .select(['invocation_id', 'activity_count', 'last_activity_at', 'progress', 'tally'])
    .where('invocation_id', 'in', [...runs.keys()]).execute()
  return new Map(rows.map((row) => {
    const run = runs.get(Number(row.invocation_id)) as Run
    const progress = decodeProgress(row.progress, parseTime(row.last_activity_at) ?? 0)
    const tally = decodeTally(row.tally, run.startedAt)
    return [run, { count: Number(row.activity_count), lastHeadSeq: run.lastHeadSeq, progress, tally }]
  }))
}

function taskIdOf (op: Op): string {
  return op.kind === 'task' ? op.taskId : op.run.taskId
}

/** The tasks that runs of these begin on, with the first title that one of them has. */
function startedTitles (ops: readonly Op[]): ReadonlyMap<string, string | undefined> {
  const titles = new Map<string, string | undefined>()
  for (const op of ops) {
    if (op.kind !== 'start') continue
    const { taskId, meta } = op.run
    titles.set(taskId, titles.get(taskId) ?? (meta.title || undefined))
  }
  return titles
}

function taskEvent (op: Op & { kind: 'task' }, writerId: string): NewEvent {
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

async function start (
  trx: Kysely<Tables>, context: BatchContext, { run }: StartOp, ids: Map<Run, number>, statuses: Map<number, string>
): Promise<NewEvent> {
  const startedAt = toIso(run.startedAt)
  const { role, provider, model = '', prompt = '', title } = run.meta
  const has = (name: string) => context.host.schema.invocations.has(name)
  const values: Record<string, unknown> = {
    task_id: run.taskId,
    role,
    provider,
    model,
    prompt,
    success: 0,
    timed_out: 0,
    exit_code: 0,
    duration_ms: 0,
    // The host's own format: its code compares these with datetime('now').
    created_at: startedAt.slice(0, 19).replace('T', ' '),
    started_at: startedAt,
    last_activity_at: startedAt,
    status: 'running',
    started_at_ms: run.startedAt,
    last_activity_at_ms: run.startedAt
  }
  const known = Object.fromEntries(Object.entries(values).filter(([name]) => has(name)))
  const inserted = await (trx as Kysely<any>).insertInto('task_invocations').values(known).returning('id')
    .executeTakeFirstOrThrow()
  const id = Number(inserted.id)
  ids.set(run, id)
  statuses.set(id, 'running')
  await trx.insertInto('invocation_run').values({
    invocation_id: id,
    task_id: run.taskId,
    role,
    provider,
    model: model === '' ? null : model,
    status: 'running',
    source: 'recorder',
    started_at: startedAt,
    last_activity_at: startedAt,
    owner: context.writerId,
    heartbeat_at: toIso(context.now),
    timed_out: 0
  } as never).execute()
  await trx.updateTable('task_stream').set({ invocation_cursor: id }).where('task_id', '=', run.taskId)
    .where('invocation_cursor', '<', id).execute()
  return {
    type: 'invocation.started',
    invocationId: id,
    payload: {
      role, provider, ...(model === '' ? {} : { model }), ...(title === undefined ? {} : { title })
    },
    source: 'invocation',
    sourceId: `${id}:start`,
    timestamp: startedAt
  }
}

/** Ends a run once: whoever comes second, the run itself or who gave it up, changes nothing. */
async function end (trx: Kysely<Tables>, context: BatchContext, op: EndOp, id: number): Promise<Row[]> {
  const { ending, run } = op
  const completedAt = toIso(op.at)
  const duration = ending.durationMs ?? Math.max(0, op.at - run.startedAt)
  const updated = await trx.updateTable('invocation_run').set({
    status: ending.status,
    completed_at: completedAt,
    duration_ms: duration,
    success: Number(ending.status === 'completed'),
    timed_out: Number(ending.status === 'timeout'),
    exit_code: ending.exitCode ?? null,
    signal: ending.signal ?? null,
    reason: ending.reason ?? null,
    error: ending.error ?? null,
    outcome: ending.outcome ?? null,
    summary: ending.summary ?? null,
    usage: ending.usage === undefined ? null : JSON.stringify(ending.usage),
    ...(ending.usage === undefined ? {} : usageColumns(ending.usage)),
    session_id: ending.sessionId ?? null,
    stderr_tail: ending.stderrTail ?? null,
    progress: null,
    ...(ending.model !== undefined && run.meta.model === undefined ? { model: ending.model } : {})
  }).where('invocation_id', '=', id).where('status', '=', 'running').executeTakeFirst()
  if (updated.numUpdatedRows === 0n) return []
  if (!context.withoutHost) await closeHostRow(trx, context.host, id, op, duration)
  return [{ event: endEvent(ending, id, duration, completedAt) }]
}

async function closeHostRow (
  trx: Kysely<Tables>, host: Host, id: number, { ending, at }: EndOp, duration: number
): Promise<void> {
  const values: Record<string, unknown> = {
    completed_at: toIso(at),
    status: ending.status,
    response: ending.response ?? null,
    error: ending.error ?? null,
    exit_code: exitCodeForHost(ending),
    duration_ms: duration,
    success: Number(ending.status === 'completed'),
    timed_out: Number(ending.status === 'timeout'),
    completed_at_ms: at
  }
  const { invocations, required } = host.schema
  const known = Object.entries(values).filter(([name]) => invocations.has(name))
    .map(([name, value]) => [name, value ?? (required.has(name) ? '' : null)] as const)
  // Without a start, a rebuild of the host's has just taken our columns, and `status` with them.
  const update = (columns: ReadonlyArray<readonly [string, unknown]>) => tryWithinSavepoint(trx, () => trx
    .updateTable('task_invocations').set(Object.fromEntries(columns)).where('id', '=', id)
    .where((eb) => eb.or([eb('status', '=', 'running'), eb('started_at', 'is', null)])).execute())
  // Whatever the host's constraints and triggers refuse: the run has ended, and our own record says so.
  if (!(await update(known))) await update(known.filter(([name]) => name === 'status' || name === 'completed_at'))
}

function endEvent (ending: Ending, id: number, duration: number, timestamp: string): NewEvent {
  const isGood = ending.status === 'completed'
  const failure = { error: ending.error ?? '', exitCode: ending.exitCode, reason: ending.reason }
  return {
    type: `invocation.${ending.status}`,
    invocationId: id,
    payload: {
      success: isGood,
      duration,
      ...(isGood ? { outcome: ending.outcome, summary: ending.summary } : failure),
      usage: ending.usage
    },
    source: 'invocation',
    sourceId: `${id}:end`,
    timestamp
  }
}

async function store (
  trx: Kysely<Tables>, taskId: string, rows: readonly Row[], context: BatchContext
): Promise<void> {
  if (rows.length === 0) return
  const { now, activitiesPerInvocation } = context
  let seq = await takeNumbers(trx, taskId, rows.length, context.statements)
  const headLength = Math.floor(activitiesPerInvocation / 2)
  const activities: ActivityRow[] = []
  const calls = new CallChanges()
  const events: Array<{ event: NewEvent, seq: number }> = []
  for (const row of rows) {
    if ('event' in row) {
      events.push({ event: row.event, seq })
    } else {
      const { op, of, isLate } = row
      if (++of.count === headLength) of.lastHeadSeq = seq
      if (!isLate) follow(of, op, seq, calls)
      activities.push({
        invocationId: of.id as number,
        type: op.type,
        message: op.message,
        seq,
        metadata: isLate ? addToJson(op.metadata, 'late', true) : op.metadata,
        // Below 0 where the clock was set back meanwhile.
        lagMs: now - op.at
      })
    }
    seq++
  }
  await insertActivities(trx, context.statements.inserts, taskId, toIso(now), activities)
  await insertEvents(trx, taskId, events)
  await storeCalls(trx, context.statements.calls, taskId, calls)
}

function follow (of: RunInBatch, { type, message, metadata, at, facts }: ActivityOp, seq: number, calls: CallChanges): void {
  const activity = { type, message, metadata, at, seq, call: facts?.call }
  if (calls.follow(of, of.id as number, activity)) of.hasProgressed = true
  if (facts?.plan !== undefined) of.plan = facts.plan
  if (facts?.usage !== undefined) of.usage = facts.usage
}

/** The first of the task's next numbers; a task that has no log yet gets one. */
async function takeNumbers (
  trx: Kysely<Tables>, taskId: string, count: number, { allocate }: BatchStatements
): Promise<number> {
  let row = await allocate.first(trx, { taskId, count })
  if (row === undefined) {
    await ensureStream(trx, taskId)
    row = await allocate.first(trx, { taskId, count })
  }
  return Number(row?.last_seq) - count + 1
}

/** The time up to its end is counted, and nothing is open any more. */
async function closeCourse (
  trx: Kysely<Tables>, { statements }: BatchContext, of: RunInBatch, id: number, endedAt: number
): Promise<void> {
  spendUntil(of.tally, of.progress, endedAt)
  await trx.updateTable('invocation_run').set({ tally: encodeTally(of.tally) }).where('invocation_id', '=', id).execute()
  await abortCalls(trx, statements.calls, id, endedAt)
}

/** What an agent says of itself now and then; the usage of a run that has ended is what its end said. */
async function noteTold (trx: Kysely<Tables>, { plan, usage, endedAt }: RunInBatch, id: number): Promise<void> {
  const told = {
    ...(plan === undefined ? {} : { plan }),
    ...(usage === undefined || endedAt !== undefined ? {} : usageColumns(usage))
  }
  if (Object.keys(told).length > 0) {
    await trx.updateTable('invocation_run').set(told).where('invocation_id', '=', id).execute()
  }
}

function usageColumns (usage: Partial<Usage>) {
  return {
    input_tokens: usage.inputTokens ?? null,
    output_tokens: usage.outputTokens ?? null,
    cache_read_tokens: usage.cacheReadTokens ?? null,
    cache_write_tokens: usage.cacheWriteTokens ?? null,
    reasoning_tokens: usage.reasoningTokens ?? null,
    cost_usd: usage.costUsd ?? null
  }
}

/** Liveness once per batch, and the middle of what has grown too long. */
async function touch (trx: Kysely<Tables>, context: BatchContext, of: RunInBatch): Promise<void> {
  const { id, lastAt, run, endedAt } = of
  if (id !== undefined && endedAt !== undefined) await closeCourse(trx, context, of, id, endedAt)
  if (id === undefined || of.count === of.countBefore) return
  await noteTold(trx, of, id)
  const { now, host, statements, activitiesPerInvocation: cap } = context
  // A late activity does not make a run look older than it did.
  const atMs = Math.max(Math.min(lastAt, now), run.lastActivityAt)
  run.lastActivityAt = atMs
  const at = toIso(atMs)
  if (lastAt === 0) {
    await trx.updateTable('invocation_run').set({ activity_count: of.count }).where('invocation_id', '=', id).execute()
  } else {
    const touched = { id, count: of.count, at, heartbeatAt: toIso(now), tally: encodeTally(of.tally) }
    if (!of.hasProgressed || of.isLate) await statements.touchRun.run(trx, touched)
    else await statements.touchRunAndProgress.run(trx, { ...touched, progress: encodeProgress(of.progress) })
    const hasMs = host.schema.invocations.has('last_activity_at_ms')
    if (hasMs) await statements.touchHostRowMs.run(trx, { id, at, atMs })
    else await statements.touchHostRow.run(trx, { id, at })
  }
  const { count, lastHeadSeq } = of
  if (lastHeadSeq === undefined || count <= cap) return
  await trx.deleteFrom('invocation_activity').where('id', 'in', (eb) => eb.selectFrom('invocation_activity').select('id')
    .where('invocation_id', '=', id).where('seq', '>', lastHeadSeq)
    .orderBy('seq').limit(count - Math.max(cap, of.countBefore))).execute()
}
