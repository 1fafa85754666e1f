import { html } from 'htm/preact'
import { h, render, type VNode } from 'preact'
import type { InvocationSummary } from '../../lib/model/events.js'
import { badnessOf } from '../store/summary.js'
import { toPlainText } from '../view/ansi.js'
import { avatar, lookOf, modelName, resultOf, roleName, statusBadge } from '../view/badges.js'
import { formatDuration, formatSeconds, formatUsd } from '../view/format.js'
import { icon, spinner } from '../view/icons.js'
import { RunsLoader } from './runs.js'
import { showTaskList } from './task-list.js'

const root = document.querySelector<HTMLElement>('#runs')!
const { api = '/api', base = './' } = root.dataset
const project = new URLSearchParams(location.search).get('project')
const loader = new RunsLoader({ api, project, onChange: paint })

function paint (): void {
  const { invocations, isLoaded, problem, nextCursor } = loader.runs
  const running = invocations.filter(({ status }) => status === 'running')
  const ended = invocations.filter(({ status }) => status !== 'running')
  document.title = `${running.length > 0 ? `(${running.length}) ` : ''}Runs · Agent timeline`
  root.classList.toggle('stale', problem !== undefined)
  render(html`<h1>Runs</h1>
    <p class="lead" role="status">${!isLoaded
      ? problem ?? 'Loading'
      : `${running.length === 0 ? 'Nothing runs' : `${running.length} running`} · ${ended.length}${nextCursor === undefined ? '' : '+'} ended`}</p>
    ${problem !== undefined && isLoaded && html`<p class="problem">${icon('alert')}${toPlainText(problem)}. It is tried again by itself.</p>`}
    ${!isLoaded && problem === undefined && html`<p class="empty">${spinner()}</p>`}
    ${isLoaded && invocations.length === 0 && html`<p class="empty">No agent has run yet. Runs appear here as they start.</p>`}
    ${running.length > 0 && section('Running now', running)}
    ${ended.length > 0 && section('Ended', ended)}
    ${nextCursor !== undefined && html`<button class="button" onClick=${() => loader.more()}>Show older runs</button>`}`, root)
}

function section (title: string, invocations: readonly InvocationSummary[]): VNode {
  return html`<section><h2>${title}</h2><ul class="runs">${invocations.map((invocation) => h('li', { key: invocation.id }, item(invocation)))}</ul></section>` as VNode
}

function item (invocation: InvocationSummary): VNode {
  const { taskId, title, status, error, usage, startedAt } = invocation
  const search = project === null ? '' : `?${new URLSearchParams({ project }).toString()}`
  const { health, text } = judged(invocation)
  return html`<a class=${`run ${status}`} href=${`${base}tasks/${encodeURIComponent(taskId)}${search}`}>
    ${avatar(invocation.role)}
    <span class="what">
      <b>${toPlainText(title ?? `Task ${taskId}`, 200)}</b>
      <span class="who">${title !== undefined && html`<span class="mono id" title=${toPlainText(taskId, 256)}>${toPlainText(shortened(taskId))}</span>`}${roleName(invocation)} <span class="mono">${modelName(invocation)}</span>
        ${text !== undefined && html`<span class=${error === undefined ? 'said' : `said ${lookOf(resultOf(invocation))[1]}`}>${toPlainText(text, 300)}</span>`}</span>
    </span>
    <span class="cost">${usage?.costUsd === undefined ? '' : formatUsd(usage.costUsd)}</span>
    ${statusBadge({ ...invocation, health })}
    <span class="times"><span class="duration">${durationOf(invocation)}</span>
      ${startedAt !== undefined && html`<time datetime=${startedAt} title=${startedAt}>${
        agoOf(startedAt)}</time>`}</span>
  </a>` as VNode
}

/** Enough of an id to tell it from others. */
function shortened (id: string): string {
  return id.length > 9 ? `${id.slice(0, 8)}…` : id
}

/** The verdict and the words of a line. What was heard before the server fell silent is no verdict any more. */
function judged ({ health, error, summary }: InvocationSummary): Pick<InvocationSummary, 'health'> & { readonly text?: string } {
  const current = loader.runs.problem === undefined ? health : undefined
  return { health: current, text: error ?? summary ?? current?.because.slice(0, badnessOf(current) > 1 ? undefined : 1).join(' ') }
}

function durationOf ({ status, duration, startedAt }: InvocationSummary): string {
  if (status !== 'running') return duration === undefined ? '' : formatDuration(duration)
  return startedAt === undefined ? '' : formatSeconds(loader.now() - Date.parse(startedAt))
}

function agoOf (startedAt: string): string {
  const ms = loader.now() - Date.parse(startedAt)
  return ms < 60_000 ? 'just now' : `${formatSeconds(ms).split(' ')[0]} ago`
}

/** The list of runs, for servers that have no list of tasks. */
function showRuns (): void {
  root.classList.remove('tasks')
  root.replaceChildren()
  render(null, root)
  paint()
  loader.open()
  setInterval(() => {
    if (document.visibilityState === 'visible') paint()
  }, 1000)
}

showTaskList({ root, api, base, project, onMissing: showRuns })
