import type { Kysely } from 'kysely'
import type { CallChanges } from '../../insight/call-changes.js'
import { encodeTally, spendUntil } from '../../insight/tally.js'
import type { ActivityOp } from '../../model/operations.js'
import type { Tables } from '../tables.js'
import type { BatchContext, RunInBatch } from './batch-context.js'
import { storeFailure } from './explain-run.js'
import { abortCalls } from './tool-calls.js'
import { writeUsageColumns } from './usage-columns.js'

/** Takes in what an activity says, once it has its number. */
export function followRun (
  of: RunInBatch, { type, message, metadata, at, facts }: ActivityOp, seq: number, calls: CallChanges
): void {
  const activity = { type, message, metadata, at, seq, call: facts?.call }
  if (calls.follow(of, of.id as number, activity)) of.hasProgressed = true
  if (facts?.plan !== undefined) of.plan = facts.plan
  if (facts?.usage !== undefined) of.usage = facts.usage
}

/** The time up to its end is counted, and nothing is open any more. */
export async function closeCourse (
  trx: Kysely<Tables>, { statements }: BatchContext, of: RunInBatch, id: number, endedAt: number
): Promise<void> {
  spendUntil(of.tally, of.progress, endedAt)
  await trx.updateTable('invocation_run').set({ tally: encodeTally(of.tally) }).where('invocation_id', '=', id).execute()
  await abortCalls(trx, statements.calls, id, endedAt)
  await storeFailure(trx, id)
}

/** What an agent says of itself now and then; what its end said of usage is final. */
export async function noteTold (
  trx: Kysely<Tables>, { plan, usage, hasFinalUsage }: RunInBatch, id: number
): Promise<void> {
  const told = {
    ...(plan === undefined ? {} : { plan }),
    ...(usage === undefined || hasFinalUsage ? {} : writeUsageColumns(usage))
  }
  if (Object.keys(told).length > 0) {
    await trx.updateTable('invocation_run').set(told).where('invocation_id', '=', id).execute()
  }
}
