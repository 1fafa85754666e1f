import { clearTimeout, performance, setTimeout } from '../../time/timers.js'

/** Why a run was ended from outside. */
export type StopReason = 'timeout' | 'silence' | 'aborted' | 'finished'

/** When a run has to end, apart from by itself. All times in milliseconds; absent means no limit. */
export interface DeadlineOptions {
  /** For the whole run. */
  readonly timeout?: number
  /** Without a byte on stdout or stderr. */
  readonly silenceTimeout?: number
  /** Added to `silenceTimeout` until the first byte: programs start slowly on a cold disk. 30,000 by default. */
  readonly startupAllowanceMs?: number
  /** How long the process may live on, without a byte, after {@link isFinished} began to hold; for ever by default. */
  readonly finishGraceMs?: number
  /** The work is done, as the program said: asked several times a second, hence cheap. */
  readonly isFinished?: () => boolean
  readonly signal?: AbortSignal
}

/** The clocks of one run. */
export interface Deadlines {
  /** Settles when a limit is reached or the signal fires, with the first cause; never otherwise. */
  readonly reached: Promise<StopReason>
  /** Something was printed. */
  heard (): void
  /** Stops all clocks. */
  clear (): void
}

/** `setTimeout` fires at once beyond this, instead of in 25 days. */
const MAX_TIMER_MS = 2_147_483_647

/** Starts the clocks of one run. */
export function startDeadlines (options: DeadlineOptions): Deadlines {
  const { timeout, silenceTimeout, startupAllowanceMs = 30_000, finishGraceMs, isFinished, signal } = options
  const timers = new Set<NodeJS.Timeout>()
  let heardAt: number | undefined
  let stop: (reason: StopReason) => void = () => {}
  const reached = new Promise<StopReason>((resolve) => { stop = resolve })
  const abort = (): void => { stop('aborted') }

  function after (ms: number, action: () => void): void {
    if (ms > MAX_TIMER_MS) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      action()
    }, ms)
    timers.add(timer)
  }

  function watchSilence (limit: number): void {
    const startedAt = performance.now()
    const check = (): void => {
      const silentForMs = performance.now() - (heardAt ?? startedAt)
      const leftMs = (heardAt === undefined ? limit + startupAllowanceMs : limit) - silentForMs
      if (leftMs <= 0) stop('silence')
      else after(Math.ceil(Math.min(leftMs, limit)), check)
    }
    // Never looks later than one limit from now: the first byte may come early in the allowance.
    after(limit, check)
  }

  function watchFinish (graceMs: number, isFinished: () => boolean): void {
    const everyMs = Math.min(1_000, Math.max(10, graceMs / 4))
    let finishedAt: number | undefined
    const check = (): void => {
      finishedAt = isFinished() ? finishedAt ?? performance.now() : undefined
      const quietSince = Math.max(finishedAt ?? Infinity, heardAt ?? 0)
      if (performance.now() - quietSince >= graceMs) stop('finished')
      else after(everyMs, check)
    }
    after(everyMs, check)
  }

  if (isFinished !== undefined && finishGraceMs !== undefined) watchFinish(finishGraceMs, isFinished)
  if (timeout !== undefined) after(timeout, () => { stop('timeout') })
  if (silenceTimeout !== undefined) watchSilence(silenceTimeout)
  if (signal?.aborted === true) abort()
  else signal?.addEventListener('abort', abort, { once: true })

  return {
    reached,
    heard () { heardAt = performance.now() },
    clear () {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
      signal?.removeEventListener('abort', abort)
    }
  }
}
