import type { RunningCall, RunWait } from './evidence.js'
import { AFTER_TIMEOUT_MS, limitsOf, SUB_AGENT_STUCK_MS, type Limits, type Step } from './limits.js'
import type { Usual, UsualTimes } from './usual.js'

/** The limits of what a run is at, with where they come from. */
export interface Expectation extends Limits {
  readonly step: Step
  /** How often this very call was seen here, and how long it took; undefined where it never was. */
  readonly history: UsualTimes | undefined
}

/** What a run is at. */
export interface Situation {
  readonly expectation: Expectation
  readonly call: RunningCall | undefined
  readonly wait: RunWait | undefined
}

/** What of a project's history decides. */
export type KnownUsual = Pick<Usual, 'timesOf' | 'patienceOf'>

/** From so many runs on a command's own history says when it has taken too long. */
const ENOUGH_RUNS = 10
const LOWEST_STUCK_MS = 3 * 60_000
const SLOW_FACTOR = 3
const SAME_CALL_FACTOR = 2
const SAME_CHAIN_FACTOR = 1.5
const QUIET_FACTOR = 1.2
/** Whatever was quiet here by mistake, so much of the way to the limit for stuck is the most that it is raised. */
const QUIET_SHARE = 0.5

/** What is usual while no call is open. */
export function expectThinking (step: 'start' | 'think', provider: string, usual: KnownUsual): Expectation {
  const { quietMs, stuckMs } = limitsOf(step, provider)
  return {
    step,
    quietMs: patientQuietMs(step, quietMs, stuckMs, usual),
    stuckMs: Math.max(stuckMs, usual.patienceOf(step)),
    history: undefined
  }
}

/** A silence that was nothing is usual, as long as it stays well below what is called stuck. */
function patientQuietMs (step: Step, quietMs: number, stuckMs: number, usual: KnownUsual): number {
  const mostMs = quietMs + QUIET_SHARE * Math.max(0, stuckMs - quietMs)
  return Math.max(quietMs, Math.min(mostMs, usual.patienceOf(step, 'quiet')))
}

/**
 * What is usual for a call: by its kind, raised by the time that it asked for and by the history of this command and of
 * this chain of programs, lowered by that of this very command only.
 */
export function expectCall (call: RunningCall, provider: string, usual: KnownUsual): Expectation {
  const { step } = call
  if (call.isPerson) return { step, quietMs: Infinity, stuckMs: Infinity, history: undefined }
  let { quietMs, stuckMs } = limitsOf(step, provider)
  const askedMs = Math.max(call.timeoutMs, call.sleepMs)
  if (askedMs > 0) {
    stuckMs = Math.max(stuckMs, askedMs + AFTER_TIMEOUT_MS)
    quietMs = Math.max(quietMs, askedMs)
  }
  if (call.parentCallId !== undefined) stuckMs = Math.max(stuckMs, SUB_AGENT_STUCK_MS)
  const same = call.callKey === undefined ? undefined : usual.timesOf(call.callKey)
  const alike = call.chainKey === undefined ? undefined : usual.timesOf(call.chainKey)
  const lowMs = same === undefined || same.runs < ENOUGH_RUNS
    ? Infinity
    : Math.max(LOWEST_STUCK_MS, SLOW_FACTOR * same.slowMs)
  if (lowMs < stuckMs) {
    stuckMs = lowMs
  } else {
    const alikeMs = SAME_CHAIN_FACTOR * (alike?.longestMs ?? 0)
    stuckMs = Math.max(stuckMs, alikeMs, usual.patienceOf(step))
    quietMs = Math.max(patientQuietMs(step, quietMs, stuckMs, usual), alikeMs)
  }
  if (same !== undefined) {
    stuckMs = Math.max(stuckMs, SAME_CALL_FACTOR * same.longestMs)
    quietMs = Math.max(quietMs, QUIET_FACTOR * same.longestMs)
  }
  return { step, quietMs: Math.min(quietMs, stuckMs), stuckMs, history: same }
}
