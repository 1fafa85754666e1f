import { isTimelineError, timelineError } from '../errors.js'
import { cleanText, headOf } from '../intake/clean-text.js'
import { createPieceStreams } from '../intake/piece-streams.js'
import { activityOp, prepareResult } from '../intake/prepare.js'
import { withoutOutput, type RecordOptions } from '../intake/record-options.js'
import type { Redactor } from '../intake/redact.js'
import type { Logger } from '../logger.js'
import type { InvocationActivity } from '../model/activity.js'
import { checkBudget, toBudgets, type BudgetUsd } from '../model/budget.js'
import type { Ending, ResultLike } from '../model/ending.js'
import type { InvocationMeta } from '../model/invocation-meta.js'
import { abortedMetadata, MAX_OPEN_CALLS, readToolKind } from '../model/open-call.js'
import { readUse } from '../model/open-uses.js'
import { withCost, type Prices } from '../model/prices.js'
import { checkTaskId, type Caps } from '../options.js'
import { kindOf } from '../store/store-error.js'
import { tryTo } from '../text/try-to.js'
import { parseTime, type Clock } from '../time/clock.js'
import { performance } from '../time/timers.js'
import { createEndings } from './endings.js'
import { toKnownActivity, withoutDelta } from './known-activity.js'
import { withinPatience } from './patience.js'
import { createRun, timeInRun, type Run } from './run.js'
import type { Writer } from './writer.js'

/** What `logInvocation` hands to the function that invokes the agent. */
export interface InvocationRun {
  /** Undefined while the database is away. */
  readonly invocationId: number | undefined
  readonly model: string | undefined
  /** Aborted when the host asked for it, or when the process is told to end. */
  readonly signal: AbortSignal
  /** Records an activity: synchronous, never throws, takes microseconds. */
  readonly onActivity: (activity: InvocationActivity) => void
  /** Takes the pid of the agent's process, as {@link InvocationMeta.pid}; adapters call it. */
  readonly onProcess: (pid: number) => void
}

/** One invocation in the hands of a host that drives it by itself. */
export interface InvocationHandle {
  /** Undefined while the database is away, and for good when it refused the task. */
  readonly id: number | undefined
  /** Same as `onActivity` of {@link InvocationRun}. */
  activity (activity: InvocationActivity): void
  /** Ends the run with a response or a result. Resolves when it is stored. @throws AGENT_TIMELINE_DATABASE_* */
  complete (result?: ResultLike): Promise<void>
  /** Ends it as failed. Resolves when it is stored. */
  fail (error: unknown): Promise<void>
  /** Ends it as timed out. Resolves when it is stored. */
  timedOut (result?: ResultLike): Promise<void>
}

export interface RecorderOptions {
  readonly writer: Writer
  readonly caps: Caps
  readonly redactor: Redactor
  readonly record: Required<RecordOptions>
  readonly prices?: Prices | undefined
  /** Of runs whose start says nothing of it. */
  readonly budgetUsd?: BudgetUsd | undefined
  readonly logger: Logger
  readonly now: Clock
  /** Called when a run begins, before anything of it is stored. */
  readonly onRun: () => void
  /** Aborted when the process is told to end. */
  readonly signal: AbortSignal
  /** Reads what a host's own provider returns. */
  readonly mapResult?: ((value: unknown) => ResultLike) | undefined
  /** Reads a host's own activities; undefined leaves one out. */
  readonly mapActivity?: ((activity: any) => InvocationActivity | undefined) | undefined
}

/** Records invocations through a writer. */
export interface Recorder {
  /** Runs that have not ended. */
  readonly running: ReadonlySet<Run>
  logInvocation<T> (meta: InvocationMeta, invoke: (run: InvocationRun) => Promise<T>): Promise<T>
  startInvocation (meta: InvocationMeta): Promise<InvocationHandle>
  /** Another database took the place of the one that was written to: what still runs goes on in it, and says so. */
  noteReplaced (): void
  /** Ends the runs that have not ended, because nobody will be there to record their end. */
  abandon (): void
}

const REPLACED_MESSAGE = 'The database was replaced while this ran; what was recorded before may be missing here'

