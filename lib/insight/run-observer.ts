import type { InvocationActivity } from '../model/activity.js'
import { toIso } from '../time/clock.js'
import type { Health, HealthState } from '../model/events.js'
import type { ProcessSign } from './evidence.js'
import { HEARTBEAT_FRESH_MS } from './floors.js'
import { timelineError } from '../errors.js'
import { expectCall, expectThinking, type Expectation } from './expected.js'
import type { Step } from './limits.js'
import { TreeWatch, type TreeSample, type TreeSign } from './process-tree.js'
import { describe } from './run-sentences.js'
import { RunState, type RunningCall, type RunWait } from './run-state.js'
import type { ProcessEvidence, Situation } from './situation.js'
import { createUsual, type Usual } from './usual.js'

export { createUsual, type Usual } from './usual.js'
export type { TreeSample } from './process-tree.js'
export type { ProcessEvidence } from './situation.js'

/** What is observed. */
export interface RunObserverOptions {
  /** `claude`, `codex`, `gemini`, `acp` or any other; by its first word. */
  readonly provider: string
  readonly role?: string
  readonly model?: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The project's history, shared by its observers. Default: one of its own, which learns from this run alone. */
  readonly usual?: Usual
}

/** How a running invocation is doing. */
export interface RunHealth extends Omit<Health, 'state'> {
  readonly state: HealthState | 'looping'
  /** From so many milliseconds of silence on it is `stuck`; absent where it never is. */
  readonly stuckAfterMs?: number
  /** The repetition that it is in: of how many calls, how often, and the number of the first one's activity. */
  readonly loop?: { readonly calls: number, readonly times: number, readonly sinceSeq: number }
  readonly tree?: TreeSample
}

export interface RunObserver {
  /** Takes the next activity in, at its own `timestamp`. Times never go back: an earlier one counts as the last. */
  activity (activity: InvocationActivity): void
  /**
   * The verdict at a time, in milliseconds since the epoch, by a clock that never goes back and that counts no time in
   * which the machine slept.
   */
  healthAt (ms: number, evidence: ProcessEvidence): RunHealth
}

/** After the announced end of a wait an answer has to come first. */
const WAIT_GRACE_MS = 2 * 60_000
/** A wait without an end of its own. */
const OPEN_WAIT_MS = 5 * 60_000
/** Attempts that fail one after the other are no progress, however short each wait is. */
const REPEATED_WAITS_MS = 20 * 60_000
/** A command that has just begun may not have started its processes yet. */
const TREE_FROM_MS = 30_000

/**
 * Judges one run from its activities alone: working, waiting, in a tool, looping, quiet, stuck.
 *
 * Pure: it reads no clock, starts no timer and keeps nothing outside itself and `usual`. Activities and looks are given
 * in the order of their times.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION when `startedAt` is no time or `provider` no text
 */
