import { sql, type Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import type { NoticeKind } from '../../model/notice.js'
import { parseTime, toIso } from '../../time/clock.js'
import { databaseTime, lateIds } from '../dialect.js'
import type { NoticeChannel, NoticeStore, StoredNotice } from '../notices.js'
import { limitTo } from '../statement.js'
import type { Tables } from '../tables.js'
import type { Database } from './database.js'

/** How long a change of these tables waits for the lock, in milliseconds; it is tried again a second later. */
const PATIENCE_MS = 500
const ENDS_AT_ONCE = 200
const ENDS = ['invocation.completed', 'invocation.failed', 'invocation.timeout']
const COLUMN_OF = { callback: 'called_at', webhook: 'sent_at' } as const satisfies Record<NoticeChannel, string>
const COLUMNS = ['id', 'notice_id', 'task_id', 'invocation_id', 'kind', 'data'] as const

export function createNoticeStore ({ read, write }: Pick<Database, 'read' | 'write'>): NoticeStore {
  return {
    hold: (name, holder, now, until) => write(async (trx) => {
      // Of machines whose clocks differ, that of the database tells whose time is over.
      const at = await currentTime(trx, now)
      const lasts = toIso(at + until - now)
      const lease = await trx.selectFrom('timeline_lease').select(['holder', 'held_until'])
        .where('name', '=', name).executeTakeFirst()
      if (lease === undefined) {
        // What has ended, or was made for others, before anybody wanted to be told is history.
        const [table, late] = name === 'notices' ? ['timeline_event', lateIds(trx)] as const : ['timeline_notice', 0] as const
        const last = await trx.selectFrom(table).select((eb) => eb.fn.max('id').as('id')).executeTakeFirst()
        const { numInsertedOrUpdatedRows = 0n } = await trx.insertInto('timeline_lease').values({
          name,
          holder,
          held_until: lasts,
          position: Number(last?.id ?? 0) + late
        }).onConflict((conflict) => conflict.doNothing()).executeTakeFirst()
        return numInsertedOrUpdatedRows > 0n
      }
      if (lease.holder !== holder && lease.held_until > toIso(at)) return false
      // Somebody else may have taken it since it was read.
      const { numUpdatedRows } = await trx.updateTable('timeline_lease').set({ holder, held_until: lasts })
        .where('name', '=', name).where('holder', '=', lease.holder).where('held_until', '=', lease.held_until)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    }, PATIENCE_MS),

    async release (holder) {
      await write((trx) => trx.updateTable('timeline_lease').set({ held_until: '' })
        .where('holder', '=', holder).execute(), PATIENCE_MS)
    },

    // What was spent changes nothing of how a run is doing.
    latest: () => read(async (db) => (await db.selectFrom('timeline_notice').select(COLUMNS)
      .where('id', 'in', (eb) => eb.selectFrom('timeline_notice').select((of) => of.fn.max('id').as('id')).where('kind', '<>', 'budget')
        .groupBy(['task_id', 'invocation_id'])).execute()).map(toNotice)),

    ends: (since) => read(async (db) => {
      const late = lateIds(db)
      let select = db.selectFrom('timeline_event').select(['id', 'task_id', 'invocation_id', 'type', 'payload'])
        .where('id', '>', (eb) => eb.selectFrom('timeline_lease').select(sql<number>`position - ${sql.lit(late)}`.as('from'))
          .where('name', '=', 'notices'))
      // Where ids do not rise with their commits, those just before the position are looked at again.
      if (late > 0) {
        select = select.where((eb) => eb.not(eb.exists(eb.selectFrom('timeline_notice').select('timeline_notice.id')
          .whereRef('timeline_notice.task_id', '=', 'timeline_event.task_id')
          .whereRef('timeline_notice.invocation_id', '=', 'timeline_event.invocation_id')
          .where('kind', 'in', ['ended', 'lost']))))
      }
      const rows = await select.where('type', 'in', ENDS).where('created_at', '>', since).orderBy('id').limit(ENDS_AT_ONCE).execute()
      return rows.map((row) => ({
        eventId: Number(row.id),
        taskId: row.task_id,
        invocationId: Number(row.invocation_id),
        status: row.type.replace('invocation.', ''),
        payload: row.payload
      }))
    }),

    add: (holder, notices, at, position) => write(async (trx) => {
      // Nobody takes the lease before this is committed.
      const { numUpdatedRows } = await trx.updateTable('timeline_lease').set({ holder })
        .where('name', '=', 'notices').where('holder', '=', holder).executeTakeFirst()
      if (numUpdatedRows === 0n) return false
      for (const { noticeId, taskId, invocationId, kind, data } of notices) {
        await trx.insertInto('timeline_notice').values({
          notice_id: noticeId,
          task_id: taskId,
          invocation_id: invocationId ?? null,
          kind,
          data,
          created_at: at
        }).execute()
      }
      if (position !== undefined) {
        await trx.updateTable('timeline_lease').set({ position }).where('name', '=', 'notices')
          .where('position', '<', position).execute()
      }
      return true
    }, PATIENCE_MS),

    last: () => read(async (db) => {
      const row = await db.selectFrom('timeline_notice').select([...COLUMNS, 'called_at', 'sent_at'])
        .orderBy('id', 'desc').limit(limitTo(1)).executeTakeFirst()
      if (row === undefined) return undefined
      const told = (['callback', 'webhook'] as const).filter((channel) => row[COLUMN_OF[channel]] !== null)
      return { ...toNotice(row), told }
    }),

    waiting: (channel, since, limit) => read(async (db) => (await db.selectFrom('timeline_notice').select(COLUMNS)
      .where('id', '>', (eb) => eb.selectFrom('timeline_lease').select('position').where('name', '=', channel))
      .where(COLUMN_OF[channel], 'is', null).where('created_at', '>', since).orderBy('id').limit(limit).execute())
      .map(toNotice)),

    async done (channel, id, at) {
      await write((trx) => trx.updateTable('timeline_notice').set({ [COLUMN_OF[channel]]: at })
        .where('id', '=', id).execute(), PATIENCE_MS)
    },

    async prune (before) {
      await write((trx) => trx.deleteFrom('timeline_notice').where('created_at', '<', before).execute(), PATIENCE_MS)
    }
  }
}

async function currentTime (db: Kysely<Tables>, now: number): Promise<number> {
  if (engineOf(db) === 'sqlite') return now
  const { rows: [row] } = await sql<{ at: string }>`SELECT ${databaseTime(db)} AS at`.execute(db)
  return parseTime(row?.at) ?? now
}

function toNotice (row: {
  readonly id: number
  readonly notice_id: string
  readonly task_id: string
  readonly invocation_id: number | null
  readonly kind: string
  readonly data: string
}): StoredNotice {
  return {
    id: Number(row.id),
    noticeId: row.notice_id,
    taskId: row.task_id,
    invocationId: row.invocation_id === null ? undefined : Number(row.invocation_id),
    kind: row.kind as NoticeKind,
    data: row.data
  }
}
