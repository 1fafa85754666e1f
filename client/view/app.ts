import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import { indexOfSeq, type Row } from '../store/rows.js'
import { nextStep, type StepMove } from '../store/steps.js'
import { summarise, type Verdict } from '../store/summary.js'
import { Announcer } from './announcer.js'
import { lookOf } from './badges.js'
import type { FindBarProps } from './find-bar.js'
import { capitalise, formatCount } from './format.js'
import { Header } from './header.js'
import { icon, spinner } from './icons.js'
import type { InspectorProps } from './inspector.js'
import { KeyHelp, commandOf } from './keys.js'
import { lazy } from './lazy.js'
import { LivePanel } from './live-panel.js'
import { Notice } from './notice.js'
import { Outline } from './outline.js'
import { Strip } from './strip.js'
import { timeSplit } from './time-split.js'
import type { TimelineSession } from '../session.js'
import { StatusBar } from './status-bar.js'
import { StoryBar } from './story-bar.js'
import { TimelineList, type ListTarget } from './timeline-list.js'

export interface AppProps {
  readonly session: TimelineSession
  /** How the task stands, whenever that changes. */
  readonly onVerdict: (verdict: Verdict) => void
  /** An event that somebody asked for. */
  readonly event: number | undefined
  /** The reader opened another step, or closed it. */
  readonly onEvent: (seq: number | undefined) => void
}

interface AppState {
  readonly isFollowing: boolean
  /** The row to go to. */
  readonly target?: ListTarget
  /** The row the reader stands on. */
  readonly cursor?: number
  /** The step that is inspected. */
  readonly open?: number | undefined
  readonly hasHelp?: boolean
  readonly hasOutline?: boolean
  readonly isFinding?: boolean
}

const loadLate = async (): Promise<typeof import('./late.js')> => import('./late.js')
/** Milliseconds after the first rows: what may be opened next is here by then. */
const LATE_MS = 500

const FindBar = lazy<FindBarProps>(
  async () => (await loadLate()).FindBar,
  (content) => html`<div class="bar find" role="search" part="find">${content}</div>` as VNode
)
const Inspector = lazy<InspectorProps>(
  async () => (await loadLate()).Inspector,
  (content, { onClose }) => html`<aside class="inspector" part="inspector" aria-label="Step"><div class="inspector-head"><span></span>
    <button class="chip close" aria-label="Close" onClick=${onClose}>${icon('x')}</button></div><div class="cards">${content}</div></aside>` as VNode
)

/** Said in one word: tool calls come and go too often. */
const BUSY: readonly Verdict[] = ['starting', 'in_tool']

/** The whole element, from a session's state. */
export class App extends Component<AppProps, AppState> {
  override state: AppState = { isFollowing: true }
  /** Number of the last event when following ended; what came since is new to the reader. */
  #pausedAtSeq = 0
  #verdict: Verdict | undefined
  #told: Verdict | undefined
  #late: ReturnType<typeof setTimeout> | undefined

  /** The event that is shown as asked for, or that was told. */
  #event: number | undefined

