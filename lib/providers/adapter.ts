import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import type { InvocationResult, InvokeOptions } from '../model/activity.js'
import type { ActivityLog } from './activity-log.js'
import type { RunFacts } from './format.js'
import type { Line } from './process/lines.js'
import type { ProcessEnd } from './process/process-runner.js'
import type { Verdict } from './verdict.js'

/** One call of an agent, as far as its command line depends on it. */
export interface AgentCall {
  readonly prompt: string
  readonly model?: string
  /** Continue the session of this id. */
  readonly sessionId?: string
}

/** Options of every CLI agent; all have defaults. */
export interface AgentOptions {
  /** The program: a name looked up in PATH, or a path. Default: the CLI's own name. */
  readonly command?: string
  /**
   * Replaces the whole command line behind the program: none of the default flags, nor those for model and session, are
   * added. A function makes it per call. Default, also for an empty list: the flags that this adapter needs.
   */
  readonly args?: readonly string[] | ((call: AgentCall) => readonly string[])
  /** Added to the default flags; ignored where `args` replaces them. */
  readonly extraArgs?: readonly string[]
  /** Added to the environment of this process; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Working directory; `invoke` may name another. Default: that of this process. */
  readonly cwd?: string
  /** Milliseconds between SIGTERM and SIGKILL when a run is ended; 5,000 by default. */
  readonly killGraceMs?: number
  /** Milliseconds added to `silenceTimeout` until the first byte; 30,000 by default. */
  readonly startupAllowanceMs?: number
  /**
   * Milliseconds that the process may live on, without a byte and with no call open, after the agent has said that it
   * succeeded; 30,000 by default, `Infinity` for as long as it wants. It is then ended, and the run is a success.
   */
  readonly finishGraceMs?: number
  /** Cap of one line of output in bytes; 8 MiB by default. Of a longer line beginning and end are read. */
  readonly maxLineBytes?: number
}

/** An agent that can be run. */
export interface Agent {
  /** `claude`, `codex`, … */
  readonly name: string
  /**
   * Runs the agent once. A run that fails, times out or is aborted resolves with `success: false`.
   *
   * @throws AGENT_TIMELINE_COMMAND_NOT_FOUND, AGENT_TIMELINE_CWD_NOT_FOUND, AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE,
   *   AGENT_TIMELINE_SPAWN_FAILED when it cannot be started
   * @throws AGENT_TIMELINE_COMMAND_TOO_OLD when it refuses the flags it is given
   * @throws AGENT_TIMELINE_PROMPT_TOO_LONG when its limit is known and exceeded
   * @throws AGENT_TIMELINE_INVALID_OPTION for a timeout that is not a positive number
   */
  invoke (prompt: string, options?: InvokeOptions): Promise<InvocationResult>
  /**
   * Reads an agent that the host started by itself, with piped stdout. Call it in the same turn as `spawn`. Its stdin
   * is the host's to write and end. At the end, and on timeout or abort, its whole process tree is ended.
   */
  read (childProcess: ChildProcess, options?: InvokeOptions): Promise<InvocationResult>
}

/** A run with a program that answers while it is talked to. */
export interface Conversation<State> {
  readonly call: AgentCall
  /** Absolute. */
  readonly cwd: string
  readonly stdin: Writable
  readonly state: State
  readonly log: ActivityLog
  /** Aborted when the run is to end; what settles soon after is still heard. */
  readonly stopping: AbortSignal
}

/**
 * What differs between CLIs, and nothing else: the command line, the parser and the verdict.
 *
 * The parser is deterministic: what it reports depends on the lines alone. All it remembers is in `State`.
 */
export interface CliAdapter<State> {
  readonly name: string
  /** Default of {@link AgentOptions.command}. */
  readonly command: string
  /** Longest prompt it takes, and how it is told. */
  readonly promptLimit?: { readonly bytes?: number, readonly characters?: number }
  /** Default of {@link AgentOptions.args}; `extraArgs` go where the CLI takes flags. */
  args (call: AgentCall, extraArgs: readonly string[]): readonly string[]
  env? (): Readonly<Record<string, string>>
  /** Looks for what a run needs, before anything starts. Rejects with a coded error. */
  prepare? (): Promise<void>
  /**
   * Talks with a program that is a server, over its open stdin, instead of writing the prompt there. The run ends when
   * it settles; it must not reject.
   */
  converse? (conversation: Conversation<State>): Promise<void>
  /** The state before the first line. */
  start (call: Partial<AgentCall>): State
  /** One line of stdout. */
  line (line: Line, state: State, log: ActivityLog): void
  /** One line of stderr. */
  errorLine? (line: Line, state: State, log: ActivityLog): void
  /** What is known by now, for a run that may be over though its process is not. */
  facts? (state: State): RunFacts
  /** Judges a run by all that was seen: it succeeded only if a terminal event says so, and the exit code too. */
  verdict (state: State, end: ProcessEnd): Verdict
}
