import { clearTimeout, nextTurn, performance, setImmediate, setTimeout } from '../time/timers.js'

/** After a drain, wakes are collected for this long: what arrives meanwhile shares one write per viewer. */
const MIN_COOLDOWN_MS = 25
/** From the beginning of a drain to that of the next, if it leaves the shortest pause: what nobody notices as late. */
const MAX_PERIOD_MS = 50
/**
 * Under load the pause grows with the drain: a write costs the same whatever its size, so fewer are cheaper. From some
 * three milliseconds a drain, which is a few hundred viewers, it is at its longest.
 */
const COOLDOWN_RATIO = 16
/** After a drain that failed. */
const RETRY_MS = 250

/**
 * Decides when to drain: at once after idle, then with pauses of 25 ms, or once per 50 ms where drains are costly;
 * never two at a time.
 */
export class DrainSchedule {
  readonly #drain: () => Promise<boolean>
  #isWanted = false
  #isDraining = false
  #isClosed = false
  /** No drain begins before. */
  #readyAt = -Infinity
  #timer: NodeJS.Timeout | undefined

  /** @param drain must not reject; false when it failed and is to be tried again */
  constructor (drain: () => Promise<boolean>) {
    this.#drain = drain
  }

  request (): void {
    this.#isWanted = true
    this.#plan()
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #plan (): void {
    if (this.#isClosed || !this.#isWanted || this.#isDraining || this.#timer !== undefined) return
    const waitMs = this.#readyAt - performance.now()
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        void this.#run()
      }, waitMs).unref()
    } else {
      this.#isDraining = true
      setImmediate(() => this.#run())
    }
  }

  async #run (): Promise<void> {
    if (this.#isClosed) return
    this.#isDraining = true
    this.#isWanted = false
    const start = performance.now()
    const succeeded = await this.#drain()
    // Sockets are written to after the drain has returned, in the same turn of the event loop.
    await nextTurn()
    const end = performance.now()
    const drainMs = end - start
    const cooldownMs = Math.max(MIN_COOLDOWN_MS, Math.min(COOLDOWN_RATIO * drainMs, MAX_PERIOD_MS - drainMs))
    this.#readyAt = end + (succeeded ? cooldownMs : RETRY_MS)
    this.#isDraining = false
    if (!succeeded) this.#isWanted = true
    this.#plan()
  }
}
