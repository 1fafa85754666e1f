/**
 * Heights of rows by index. A row that is hidden has the height 0. Sums are taken anew each time: for the 50,000 rows
 * that a list may have this costs 50 µs, less than any index that every change would have to keep.
 */
export class Heights {
  #rows: number[] = []
  #total = 0

  /** Pixels of all rows together. */
  get total (): number { return this.#total }
  get count (): number { return this.#rows.length }

  get (index: number): number {
    return this.#rows[index] ?? 0
  }

  /** @returns by how much the row grew */
  set (index: number, height: number): number {
    const change = height - this.#rows[index]!
    this.#rows[index] = height
    this.#total += change
    return change
  }

  append (height: number): void {
    this.#rows.push(height)
    this.#total += height
  }

  /** Adds rows before the first. */
  prepend (heights: readonly number[]): void {
    this.#rows = [...heights, ...this.#rows]
    for (const height of heights) this.#total += height
  }

  /** Removes rows from an end on; all by default. */
  drop (from = 0, count = this.count): void {
    for (const height of this.#rows.splice(from, count)) this.#total -= height
  }

  /** Pixels above a row. */
  top (index: number): number {
    let sum = 0
    for (let i = 0; i < index; i++) sum += this.#rows[i]!
    return sum
  }

  /** The row at a number of pixels from the top and how far into it that is; the last row for anything beyond. */
  find (pixels: number): { index: number, offset: number } {
    let rest = Math.max(0, pixels)
    let index = 0
    while (index < this.count - 1 && rest >= this.#rows[index]!) rest -= this.#rows[index++]!
    return { index, offset: Math.min(rest, this.get(index)) }
  }
}
