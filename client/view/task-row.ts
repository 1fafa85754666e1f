import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { TaskRow, TaskState } from '../../lib/model/answers.js'
import { toPlainText } from './ansi.js'
import { formatUsd } from '../../lib/model/format-usd.js'
import { formatCount, formatSeconds, formatTokens } from './format.js'
import { icon, type IconName } from './icons.js'

const SIGNS: Readonly<Record<TaskState, readonly [icon: IconName, tone: string, word: string]>> = {
  needs_you: ['hand', 'you', 'needs you'],
  stuck: ['alert', 'warn', 'probably stuck'],
  not_running: ['alert', 'warn', 'not running'],
  quiet: ['clock', 'warn', 'quiet'],
  unknown: ['help', '', 'unknown'],
  working: ['ring', 'run', 'working'],
  failed: ['x', 'bad', 'failed'],
  done: ['check', 'good', 'done']
}

export interface TaskRowProps {
  readonly task: TaskRow
  readonly href: string
  /** What was heard before the server fell silent is no verdict any more. */
  readonly isStale: boolean
  /** How long ago the row was said, by the server's clock. */
  readonly ageMs: number
}

/** A task in a line: its state, what it is, what it does now or why it failed, who, its last half hour, time, cost. */
export function taskRow ({ task, href, isStale, ageMs }: TaskRowProps, onOpen: (event: MouseEvent) => void): VNode {
  const { id, title, state, now, who, runs, failure, usage } = task
  const isOver = state === 'failed' || state === 'done'
  const [sign, tone, word] = isStale && !isOver ? ['help', '', 'not known'] as const : SIGNS[state]
  // What failed before is told where nothing runs now.
  const isFailure = failure !== undefined && (now === undefined || state === 'failed')
  const text = isFailure ? failure.summary : now?.text ?? (state === 'not_running' ? 'no agent is running' : '')
  const names = [...new Set(who.map(({ role }) => role))].join(', ')
  const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0)
  const isGrowing = !isOver && state !== 'not_running'
  return html`<a class="task" part="row" href=${href} onClick=${onOpen}>
    <span class=${`sign ${tone}`}>${icon(sign)}<span class="unseen">${word}: </span></span>
    <span class="mono id" title=${toPlainText(id, 256)}>${toPlainText(id, 40)}</span>
    <span class="name">${toPlainText(title ?? `Task ${id}`, 200)}${runs > 1 && html` <small>${formatCount(runs, 'run')}</small>`}</span>
    <span class=${`mono now ${isFailure ? 'bad' : ''}`} title=${toPlainText(text, 400)}>${toPlainText(text, 200)}</span>
    <span class="who">${toPlainText([names, who[0]?.model ?? who[0]?.provider].filter(Boolean).join(' · '), 80)}</span>
    ${picture(task)}
    <span class=${`time ${tone}`}>${formatSeconds(task.elapsedMs + (isGrowing ? Math.max(0, ageMs) : 0))}</span>
    <span class="cost">${usage.costUsd !== undefined ? formatUsd(usage.costUsd) : tokens > 0 ? `${formatTokens(tokens)} tok` : '–'}</span>
  </a>` as VNode
}

/** The last half hour of what goes on; the runs of what is over. */
function picture ({ state, recent, outcomes }: TaskRow): VNode {
  if (state === 'failed' || state === 'done') {
    return html`<span class="dots" role="img" aria-label=${outcomes.length === 0 ? 'No runs' : `Runs: ${outcomes.join(', ')}`}>${outcomes.map((outcome) =>
      html`<i class=${outcome === 'completed' ? '' : outcome === 'failed' ? 'bad' : 'warn'}></i>`)}</span>` as VNode
  }
  const most = Math.max(1, ...recent)
  return html`<span class="spark" role="img" aria-label="Activity of the last half hour">${recent.map((count) =>
    html`<i style=${`height:${count === 0 ? 1 : 2 + Math.round(count / most * 14)}px`}></i>`)}</span>` as VNode
}
