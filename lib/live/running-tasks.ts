import type { Logger } from '../logger.js'
import type { RunningLook, LogReader } from '../store/port.js'
import { DrainSchedule } from './drain-schedule.js'
import type { Hub } from './hub.js'
import { performance } from '../time/timers.js'

export interface RunningTasksOptions {
  readonly reader: LogReader
  readonly hub: Hub
  readonly logger: Logger
  /** The last listener has left. */
  readonly onRest?: () => void
}

/** `beganAtMs`: when the look began, by `performance.now()`. */
export type LookListener = (look: RunningLook, beganAtMs: number) => void

/** Looks at what runs in all tasks, whenever something changed, for everybody who listens; only while somebody does. */
export class RunningTasks {
  readonly #options: RunningTasksOptions
  readonly #listeners = new Set<LookListener>()
  readonly #schedule = new DrainSchedule(() => this.#look())
  #stopWakes: (() => void) | undefined
  #lastInvocationId: number | undefined
  #isFaulty = false
  #isClosed = false

  constructor (options: RunningTasksOptions) {
    this.#options = options
  }

  /**
   * Looks at once, then tells of each look that begins after the call: together they leave out no run.
   *
   * @throws what reading is refused for
   */
  async listen (listener: LookListener): Promise<{ readonly look: RunningLook, readonly stop: () => void }> {
    const stop = (): void => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#rest()
    }
    this.#listeners.add(listener)
    try {
      const look = await this.#options.reader.look(undefined)
      // Whoever has looked later is told some runs again, and knows them.
      this.#lastInvocationId = Math.min(this.#lastInvocationId ?? Infinity, look.lastInvocationId)
      if (!this.#isClosed) this.#stopWakes ??= this.#options.hub.onWake(() => this.#schedule.request())
      this.#schedule.request()
      return { look, stop }
    } catch (err) {
      stop()
      throw err
    }
  }

  close (): void {
    this.#isClosed = true
    this.#listeners.clear()
    this.#schedule.close()
    this.#rest()
  }

  #rest (): void {
    this.#stopWakes?.()
    this.#stopWakes = undefined
    this.#lastInvocationId = undefined
    this.#options.onRest?.()
  }

  /** @returns false when it failed and is to be done again */
  async #look (): Promise<boolean> {
    const listeners = [...this.#listeners]
    // The first listener's own look comes before.
    if (listeners.length === 0 || this.#lastInvocationId === undefined) return true
    const beganAtMs = performance.now()
    try {
      const look = await this.#options.reader.look(this.#lastInvocationId)
      if (this.#listeners.size > 0) this.#lastInvocationId = look.lastInvocationId
      for (const listener of listeners) if (this.#listeners.has(listener)) listener(look, beganAtMs)
      this.#isFaulty = false
      return true
    } catch (err) {
      if (this.#isClosed) return true
      if (!this.#isFaulty) this.#options.logger.warn({ err }, 'What runs cannot be read at the moment; streams wait')
      this.#isFaulty = true
      return false
    }
  }
}
