import { kindOf } from '../store/store-error.js'
import type { TimelineError } from '../errors.js'
import type { BatchOutcome } from '../store/port.js'
import type { Entry } from './queue.js'
import type { Run } from './run.js'

/** How it goes with the database. */
export type WriterHealth =
  | { readonly name: 'well' }
  /** Nothing could be written since then, by the monotonic clock; what waits is tried again. */
  | {
    readonly name: 'failing',
    readonly failures: number,
    readonly sinceMs: number,
    readonly retryInMs: number,
    readonly error: TimelineError
  }
  /** It will not be there as long as this process lives: what is reported is not kept. */
  | { readonly name: 'given_up', readonly error: TimelineError }

/** How much of the queue goes into the next batch. */
export type BatchMode =
  | { readonly name: 'many' }
  /**
   * The database has refused a batch: its operations go one by one, to find the one at fault.
   *
   * `withoutHost`: the next one was undone together with its transaction, and is tried without the host's rows.
   */
  | { readonly name: 'single', readonly left: number, readonly withoutHost: boolean }

/** The batch whose commit failed: it may be stored all the same, and is tried again as it was until that is known. */
export interface UnsureBatch {
  readonly entries: readonly Entry[]
  readonly outcome: BatchOutcome<Run>
}

/**
 * `open`: takes operations and writes them. `closed`: takes nothing more, and is stopped. `draining`: takes nothing
 * more, and still writes what is left.
 */
export type WriterLife = 'open' | 'closed' | 'draining'

/** One operation of a batch has left the queue, stored or refused. */
export function afterOne (mode: BatchMode): BatchMode {
  return mode.name === 'single' && mode.left > 1 ? { name: 'single', left: mode.left - 1, withoutHost: false } : { name: 'many' }
}

/** The data is at fault, not the database: the same will fail again. */
export function isRefused (error: unknown): boolean {
  return ['refused', 'unknown_task', 'undone'].includes(kindOf(error))
}
