import type { ErrorCode } from '../../lib/errors.js'
import { HEALTH_STATES } from '../../lib/model/events.js'
import { ADVICE_STATES } from '../../lib/model/health.js'
import type { Gauges, Meter } from '../../lib/meter.js'
import { DATABASE_ERROR_CODES } from '../../lib/store/store-error.js'

/** Where a project's distributions go; everything else is only added up until somebody asks. */
export interface Distributions {
  deliveryLag (seconds: number): void
  batchRows (rows: number): void
  batchDuration (seconds: number): void
}

/** The numbers of one project since the plugin was registered, whichever of its databases they come from. */
export class ProjectMeter implements Meter {
  events = 0
  gaps = 0
  writes = 0
  bytes = 0
  replayedPages = 0
  lockRetries = 0
  droppedPieces = 0
  lostRuns = 0
  readonly slowViewers = new Map([['paused', 0], ['disconnected', 0]])
  readonly advice = new Map<string, number>(ADVICE_STATES.map((state) => [state, 0]))
  readonly wrongAdvice = new Map<string, number>(ADVICE_STATES.map((state) => [state, 0]))
  readonly wakeUps = new Map([['hint', 0], ['poll', 0]])
  readonly troubles = new Map<string, number>(DATABASE_ERROR_CODES.map((code) => [code, 0]))
  readonly #distributions: Distributions
  readonly #gauges = new Set<() => Gauges>()
  #closedHeartbeats = 0

  constructor (distributions: Distributions) {
    this.#distributions = distributions
  }

  get queueBytes (): number {
    return this.#sum('queueBytes')
  }

  get heartbeats (): number {
    return this.#closedHeartbeats + this.#sum('heartbeats')
  }

  delivered (events: number, gaps: number, bytes: number): void {
    this.events += events
    this.gaps += gaps
    this.writes++
    this.bytes += bytes
  }

  pageReplayed (): void { this.replayedPages++ }
  viewerPaused (): void { addTo(this.slowViewers, 'paused') }
  viewerEvicted (): void { addTo(this.slowViewers, 'disconnected') }
  deliveryLagged (seconds: number): void { this.#distributions.deliveryLag(seconds) }
  woken (source: 'hint' | 'poll'): void { addTo(this.wakeUps, source) }

  batchWritten (rows: number, seconds: number): void {
    this.#distributions.batchRows(rows)
    this.#distributions.batchDuration(seconds)
  }

  lockMet (): void { this.lockRetries++ }
  outputDropped (pieces: number): void { this.droppedPieces += pieces }
  troubled (code: ErrorCode): void { addTo(this.troubles, code) }
  lostRunEnded (): void { this.lostRuns++ }
  advised (state: string): void { addTo(this.advice, state) }
  advisedWrongly (state: string): void { addTo(this.wrongAdvice, state) }

  attach (gauges: () => Gauges): () => void {
    this.#gauges.add(gauges)
    return () => {
      // A total never goes back.
      if (this.#gauges.delete(gauges)) this.#closedHeartbeats += gauges().heartbeats
    }
  }

  /** Running invocations by state. */
  async verdicts (): Promise<ReadonlyMap<string, number>> {
    const sums = new Map<string, number>(HEALTH_STATES.map((state) => [state, 0]))
    for (const gauges of this.#gauges) {
      // A database that is away keeps nobody from the other numbers.
      const counts = await gauges().verdicts().catch(() => undefined)
      if (counts === undefined) continue
      for (const state of HEALTH_STATES) addTo(sums, state, counts[state])
    }
    return sums
  }

  #sum (name: 'queueBytes' | 'heartbeats'): number {
    let sum = 0
    for (const gauges of this.#gauges) sum += gauges()[name]
    return sum
  }
}

export function addTo (counts: Map<string, number>, key: string, count = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}
