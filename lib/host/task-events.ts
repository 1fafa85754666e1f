import type { Kysely } from 'kysely'
import { parseTime, type Clock } from '../time/clock.js'
import { taskIdIn } from '../store/dialect.js'
import { limitTo, Statement } from '../store/statement.js'
import { decideTransitions, transitionMessage, transitionType, type AuditRow } from './audit.js'

/** A change of a task that the host recorded by itself. */
export interface HostTaskEvent {
  /** Unique among the source's events; the event enters the log once, whoever reads it. */
  readonly sourceId: string
  readonly type: `task.${string}`
  readonly actor: string
  readonly message: string
  readonly timestamp: string
  /** Kept with the event and handed back as `previous`. */
  readonly payload?: Record<string, unknown>
}

export interface HostTaskEvents {
  readonly events: readonly HostTaskEvent[]
  /** Where to go on next time. */
  readonly cursor: number
  /** Milliseconds after which an event that is not certain yet should be looked at again. */
  readonly recheckInMs?: number
}

/** Where a host keeps its tasks' changes; bring your own as the option `taskEvents`. */
export interface TaskEventSource {
  /** Names the source in the log, for example `audit`. */
  readonly name: string
  /** Whether this database has what the source reads. */
  isPresent (db: Kysely<any>): Promise<boolean>
  /** One cheap query: is there anything after the cursor? */
  hasPending (db: Kysely<any>, taskId: string, cursor: number): Promise<boolean>
  /** The events after the cursor, oldest first. `previous` is the payload of the last one in the log. */
  read (
    db: Kysely<any>, taskId: string, cursor: number, previous: Record<string, unknown> | undefined
  ): Promise<HostTaskEvents>
}

/** How long `tasks.status` has to agree with the last audit row. */
const CONFIRM_AFTER_MS = 2_000

/** A row this old needs no watching: its status has settled. */
const SETTLED_AFTER_MS = 10_000

/** Reads the `audit` table of the orchestrator that the design document describes. */
export function createAuditSource (now: Clock): TaskEventSource {
  /** Per task: its last row, and since when `tasks.status` has agreed with it. */
  const agreements = new Map<string, { readonly rowId: number, readonly since: number }>()

  const selectPending = new Statement((db: Kysely<any>, { taskId, cursor }: { taskId: string, cursor: number }) => db
    .selectFrom('audit').select('id').where(taskIdIn(db, 'task_id'), '=', taskId).where('id', '>', cursor).limit(limitTo(1)))

  function isConfirmed (taskId: string, row: AuditRow, status: string | undefined): boolean {
    const isSettled = now() - (parseTime(row.created_at) ?? 0) > SETTLED_AFTER_MS
    if (status !== row.to_status || isSettled) {
      agreements.delete(taskId)
      return status === row.to_status
    }
    const known = agreements.get(taskId)
    if (known?.rowId === row.id) return now() - known.since >= CONFIRM_AFTER_MS
    agreements.set(taskId, { rowId: row.id, since: now() })
    return false
  }

  return {
    name: 'audit',

    isPresent: async () => true,

    async hasPending (db, taskId, cursor) {
      return await selectPending.first(db, { taskId, cursor }) !== undefined
    },

    async read (db, taskId, cursor, previous) {
      const rows: AuditRow[] = await db.selectFrom('audit')
        .select(['id', 'from_status', 'to_status', 'actor', 'created_at'])
        .where(taskIdIn(db, 'task_id'), '=', taskId).where('id', '>', cursor).orderBy('created_at').orderBy('id').execute()
      const task = await db.selectFrom('tasks').select('status').where(taskIdIn(db, 'id'), '=', taskId).executeTakeFirst()
      const { believed, undecided } = decideTransitions(rows, previousTransition(previous),
        (row) => isConfirmed(taskId, row, task?.status))
      const waits = undecided !== undefined && task?.status === undecided.to_status
      return {
        events: believed.map(toTaskEvent),
        cursor: undecided === undefined ? rows.reduce((max, row) => Math.max(max, row.id), cursor) : undecided.id - 1,
        ...(waits ? { recheckInMs: CONFIRM_AFTER_MS } : {})
      }
    }
  }
}

function previousTransition (payload: Record<string, unknown> | undefined) {
  if (payload === undefined) return undefined
  return { from_status: (payload.from ?? null) as string | null, to_status: String(payload.to) }
}

function toTaskEvent (row: AuditRow): HostTaskEvent {
  const type = transitionType(row.from_status, row.to_status)
  return {
    sourceId: String(row.id),
    type,
    actor: row.actor,
    message: transitionMessage(type, row.from_status),
    timestamp: row.created_at,
    payload: { from: row.from_status, to: row.to_status }
  }
}
