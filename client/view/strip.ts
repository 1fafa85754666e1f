import { html } from 'htm/preact'
import { Component, type VNode } from 'preact'
import { callsOfOverview, shapeOf, type Lane } from '../store/shape.js'
import { TimeScale } from '../store/time-scale.js'
import { lookOf, resultOf, roleName } from './badges.js'
import { formatCount, formatSeconds, formatTime } from './format.js'
import type { TimelineSession } from '../session.js'

export interface StripProps {
  readonly session: TimelineSession
  /** Shows the rows of a moment; `isDone` when the reader let go. */
  readonly onTime: (ms: number, isDone: boolean) => void
  readonly onEnd: () => void
}

const TICKS = 9
/** From here on a time has no room on a narrow axis. */
const LATE_SHARE = 0.82
/** A press so near to the right end means the end. */
const END_SHARE = 0.992
const KEY_STEP = 0.02

/**
 * The whole task on a time axis: a lane a run, and a window that shows which rows are in view. Press or drag to move
 * them.
 */
export class Strip extends Component<StripProps> {
  #plot: HTMLElement | null = null
  #brush: HTMLElement | null = null
  #drawn = ''
  #scale: TimeScale | undefined
  #view = { fromMs: 0, toMs: 0 }

  override componentDidMount (): void {
    this.props.session.onView = (fromMs, toMs) => {
      this.#view = { fromMs, toMs }
      this.#moveBrush()
    }
  }

  override componentWillUnmount (): void {
    this.props.session.onView = undefined
  }

  override componentDidUpdate (): void {
    this.#moveBrush()
  }

  /** Time alone redraws it when what runs would have grown by a pixel or so. */
  override shouldComponentUpdate ({ session }: StripProps): boolean {
    return keyOf(session) !== this.#drawn || session.answers.calls !== this.#calls
  }

  #calls: unknown

  override render ({ session }: StripProps): VNode | null {
    const { runs, calls, overview } = session.answers
    this.#drawn = keyOf(session)
    this.#calls = calls
    const shape = shapeOf(runs, overview === undefined ? calls.values() : callsOfOverview(overview), session.now())
    if (shape === undefined) return null
    const scale = this.#scale = new TimeScale(shape.lanes.flatMap(({ spans }) => spans))
    const spanMs = shape.toMs - shape.fromMs
    return html`<div class="strip" part="strip">
      <div class="axis" aria-hidden="true">${scale.ticks(TICKS).map((ms) => {
        const place = scale.place(ms)
        return html`<span class=${place > LATE_SHARE ? 'late' : ''} style=${`left:${percent(place)}`}>${tickText(ms, spanMs)}</span>`
      })}</div>
      <div class="names" aria-hidden="true">${shape.lanes.map((lane) => html`<span>${nameOf(lane)}</span>`)}</div>
      <div class="plot" role="slider" tabindex="0" aria-label="Time in view" aria-valuemin="0" aria-valuemax="100"
        ref=${(element: HTMLElement | null) => { this.#plot = element }} onPointerDown=${this.#onDown} onPointerMove=${this.#onMove}
        onPointerUp=${this.#onUp} onKeyDown=${this.#onKey}>
        ${scale.ticks(TICKS).map((ms) => html`<u style=${`left:${percent(scale.place(ms))}`}></u>`)}
        ${shape.lanes.map((lane) => laneNode(lane, scale))}
        ${idleNodes(scale)}
        <div class="brush" ref=${(element: HTMLElement | null) => { this.#brush = element }}></div>
      </div>
      ${session.answers.isCut && overview === undefined && html`<p class="quiet">The first ${
        formatCount(calls.size, 'step')} are drawn.</p>`}
    </div>` as VNode
  }

