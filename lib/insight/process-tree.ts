import type { TreeSample } from '../model/health.js'

export type { TreeSample }

/** `busy`: it works; `gone`: nothing of it is left; `idle`: it is there and does nothing. */
export type TreeSign = 'busy' | 'gone' | 'idle' | 'unknown'

/** An idle program's timers take some processor time, too. */
const BUSY_CPU_SHARE = 0.01
const BUSY_IO_BYTES = 1_024
/** What was seen working counts as working for so long; samples come every 10 s. */
const BUSY_FOR_MS = 60_000
/** An agent takes a moment to tell the end of a command. */
const GONE_AFTER_MS = 60_000

/** Follows the samples of one run. */
export class TreeWatch {
  #last: TreeSample | undefined
  #busyAt = -Infinity
  #goneSince: number | undefined

  add (sample: TreeSample): void {
    const last = this.#last
    if (last !== undefined && sample.sampledAt <= last.sampledAt) return
    this.#last = sample
    if (sample.processes > 0) this.#goneSince = undefined
    else this.#goneSince ??= sample.sampledAt
    if (last === undefined || sample.processes === 0) return
    const cpuMs = sample.cpuMs - last.cpuMs
    // Sums shrink when a process of many has ended.
    const isBusy = cpuMs >= BUSY_CPU_SHARE * (sample.sampledAt - last.sampledAt) ||
      sample.ioBytes - last.ioBytes >= BUSY_IO_BYTES || sample.processes !== last.processes
    if (isBusy) this.#busyAt = sample.sampledAt
  }

  /** A command has started: what was seen before says nothing of it. */
  reset (): void {
    this.#last = this.#goneSince = undefined
    this.#busyAt = -Infinity
  }

  at (now: number): TreeSign {
    if (this.#last === undefined) return 'unknown'
    if (this.#goneSince !== undefined) return now - this.#goneSince >= GONE_AFTER_MS ? 'gone' : 'unknown'
    return now - this.#busyAt <= BUSY_FOR_MS ? 'busy' : 'idle'
  }

  /** Since when nothing of it was left, in milliseconds since the epoch. */
  get goneSince (): number | undefined {
    return this.#goneSince
  }
}
