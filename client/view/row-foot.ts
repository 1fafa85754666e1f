import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Expansion } from '../store/state.js'
import { formatCount } from './format.js'

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
