import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import type { GapRow, Row, TaskRow, TextRow, ToolRow } from '../store/rows.js'
import type { Expansion, Invocation } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { lookOf, resultOf, roleName } from './badges.js'
import { badnessOf } from '../store/summary.js'
import { formatCount, formatDate, formatDuration, formatSeconds, formatTime } from './format.js'
import { GroupHeading } from './group-heading.js'
import { icon, spinner } from './icons.js'
import { excerptOf } from './error-lines.js'
import { foot } from './row-foot.js'
import {
  defaultExpansion, endText, labelOf, outcomeOf, signOf, similarText, taskText
} from './row-text.js'
import type { TimelineSession } from '../session.js'
import { textLines } from './text-block.js'

/** Lines of a message that are shown before somebody asks for all. */
const MESSAGE_LINES = 8
const FULL_LINES = 500

export interface TimelineRowProps {
  readonly row: Row
  readonly index: number
  readonly invocation: Invocation | undefined
  readonly expansion: Expansion | undefined
  readonly isGroupOpen: boolean
  readonly isRunOpen: boolean
  /** The current second, 0 when nothing is known of now: a row that counts looks another when it changes. */
  readonly second: number
  readonly session: TimelineSession
  /** How long the waterfall column is, in milliseconds; 0 where it is not known. */
  readonly spanMs: number
  /** The reader stands on it. */
  readonly isCursor: boolean
  readonly onOpen: (seq: number) => void
  /** Shows who measures which element shows which row now. */
  readonly onElement: (element: HTMLElement, index: number, isChanged: boolean) => void
  readonly onGone: (element: HTMLElement) => void
}

/** One row of the list; its element is used again for other rows. */
export class TimelineRow extends Component<TimelineRowProps> {
  #element: HTMLElement | null = null

  override shouldComponentUpdate (next: TimelineRowProps): boolean {
    const { row, index, invocation, expansion, isGroupOpen, isRunOpen, second, spanMs, isCursor } = this.props
    const { kind } = next.row
    const isCounting = kind === 'start' ? next.invocation?.status === 'running' : kind === 'tool' && next.row.status === 'running'
    const showsInvocation = kind === 'start' || kind === 'end' || ('isParallel' in next.row && next.row.isParallel)
    return next.row !== row || next.index !== index || next.expansion !== expansion ||
      next.isCursor !== isCursor || (kind === 'tool' && next.spanMs !== spanMs) || next.isGroupOpen !== isGroupOpen || next.isRunOpen !== isRunOpen ||
      (showsInvocation && next.invocation !== invocation) || (isCounting && next.second !== second)
  }

