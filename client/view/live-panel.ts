import { html } from 'htm/preact'
import { Component, type VNode } from 'preact'
import type { ToolCallDetails } from '../../lib/model/answers.js'
import type { TextRow } from '../store/rows.js'
import type { TimelineState } from '../store/state.js'
import type { Summary } from '../store/summary.js'
import { toPlainText } from './ansi.js'
import { lookOf } from './badges.js'
import { earlierCard, saidCard, signsCard, whyCard } from './call-cards.js'
import { formatSeconds } from './format.js'
import { gauge, signOfLife } from './gauge.js'
import { icon, spinner } from './icons.js'
import type { TimelineSession } from '../session.js'

export interface LivePanelProps {
  readonly state: TimelineState
  readonly summary: Summary
  readonly session: TimelineSession
  readonly onOpen: (seq: number) => void
}

/** Rows that are looked at for what was said last. */
const ROWS = 200
/** Milliseconds after the list. */
const DELAY_MS = 30
const REFRESH_MS = 10_000

/** What happens right now: the open tool call with its time, its signs of life, what it took before and why it runs. */
export class LivePanel extends Component<LivePanelProps, { details: ToolCallDetails | undefined }> {
  override state: { details: ToolCallDetails | undefined } = { details: undefined }
  readonly #controller = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  #seq: number | undefined
  #askedAtMs = 0

  override componentDidMount (): void {
    this.#load()
  }

  override componentDidUpdate (): void {
    this.#load()
  }

  override componentWillUnmount (): void {
    clearTimeout(this.#timer)
    this.#controller.abort()
  }

  /** Paints in a task of its own: when much arrives, laying out the list is enough for one. */
  override shouldComponentUpdate (): boolean {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.forceUpdate()
    }, DELAY_MS)
    return false
  }

  override render ({ state, summary, session, onOpen }: LivePanelProps): VNode {
    const { openTool, invocation, running, verdict } = summary
    const isLost = verdict === 'disconnected' || (verdict === 'lost' && !running[1])
    const [name, tone] = lookOf(verdict)
    // The call may be that of a run which the verdict is not on.
    const isOthers = openTool && openTool.invocationId !== invocation?.id
    const sign = tone === 'running' || isOthers ? spinner() : icon(name)
    const nowMs = session.now()
    const heard = !isLost && !isOthers && invocation?.health !== undefined
      ? { health: invocation.health, ageMs: nowMs - (invocation.healthAtMs ?? nowMs) }
      : undefined
    const details = this.state.details?.seq === openTool?.seq ? this.state.details : undefined
    return html`<aside class=${running.length > 0 ? 'live-panel' : 'live-panel is-idle'} part="live" aria-label="Live activity">
      <div class="live-head">
        <p class="live-title">${sign}${isLost ? 'Last seen' : 'Now'}
          ${openTool !== undefined && !isLost && html`<span class="duration">${formatSeconds(nowMs - openTool.atMs)}</span>`}</p>
        ${openTool === undefined
          ? html`<p class="quiet">No ${running.length > 0 ? 'tool' : 'agent'} is running</p>`
          : html`<button class="command mono" onClick=${() => onOpen(openTool.seq)}><span class="verb">${toPlainText(openTool.verb, 40)}</span>${toPlainText(openTool.target, 300)}</button>`}
        ${openTool !== undefined && heard !== undefined && gauge(heard)}
      </div>
      <div class="cards" role="region" aria-label="What is known of it" tabindex="0">
        ${openTool !== undefined && signsCard(openTool.atMs, nowMs, details ?? {}, heard !== undefined && signOfLife(heard))}
        ${details !== undefined && earlierCard(details, state.task.id, nowMs)}
        ${openTool !== undefined ? whyCard(state.rows, openTool.seq, openTool.invocationId) : this.#lastWord(state)}
      </div>
    </aside>` as VNode
  }

  #lastWord ({ rows }: TimelineState): VNode | false {
    const row = rows.slice(-ROWS).findLast((row): row is TextRow => row.kind === 'output' || (row.kind === 'progress' && row.progressKind === 'reasoning'))
    return row !== undefined && saidCard('Said last', row)
  }

  /** Signs of a call and what it took before are asked for where the server has answers. */
  #load (): void {
    const { session, summary: { openTool } } = this.props
    const isNew = openTool?.seq !== this.#seq
    this.#seq = openTool?.seq
    const isDue = isNew || performance.now() - this.#askedAtMs > REFRESH_MS
    if (openTool === undefined || !isDue || session.answers.summary === undefined || document.visibilityState === 'hidden') return
    this.#askedAtMs = performance.now()
    session.call(openTool.seq, this.#controller.signal).then((details) => this.setState({ details }), () => {
      // What it shows is an addition to what is known already.
    })
  }
}
