import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import { summarise, type Verdict } from '../store/summary.js'
import { Announcer } from './announcer.js'
import { lookOf } from './badges.js'
import { capitalise, formatCount } from './format.js'
import { Header } from './header.js'
import { icon, spinner } from './icons.js'
import { LivePanel } from './live-panel.js'
import { Notice } from './notice.js'
import type { TimelineSession } from '../session.js'
import { StatusBar } from './status-bar.js'
import { TimelineList } from './timeline-list.js'

export interface AppProps {
  readonly session: TimelineSession
  /** How the task stands, whenever that changes. */
  readonly onVerdict: (verdict: Verdict) => void
}

/** Said in one word: tool calls come and go too often. */
const BUSY: readonly Verdict[] = ['starting', 'in_tool']

/** The whole element, from a session's state. */
export class App extends Component<AppProps, { isFollowing: boolean }> {
  override state = { isFollowing: true }
  /** Number of the last event when following ended; what came since is new to the reader. */
  #pausedAtSeq = 0
  #verdict: Verdict | undefined
  #told: Verdict | undefined

  override componentDidUpdate (): void {
    this.#tellVerdict()
  }

  override componentDidMount (): void {
    this.#tellVerdict()
  }

  override render ({ session }: AppProps, { isFollowing }: { isFollowing: boolean }): VNode {
    const { state, connectionState: connection } = session
    const summary = summarise(state, session.isLost)
    const { verdict } = summary
    this.#verdict = verdict
    const hasRows = state.rows.length > 0
    const isDenied = connection.name === 'denied'
    const newCount = isFollowing ? 0 : state.lastSeq - this.#pausedAtSeq
    const hasLive = hasRows && summary.isActive && !isDenied
    return html`<section class=${session.isLost ? 'root disconnected' : 'root'} part="base" aria-label="Agent timeline">
      ${h(Header, { state, summary, isFollowing, session, onFollow: this.#follow })}
      <div class=${hasLive ? 'body has-live' : 'body'}>
        ${!hasRows || (isDenied && !state.isLoaded)
          ? h(Notice, { state, connection, onRetry: () => session.reload() })
          : html`<div class="list-box">
            ${h(TimelineList, {
              state,
              isFollowing,
              isLoadingOlder: session.isLoadingOlder,
              session,
              onFollow: this.#follow,
              onNearStart: () => { void session.loadOlder() }
            })}
            ${session.isLoadingOlder && html`<div class="pill older">${spinner()}Loading older events</div>`}
            ${newCount > 0 && html`<button class="pill newer" part="new-events" onClick=${() => this.#follow(true)}>
              ${icon('down')}${formatCount(newCount, 'new event')}</button>`}
          </div>`}
        ${hasLive && h(LivePanel, { state, summary, session })}
      </div>
      ${h(StatusBar, { state, connection, session })}
      ${h(Announcer, {
        situation: state.isLoaded ? capitalise(lookOf(BUSY.includes(verdict) ? 'working' : verdict)[2]) : '',
        lastSeq: state.lastSeq,
        errors: state.errors
      })}
    </section>` as VNode
  }

  readonly #follow = (isFollowing: boolean): void => {
    const { session } = this.props
    session.isPinned = !isFollowing
    this.#pausedAtSeq = session.state.lastSeq
    this.setState({ isFollowing })
    // The newest rows are not here: the list was full while somebody read it.
    if (isFollowing && session.state.isDetached) session.reload()
  }

  #tellVerdict (): void {
    const { session, onVerdict } = this.props
    if (!session.state.isLoaded || this.#verdict === this.#told) return
    this.#told = this.#verdict
    onVerdict(this.#verdict!)
  }
}
