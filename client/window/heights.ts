const BLOCK = 256
const MIN_CAPACITY = 1024

/**
 * Heights of rows by index, with sums per block: a million rows are searched in microseconds, without a tree that
 * every append would have to balance. A row that is hidden has the height 0.
 */
export class Heights {
  #rows = new Float32Array(MIN_CAPACITY)
  #blocks = new Float64Array(MIN_CAPACITY / BLOCK)
  #count = 0
  #total = 0

  /** Pixels of all rows together. */
  get total (): number { return this.#total }
  get count (): number { return this.#count }

  get (index: number): number {
    return index < this.#count ? this.#rows[index]! : 0
  }

  /** @returns by how much the row grew */
  set (index: number, height: number): number {
    const before = this.#rows[index]!
    this.#rows[index] = height
    // What is stored is rounded to 32 bits: sums must agree with it.
    const change = this.#rows[index]! - before
    this.#blocks[Math.floor(index / BLOCK)]! += change
    this.#total += change
    return change
  }

  append (height: number): void {
    if (this.#count === this.#rows.length) this.#reserve(this.#count * 2)
    this.set(this.#count++, height)
  }

  /** Adds rows of one height before the first. */
  prepend (count: number, height: number): void {
    const before = this.#rows.slice(0, this.#count)
    this.#reserve(this.#count + count)
    this.#rows.fill(height, 0, count)
    this.#rows.set(before, count)
    this.#count += count
    this.#recount()
  }

  dropFirst (count: number): void {
    this.#rows.copyWithin(0, count, this.#count)
    this.dropLast(Math.min(count, this.#count))
    this.#recount()
  }

  dropLast (count: number): void {
    for (let dropped = 0; dropped < count && this.#count > 0; dropped++) {
      this.set(this.#count - 1, 0)
      this.#count--
    }
  }

  clear (): void {
    this.#rows.fill(0)
    this.#count = 0
    this.#recount()
  }

  /** Pixels above a row. */
  top (index: number): number {
    const block = Math.floor(Math.min(index, this.#count) / BLOCK)
    let sum = 0
    for (let i = 0; i < block; i++) sum += this.#blocks[i]!
    for (let i = block * BLOCK; i < index && i < this.#count; i++) sum += this.#rows[i]!
    return sum
  }

  /** The row at a number of pixels from the top and how far into it that is; the last row for anything beyond. */
  find (pixels: number): { index: number, offset: number } {
    if (this.#count === 0) return { index: 0, offset: 0 }
    let rest = Math.max(0, Math.min(pixels, this.#total))
    let block = 0
    const lastBlock = Math.floor((this.#count - 1) / BLOCK)
    while (block < lastBlock && rest >= this.#blocks[block]!) rest -= this.#blocks[block++]!
    let index = block * BLOCK
    while (index < this.#count - 1 && rest >= this.#rows[index]!) rest -= this.#rows[index++]!
    return { index, offset: Math.min(rest, this.#rows[index]!) }
  }

  #reserve (count: number): void {
    if (count <= this.#rows.length) return
    const capacity = Math.max(MIN_CAPACITY, Math.ceil(count / BLOCK) * BLOCK, this.#rows.length * 2)
    const rows = new Float32Array(capacity)
    rows.set(this.#rows.subarray(0, this.#count))
    const blocks = new Float64Array(capacity / BLOCK)
    blocks.set(this.#blocks)
    this.#rows = rows
    this.#blocks = blocks
  }

  #recount (): void {
    this.#rows.fill(0, this.#count)
    this.#blocks.fill(0)
    this.#total = 0
    for (let i = 0; i < this.#count; i++) {
      this.#blocks[Math.floor(i / BLOCK)]! += this.#rows[i]!
      this.#total += this.#rows[i]!
    }
  }
}
