import { html } from 'htm/preact'
import { Component, type VNode } from 'preact'
import { excerptAround } from '../store/find.js'
import { indexOfSeq } from '../store/rows.js'
import { TaskFinder } from './task-finder.js'
import type { TimelineSession } from '../session.js'
import { toPlainText } from './ansi.js'
import { icon, spinner } from './icons.js'

export interface FindBarProps {
  readonly session: TimelineSession
  /** Where the reader stands: the first find is the next one from there. */
  readonly fromSeq: number
  /** Shows a find without taking the focus; resolves with the row that has it. */
  readonly onShow: (seq: number) => Promise<number | undefined>
  readonly onClose: () => void
}

/** A field, how many there are, and where in them the reader is. */
export class FindBar extends Component<FindBarProps, { seq: number | undefined, rowSeq: number | undefined }> {
  override state = { seq: undefined, rowSeq: undefined }
  readonly #finder = new TaskFinder(this.props.session, () => this.#onFindings())
  #hasShown = false

  override componentDidUpdate (): void {
    this.#finder.extend()
  }

  override componentWillUnmount (): void {
    this.#finder.close()
  }

  override render ({ onClose }: FindBarProps): VNode {
    const { text, seqs } = this.#finder.findings
    const hasSome = seqs.length > 0
    return html`<div class="bar find" role="search" part="find" onKeyDown=${this.#onKey}>
      ${icon('search')}
      <input type="text" aria-label="Find in the whole task" placeholder="Find in the whole task" spellcheck="false" autocomplete="off"
        ref=${(input: HTMLInputElement | null) => { if (input !== null && !this.#hasShown) input.focus() }} onInput=${this.#onInput} />
      <span class="count" role="status">${text !== '' && this.#countText()}</span>
      <span class="quiet around">${this.#excerpt()}</span>
      <button class="chip" aria-label="Previous find" disabled=${!hasSome} onClick=${() => this.#step(false)}>‹</button>
      <button class="chip" aria-label="Next find" disabled=${!hasSome} onClick=${() => this.#step(true)}>›</button>
      <button class="chip close" aria-label="Close" onClick=${onClose}>${icon('x')}</button>
    </div>` as VNode
  }

  #countText (): string | VNode[] {
    const { seqs, isSearching, isPartial } = this.#finder.findings
    const more = isSearching || isPartial ? '+' : ''
    const at = seqs.indexOf(this.state.seq ?? -1) + 1
    const count = seqs.length.toLocaleString('en-US')
    const said = seqs.length === 0
      ? isSearching ? '' : isPartial ? 'Nothing in what is loaded' : 'Nothing found'
      : `${at > 0 ? `${at.toLocaleString('en-US')} of ` : ''}${count}${more}`
    return isSearching ? [spinner(), ` ${said}` as unknown as VNode] : said
  }

  /** What was found is often in an output, which a row does not show. */
  #excerpt (): VNode | false {
    const { rows, runsById } = this.props.session.state
    const { text } = this.#finder.findings
    const row = rows[indexOfSeq(rows, this.state.rowSeq)]
    const found = row === undefined || text === '' ? undefined : excerptAround(row, runsById, text)
    return found !== undefined && html`<span>${toPlainText(found.before)}</span><mark>${toPlainText(found.what)}</mark><span>${toPlainText(found.after)}</span>` as VNode
  }

  readonly #onInput = ({ target }: InputEvent): void => {
    this.#hasShown = false
    this.setState({ seq: undefined, rowSeq: undefined })
    this.#finder.look((target as HTMLInputElement).value)
  }

  /** Goes to the nearest find from where the reader was, as soon as there is one. */
  #onFindings (): void {
    const { seqs } = this.#finder.findings
    this.setState({})
    if (this.#hasShown || seqs.length === 0) return
    this.#hasShown = true
    const { fromSeq } = this.props
    this.#show(seqs.find((seq) => seq >= fromSeq) ?? seqs.at(-1)!)
  }

  #step (isForward: boolean): void {
    const seq = this.#finder.next(this.state.seq ?? this.props.fromSeq, isForward)
    if (seq !== undefined) this.#show(seq)
  }

  #show (seq: number): void {
    this.setState({ seq, rowSeq: undefined })
    this.props.onShow(seq).then((rowSeq) => {
      if (this.state.seq === seq) this.setState({ rowSeq })
    }, () => {})
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') this.props.onClose()
    else if (event.key === 'Enter' && (event.target as Element).tagName === 'INPUT') this.#step(!event.shiftKey)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}
