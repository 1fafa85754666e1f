/** Numbers that look random and come again with the same seed. `SEED=…` repeats a run. */
export class Random {
  readonly seed: number
  #state: number

  constructor (seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)) {
    this.seed = seed
    this.#state = seed
  }

  /** From 0 up to 1. */
  next (): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number below `limit`. */
  below (limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<T> (values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** The text in pieces. */
  split (text: string, maxLength: number): string[] {
    const pieces: string[] = []
    for (let at = 0; at < text.length;) {
      const length = 1 + this.below(maxLength)
      pieces.push(text.slice(at, at + length))
      at += length
    }
    return pieces
  }
}
