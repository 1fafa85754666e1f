import type { InvocationActivity } from '../model/activity.js'
import type { Health } from '../model/events.js'
import { toIso } from '../time/clock.js'
import { timelineError } from '../errors.js'
import { canBeAdvised } from './advice.js'
import { CallChanges, type CallRow } from './call-changes.js'
import { readCall } from './call-facts.js'
import { toEndedCall } from './ended-call.js'
import type { ProcessEvidence, RunWait } from './evidence.js'
import type { Step } from './limits.js'
import { RunLoops } from './loops.js'
import { watchTree, type WatchedTree } from './process-tree.js'
import { callsOf, createProgress } from './progress.js'
import type { Wait } from './wait.js'
import { callKey, chainKey, toRunningCall } from './running-call.js'
import { createTally } from './tally.js'
import { createUsual, type SilentState, type Usual } from './usual.js'
import { judgeRun } from './verdict.js'

export { createUsual, type Usual } from './usual.js'
export type { ProcessEvidence, ProcessSign } from './evidence.js'
export type { Health, HealthState, TreeSample } from '../model/health.js'

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

export interface RunObserver {
  /** Takes the next activity in, at its own `timestamp`. Times never go back: an earlier one counts as the last. */
  activity (activity: InvocationActivity): void
  /**
   * The verdict at a time, in milliseconds since the epoch, by a clock that never goes back and that counts no time in
   * which the machine slept.
   */
  healthAt (ms: number, evidence: ProcessEvidence): Health
}

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
  return new Observed(provider, startedAt, usual)
}

class Observed implements RunObserver {
  readonly provider: string
  readonly startedAt: number
  readonly usual: Usual
  readonly #course
  readonly #calls = new Map<number, CallRow>()
  readonly #loops = new RunLoops()
  #tree: WatchedTree | undefined
  #seq = 0
  #lastAt: number
  #before: Health | undefined
  /** What it was at when silence was called so. */
  readonly #advised = new Map<SilentState, Step>()
  #pausedMs = 0
  #pausedSince: number | undefined

  constructor (provider: string, startedAt: number, usual: Usual) {
    this.provider = provider
    this.startedAt = this.#lastAt = startedAt
    this.usual = usual
    this.#course = { progress: { ...createProgress(), movedAt: startedAt }, tally: createTally(startedAt) }
  }

  activity (activity: InvocationActivity): void {
    const given = activity.timestamp instanceof Date ? activity.timestamp.getTime() : NaN
    const at = this.#lastAt = Math.max(this.#lastAt, Number.isFinite(given) ? given : this.#lastAt)
    const { progress } = this.#course
    const pausedMs = this.#pausedMs + (this.#pausedSince === undefined ? 0 : at - this.#pausedSince)
    const silentForMs = at - progress.movedAt - pausedMs
    this.#follow(activity, at)
    if (progress.hasBeaten) return
    for (const [state, step] of this.#advised) this.usual.wasFalse(step, silentForMs, state)
    this.#advised.clear()
    this.#pausedMs = 0
    if (this.#pausedSince !== undefined) this.#pausedSince = at
  }

  healthAt (ms: number, evidence: ProcessEvidence): Health {
    const at = this.#lastAt = Math.max(this.#lastAt, Number.isFinite(ms) ? ms : this.#lastAt)
    this.#countPauses(at, evidence)
    if (evidence.tree !== undefined) this.#tree = watchTree(this.#tree, evidence.tree)
    const { progress } = this.#course
    const pausedMs = this.#pausedMs + (this.#pausedSince === undefined ? 0 : at - this.#pausedSince)
    const { health, step } = judgeRun({
      at,
      startedAt: this.startedAt,
      provider: this.provider,
      silentForMs: Math.max(0, at - progress.movedAt - pausedMs),
      hasTurn: progress.hasTurn,
      calls: callsOf(progress).map((call) => toRunningCall(call, call.startedAt, this.#calls.get(call.seq ?? 0))),
      waiting: progress.waiting === undefined ? undefined : toRunWait(progress.waiting),
      loop: this.#loops.find(),
      tree: this.#tree,
      evidence
    }, this.usual, this.#before)
    const { state } = health
    if ((state === 'stuck' || state === 'quiet') && canBeAdvised(evidence)) this.#advised.set(state, step)
    this.#before = health
    return health
  }

  /** A process that was stopped by a signal is not silent. */
  #countPauses (at: number, { process }: ProcessEvidence): void {
    if (process === 'suspended') {
      this.#pausedSince ??= at
    } else if (this.#pausedSince !== undefined) {
      this.#pausedMs += at - this.#pausedSince
      this.#pausedSince = undefined
    }
  }

  #follow ({ type, message, metadata }: InvocationActivity, at: number): void {
    const seq = ++this.#seq
    const call = type === 'tool_exec' && metadata !== undefined ? readCall(message, metadata) : undefined
    const json = metadata === undefined ? null : JSON.stringify(metadata)
    const changes = new CallChanges()
    changes.follow(this.#course, 0, { type, message, metadata: json, at, seq, call })
    for (const row of changes.started.values()) {
      this.#calls.set(row.seq, row)
      // What was seen before says nothing of this one.
      this.#tree = undefined
    }
    for (const [startSeq, { status, durationMs, resultHash, endSeq }] of changes.ended) {
      const row = this.#calls.get(startSeq)
      this.#calls.delete(startSeq)
      if (row === undefined) continue
      const ended = toEndedCall({ ...row, status, durationMs, resultHash, endSeq: endSeq ?? seq })
      if (ended === undefined) continue
      this.#loops.add(ended)
      const wasCut = row.timeoutMs !== null && durationMs >= row.timeoutMs
      if (!row.isBackground && !wasCut) {
        this.usual.add([callKey(row.hash), ...(row.chain === null ? [] : [chainKey(row.chain)])], durationMs)
      }
    }
    for (const startSeq of changes.movedToBackground) {
      const row = this.#calls.get(startSeq)
      if (row !== undefined) row.isBackground = true
    }
  }
}

/** A wait by the times that it was told with. */
function toRunWait ({ kind, what, until, since, toldAt = since, times = 1 }: Wait): RunWait {
  return { kind, what, until, toldUntil: until === undefined ? undefined : toIso(until), since, toldAt, times }
}
