import { ACTIVITY_TYPES, type InvocationActivity } from '../model/activity.js'
import type { Clock } from '../time/clock.js'
import { parseTime } from '../time/clock.js'
import { isTimelineError, timelineError } from '../errors.js'
import type { Logger } from '../logger.js'
import { readUse } from '../model/open-uses.js'
import { checkTaskId, type Caps } from '../options.js'
import { endingOf, endingOfError, type Ending, type ResultLike } from '../model/ending.js'
import { describeValue, encodeMetadata } from '../intake/metadata.js'
import { createPieceStreams } from '../intake/piece-streams.js'
import { activityOp, prepareResult } from '../intake/prepare.js'
import { withoutOutput, type RecordOptions } from '../intake/record-options.js'
import type { Redactor } from '../intake/redact.js'
import { createRun, timeInRun, type Run } from './run.js'
import type { InvocationMeta } from '../model/invocation-meta.js'
import { abortedMetadata, MAX_OPEN_CALLS, readToolKind } from '../model/open-call.js'
import { cleanTail, cleanText } from '../intake/clean-text.js'
import { kindOf } from '../store/store-error.js'
import type { Writer } from './writer.js'
import { checkBudget, toBudgets, type BudgetUsd } from '../model/budget.js'
import { withCost, type Prices } from '../model/prices.js'
import { clearTimeout, performance, setTimeout } from '../time/timers.js'

