import { publish } from '../lifecycle.js'
import type { Logger } from '../logger.js'
import type { Op } from '../model/operations.js'
import type { BatchOutcome } from '../store/port.js'
import type { Run } from './run.js'

/** What a commit came to, noted in the runs that it was about. */
export function applyOutcome (outcome: BatchOutcome<Run>, logger: Logger): void {
  for (const [run, id] of outcome.ids) run.id = id
  for (const run of [...outcome.ids.keys(), ...outcome.logs.keys()]) run.generation = outcome.generation
  for (const run of outcome.vanished) {
    run.isUnrecorded = true
    logger.info({ taskId: run.taskId, invocationId: run.id }, 'an invocation was deleted while it ran; the rest of it is not recorded')
  }
  for (const [run, { activityCount, lastHeadSeq, lastActivityAt, progress, tally }] of outcome.logs) {
    Object.assign(run, { activityCount, lastHeadSeq, lastActivityAt, progress, tally })
  }
}

/** Tells those who listen in by diagnostics_channel. */
export function publishCommit (
  ops: ReadonlyArray<Op<Run>>, { ids, taskIds }: BatchOutcome<Run>, seconds: number
): void {
  publish('batch.committed', () => ({ operations: ops.length, tasks: taskIds.length, seconds }))
  for (const [{ taskId }, invocationId] of ids) publish('invocation.started', () => ({ taskId, invocationId }))
  for (const op of ops) {
    if (op.kind !== 'end' || op.run.id === undefined || op.run.isUnrecorded) continue
    const { taskId, id: invocationId } = op.run
    publish('invocation.ended', () => ({ taskId, invocationId }))
  }
}
