import { sql, type CompiledQuery, type Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import type { CallChanges, CallEnding, CallRow, FileChange } from '../../insight/call-changes.js'
import { isFailed } from '../../insight/tally.js'
import type { ToolKind } from '../../model/activity.js'
import { cutText } from '../../text/cut.js'
import { durationOf } from '../../model/values.js'
import { parseTime, toIso } from '../../time/clock.js'
import { tableOf } from '../dialect.js'
import { Statement } from '../statement.js'
import type { Tables } from '../tables.js'
import { createBinStatements, storeBins, type BinStatements } from './run-bins.js'

/** Statements that write calls; one set for each writer. */
export interface CallStatements {
  /** By number of rows. */
  readonly inserts: Map<number, CompiledQuery>
  readonly end: Statement<StoredEnding & { taskId: string, seq: number }>
  readonly selectOpen: Statement<
    { invocationId: number }, { task_id: string, seq: number, started_at: string, kind: string }
  >
  readonly moveToBackground: Statement<{ taskId: string, seq: number }>
  readonly touchFile: Statement<StoredFile>
  readonly bins: BinStatements
}

type StoredEnding = {
  end_seq: number | null,
  status: string,
  exit_code: number | null,
  duration_ms: number,
  result_hash: string | null
  first_error: string | null,
  path: string | null,
  added: number | null,
  removed: number | null
}
type StoredFile = {
  task_id: string,
  path: string,
  invocation_id: number,
  edits: number,
  added: number | null,
  removed: number | null
  is_new: number
}

export function createCallStatements (): CallStatements {
  return {
    inserts: new Map(),
    bins: createBinStatements(),
    end: new Statement((db, v) => db.updateTable('tool_call').set((eb) => ({
      end_seq: v.end_seq,
      status: v.status,
      exit_code: v.exit_code,
      duration_ms: v.duration_ms,
      result_hash: v.result_hash,
      first_error: v.first_error,
      path: eb.fn.coalesce(eb.val(v.path), 'path'),
      added: v.added,
      removed: v.removed
    })).where('task_id', '=', v.taskId).where('seq', '=', v.seq)),
    selectOpen: new Statement((db, { invocationId }) => db.selectFrom('tool_call').select(['task_id', 'seq', 'started_at', 'kind'])
      .where('invocation_id', '=', invocationId).where('status', '=', 'running').orderBy('seq')),
    moveToBackground: new Statement((db, { taskId, seq }) => db.updateTable('tool_call').set({ is_background: 1 })
      .where('task_id', '=', taskId).where('seq', '=', seq)),
    touchFile: new Statement((db, v) => db.insertInto('task_file').values({
      task_id: v.task_id,
      path: v.path,
      invocation_id: v.invocation_id,
      edits: v.edits,
      added: v.added,
      removed: v.removed,
      is_new: v.is_new
    })
      .onConflict((conflict) => conflict.columns(['task_id', 'path', 'invocation_id']).doUpdateSet((eb) => ({
        edits: eb('task_file.edits', '+', eb.ref('excluded.edits')),
        added: sum(eb, 'added'),
        removed: sum(eb, 'removed'),
        is_new: eb.case().when('excluded.is_new', '=', 1).then(1).else(eb.ref('task_file.is_new')).end()
      }))))
  }
}

/** Of two counts that may both be unknown; unknown only where both are. */
function sum (eb: any, name: 'added' | 'removed') {
  const [stored, given] = [eb.ref(`task_file.${name}`), eb.ref(`excluded.${name}`)]
  return eb.case().when(given, 'is', null).then(stored)
    .else(eb(eb.fn.coalesce(stored, eb.lit(0)), '+', given)).end()
}

/** An entry of an index of PostgreSQL's holds 2,704 bytes: this, at 3 bytes each, and the longest id of a task. */
const INDEXED_CHARS = 600

/** Rows a statement, largest first: few different statements to keep prepared. */
const ROWS_A_STATEMENT = [20, 5, 1]

/** Stores what a batch changes of a task's calls. */
export async function storeCalls (
  trx: Kysely<Tables>, statements: CallStatements, taskId: string, changes: CallChanges
): Promise<void> {
  await insertCalls(trx, statements.inserts, taskId, [...changes.started.values()])
  if (changes.ended.size > 1 && engineOf(trx) === 'postgres') {
    await endAtOnce(trx, taskId, changes)
  } else {
    for (const [seq, ending] of changes.ended) await statements.end.run(trx, { taskId, seq, ...storedEnding(ending) })
  }
  for (const seq of changes.movedToBackground) await statements.moveToBackground.run(trx, { taskId, seq })
  for (const file of changes.files) await statements.touchFile.run(trx, storedFile(taskId, file))
  if (changes.spans.length > 0) await storeBins(trx, statements.bins, changes.spans)
}

/** On PostgreSQL, where each statement is a way there and back. */
async function endAtOnce (trx: Kysely<Tables>, taskId: string, { ended }: CallChanges): Promise<void> {
  const table = tableOf([...ended].map(([seq, ending]) => ({ seq, ...storedEnding(ending) })), {
    seq: 'bigint',
    end_seq: 'bigint',
    status: 'text',
    exit_code: 'bigint',
    duration_ms: 'bigint',
    result_hash: 'text',
    first_error: 'text',
    path: 'text',
    added: 'bigint',
    removed: 'bigint'
  })
  await sql`UPDATE tool_call AS c SET end_seq = given.end_seq, status = given.status, exit_code = given.exit_code,
      duration_ms = given.duration_ms, result_hash = given.result_hash, first_error = given.first_error::jsonb,
      path = coalesce(given.path, c.path), added = given.added, removed = given.removed
    FROM ${table} WHERE c.task_id = ${taskId} AND c.seq = given.seq`.execute(trx)
}

/** Ends the calls of a run that are still open, as far as the log tells: it did not live to see their ends. */
export async function abortCalls (
  trx: Kysely<Tables>, statements: CallStatements, invocationId: number, at: number
): Promise<void> {
  const open = await statements.selectOpen.run(trx, { invocationId })
  for (const { task_id: taskId, seq, ...call } of open.rows) {
    await abortCall(trx, statements, { taskId, seq: Number(seq), invocationId, ...call }, null, at)
  }
}

/** Ends one that its run did not live to see end. */
export async function abortCall (
  trx: Kysely<Tables>, statements: CallStatements, call: OpenCallRow, endSeq: number | null, at: number
): Promise<void> {
  const { taskId, seq, invocationId, kind } = call
  const startedAt = parseTime(call.started_at) ?? at
  const durationMs = Math.max(0, at - startedAt)
  await statements.end.run(trx, { taskId, seq, ...storedEnding({ ...ABORTED, endSeq, durationMs }) })
  await storeBins(trx, statements.bins, [
    { invocationId, startedAt, durationMs, kind: kind as ToolKind, isFailed: isFailed(ABORTED.status) }
  ])
}

interface OpenCallRow {
  readonly taskId: string
  readonly seq: number
  readonly invocationId: number
  readonly kind: string
  readonly started_at: string
}

const ABORTED = {
  endSeq: null, status: 'aborted', exitCode: null, resultHash: null, firstError: null, path: null, added: null, removed: null
} as const

async function insertCalls (
  trx: Kysely<Tables>, cache: Map<number, CompiledQuery>, taskId: string, rows: readonly CallRow[]
): Promise<void> {
  let at = 0
  for (const size of ROWS_A_STATEMENT) {
    for (; rows.length - at >= size; at += size) {
      const values = rows.slice(at, at + size).map((row) => storedCall(taskId, row))
      let statement = cache.get(size)
      if (statement === undefined) cache.set(size, statement = trx.insertInto('tool_call').values(values).compile())
      await trx.executeQuery({ ...statement, parameters: values.flatMap((value) => Object.values(value)) })
    }
  }
}

function storedCall (taskId: string, row: CallRow) {
  const ending = row.ending === undefined ? NOT_ENDED : storedEnding(row.ending)
  return {
    task_id: taskId,
    seq: row.seq,
    invocation_id: row.invocationId,
    call_id: row.callId,
    use: row.use,
    parent_seq: row.parentSeq,
    kind: row.kind,
    name: row.name,
    message: row.message,
    chain: row.chain === null ? null : cutText(row.chain, INDEXED_CHARS),
    call_hash: row.hash,
    timeout_ms: durationOf(row.timeoutMs),
    is_poll: Number(row.isPoll),
    started_at: toIso(row.startedAt),
    is_background: Number(row.isBackground),
    ...ending,
    path: ending.path ?? row.path
  }
}

const NOT_ENDED = {
  end_seq: null,
  status: 'running',
  exit_code: null,
  duration_ms: null,
  result_hash: null,
  first_error: null,
  path: null,
  added: null,
  removed: null
}

function storedEnding (ending: CallEnding): StoredEnding {
  return {
    end_seq: ending.endSeq,
    status: ending.status,
    exit_code: ending.exitCode,
    duration_ms: durationOf(ending.durationMs) ?? 0,
    result_hash: ending.resultHash,
    first_error: ending.firstError === null ? null : JSON.stringify(ending.firstError),
    path: ending.path,
    added: ending.added,
    removed: ending.removed
  }
}

function storedFile (taskId: string, { invocationId, path, edits, added, removed, isNew }: FileChange): StoredFile {
  return {
    task_id: taskId,
    path: cutText(path, INDEXED_CHARS),
    invocation_id: invocationId,
    edits,
    added,
    removed,
    is_new: Number(isNew)
  }
}
