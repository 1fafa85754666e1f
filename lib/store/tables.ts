import type { Generated } from 'kysely'

/** The invocations: the host's table, of which migration 010 owns the last four columns. */
export interface TaskInvocationsTable {
  id: Generated<number>
  task_id: string
  role: string
  provider: string
  model: string
  prompt: string
  response: string | null
  error: string | null
  exit_code: number | null
  duration_ms: number | null
  success: number | null
  timed_out: number | null
  created_at: string | null
  started_at: string | null
  completed_at: string | null
  last_activity_at: string | null
  status: string | null
  /** Later versions of the document's orchestrator have these. */
  started_at_ms?: number | null
  completed_at_ms?: number | null
  last_activity_at_ms?: number | null
}

export interface InvocationActivityTable {
  id: Generated<number>
  invocation_id: number
  activity_type: string
  message: string
  /** When the row was inserted. */
  created_at: string
  task_id: string
  seq: number
  metadata: string | null
  /** Milliseconds between the activity and its insertion: the event's time is `created_at - lag_ms`. */
  lag_ms: number
}

export interface TimelineEventTable {
  id: Generated<number>
  task_id: string
  seq: number
  type: string
  invocation_id: number | null
  actor: string | null
  message: string | null
  payload: string | null
  source: string
  source_id: string
  created_at: string
}

export interface InvocationRunTable {
  invocation_id: number
  task_id: string
  role: string
  provider: string
  model: string | null
  status: string
  /** `recorder`: ours; `host`: written by the host's own logger. */
  source: string
  started_at: string | null
  completed_at: string | null
  last_activity_at: string | null
  duration_ms: number | null
  success: number | null
  timed_out: number
  exit_code: number | null
  signal: string | null
  reason: string | null
  error: string | null
  outcome: string | null
  summary: string | null
  usage: string | null
  session_id: string | null
  stderr_tail: string | null
  owner: string | null
  heartbeat_at: string | null
  activity_count: Generated<number>
  /** What it is in the middle of: see {@link Progress}. */
  progress: string | null
}

export interface TaskStreamTable {
  task_id: string
  last_seq: Generated<number>
  epoch: string
  floor_seq: Generated<number>
  title: string | null
  /** Audit rows up to this id are decided. */
  audit_cursor: Generated<number>
  /** Invocations of the task up to this id are in the log. */
  invocation_cursor: Generated<number>
}

export interface TimelineWriterTable {
  writer_id: string
  batch: number
  owner: string
  heartbeat_at: string
}

export interface TimelineMigrationTable {
  name: string
  applied_at: string
  /** Comma-separated names of the columns of task_invocations that were added. */
  added_columns: string
  /** Invocations up to this id are backfilled. */
  backfill_cursor: Generated<number>
  backfilled_at: string | null
}

/** Every table that the store reads or writes, in SQL's names. */
export interface Tables {
  task_invocations: TaskInvocationsTable
  invocation_activity: InvocationActivityTable
  timeline_event: TimelineEventTable
  invocation_run: InvocationRunTable
  task_stream: TaskStreamTable
  timeline_writer: TimelineWriterTable
  timeline_migration: TimelineMigrationTable
}
