import { Heights } from './heights.js'

/**
 * Elements end at 33,554,428 px in Chromium and about half of that in Firefox; from here on the scroll bar is a scaled
 * picture of the list.
 */
export const MAX_SCROLL_PX = 8_000_000
/** Rows rendered beyond each edge, in pixels: what one wheel step may uncover before the next frame. */
const OVERSCAN_PX = 200
/** A change of the scroll bar larger than this is a jump to a place, not a move by so many pixels. */
const JUMP_PX = 3_000

/**
 * Where the reader is, kept as a row and an offset into it: neither rows that grow above nor rows that are put in
 * before can move what is on the screen. Knows no DOM.
 */
export class Viewport {
  readonly heights = new Heights()
  /** Pixels of the visible part. */
  height = 0
  /** Empty pixels below the last row. */
  padding = 0
  /** The newest row is kept in view. */
  isFollowing = true
  #anchor = { index: 0, offset: 0 }
  readonly #maxScrollPx: number

  constructor (maxScrollPx = MAX_SCROLL_PX) {
    this.#maxScrollPx = maxScrollPx
  }

  /** Pixels that the scrolled element is to have. */
  get scrollHeight (): number {
    return Math.min(this.contentHeight, this.#maxScrollPx)
  }

  /** Pixels of all there is to see. */
  get contentHeight (): number {
    return this.heights.total + this.padding
  }

  get #end (): number {
    return Math.max(0, this.contentHeight - this.height)
  }

  /** Pixels from the top of the list to the top of the view. */
  get top (): number {
    if (this.isFollowing) return this.#end
    return Math.min(this.heights.top(this.#anchor.index) + this.#anchor.offset, this.#end)
  }

  /** What `scrollTop` is to be. */
  get scrollTop (): number {
    if (this.contentHeight <= this.#maxScrollPx) return this.top
    return this.#end === 0 ? 0 : this.top / this.#end * (this.scrollHeight - this.height)
  }

  /** The first row in view. */
  get firstIndex (): number {
    return this.heights.find(this.top).index
  }

  /** Rows to render, `to` excluded, and where the first of them lies from the top of the view. */
  range (): { from: number, to: number, offset: number } {
    const { heights } = this
    const top = this.top
    const from = heights.find(Math.max(0, top - OVERSCAN_PX)).index
    const first = heights.top(from)
    let to = from
    let bottom = first
    while (to < heights.count && bottom < top + this.height + OVERSCAN_PX) bottom += heights.get(to++)
    // Hidden rows below cost nothing and the last row must be there while following.
    return { from, to: this.isFollowing ? heights.count : to, offset: first - top }
  }

  /** Takes over where the reader scrolled to; reaching the end by scrolling down follows again. */
  scrollFrom (previousScrollTop: number, scrollTop: number): void {
    const moved = scrollTop - previousScrollTop
    const isScaled = this.contentHeight > this.#maxScrollPx
    const target = !isScaled
      ? scrollTop
      : Math.abs(moved) < JUMP_PX
        ? this.top + moved
        : scrollTop / Math.max(1, this.scrollHeight - this.height) * this.#end
    const end = this.#end
    this.isFollowing = target >= end - 2 && (moved > 0 || end === 0)
    this.#anchor = this.heights.find(Math.max(0, Math.min(target, end)))
  }

  /** Stops following where the view is. */
  pause (): void {
    if (!this.isFollowing) return
    this.#anchor = this.heights.find(this.#end)
    this.isFollowing = false
  }

  /** Goes to a row, which then lies so many pixels below the upper edge, or as near to that as the list allows. */
  show (index: number, pixels: number): void {
    this.isFollowing = false
    this.#anchor = this.heights.find(Math.max(0, this.heights.top(index) - pixels))
  }

  /** Rows were put in before the first. */
  prepended (count: number): void {
    this.#anchor.index += count
  }

  /** The first rows went away. */
  dropped (count: number): void {
    const index = this.#anchor.index - count
    this.#anchor = index < 0 ? { index: 0, offset: 0 } : { ...this.#anchor, index }
  }

  /** Everything is another list now. */
  reset (): void {
    this.heights.drop()
    this.#anchor = { index: 0, offset: 0 }
  }
}