export function createRunObserver (options: RunObserverOptions): RunObserver {
  const { provider, startedAt, usual = createUsual() } = options
  if (typeof provider !== 'string') throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['provider', 'is a text'])
  if (!Number.isFinite(startedAt)) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['startedAt', 'is a time in milliseconds since the epoch'])
  }
  const state = new RunState(startedAt, usual)
  const tree = new TreeWatch()
  let lastAt = startedAt
  let before: RunHealth | undefined
  let advised: Step | undefined
  let pausedMs = 0
  let pausedSince: number | undefined

  function follow (activity: InvocationActivity): void {
    const given = activity.timestamp instanceof Date ? activity.timestamp.getTime() : NaN
    const at = lastAt = Math.max(lastAt, Number.isFinite(given) ? given : lastAt)
    const silentForMs = at - state.movedAt
    if (activity.metadata?.phase === 'start') tree.reset()
    if (!state.follow(activity, at)) return
    if (advised !== undefined) usual.wasFalse(advised, silentForMs)
    advised = undefined
    pausedMs = 0
    if (pausedSince !== undefined) pausedSince = at
  }

  /** A process that was stopped by a signal is not silent. */
  function countPauses (at: number, process: ProcessSign): void {
    if (process === 'suspended') {
      pausedSince ??= at
    } else if (pausedSince !== undefined) {
      pausedMs += at - pausedSince
      pausedSince = undefined
    }
  }

  return {
    activity: follow,
    healthAt (ms, evidence) {
      const at = lastAt = Math.max(lastAt, Number.isFinite(ms) ? ms : lastAt)
      countPauses(at, evidence.process)
      if (evidence.tree !== undefined) tree.add(evidence.tree)
      const sleptMs = pausedMs + (pausedSince === undefined ? 0 : at - pausedSince)
      const silentForMs = Math.max(0, at - state.movedAt - sleptMs)
      const situation = look(state, provider, usual, at)
      const sign = situation.call === undefined ? 'unknown' : tree.at(at)
      const verdict = judge(situation, silentForMs, evidence, sign, tree.goneSince, at)
      const loop = verdict.state === 'working' || verdict.state === 'in_tool' || verdict.state === 'quiet'
        ? state.loop()
        : undefined
      const finalState = loop === undefined ? verdict.state : 'looping'
      if (finalState === 'stuck' && evidence.process === 'alive') advised = situation.expectation.step
      const { call, wait, expectation } = situation
      const since = loop?.since ?? at - verdict.agoMs
      before = {
        state: finalState,
        since: before?.state === finalState ? before.since : toIso(Math.max(startedAt, since)),
        because: describe({ ...situation, state: finalState, silentForMs, at, loop, sign, evidence }),
        ...(call === undefined ? {} : { tool: toolOf(call, at) }),
        ...(wait === undefined ? {} : { waitingFor: waitOf(wait) }),
        ...(loop === undefined ? {} : { loop: { calls: loop.calls, times: loop.times, sinceSeq: loop.sinceSeq } }),
        silentForMs,
        expectedSilenceMs: bounded(expectation.quietMs),
        ...(Number.isFinite(expectation.stuckMs) ? { stuckAfterMs: Math.round(expectation.stuckMs) } : {}),
        heartbeatAgeMs: Math.round(evidence.heartbeatAgeMs),
        ...(evidence.tree === undefined ? {} : { tree: evidence.tree })
      }
      return before
    }
  }
}

/** A wait comes before a call that is open: the call may be what waits. */
function look (state: RunState, provider: string, usual: Usual, at: number): Situation {
  const { waiting } = state
  const expectations = state.leaves().map((call) => ({ call, expectation: expectCall(call, provider, usual) }))
  // Agents that run several at once may report their ends together: the one that may take longest decides.
  const longest = expectations.reduce<typeof expectations[number] | undefined>(
    (most, one) => most === undefined || one.expectation.stuckMs > most.expectation.stuckMs ? one : most, undefined)
  const expectation = longest?.expectation ?? expectThinking(state.hasTurn ? 'think' : 'start', provider, usual)
  return { expectation, call: longest?.call, wait: isWaiting(waiting, at) ? waiting : undefined }
}

function isWaiting (wait: RunWait | undefined, at: number): boolean {
  if (wait === undefined) return false
  if (wait.kind === 'person') return true
  const untilMs = wait.until ?? wait.toldAt + OPEN_WAIT_MS
  if (at > untilMs + WAIT_GRACE_MS) return false
  return wait.times === 1 || at - wait.since <= REPEATED_WAITS_MS || untilMs - at > REPEATED_WAITS_MS
}

interface Judged {
  readonly state: HealthState
  /** Since how many milliseconds. */
  readonly agoMs: number
}

function judge (
  { expectation, call, wait }: Situation, silentForMs: number, evidence: ProcessEvidence, sign: TreeSign,
  goneSince: number | undefined, at: number
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
  const isCommand = step === 'shell' || step === 'build'
  const ranMs = call === undefined ? 0 : at - call.startedAt
  if (isCommand && sign === 'gone' && goneSince !== undefined && ranMs > TREE_FROM_MS) {
    return { state: 'stuck', agoMs: at - goneSince }
  }
  if (silentForMs > stuckMs && !(isCommand && sign === 'busy')) return { state: 'stuck', agoMs: silentForMs - stuckMs }
  if (silentForMs > quietMs) return { state: 'quiet', agoMs: silentForMs - quietMs }
  if (call !== undefined) return { state: 'in_tool', agoMs: ranMs }
  return { state: step === 'start' ? 'starting' : 'working', agoMs: silentForMs }
}

function toolOf ({ callId, name, message, startedAt }: RunningCall, at: number): RunHealth['tool'] {
  return { callId, name, message, elapsedMs: at - startedAt }
}

function waitOf ({ kind, what, until }: RunWait): RunHealth['waitingFor'] {
  return { kind, what, ...(until === undefined ? {} : { until: toIso(until) }) }
}

/** JSON has no infinity: a day stands for no limit. */
function bounded (ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms) : 24 * 3_600_000
}
