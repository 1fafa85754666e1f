import type { Row } from './rows.js'

const SHIFT = 9
const CHUNK = 1 << SHIFT
const MASK = CHUNK - 1

/**
 * Rows in ascending order that never change: an edit makes a new list and shares every chunk it did not touch.
 * Copying 50,000 references at each of 60 paints a second would be 24 MB/s of garbage.
 */
export class RowList {
  static readonly empty = new RowList([], 0, 0)

  constructor (
    protected readonly chunks: Array<readonly Row[]>,
    /** Free places at the start of the first chunk. */
    protected offset: number,
    protected count: number
  ) {}

  get length (): number { return this.count }

  at (index: number): Row | undefined {
    if (index < 0 || index >= this.count) return undefined
    const place = index + this.offset
    return this.chunks[place >> SHIFT]![place & MASK]
  }

  /** Index of the first row whose number is at least `seq`; the length when there is none. */
  lowerBound (seq: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.at(middle)!.seq < seq) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the row with this number, or -1. */
  indexOf (seq: number): number {
    const index = this.lowerBound(seq)
    return this.at(index)?.seq === seq ? index : -1
  }

  edit (): RowDraft {
    return new RowDraft([...this.chunks], this.offset, this.count)
  }
}

/** A list being changed by one owner; it may be read as a list once the owner is done. */
export class RowDraft extends RowList {
  readonly #own = new Set<readonly Row[]>()

  push (row: Row): void {
    const place = this.count++ + this.offset
    if (place >> SHIFT === this.chunks.length) {
      const chunk: Row[] = []
      this.#own.add(chunk)
      this.chunks.push(chunk)
    }
    this.#writable(place >> SHIFT)[place & MASK] = row
  }

  set (index: number, row: Row): void {
    const place = index + this.offset
    this.#writable(place >> SHIFT)[place & MASK] = row
  }

  dropFirst (count: number): void {
    const dropped = Math.min(count, this.count)
    this.count -= dropped
    this.offset += dropped
    const chunks = this.offset >> SHIFT
    this.chunks.splice(0, chunks)
    this.offset -= chunks << SHIFT
  }

  dropLast (count: number): void {
    this.count -= Math.min(count, this.count)
    this.chunks.length = (this.offset + this.count + MASK) >> SHIFT
  }

  /** The same rows behind others. */
  static join (first: RowList, second: RowList): RowDraft {
    const joined = new RowDraft([], 0, 0)
    for (const list of [first, second]) {
      for (let index = 0; index < list.length; index++) joined.push(list.at(index)!)
    }
    return joined
  }

  #writable (index: number): Row[] {
    const chunk = this.chunks[index]!
    if (this.#own.has(chunk)) return chunk as Row[]
    const copy = chunk.slice()
    this.#own.add(copy)
    this.chunks[index] = copy
    return copy
  }
}
