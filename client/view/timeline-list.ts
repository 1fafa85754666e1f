import { html } from 'htm/preact'
import { Component, h, type ComponentChild, type VNode } from 'preact'
import { isHidden } from '../store/reduce.js'
import { lowerBound, type Row } from '../store/rows.js'
import type { Invocation, TimelineState } from '../store/state.js'
import { ListHeights } from '../window/list-heights.js'
import { RowSlots } from '../window/row-slots.js'
import { Viewport } from '../window/viewport.js'
import { GroupHeading } from './group-heading.js'
import type { TimelineSession } from '../session.js'
import { TimelineRow } from './timeline-row.js'

/** A row to go to. */
export interface ListTarget {
  readonly seq: number
  /** The focus stays where it is. */
  readonly isQuiet?: boolean
  /** In the middle, as for somebody who comes from elsewhere; else near the top. */
  readonly isCentred?: boolean
}

export interface TimelineListProps {
  readonly state: TimelineState
  readonly isLoadingOlder: boolean
  readonly isFollowing: boolean
  readonly session: TimelineSession
  /** The reader scrolled away from the newest row, or back to it. */
  readonly onFollow: (isFollowing: boolean) => void
  readonly onNearStart: () => void
  /** The row to go to; gone to again when the object is another one. */
  readonly target: ListTarget | undefined
  /** The row the reader stands on. */
  readonly cursor: number | undefined
  readonly onOpen: (seq: number) => void
}

/** Older rows are asked for when fewer pixels than these are left above. */
const NEAR_START_PX = 600
const PADDING_PX = 12
/** Of most rows. */
const ROW_PX = 28
/** Steps of a running axis, as a logarithm: an eighth longer each time. */
const AXIS_STEP = 0.12

/**
 * The rows of the timeline, of which only those in view exist. `role=feed` and not `log`: rows are used again, and a
 * live region would read every one of them aloud.
 */
export class TimelineList extends Component<TimelineListProps> {
  readonly #viewport = new Viewport()
  readonly #listHeights = new ListHeights(this.#viewport)
  readonly #slots = new RowSlots()
  readonly #indexes = new WeakMap<Element, number>()
  readonly #sizes = new ResizeObserver((entries) => this.#measure(entries))
  #list!: HTMLElement
  #spacer!: HTMLElement
  #rows!: HTMLElement
  #heading: HTMLElement | null = null
  #range = { from: 0, to: 0, offset: 0 }
  /** The row at the top when the heading above it was chosen. */
  #first = 0
  /** What stays in the middle, until the reader moves, while the page around it is still being filled. */
  #centred: ListTarget | undefined
  /** What the list scrolled to by itself: its event is not the reader's. */
  #scrollTop = 0

  constructor (props: TimelineListProps) {
    super(props)
    this.#viewport.padding = PADDING_PX
  }

