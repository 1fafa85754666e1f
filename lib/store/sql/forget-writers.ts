import { toIso, type Clock } from '../../time/clock.js'
import type { Database } from './database.js'

/** How long it waits for the lock, in milliseconds. */
const PATIENCE_MS = 5_000

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
