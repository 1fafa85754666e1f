/** After a drain, wakes are collected for this long: what arrives meanwhile shares one write per viewer. */
const COOLDOWN_MS = 25
/** After a drain that failed. */
const RETRY_MS = 250

/**
 * Decides when to drain: at once after idle, then at most once per 25 ms, never two at a time.
 *
 * The pause follows the drain, so joining widens by itself when drains take long.
 */
export class DrainSchedule {
  readonly #drain: () => Promise<boolean>
  #state: 'idle' | 'busy' | 'closed' = 'idle'
  #isWanted = false

  /** @param drain must not reject; false when it failed and is to be tried again */
  constructor (drain: () => Promise<boolean>) {
    this.#drain = drain
  }

  request (): void {
    this.#isWanted = true
    if (this.#state !== 'idle') return
    this.#state = 'busy'
    setImmediate(() => this.#run())
  }

  close (): void {
    this.#state = 'closed'
  }

  async #run (): Promise<void> {
    if (this.#state === 'closed') return
    this.#isWanted = false
    const succeeded = await this.#drain()
    if (!succeeded) this.#isWanted = true
    setTimeout(() => {
      if (this.#state === 'closed') return
      this.#state = 'idle'
      if (this.#isWanted) { this.#state = 'busy'; this.#run() }
    }, succeeded ? COOLDOWN_MS : RETRY_MS).unref()
  }
}
