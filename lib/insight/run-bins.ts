import type { ToolKind } from '../model/activity.js'

/** A call that is over, as far as it shows in a picture of its run. */
export interface CallSpan {
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly durationMs: number
  readonly kind: ToolKind
  readonly isFailed: boolean
}

/** What happened in one stretch of time; milliseconds by kind, of calls side by side each its own. */
export interface Bin {
  readonly ms: Partial<Record<ToolKind, number>>
  /** Calls that began in it. */
  calls: number
  /** Calls that failed and ended in it. */
  failed: number
}

const MAX_BINS = 512
const FIRST_WIDTH_MS = 1_000

/**
 * The calls of one run in at most 512 stretches of the same length, which doubles whenever they do not suffice: what it
 * holds is bounded however long the run is.
 */
export class RunBins {
  readonly #from: number
  #width = FIRST_WIDTH_MS
  #bins = new Map<number, Bin>()

  /** @param from where the first stretch begins, in milliseconds since the epoch */
  constructor (from: number) {
    this.#from = from
  }

  /** Length of a stretch, in milliseconds. */
  get widthMs (): number {
    return this.#width
  }

  add ({ startedAt, durationMs, kind, isFailed }: CallSpan): void {
    const start = Math.max(0, startedAt - this.#from)
    const end = start + Math.max(0, durationMs)
    while (end >= this.#width * MAX_BINS) this.#halve()
    const [first, last] = [Math.floor(start / this.#width), Math.floor(end / this.#width)]
    this.#bin(first).calls++
    if (isFailed) this.#bin(last).failed++
    for (let index = first; index <= last; index++) {
      const ms = Math.min(end, (index + 1) * this.#width) - Math.max(start, index * this.#width)
      if (ms <= 0 && first !== last) continue
      const bin = this.#bin(index)
      bin.ms[kind] = (bin.ms[kind] ?? 0) + ms
    }
  }

  /** Those in which something happened, by their place from 0, in order. */
  bins (): Array<readonly [index: number, bin: Bin]> {
    return [...this.#bins].sort(([a], [b]) => a - b)
  }

  #bin (index: number): Bin {
    let bin = this.#bins.get(index)
    if (bin === undefined) this.#bins.set(index, bin = { ms: {}, calls: 0, failed: 0 })
    return bin
  }

  #halve (): void {
    const old = this.#bins
    this.#width *= 2
    this.#bins = new Map()
    for (const [index, { ms, calls, failed }] of old) {
      const bin = this.#bin(Math.floor(index / 2))
      bin.calls += calls
      bin.failed += failed
      for (const [kind, spent] of Object.entries(ms) as Array<[ToolKind, number]>) {
        bin.ms[kind] = (bin.ms[kind] ?? 0) + spent
      }
    }
  }
}
