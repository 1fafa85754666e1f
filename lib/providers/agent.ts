import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import type { InvocationResult, InvokeOptions } from '../model/activity.js'
import { debug } from '../debug.js'
import { timelineError } from '../errors.js'
import { createActivityLog, type ActivityLog } from './activity-log.js'
import type { Agent, AgentCall, AgentOptions, CliAdapter, Conversation } from './adapter.js'
import type { Verdict } from './verdict.js'
import { withoutCutWord } from './caps.js'
import { checkMs, checkPrompt, throwIfTooOld } from './checks.js'
import type { StopReason } from './process/deadlines.js'
import { compact } from './json.js'
import type { Line } from './process/lines.js'
import { runProcess, watchProcess, type PassOn, type ProcessEnd, type WatchOptions } from './process/process-runner.js'

/** For whoever stands between an agent and its user. */
export interface Surroundings {
  /** Where its output goes as well; it then also has the stdin of this process, and no prompt. */
  readonly passOn?: PassOn
  /** Told once about each kind of trouble; a process warning by default. */
  readonly warn?: (message: string) => void
}

/** Makes an agent of an adapter. */
export function createAgent<State> (
  adapter: CliAdapter<State>, options: AgentOptions = {}, { passOn, warn }: Surroundings = {}
): Agent {
  const command = options.command ?? adapter.command

  async function follow (
    call: Partial<AgentCall>,
    invoke: InvokeOptions,
    run: (watch: WatchOptions, state: State, log: ActivityLog) => Promise<ProcessEnd>
  ): Promise<InvocationResult> {
    checkMs('timeout', invoke.timeout)
    checkMs('silenceTimeout', invoke.silenceTimeout)
    const log = createActivityLog({
      ...compact({ onActivity: invoke.onActivity, warn })
    })
    const state = adapter.start(call)
    let lines = 0
    const onLine = (line: Line): void => {
      lines++
      guard(log, () => { adapter.line(line, state, log) })
    }
    const hasFinished = (): boolean => {
      const facts = adapter.facts?.(state)
      return facts?.outcome === 'success' && facts.hasBackgroundWork !== true && log.openCalls === 0
    }
    const { timeout, silenceTimeout, signal, onProcess } = invoke
    const { killGraceMs, startupAllowanceMs, maxLineBytes, finishGraceMs = FINISH_GRACE_MS } = options
    checkMs('finishGraceMs', finishGraceMs)
    const end = await run({
      ...compact({ timeout, silenceTimeout, signal, killGraceMs, startupAllowanceMs, maxLineBytes }),
      ...(adapter.facts !== undefined && finishGraceMs < Infinity && { finishGraceMs, isFinished: hasFinished }),
      onProcess: (pid) => { guard(log, () => { onProcess?.(pid) }) },
      onLine,
      onErrorLine: (line) => { guard(log, () => { adapter.errorLine?.(atWord(line), state, log) }) }
    }, state, log)
    debug.providers('%s: %d lines, exit code %s, signal %s, %s', adapter.name, lines, end.exitCode, end.signal,
      end.stopReason ?? 'ended by itself')
    if (lines === 0 && end.stopReason === undefined && usesDefaults(options)) throwIfTooOld(command, end)
    // Ended from outside, its exit says nothing of its work, which was done.
    const isDone = end.stopReason !== undefined && end.stopReason !== 'aborted' && hasFinished()
    const verdict = adapter.verdict(state, isDone ? { ...end, exitCode: 0, signal: null } : end)
    return finish(verdict, end, log, invoke, isDone)
  }

  return {
    name: adapter.name,
    async invoke (prompt, invoke = {}) {
      checkPrompt(adapter, prompt)
      await adapter.prepare?.()
      const call: AgentCall = compact({ prompt, model: invoke.model, sessionId: invoke.sessionId })
      const cwd = invoke.cwd ?? options.cwd
      return await follow(call, invoke, async (watch, state, log) => {
        const talk = startTalk(adapter, { call, cwd: resolve(cwd ?? '.'), state, log })
        return await runProcess({
          ...watch,
          ...compact({ cwd, until: talk?.over, askToEnd: talk?.stop, passOn }),
          command,
          args: commandLine(adapter, options, call),
          env: { ...adapter.env?.(), ...options.env },
          // A command on its own may start a server; an agent's work ends with it.
          leaveDetached: passOn !== undefined,
          stdin: passOn === undefined ? talk?.begin ?? prompt : null
        })
      })
    },
    async read (childProcess, invoke = {}) {
      if (adapter.converse !== undefined) {
        throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['childProcess', 'cannot be read: this agent must be talked to'])
      }
      const call = compact({ model: invoke.model, sessionId: invoke.sessionId })
      return await follow(call, invoke, async (watch) => await watchProcess(childProcess, watch))
    }
  }
}

