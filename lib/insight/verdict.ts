import type { Health, HealthState } from '../model/events.js'
import { toIso } from '../time/clock.js'
import type { ProcessEvidence, RunningCall, RunWait } from './evidence.js'
import { expectCall, expectThinking, type KnownUsual, type Situation } from './expected.js'
import { HEARTBEAT_FRESH_MS, OPEN_WAIT_MS, REPEATED_WAITS_MS, WAIT_GRACE_MS, type Step } from './limits.js'
import type { Loop } from './loops.js'
import { treeHoldsUntil, treeSign, type TreeSign, type WatchedTree } from './process-tree.js'
import { describe } from './sentences.js'

/** What is known of a run at a moment. Times are milliseconds of one clock that never goes back. */
export interface RunFacts {
  /** The moment. */
  readonly at: number
  readonly startedAt: number
  readonly provider: string
  /** Since the last activity that was more than a sign of life; since the start when there was none. */
  readonly silentForMs: number
  /** The model has said or done something. */
  readonly hasTurn: boolean
  /** All that are open. */
  readonly calls: readonly RunningCall[]
  readonly waiting: RunWait | undefined
  readonly loop: Loop | undefined
  /** Of its processes, since the newest of its commands began; undefined where nobody looks at them. */
  readonly tree: WatchedTree | undefined
  readonly evidence: ProcessEvidence
}

/** A verdict, and what the run was at. */
export interface Verdict {
  readonly health: Health
  readonly step: Step
  /** It may be another one after so many milliseconds, though nothing happens; Infinity where only time will not do. */
  readonly holdsForMs: number
}

/** A command that has just begun may not have started its processes yet. */
const TREE_FROM_MS = 30_000

/**
 * How a running invocation is doing: the one judge of runs that are stored and of runs that are only observed.
 *
 * Two things are kept apart: whether its process lives, and whether the agent moves. The first alone decides `lost` and
 * `unknown`; the second decides the rest.
 *
 * @param previous the verdict before, whose `since` stays while the state does
 */
export function judgeRun (facts: RunFacts, usual: KnownUsual, previous?: Health): Verdict {
  const { at, silentForMs, evidence, tree } = facts
  const situation = look(facts, usual)
  const { call, expectation } = situation
  const isCommand = expectation.step === 'shell' || expectation.step === 'build'
  const sign = call !== undefined && isCommand ? treeSign(tree, at) : 'unknown'
  const judged = judge(situation, facts, sign)
  const loop = CAN_LOOP.has(judged.state) ? facts.loop : undefined
  const state = loop === undefined ? judged.state : 'looping'
  const since = Math.min(at, Math.max(facts.startedAt, loop?.since ?? at - judged.agoMs))
  const health: Health = {
    state,
    since: previous?.state === state ? previous.since : toIso(since),
    because: describe({ ...situation, state, silentForMs, at, loop, sign, evidence }),
    ...(call === undefined ? {} : { tool: toolOf(call, at) }),
    ...waitingFor(situation),
    ...(loop === undefined ? {} : { loop: { calls: loop.calls, times: loop.times, sinceSeq: loop.sinceSeq } }),
    silentForMs: Math.round(silentForMs),
    expectedSilenceMs: bounded(expectation.quietMs),
    ...(Number.isFinite(expectation.stuckMs) ? { stuckAfterMs: Math.round(expectation.stuckMs) } : {}),
    heartbeatAgeMs: Math.round(evidence.heartbeatAgeMs),
    ...(tree === undefined || sign === 'unknown' ? {} : { tree: tree.sample })
  }
  return { health, step: expectation.step, holdsForMs: holdsFor(situation, facts) }
}

/** Until the next limit, of silence, of a wait, of what is known of its processes. */
function holdsFor ({ expectation, wait }: Situation, { silentForMs, at, evidence, tree }: RunFacts): number {
  const treeLimit = tree === undefined ? undefined : treeHoldsUntil(tree)
  const limits = [
    expectation.quietMs - silentForMs,
    expectation.stuckMs - silentForMs,
    ...(wait === undefined ? [] : waitLimits(wait).map((limit) => limit - at)),
    ...(treeLimit === undefined ? [] : [treeLimit - at]),
    ...(evidence.process === 'elsewhere' ? [HEARTBEAT_FRESH_MS - evidence.heartbeatAgeMs] : [])
  ]
  return Math.min(...limits.filter((ms) => ms >= 0))
}

const CAN_LOOP: ReadonlySet<HealthState> = new Set(['working', 'in_tool', 'quiet'])

