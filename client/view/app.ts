import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import { indexOfSeq } from '../store/rows.js'
import type { Filter } from '../store/state.js'
import { nextStep } from '../store/steps.js'
import { summarise, type Verdict } from '../store/summary.js'
import { Announcer } from './announcer.js'
import { lookOf } from './badges.js'
import { capitalise, formatCount } from './format.js'
import { Header } from './header.js'
import { icon, spinner } from './icons.js'
import { Inspector } from './inspector.js'
import { KeyHelp, commandOf } from './keys.js'
import { LivePanel } from './live-panel.js'
import { Notice } from './notice.js'
import { Outline } from './outline.js'
import { Strip } from './strip.js'
import { timeSplit } from './time-split.js'
import type { TimelineSession } from '../session.js'
import { StatusBar } from './status-bar.js'
import { TimelineList } from './timeline-list.js'

export interface AppProps {
  readonly session: TimelineSession
  /** How the task stands, whenever that changes. */
  readonly onVerdict: (verdict: Verdict) => void
}

interface AppState {
  readonly isFollowing: boolean
  /** The row to go to. */
  readonly target?: { readonly seq: number, readonly isQuiet?: boolean }
  /** The row the reader stands on. */
  readonly cursor?: number
  /** The step that is inspected. */
  readonly open?: number | undefined
  readonly hasHelp?: boolean
  readonly hasOutline?: boolean
}

/** Said in one word: tool calls come and go too often. */
const BUSY: readonly Verdict[] = ['starting', 'in_tool']

/** The whole element, from a session's state. */
export class App extends Component<AppProps, AppState> {
  override state: AppState = { isFollowing: true }
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

