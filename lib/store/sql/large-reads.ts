import { timelineError } from '../../errors.js'
import { setImmediate } from '../../time/timers.js'

/** Whoever comes later is refused: answers that nobody waits for any more would be read one after another. */
const MAX_WAITING = 64

/** Lets large reads happen one at a time, so that many at once take the memory of one. */
export class LargeReads {
  #last = Promise.resolve()
  #waiting = 0

  /**
   * @param work calls `grow` before it takes much memory, and goes on when that resolves
   * @throws AGENT_TIMELINE_BUSY from `grow`, where too many wait
   */
  async run<T> (work: (grow: () => Promise<void>) => Promise<T>): Promise<T> {
    let leave: (() => void) | undefined
    try {
      return await work(async () => { leave ??= await this.#enter() })
    } finally {
      // What was read becomes an answer before the next turn of the event loop.
      if (leave !== undefined) setImmediate(leave)
    }
  }

  async #enter (): Promise<() => void> {
    if (this.#waiting >= MAX_WAITING) throw timelineError('AGENT_TIMELINE_BUSY')
    this.#waiting++
    const before = this.#last
    let leave = (): void => {}
    this.#last = new Promise((resolve) => { leave = resolve })
    await before
    this.#waiting--
    return leave
  }
}
