import type { BudgetUsd } from './budget.js'

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
  /**
   * The process of the agent, where the host has started it by itself: while a command runs, the processes below it
   * tell whether it works (on Linux). The package's adapters tell it by themselves.
   */
  readonly pid?: number | undefined
  /**
   * What may be spent, in USD: a notice is made when it costs more, nothing is ended. A number is for this run;
   * `{ invocation, task }` for this run, and for all runs of the task together. Default: the option of this name.
   */
  readonly budgetUsd?: BudgetUsd | undefined
  /** Handed on to the run; aborting it is up to whoever invokes. */
  readonly signal?: AbortSignal
}
