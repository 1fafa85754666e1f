import { toIso } from '../time/clock.js'
import { EventLines, nameOf, timeOf } from './event-lines.js'
import type {
  CurrentFrame, HealthState, InvocationActivityEvent, InvocationSummary, TaskInfo, TimelineEvent
} from '../model/events.js'
import { formatDuration, toPlainLine } from '../text/plain-text.js'

export interface TextTimeline {
  readonly task: TaskInfo
  /** Of the task, in one line: see {@link formatState}. */
  readonly state?: string
  /** Ascending; the agents' own words among them appear under "Live Activity" only. */
  readonly events: readonly TimelineEvent[]
  readonly running: readonly CurrentFrame[]
  /** Invocations whose start may not be among the events. */
  readonly known?: ReadonlyArray<Pick<InvocationSummary, 'id' | 'role'>>
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Says that there are events before the first one. */
  readonly isCut?: boolean
}

const RULE = '─'.repeat(61)
const LIVE_LINES = 10
/** Sentences are longer than other lines, in characters. */
const MAX_HEALTH = 400

/** A task's timeline as text, as the design document shows it. Times are UTC. */
export function formatTimeline (timeline: TextTimeline): string {
  const { task, state, events, running, known = [], now, isCut = false } = timeline
  const lines = new EventLines([...known, ...running.map(({ invocationId, role }) => ({ id: invocationId, role }))])
  const entries = events.map((event) => lines.format(event)).filter((line) => line !== undefined)
  return [
    `Task: ${toPlainLine(task.title ?? task.id)}`,
    ...(task.status === undefined ? [] : [`Status: ${toPlainLine(task.status)}`]),
    ...(state === undefined ? [] : [`State: ${state}`]),
    '',
    'Timeline:',
    RULE,
    ...(isCut ? ['…         earlier events are left out'] : []),
    ...entries,
    RULE,
    ...healthLines(running),
    ...liveLines(events, running, now, lines),
    ''
  ].join('\n')
}

/** How each of those is doing that run, with the evidence. */
function healthLines (running: readonly CurrentFrame[]): string[] {
  const lines = running.flatMap(({ role, provider, health }) => {
    if (health === undefined) return []
    const state = STATE_NAMES[health.state] ?? health.state
    return [`  ${toPlainLine(`${nameOf(role)} (${provider}) is ${state}. ${health.because.join(' ')}`, MAX_HEALTH)}`]
  })
  return lines.length === 0 ? [] : ['', 'Running:', ...lines]
}

const STATE_NAMES: Readonly<Partial<Record<HealthState, string>>> = { in_tool: 'in a tool', unknown: 'of unknown health' }

/** The last words of what runs; where there are none yet, for how long it has been running. */
function liveLines (
  events: readonly TimelineEvent[], running: readonly CurrentFrame[], now: number, lines: EventLines
): string[] {
  if (running.length === 0) return []
  const ids = new Set(running.map(({ invocationId }) => invocationId))
  const words = events.filter(isOutput).filter(({ invocationId }) => ids.has(invocationId))
    .slice(-LIVE_LINES).flatMap((event) => lines.formatOutput(event)).slice(-LIVE_LINES)
  const shown = words.length > 0 ? words : running.map((one) => describeRunning(one, now))
  return ['', 'Live Activity (streaming...):', ...shown.map((line) => `  ${line}`)]
}

function isOutput (event: TimelineEvent): event is InvocationActivityEvent {
  return event.type === 'invocation.activity' && (event.activityType === 'output' || event.activityType === 'progress')
}

function describeRunning ({ role, provider, startedAt }: CurrentFrame, now: number): string {
  const sinceMs = now - Date.parse(startedAt)
  const since = Number.isFinite(sinceMs) ? ` for ${formatDuration(sinceMs)}` : ''
  return toPlainLine(`${timeOf(toIso(now))}  ${nameOf(role)} (${provider}) has been running${since}`)
}
