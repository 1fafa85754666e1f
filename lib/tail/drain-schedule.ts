import { setImmediate as nextTurn } from 'node:timers/promises'

/** After a drain, wakes are collected for this long: what arrives meanwhile shares one write per viewer. */
const MIN_COOLDOWN_MS = 25
const MAX_COOLDOWN_MS = 50
/**
 * Under load the pause grows with the drain: a write costs the same whatever its size, so fewer are cheaper. From some
 * three milliseconds a drain, which is a few hundred viewers, it is at its longest.
 */
const COOLDOWN_RATIO = 16
/** After a drain that failed. */
const RETRY_MS = 250

/** Decides when to drain: at once after idle, then at most once per 25 ms (50 ms under load), never two at a time. */
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
    const start = performance.now()
    const succeeded = await this.#drain()
    // Sockets are written to after the drain has returned, in the same turn of the event loop.
    await nextTurn()
    const wantedMs = COOLDOWN_RATIO * (performance.now() - start)
    const cooldownMs = Math.min(MAX_COOLDOWN_MS, Math.max(MIN_COOLDOWN_MS, wantedMs))
    if (!succeeded) this.#isWanted = true
    setTimeout(() => {
      if (this.#state === 'closed') return
      this.#state = 'idle'
      if (this.#isWanted) { this.#state = 'busy'; this.#run() }
    }, succeeded ? cooldownMs : RETRY_MS).unref()
  }
}
