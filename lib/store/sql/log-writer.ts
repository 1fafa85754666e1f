import type { Clock } from '../../time/clock.js'
import type { Batch, BatchOutcome, LogRun, LogWriter } from '../port.js'
import { createBatchStatements } from './batch-statements.js'
import { commitBatch } from './commit-batch.js'
import type { Database } from './database.js'

export interface LogWriterOptions {
  readonly writerId: string
  /** This process, as JSON: see {@link Owner}. */
  readonly owner: string
  readonly activitiesPerInvocation: number
  readonly now: Clock
}

/** The writing half of the store on one database: a batch is one transaction. */
export function createLogWriter (
  database: Database, { writerId, owner, activitiesPerInvocation, now }: LogWriterOptions
): LogWriter {
  const fixed = { writerId, owner, activitiesPerInvocation, statements: createBatchStatements() }
  return {
    async commit<Run extends LogRun> (batch: Batch<Run>) {
      let outcome: BatchOutcome | undefined
      try {
        await database.write(async (trx, host) => {
          outcome = await commitBatch(trx, { ...fixed, host, now: now() }, batch)
        })
        // The runs in it are those of the batch.
        return outcome as BatchOutcome as BatchOutcome<Run>
      } catch (error) {
        throw database.storeError(error, outcome)
      }
    },
    lockPause: () => database.lockPause(),
    repair: () => database.repair().catch((error) => { throw database.storeError(error) })
  }
}
