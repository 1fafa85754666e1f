/** The longest wait between two attempts: this is a live view. */
export const MAX_BACKOFF_MS = 10_000

/**
 * The wait before an attempt: doubles from `baseMs`, at most {@link MAX_BACKOFF_MS}, between half and all of it by
 * chance, so that the viewers of a restarted server do not come back in step.
 *
 * @param attempt 0 for the first attempt after a success
 */
export function backoffMs (attempt: number, baseMs: number, random: () => number = Math.random): number {
  const limit = Math.min(MAX_BACKOFF_MS, baseMs * 2 ** Math.min(attempt, 10))
  return Math.round(limit * (0.5 + random() / 2))
}
