import { html } from 'htm/preact'
import { Component, type VNode } from 'preact'
import { errorStarts, outputLines, type OutputLine } from './error-lines.js'
import { formatCount } from './format.js'
import { icon } from './icons.js'
import { textLines } from './text-block.js'

export interface OutputLogProps {
  readonly text: string
  /** Of the file that is downloaded. */
  readonly name: string
}

/** Elements that can be laid out at once. */
const MAX_LINES = 3_000

/** An output with line numbers, opened at its first error. */
export class OutputLog extends Component<OutputLogProps, { error: number, isWrapped: boolean, isCopied: boolean }> {
  override state = { error: 0, isWrapped: true, isCopied: false }
  #log: HTMLElement | null = null
  #lines: readonly OutputLine[] = []
  #starts: readonly number[] = []
  #text: string | undefined

  override componentDidMount (): void {
    this.#scroll()
  }

  override componentDidUpdate ({ text }: OutputLogProps, { error }: { error: number }): void {
    if (text !== this.props.text || error !== this.state.error) this.#scroll()
  }

  override render ({ text }: OutputLogProps): VNode {
    const { error, isWrapped, isCopied } = this.state
    if (text !== this.#text) {
      this.#text = text
      this.#lines = outputLines(text).slice(0, MAX_LINES)
      this.#starts = errorStarts(this.#lines)
    }
    const count = this.#starts.length
    return html`<div class="tools">
        ${count > 0
          ? html`<span class="bad">Error ${error + 1} of ${count}</span>
            <button class="chip" aria-label="Previous error" onClick=${() => this.setState({ error: (error + count - 1) % count })}>‹</button>
            <button class="chip" aria-label="Next error" onClick=${() => this.setState({ error: (error + 1) % count })}>›</button>`
          : html`<span class="quiet">${formatCount(this.#lines.length, 'line')}</span>`}
        <button class="chip end" aria-pressed=${isWrapped} onClick=${() => this.setState({ isWrapped: !isWrapped })}>Wrap</button>
        ${globalThis.navigator?.clipboard !== undefined && html`<button class="chip" onClick=${this.#copy}>${isCopied ? [icon('check'), 'Copied'] : 'Copy'}</button>`}
        <button class="chip" onClick=${this.#download}>Download</button>
      </div>
      <div class=${`log mono ${isWrapped ? '' : 'is-wide'}`} role="region" aria-label="Output" tabindex="0"
        ref=${(element: HTMLElement | null) => { this.#log = element }}>${this.#lines.map((line, i) => html`<div class=${
          line.isError ? `out error ${i === this.#starts[error] ? 'current' : ''}` : line.isCut ? 'out cut' : 'out'}>
          <span class="n" aria-hidden="true">${line.isCut ? '…' : line.number}</span><div>${textLines(line.text === '' ? ' ' : line.text, 40).nodes}</div></div>`)}</div>` as VNode
  }

  /** A third of the view above the error: what led to it. */
  #scroll (): void {
    const line = this.#log?.querySelector<HTMLElement>('.current')
    if (this.#log === null) return
    this.#log.scrollTop = line == null ? 0 : line.offsetTop - this.#log.offsetTop - this.#log.clientHeight / 3
  }

  readonly #copy = (): void => {
    navigator.clipboard.writeText(this.props.text).then(() => this.setState({ isCopied: true }), () => {})
  }

  readonly #download = (): void => {
    const url = URL.createObjectURL(new Blob([this.props.text], { type: 'text/plain' }))
    const link = document.createElement('a')
    link.href = url
    link.download = this.props.name
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  }
}