  #moveBrush (): void {
    const scale = this.#scale
    if (scale === undefined || this.#brush === null || this.#view.toMs === 0) return
    const from = scale.place(this.#view.fromMs)
    const to = scale.place(this.#view.toMs)
    this.#brush.style.cssText = `left:${percent(from)};width:${percent(Math.max(0, to - from))}`
    this.#plot?.setAttribute('aria-valuenow', String(Math.round(to * 100)))
    this.#plot?.setAttribute('aria-valuetext', `${formatTime(this.#view.fromMs)} to ${formatTime(this.#view.toMs)}`)
  }

  #goTo (place: number, isDone: boolean): void {
    if (this.#scale === undefined) return
    if (place > END_SHARE) return this.props.onEnd()
    this.props.onTime(this.#scale.at(Math.max(0, place)), isDone)
  }

  #placeOf ({ clientX }: PointerEvent): number {
    const { left, width } = this.#plot!.getBoundingClientRect()
    return (clientX - left) / width
  }

  readonly #onDown = (event: PointerEvent): void => {
    if (event.button !== 0) return
    this.#plot!.setPointerCapture(event.pointerId)
    this.#goTo(this.#placeOf(event), false)
  }

  readonly #onMove = (event: PointerEvent): void => {
    if (this.#plot!.hasPointerCapture(event.pointerId)) this.#goTo(this.#placeOf(event), false)
  }

  readonly #onUp = (event: PointerEvent): void => {
    if (this.#plot!.hasPointerCapture(event.pointerId)) this.#goTo(this.#placeOf(event), true)
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key]
    if (step === undefined || this.#scale === undefined) return
    event.preventDefault()
    event.stopPropagation()
    const middle = this.#scale.place((this.#view.fromMs + this.#view.toMs) / 2)
    this.#goTo(Math.min(1, Math.max(0, middle + step)), true)
  }
}

/** What a drawing depends on apart from the calls. */
function keyOf (session: TimelineSession): string {
  const { runs, summary } = session.answers
  const isRunning = (summary?.runs.running ?? 0) > 0
  const elapsedMs = summary?.elapsedMs ?? 0
  return `${runs.length} ${runs[0]?.status} ${isRunning && !session.isLost ? Math.floor(session.now() / Math.max(1000, elapsedMs / 500)) : ''}`
}

function laneNode ({ spans, segments }: Lane, scale: TimeScale): VNode {
  return html`<div class="lane">${spans.map(({ run, fromMs, toMs }) =>
    html`<div class=${`span ${lookOf(resultOf(run))[1]}`} style=${box(scale, fromMs, toMs)}></div>`)}${
    segments.map(({ fromMs, toMs, look }) => html`<i class=${`seg ${look}`} style=${box(scale, fromMs, toMs)}></i>`)}</div>` as VNode
}

function idleNodes (scale: TimeScale): VNode[] {
  return scale.pieces.filter(({ isIdle }) => isIdle).map(({ from, to, fromMs, toMs }) =>
    html`<div class="idle" style=${`left:${percent(from)};width:${percent(to - from)}`}><span>${formatSeconds(toMs - fromMs)}</span></div>` as VNode)
}

function nameOf ({ role, id, spans }: Lane): VNode {
  const [{ run }] = spans as [typeof spans[0] & object]
  return html`<b>${roleName({ ...run, role })}</b>${id === undefined ? spans.length > 1 && ` ${spans.length} runs` : ` #${id}`}` as VNode
}

function box (scale: TimeScale, fromMs: number, toMs: number): string {
  const from = scale.place(fromMs)
  return `left:${percent(from)};width:${percent(scale.place(toMs) - from)}`
}

function percent (share: number): string {
  return `${(share * 100).toFixed(2)}%`
}

/** Seconds only where they tell moments apart; the day where hours do not. */
function tickText (ms: number, spanMs: number): string {
  if (spanMs > 40 * 3_600_000) return new Date(ms).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
  return spanMs < 240_000 ? formatTime(ms) : formatTime(ms).slice(0, 5)
}
