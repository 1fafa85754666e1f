/** What is told about an invocation when it starts. */
export interface InvocationMeta {
  readonly taskId: string | number
  /** For example `coder`, `reviewer`. */
  readonly role: string
  /** For example `claude`, `codex`. */
  readonly provider: string
  readonly model?: string
  readonly prompt?: string
  /** The task's title, for databases without a table of tasks. */
  readonly title?: string
  /** Handed on to the run; aborting it is up to whoever invokes. */
  readonly signal?: AbortSignal
}
