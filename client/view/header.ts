import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ConnectionState } from '../connection/connection-state.js'
import { startedAtMs, totalCostUsd, type Summary } from '../store/summary.js'
import type { TimelineState } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { endText } from './row-text.js'
import { RESULTS, rolesText, verdictText } from './badges.js'
import { formatSeconds, formatUsd, toWords } from './format.js'
import { icon } from './icons.js'
import type { TimelineSession } from '../session.js'

export interface HeaderProps {
  readonly state: TimelineState
  readonly summary: Summary
  readonly connection: ConnectionState
  readonly isFollowing: boolean
  readonly session: TimelineSession
  readonly onFollow: (isFollowing: boolean) => void
}

/** What the task is, how it stands and on what evidence. */
export function Header ({ state, summary, connection, isFollowing, session, onFollow }: HeaderProps): VNode {
  const { task } = state
  const title = task.title ?? `Task ${task.id}`
  return html`<header part="header">
    <div class="title">
      <h2 title=${toPlainText(title, 500)}>${toPlainText(title, 500)}</h2>
      ${task.status !== undefined && html`<span class="badge" part="task-status">${toPlainText(toWords(task.status), 40)}</span>`}
      <span class="task-id mono">${toPlainText(task.id, 100)}</span>
      <button class="button" part="follow" aria-pressed=${isFollowing} onClick=${() => onFollow(!isFollowing)}>
        ${icon('follow')}Follow</button>
    </div>
    ${state.isLoaded && html`<div class="situation">
      ${situation(summary, state, connection, session)}
      ${figures(summary, state, session)}
    </div>`}
  </header>` as VNode
}

function situation (
  summary: Summary, state: TimelineState, connection: ConnectionState, session: TimelineSession
): VNode {
  const { verdict } = summary
  const { icon: name, tone } = RESULTS[verdict]
  return html`<span class=${`state ${tone}`} part="state">
      ${verdict === 'running' ? html`<span class="dot"></span>` : icon(name)}${verdictText(verdict)}</span>
    <p class="evidence">${evidence(summary, state, connection, session.now())}</p>` as VNode
}

/** The sentence that the word rests on. */
function evidence (summary: Summary, state: TimelineState, connection: ConnectionState, nowMs: number): VNode | string {
  const { verdict, running, invocation, openTool, change, isActive } = summary
  const silence = state.lastActivityAtMs === 0
    ? ''
    : html` · last activity <b>${formatSeconds(nowMs - state.lastActivityAtMs)} ago</b>`
  if (verdict === 'lost') {
    const { sinceMs } = connection as { sinceMs: number }
    return html`Nothing heard for <b>${formatSeconds(Date.now() - sinceMs)}</b>: the task may go on unseen` as VNode
  }
  if (verdict === 'running' && openTool !== undefined) {
    const what = toPlainText(`${openTool.verb === '$' ? '' : `${openTool.verb} `}${openTool.target}`, 80)
    return html`${running.length > 1 ? `${running.length} runs · ` : ''}Running <span class="mono">${what}</span> for <b>${
      formatSeconds(nowMs - openTool.atMs)}</b>${silence}` as VNode
  }
  if (verdict === 'running') return html`${rolesText(running)} at work${silence}` as VNode
  if (verdict === 'waiting') return waitingFor(summary, nowMs, silence)
  if (verdict === 'failed' && (invocation === undefined || invocation.status === 'completed')) {
    const by = change === undefined || change.actor === '' ? '' : ` by ${toPlainText(change.actor, 60)}`
    return html`Task failed${by}${said(change?.message)}${silence}` as VNode
  }
  if (invocation === undefined) return html`No agent has run yet${silence}` as VNode
  return html`${endText(invocation)}${said(invocation.error ?? invocation.summary)}${
    isActive && ' · no agent is running now'}${silence}` as VNode
}

function said (text: string | undefined): string {
  return text === undefined || text === '' ? '' : `: ${toPlainText(text, 160)}`
}

function waitingFor ({ running, invocation }: Summary, nowMs: number, silence: VNode | VNode[] | string): VNode {
  const waiting = running[0]?.waitingFor
  if (waiting === undefined) {
    return html`${invocation === undefined ? '' : `${endText(invocation)} · `}no agent is running now${silence}` as VNode
  }
  const restMs = (waiting.untilMs ?? 0) - nowMs
  return html`<b>${toPlainText(waiting.text, 160)}</b>${restMs > 0 && html` · <b>${formatSeconds(restMs)}</b> left`}${silence}` as VNode
}

function figures (summary: Summary, state: TimelineState, session: TimelineSession): VNode {
  const since = startedAtMs(state)
  const cost = totalCostUsd(state)
  // What is further up has not been counted.
  const more = state.hasOlder ? '+' : ''
  const endMs = summary.running.length > 0 ? session.now() : state.lastActivityAtMs
  const elapsed = since === Infinity ? '–' : formatSeconds(endMs - since) + more
  return html`<dl>
    <div><dt>Elapsed</dt><dd>${elapsed}</dd></div>
    <div><dt>Runs</dt><dd>${state.invocations.size}${more}</dd></div>
    <div><dt>Tool calls</dt><dd>${state.toolCalls.toLocaleString('en-US')}${more}</dd></div>
    ${cost !== undefined && html`<div><dt>Cost</dt><dd>${formatUsd(cost)}${more}</dd></div>`}
  </dl>` as VNode
}
