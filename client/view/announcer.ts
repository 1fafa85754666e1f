import { html } from 'htm/preact'
import { Component, type VNode } from 'preact'
import { formatCount } from './format.js'

export interface AnnouncerProps {
  /** How things stand; said at once when it changes. */
  readonly situation: string
  readonly lastSeq: number
  readonly errors: number
}

/** The shortest time between two summaries of what came. */
const SUMMARY_INTERVAL_MS = 10_000

/** The one live region: how things stand when that changes, else a summary at most every ten seconds. */
export class Announcer extends Component<AnnouncerProps, { text: string }> {
  override state = { text: '' }
  #timer: ReturnType<typeof setInterval> | undefined
  #seq = 0
  #errors = 0

  override componentDidMount (): void {
    this.#note()
    this.#timer = setInterval(() => this.#summarise(), SUMMARY_INTERVAL_MS)
  }

  override componentWillUnmount (): void {
    clearInterval(this.#timer)
  }

  override componentDidUpdate (previous: AnnouncerProps): void {
    if (previous.situation !== this.props.situation) this.setState({ text: this.props.situation })
  }

  override render (_props: AnnouncerProps, { text }: { text: string }): VNode {
    return html`<p class="unseen" role="status">${text}</p>` as VNode
  }

  #summarise (): void {
    const events = this.props.lastSeq - this.#seq
    const errors = this.props.errors - this.#errors
    this.#note()
    if (events <= 0) return
    const trouble = errors > 0 ? `, ${formatCount(errors, 'error')}` : ''
    this.setState({ text: `${formatCount(events, 'new event')}${trouble}` })
  }

  #note (): void {
    this.#seq = this.props.lastSeq
    this.#errors = this.props.errors
  }
}
