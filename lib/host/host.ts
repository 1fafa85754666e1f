import type { Insertable, Kysely } from 'kysely'
import { normaliseTime, parseTime, toIso, type Clock } from '../time/clock.js'
import type { TaskInfo } from '../model/events.js'
import type { InvocationRunTable, Tables } from '../store/tables.js'
import { isUnseen, taskIdFrom, taskIdIn } from '../store/dialect.js'
import { limitTo, Statement } from '../store/statement.js'
import { appendEvents, ensureStream, type NewEvent } from '../store/sequence.js'
import { textOf } from '../model/values.js'
import { eventsOf, laterEventsOf, mergeByTime, withinTheirSecond, type ReadInvocation } from './invocation-events.js'
import { deriveLifecycle, readHostRow, type DerivedLifecycle, type HostInvocation } from './legacy-row.js'
import type { TaskEventSource } from './task-events.js'
import type { HostRows, HostSchema, TryPart } from '../store/host-rows.js'

export interface HostOptions {
  readonly schema: HostSchema
  readonly taskEvents: TaskEventSource | undefined
  readonly tryPart: TryPart
  readonly now: Clock
  /** Redacts and caps a text of the host's before it enters the log. */
  readonly clean: (text: string, cap?: TextCap) => string
}

export type TextCap = 'messageBytes' | 'promptBytes' | 'responseBytes'

/** Beside the id of the task. */
const HOST_COLUMNS = [
  'id', 'role', 'provider', 'model', 'error', 'exit_code', 'duration_ms', 'success', 'timed_out',
  'created_at', 'status', 'started_at_ms', 'completed_at_ms', 'last_activity_at_ms'
] as const

interface PendingTaskEvents {
  readonly events: readonly NewEvent[]
  readonly cursor: number
  readonly recheckInMs?: number | undefined
}