/** A conversation begins when the process has its stdin; its end is known before, as a promise. */
function startTalk<State> (
  adapter: CliAdapter<State>, about: Omit<Conversation<State>, 'stdin' | 'stopping'>
): { readonly begin: (stdin: Writable) => void, readonly over: Promise<void>, readonly stop: () => void } | undefined {
  if (adapter.converse === undefined) return undefined
  const stopping = new AbortController()
  let begin: (stdin: Writable) => void = () => {}
  const over = new Promise<Writable>((resolve) => { begin = resolve })
    .then(async (stdin) => { await adapter.converse!({ ...about, stdin, stopping: stopping.signal }) })
  return { begin, over, stop: () => { stopping.abort() } }
}

/** The arguments of one call; see {@link AgentOptions.args}. */
export function commandLine (
  adapter: Pick<CliAdapter<unknown>, 'args'>, options: AgentOptions, call: AgentCall
): readonly string[] {
  const { args, extraArgs = [] } = options
  if (typeof args === 'function') return args(call)
  if (args !== undefined && !usesDefaults(options)) return args
  return adapter.args(call, extraArgs)
}

function usesDefaults ({ args }: AgentOptions): boolean {
  return args === undefined || (typeof args !== 'function' && args.length === 0)
}

/** Closes what is open and says how it ended; a run that was ended from outside never succeeded. */
export function finish (
  verdict: Verdict, end: ProcessEnd, log: ActivityLog, invoke: InvokeOptions, isDone = false
): InvocationResult {
  if (end.survivors.length > 0) {
    log.progress('notice', `These processes could not be ended: ${end.survivors.join(', ')}`, { pids: end.survivors })
  }
  if (isDone) {
    log.progress('notice', 'The agent had finished and said so; its process did not exit, and was ended.', { what: NOT_EXITED })
  }
  log.close()
  const { stopReason, exitCode, signal, durationMs, stderrTail } = end
  const outside = stopReason === undefined
    ? {}
    : stopReason === 'finished'
      ? { reason: NOT_EXITED }
      : { success: false, reason: isDone ? NOT_EXITED : stopReason, error: sentence(stopReason, invoke, isDone) }
  return compact({
    ...verdict,
    ...outside,
    exitCode,
    signal,
    durationMs,
    timedOut: stopReason === 'timeout' || stopReason === 'silence',
    stderrTail: stderrTail === '' ? undefined : stderrTail
  })
}

/** The work was done, and the process stayed. */
const NOT_EXITED = 'finished_not_exited'
const FINISH_GRACE_MS = 30_000

function sentence (stopReason: StopReason, { timeout, silenceTimeout }: InvokeOptions, isDone: boolean): string {
  if (isDone) {
    const limit = stopReason === 'timeout' ? `its time of ${timeout} ms` : `${silenceTimeout} ms of silence`
    return `The agent had finished and said so, but its process did not exit within ${limit} and was ended.`
  }
  if (stopReason === 'aborted') return 'The run was aborted.'
  if (stopReason === 'timeout') return `The run took longer than ${timeout} ms and was ended.`
  return `The agent printed nothing for ${silenceTimeout} ms and was ended.`
}

/** The cap of a line may have cut a secret in two, and half of one is not recognised. */
function atWord (line: Line): Line {
  return line.truncated ? { ...line, text: withoutCutWord(line.text) } : line
}

/** A parser that trips over an event must not end the run. */
function guard (log: ActivityLog, action: () => void): void {
  try {
    action()
  } catch (error) {
    log.unknown('unreadable', String(error))
  }
}
