import type { ToolKind } from '../model/activity.js'

/** A call that is over, as far as it shows in a picture of its run. */
export interface CallSpan {
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly durationMs: number
  readonly kind: ToolKind
  readonly isFailed: boolean
}

/** What calls of one kind did in one stretch of time; of calls side by side each its own. */
export interface BinCounts {
  ms: number
  /** Calls that began in it. */
  calls: number
  /** Calls that failed and ended in it. */
  failed: number
}

export type Bin = Partial<Record<ToolKind, BinCounts>>

const MAX_BINS = 512
/** Length of a stretch of a run that is short, in milliseconds. */
export const FIRST_BIN_MS = 1_000

/**
 * The calls of one run in at most 512 stretches of the same length, which doubles whenever they do not suffice: what it
 * holds is bounded however long the run is.
 */
export class RunBins {
  readonly #from: number
  #width: number
  #bins = new Map<number, Bin>()

  /**
   * @param from where the first stretch begins, in milliseconds since the epoch
   * @param widthMs length of a stretch, as it was before
   */
  constructor (from: number, widthMs = FIRST_BIN_MS) {
    this.#from = from
    this.#width = widthMs
  }

  /** Length of a stretch, in milliseconds. */
  get widthMs (): number {
    return this.#width
  }

  add ({ startedAt, durationMs, kind, isFailed }: CallSpan): void {
    const start = Math.max(0, startedAt - this.#from)
    const end = start + Math.max(0, durationMs)
    while (end >= this.#width * MAX_BINS) this.#double()
    const [first, last] = [Math.floor(start / this.#width), Math.floor(end / this.#width)]
    this.merge(start, kind, { ms: 0, calls: 1, failed: 0 })
    if (isFailed) this.merge(end, kind, { ms: 0, calls: 0, failed: 1 })
    for (let index = first; index <= last; index++) {
      const ms = Math.min(end, (index + 1) * this.#width) - Math.max(start, index * this.#width)
      if (ms > 0) this.merge(index * this.#width, kind, { ms, calls: 0, failed: 0 })
    }
  }

  /** Adds to the stretch that a time lies in, in milliseconds since the run began. */
  merge (ms: number, kind: ToolKind, counts: BinCounts): void {
    const index = Math.floor(ms / this.#width)
    let bin = this.#bins.get(index)
    if (bin === undefined) this.#bins.set(index, bin = {})
    const known = bin[kind] ??= { ms: 0, calls: 0, failed: 0 }
    known.ms += counts.ms
    known.calls += counts.calls
    known.failed += counts.failed
  }

  /** Those in which something happened, by their place from 0, in order. */
  bins (): Array<readonly [index: number, bin: Bin]> {
    return [...this.#bins].sort(([a], [b]) => a - b)
  }

  #double (): void {
    const [old, width] = [this.#bins, this.#width]
    this.#width *= 2
    this.#bins = new Map()
    for (const [index, bin] of old) {
      for (const [kind, counts] of Object.entries(bin) as Array<[ToolKind, BinCounts]>) {
        this.merge(index * width, kind, counts)
      }
    }
  }
}
