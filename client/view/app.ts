import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import { summarise, type Verdict } from '../store/summary.js'
import { Announcer } from './announcer.js'
import { verdictText } from './badges.js'
import { formatCount } from './format.js'
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

/** The whole element, from a session's state. */
export class App extends Component<AppProps, { isFollowing: boolean }> {
  override state = { isFollowing: true }
  /** Number of the last event when following ended; what came since is new to the reader. */
  #pausedAtSeq = 0
  #verdict: Verdict | undefined

  override componentDidUpdate (): void {
    this.#tellVerdict()
  }

  override componentDidMount (): void {
    this.#tellVerdict()
  }

  override render ({ session }: AppProps, { isFollowing }: { isFollowing: boolean }): VNode {
    const { state, connectionState: connection } = session
    const summary = summarise(state, connection, Date.now())
    const hasRows = state.rows.length > 0
    const isDenied = connection.name === 'denied'
    const newCount = isFollowing ? 0 : state.lastSeq - this.#pausedAtSeq
    const hasLive = hasRows && summary.isActive && !isDenied
    return html`<section class=${`root ${summary.verdict}`} part="base" aria-label="Agent timeline">
      ${h(Header, { state, summary, connection, isFollowing, session, onFollow: this.#follow })}
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
              onNearStart: () => { session.loadOlder() }
            })}
            ${session.isLoadingOlder && html`<div class="pill older">${spinner()}Loading older events</div>`}
            ${newCount > 0 && html`<button class="pill newer" part="new-events" onClick=${() => this.#follow(true)}>
              ${icon('down')}${formatCount(newCount, 'new event')}</button>`}
          </div>`}
        ${hasLive && h(LivePanel, { state, summary, session })}
      </div>
      ${h(StatusBar, { state, connection, session })}
      ${h(Announcer, {
        situation: state.isLoaded ? verdictText(summary.verdict) : '',
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
    const { session } = this.props
    const { verdict } = summarise(session.state, session.connectionState, Date.now())
    if (!session.state.isLoaded || verdict === this.#verdict) return
    this.#verdict = verdict
    this.props.onVerdict(verdict)
  }
}
