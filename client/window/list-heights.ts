import { indexOfSeq, type Row } from '../store/rows.js'
import type { Viewport } from './viewport.js'

/** Assumed until a row is measured. */
const ROW_PX = 28
const HEADING_PX = 40

/** What of a state concerns where rows are. */
export interface ListedRows {
  readonly rows: readonly Row[]
  readonly layout: number
}

/** Brings a viewport's heights up to date with a list that grew at either end, was cut, folded or replaced. */
export class ListHeights {
  readonly #viewport: Viewport
  #rows: readonly Row[] | undefined
  #layout = -1

  constructor (viewport: Viewport) {
    this.#viewport = viewport
  }

  /** @param isHidden whether a row takes no room now */
  sync ({ rows, layout }: ListedRows, isHidden: (row: Row) => boolean): void {
    if (rows === this.#rows && layout === this.#layout) return
    const { heights } = this.#viewport
    this.#alignStart(rows)
    heights.drop(rows.length)
    const known = heights.count
    for (let index = known; index < rows.length; index++) {
      const row = rows[index]!
      heights.append(isHidden(row) ? 0 : estimate(row))
    }
    if (layout !== this.#layout) {
      for (let index = 0; index < known; index++) {
        const row = rows[index]!
        const isGone = isHidden(row)
        if (isGone !== (heights.get(index) === 0)) heights.set(index, isGone ? 0 : estimate(row))
      }
    }
    this.#rows = rows
    this.#layout = layout
  }

  /** Finds what came or went before the first row. */
  #alignStart (rows: readonly Row[]): void {
    const { heights } = this.#viewport
    const before = this.#rows?.[0]?.seq
    const now = rows[0]?.seq
    if (before === undefined || now === undefined || before === now) return
    if (now < before) {
      const added = indexOfSeq(rows, before)
      if (added === -1) return this.#viewport.reset()
      heights.prepend(rows.slice(0, added).map(estimate))
      this.#viewport.prepended(added)
    } else {
      const gone = indexOfSeq(this.#rows!, now)
      if (gone === -1) return this.#viewport.reset()
      heights.drop(0, gone)
      this.#viewport.dropped(gone)
    }
  }
}

function estimate (row: Row): number {
  return row.kind === 'start' ? HEADING_PX : ROW_PX
}
