import type { StatementCache } from './insert-activities.js'
import { signOfLife } from '../dialect.js'
import { allocation } from '../sequence.js'
import { Statement } from '../statement.js'
import { createEntryStatements, type EntryStatements } from './task-entries.js'
import { createCallStatements, type CallStatements } from './tool-calls.js'

/** What every batch runs, however small it is; one set for each writer. */
export interface BatchStatements {
  /** By number of rows. */
  readonly inserts: StatementCache
  readonly advanceFence: Statement<{ batch: number, before: number, writerId: string, heartbeatAt: string }>
  readonly readStatus: Statement<{ id: number, writerId: string }, { invocation_id: number, status: string }>
  readonly allocate: Statement<{ taskId: string, count: number }, { last_seq: number }>
  readonly touchRun: Statement<Touch>
  readonly touchRunAndProgress: Statement<Touch & { progress: string | null }>
  readonly touchHostRow: Statement<{ id: number, at: string }>
  readonly touchHostRowMs: Statement<{ id: number, at: string, atMs: number }>
  readonly calls: CallStatements
  readonly entries: EntryStatements
}

type Touch = { id: number, count: number, at: string, heartbeatAt: string, tally: string }

export function createBatchStatements (): BatchStatements {
  return {
    inserts: new Map(),
    advanceFence: new Statement((db, { batch, before, writerId, heartbeatAt }) => db.updateTable('timeline_writer')
      .set({ batch, heartbeat_at: signOfLife(db, heartbeatAt) }).where('writer_id', '=', writerId).where('batch', '=', before)),
    readStatus: new Statement((db, { id, writerId }) => db.selectFrom('invocation_run').select(['invocation_id', 'status'])
      .where('invocation_id', '=', id).where('owner', '=', writerId)),
    allocate: new Statement((db, { taskId, count }) => allocation(db, taskId, count)),
    touchRun: new Statement((db, { id, count, at, heartbeatAt, tally }) => db.updateTable('invocation_run')
      .set({ activity_count: count, last_activity_at: at, heartbeat_at: signOfLife(db, heartbeatAt), tally }).where('invocation_id', '=', id)),
    touchRunAndProgress: new Statement((db, { id, count, at, heartbeatAt, tally, progress }) => db.updateTable('invocation_run')
      .set({ activity_count: count, last_activity_at: at, heartbeat_at: signOfLife(db, heartbeatAt), tally, progress })
      .where('invocation_id', '=', id)),
    touchHostRow: new Statement((db, { id, at }) => db.updateTable('task_invocations')
      .set({ last_activity_at: at }).where('id', '=', id)),
    touchHostRowMs: new Statement((db, { id, at, atMs }) => db.updateTable('task_invocations')
      .set({ last_activity_at: at, last_activity_at_ms: atMs }).where('id', '=', id)),
    calls: createCallStatements(),
    entries: createEntryStatements()
  }
}