export function createHost ({ schema, taskEvents, tryPart, now, clean }: HostOptions): HostRows {
  const columns = HOST_COLUMNS.filter((name) => schema.invocations.has(name))
  // Each batch looks whether there is something of the host's.
  const selectCursors = new Statement((db, { taskId }: { taskId: string }) => db.selectFrom('task_stream')
    .select(['audit_cursor', 'invocation_cursor']).where('task_id', '=', taskId))
  const selectNewest = new Statement((db, { taskId, after }: { taskId: string, after: number }) => db
    .selectFrom('task_invocations').select('id').where(taskIdIn(db, 'task_id'), '=', taskId).where(isUnseen(db, after)).limit(limitTo(1)))
  const selectRunning = new Statement((db, { taskId }: { taskId: string }) => db.selectFrom('invocation_run')
    .select(['invocation_id', 'last_activity_at']).where('status', '=', 'running').where('source', '=', 'host')
    .where('task_id', '=', taskId))

  function selectRows (db: Kysely<any>) {
    return db.selectFrom('task_invocations').select(columns as unknown as string[]).select(taskIdFrom('task_id').as('task_id'))
  }

  /** The one place where invocations of the host's are read. */
  async function readRows (query: { execute (): Promise<unknown[]> }): Promise<HostInvocation[]> {
    return (await query.execute()).map((found) => {
      const row = readHostRow(found as Record<string, unknown>)
      return row.error ? { ...row, error: clean(row.error) } : row
    })
  }

  async function readRow (db: Kysely<Tables>, id: number): Promise<HostInvocation | undefined> {
    return (await readRows(selectRows(db).where('id', '=', id)))[0]
  }

  async function readCursors (db: Kysely<Tables>, taskId: string) {
    return await selectCursors.first(db, { taskId }) ?? { audit_cursor: 0, invocation_cursor: 0 }
  }

  /** Host rows that are known to run may have ended since. */
  async function runningRows (db: Kysely<Tables>, taskId: string) {
    return (await selectRunning.run(db, { taskId })).rows
  }

  async function adoptRow (trx: Kysely<Tables>, row: HostInvocation): Promise<DerivedLifecycle> {
    const derived = deriveLifecycle(row)
    await trx.insertInto('invocation_run').values(runRow(row, derived))
      .onConflict((conflict) => conflict.column('invocation_id').doUpdateSet(progressOf(row, derived))).execute()
    const ownsStatus = !('started_at_ms' in row) || row.started_at_ms === null
    // A constraint or trigger of the host's that refuses the update must not keep the row from the log.
    await tryPart(trx, () => trx.updateTable('task_invocations').set({
      started_at: derived.startedAt,
      completed_at: derived.completedAt,
      last_activity_at: derived.lastActivityAt,
      ...(ownsStatus ? { status: derived.status } : {})
    }).where('id', '=', row.id).execute())
    return derived
  }

  async function importInvocations (trx: Kysely<Tables>, taskId: string, cursor: number) {
    const fresh = await readRows(selectRows(trx).where(taskIdIn(trx, 'task_id'), '=', taskId).where(isUnseen(trx, cursor)).orderBy('id'))
    const recorded = await ownIds(trx, taskId, cursor)
    const adopted: ReadInvocation[] = []
    for (const row of fresh) {
      if (!recorded.has(row.id)) adopted.push({ row, derived: await adoptRow(trx, row) })
    }
    const events = eventsOf(adopted, now())
    for (const { invocation_id: id } of await runningRows(trx, taskId)) {
      if (id > cursor) continue
      const row = await readRow(trx, id)
      if (row !== undefined) events.push(...laterEventsOf({ row, derived: await adoptRow(trx, row) }, now()))
    }
    return { events, cursor: Math.max(fresh.at(-1)?.id ?? 0, cursor) }
  }

  async function ownIds (db: Kysely<Tables>, taskId: string, cursor: number): Promise<ReadonlySet<number>> {
    const rows = await db.selectFrom('invocation_run').select('invocation_id').where('task_id', '=', taskId)
      .where('invocation_id', '>', cursor).where('source', '=', 'recorder').execute()
    return new Set(rows.map((row) => row.invocation_id))
  }

  /** Whether a row that ran has ended, or shown a sign of life, since it was taken in. */
  async function hasMoved (db: Kysely<Tables>, taskId: string): Promise<boolean> {
    for (const { invocation_id: id, last_activity_at: known } of await runningRows(db, taskId)) {
      const row = await readRow(db, id)
      if (row === undefined) continue
      const { status, lastActivityAt } = deriveLifecycle(row)
      if (status !== 'running' || lastActivityAt !== known) return true
    }
    return false
  }

  /** The task events that are not in the log yet; writes nothing. */
  async function readTaskEvents (trx: Kysely<Tables>, taskId: string, cursor: number): Promise<PendingTaskEvents> {
    if (taskEvents === undefined || !(await taskEvents.hasPending(trx, taskId, cursor))) return { events: [], cursor }
    const last = await trx.selectFrom('timeline_event').select('payload').where('task_id', '=', taskId)
      .where('source', '=', taskEvents.name).orderBy('seq', 'desc').limit(1).executeTakeFirst()
    const previous = last?.payload === null || last === undefined ? undefined : JSON.parse(last.payload)
    const found = await taskEvents.read(trx, taskId, cursor, previous)
    const known = await knownSourceIds(trx, taskEvents.name, found.events.map((event) => event.sourceId))
    const events = found.events.filter((event) => !known.has(event.sourceId)).map((event): NewEvent => ({
      type: event.type,
      invocationId: null,
      actor: clean(textOf(event.actor) ?? ''),
      message: clean(textOf(event.message) ?? ''),
      payload: event.payload,
      source: taskEvents.name,
      sourceId: event.sourceId,
      timestamp: normaliseTime(event.timestamp) ?? toIso(now())
    }))
    return { ...found, events }
  }

  function titleOf (recorded: string | null | undefined, ofHost: string | null | undefined): string | undefined {
    return (schema.ownsTasks ? ofHost ?? recorded : recorded ?? ofHost) ?? undefined
  }

  async function readTask (db: Kysely<any>, taskId: string) {
    const wanted = (['title', 'status'] as const).filter((name) => schema.tasks.has(name))
    const row = await db.selectFrom('tasks').select([taskIdFrom('id').as('id'), ...wanted])
      .where(taskIdIn(db, 'id'), '=', taskId).executeTakeFirst()
    // A column of integers takes '7.0' for 7; a log goes by the text.
    return row?.id === taskId ? row : undefined
  }

  return {
    schema,
    tryPart,

    async getTask (db, taskId) {
      const stream = await db.selectFrom('task_stream').select('title').where('task_id', '=', taskId).executeTakeFirst()
      const row = schema.tasks.has('id') ? await readTask(db, taskId) : undefined
      if (row === undefined && stream === undefined && schema.ownsTasks) return undefined
      const status = schema.ownsTasks ? row?.status : undefined
      return taskInfo(taskId, titleOf(stream?.title, textOf(row?.title)), status ?? await lastStatus(db, taskId))
    },

    titleOf,

    async titlesOf (db, taskIds) {
      if (!schema.tasks.has('title') || taskIds.length === 0) return new Map()
      const rows = await (db as Kysely<any>).selectFrom('tasks').select([taskIdFrom('id').as('id'), 'title'])
        .where(taskIdIn(db, 'id'), 'in', [...new Set(taskIds)]).execute()
      return new Map(rows.map((row) => [row.id, textOf(row.title) ?? '']))
    },

    async look (db, taskId) {
      const cursors = await readCursors(db, taskId)
      const invocation = await selectNewest.first(db, { taskId, after: cursors.invocation_cursor })
      if (invocation !== undefined || await hasMoved(db, taskId)) return { hasPending: true }
      const { events, cursor, recheckInMs } = await readTaskEvents(db, taskId, cursors.audit_cursor)
      return { hasPending: events.length > 0 || cursor > cursors.audit_cursor, recheckInMs }
    },

    async importPending (trx, taskId) {
      const cursors = await readCursors(trx, taskId)
      const task = await readTaskEvents(trx, taskId, cursors.audit_cursor)
      const invocations = await importInvocations(trx, taskId, cursors.invocation_cursor)
      const moved = task.cursor > cursors.audit_cursor || invocations.cursor > cursors.invocation_cursor
      let events = mergeByTime([...task.events, ...invocations.events])
      if (moved || events.length > 0) {
        await ensureStream(trx, taskId)
        if (task.events.length > 0) events = withinTheirSecond(events, await lastTimeOf(trx, taskId))
        await appendEvents(trx, taskId, events)
        await trx.updateTable('task_stream')
          .set({ audit_cursor: task.cursor, invocation_cursor: invocations.cursor })
          .where('task_id', '=', taskId).execute()
      }
      return { imported: events.length, recheckInMs: task.recheckInMs }
    },

    showTexts: ({ prompt, response }) => ({
      prompt: clean(textOf(prompt) ?? '', 'promptBytes'),
      response: response === null ? null : clean(textOf(response) ?? '', 'responseBytes')
    }),

    async endedTasks (db) {
      const rows = await db.selectFrom('invocation_run').select(['invocation_id', 'task_id'])
        .where('status', '=', 'running').where('source', '=', 'host').execute()
      const ended: string[] = []
      for (const { invocation_id: id, task_id: taskId } of rows) {
        const row = await readRow(db, id)
        if (row !== undefined && deriveLifecycle(row).status !== 'running') ended.push(taskId)
      }
      return [...new Set(ended)]
    },

    async adopt (trx, ids) {
      if (ids.length === 0) return
      const known = await trx.selectFrom('invocation_run').selectAll().where('invocation_id', 'in', [...ids]).execute()
      const knownIds = new Set(known.map((run) => Number(run.invocation_id)))
      for (const run of known) {
        await tryPart(trx, () => trx.updateTable('task_invocations').set({
          started_at: run.started_at,
          completed_at: run.completed_at,
          last_activity_at: run.last_activity_at,
          ...(run.source === 'recorder' || !schema.invocations.has('started_at_ms') ? { status: run.status } : {})
        }).where('id', '=', run.invocation_id).where('started_at', 'is', null).execute())
      }
      const fresh = ids.filter((id) => !knownIds.has(id))
      if (fresh.length === 0) return
      for (const row of await readRows(selectRows(trx).where('id', 'in', fresh))) await adoptRow(trx, row)
    }
  }
}