  override componentWillUnmount (): void {
    clearTimeout(this.#late)
  }

  override componentDidUpdate (): void {
    if (this.props.session.state.isLoaded) this.#late ??= setTimeout(() => loadLate().catch(() => {}), LATE_MS)
    this.#tellVerdict()
    this.#showAskedFor()
  }

  override componentDidMount (): void {
    this.#tellVerdict()
    this.#showAskedFor()
  }

  override render ({ session }: AppProps): VNode {
    const { isFollowing, target, cursor, open, hasHelp = false, hasOutline = false, isFinding = false } = this.state
    const { state, connectionState: connection } = session
    const answers = session.answers
    const summary = summarise(state, session.isLost, answers.summary?.state)
    const { verdict } = summary
    this.#verdict = verdict
    const hasRows = state.rows.length > 0
    const isDenied = connection.name === 'denied'
    const newCount = isFollowing ? 0 : state.lastSeq - this.#pausedAtSeq
    const hasLive = hasRows && summary.isActive && !isDenied && open === undefined
    return html`<section class=${session.isLost ? 'root disconnected' : 'root'} part="base" aria-label="Agent timeline" onKeyDown=${this.#onKey}>
      ${h(Header, { state, summary, session, onShow: this.#show })}
      ${answers.summary !== undefined && html`<div class="shape">
        ${hasRows && h(Strip, { session, onTime: this.#goToTime, onEnd: () => this.#follow(true) })}${timeSplit(answers.summary)}</div>`}
      <div class=${`body ${hasLive ? 'has-live' : open === undefined ? '' : 'has-live has-inspector'} ${answers.summary === undefined ? '' : 'has-outline'}`}>
        ${h(Outline, { session, isOpen: hasOutline, onShow: this.#show, onShowRun: this.#goToRun })}
        ${!hasRows || (isDenied && !state.isLoaded)
          ? h(Notice, { state, connection, onRetry: () => session.reload() })
          : html`<div class="list-box">
            ${isFinding
              ? h(FindBar, { session, fromSeq: this.#at, onShow: this.#showFind, onClose: this.#closeFind })
              : h(StoryBar, {
                state,
                summary: answers.summary,
                isFollowing,
                hasOutline,
                onFilter: (filter) => session.dispatch({ type: 'filter', filter }),
                onFollow: this.#follow,
                onOutline: () => this.setState({ hasOutline: !hasOutline }),
                onFind: this.#find,
                onMove: this.#move
              })}
            ${h(TimelineList, {
              state,
              isFollowing,
              isLoadingOlder: session.isLoadingOlder,
              session,
              onFollow: this.#follow,
              onNearStart: () => { void session.loadOlder() },
              target,
              cursor: cursor ?? open,
              onOpen: this.#open
            })}
            ${session.isLoadingOlder && html`<div class="pill older">${spinner()}Loading older events</div>`}
            ${newCount > 0 && html`<button class="pill newer" part="new-events" onClick=${() => this.#follow(true)}>
              ${icon('end')}${formatCount(newCount, 'new event')}</button>`}
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

  /** Shows the row of an event, also one that is not loaded. */
  async #goTo (seq: number, how: Partial<ListTarget> = {}): Promise<Row | undefined> {
    try {
      const row = await this.props.session.bring(seq)
      if (row === undefined) return undefined
      if (this.state.isFollowing) this.#follow(false)
      this.setState({ target: { ...how, seq: row.seq }, cursor: row.seq, hasOutline: false })
      return row
    } catch {
      // The stream notices a server that is gone; the reader asks again.
      return undefined
    }
  }

  /** Shows a step with its evidence. */
  readonly #show = (seq: number): void => {
    void this.#goTo(seq)
    if (this.props.session.answers.calls.has(seq)) this.#inspect(seq)
  }

  /** Opens the evidence of a step, or closes it, and tells. */
  #inspect (open: number | undefined): void {
    if (open === this.state.open) return
    this.#event = open
    this.setState({ open })
    this.props.onEvent(open)
  }

  /** What the address or the page names: in the middle, and the focus stays with the page. */
  #showAskedFor (): void {
    const { event, session } = this.props
    if (!session.state.isLoaded || event === this.#event) return
    this.#event = event
    if (event === undefined) return this.setState({ open: undefined })
    void this.#goTo(event, { isCentred: true, isQuiet: true }).then((row) => {
      if (this.#event !== event || row === undefined) return
      // Its number may be that of the call's end.
      if (row.kind === 'tool' && row.seq !== event) this.#inspect(row.seq)
      else this.setState({ open: row.kind === 'tool' ? row.seq : undefined })
    })
  }

  readonly #find = (): void => this.setState({ isFinding: true })

  readonly #closeFind = (): void => {
    const { cursor } = this.state
    this.setState({ isFinding: false, ...(cursor === undefined ? {} : { target: { seq: cursor } }) })
  }

  readonly #showFind = async (seq: number): Promise<number | undefined> => {
    const row = await this.#goTo(seq, { isQuiet: true })
    if (row?.kind === 'tool' && this.state.open !== undefined) this.#inspect(row.seq)
    return row?.seq
  }

  /** To the next or previous step or failure. */
  readonly #move = (move: StepMove): void => {
    const { session } = this.props
    const seq = nextStep(session.state, session.answers.calls.values(), this.#at, move)
    if (seq === undefined) return
    void this.#goTo(seq)
    if (this.state.open !== undefined || move.endsWith('failure')) this.#inspect(seq)
  }

  /** Where the reader is. */
  get #at (): number {
    const { open, cursor, isFollowing, target } = this.state
    return cursor ?? open ?? (isFollowing ? this.props.session.state.lastSeq + 1 : target?.seq ?? 0)
  }

  readonly #open = (seq: number): void => {
    this.setState({ cursor: seq })
    this.#inspect(seq)
  }

  readonly #close = (): void => {
    const { open } = this.state
    if (open !== undefined) this.setState({ target: { seq: open } })
    this.#inspect(undefined)
    if (this.state.isFollowing) this.#follow(false)
  }

  readonly #toggleHelp = (): void => this.setState(({ hasHelp = false }) => ({ hasHelp: !hasHelp }))

  readonly #onKey = (event: KeyboardEvent): void => {
    const { session } = this.props
    const { cursor, open, hasHelp, isFollowing } = this.state
    const command = commandOf(event)
    if (command === undefined) return
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
        case 'find': this.#find(); return true
        case 'open': {
          const row = session.state.rows[indexOfSeq(session.state.rows, cursor)]
          if (row?.kind !== 'tool') return false
          this.#open(row.seq)
          return true
        }
        default: this.#move(command); return true
      }
    })()
    if (isTaken) event.preventDefault()
  }

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
    if (call !== undefined) void this.#goTo(call.seq)
  }

  readonly #goToRun = (id: number): void => {
    const { state, answers } = this.props.session
    const row = state.rows.find((row) => row.kind === 'start' && row.invocationId === id)
    const first = row ?? [...answers.calls.values()].find((call) => call.invocationId === id) ??
      state.rows.find((row) => 'invocationId' in row && row.invocationId === id)
    if (first !== undefined) void this.#goTo(first.seq)
  }

  #tellVerdict (): void {
    const { session, onVerdict } = this.props
    if (!session.state.isLoaded || this.#verdict === this.#told) return
    this.#told = this.#verdict
    onVerdict(this.#verdict!)
  }
}
