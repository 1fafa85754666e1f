import { toIso } from '../time/clock.js'
import type { Health, HealthState } from '../model/events.js'
import type { Evidence, OpenCallEvidence, WaitEvidence } from './evidence.js'
import { HEARTBEAT_FRESH_MS, STUCK_FACTOR, TOOL_FLOORS_MS, WAIT_FLOORS_MS, WAIT_GRACE_MS, floorsOf, kindOfCall } from './floors.js'
import { are, describeProcess, describeWaiting, formatSpan } from './sentences.js'

/** What the agent is at, and how long it may be silent at that. */
interface Step {
  /** While it is within what is usual. */
  readonly state: HealthState
  readonly expectedSilenceMs: number
  /** What is measured against it. */
  readonly silentMs: number
  /** When the step began, in milliseconds before the evidence. */
  readonly beganMs: number
  readonly because: string
  readonly tool?: Health['tool']
  readonly waitingFor?: Health['waitingFor']
}

/**
 * How a running invocation is doing.
 *
 * Two things are kept apart: whether its process lives, and whether the agent moves. The first alone decides `lost` and
 * `unknown`; the second decides the rest, whatever the process does.
 *
 * @param previous the verdict before, whose `since` stays while the state does
 */
export function judge (evidence: Evidence, previous?: Health): Health {
  const step = findStep(evidence)
  const { state, agoMs } = judgeProcess(evidence, step) ?? judgeSilence(step)
  return {
    state,
    since: previous?.state === state ? previous.since : toIso(Math.max(0, evidence.at - agoMs)),
    because: [step.because, describeProcess(evidence, state)],
    ...(step.tool === undefined ? {} : { tool: step.tool }),
    ...(step.waitingFor === undefined ? {} : { waitingFor: step.waitingFor }),
    silentForMs: Math.round(evidence.silentForMs),
    expectedSilenceMs: step.expectedSilenceMs,
    heartbeatAgeMs: Math.round(evidence.heartbeatAgeMs)
  }
}

interface Judgement {
  readonly state: HealthState
  /** Since how many milliseconds. */
  readonly agoMs: number
}

/** Where the process is known to be gone, or nothing is known of it, what the agent did last says little. */
function judgeProcess ({ process, heartbeatAgeMs }: Evidence, step: Step): Judgement | undefined {
  if (process === 'dead') return { state: 'lost', agoMs: heartbeatAgeMs }
  if (process === 'elsewhere' && heartbeatAgeMs > HEARTBEAT_FRESH_MS) {
    return { state: 'unknown', agoMs: heartbeatAgeMs - HEARTBEAT_FRESH_MS }
  }
  const overMs = step.silentMs - step.expectedSilenceMs
  return process === 'unrecorded' && overMs > 0 ? { state: 'unknown', agoMs: overMs } : undefined
}

function judgeSilence ({ state, silentMs, expectedSilenceMs, beganMs }: Step): Judgement {
  const stuckMs = expectedSilenceMs * STUCK_FACTOR
  if (silentMs > stuckMs) return { state: 'stuck', agoMs: silentMs - stuckMs }
  if (silentMs > expectedSilenceMs) return { state: 'quiet', agoMs: silentMs - expectedSilenceMs }
  return { state, agoMs: beganMs }
}

/** A wait comes before a call that is open: the call may be what waits. */
function findStep (evidence: Evidence): Step {
  if (evidence.waiting !== undefined) return waitStep(evidence.waiting, evidence)
  const call = decisiveCall(evidence.calls)
  if (call !== undefined) return callStep(call, evidence)
  return evidence.hasActivity ? thinkingStep(evidence) : startStep(evidence)
}

function startStep ({ provider, runForMs }: Evidence): Step {
  const expectedSilenceMs = floorsOf(provider).startMs
  const because = runForMs > expectedSilenceMs
    ? `Nothing came from it since it started ${formatSpan(runForMs)} ago; ${formatSpan(expectedSilenceMs)} ${are(expectedSilenceMs)} usual.`
    : `It started ${formatSpan(runForMs)} ago; the first activity usually takes up to ${formatSpan(expectedSilenceMs)}.`
  return { state: 'starting', expectedSilenceMs, silentMs: runForMs, beganMs: runForMs, because }
}

