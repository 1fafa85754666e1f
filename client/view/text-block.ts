import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { toLines, type TextToken } from './ansi.js'

/** What of Markdown is shown: code and bold within a line; a heading's and a list's mark at its beginning. */
const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*/g
const HEADING = /^#{1,6} +/

/**
 * Text of an agent as lines of styled text nodes, and how many lines were left out.
 *
 * @param isMarkdown shows code, bold and headings as such; everything else stays as it was written
 */
export function textLines (
  text: string, maxLines: number, isMarkdown = false
): { nodes: VNode[], hiddenLines: number } {
  const { lines, hiddenLines } = toLines(text, maxLines)
  return { nodes: lines.map((tokens) => lineNode(tokens, isMarkdown)), hiddenLines }
}

function lineNode (tokens: readonly TextToken[], isMarkdown: boolean): VNode {
  const isHeading = isMarkdown && HEADING.test(tokens[0]?.text ?? '')
  return html`<div class=${isHeading ? 'line bold' : 'line'}>${tokens.map(({ text, className }, i) => {
    const shown = isHeading && i === 0 ? text.replace(HEADING, '') : text
    const content = isMarkdown ? inline(shown) : shown
    return className === '' ? content : html`<span class=${className}>${content}</span>`
  })}</div>` as VNode
}

function inline (text: string): string | Array<string | VNode> {
  if (!text.includes('`') && !text.includes('**')) return text
  const parts: Array<string | VNode> = []
  let end = 0
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(end, match.index))
    end = match.index + match[0].length
    parts.push(match[1] === undefined ? html`<b>${match[2]}</b>` as VNode : html`<code>${match[1]}</code>` as VNode)
  }
  return [...parts, text.slice(end)]
}