const CLOSED_WHILE_RUNNING: Ending = {
  status: 'failed', error: 'The timeline was closed while the agent was running', reason: 'closed'
}

export function createRecorder (options: RecorderOptions): Recorder {
  const { writer, caps, redactor, record, logger, now } = options
  const running = new Set<Run>()
  const warned = new Set<string>()

  const clean = (text: string, maxBytes: number) => cleanText(redactor, text, maxBytes)

  const endings = createEndings({
    redactor,
    record,
    mapResult: options.mapResult,
    onUnreadable: (error) => warnOnce('mapResult', { err: error }, 'the result of an invocation could not be read')
  })
  const onUnknownType = () => {
    warnOnce('type', {}, 'an activity has an unknown type and is recorded as progress')
  }

  function warnOnce (key: string, details: object, message: string): void {
    if (warned.has(key) || warned.size > 100) return
    warned.add(key)
    logger.warn(details, message)
  }

  function open (meta: InvocationMeta): Run {
    const taskId = checkTaskId(meta?.taskId)
    for (const name of ['role', 'provider'] as const) {
      if (typeof meta[name] !== 'string') throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is a text'])
    }
    if (meta.pid !== undefined && !isPid(meta.pid)) {
      throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['pid', 'is the number of a process'])
    }
    const cleaned: InvocationMeta = {
      ...meta,
      budgetUsd: { ...toBudgets(options.budgetUsd), ...checkBudget(meta.budgetUsd) },
      role: clean(meta.role, 256),
      provider: clean(meta.provider, 256),
      ...(meta.model === undefined ? {} : { model: clean(String(meta.model), 256) }),
      ...(meta.title === undefined ? {} : { title: clean(String(meta.title), 1_024) }),
      ...(meta.prompt === undefined ? {} : { prompt: '' })
    }
    return createRun(taskId, cleaned, now, createPieceStreams(redactor.openStream))
  }

  function signalOf (given: AbortSignal | undefined): AbortSignal {
    return given instanceof AbortSignal ? AbortSignal.any([given, options.signal]) : options.signal
  }

  function begin (run: Run, given: unknown): Promise<void> {
    const prompt = given === undefined || !record.prompt ? undefined : headOf(String(given), caps.promptBytes)
    running.add(run)
    options.onRun()
    return new Promise((resolve, reject) => {
      writer.push({ kind: 'start', run, prompt }, (error) => {
        if (error === undefined) return resolve()
        running.delete(run)
        reject(error)
      })
    })
  }

  function activity (run: Run, reported: InvocationActivity): void {
    try {
      const mapped = options.mapActivity === undefined ? reported : options.mapActivity(reported)
      if (mapped === undefined || mapped === null || run.isUnrecorded) return
      if (typeof mapped !== 'object') throw new TypeError('an activity is an object')
      const known = toKnownActivity(mapped, caps, redactor, onUnknownType)
      const { type } = known
      const { message, metadata: given } = record.output ? known : withoutOutput(type, known.message, known.metadata)
      const isDelta = type === 'output' && tryTo(() => given?.delta) === true
      const metadata = isDelta ? withoutDelta(given) : given
      const at = timeInRun(run, tryTo(() => parseTime(mapped.timestamp)), now())
      if (type === 'tool_exec') tryTo(() => followCall(run, message, metadata, at, redactor))
      const op = activityOp(run, type, message, metadata, at, options, isDelta)
      // Long results wait in the queue as they are, as long as there is room for more.
      if (op.result !== undefined && !writer.hasRoom) prepareResult(op, options)
      writer.push(op)
    } catch (error) {
      warnOnce('activity', { err: error }, 'an activity could not be recorded')
    }
  }

  /** Ends a run once; whoever ends it again waits for the same commit. */
  function end (run: Run, ending: Ending): Promise<void> {
    run.ended ??= pushEnd(run, ending)
    return run.ended
  }

  async function pushEnd (run: Run, ending: Ending): Promise<void> {
    const at = Math.max(now(), run.latestAt)
    const monotonic = Math.round(performance.now() - run.startedAtMonotonic)
    const { provider, model = ending.model } = run.meta
    const usage = ending.usage && withCost(ending.usage, options.prices, provider, model)
    const cleaned: Ending = { ...endings.clean(ending), usage, durationMs: ending.durationMs ?? monotonic }
    const { response: given } = ending
    const isStored = typeof given === 'string' && record.response
    const response = isStored ? headOf(given, caps.responseBytes) : undefined
    for (const call of run.openCalls) {
      const metadata = abortedMetadata(call, at)
      writer.push(activityOp(run, 'tool_exec', call.message, metadata, at, options))
    }
    run.openCalls.clear()
    await new Promise<void>((resolve, reject) => {
      writer.push({ kind: 'end', run, ending: cleaned, response, at }, (error) => {
        running.delete(run)
        if (error === undefined) resolve()
        else reject(error)
      })
    })
  }

  return {
    running,

    async logInvocation (meta, invoke) {
      let run: Run | undefined
      try {
        run = open(meta)
        await withinPatience(begin(run, meta.prompt))
      } catch (error) {
        // The agent runs all the same; the writer has logged what is wrong with the database.
        const code = tryTo(() => isTimelineError(error) ? error.code : undefined) ?? 'AGENT_TIMELINE_INVALID_OPTION'
        if (run === undefined || code === 'AGENT_TIMELINE_CLOSED') {
          warnOnce(code, { code, err: error }, 'an invocation is not recorded')
        }
      }
      const handed: InvocationRun = {
        get invocationId () { return run?.id },
        model: tryTo(() => meta?.model),
        signal: tryTo(() => signalOf(meta?.signal)) ?? options.signal,
        onActivity: run === undefined ? () => {} : (given) => activity(run, given),
        onProcess (pid) { if (run !== undefined && isPid(pid)) run.agentPid = pid }
      }
      try {
        const value = await invoke(handed)
        await settle(run, endings.of(value))
        return value
      } catch (error) {
        await settle(run, endings.ofError(error))
        throw error
      }
    },

    noteReplaced () {
      const metadata = { kind: 'database_replaced' }
      for (const run of running) {
        if (run.id !== undefined && run.ended === undefined) {
          writer.push(activityOp(run, 'progress', REPLACED_MESSAGE, metadata, Math.max(now(), run.latestAt), options))
        }
      }
    },

    abandon () {
      for (const run of running) end(run, CLOSED_WHILE_RUNNING).catch(() => {})
    },

    async startInvocation (meta) {
      const run = open(meta)
      // An agent whose runs cannot be recorded here runs all the same.
      await withinPatience(begin(run, meta.prompt)).catch((error) => { if (kindOf(error) !== 'lasting') throw error })
      return {
        get id () { return run.id },
        activity: (given) => activity(run, given),
        complete: async (result) => withinPatience(end(run, endings.of(result)), true),
        fail: async (error) => withinPatience(end(run, endings.ofFailure(error)), true),
        timedOut: async (result) => withinPatience(end(run, endings.ofTimeout(result)), true)
      }
    }
  }

  async function settle (run: Run | undefined, ending: Ending): Promise<void> {
    if (run === undefined || run.ended !== undefined) return
    await withinPatience(end(run, ending)).catch(() => {})
  }
}

function isPid (pid: unknown): pid is number {
  return Number.isSafeInteger(pid) && Number(pid) > 0
}

const MAX_CALL_CHARS = 1_024

/** Keeps the list of open tool calls, so that none stays open when its run ends. */
function followCall (run: Run, message: string, metadata: unknown, at: number, redactor: Redactor): void {
  if (typeof metadata !== 'object' || metadata === null) return
  const { phase, tool } = metadata as Partial<Record<string, unknown>>
  const use = readUse(metadata as Record<string, unknown>)
  if (use === undefined) return
  if (phase === 'end') run.openCalls.end(use)
  else if (phase === 'start' && run.openCalls.size < MAX_OPEN_CALLS) {
    const shown = message.length > MAX_CALL_CHARS ? redactor.head(message, MAX_CALL_CHARS) : message
    const kind = readToolKind(metadata as Record<string, unknown>)
    run.openCalls.start({ ...use, ...kind, tool: String(tool ?? ''), message: shown, startedAt: at })
  }
}