function thinkingStep ({ provider, silentForMs }: Evidence): Step {
  const expectedSilenceMs = floorsOf(provider).thinkingMs
  const usual = `${formatSpan(expectedSilenceMs)} ${are(expectedSilenceMs)} usual while it thinks.`
  const because = silentForMs > expectedSilenceMs
    ? `No activity for ${formatSpan(silentForMs)}; ${usual}`
    : `Its last activity was ${formatSpan(silentForMs)} ago; up to ${usual}`
  return { state: 'working', expectedSilenceMs, silentMs: silentForMs, beganMs: silentForMs, because }
}

function callStep (call: OpenCallEvidence, { silentForMs }: Evidence): Step {
  const kind = kindOfCall(call)
  const expectedSilenceMs = TOOL_FLOORS_MS[kind]
  const name = call.name === '' ? 'A tool' : call.name
  // A call cannot have been silent for longer than it has been open.
  const silentMs = Math.min(silentForMs, call.elapsedMs)
  const tool = { callId: call.callId, name: call.name, message: call.message, elapsedMs: Math.round(call.elapsedMs) }
  const step = { expectedSilenceMs, silentMs, beganMs: call.elapsedMs, tool }
  if (kind === 'person') {
    const what = call.message === '' ? call.name : call.message
    return { ...step, state: 'waiting', waitingFor: { kind, what }, because: describeWaiting({ kind, what, elapsedMs: call.elapsedMs }) }
  }
  const running = `${name} has been running for ${formatSpan(call.elapsedMs)}`
  const usual = `${formatSpan(expectedSilenceMs)} ${are(expectedSilenceMs)} usual for it.`
  const isSilent = silentMs > expectedSilenceMs
  const silence = isSilent && silentMs < call.elapsedMs - SAME_MS ? ` and has shown nothing for ${formatSpan(silentMs)}` : ''
  return { ...step, state: 'in_tool', because: `${running}${silence}; ${isSilent ? '' : 'up to '}${usual}` }
}

function waitStep (wait: WaitEvidence, { silentForMs }: Evidence): Step {
  const { kind, what, until, remainingMs, elapsedMs } = wait
  const waitingFor = { kind, what, ...(until === undefined ? {} : { until }) }
  const because = describeWaiting(wait)
  if (remainingMs === undefined) {
    return { state: 'waiting', expectedSilenceMs: WAIT_FLOORS_MS[kind], silentMs: silentForMs, beganMs: elapsedMs, because, waitingFor }
  }
  // Before its time a wait is as it should be, however long it takes.
  const silentMs = Math.min(silentForMs, Math.max(0, -remainingMs))
  return { state: 'waiting', expectedSilenceMs: WAIT_GRACE_MS, silentMs, beganMs: elapsedMs, because, waitingFor }
}

/**
 * The call that decides: of those that have no open call within them, the one with most of its usual time left, because
 * agents that run several at once may tell their ends together. Calls in the background keep nobody from going on.
 */
function decisiveCall (calls: readonly OpenCallEvidence[]): OpenCallEvidence | undefined {
  const parents = new Set(calls.map(({ parentCallId }) => parentCallId))
  let decisive: OpenCallEvidence | undefined
  for (const call of calls) {
    // Sub-agents number their calls by themselves: one may have the id of the call that it is within.
    const isParent = call.parentCallId !== call.callId && parents.has(call.callId)
    if (call.isBackground === true || isParent) continue
    if (decisive === undefined || leftMs(call) > leftMs(decisive)) decisive = call
  }
  return decisive
}

function leftMs (call: OpenCallEvidence): number {
  return TOOL_FLOORS_MS[kindOfCall(call)] - call.elapsedMs
}

/** Two durations that differ by less say the same to a reader, in milliseconds. */
const SAME_MS = 10_000
