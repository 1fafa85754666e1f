import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { readTime } from '../store/rows.js'
import { badnessOf, startedAtMs, totalCostUsd, type Summary, type Verdict } from '../store/summary.js'
import type { TimelineState } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { endText } from './row-text.js'
import { lookOf, roleName, rolesText } from './badges.js'
import { capitalise, formatDuration, formatSeconds, formatTime, formatUsd, toWords } from './format.js'
import { icon } from './icons.js'
import type { TimelineSession } from '../session.js'

export interface HeaderProps {
  readonly state: TimelineState
  readonly summary: Summary
  readonly isFollowing: boolean
  readonly session: TimelineSession
  readonly onFollow: (isFollowing: boolean) => void
}

const ADVICE: readonly Verdict[] = ['quiet', 'looping', 'stuck']

/** What the task is, how it stands and on what evidence. */
export function Header ({ state, summary, isFollowing, session, onFollow }: HeaderProps): VNode {
  const { task } = state
  const title = toPlainText(task.title ?? `Task ${task.id}`, 500)
  return html`<header part="header">
    <div class="title">
      <h2 title=${title}>${title}</h2>
      ${task.status !== undefined && html`<span class="badge" part="task-status">${toPlainText(toWords(task.status), 40)}</span>`}
      <span class="task-id mono">${toPlainText(task.id, 100)}</span>
      <button class="button" part="follow" aria-pressed=${isFollowing} onClick=${() => onFollow(!isFollowing)}>
        ${icon('down')}Follow</button>
    </div>
    ${state.isLoaded && html`<div class="situation">
      ${situation(summary, state, session)}
      ${figures(summary, state, session)}
    </div>`}
  </header>` as VNode
}

function situation (summary: Summary, state: TimelineState, session: TimelineSession): VNode {
  const { verdict, invocation } = summary
  const [name, tone, word] = lookOf(verdict)
  const nowMs = session.now()
  const { health, healthAtMs = nowMs } = invocation ?? {}
  const isJudged = health?.state === verdict
  // The sentences have durations: they were true when they were said.
  const why = isJudged && toPlainText(`At ${formatTime(healthAtMs)}: ${health.because.join(' ')}`, 500)
  return html`<span class=${`state ${tone}`} part="state" title=${why}>
      ${tone === 'running' ? html`<span class="dot"></span>` : icon(name)}${capitalise(word)}
      ${isJudged && html`<span class="since">${formatSeconds(nowMs - (readTime(health.since) ?? nowMs))}</span>`}</span>
    <p class="evidence">${
      evidence(summary, state, session, nowMs).filter(Boolean).map((part, i) => i === 0 ? part : [' · ', part])}
      ${why && badnessOf(health) > 1 && html`<small>${why}${ADVICE.includes(verdict) && ' This is advice.'}</small>`}</p>` as VNode
}

type Clause = VNode | VNode[] | string | number | false | undefined

/** What the word rests on, in clauses. */
function evidence (summary: Summary, state: TimelineState, session: TimelineSession, nowMs: number): Clause[] {
  const { verdict, running, invocation, change, isActive } = summary
  if (verdict === 'disconnected') {
    return [html`Nothing heard for <b>${formatSeconds(session.lostForMs)}</b>: the task may go on unseen` as VNode]
  }
  // Of several runs one may be silent while the others talk.
  const lastMs = (invocation ?? state).lastActivityAtMs ?? 0
  const silence: Clause = lastMs > (invocation?.startedAtMs ?? 0) && html`last activity <b>${formatSeconds(nowMs - lastMs)} ago</b>` as VNode
  if (running.length > 0) return [...runningClauses(summary, nowMs), silence]
  if (verdict === 'failed' && (invocation === undefined || invocation.status === 'completed')) {
    const by = change === undefined || change.actor === '' ? '' : ` by ${toPlainText(change.actor, 60)}`
    return [`Task failed${by}${said(change?.message)}`, silence]
  }
  if (invocation === undefined) return [silence]
  return [`${endText(invocation)}${said(invocation.error ?? invocation.summary)}`, isActive && 'no agent is running', silence]
}

function runningClauses ({ running, invocation, openTool }: Summary, nowMs: number): Clause[] {
  const { health, healthAtMs = nowMs, id } = invocation!
  const { tool, waitingFor } = health ?? {}
  // The verdict is on one of several.
  const isNamed = health && running.length > 1
  const call = openTool !== undefined && (health === undefined || openTool.invocationId === id)
    ? { what: `${openTool.verb === '$' ? '' : `${openTool.verb} `}${openTool.target}`, atMs: openTool.atMs }
    : tool && { what: tool.message, atMs: healthAtMs - tool.elapsedMs }
  const restMs = (readTime(waitingFor?.until) ?? 0) - nowMs
  return [
    running.length > 1 && `${isNamed ? `${roleName(invocation!)}, one of ` : ''}${running.length} runs`,
    waitingFor
      ? html`${isNamed ? '' : `${roleName(invocation!)} `}waits for <b>${toPlainText(waitingFor.what, 160)}</b>` as VNode
      : call
        ? html`${health?.state === 'lost' ? 'Was running' : 'Running'} <span class="mono">${toPlainText(call.what, 80)}</span> for <b>${
          formatSeconds(nowMs - call.atMs)}</b>` as VNode
        : !isNamed && rolesText(running) + (badnessOf(health) > 0 ? '' : ' at work'),
    restMs > 0 && html`<b>${formatSeconds(restMs)}</b> left` as VNode
  ]
}

function said (text: string | undefined): string {
  return text === undefined || text === '' ? '' : `: ${toPlainText(text, 160)}`
}

function figures (summary: Summary, state: TimelineState, session: TimelineSession): VNode {
  const since = startedAtMs(state)
  const cost = totalCostUsd(state)
  // What is further up has not been counted.
  const more = state.hasOlder ? '+' : ''
  const endMs = summary.running.length > 0 ? session.now() : state.lastActivityAtMs
  const elapsed = endMs > since ? (summary.running.length > 0 ? formatSeconds : formatDuration)(endMs - since) + more : '–'
  return html`<dl>
    <div><dt>Elapsed</dt><dd>${elapsed}</dd></div>
    <div><dt>Runs</dt><dd>${state.runsById.size}${more}</dd></div>
    <div><dt>Tool calls</dt><dd>${state.toolCalls.toLocaleString('en-US')}${more}</dd></div>
    ${cost !== undefined && html`<div><dt>Cost</dt><dd>${formatUsd(cost)}${more}</dd></div>`}
  </dl>` as VNode
}
