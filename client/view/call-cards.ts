import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ToolCallDetails } from '../../lib/model/answers.js'
import type { Row, TextRow } from '../store/rows.js'
import { lowerBound } from '../store/rows.js'
import { toPlainText } from './ansi.js'
import { formatDate, formatDuration, formatSeconds, formatTime } from './format.js'

const BARS = 46
/** Rows that are looked at for what was said before a call. */
const ROWS = 300

/** The same command before: how it came out and how long it took. */
export function earlierCard ({ earlier, invocationId }: ToolCallDetails, taskId: string, nowMs: number): VNode | false {
  return earlier.length > 0 && html`<section class="card"><h4>The same command before</h4>
    <ul class="earlier">${earlier.map((call) => {
      const atMs = Date.parse(call.startedAt)
      const run = call.invocationId === invocationId ? 'this run' : `run #${call.invocationId}`
      const where = call.taskId === taskId ? run : `task ${toPlainText(call.taskId, 20)}`
      const outcome = call.exitCode === undefined || call.exitCode === 0 ? call.status : `exit ${call.exitCode}`
      return html`<li><span>${where}, ${formatDate(atMs, nowMs)} ${formatTime(atMs)}</span><span class=${call.status === 'ok' ? 'ok' : 'bad'}>${
        outcome}</span><span>${call.durationMs === undefined ? '' : formatDuration(call.durationMs)}</span></li>`
    })}</ul></section>` as VNode
}

/** What was heard of a call while it ran, as bars over its time. */
export function signsCard (
  startedAtMs: number, untilMs: number, { beats = [] }: Partial<Pick<ToolCallDetails, 'beats'>>, alive: VNode | false
): VNode {
  const spanMs = Math.max(1000, untilMs - startedAtMs)
  const counts = new Array<number>(BARS).fill(0)
  for (const { timestamp } of beats) {
    const place = Math.floor((Date.parse(timestamp) - startedAtMs) / spanMs * BARS)
    counts[Math.min(BARS - 1, Math.max(0, place))]!++
  }
  const most = Math.max(1, ...counts)
  const last = beats.at(-1)
  return html`<section class="card"><h4>Signs of life</h4>
    <div class="beats" aria-hidden="true">${counts.map((count) => html`<i style=${`height:${3 + Math.round(count / most * 19)}px`} class=${count === 0 ? 'none' : ''}></i>`)}</div>
    <p class="quiet">${alive}${alive && last !== undefined && ' · '}${last !== undefined
      ? `last sign ${formatSeconds(untilMs - Date.parse(last.timestamp))} ago: ${toPlainText(last.message, 120)}`
      : !alive && 'None since it began.'}</p></section>` as VNode
}

/** What the agent said before it did something. */
export function whyCard (rows: readonly Row[], seq: number, invocationId: number): VNode | false {
  const before = lowerBound(rows, seq)
  for (let i = before - 1; i >= Math.max(0, before - ROWS); i--) {
    const row = rows[i]!
    if (row.kind === 'start' && row.invocationId === invocationId) break
    const isSaid = row.kind === 'output' || (row.kind === 'progress' && row.progressKind === 'reasoning')
    if (isSaid && row.invocationId === invocationId) return saidCard('Why it runs this', row)
  }
  return false
}

export function saidCard (title: string, { text }: TextRow): VNode {
  return html`<section class="card"><h4>${title}</h4><p>“${toPlainText(text, 600)}”</p></section>` as VNode
}