/** A wait comes before a call that is open: the call may be what waits. */
function look ({ calls, waiting, hasTurn, provider, at }: RunFacts, usual: KnownUsual): Situation {
  const expectations = leavesOf(calls).map((call) => ({ call, expectation: expectCall(call, provider, usual) }))
  // Agents that run several at once may report their ends together: the one that may take longest decides.
  const longest = expectations.reduce<typeof expectations[number] | undefined>(
    (most, one) => most === undefined || one.expectation.stuckMs > most.expectation.stuckMs ? one : most, undefined)
  const expectation = longest?.expectation ?? expectThinking(hasTurn ? 'think' : 'start', provider, usual)
  return { expectation, call: longest?.call, wait: isWaiting(waiting, at) ? waiting : undefined }
}

/** The open calls that the agent waits for: those that have no open call within them. */
function leavesOf (calls: readonly RunningCall[]): RunningCall[] {
  const open = calls.filter(({ isBackground }) => !isBackground)
  // Sub-agents number their calls by themselves: one may have the id of the call that it is within.
  const parents = new Set(open.flatMap((call) =>
    call.parentCallId === undefined || call.parentCallId === call.callId ? [] : [call.parentCallId]))
  const isWithin = (call: RunningCall) => call.parentCallId === call.callId
  const named = new Set(open.filter(isWithin).map(({ callId }) => callId))
  return open.filter((call) => !parents.has(call.callId) && (isWithin(call) || !named.has(call.callId)))
}

function isWaiting (wait: RunWait | undefined, at: number): boolean {
  if (wait === undefined) return false
  if (wait.kind === 'person') return true
  const untilMs = endOf(wait)
  if (at > untilMs + WAIT_GRACE_MS) return false
  return wait.times === 1 || at - wait.since <= REPEATED_WAITS_MS || untilMs - at > REPEATED_WAITS_MS
}

/** When {@link isWaiting} may say something else. */
function waitLimits (wait: RunWait): number[] {
  if (wait.kind === 'person') return []
  const untilMs = endOf(wait)
  return [untilMs + WAIT_GRACE_MS, wait.since + REPEATED_WAITS_MS, untilMs - REPEATED_WAITS_MS]
}

function endOf ({ until, toldAt }: RunWait): number {
  return until ?? toldAt + OPEN_WAIT_MS
}

interface Judged {
  readonly state: HealthState
  /** Since how many milliseconds. */
  readonly agoMs: number
}

function judge (
  { expectation, call, wait }: Situation, { silentForMs, evidence, at, tree }: RunFacts, sign: TreeSign
): Judged {
  const { process, heartbeatAgeMs } = evidence
  const { quietMs, stuckMs, step } = expectation
  if (process === 'dead') return { state: 'lost', agoMs: heartbeatAgeMs }
  if (process === 'elsewhere' && heartbeatAgeMs > HEARTBEAT_FRESH_MS) {
    return { state: 'unknown', agoMs: heartbeatAgeMs - HEARTBEAT_FRESH_MS }
  }
  if (process === 'unrecorded' && silentForMs > quietMs) return { state: 'unknown', agoMs: silentForMs - quietMs }
  if (wait !== undefined) return { state: 'waiting', agoMs: at - wait.since }
  if (call?.isPerson === true) return { state: 'waiting', agoMs: at - call.startedAt }
  const ranMs = call === undefined ? 0 : at - call.startedAt
  if (sign === 'gone' && tree?.goneSince !== undefined && ranMs > TREE_FROM_MS) {
    return { state: 'stuck', agoMs: at - tree.goneSince }
  }
  if (silentForMs > stuckMs && sign !== 'busy') return { state: 'stuck', agoMs: silentForMs - stuckMs }
  if (silentForMs > quietMs) return { state: 'quiet', agoMs: silentForMs - quietMs }
  if (call !== undefined) return { state: 'in_tool', agoMs: ranMs }
  return { state: step === 'start' ? 'starting' : 'working', agoMs: silentForMs }
}

function toolOf ({ callId, name, message, startedAt }: RunningCall, at: number): NonNullable<Health['tool']> {
  return { callId, name, message, elapsedMs: Math.round(at - startedAt) }
}

function waitOf ({ kind, what, toldUntil }: RunWait): NonNullable<Health['waitingFor']> {
  return { kind, what, ...(toldUntil === undefined ? {} : { until: toldUntil }) }
}

function waitingFor ({ wait, call }: Situation): Pick<Health, 'waitingFor'> {
  if (wait !== undefined) return { waitingFor: waitOf(wait) }
  if (call?.isPerson !== true) return {}
  return { waitingFor: { kind: 'person', what: call.message === '' ? call.name : call.message } }
}

/** JSON has no infinity: a day stands for no limit. */
function bounded (ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms) : 24 * 3_600_000
}
