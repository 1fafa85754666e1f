import { noMeter, type Meter } from '../meter.js'

/** What happened in one timeline since it was opened, for whoever asks how it is doing. */
export interface ActivityCounts {
  /** Pieces of output that found no room. */
  readonly droppedPieces: number
  /** How often the lock was somebody else's. */
  readonly lockRetries: number
  /** Of the last delivery to viewers: milliseconds since its first activity was stored; undefined before the first. */
  readonly deliveryLagMs: number | undefined
}

const METHODS = Object.keys(noMeter) as Array<keyof Meter>

/** A meter that counts these, and hands everything on. */
export function countActivity (meter: Meter): { readonly counts: ActivityCounts, readonly meter: Meter } {
  const counts = { droppedPieces: 0, lockRetries: 0, deliveryLagMs: undefined as number | undefined }
  const handOn = Object.fromEntries(METHODS.map((name) =>
    [name, (...args: never[]) => (meter[name] as (...given: never[]) => unknown)(...args)])) as unknown as Meter
  return {
    counts,
    meter: {
      ...handOn,
      outputDropped (pieces) {
        counts.droppedPieces += pieces
        meter.outputDropped(pieces)
      },
      lockMet () {
        counts.lockRetries++
        meter.lockMet()
      },
      deliveryLagged (seconds) {
        counts.deliveryLagMs = Math.round(seconds * 1000)
        meter.deliveryLagged(seconds)
      }
    }
  }
}
