import type { InvocationActivity, OnActivity, ToolMetadata } from '../activity.js'
import { toIso, type Clock } from '../clock.js'
import { MESSAGE_CHARS, capValue, cutText, excerpt, oneLine } from './caps.js'
import { compact } from './json.js'

/** A tool call begins. */
export interface ToolStart {
  readonly callId: string
  readonly tool: string
  readonly message: string
  readonly input?: unknown
  readonly files?: ToolMetadata['files']
  readonly parentCallId?: string
}

/** A tool call is over. */
export interface ToolEnd {
  readonly status: NonNullable<ToolMetadata['status']>
  readonly result?: string
  readonly exitCode?: number
  readonly files?: ToolMetadata['files']
}

/** What an adapter reports to: it keeps the open tool calls, the caps and the times. */
export interface ActivityLog {
  toolStart (start: ToolStart): void
  /** News of a running call. */
  toolProgress (callId: string, message: string, details?: Record<string, unknown>): void
  /** What a running tool prints: its last line is shown, at most once a second. */
  toolOutput (callId: string, text: string): void
  /** Ignored for a call that is over. A call that never started is started first. */
  toolEnd (callId: string, end: ToolEnd, tool?: string): void
  isOpen (callId: string): boolean
  /** Whole messages carry metadata: without, the recorder joins consecutive pieces. */
  output (text: string, metadata?: Record<string, unknown>): void
  error (message: string, metadata?: Record<string, unknown>): void
  progress (kind: string, message: string, details?: Record<string, unknown>): void
  /** The agent waits or tries again; `delayMs` from now on. */
  retry (kind: 'waiting' | 'retry', message: string, delayMs: number | undefined, details: Record<string, unknown>): void
  /** An event this adapter does not know: reported the 1st, 2nd, 4th, 8th… time, warned about once. */
  unknown (rawType: string, raw: unknown): void
  /** Ends the calls that are still open as `aborted`; what comes after is not reported. */
  close (): void
}

/** Where activities go and what time it is. */
export interface ActivityLogOptions {
  readonly onActivity?: OnActivity
  /** Told once about each kind of trouble; a process warning by default. */
  readonly warn?: (message: string) => void
  /** Milliseconds since the epoch. */
  readonly clock: Clock
  /** Milliseconds that never jump. */
  readonly monotonicClock: Clock
}

const OUTPUT_INTERVAL_MS = 1_000

/** Starts the log of one invocation. */
export function createActivityLog (options: ActivityLogOptions): ActivityLog {
  const { onActivity, warn = warnProcess, clock, monotonicClock } = options
  const open = new Map<string, { start: ToolStart, startedAt: number, toldAt?: number }>()
  const ended = new Set<string>()
  const unknownCounts = new Map<string, number>()
  let hasThrown = false
  let isClosed = false

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

  const log: ActivityLog = {
    toolStart (start) {
      if (open.has(start.callId) || ended.has(start.callId)) return
      open.set(start.callId, { start, startedAt: monotonicClock() })
      const { callId, tool, message, files, parentCallId } = start
      const input = start.input === undefined ? undefined : capValue(start.input)
      const truncated = input?.truncated === true ? true : undefined
      emit('tool_exec', oneLine(message), {
        callId, phase: 'start', tool, input: input?.value, truncated, files, parentCallId
      })
    },
    toolProgress (callId, message, details = {}) {
      log.progress('tool', message, { callId, tool: open.get(callId)?.start.tool, ...details })
    },
    toolOutput (callId, text) {
      const call = open.get(callId)
      const line = text.split('\n').findLast((line) => line.trim() !== '')
      const now = monotonicClock()
      if (call === undefined || line === undefined || now - (call.toldAt ?? -Infinity) < OUTPUT_INTERVAL_MS) return
      call.toldAt = now
      log.toolProgress(callId, oneLine(line, 300), { live: true })
    },
    toolEnd (callId, { status, result, exitCode, files }, tool = 'unknown') {
      if (ended.has(callId)) return
      if (!open.has(callId)) log.toolStart({ callId, tool, message: tool })
      const { start, startedAt } = open.get(callId)!
      open.delete(callId)
      ended.add(callId)
      const capped = result === undefined || result === '' ? undefined : excerpt(result)
      emit('tool_exec', oneLine(start.message), {
        callId,
        phase: 'end',
        tool: start.tool,
        status,
        durationMs: Math.round(monotonicClock() - startedAt),
        exitCode,
        result: capped?.value,
        truncated: capped?.truncated === true ? true : undefined,
        files: files ?? start.files,
        parentCallId: start.parentCallId
      })
    },
    isOpen: (callId) => open.has(callId),
    output (text, metadata) {
      if (text !== '') emit('output', text, metadata)
    },
    error (message, metadata) {
      emit('error', cutText(message, MESSAGE_CHARS).value, metadata)
    },
    progress (kind, message, details = {}) {
      const cut = cutText(message, MESSAGE_CHARS)
      emit('progress', cut.value, { kind, ...details, truncated: cut.truncated ? true : undefined })
    },
    retry (kind, message, delayMs, details) {
      const until = delayMs === undefined ? undefined : toIso(clock() + delayMs)
      log.progress(kind, message, { ...details, delayMs, until })
    },
    unknown (rawType, raw) {
      const type = oneLine(rawType, 100)
      const count = (unknownCounts.get(type) ?? 0) + 1
      unknownCounts.set(type, count)
      if (count === 1 && unknownCounts.size === 1) warn(`An agent printed an event of the unknown type ${type}; it is shown as progress.`)
      if ((count & (count - 1)) === 0) log.progress('unknown', type, { rawType: type, count, raw: capValue(raw, 1_024).value })
    },
    close () {
      for (const callId of [...open.keys()]) log.toolEnd(callId, { status: 'aborted' })
      isClosed = true
    }
  }
  return log
}

function warnProcess (message: string): void {
  process.emitWarning(message, { code: 'AGENT_TIMELINE_PROVIDER' })
}