  override componentDidMount (): void {
    this.#viewport.height = this.#list.clientHeight
    // Chromium 156 forgets what a changed class means for the children of an element that preact moves with it.
    Object.assign(this.#rows, { moveBefore: undefined })
    this.#sizes.observe(this.#list)
    document.addEventListener('selectionchange', this.#onSelection)
    this.forceUpdate()
  }

  override componentWillUnmount (): void {
    this.#sizes.disconnect()
    document.removeEventListener('selectionchange', this.#onSelection)
  }

  override componentDidUpdate ({ target }: TimelineListProps): void {
    this.#place()
    if (this.props.target !== target) this.#goTo(this.props.target)
  }

  override render ({ state, isFollowing, isLoadingOlder, session }: TimelineListProps): VNode {
    const viewport = this.#viewport
    if (isFollowing) viewport.isFollowing = true
    else viewport.pause()
    this.#listHeights.sync(state, (row) => isHidden(state, row))
    this.#range = viewport.range()
    const indexes: number[] = []
    for (let index = this.#range.from; index < this.#range.to; index++) {
      if (viewport.heights.get(index) > 0) indexes.push(index)
    }
    const rows = indexes.map((index) => state.rows[index]!)
    const slots = this.#slots.assign(rows.map(({ seq }) => seq))
    return html`<div class="list" part="list" role="feed" tabindex="0" aria-label="Timeline" aria-busy=${isLoadingOlder}
        ref=${(element: HTMLElement | null) => { this.#list = element ?? this.#list }}
        onScroll=${this.#onScroll} onWheel=${this.#onWheel} onKeyDown=${this.#onKey}>
        <div class="spacer" role="presentation" ref=${(element: HTMLElement | null) => { this.#spacer = element ?? this.#spacer }}>
          <div class="rows" role="presentation" ref=${(element: HTMLElement | null) => { this.#rows = element ?? this.#rows }}>
            ${rows.map((row, i) => this.#row(row, indexes[i]!, slots[i]!))}
          </div>
        </div>
      </div>
      ${this.#currentGroup(state, session)}` as VNode
  }

  #row (row: Row, index: number, slot: number): ComponentChild {
    const { state, session, cursor, onOpen } = this.props
    const invocation = 'invocationId' in row ? state.runsById.get(row.invocationId) : undefined
    return h(TimelineRow, {
      key: slot,
      row,
      index,
      invocation,
      expansion: state.expanded.get(row.seq),
      isGroupOpen: invocation === undefined || !state.collapsed.has(invocation.id),
      isRunOpen: 'run' in row && row.run !== undefined && state.openRuns.has(row.run),
      session,
      spanMs: row.kind === 'tool' ? spanOf(invocation, session.now()) : 0,
      isCursor: row.seq === cursor,
      onOpen,
      second: session.now(),
      onElement: this.#onElement,
      onGone: this.#onGone
    })
  }

  /** The heading of the group whose rows are at the top, while its own is above. */
  #currentGroup (state: TimelineState, session: TimelineSession): VNode | false {
    const row = state.rows[this.#first = this.#viewport.firstIndex]
    if (row === undefined || !('invocationId' in row) || (row.kind === 'start' && this.#viewport.top <= 0)) return false
    const invocation = state.runsById.get(row.invocationId)
    if (invocation === undefined) return false
    return html`<div class="current-group" ref=${(element: HTMLElement | null) => { this.#heading = element }}>
      ${h(GroupHeading, { invocation, isOpen: !state.collapsed.has(invocation.id), session })}</div>` as VNode
  }

  /** Twice: rows that come into view are measured, and may be higher than thought. */
  #goTo (target: TimelineListProps['target'], isAgain = false): void {
    if (target === undefined) return
    const index = lowerBound(this.props.state.rows, target.seq)
    this.#centred = target.isCentred === true ? target : undefined
    const viewport = this.#viewport
    const pixels = target.isCentred === true ? (viewport.height - ROW_PX) / 2 : Math.min(140, viewport.height / 3)
    viewport.show(Math.min(index, viewport.heights.count - 1), pixels)
    this.forceUpdate(() => {
      const row = this.#rows.querySelector<HTMLElement>(`[aria-posinset="${target.seq}"]`)
      if (target.isQuiet !== true) row?.focus({ preventScroll: true })
      if (!isAgain) requestAnimationFrame(() => this.#goTo(this.props.target === target ? target : undefined, true))
    })
  }

  readonly #onElement = (element: HTMLElement, index: number, isChanged: boolean): void => {
    this.#indexes.set(element, index)
    if (!isChanged) return
    // Another row of the same size would not be noticed.
    this.#sizes.unobserve(element)
    this.#sizes.observe(element)
    if (element.contains((element.getRootNode() as ShadowRoot).activeElement)) this.#list.focus({ preventScroll: true })
  }

  readonly #onGone = (element: HTMLElement): void => {
    this.#sizes.unobserve(element)
  }

  /** Runs after layout and before painting: what grew above the anchor is made up for unseen. */
  #measure (entries: readonly ResizeObserverEntry[]): void {
    const { heights } = this.#viewport
    let change = 0
    for (const { target, borderBoxSize } of entries) {
      if (target === this.#list) {
        change += Math.abs(this.#viewport.height - this.#list.clientHeight)
        this.#viewport.height = this.#list.clientHeight
        this.#goTo(this.#centred)
        continue
      }
      const index = this.#indexes.get(target)
      const height = borderBoxSize[0]?.blockSize ?? 0
      if (index !== undefined && index < heights.count && height > 0) change += Math.abs(heights.set(index, height))
    }
    if (change < 0.01) return
    const { from, to } = this.#viewport.range()
    // Another group may be at the top now.
    if (from < this.#range.from || to > this.#range.to || this.#viewport.firstIndex !== this.#first) this.forceUpdate()
    this.#range = { ...this.#range, offset: heights.top(this.#range.from) - this.#viewport.top }
    this.#place()
  }

  #place (): void {
    const viewport = this.#viewport
    const scrollTop = viewport.scrollTop
    const isBottom = viewport.isFollowing && viewport.contentHeight > viewport.height
    this.#spacer.style.height = `${viewport.scrollHeight}px`
    this.#rows.classList.toggle('is-bottom', isBottom)
    this.#rows.style.transform = isBottom ? '' : `translateY(${scrollTop + this.#range.offset}px)`
    if (isBottom || Math.abs(scrollTop - this.#scrollTop) >= 0.5) {
      this.#scrollTop = scrollTop
      this.#list.scrollTop = isBottom ? viewport.scrollHeight : scrollTop
    }
    this.#pushHeading()
    this.#tellView()
  }

  #tellView (): void {
    const { state: { rows }, session } = this.props
    if (session.onView === undefined || rows.length === 0) return
    const { heights, top, height, firstIndex } = this.#viewport
    const last = Math.min(heights.find(top + height - 1).index, rows.length - 1)
    const { atMs } = rows[last]!
    // A call that still runs is in view up to now.
    session.onView(rows[firstIndex]!.atMs, this.#viewport.isFollowing && session.isBusy ? session.now() : atMs)
  }

  /** The next group's heading pushes the current one out, as a sticky one would be. */
  #pushHeading (): void {
    if (this.#heading === null) return
    const { heights, top, firstIndex } = this.#viewport
    const headingPx = this.#heading.offsetHeight
    let index = firstIndex + 1
    while (index < this.#range.to && this.props.state.rows[index]?.kind !== 'start') index++
    const distance = index < this.#range.to ? heights.top(index) - top : headingPx
    this.#heading.style.transform = `translateY(${Math.min(0, distance - headingPx)}px)`
  }

  readonly #onScroll = (): void => {
    const { scrollTop } = this.#list
    if (Math.abs(scrollTop - this.#scrollTop) < 1) return
    const wasFollowing = this.#viewport.isFollowing
    const isAtEnd = scrollTop >= this.#viewport.scrollHeight - this.#viewport.height - 2
    if (wasFollowing && isAtEnd) return
    this.#viewport.scrollFrom(this.#scrollTop, scrollTop)
    this.#scrollTop = scrollTop
    this.#afterMove(wasFollowing)
  }

  /** A small step up would be undone by the next paint before it became a scroll event. */
  readonly #onWheel = ({ deltaY }: WheelEvent): void => {
    if (deltaY < 0 && this.#viewport.isFollowing && this.#viewport.top > 0) this.#pause()
  }

  /**
   * The browser would scroll to where the end was when the key went down; on its way to the start it would be stopped
   * by rows that are measured, and a row's button that has the focus would be gone with it.
   */
  readonly #onKey = (event: KeyboardEvent): void => {
    const isEnd = event.key === 'End'
    if (!(isEnd || event.key === 'Home') || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    event.preventDefault()
    this.#list.focus()
    if (isEnd) return this.props.onFollow(true)
    this.#list.scrollTop = 0
    this.#onScroll()
  }

  /** Text that somebody marks must not run away. */
  readonly #onSelection = (): void => {
    const root = this.#list.getRootNode() as ShadowRoot & { getSelection?: () => Selection | null }
    const selection = root.getSelection?.() ?? document.getSelection()
    if (selection?.type !== 'Range' || !this.#viewport.isFollowing) return
    if (selection.anchorNode !== null && this.#rows.contains(selection.anchorNode)) this.#pause()
  }

  #pause (): void {
    this.#viewport.pause()
    this.props.onFollow(false)
  }

  #afterMove (wasFollowing: boolean): void {
    this.#centred = undefined
    const { isFollowing, top } = this.#viewport
    if (isFollowing !== wasFollowing) this.props.onFollow(isFollowing)
    this.forceUpdate()
    if (!isFollowing && top < NEAR_START_PX) this.props.onNearStart()
  }
}

/** How long a run's axis is: grown in steps while it runs, so that its rows are not drawn anew every second. */
function spanOf ({ startedAtMs, endedAtMs }: Partial<Invocation> = {}, nowMs: number): number {
  if (startedAtMs === undefined) return 0
  if (endedAtMs !== undefined) return Math.max(1000, endedAtMs - startedAtMs)
  return Math.exp(Math.ceil(Math.log(Math.max(10_000, nowMs - startedAtMs)) / AXIS_STEP) * AXIS_STEP)
}
