/** Lets pieces of work run one after another, in the order in which they asked. */
export class Turns {
  #last: Promise<void> = Promise.resolve()

  /** @returns what to call when the work is done */
  async take (): Promise<() => void> {
    const before = this.#last
    let finish = (): void => {}
    this.#last = new Promise((resolve) => { finish = resolve })
    await before
    return finish
  }
}
