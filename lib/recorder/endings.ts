import { cleanTail, cleanText } from '../intake/clean-text.js'
import { describeValue } from '../intake/metadata.js'
import type { RecordOptions } from '../intake/record-options.js'
import type { Redactor } from '../intake/redact.js'
import { endingOf, endingOfError, type Ending, type ResultLike } from '../model/ending.js'

/** Makes the ends of runs out of what hosts return, throw or say. None of it throws. */
export interface Endings {
  /** What the value says by itself counts where `mapResult` fails to read it. */
  of (value: unknown): Ending
  ofError (error: unknown): Ending
  /** A result that says nothing of failure fails all the same: that is what was called. */
  ofFailure (error: unknown): Ending
  ofTimeout (value: unknown): Ending
  /** The same with its secrets hidden, cut to the caps, and without what may not be stored; the response follows. */
  clean (ending: Ending): Ending
}

export interface EndingsOptions {
  readonly redactor: Redactor
  readonly record: Required<RecordOptions>
  readonly mapResult?: ((value: unknown) => ResultLike) | undefined
  /** Told of a result that could not be read. */
  readonly onUnreadable: (error: unknown) => void
}

/** Caps of the texts that end a run, in bytes. */
const ENDING_BYTES = {
  error: 16_384, summary: 4_096, stderrTail: 8_192, reason: 256, sessionId: 256, model: 256, signal: 64
}

export function createEndings ({ redactor, record, mapResult, onUnreadable }: EndingsOptions): Endings {
  const ofError = (error: unknown): Ending => {
    return endingOfError(error, (value) => describeValue(value, ENDING_BYTES.error, redactor.head))
  }

  function of (value: unknown): Ending {
    for (const read of [mapResult, (given: unknown) => given as ResultLike]) {
      try {
        if (read === undefined) continue
        const result = read(value)
        if (isThenable(result)) throw new TypeError('mapResult returns a result, not a promise of one')
        return endingOf(result)
      } catch (error) {
        onUnreadable(error)
      }
    }
    return { status: 'completed' }
  }

  return {
    of,
    ofError,

    ofFailure (error) {
      if (typeof error === 'string') return { status: 'failed', error, reason: 'error' }
      try {
        const isResult = typeof error === 'object' && error !== null && 'success' in error
        if (isResult) return endingOf({ ...error, success: false })
      } catch {
        // A proxy, or getters that throw: it is read as an error is, as far as that goes.
      }
      return ofError(error)
    },

    ofTimeout (value) {
      const ending = of(value)
      return { ...ending, status: 'timeout', error: ending.error ?? 'Timed out', reason: ending.reason ?? 'timeout' }
    },

    clean (ending) {
      const cleaned: Record<string, unknown> = { ...ending, response: undefined }
      for (const [name, max] of Object.entries(ENDING_BYTES)) {
        const value = cleaned[name]
        if (typeof value !== 'string') continue
        const isAllowed = name === 'stderrTail' ? record.output : name !== 'summary' || record.response
        if (!isAllowed) {
          cleaned[name] = undefined
          continue
        }
        cleaned[name] = name === 'stderrTail' ? cleanTail(redactor, value, max) : cleanText(redactor, value, max)
      }
      return cleaned as unknown as Ending
    }
  }
}

/** An async function in the place of one that is not; what it rejects with is nobody's to handle. */
function isThenable (value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('then' in value) || typeof value.then !== 'function') return false
  value.then(() => {}, () => {})
  return true
}
