import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import type { ToolCallDetails } from '../../lib/model/answers.js'
import { indexOfSeq, type ToolRow } from '../store/rows.js'
import { toPlainText } from './ansi.js'
import { earlierCard, signsCard, whyCard } from './call-cards.js'
import { formatDuration, formatSeconds, formatTime } from './format.js'
import { gauge, signOfLife } from './gauge.js'
import { icon, spinner } from './icons.js'
import { OutputLog } from './output-log.js'
import { outcomeOf } from './row-text.js'
import type { TimelineSession } from '../session.js'
import { textLines } from './text-block.js'

export interface InspectorProps {
  readonly session: TimelineSession
  /** Number of the call's start. */
  readonly seq: number
  readonly onClose: () => void
}

type Tab = 'output' | 'input'
interface InspectorState {
  readonly tab: Tab
  readonly details: ToolCallDetails | undefined
  readonly problem: string | undefined
  readonly isCopied?: boolean
}

const REFRESH_MS = 5_000
const INPUT_LINES = 1_000

/** The evidence of one step: its output from the failing line on, what went in, what it did before. */
export class Inspector extends Component<InspectorProps, InspectorState> {
  override state: InspectorState = { tab: 'output', details: undefined, problem: undefined }
  #controller = new AbortController()
  #askedAtMs = 0
  #status = ''

  override componentDidMount (): void {
    void this.#load()
  }

  /** What runs is asked about again while it runs, and once it has ended. */
  override componentDidUpdate (): void {
    const status = this.#row?.status ?? this.state.details?.status ?? ''
    const isOver = this.#status === 'running' && status !== 'running'
    this.#status = status
    if (isOver || (status === 'running' && performance.now() - this.#askedAtMs > REFRESH_MS)) void this.#load()
  }

  override componentWillUnmount (): void {
    this.#controller.abort()
  }

  override render ({ session, onClose, seq }: InspectorProps, state: InspectorState): VNode {
    const { tab, details, problem, isCopied = false } = state
    const row = this.#row
    const isRunning = (row?.status ?? details?.status) === 'running'
    const command = row?.target ?? details?.message.replace(/^exec: /, '') ?? ''
    const verb = row?.verb ?? ''
    const text = textOf(details?.result ?? row?.result)
    const input = textOf(details?.input ?? row?.input)
    const startedAtMs = row?.atMs ?? Date.parse(details?.startedAt ?? '')
    const nowMs = session.now()
    const invocation = session.state.runsById.get(row?.invocationId ?? details?.invocationId ?? 0)
    const heard = isRunning && !session.isLost && invocation?.health !== undefined
      ? { health: invocation.health, ageMs: nowMs - (invocation.healthAtMs ?? nowMs) }
      : undefined
    return html`<aside class="inspector" part="inspector" aria-label="Step">
      <div class="inspector-head">
        <div class="mono command-full">${verb !== '' && html`<span class="verb">${toPlainText(verb, 60)}</span>`}${toPlainText(command, 2000)}</div>
        <button class="chip close" aria-label="Close" onClick=${onClose}>${icon('x')}</button>
        <p>${isRunning
          ? html`${spinner()}running for <b>${formatSeconds(nowMs - startedAtMs)}</b> ${heard !== undefined && gauge(heard)}`
          : html`${outcomeNode(row, details)}${tookText(row, details)}<span class="quiet">${Number.isNaN(startedAtMs) ? '' : formatTime(startedAtMs)}</span>`}
          <a class="chip end" href=${linkTo(seq)} onClick=${this.#copyLink}>${icon(isCopied ? 'check' : 'link')}${isCopied ? 'Copied' : 'Copy link'}</a></p>
      </div>
      <div class="tabs">${(['output', 'input'] as const).map((name) => html`<button aria-pressed=${tab === name}
        onClick=${() => this.setState({ tab: name })}>${name === 'output' ? isRunning ? 'Now' : 'Output' : 'Input'}</button>`)}</div>
      ${tab === 'input'
        ? html`<div class="log mono" role="region" aria-label="Input" tabindex="0">${input === '' ? html`<p class="quiet">Not stored.</p>` : textLines(input, INPUT_LINES).nodes}</div>`
        : html`${text !== '' && h(OutputLog, { key: this.props.seq, text, name: `step-${this.props.seq}.txt` })}
          <div class="cards">
            ${problem !== undefined && text === '' && html`<p class="quiet">${toPlainText(problem)}</p>`}
            ${text === '' && problem === undefined && html`<p>${details === undefined
              ? 'Loading'
              : isRunning ? 'Nothing printed yet. Most agents hand over a command’s output when it ends.' : 'It printed nothing, or nothing that was stored.'}</p>`}
            ${details?.firstError !== undefined && text === '' && html`<p class="bad">${toPlainText(details.firstError.message, 400)}</p>`}
            ${isRunning && signsCard(startedAtMs, nowMs, details ?? {}, heard !== undefined && signOfLife(heard))}
            ${details !== undefined && earlierCard(details, session.state.task.id, nowMs)}
            ${whyCard(session.state.rows, this.props.seq, row?.invocationId ?? details?.invocationId ?? 0)}
          </div>`}
    </aside>` as VNode
  }

  get #row (): ToolRow | undefined {
    const { rows } = this.props.session.state
    const row = rows[indexOfSeq(rows, this.props.seq)]
    return row?.kind === 'tool' ? row : undefined
  }

  /** Where there is no clipboard, a link is what can be copied. */
  readonly #copyLink = (event: MouseEvent): void => {
    if (globalThis.navigator?.clipboard === undefined || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    navigator.clipboard.writeText(linkTo(this.props.seq)).then(() => this.setState({ isCopied: true }), () => {})
  }

  async #load (): Promise<void> {
    this.#askedAtMs = performance.now()
    const { signal } = this.#controller
    try {
      const details = await this.props.session.call(this.props.seq, signal)
      if (!signal.aborted) this.setState({ details, problem: undefined })
    } catch (error) {
      if (!signal.aborted) this.setState({ problem: error instanceof Error ? error.message : 'It cannot be loaded' })
    }
  }
}

/** The page's address with the event in it, which pages hand on to the element. */
function linkTo (seq: number): string {
  const url = new URL(location.href)
  url.searchParams.set('event', String(seq))
  return url.href
}

function outcomeNode (row: ToolRow | undefined, details: ToolCallDetails | undefined): VNode | false {
  const text = row === undefined ? details?.exitCode ? `exit ${details.exitCode}` : details?.status ?? '' : outcomeOf(row) || (row.status === 'noted' ? '' : row.status)
  const isBad = ['error', 'denied'].includes(row?.status ?? details?.status ?? '')
  return text !== '' && html`<span class=${isBad ? 'bad' : 'ok'}>${text}</span>` as VNode
}

function tookText (row: ToolRow | undefined, details: ToolCallDetails | undefined): VNode | false {
  const tookMs = row?.tookMs ?? details?.durationMs
  return tookMs !== undefined && html`<span>${formatDuration(tookMs)}</span>` as VNode
}

function textOf (value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  const { command } = value as { command?: unknown }
  const text = JSON.stringify(value, null, 2).replaceAll('\\n', '\n')
  return typeof command === 'string' && Object.keys(value as object).length === 1 ? command : text
}