/** How long an agent may be kept waiting for the database, at its start and at its end, in milliseconds. */
const MAX_WAIT_MS = 2_000

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
  const describe = (value: object) => describeValue(value, ENDING_BYTES.error, redactor.head)

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
      ...(meta.prompt === undefined ? {} : !record.prompt ? { prompt: '' } : { prompt: clean(String(meta.prompt), caps.promptBytes) })
    }
    return createRun(taskId, cleaned, now, createPieceStreams(redactor.openStream))
  }

  function signalOf (given: AbortSignal | undefined): AbortSignal {
    return given instanceof AbortSignal ? AbortSignal.any([given, options.signal]) : options.signal
  }

  function begin (run: Run): Promise<void> {
    running.add(run)
    options.onRun()
    return new Promise((resolve, reject) => {
      writer.push({ kind: 'start', run }, (error) => {
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
      const known = isKnown(mapped) ? mapped : translate(mapped)
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

  /** Types of other vocabularies are kept as progress, under their own name. */
  function translate (given: InvocationActivity): Pick<InvocationActivity, 'type' | 'message' | 'metadata'> {
    const read = tryTo(() => String(given.message ?? ''))
    const message = read ?? ''
    const isKnownType = TYPES.has(given.type)
    if (isKnownType && read !== undefined) return { ...given, message }
    const known = JSON.parse(encodeMetadata(given.metadata, caps, redactor.head).json ?? '{}')
    const metadata = read === undefined ? { ...known, truncated: true } : known
    if (isKnownType) return { type: given.type, message, metadata }
    // The type is the agent's text, and may hold what must not be in a log.
    warnOnce('type', {}, 'an activity has an unknown type and is recorded as progress')
    const rawType = redactor.head(tryTo(() => String(given.type)) ?? '', 64)
    return { type: 'progress', message, metadata: { kind: 'unknown', rawType, ...metadata } }
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
    const cleaned: Ending = { ...cleanEnding(ending), usage, durationMs: ending.durationMs ?? monotonic }
    for (const call of run.openCalls) {
      const metadata = abortedMetadata(call, at)
      writer.push(activityOp(run, 'tool_exec', call.message, metadata, at, options))
    }
    run.openCalls.clear()
    await new Promise<void>((resolve, reject) => {
      writer.push({ kind: 'end', run, ending: cleaned, at }, (error) => {
        running.delete(run)
        if (error === undefined) resolve()
        else reject(error)
      })
    })
  }

  function cleanEnding (ending: Ending): Ending {
    const bytes = { ...ENDING_BYTES, response: caps.responseBytes }
    const cleaned: Record<string, unknown> = { ...ending }
    for (const [name, max] of Object.entries(bytes)) {
      const value = cleaned[name]
      if (typeof value !== 'string') continue
      const isAllowed = name === 'stderrTail' ? record.output : !['response', 'summary'].includes(name) || record.response
      if (!isAllowed) {
        cleaned[name] = undefined
        continue
      }
      cleaned[name] = name === 'stderrTail' ? cleanTail(redactor, value, max) : clean(value, max)
    }
    return cleaned as unknown as Ending
  }

  /** Never throws: what the value says by itself counts where `mapResult` fails to read it. */
  function mapEnding (value: unknown): Ending {
    for (const read of [options.mapResult, (given: unknown) => given as ResultLike]) {
      try {
        if (read === undefined) continue
        const result = read(value)
        if (isThenable(result)) throw new TypeError('mapResult returns a result, not a promise of one')
        return endingOf(result)
      } catch (error) {
        warnOnce('mapResult', { err: error }, 'the result of an invocation could not be read')
      }
    }
    return { status: 'completed' }
  }

  return {
    running,

    async logInvocation (meta, invoke) {
      let run: Run | undefined
      try {
        run = open(meta)
        await withinPatience(begin(run))
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
        await settle(run, mapEnding(value))
        return value
      } catch (error) {
        await settle(run, endingOfError(error, describe))
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
      await withinPatience(begin(run)).catch((error) => { if (kindOf(error) !== 'lasting') throw error })
      return {
        get id () { return run.id },
        activity: (given) => activity(run, given),
        complete: async (result) => withinPatience(end(run, mapEnding(result)), true),
        fail: async (error) => withinPatience(end(run, endingOfFailure(error, describe)), true),
        timedOut: async (result) => withinPatience(end(run, asTimeout(mapEnding(result))), true)
      }
    }
  }

  async function settle (run: Run | undefined, ending: Ending): Promise<void> {
    if (run === undefined || run.ended !== undefined) return
    await withinPatience(end(run, ending)).catch(() => {})
  }
}

/** Caps of the texts that end a run, in bytes. */
const ENDING_BYTES = {
  error: 16_384, summary: 4_096, stderrTail: 8_192, reason: 256, sessionId: 256, model: 256, signal: 64
}

/** The mark has done its work in the queue. */
function withoutDelta ({ delta, ...rest }: Record<string, unknown> = {}): Record<string, unknown> | undefined {
  return Object.keys(rest).length === 0 ? undefined : rest
}

/** The host's getters may throw; what they hide is told where the metadata is stored. */
function tryTo<T> (work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** An async function in the place of one that is not; what it rejects with is nobody's to handle. */
function isThenable (value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('then' in value) || typeof value.then !== 'function') return false
  value.then(() => {}, () => {})
  return true
}

function isPid (pid: unknown): pid is number {
  return Number.isSafeInteger(pid) && Number(pid) > 0
}

const TYPES: ReadonlySet<string> = new Set(ACTIVITY_TYPES)

function isKnown (activity: InvocationActivity): boolean {
  return TYPES.has(activity.type) && typeof activity.message === 'string'
}

/** A result that says nothing of failure fails all the same: that is what was called. */
function endingOfFailure (error: unknown, describe: (value: object) => string): Ending {
  if (typeof error === 'string') return { status: 'failed', error, reason: 'error' }
  try {
    const isResult = typeof error === 'object' && error !== null && 'success' in error
    if (isResult) return endingOf({ ...error, success: false })
  } catch {
    // A proxy, or getters that throw: it is read as an error is, as far as that goes.
  }
  return endingOfError(error, describe)
}

function asTimeout (ending: Ending): Ending {
  return { ...ending, status: 'timeout', error: ending.error ?? 'Timed out', reason: ending.reason ?? 'timeout' }
}

/**
 * Waits for a commit, but not longer than an agent may be kept waiting; what was not committed by then stays queued.
 *
 * @param mustKnow whether giving up is an error: the caller takes the resolution for an acknowledgement
 */
export async function withinPatience (committed: Promise<void>, mustKnow = false): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => {
      if (mustKnow) reject(timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE'))
      else resolve()
    }, MAX_WAIT_MS)
  })
  committed.catch(() => {})
  try {
    await Promise.race([committed, patience])
  } finally {
    clearTimeout(timer)
  }
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