  override componentDidMount (): void {
    this.props.onElement(this.#element!, this.props.index, true)
  }

  override componentDidUpdate (previous: TimelineRowProps): void {
    this.props.onElement(this.#element!, this.props.index, previous.row.seq !== this.props.row.seq)
  }

  override componentWillUnmount (): void {
    if (this.#element !== null) this.props.onGone(this.#element)
  }

  override render ({ row, invocation, session, isGroupOpen, isCursor }: TimelineRowProps): VNode {
    const ref = (element: HTMLElement | null): void => { this.#element = element ?? this.#element }
    const [sign, tone] = signOf(row, invocation)
    const isAlone = row.kind === 'task' || row.kind === 'gap'
    const moment = new Date(row.atMs).toISOString()
    const isNested = 'isNested' in row && row.isNested
    const isStart = row.kind === 'start'
    const classes = ['row', tone, tone === 'running' && badnessOf(invocation?.health) > 0 && 'warn', isAlone ? 'is-alone' : '', isNested ? 'is-nested' : '', isCursor && 'is-cursor', row.kind === 'tool' ? 'is-step' : row.kind === 'output' && 'is-said'].filter(Boolean).join(' ')
    return html`<article ref=${ref} class=${isStart ? undefined : classes} aria-label=${labelOf(row, invocation)}
      aria-posinset=${row.seq} aria-setsize="-1" tabindex="-1" onClick=${row.kind === 'tool' ? this.#onClick : undefined}>${isStart
      ? html`<h3>${invocation !== undefined && h(GroupHeading, { invocation, isOpen: isGroupOpen, session })}</h3>`
      : html`<time datetime=${moment} title=${moment}>${formatTime(row.atMs)}</time>
      <div class="rail"><span class="sign">${tone === 'running' && !badnessOf(invocation?.health) ? spinner() : icon(this.#isLead ? 'more' : sign)}</span></div>
      ${this.#content()}`}</article>` as VNode
  }

  /** This row stands for others like it. */
  get #isLead (): boolean {
    const { row, isRunOpen } = this.props
    return 'similar' in row && (row.similar?.count ?? 0) > 1 && !isRunOpen
  }

  #content (): VNode | VNode[] {
    const { row, session, isRunOpen } = this.props
    switch (row.kind) {
      case 'task': return taskContent(row, session)
      case 'gap': return gapContent(row)
      case 'start': return []
      case 'end': return this.#endContent()
      default: {
        const { similar, run } = row
        if (similar === undefined || similar.count < 2) return row.kind === 'tool' ? this.#toolContent(row) : this.#textContent(row)
        const toggle = (): void => session.dispatch({ type: 'toggle-run', run: run! })
        if (isRunOpen) return row.kind === 'tool' ? this.#toolContent(row, toggle) : this.#textContent(row, toggle)
        return html`<div class="message"><button class="more" aria-expanded="false" onClick=${toggle}>${similarText(row)}
          ${similar.tookMs > 0 && html`<span>·</span><span>${formatDuration(similar.tookMs)}</span>`}</button></div>
          <div class="meta">${this.#marks(row)}</div>` as VNode
      }
    }
  }

  #toolContent (row: ToolRow, onFold?: () => void): VNode {
    const { invocation, session, spanMs, isCursor } = this.props
    const outcome = outcomeOf(row)
    const isBad = row.status === 'error' || row.status === 'denied'
    return html`<div class="message command mono">
        <span class="verb">${toPlainText(row.verb, 60)}</span>${toPlainText(row.target, 400)}</div>
      <div class="meta">
        ${this.#marks(row, onFold)}
        ${outcome !== '' && html`<span class=${`outcome ${signOf(row, invocation)[1]}`}>${outcome}</span>`}
        ${waterfall(row, invocation, spanMs)}
        ${tookNode(row, session)}
        <button class="toggle" aria-pressed=${isCursor} aria-label=${`Details of ${toPlainText(row.target, 60) || row.verb}`}
          onClick=${this.#open}>${icon('chevron')}</button>
      </div>
      ${isBad && row.result !== undefined && this.#excerpt(row.result)}` as VNode
  }

  /** What it complained of; the rest is in the inspector. */
  #excerpt (result: string): VNode {
    const { lines, total } = excerptOf(result)
    return html`<div class="excerpt mono">${lines.map(({ text, isError }) => html`<div class=${isError ? 'line bad' : 'line'}>${text}</div>`)}
      ${total > lines.length && html`<button class="more" onClick=${this.#open}>Show the output, ${formatCount(total, 'line')}</button>`}</div>` as VNode
  }

  #textContent (row: TextRow, onFold?: () => void): VNode {
    const isError = row.kind === 'error'
    const isQuiet = row.kind === 'progress' && row.progressKind !== 'waiting' && row.progressKind !== 'retry'
    const expansion = this.#expansion
    const { nodes, hiddenLines } = textLines(row.text, expansion === 'full' ? FULL_LINES : MESSAGE_LINES, row.kind === 'output')
    const more = foot(hiddenLines, row.isTruncated, expansion, this.#expand)
    const meta = html`<div class="meta">${this.#marks(row, onFold)}</div>`
    if (isError && (nodes.length > 1 || row.text.length > 120)) {
      return html`<div class="message strong">Error</div>${meta}
        <div class="note">${nodes}${more}</div>` as VNode
    }
    return html`<div class=${`message prose ${isError ? 'strong' : isQuiet ? 'quiet' : ''}`}>${nodes}${more}</div>${meta}` as VNode
  }

  #endContent (): VNode | VNode[] {
    const { invocation } = this.props
    if (invocation === undefined) return []
    const { summary, error, tookMs, exitCode, reason } = invocation
    const text = error ?? summary
    const details = [exitCode ? `exit ${exitCode}` : '', reason].filter(Boolean).join(' · ')
    const expansion = this.#expansion
    const lines = text === undefined
      ? undefined
      : textLines(text, expansion === 'full' ? FULL_LINES : MESSAGE_LINES)
    const [, tone] = lookOf(resultOf(invocation))
    return html`<div class="message strong">${endText(invocation)}</div>
      <div class="meta">
        ${details !== '' && html`<span class="outcome">${details}</span>`}
        ${tookMs !== undefined && html`<span>${formatDuration(tookMs)}</span>`}
        <span class="toggle is-empty"></span>
      </div>
      ${lines !== undefined && html`<div class=${`note ${tone}`}>
        ${lines.nodes}${foot(lines.hiddenLines, false, expansion, this.#expand)}</div>`}` as VNode
  }

  #marks ({ isLate, isParallel }: ToolRow | TextRow, onFold?: () => void): VNode {
    const { invocation } = this.props
    return html`${onFold !== undefined && html`<button class="more" aria-expanded="true" onClick=${onFold}>Fold</button>`}
      ${isLate && html`<span>late</span>`}
      ${isParallel && invocation !== undefined && html`<span class="role">${roleName(invocation)} #${invocation.id}</span>`}` as VNode
  }

  get #expansion (): Expansion {
    return this.props.expansion ?? defaultExpansion(this.props.row)
  }

  readonly #open = (): void => this.props.onOpen(this.props.row.seq)

  /** All of a step's row opens it, unless somebody marks text or presses one of its buttons. */
  readonly #onClick = (event: MouseEvent): void => {
    if ((event.target as Element).closest('button, a') !== null) return
    const root = this.#element!.getRootNode() as ShadowRoot & { getSelection?: () => Selection | null }
    if ((root.getSelection?.() ?? document.getSelection())?.type !== 'Range') this.#open()
  }

  readonly #expand = (to: Expansion): void => {
    const { row, session } = this.props
    session.dispatch({ type: 'expand', seq: row.seq, to })
  }
}

function taskContent ({ change, message, actor, atMs }: TaskRow, session: TimelineSession): VNode {
  return html`<div class="message strong">${taskText(change, message)}
    ${actor !== '' && html` <small>by ${toPlainText(actor, 60)}</small>`}</div>
    <div class="meta">${formatDate(atMs, session.now())}</div>` as VNode
}

function gapContent ({ fromSeq, seq, reason }: GapRow): VNode {
  const events = formatCount(seq - fromSeq + 1, 'event')
  const why = reason === 'expired' ? 'are past the retention and gone' : 'were removed'
  return html`<div class="message quiet">${events} ${why}</div>` as VNode
}

/** When a step was, on the axis of its run. */
function waterfall (row: ToolRow, invocation: Invocation | undefined, spanMs: number): VNode {
  const fromMs = row.atMs - (invocation?.startedAtMs ?? Infinity)
  const isShown = spanMs > 0 && fromMs >= 0 && (row.tookMs !== undefined || row.status === 'running')
  const left = Math.min(99, fromMs / spanMs * 100)
  const width = row.status === 'running' ? 100 - left : Math.min(100 - left, row.tookMs! / spanMs * 100)
  return html`<span class="waterfall" aria-hidden="true">${isShown && html`<i style=${`left:${left.toFixed(1)}%;width:${width.toFixed(1)}%`}></i>`}</span>` as VNode
}

/** The time a call took; counting while it runs. */
function tookNode (row: ToolRow, session: TimelineSession): VNode {
  const text = row.status === 'running'
    ? formatSeconds(session.now() - row.atMs)
    : row.tookMs === undefined ? '' : formatDuration(row.tookMs)
  return html`<span class="took">${text}</span>` as VNode
}
