import { clearImmediate, clearTimeout, setImmediate, setTimeout } from '../time/timers.js'

/** When the next batch is written: one moment is planned at most. */
export interface BatchTimer {
  readonly isSet: boolean
  /** In this turn of the event loop, unless that is so already. A later moment stays planned until {@link clear}. */
  soon (): void
  /** @param ms milliseconds from now */
  after (ms: number): void
  clear (): void
  /** Nobody waits for it any more: the process may end. */
  unref (): void
}

export function createBatchTimer (run: () => void): BatchTimer {
  let timeout: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  return {
    get isSet () { return timeout !== undefined || immediate !== undefined },
    soon () { immediate ??= setImmediate(run) },
    after (ms) { timeout = setTimeout(run, ms) },
    clear () {
      clearTimeout(timeout)
      clearImmediate(immediate)
      timeout = immediate = undefined
    },
    unref () { timeout?.unref() }
  }
}
