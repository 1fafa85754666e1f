/** One table that is carried from one engine to another. */
export interface CarriedTable {
  readonly name: string
  readonly key: readonly string[]
  /** Rows that are read at once: few where one may be large. */
  readonly pageRows: number
  /** The host's: what is there in the other database stays as it is. */
  readonly isHosts?: boolean
  /** Columns by which a row is known to be the same one, not only to have the same key. */
  readonly identity?: readonly string[]
}

/**
 * In the order in which they are carried: what others refer to first, and last what triggers change while the others
 * are written. All but the record of the migration, of which each database has its own.
 */
export const CARRIED_TABLES: readonly CarriedTable[] = [
  { name: 'tasks', key: ['id'], pageRows: 200, isHosts: true },
  { name: 'audit', key: ['id'], pageRows: 500, isHosts: true },
  { name: 'task_invocations', key: ['id'], pageRows: 20, identity: ['task_id', 'role', 'provider'] },
  { name: 'task_stream', key: ['task_id'], pageRows: 500 },
  { name: 'invocation_run', key: ['invocation_id'], pageRows: 200 },
  { name: 'invocation_activity', key: ['id'], pageRows: 500 },
  { name: 'timeline_event', key: ['id'], pageRows: 500 },
  { name: 'tool_call', key: ['task_id', 'seq'], pageRows: 500 },
  { name: 'task_file', key: ['task_id', 'path', 'invocation_id'], pageRows: 500 },
  { name: 'run_bin', key: ['invocation_id', 'at', 'kind'], pageRows: 500 },
  { name: 'timeline_writer', key: ['writer_id'], pageRows: 500 },
  { name: 'timeline_notice', key: ['id'], pageRows: 500 },
  { name: 'timeline_lease', key: ['name'], pageRows: 500 },
  { name: 'timeline_advice', key: ['invocation_id', 'state', 'mark'], pageRows: 500 },
  { name: 'task_entry', key: ['task_id'], pageRows: 500 }
]

/** Those whose ids the other database goes on counting. */
export const COUNTED_TABLES = ['audit', 'task_invocations', 'invocation_activity', 'timeline_event', 'timeline_notice'] as const
