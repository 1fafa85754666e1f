import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { readTime } from '../store/rows.js'
import { badnessOf, type Summary, type Verdict } from '../store/summary.js'
import type { TimelineState } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { endText } from './row-text.js'
import { lookOf, roleName, rolesText } from './badges.js'
import { facts } from './facts.js'
import { failureCard } from './failure-card.js'
import { capitalise, formatSeconds, formatTime, toWords } from './format.js'
import { gauge, signOfLife, type Heard } from './gauge.js'
import { icon } from './icons.js'
import type { TimelineSession } from '../session.js'

export interface HeaderProps {
  readonly state: TimelineState
  readonly summary: Summary
  readonly session: TimelineSession
  readonly onShow: (seq: number) => void
}

const ADVICE: readonly Verdict[] = ['quiet', 'looping', 'stuck']
/** All is well: for how long says nothing. */
const BUSY: readonly Verdict[] = ['starting', 'working', 'in_tool']

/** The answer: what the task is, how it stands and on what evidence, its figures, and why it failed. */
export function Header ({ state, summary, session, onShow }: HeaderProps): VNode {
  const { task } = state
  const title = toPlainText(task.title ?? `Task ${task.id}`, 500)
  const { failure } = session.answers.summary ?? {}
  return html`<header part="header">
    <div class="answer">
      <div class="title">
        <h2 title=${title}>${title}</h2>
        ${task.status !== undefined && html`<span class="badge" part="task-status">${toPlainText(toWords(task.status), 40)}</span>`}
      </div>
      ${state.isLoaded && situation(summary, state, session)}
    </div>
    ${state.isLoaded && facts(summary, state, session)}
    ${failure !== undefined && !session.isLost && failureCard(failure, session.now(), onShow)}
  </header>` as VNode
}

function situation (summary: Summary, state: TimelineState, session: TimelineSession): VNode {
  const { verdict, invocation } = summary
  const [name, tone, word] = lookOf(verdict === 'in_tool' ? 'working' : verdict)
  const nowMs = session.now()
  const { health, healthAtMs = nowMs } = invocation ?? {}
  const isJudged = health !== undefined && verdict !== 'disconnected'
  // The sentences have durations: they were true when they were said.
  const why = isJudged && toPlainText(`At ${formatTime(healthAtMs)}: ${health.because.join(' ')}`, 500)
  const heard = isJudged && newest({ health, ageMs: nowMs - healthAtMs }, invocation!.id, session)
  return html`<div class="situation"><span class=${`state ${tone}`} part="state" title=${why}>
      ${BUSY.includes(verdict) || verdict === 'running' ? html`<span class="dot"></span>` : icon(name)}${capitalise(word)}
      ${isJudged && !BUSY.includes(verdict) && html`<span class="since">${formatSeconds(nowMs - (readTime(health.since) ?? nowMs))}</span>`}</span>
    <p class="evidence">${
      evidence(summary, state, session, nowMs).filter(Boolean).map((part, i) => i === 0 ? part : [' · ', part])}
      ${why && badnessOf(health) > 1 && verdict !== 'needs_you' && html`<small>${why}${ADVICE.includes(verdict) && ' This is advice.'}</small>`}</p>
    ${heard && gauge(heard)}${heard && signOfLife(heard)}</div>` as VNode
}

/** The summary comes more often than verdicts change, and has the younger sign of life. */
function newest (heard: Heard, id: number, session: TimelineSession): Heard {
  const { summary, atMs } = session.answers
  const ageMs = session.now() - atMs
  const { health } = summary ?? {}
  const isSame = health?.invocationId === id && health.state === heard.health.state
  return isSame && ageMs < heard.ageMs ? { health, ageMs } : heard
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
  if (verdict === 'not_running') return ['No agent is running, though the task is not at its end', silence]
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
