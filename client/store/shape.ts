import type { TaskOverview, ToolCall } from '../../lib/model/answers.js'
import type { InvocationSummary } from '../../lib/model/events.js'

/** How a stretch of a lane is drawn. */
export type SegmentLook = 'call' | 'edit' | 'bad' | 'live'

export interface Segment {
  readonly fromMs: number
  readonly toMs: number
  readonly look: SegmentLook
  /** Number of the first call in it. */
  readonly seq: number
}

export interface RunSpan {
  readonly run: InvocationSummary
  readonly fromMs: number
  readonly toMs: number
}

/** One line of the strip: a run, or the runs of a role that do not overlap. */
export interface Lane {
  readonly role: string
  /** Undefined where it holds several. */
  readonly id: number | undefined
  readonly spans: readonly RunSpan[]
  readonly segments: readonly Segment[]
}

/** A task's time in two dimensions. */
export interface Shape {
  readonly fromMs: number
  readonly toMs: number
  readonly lanes: readonly Lane[]
}

/** A run has a lane of its own as long as there are no more. */
const MAX_OWN_LANES = 4
const MAX_LANES = 5
/** Stretches of one look that are closer together than this share of the whole are drawn as one. */
const MERGE_SHARE = 0.0012

/** Lanes of runs and what they called; undefined where nothing ran. */
export function shapeOf (
  runs: readonly InvocationSummary[], calls: Iterable<ToolCall>, nowMs: number
): Shape | undefined {
  const spans = runs.map((run): RunSpan => {
    const fromMs = Date.parse(run.startedAt ?? '')
    const endMs = run.status === 'running' ? nowMs : Date.parse(run.completedAt ?? '') || fromMs + (run.duration ?? 0)
    return { run, fromMs, toMs: Math.max(fromMs, endMs) }
  }).filter(({ fromMs }) => !Number.isNaN(fromMs)).sort((a, b) => a.fromMs - b.fromMs || a.run.id - b.run.id)
  if (spans.length === 0) return undefined
  const fromMs = spans[0]!.fromMs
  const toMs = Math.max(fromMs + 1000, ...spans.map((span) => span.toMs))
  const lanes = spans.length <= MAX_OWN_LANES
    ? spans.map((span) => ({ role: span.run.role, id: span.run.id, spans: [span] }))
    : packed(spans)
  const laneOf = new Map(lanes.flatMap((lane, i) => lane.spans.map(({ run }) => [run.id, i] as const)))
  const segments = lanes.map((): Segment[] => [])
  const mergeMs = (toMs - fromMs) * MERGE_SHARE
  for (const call of calls) addSegment(segments[laneOf.get(call.invocationId) ?? -1], call, mergeMs, nowMs)
  return { fromMs, toMs, lanes: lanes.map((lane, i) => ({ ...lane, segments: segments[i]! })) }
}

interface PackedLane { readonly role: string, readonly id: undefined, readonly spans: RunSpan[] }

/** The bins of an overview as calls, so that one way of drawing is enough: what failed ends its bin. */
export function callsOfOverview ({ lanes }: TaskOverview): ToolCall[] {
  return lanes.flatMap(({ invocationId, startedAt, binMs, bins, open }) => {
    const startMs = Date.parse(startedAt ?? '')
    const make = (seq: number, fromMs: number, durationMs: number, more: Partial<ToolCall>): ToolCall => ({
      seq,
      callId: '',
      use: 1,
      invocationId,
      kind: 'other',
      name: '',
      message: '',
      status: 'ok',
      startedAt: new Date(fromMs).toISOString(),
      durationMs,
      ...more
    })
    const shown = bins.flatMap(({ at, ms, calls = 0, failed = 0 }) => {
      const fromMs = startMs + at * binMs
      const busyMs = Object.values(ms).reduce((sum, each) => sum + each, 0)
      if (calls === 0 && busyMs === 0) return []
      const kind = Object.entries(ms).sort(([, a], [, b]) => b - a)[0]?.[0] as ToolCall['kind'] | undefined
      return make(0, fromMs, Math.min(binMs, busyMs), { kind: kind ?? 'other', status: failed > 0 ? 'error' : 'ok' })
    })
    return [...shown, ...open.map(({ seq, kind, message, startedAt }) =>
      make(seq, Date.parse(startedAt), 0, { kind, message, status: 'running' }))]
  })
}

/** Runs of a role follow each other on one lane, unless they overlap; the last lane takes what is left. */
function packed (spans: readonly RunSpan[]): PackedLane[] {
  const lanes: PackedLane[] = []
  for (const span of spans) {
    const { role } = span.run
    const free = lanes.find((lane) => lane.role === role && lane.spans.at(-1)!.toMs <= span.fromMs) ??
      (lanes.length === MAX_LANES ? lanes.findLast((lane) => lane.role === role) ?? lanes.at(-1) : undefined)
    if (free === undefined) lanes.push({ role, id: undefined, spans: [span] })
    else free.spans.push(span)
  }
  return lanes
}

function addSegment (segments: Segment[] | undefined, call: ToolCall, mergeMs: number, nowMs: number): void {
  if (segments === undefined) return
  const { seq, kind, status, startedAt, durationMs } = call
  const fromMs = Date.parse(startedAt)
  const toMs = status === 'running' ? nowMs : fromMs + (durationMs ?? 0)
  const look = status === 'running' ? 'live' : status === 'error' || status === 'denied' ? 'bad' : kind === 'edit' ? 'edit' : 'call'
  const last = segments.at(-1)
  if (last !== undefined && last.look === look && fromMs - last.toMs < mergeMs) {
    segments[segments.length - 1] = { ...last, toMs: Math.max(last.toMs, toMs) }
  } else segments.push({ fromMs, toMs, look, seq })
}
