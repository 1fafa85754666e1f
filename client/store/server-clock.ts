/** A correction larger than this means that a clock was set or the machine slept, not that a packet was slow. */
const JUMP_MS = 5_000

/** The server's clock, told from here: live timers must not depend on what the browser's machine believes. */
export class ServerClock {
  readonly #monotonicMs: () => number
  readonly #wallMs: () => number
  #offsetMs: number | undefined

  constructor (monotonicMs = (): number => performance.now(), wallMs = (): number => Date.now()) {
    this.#monotonicMs = monotonicMs
    this.#wallMs = wallMs
  }

  /**
   * Notes what the server said its time was. Word travels, so the largest difference seen is the truest.
   *
   * @param time in any form that `Date.parse` reads; ignored when it is none
   */
  anchor (time: string): void {
    const offsetMs = Date.parse(time) - this.#monotonicMs()
    if (Number.isNaN(offsetMs)) return
    const hasJumped = this.#offsetMs === undefined || Math.abs(offsetMs - this.#offsetMs) > JUMP_MS
    this.#offsetMs = hasJumped ? offsetMs : Math.max(offsetMs, this.#offsetMs!)
  }

  /** Milliseconds since the epoch by the server's clock; by the browser's until the server was heard. */
  now (): number {
    return this.#offsetMs === undefined ? this.#wallMs() : this.#monotonicMs() + this.#offsetMs
  }
}
