import { alignedInterval } from '../time/aligned.js'

/** Hints may be lost: with the poll everything still arrives within a second. */
const INTERVAL_MS = 250
/** Where files are watched by polling or late. */
const INTERVAL_WITHOUT_WATCH_MS = 25

export interface SafetyPollOptions {
  readonly changeMark: () => Promise<number>
  readonly onChange: () => void
  readonly onFault: (err: unknown) => void
  /** The mark could be read. */
  readonly onRead: () => void
  /** Called at each turn, for housekeeping. */
  readonly onTurn: () => void
  readonly platform?: NodeJS.Platform
}

/** Looks for a changed mark, only while somebody watches. */
export class SafetyPoll {
  readonly #options: SafetyPollOptions
  #stop: (() => void) | undefined
  #mark: number | undefined
  #isAsking = false

  constructor (options: SafetyPollOptions) {
    this.#options = options
  }

  start (): void {
    const { platform = process.platform } = this.#options
    const intervalMs = platform === 'linux' ? INTERVAL_MS : INTERVAL_WITHOUT_WATCH_MS
    this.#stop ??= alignedInterval(() => this.#turn(), intervalMs)
  }

  stop (): void {
    this.#stop?.()
    this.#stop = undefined
    this.#mark = undefined
  }

  async #turn (): Promise<void> {
    this.#options.onTurn()
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      const mark = await this.#options.changeMark()
      if (this.#stop === undefined) return
      this.#options.onRead()
      const hasChanged = mark !== this.#mark
      this.#mark = mark
      if (hasChanged) this.#options.onChange()
    } catch (err) {
      this.#options.onFault(err)
    } finally {
      this.#isAsking = false
    }
  }
}
