import type { Kysely } from 'kysely'
import type { StreamHead } from '../port.js'
import type { Tables } from '../tables.js'

/** Where a task's log stands. */
export function toHead (row: { last_seq: number, epoch: string, floor_seq: number }): StreamHead {
  return { lastSeq: Number(row.last_seq), epoch: row.epoch, floorSeq: Number(row.floor_seq) }
}

const NO_HEAD: StreamHead = { lastSeq: 0, epoch: '', floorSeq: 0 }

export async function headOf (db: Kysely<Tables>, taskId: string): Promise<StreamHead> {
  const row = await db.selectFrom('task_stream').select(['last_seq', 'epoch', 'floor_seq'])
    .where('task_id', '=', taskId).executeTakeFirst()
  return row === undefined ? NO_HEAD : toHead(row)
}
