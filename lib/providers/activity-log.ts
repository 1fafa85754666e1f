import { isDeepStrictEqual } from 'node:util'
import type { InvocationActivity, OnActivity, ToolKind, ToolMetadata, WaitKind } from '../model/activity.js'
import { systemClock, toIso, type Clock } from '../time/clock.js'
import { oneLine } from './caps.js'
import type { EditedLines } from './edited-lines.js'
import { compact } from './json.js'
import { performance } from '../time/timers.js'

/** A tool call begins. */
export interface ToolStart {
  /** Unique while the call is open. Where the program gives none, anything that its end will have, too. */
  readonly callId: string
  readonly tool: string
  /** One line: see `execMessage` and `toolMessage`. */
  readonly message: string
  /** What it does. A call of the kind `person` is shown as a wait for one, too. */
  readonly toolKind?: ToolKind
  readonly input?: unknown
  readonly files?: ToolMetadata['files']
  /** The open call that started the sub-agent whose call this is. */
  readonly parentCallId?: string
  /**
   * The message of the model that it stands in, where the program names it; not shown. The same id, open already, in
   * another message is a new call and the end of the old one, whose own end was lost.
   */
  readonly messageId?: string
}

/** A tool call is over. */
export interface ToolEnd {
  readonly status: NonNullable<ToolMetadata['status']>
  /** The whole text: it is cut later. */
  readonly result?: string
  readonly exitCode?: number
  readonly files?: ToolMetadata['files']
  /** What changed in the one file that its start has named. */
  readonly edited?: EditedLines | undefined
  /** As in the start, where the program says it: an id of a sub-agent may be in use outside of it, too. */
  readonly parentCallId?: string
  /** How long it took, where the program says it; else the time between start and end is measured. */
  readonly durationMs?: number
  /** It is the end of work that was moved to the background. */
  readonly isBackground?: boolean
}

/**
 * What an adapter reports to: it keeps the open tool calls and the times.
 *
 * Texts, inputs and results go on whole: what cuts them must hide secrets first, and half a secret is not recognised.
 *
 * Calls are paired by use: an id that was used before and whose call is over names a new call. While a call is open,
 * the same start once more is a repetition and is not shown; another start is another call, and ends go to
 * the oldest. The
 * end of a call that is over is not shown.
 */
export interface ActivityLog {
  toolStart (start: ToolStart): void
  /**
   * News of a running call. With `background: true` it goes on in the background: the next end of this id without
   * `isBackground` is then another call's.
   */
  toolProgress (callId: string, message: string, details?: Record<string, unknown>): void
  /** What a running tool prints: its last line is shown, at most once a second. */
  toolOutput (callId: string, text: string): void
  /** Ignored for a call that is over. A call that never started is started first, as `tool`. */
  toolEnd (callId: string, end: ToolEnd, tool?: string): void
  isOpen (callId: string): boolean
  /** A call of this id has been, and none is open. */
  hasEnded (callId: string): boolean
  /** How many calls are open, those in the background included. */
  readonly openCalls: number
  /** Whole messages carry metadata; without, it is a piece of a text, which the recorder joins with those around it. */
  output (text: string, metadata?: Record<string, unknown>): void
  error (message: string, metadata?: Record<string, unknown>): void
  /** See `ProgressMetadata` for the kinds that mean something. */
  progress (kind: string, message: string, details?: Record<string, unknown>): void
  /**
   * The agent waits, until it does something else; with `callId`, until that call does. `until` where it is known, in
   * ISO-8601.
   */
  waiting (waitKind: WaitKind, message: string, details?: WaitDetails): void
  /** The agent waits or tries again; `delayMs` from now on. */
  retry (kind: 'waiting' | 'retry', message: string, delayMs: number | undefined, details: Record<string, unknown>): void
  /** An event this adapter does not know: reported the 1st, 2nd, 4th, 8th… time, warned about once. */
  unknown (rawType: string, raw: unknown): void
  /** The same log for a session of its own: its call ids are apart from all others. */
  session (): ActivityLog
  /** Ends the calls of this session that are still open as `aborted`. */
  abortCalls (): void
  /** Ends all calls that are still open as `aborted`; what comes after is not reported. */
  close (): void
}

