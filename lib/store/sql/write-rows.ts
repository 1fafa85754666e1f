import type { Kysely } from 'kysely'
import { CallChanges } from '../../insight/call-changes.js'
import { encodeProgress } from '../../insight/stored-progress.js'
import { encodeTally } from '../../insight/tally.js'
import { addToJson } from '../../intake/metadata.js'
import type { ActivityOp } from '../../model/operations.js'
import { toIso } from '../../time/clock.js'
import type { LogRun } from '../port.js'
import { ensureStream, insertEvents, type NewEvent } from '../sequence.js'
import type { Tables } from '../tables.js'
import type { BatchContext, RunInBatch } from './batch-context.js'
import type { BatchStatements } from './batch-statements.js'
import { insertActivities, type ActivityRow } from './insert-activities.js'
import { closeCourse, followRun, noteTold } from './run-course.js'
import { storeCalls } from './tool-calls.js'

/** What gets a number: an activity of a run, or an event. */
export type NewRow =
  { readonly op: ActivityOp<LogRun>, readonly of: RunInBatch, readonly isLate: boolean } | { readonly event: NewEvent }

/** Numbers a task's rows, without a hole, and stores them. */
export async function writeRows (
  trx: Kysely<Tables>, { now, activitiesPerInvocation, statements }: BatchContext, taskId: string,
  rows: readonly NewRow[]
): Promise<void> {
  if (rows.length === 0) return
  let seq = await takeNumbers(trx, taskId, rows.length, statements)
  const headLength = Math.floor(activitiesPerInvocation / 2)
  const activities: ActivityRow[] = []
  const calls = new CallChanges()
  const events: Array<{ event: NewEvent, seq: number }> = []
  for (const row of rows) {
    if ('event' in row) {
      events.push({ event: row.event, seq })
    } else {
      const { op, of, isLate } = row
      if (++of.activityCount === headLength) of.lastHeadSeq = seq
      if (!isLate) followRun(of, op, seq, calls)
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
  await insertActivities(trx, statements.inserts, taskId, toIso(now), activities)
  await insertEvents(trx, taskId, events)
  await storeCalls(trx, statements.calls, taskId, calls)
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

/** Liveness once per batch, and the middle of what has grown too long. */
export async function touchRun (trx: Kysely<Tables>, context: BatchContext, of: RunInBatch): Promise<void> {
  const { id, lastAt, endedAt } = of
  if (id !== undefined && endedAt !== undefined) await closeCourse(trx, context, of, id, endedAt)
  if (id === undefined || of.activityCount === of.countBefore) return
  await noteTold(trx, of, id)
  const { now, host, statements } = context
  // A late activity does not make a run look older than it did.
  of.lastActivityAt = Math.max(Math.min(lastAt, now), of.lastActivityAt)
  const at = toIso(of.lastActivityAt)
  const count = of.activityCount
  if (lastAt === 0) {
    await trx.updateTable('invocation_run').set({ activity_count: count }).where('invocation_id', '=', id).execute()
  } else {
    const touched = { id, count, at, heartbeatAt: toIso(now), tally: encodeTally(of.tally) }
    if (!of.hasProgressed || of.isLate) await statements.touchRun.run(trx, touched)
    else await statements.touchRunAndProgress.run(trx, { ...touched, progress: encodeProgress(of.progress) })
    const hasMs = host.schema.invocations.has('last_activity_at_ms')
    if (hasMs) await statements.touchHostRowMs.run(trx, { id, at, atMs: of.lastActivityAt })
    else await statements.touchHostRow.run(trx, { id, at })
  }
  await dropMiddle(trx, of, context.activitiesPerInvocation)
}

/** Beginning and end of a long run stay; what was dropped shows as a gap. */
async function dropMiddle (
  trx: Kysely<Tables>, { id, activityCount, countBefore, lastHeadSeq }: RunInBatch, cap: number
): Promise<void> {
  if (lastHeadSeq === undefined || activityCount <= cap) return
  await trx.deleteFrom('invocation_activity').where('id', 'in', (eb) => eb.selectFrom('invocation_activity').select('id')
    .where('invocation_id', '=', id as number).where('seq', '>', lastHeadSeq)
    .orderBy('seq').limit(activityCount - Math.max(cap, countBefore))).execute()
}
