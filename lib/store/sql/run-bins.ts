import type { Kysely } from 'kysely'
import { FIRST_BIN_MS, RunBins, type CallSpan } from '../../insight/run-bins.js'
import type { ToolKind } from '../../model/activity.js'
import { parseTime } from '../../time/clock.js'
import { Statement } from '../statement.js'
import type { Tables } from '../tables.js'

/** A call that is over, and whose it is. */
export interface RunSpan extends CallSpan {
  readonly invocationId: number
}

/** Statements that write bins; one set for each writer. */
export interface BinStatements {
  readonly selectRun: Statement<{ id: number }, { started_at: string | null, bin_ms: number | null }>
  readonly add: Statement<StoredBin>
}

type StoredBin = { id: number, at: number, kind: string, ms: number, calls: number, failed: number }

export function createBinStatements (): BinStatements {
  return {
    selectRun: new Statement((db, { id }) => db.selectFrom('invocation_run').select(['started_at', 'bin_ms'])
      .where('invocation_id', '=', id)),
    add: new Statement((db, { id, at, kind, ms, calls, failed }) => db.insertInto('run_bin')
      .values({ invocation_id: id, at, kind, ms, calls, failed })
      .onConflict((conflict) => conflict.columns(['invocation_id', 'at', 'kind']).doUpdateSet((eb) => ({
        ms: eb('run_bin.ms', '+', eb.ref('excluded.ms')),
        calls: eb('run_bin.calls', '+', eb.ref('excluded.calls')),
        failed: eb('run_bin.failed', '+', eb.ref('excluded.failed'))
      }))))
  }
}

/**
 * Adds calls that have ended to the pictures of their runs. Where a run has grown too long for its bins, they are made
 * twice as wide, and those that it has are put together: so a picture is read in the same time however long its run is.
 */
export async function storeBins (
  trx: Kysely<Tables>, statements: BinStatements, spans: readonly RunSpan[]
): Promise<void> {
  for (const id of new Set(spans.map(({ invocationId }) => invocationId))) {
    const ofRun = spans.filter(({ invocationId }) => invocationId === id)
    const run = await statements.selectRun.first(trx, { id })
    if (run === undefined) continue
    const from = parseTime(run.started_at) ?? Math.min(...ofRun.map(({ startedAt }) => startedAt))
    const width = run.bin_ms === null ? FIRST_BIN_MS : Number(run.bin_ms)
    const bins = new RunBins(from, width)
    for (const span of ofRun) bins.add(span)
    if (bins.widthMs !== width) await widen(trx, id, bins, width)
    for (const [at, kinds] of bins.bins()) {
      for (const [kind, { ms, calls, failed }] of Object.entries(kinds)) {
        await statements.add.run(trx, { id, at, kind, ms, calls, failed })
      }
    }
  }
}

async function widen (trx: Kysely<Tables>, id: number, bins: RunBins, width: number): Promise<void> {
  const rows = await trx.deleteFrom('run_bin').where('invocation_id', '=', id).returningAll().execute()
  for (const row of rows) {
    const [ms, calls, failed] = [Number(row.ms), Number(row.calls), Number(row.failed)]
    bins.merge(Number(row.at) * width, row.kind as ToolKind, { ms, calls, failed })
  }
  await trx.updateTable('invocation_run').set({ bin_ms: bins.widthMs }).where('invocation_id', '=', id).execute()
}