/** What a wait may say besides its kind. */
export interface WaitDetails extends Record<string, unknown> {
  /** What is waited for, in a few words. Default: the message. */
  readonly what?: string
  readonly until?: string
  readonly callId?: string
}

/** Where activities go and what time it is. */
export interface ActivityLogOptions {
  readonly onActivity?: OnActivity
  /** Told once about each kind of trouble; a process warning by default. */
  readonly warn?: (message: string) => void
  /** Milliseconds since the epoch; this machine's by default. */
  readonly clock?: Clock
  /** Milliseconds that never jump; this process's by default. */
  readonly monotonicClock?: Clock
}

const OUTPUT_INTERVAL_MS = 1_000
/** Ids that are remembered after their calls are over, so that a run of weeks does not collect them all. */
const MAX_USED_IDS = 10_000

interface OpenUse {
  readonly start: ToolStart
  readonly use: number
  readonly startedAt: number
  toldAt?: number
  isBackground: boolean
}

/** Starts the log of one invocation. */
export function createActivityLog (options: ActivityLogOptions = {}): ActivityLog {
  const {
    onActivity, warn = warnProcess, clock = systemClock, monotonicClock = () => performance.now()
  } = options
  const sessions: ActivityLog[] = []
  const uses = new Map<string, number>()
  const unknownCounts = new Map<string, number>()
  let hasThrown = false
  let isClosed = false
  let openCalls = 0

  function report (error: unknown): void {
    if (hasThrown) return
    hasThrown = true
    warn(`onActivity failed, the run goes on: ${String(error)}`)
  }

  function emit (type: InvocationActivity['type'], message: string, metadata?: Record<string, unknown>): void {
    if (onActivity === undefined || isClosed) return
    const details = metadata === undefined ? {} : { metadata: compact(metadata) }
    try {
      const answer: unknown = onActivity({ type, message, timestamp: new Date(clock()), ...details })
      if (answer instanceof Promise) answer.catch(report)
    } catch (error) {
      report(error)
    }
  }

  function countUse (callId: string): number {
    const use = (uses.get(callId) ?? 0) + 1
    uses.delete(callId)
    uses.set(callId, use)
    if (uses.size > MAX_USED_IDS) uses.delete(uses.keys().next().value!)
    return use
  }

  function createSession (): ActivityLog {
    const open = new Map<string, OpenUse[]>()
    const used = new Set<string>()

    /** The oldest of an id, best where the parent is the same, too. */
    function find (callId: string, parentCallId?: string, isBackground?: boolean): OpenUse | undefined {
      const known = open.get(callId) ?? []
      const asked = isBackground === undefined ? known : known.filter((one) => one.isBackground === isBackground)
      const likely = asked.length > 0 ? asked : known
      return likely.find(({ start }) => start.parentCallId === parentCallId) ?? likely[0]
    }

    function end (known: OpenUse, { status, result, exitCode, files, edited, durationMs }: ToolEnd): void {
      const { start, use, startedAt } = known
      const { callId, tool, toolKind, message, parentCallId } = start
      const rest = open.get(callId)!.filter((one) => one !== known)
      if (rest.length === 0) open.delete(callId)
      else open.set(callId, rest)
      openCalls--
      emit('tool_exec', oneLine(message), {
        callId,
        phase: 'end',
        use: use === 1 ? undefined : use,
        tool,
        toolKind,
        status,
        durationMs: durationMs ?? Math.round(monotonicClock() - startedAt),
        exitCode,
        result: result === '' ? undefined : result,
        files: mergeFiles(start.files, files, edited),
        parentCallId
      })
    }

    const log: ActivityLog = {
      toolStart (start) {
        const { callId, tool, toolKind, message, files, parentCallId } = start
        const known = open.get(callId) ?? []
        if (known.some((one) => isSame(one.start, start))) return
        for (const one of known) if (isOutdated(one, start)) end(one, { status: 'aborted' })
        const use = countUse(callId)
        used.add(callId)
        if (used.size > MAX_USED_IDS) used.delete(used.keys().next().value!)
        const opened = { start, use, startedAt: monotonicClock(), isBackground: false }
        open.set(callId, [...open.get(callId) ?? [], opened])
        openCalls++
        emit('tool_exec', oneLine(message), {
          callId,
          phase: 'start',
          use: use === 1 ? undefined : use,
          tool,
          toolKind,
          input: start.input,
          files,
          parentCallId
        })
        if (toolKind === 'person') log.waiting('person', message, { callId })
      },
      toolProgress (callId, message, details = {}) {
        const known = find(callId, undefined, false)
        if (details.background === true && known !== undefined) known.isBackground = true
        const use = known === undefined || known.use === 1 ? undefined : known.use
        log.progress('tool', message, { callId, use, tool: known?.start.tool, ...details })
      },
      toolOutput (callId, text) {
        const call = find(callId)
        const line = text.split('\n').findLast((line) => line.trim() !== '')
        const now = monotonicClock()
        if (call === undefined || line === undefined || now - (call.toldAt ?? -Infinity) < OUTPUT_INTERVAL_MS) return
        call.toldAt = now
        log.toolProgress(callId, oneLine(line), { live: true })
      },
      toolEnd (callId, ending, tool = 'unknown') {
        const { parentCallId, isBackground = false } = ending
        const known = find(callId, parentCallId, isBackground)
        if (known !== undefined) return end(known, ending)
        if (used.has(callId)) return
        log.toolStart({ callId, tool, message: tool, ...compact({ parentCallId }) })
        end(find(callId)!, ending)
      },
      isOpen: (callId) => open.has(callId),
      hasEnded: (callId) => used.has(callId) && !open.has(callId),
      get openCalls () { return openCalls },
      output (text, metadata) {
        if (text !== '') emit('output', text, metadata ?? { delta: true })
      },
      error (message, metadata) {
        emit('error', message, metadata)
      },
      progress (kind, message, details = {}) {
        emit('progress', message, { kind, ...details })
      },
      waiting (waitKind, message, details = {}) {
        log.progress('waiting', message, { waitKind, what: oneLine(message), ...details })
      },
      retry (kind, message, delayMs, details) {
        const until = delayMs === undefined ? undefined : toIso(clock() + delayMs)
        log.progress(kind, message, { ...details, delayMs, until })
      },
      unknown (rawType, raw) {
        const type = oneLine(rawType)
        const count = (unknownCounts.get(type) ?? 0) + 1
        unknownCounts.set(type, count)
        if (count === 1 && unknownCounts.size === 1) warn(`An agent printed an event of the unknown type ${type}; it is shown as progress.`)
        if ((count & (count - 1)) === 0) log.progress('unknown', type, { rawType: type, count, raw })
      },
      session: createSession,
      abortCalls () {
        for (const uses of [...open.values()]) for (const one of uses) end(one, { status: 'aborted' })
      },
      close () {
        for (const one of sessions) one.abortCalls()
        isClosed = true
      }
    }
    sessions.push(log)
    return log
  }

  return createSession()
}

