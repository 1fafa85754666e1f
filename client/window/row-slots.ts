/**
 * Gives every rendered row a slot, so that the element of a row that left is used again for one that came: building
 * elements is what costs in a fast list.
 */
export class RowSlots {
  #slots = new Map<number, number>()
  #free: number[] = []

  /** The slots of these rows, in their order; a row that had one keeps it. */
  assign (keys: readonly number[]): number[] {
    const wanted = new Set(keys)
    for (const [key, slot] of this.#slots) if (!wanted.has(key)) this.#release(key, slot)
    return keys.map((key) => {
      const slot = this.#slots.get(key) ?? this.#free.pop() ?? this.#slots.size
      this.#slots.set(key, slot)
      return slot
    })
  }

  #release (key: number, slot: number): void {
    this.#slots.delete(key)
    this.#free.push(slot)
  }
}
