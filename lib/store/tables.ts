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
  /** What its runner has seen of the processes of its commands: see {@link WatchedTree}. */
  tree: Generated<string | null>
  /** What it has done so far: see {@link RunTally}. */
  tally: Generated<string | null>
  /** The plan as its agent told it last, as JSON. */
  plan: Generated<string | null>
  /** Why it failed, as JSON. */
  failure: Generated<string | null>
  input_tokens: Generated<number | null>
  output_tokens: Generated<number | null>
  cache_read_tokens: Generated<number | null>
  cache_write_tokens: Generated<number | null>
  reasoning_tokens: Generated<number | null>
  cost_usd: Generated<number | null>
  /** Length of its stretches in {@link RunBinTable}, in milliseconds; null: as long as they are at first. */
  bin_ms: Generated<number | null>
  /** What it may cost. */
  budget_usd: Generated<number | null>
  /** The limit that a notice was made for. */
  told_budget_usd: Generated<number | null>
}

/** One row a call, paired when it was written. */
export interface ToolCallTable {
  task_id: string
  /** That of its start. */
  seq: number
  end_seq: number | null
  invocation_id: number
  call_id: string
  /** Which use of the id it is. */
  use: number
  /** The call of the sub-agent that made it. */
  parent_seq: number | null
  kind: string
  name: string
  message: string
  chain: string | null
  call_hash: string
  /** The time that it asked for. */
  timeout_ms: number | null
  /** It asks how something else goes on. */
  is_poll: Generated<number>
  result_hash: string | null
  /** `running`, `ok`, `error`, `denied` or `aborted`. */
  status: string
  exit_code: number | null
  started_at: string
  duration_ms: number | null
  /** Of the first file that it edited. */
  path: string | null
  added: number | null
  removed: number | null
  /** As JSON: see {@link FirstError}. */
  first_error: string | null
  is_background: number
}

/** What a run did to a file. */
export interface TaskFileTable {
  task_id: string
  path: string
  invocation_id: number
  edits: number
  added: number | null
  removed: number | null
  is_new: number
}

/** What calls of one kind did in one stretch of a run's time: see {@link RunBins}. */
export interface RunBinTable {
  invocation_id: number
  /** Its place, from 0. */
  at: number
  kind: string
  ms: number
  calls: number
  failed: number
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
  /** What all of its runs together may cost, as it was said last. */
  budget_usd: Generated<number | null>
  /** The highest limit that a notice was made for. */
  told_budget_usd: Generated<number | null>
}

/** A task in the list: what its ended runs, its host and its calls say, put together after one of them changed. */
export interface TaskEntryTable {
  task_id: string
  /** 1: something has changed since it was put together. */
  is_stale: Generated<number>
  /** See {@link Section}. */
  section: Generated<number>
  /** Since when it is there; empty where nobody knows. */
  since: Generated<string>
  title: string | null
  /** That of the host. */
  status: string | null
  /** When the host last said something of it. */
  changed_at: string | null
  runs: Generated<number>
  started_at: string | null
  ended_at: string | null
  /** As JSON, the newest first: of the last 30 runs. */
  who: string | null
  /** As JSON, of the last 30 runs, oldest first. */
  outcomes: string | null
  /** As JSON: see {@link UsageSum}; without what runs. */
  usage: string | null
  /** As JSON. */
  failure: string | null
  /** What a search looks through, in small letters. */
  words: string | null
}

export interface TimelineWriterTable {
  writer_id: string
  batch: number
  owner: string
  heartbeat_at: string
}

/** A change that somebody may want to be told of. */
export interface TimelineNoticeTable {
  id: Generated<number>
  /** Random: names it wherever it is told. */
  notice_id: string
  task_id: string
  invocation_id: number | null
  kind: string
  /** As JSON: see {@link Notice}. */
  data: string
  created_at: string
  /** When the host's callback was called with it; null while it was not. */
  called_at: Generated<string | null>
  /** When a webhook's receiver took it; null while it has not. */
  sent_at: Generated<string | null>
}

/** What one process at a time does. */
export interface TimelineLeaseTable {
  name: string
  holder: string
  held_until: string
  /** How far it has come: the id of an event. */
  position: Generated<number>
}

/** What a run was called that somebody should look at: see {@link Advice}. */
export interface TimelineAdviceTable {
  invocation_id: number
  state: string
  mark: number
  task_id: string
  step: string
  after_ms: number
  advised_at: string
  /** `went_on`: it was wrong; `ended`; null while neither is known. */
  outcome: Generated<string | null>
  /** How long the silence lasted that was no fault, in milliseconds. */
  outcome_ms: Generated<number | null>
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
  tool_call: ToolCallTable
  task_file: TaskFileTable
  run_bin: RunBinTable
  task_stream: TaskStreamTable
  task_entry: TaskEntryTable
  timeline_writer: TimelineWriterTable
  timeline_notice: TimelineNoticeTable
  timeline_lease: TimelineLeaseTable
  timeline_advice: TimelineAdviceTable
  timeline_migration: TimelineMigrationTable
}
