import { html } from 'htm/preact'
import { Component, type VNode } from 'preact'
import type { TextRow, ToolRow } from '../store/rows.js'
import type { TimelineState } from '../store/state.js'
import type { Summary } from '../store/summary.js'
import { toPlainText } from './ansi.js'
import { lookOf } from './badges.js'
import { formatSeconds, formatTime } from './format.js'
import { icon, spinner } from './icons.js'
import type { TimelineSession } from '../session.js'
import { textLines } from './text-block.js'

export interface LivePanelProps {
  readonly state: TimelineState
  readonly summary: Summary
  readonly session: TimelineSession
}

/** Lines and rows that are looked at for what was said last. */
const LINES = 40
const ROWS = 120
/** Milliseconds after the list. */
const DELAY_MS = 30

/** What happens right now: the open tool call with its time, and the last lines of what agents did and said. */
export class LivePanel extends Component<LivePanelProps, { isPaused: boolean }> {
  #output: HTMLElement | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  override state = { isPaused: false }

  override componentDidMount (): void {
    this.#follow()
  }

  override componentDidUpdate (): void {
    this.#follow()
  }

  /** Paints in a task of its own: when much arrives, laying out the list is enough for one. */
  override shouldComponentUpdate (): boolean {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.forceUpdate()
    }, DELAY_MS)
    return false
  }

  override render ({ state, summary, session }: LivePanelProps, { isPaused }: { isPaused: boolean }): VNode {
    return html`<aside class="live-panel" part="live" aria-label="Live activity">
      <div class="live-head">${this.#head(summary, session)}</div>
      <div class="live-output mono" role="region" aria-label="Live output" tabindex="0" onScroll=${this.#onScroll}
        ref=${(element: HTMLElement | null) => { this.#output = element }}>${isPaused ? this.#kept : this.#lines(state)}</div>
      ${isPaused && html`<div class="live-foot"><button class="button resume" onClick=${() => this.setState({ isPaused: false })}>
        ${icon('down')}Resume</button></div>`}
    </aside>` as VNode
  }

  /** What was shown when the reader scrolled up: it stays until they are back. */
  #kept: VNode[] = []

  #head ({ openTool, invocation, running, verdict }: Summary, session: TimelineSession): VNode {
    const isLost = verdict === 'disconnected' || (verdict === 'lost' && !running[1])
    const [name, tone] = lookOf(verdict)
    // The call may be that of a run which the verdict is not on.
    const isOthers = openTool && openTool.invocationId !== invocation?.id
    const sign = tone === 'running' || isOthers ? spinner() : icon(name)
    const title = isLost ? 'Last seen' : 'Now'
    const since = openTool?.atMs
    return html`<p class="live-title">${sign}${title}
        ${since !== undefined && !isLost && html`<span class="duration">${
          formatSeconds(session.now() - since)}</span>`}</p>
      ${openTool === undefined
        ? html`<p class="quiet">No ${running.length > 0 ? 'tool' : 'agent'} is running</p>`
        : html`<div class="command mono"><span class="verb">${toPlainText(openTool.verb, 40)}</span>${toPlainText(openTool.target, 300)}</div>`}` as VNode
  }

  #lines (state: TimelineState): VNode[] {
    // What was reported last is what counts: rows with a text or a call of their own.
    const said = state.rows.slice(-ROWS).filter((row): row is ToolRow | TextRow => 'isLate' in row)
    this.#kept = said.slice(-LINES).map(liveEntry)
    return this.#kept
  }

  #follow (): void {
    if (!this.state.isPaused && this.#output !== null) this.#output.scrollTop = this.#output.scrollHeight
  }

  readonly #onScroll = (): void => {
    if (this.#output === null) return
    const { scrollTop, scrollHeight, clientHeight } = this.#output
    const isPaused = scrollHeight - clientHeight - scrollTop > 8
    if (isPaused !== this.state.isPaused) this.setState({ isPaused })
  }
}

function liveEntry (row: ToolRow | TextRow): VNode {
  const time = html`<time>${formatTime(row.atMs)}</time>`
  if (row.kind === 'tool') {
    const trouble = row.status === 'error' || row.status === 'denied'
    return html`<div class="entry">${time}<div class=${trouble ? 'bad' : 'quiet'}>${
      toPlainText(`${row.verb} ${row.target}`, 200)}</div></div>` as VNode
  }
  const { nodes } = textLines(row.text, LINES)
  const tone = row.kind === 'error' ? 'bad' : row.kind === 'progress' ? 'quiet' : ''
  return html`<div class="entry">${time}<div class=${tone}>${nodes}</div></div>` as VNode
}
