import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { toLines, type TextToken } from './ansi.js'

/** Text of an agent as lines of styled text nodes, and how many lines were left out. */
export function textLines (text: string, maxLines: number): { nodes: VNode[], hiddenLines: number } {
  const { lines, hiddenLines } = toLines(text, maxLines)
  return { nodes: lines.map(lineNode), hiddenLines }
}

function lineNode (tokens: readonly TextToken[]): VNode {
  return html`<div class="line">${tokens.map(({ text, className }) =>
    className === '' ? text : html`<span class=${className}>${text}</span>`)}</div>` as VNode
}