/** Of the last event in a task's log, in milliseconds since the epoch; 0 where there is none. */
async function lastTimeOf (db: Kysely<Tables>, taskId: string): Promise<number> {
  const activity = await db.selectFrom('invocation_activity').select(['created_at', 'lag_ms'])
    .where('task_id', '=', taskId).orderBy('seq', 'desc').limit(1).executeTakeFirst()
  const event = await db.selectFrom('timeline_event').select('created_at')
    .where('task_id', '=', taskId).orderBy('seq', 'desc').limit(1).executeTakeFirst()
  const activityMs = (parseTime(activity?.created_at) ?? 0) - Number(activity?.lag_ms ?? 0)
  return Math.max(activityMs, parseTime(event?.created_at) ?? 0)
}

async function knownSourceIds (db: Kysely<Tables>, source: string, ids: readonly string[]) {
  const known = new Set<string>()
  for (let at = 0; at < ids.length; at += IDS_A_STATEMENT) {
    const rows = await db.selectFrom('timeline_event').select('source_id').where('source', '=', source)
      .where('source_id', 'in', ids.slice(at, at + IDS_A_STATEMENT)).execute()
    for (const row of rows) known.add(row.source_id)
  }
  return known
}

const IDS_A_STATEMENT = 500

/** Without a table of tasks, the last recorded task event tells the status. */
async function lastStatus (db: Kysely<Tables>, taskId: string): Promise<string | undefined> {
  const row = await db.selectFrom('timeline_event').select('type').where('task_id', '=', taskId)
    .where('type', 'like', 'task.%').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  const name = row?.type.slice('task.'.length)
  return name === 'started' || name === 'rejected' ? 'in_progress' : name
}

