import type { Advice, AdviceOutcome, JudgedAdvice } from '../insight/advice.js'
import type { InvocationStatus } from '../model/events.js'

/** Advice on a run, when it was given. */
export interface GivenAdvice extends Advice {
  readonly invocationId: number
  readonly taskId: string
  /** ISO-8601. */
  readonly at: string
}

export interface SettledAdvice extends Pick<Advice, 'state' | 'step' | 'mark'> {
  readonly invocationId: number
  readonly outcome: AdviceOutcome
  /** How long the silence lasted, or the loop; milliseconds. */
  readonly outcomeMs: number
}

/** Advice of which nobody knows yet whether it was right, and what the run has done since. */
export interface OpenAdvice extends GivenAdvice {
  /** Undefined where the run is gone. */
  readonly status: InvocationStatus | undefined
  /** When it last did something, while it runs; milliseconds since the epoch, as is all that follows. */
  readonly movedAt: number | undefined
  /** Its first activity after the advice. */
  readonly nextAt: number | undefined
  readonly completedAt: number | undefined
}

/** What runs were called that somebody should look at, and what became of it. It lives as long as its run. */
export interface AdviceStore {
  /** Stores what was not stored before, by whoever judges, too. @returns that */
  add (given: readonly GivenAdvice[]): Promise<readonly GivenAdvice[]>
  /** Stores outcomes that were not known. @returns those */
  settle (settled: readonly SettledAdvice[]): Promise<readonly SettledAdvice[]>
  open (): Promise<readonly OpenAdvice[]>
  /** The longest silences, by kind of step, that were called so since a time and were no fault. */
  longestWrong (since: string): Promise<ReadonlyArray<
    Pick<Advice, 'state' | 'step'> & { readonly silentForMs: number }
  >>
  /** The newest first. */
  newest (limit: number): Promise<readonly JudgedAdvice[]>
}