/** The same start once more: programs print a line twice, and parts of a message again. */
function isSame (one: ToolStart, other: ToolStart): boolean {
  return one.tool === other.tool && one.message === other.message && one.parentCallId === other.parentCallId &&
    !isOtherMessage(one, other) && isDeepStrictEqual(one.input, other.input)
}

/** An agent that speaks again has all its answers: what is still open of its last message will never end. */
function isOutdated ({ start, isBackground }: OpenUse, next: ToolStart): boolean {
  return !isBackground && start.parentCallId === next.parentCallId && isOtherMessage(start, next)
}

function isOtherMessage (one: ToolStart, other: ToolStart): boolean {
  return one.messageId !== undefined && other.messageId !== undefined && one.messageId !== other.messageId
}

function warnProcess (message: string): void {
  process.emitWarning(message, { code: 'AGENT_TIMELINE_PROVIDER' })
}

/** What the end of a call says of its files, with what its start has said of them. */
function mergeFiles (
  atStart: ToolStart['files'], atEnd: ToolEnd['files'], edited: EditedLines | undefined
): ToolMetadata['files'] {
  const [only, ...others] = atStart ?? []
  const isAlone = atEnd === undefined && others.length === 0
  if (isAlone && edited !== undefined && only !== undefined) return [{ ...only, ...edited }]
  return atEnd?.map((file) => ({ ...atStart?.find(({ path }) => path === file.path), ...file })) ?? atStart
}
