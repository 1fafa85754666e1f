import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ToolCall } from '../../lib/model/answers.js'
import type { InvocationSummary } from '../../lib/model/events.js'
import { toPlainText } from './ansi.js'
import { lookOf, resultOf, roleName } from './badges.js'
import { linesNode } from './facts.js'
import { formatUsd } from '../../lib/model/format-usd.js'
import { formatDuration, formatSeconds } from './format.js'
import { icon, spinner } from './icons.js'
import type { TimelineSession } from '../session.js'

export interface OutlineProps {
  readonly session: TimelineSession
  /** Asked for, where it is not always in view. */
  readonly isOpen: boolean
  readonly onShow: (seq: number) => void
  readonly onShowRun: (id: number) => void
}

/** Entries of a section before the reader asks for the rest by scrolling: an index, not a second list. */
const MAX_FAILURES = 50
const PLAN_SIGNS = { completed: ['check', 'good', 'done'], in_progress: ['ring', 'running', 'now'], pending: ['dashed', '', 'to do'] } as const

/** Plan, runs, files and failures of the whole task; each leads to its place in the story. */
export function Outline ({ session, isOpen, onShow, onShowRun }: OutlineProps): VNode | null {
  const { summary, calls, runs } = session.answers
  if (summary === undefined) return null
  const { plan, files, filesTotal } = summary
  const failures = [...calls.values()].filter(({ status }) => status === 'error' || status === 'denied')
  return html`<nav class=${isOpen ? 'outline is-open' : 'outline'} part="outline" aria-label="Outline" tabindex="0">
    ${plan !== undefined && html`<h3>Plan<span>${plan.done} of ${plan.total}</span></h3>
      <ul>${plan.entries.map(({ text, status }) => {
        const [sign, tone, word] = PLAN_SIGNS[status]
        return html`<li class=${`entry plan ${status}`}><span class=${`sign ${tone}`}>${icon(sign)}<span class="unseen">${word}: </span></span>${toPlainText(text, 200)}</li>`
      })}</ul>`}
    ${runs.length > 0 && html`<h3>Runs<span>${summary.runs.total}</span></h3>
      <ul>${[...runs].reverse().map((run) => html`<li><button class="entry" onClick=${() => onShowRun(run.id)}>
        ${runSign(run)}<span class="name">${roleName(run)} <span class="quiet">#${run.id}</span></span><span class="d">${runText(run, session.now())}</span></button></li>`)}</ul>`}
    ${files.length > 0 && html`<h3>Files changed<span>${filesTotal}</span></h3>
      <ul>${files.map((file) => {
        const path = toPlainText(file.path, 300)
        const seq = lastEdit(calls, file.path)
        return html`<li><button class="entry" title=${path} disabled=${seq === undefined} onClick=${() => seq !== undefined && onShow(seq)}>
          <span class="mono name path"><bdi>${path}</bdi></span><span class="d">${file.isNew === true ? html`<span class="ok">new</span> ` : ''}${linesNode([file]) || (file.edits > 1 && `${file.edits}×`)}</span></button></li>`
      })}</ul>`}
    ${failures.length > 0 && html`<h3>Failures<kbd aria-hidden="true">E</kbd></h3>
      <ul>${failures.slice(-MAX_FAILURES).map((call) => html`<li><button class="entry" onClick=${() => onShow(call.seq)}>
        <span class="sign bad">${icon('x')}</span><span class="mono name">${toPlainText(call.message.replace(/^exec: /, ''), 120)}</span></button></li>`)}</ul>`}
  </nav>` as VNode
}

function runSign (run: InvocationSummary): VNode {
  const [name, tone] = lookOf(resultOf(run))
  return html`<span class=${`sign ${tone === 'stuck' ? 'warn' : tone}`}>${run.status === 'running' && tone === 'running' ? spinner() : icon(name)}</span>` as VNode
}

function runText ({ status, duration, startedAt, usage }: InvocationSummary, nowMs: number): string {
  const time = status === 'running'
    ? startedAt === undefined ? '' : formatSeconds(nowMs - Date.parse(startedAt))
    : duration === undefined ? '' : duration < 60_000 ? formatDuration(duration) : formatSeconds(duration)
  return [usage?.costUsd === undefined ? '' : formatUsd(usage.costUsd), time].filter(Boolean).join(' · ')
}

function lastEdit (calls: ReadonlyMap<number, ToolCall>, path: string): number | undefined {
  let last: number | undefined
  for (const { seq, kind, file, message } of calls.values()) {
    if (kind === 'edit' && (file?.path === path || message.endsWith(path))) last = seq
  }
  return last
}
