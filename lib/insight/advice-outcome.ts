import type { InvocationStatus } from '../model/events.js'
import type { Advice, AdviceOutcome } from './advice.js'

/** Advice, and what the run has done since. Times are milliseconds since the epoch. */
export interface AdvisedRun extends Pick<Advice, 'state' | 'mark' | 'afterMs'> {
  /** When the advice was given, in ISO-8601. */
  readonly at: string
  /** Undefined where the run is gone. */
  readonly status: InvocationStatus | undefined
  /** While it runs: when it last did something. */
  readonly movedAt: number | undefined
  /** Its first activity after the advice. */
  readonly nextAt: number | undefined
  readonly completedAt: number | undefined
}

/** What an agent says while it is ended is no sign that it had gone on. */
const LAST_WORDS_MS = 5_000

/**
 * What became of a run that was called quiet, looping or stuck, as far as the store tells: it went on by itself when it
 * did something afterwards or completed; it ended when it failed, was stopped or was lost without.
 *
 * @returns undefined while neither is known
 */
export function adviceOutcome (
  { state, mark, afterMs, at, status, movedAt, nextAt, completedAt }: AdvisedRun
): { readonly outcome: AdviceOutcome, readonly outcomeMs: number } | undefined {
  const since = state === 'looping' ? Date.parse(at) - afterMs : mark
  const lasted = (end: number | undefined): number => Math.max(afterMs, (end ?? 0) - since)
  if (status === 'running') {
    // Whether a loop has been left only those see who follow its calls.
    const hasMoved = state !== 'looping' && movedAt !== undefined && movedAt > mark
    return hasMoved ? { outcome: 'went_on', outcomeMs: lasted(nextAt ?? movedAt) } : undefined
  }
  if (status === 'completed') return { outcome: 'went_on', outcomeMs: lasted(nextAt ?? completedAt) }
  const wentOn = state !== 'looping' && nextAt !== undefined && completedAt !== undefined && nextAt < completedAt - LAST_WORDS_MS
  return wentOn ? { outcome: 'went_on', outcomeMs: lasted(nextAt) } : { outcome: 'ended', outcomeMs: lasted(completedAt) }
}