function taskInfo (id: string, title: unknown, status: unknown): TaskInfo {
  const [titleText, statusText] = [textOf(title), textOf(status)]
  return {
    id,
    ...(titleText === null ? {} : { title: titleText }),
    ...(statusText === null ? {} : { status: statusText })
  }
}

/** What changes in the record of a host's invocation while it runs and when it ends. */
function progressOf (row: HostInvocation, derived: DerivedLifecycle) {
  return {
    status: derived.status,
    completed_at: derived.completedAt,
    last_activity_at: derived.lastActivityAt,
    duration_ms: derived.durationMs,
    success: derived.status === 'running' ? null : Number(derived.status === 'completed'),
    timed_out: Number(derived.status === 'timeout'),
    exit_code: row.exit_code ?? null,
    error: row.error ?? null
  }
}

function runRow (row: HostInvocation, derived: DerivedLifecycle): InsertableRun {
  return {
    invocation_id: row.id,
    task_id: row.task_id,
    role: row.role ?? '',
    provider: row.provider ?? '',
    model: row.model ?? null,
    ...progressOf(row, derived),
    source: 'host',
    started_at: derived.startedAt,
    signal: null,
    reason: null,
    outcome: null,
    summary: null,
    usage: null,
    session_id: null,
    stderr_tail: null,
    owner: null,
    heartbeat_at: null,
    progress: null
  }
}

type InsertableRun = Insertable<InvocationRunTable>
