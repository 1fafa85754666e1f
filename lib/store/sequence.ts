import { randomBytes } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import type { Tables } from './tables.js'

/** An event that is about to get its number. */
export interface NewEvent {
  readonly type: string
  readonly invocationId: number | null
  readonly actor?: string | undefined
  readonly message?: string | undefined
  readonly payload?: Record<string, unknown> | undefined
  /** With `sourceId`: what makes the event enter the log once, whoever brings it. */
  readonly source: string
  readonly sourceId: string
  /** ISO-8601. */
  readonly timestamp: string
}

/** What tells one log of a task from another of it. */
export function randomEpoch (): string {
  return randomBytes(4).toString('hex')
}

/** Gives a task its log, if it has none. */
export async function ensureStream (trx: Kysely<Tables>, taskId: string, title?: string): Promise<void> {
  const epoch = randomEpoch()
  await trx.insertInto('task_stream').values({ task_id: taskId, epoch, title: title ?? null })
    .onConflict((conflict) => title === undefined
      ? conflict.column('task_id').doNothing()
      : conflict.column('task_id').doUpdateSet({ title })).execute()
}

/**
 * Takes the task's next `count` numbers, inside the transaction that uses them.
 * The row's lock makes them dense on every engine, and rolls them back with the rows.
 *
 * @returns the first of them; undefined when the task has no log
 */
export async function allocate (trx: Kysely<Tables>, taskId: string, count: number): Promise<number | undefined> {
  const row = await allocation(trx, taskId, count).executeTakeFirst()
  return row === undefined ? undefined : Number(row.last_seq) - count + 1
}

/** Moves the end of a task's log on, and tells where it is then. */
export function allocation (trx: Kysely<Tables>, taskId: string, count: number) {
  return trx.updateTable('task_stream').set({ last_seq: sql<number>`last_seq + ${count}` })
    .where('task_id', '=', taskId).returning('last_seq')
}

/** Numbers and stores events at the end of a task's log. */
export async function appendEvents (
  trx: Kysely<Tables>, taskId: string, events: readonly NewEvent[]
): Promise<void> {
  if (events.length === 0) return
  const first = await allocate(trx, taskId, events.length)
  if (first === undefined) return
  await insertEvents(trx, taskId, events.map((event, index) => ({ event, seq: first + index })))
}

/** Stores events under numbers that were taken before. */
export async function insertEvents (
  trx: Kysely<Tables>, taskId: string, numbered: ReadonlyArray<{ event: NewEvent, seq: number }>
): Promise<void> {
  for (let at = 0; at < numbered.length; at += EVENTS_A_STATEMENT) {
    const part = numbered.slice(at, at + EVENTS_A_STATEMENT)
    await trx.insertInto('timeline_event').values(part.map(({ event, seq }) => ({
      task_id: taskId,
      seq,
      type: event.type,
      invocation_id: event.invocationId,
      actor: event.actor ?? null,
      message: event.message ?? null,
      payload: event.payload === undefined ? null : JSON.stringify(event.payload),
      source: event.source,
      source_id: event.sourceId,
      created_at: event.timestamp
    }))).execute()
  }
}

/** Ten parameters each, far below every engine's limit. */
const EVENTS_A_STATEMENT = 100
