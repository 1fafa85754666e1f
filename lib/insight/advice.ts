import { ADVICE_STATES, type AdviceState, type Health, type HealthState } from '../model/health.js'
import type { ProcessEvidence } from './evidence.js'
import type { Step } from './limits.js'

export type { AdviceState }

/** A run was called so. */
export interface Advice {
  readonly state: AdviceState
  /** What it was at. */
  readonly step: Step
  /**
   * What it is about, the same for whoever judges the run: the time of the activity after which it fell silent, in
   * milliseconds since the epoch; of a loop the number of its first event.
   */
  readonly mark: number
  /** How long it had been silent, or in its loop, when it was called so; milliseconds. */
  readonly afterMs: number
}

/** What became of it: the run went on by itself, or it ended. */
export type AdviceOutcome = 'went_on' | 'ended'

/** Advice as it is remembered. */
export interface JudgedAdvice extends Advice {
  /** When it was given, in ISO-8601. */
  readonly at: string
  /** Undefined while nobody knows. */
  readonly outcome: AdviceOutcome | undefined
  /** How long the silence lasted, or the loop; milliseconds. */
  readonly outcomeMs: number | undefined
}

/** A process that is stopped or gone, or that nobody knows, explains silence by itself. */
export function canBeAdvised ({ process }: Pick<ProcessEvidence, 'process'>): boolean {
  return process === 'alive' || process === 'elsewhere'
}

export function isAdvice (state: HealthState): state is AdviceState {
  return (ADVICE_STATES as readonly HealthState[]).includes(state)
}

/** @param movedAt when it last did something, as it is stored */
export function adviceOf (
  { state, loop, silentForMs }: Health, step: Step, movedAt: number, loopMs: number
): Advice | undefined {
  if (!isAdvice(state)) return undefined
  return state === 'looping'
    ? { state, step, mark: loop?.sinceSeq ?? 0, afterMs: Math.round(loopMs) }
    : { state, step, mark: movedAt, afterMs: silentForMs }
}
