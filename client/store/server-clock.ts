/** A correction larger than this means that a clock was set or the machine slept, not that a packet was slow. */
const JUMP_MS = 5_000
/** Two pings: one slow packet sets nothing back, and a clock that drifted or was set is followed within a minute. */
const WINDOW_MS = 45_000

/** The server's clock, reckoned from here: live timers must not depend on what the browser's machine believes. */
export class ServerClock {
  readonly #monotonicMs: () => number
  #heard: ReadonlyArray<readonly [atMs: number, offsetMs: number]> = []
  #offsetMs: number

  constructor (monotonicMs = (): number => performance.now(), wallMs = (): number => Date.now()) {
    this.#monotonicMs = monotonicMs
    this.#offsetMs = wallMs() - monotonicMs()
  }

  /**
   * Notes what the server said its time was. Word travels, so the largest difference of the last few is the truest.
   *
   * @param time in any form that `Date.parse` reads; ignored when it is none
   */
  anchor (time: string): void {
    const nowMs = this.#monotonicMs()
    const newestMs = Date.parse(time) - nowMs
    if (Number.isNaN(newestMs)) return
    this.#heard = [
      ...this.#heard.filter(([atMs, offsetMs]) => nowMs - atMs < WINDOW_MS && offsetMs - newestMs < JUMP_MS),
      [nowMs, newestMs]
    ]
    this.#offsetMs = Math.max(...this.#heard.map(([, offsetMs]) => offsetMs))
  }

  /** Milliseconds since the epoch by the server's clock; by the browser's until the server was heard. */
  now (): number {
    return this.#monotonicMs() + this.#offsetMs
  }
}
