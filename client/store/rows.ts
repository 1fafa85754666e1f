import type { TimelineEvent } from '../../lib/model/events.js'

interface RowBase {
  /** Number of the event the row stands for; the last missing one for a gap. Unique, ascending. */
  readonly seq: number
  /** Milliseconds since the epoch, server's clock. */
  readonly atMs: number
}

interface InvocationRow extends RowBase {
  readonly invocationId: number
  /** Other invocations were running too: the row says whose it is. */
  readonly isParallel: boolean
}

/** Something that repeats: neighbours with the same key fold. */
export interface Foldable {
  /** Number of the run's first row; undefined where the row does not fold. */
  readonly run?: number
  /** Place in the run from 0. The second row stands for the folded ones. */
  readonly nth?: number
  /** On the second row: how many rows it stands for, itself included, and the time they took together. */
  readonly similar?: { readonly count: number, readonly tookMs: number }
}

export interface TaskRow extends RowBase {
  readonly kind: 'task'
  /** `started`, `review`, `rejected`, `completed` or the host's own word. */
  readonly change: string
  readonly actor: string
  readonly message: string
}

/** Where an invocation starts: its group's heading. */
export interface StartRow extends InvocationRow { readonly kind: 'start' }

/** Where an invocation ends. */
export interface EndRow extends InvocationRow { readonly kind: 'end' }

export type ToolKind = 'exec' | 'look' | 'read' | 'search' | 'edit' | 'web' | 'agent' | 'plan' | 'other'

/** `noted` where the log has no second half to wait for. */
export type ToolStatus = 'running' | 'ok' | 'error' | 'denied' | 'aborted' | 'noted'

/** One tool call, from its two halves. */
export interface ToolRow extends InvocationRow, Foldable {
  readonly kind: 'tool'
  readonly toolKind: ToolKind
  readonly tool: string
  readonly verb: string
  readonly target: string
  readonly status: ToolStatus
  readonly callId?: string
  readonly tookMs?: number
  readonly exitCode?: number
  readonly result?: string
  readonly input?: unknown
  readonly files?: ReadonlyArray<{ readonly path: string, readonly kind?: string }>
  readonly isTruncated: boolean
  /** Done by a sub-agent. */
  readonly isNested: boolean
  readonly isLate: boolean
  /** Only the second half was known here; the row with the first came later and took it over. */
  readonly isSuperseded?: boolean
}

/** What an agent said, complained about or reported on the way. */
export interface TextRow extends InvocationRow, Foldable {
  readonly kind: 'output' | 'error' | 'progress'
  readonly text: string
  /** Of a `progress`: `reasoning`, `plan`, `waiting`, … */
  readonly progressKind?: string
  readonly isTruncated: boolean
  readonly isNested: boolean
  readonly isLate: boolean
}

/** Events that are no longer there. */
export interface GapRow extends RowBase {
  readonly kind: 'gap'
  readonly fromSeq: number
  readonly reason: 'expired' | 'removed'
}

export type Row = TaskRow | StartRow | EndRow | ToolRow | TextRow | GapRow

/** The time of an event in milliseconds; 0 for one without a readable time. */
export function timeOf (event: Pick<TimelineEvent, 'timestamp'>): number {
  return readTime(event.timestamp) ?? 0
}

/** An ISO time in milliseconds, if it is one. */
export function readTime (value: unknown): number | undefined {
  const ms = Date.parse(String(value))
  return Number.isNaN(ms) ? undefined : ms
}

/** Index of the first row whose number is at least `seq`; the length when there is none. */
export function lowerBound (rows: readonly Row[], seq: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle]!.seq < seq) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the row with this number, or -1. */
export function indexOfSeq (rows: readonly Row[], seq: number | undefined): number {
  const index = seq === undefined ? -1 : lowerBound(rows, seq)
  return index !== -1 && rows[index]?.seq === seq ? index : -1
}
