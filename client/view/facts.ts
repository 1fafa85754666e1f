import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { UsageSum } from '../../lib/model/answers.js'
import { startedAtMs, totalCostUsd, type Summary } from '../store/summary.js'
import type { TimelineState } from '../store/state.js'
import { formatUsd } from '../../lib/model/format-usd.js'
import { formatCount, formatDuration, formatSeconds, formatTokens } from './format.js'
import type { TimelineSession } from '../session.js'

/** The figures of a task: the server's, which count everything, else those of what is loaded, marked with a `+`. */
export function facts (verdict: Summary, state: TimelineState, session: TimelineSession): VNode {
  const { summary, atMs } = session.answers
  const isRunning = verdict.running.length > 0
  // What is further up has not been counted.
  const more = summary === undefined && state.hasOlder ? '+' : ''
  const { total: calls, failed } = summary?.calls ?? { total: state.toolCalls, failed: 0 }
  const cost = costText(summary?.usage ?? { costUsd: totalCostUsd(state), isProvisional: false })
  const tokens = tokensOf(summary?.usage)
  return html`<dl part="facts">
    ${fact('Elapsed', elapsedText(isRunning, summary && { ms: summary.elapsedMs, atMs }, state, session) + more)}
    ${fact('Runs', (summary?.runs.total ?? state.runsById.size) + more)}
    ${fact('Steps', calls.toLocaleString('en-US') + more, failed > 0 && html`<small class="bad">${failed} failed</small>` as VNode)}
    ${(cost !== '' || tokens > 0) && fact('Cost', cost === '' ? `${formatTokens(tokens)} tokens` : cost, cost !== '' && tokens > 0 &&
      html`<small>${formatTokens(tokens)} tokens</small>` as VNode)}
    ${summary !== undefined && summary.filesTotal > 0 && fact('Files', summary.filesTotal, linesNode(summary.files))}
    ${summary?.plan !== undefined && fact('Plan', `${summary.plan.done} of ${summary.plan.total}`)}
  </dl>` as VNode
}

function fact (name: string, value: string | number, more: VNode | false = false): VNode {
  return html`<div><dt>${name}</dt><dd>${value}${more && [' ', more]}</dd></div>` as VNode
}

/** What was said is as old as the answer: what runs goes on. */
function elapsedText (
  isRunning: boolean,
  said: { readonly ms: number, readonly atMs: number } | undefined,
  state: TimelineState,
  session: TimelineSession
): string {
  const format = isRunning ? formatSeconds : formatDuration
  if (said !== undefined) return format(said.ms + (isRunning ? Math.max(0, session.now() - said.atMs) : 0))
  const since = startedAtMs(state)
  const endMs = isRunning ? session.now() : state.lastActivityAtMs
  return endMs > since ? format(endMs - since) : '–'
}

/** `$0.42`; marked where something of it is not known yet, or has no price. */
function costText ({ costUsd, isProvisional, unpriced = [] }: UsageSum): string {
  if (costUsd === undefined) return ''
  return `${isProvisional || unpriced.length > 0 ? '≥ ' : ''}${formatUsd(costUsd)}`
}

function tokensOf (usage: Partial<UsageSum> = {}): number {
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens
}

/** Lines added and removed, where the agents' edits say so. */
export function linesNode (
  files: ReadonlyArray<{ readonly added?: number, readonly removed?: number }>
): VNode | false {
  const added = files.reduce((sum, file) => sum + (file.added ?? 0), 0)
  const removed = files.reduce((sum, file) => sum + (file.removed ?? 0), 0)
  if (added + removed === 0) return false
  return html`<small>${added > 0 && html`<span class="ok" title=${formatCount(added, 'line')}>+${added}</span>`}${
    added > 0 && removed > 0 && ' '}${removed > 0 && html`<span class="bad" title=${formatCount(removed, 'line')}>−${removed}</span>`}</small>` as VNode
}