  override render ({ session }: AppProps): VNode {
    const { isFollowing, target, cursor, open, hasHelp = false, hasOutline = false } = this.state
    const { state, connectionState: connection } = session
    const answers = session.answers
    const summary = summarise(state, session.isLost, answers.summary?.state)
    const { verdict } = summary
    this.#verdict = verdict
    const hasRows = state.rows.length > 0
    const isDenied = connection.name === 'denied'
    const newCount = isFollowing ? 0 : state.lastSeq - this.#pausedAtSeq
    const hasLive = hasRows && summary.isActive && !isDenied && open === undefined
    const failed = answers.summary?.calls.failed ?? state.errors
    const chips: ReadonlyArray<readonly [Filter, string, number?]> = [
      ['story', 'Story'],
      ['steps', 'Steps', answers.summary?.calls.total ?? state.toolCalls],
      ['edits', 'Edits', answers.summary?.calls.byKind.edit?.total],
      ['failed', 'Failed', failed],
      ['all', 'Everything']
    ]
    return html`<section class=${session.isLost ? 'root disconnected' : 'root'} part="base" aria-label="Agent timeline" onKeyDown=${this.#onKey}>
      ${h(Header, { state, summary, session, onShow: this.#show })}
      ${answers.summary !== undefined && html`<div class="shape">
        ${hasRows && h(Strip, { session, onTime: this.#goToTime, onEnd: () => this.#follow(true) })}${timeSplit(answers.summary)}</div>`}
      <div class=${`body ${hasLive ? 'has-live' : open === undefined ? '' : 'has-live has-inspector'} ${answers.summary === undefined ? '' : 'has-outline'}`}>
        ${h(Outline, { session, isOpen: hasOutline, onShow: this.#show, onShowRun: this.#goToRun })}
        ${!hasRows || (isDenied && !state.isLoaded)
          ? h(Notice, { state, connection, onRetry: () => session.reload() })
          : html`<div class="list-box">
            <div class="bar"><div class="chips" role="group" aria-label="Which rows">
              ${answers.summary !== undefined && html`<button class="chip outline-toggle" aria-expanded=${hasOutline}
                onClick=${() => this.setState({ hasOutline: !hasOutline })}>${icon('plan')}<span class="unseen">Outline</span></button>`}
              ${chips.map(([filter, name, count = 0]) => html`<button class="chip" aria-pressed=${state.filter === filter}
                onClick=${() => session.dispatch({ type: 'filter', filter })}>${name}${count > 0 && html` <b class=${filter === 'failed' ? 'bad' : ''}>${count.toLocaleString('en-US')}</b>`}</button>`)}
              </div>
              <button class="button follow" part="follow" aria-label="Follow" aria-pressed=${isFollowing} onClick=${() => this.#follow(!isFollowing)}>
                ${icon('down')}<span>Follow</span></button>
            </div>
            ${h(TimelineList, {
              state,
              isFollowing,
              isLoadingOlder: session.isLoadingOlder,
              session,
              onFollow: this.#follow,
              onNearStart: () => { void session.loadOlder() },
              target,
              cursor: open ?? cursor,
              onOpen: this.#open
            })}
            ${session.isLoadingOlder && html`<div class="pill older">${spinner()}Loading older events</div>`}
            ${newCount > 0 && html`<button class="pill newer" part="new-events" onClick=${() => this.#follow(true)}>
              ${icon('down')}${formatCount(newCount, 'new event')}</button>`}
          </div>`}
        ${hasLive && h(LivePanel, { state, summary, session, onOpen: this.#open })}
        ${open !== undefined && h(Inspector, { key: open, session, seq: open, onClose: this.#close })}
      </div>
      ${h(StatusBar, { state, connection, session, onHelp: this.#toggleHelp })}
      ${hasHelp && h(KeyHelp, { onClose: this.#toggleHelp })}
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

  /** Shows a row, also one that is not loaded. */
  readonly #goTo = (seq: number): void => {
    const { session } = this.props
    session.bring(seq).then(() => {
      if (this.state.isFollowing) this.#follow(false)
      this.setState({ target: { seq }, cursor: seq, hasOutline: false })
    }, () => {
      // The stream notices a server that is gone; the reader asks again.
    })
  }

  /** Shows a step with its evidence. */
  readonly #show = (seq: number): void => {
    this.#goTo(seq)
    if (this.props.session.answers.calls.has(seq)) this.setState({ open: seq })
  }

  readonly #open = (seq: number): void => this.setState({ open: seq, cursor: seq })

  readonly #close = (): void => {
    const { open } = this.state
    this.setState({ open: undefined, ...(open === undefined ? {} : { target: { seq: open } }) })
    if (this.state.isFollowing) this.#follow(false)
  }

  readonly #toggleHelp = (): void => this.setState(({ hasHelp = false }) => ({ hasHelp: !hasHelp }))

  readonly #onKey = (event: KeyboardEvent): void => {
    const { session } = this.props
    const { cursor, open, hasHelp, isFollowing } = this.state
    const command = commandOf(event)
    if (command === undefined) return
    const at = open ?? cursor ?? (isFollowing ? session.state.lastSeq + 1 : this.#topSeq)
    const isTaken = ((): boolean => {
      switch (command) {
        case 'close': {
          if (hasHelp === true) this.#toggleHelp()
          else if (this.state.hasOutline === true) this.setState({ hasOutline: false })
          else if (open !== undefined) this.#close()
          else return false
          return true
        }
        case 'help': this.#toggleHelp(); return true
        case 'follow': this.#follow(!isFollowing); return true
        case 'open': {
          const row = session.state.rows[indexOfSeq(session.state.rows, cursor)]
          if (row?.kind !== 'tool') return false
          this.#open(row.seq)
          return true
        }
        default: {
          const seq = nextStep(session.state, session.answers.calls.values(), at, command)
          if (seq === undefined) return true
          this.#goTo(seq)
          if (open !== undefined || command === 'next-failure' || command === 'previous-failure') this.setState({ open: seq })
          return true
        }
      }
    })()
    if (isTaken) event.preventDefault()
  }

  /** Where a reader stands who has not chosen a row: above the rows in view. */
  get #topSeq (): number { return this.state.target?.seq ?? 0 }

  /** Rows that are here move with the pointer; others are asked for once it is let go. */
  readonly #goToTime = (ms: number, isDone: boolean): void => {
    const { state, answers } = this.props.session
    const { rows } = state
    const isHere = rows.length > 0 && (ms >= rows[0]!.atMs || !state.hasOlder) &&
      (!state.isDetached || ms <= rows.at(-1)!.atMs)
    if (isHere) {
      const row = rows.find(({ atMs }) => atMs >= ms) ?? rows.at(-1)!
      if (this.state.isFollowing) this.#follow(false)
      return this.setState({ target: { seq: row.seq, isQuiet: true } })
    }
    if (!isDone) return
    const call = [...answers.calls.values()].find(({ startedAt }) => Date.parse(startedAt) >= ms)
    if (call !== undefined) this.#goTo(call.seq)
  }

  readonly #goToRun = (id: number): void => {
    const { state, answers } = this.props.session
    const row = state.rows.find((row) => row.kind === 'start' && row.invocationId === id)
    const first = row ?? [...answers.calls.values()].find((call) => call.invocationId === id) ??
      state.rows.find((row) => 'invocationId' in row && row.invocationId === id)
    if (first !== undefined) this.#goTo(first.seq)
  }

  #tellVerdict (): void {
    const { session, onVerdict } = this.props
    if (!session.state.isLoaded || this.#verdict === this.#told) return
    this.#told = this.#verdict
    onVerdict(this.#verdict!)
  }
}
