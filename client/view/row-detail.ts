import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ToolRow } from '../store/rows.js'
import type { Expansion } from '../store/state.js'
import { formatCount } from './format.js'
import { textLines } from './text-block.js'

const OPEN_LINES = 12
/** Elements of one row: more would make scrolling past it slow. */
const FULL_LINES = 500
const INPUT_CHARS = 8_000

export interface RowDetailProps {
  readonly row: ToolRow
  readonly expansion: Expansion
  readonly onExpand: (to: Expansion) => void
}

/** What went into a tool call and what came out. */
export function RowDetail ({ row, expansion, onExpand }: RowDetailProps): VNode {
  const limit = expansion === 'full' ? FULL_LINES : OPEN_LINES
  const input = row.verb === '$' ? longCommand(row) : inputText(row.input)
  const result = textLines(row.result ?? '', limit)
  return html`<div class="detail">
    ${input !== '' && html`<p class="caption">Input</p>
      <div class="output mono">${textLines(input, limit).nodes}</div>`}
    ${input !== '' && row.result !== undefined && html`<p class="caption">Result</p>`}
    ${row.result !== undefined && html`<div class="output mono">${result.nodes}</div>`}
    ${foot(result.hiddenLines, row.isTruncated, expansion, onExpand)}
  </div>` as VNode
}

/** The line under a text that was cut: what is missing, and how to see it. */
export function foot (
  hiddenLines: number, isTruncated: boolean, expansion: Expansion, onExpand: (to: Expansion) => void
): VNode | null {
  const isFull = expansion === 'full'
  if (hiddenLines === 0 && !isFull && !isTruncated) return null
  return html`<footer>
    ${hiddenLines > 0 && !isFull && html`<button class="more" onClick=${() => onExpand('full')}>
      Show ${formatCount(hiddenLines, 'more line')}</button>`}
    ${isFull && html`<button class="more" onClick=${() => onExpand('open')}>Show less</button>`}
    ${hiddenLines > 0 && isFull && html`<span class="quiet">${formatCount(hiddenLines, 'more line')} not shown</span>`}
    ${isTruncated && html`<span class="quiet">shortened when it was stored</span>`}
  </footer>` as VNode
}

function longCommand ({ target }: ToolRow): string {
  return target.length > 160 ? target : ''
}

function inputText (input: unknown): string {
  if (input === undefined) return ''
  const text = typeof input === 'string' ? input : JSON.stringify(input, null, 2)
  // Text in JSON's quotes cannot be read.
  return text.slice(0, INPUT_CHARS).replaceAll('\\n', '\n')
}
