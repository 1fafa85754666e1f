import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ToolKind } from '../../lib/model/activity.js'
import type { TaskSummary } from '../../lib/model/answers.js'
import { formatSeconds } from './format.js'

/** Kinds of tools that are one to the reader, with the colour's class. */
const PARTS: ReadonlyArray<readonly [name: string, className: string, kinds: readonly ToolKind[]]> = [
  ['Tests', 'p-test', ['test']],
  ['Builds', 'p-build', ['build']],
  ['Commands', 'p-shell', ['shell']],
  ['Reads and edits', 'p-edit', ['read', 'search', 'edit']],
  ['Sub-agents', 'p-agent', ['agent']]
]

/** Where a task's time went: a bar and its words; what took less than a hundredth is left out of the words. */
export function timeSplit ({ time }: TaskSummary): VNode | false {
  const rest = [
    ['Thinking', 'p-think', time.thinkingMs],
    ['Waiting', 'p-wait', time.waitingMs],
    ['For a person', 'p-person', time.personMs + (time.byKind.person ?? 0)],
    ['Between runs', 'p-between', time.betweenRunsMs]
  ] as const
  const sumOf = (times: readonly number[]): number => times.reduce((total, ms) => total + ms, 0)
  const named = PARTS.map(([name, className, kinds]) => [
    name, className, sumOf(kinds.map((kind) => time.byKind[kind] ?? 0))
  ] as const)
  const otherMs = sumOf(Object.values(time.byKind)) - sumOf(named.map(([, , ms]) => ms)) - (time.byKind.person ?? 0)
  const parts = [...named, ['Other tools', 'p-other', otherMs] as const, ...rest].filter(([, , ms]) => ms > 0)
  const sum = sumOf(parts.map(([, , ms]) => ms))
  if (sum < 1000) return false
  const shares = parts.map(([name, className, ms]) => ({ name, className, ms, share: ms / sum }))
  const text = shares.map(({ name, share }) => `${name} ${percent(share)}`).join(', ')
  return html`<div class="split" part="time"><span class="caption">Where time went</span>
    <span class="split-bar" role="img" aria-label=${text}>${shares.map(({ className, share }) =>
      html`<i class=${className} style=${`flex-grow:${share.toFixed(4)}`}></i>`)}</span>
    <span class="keys" aria-hidden="true">${shares.filter(({ share }) => share >= 0.01).sort((a, b) => b.share - a.share)
      .map(({ name, className, share, ms }) => html`<span class=${`key ${className}`} title=${formatSeconds(ms)}>${name} <b>${percent(share)}</b></span>`)}</span></div>` as VNode
}

function percent (share: number): string {
  return share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`
}
