import { html } from 'htm/preact'
import { h, render, type VNode } from 'preact'
import { TASK_STATES, type TaskRow, type TaskState } from '../../lib/model/answers.js'
import { toPlainText } from '../view/ansi.js'
import { formatCount, formatSeconds, formatTokens, formatUsd } from '../view/format.js'
import { icon, spinner, type IconName } from '../view/icons.js'
import { TasksLoader, type Tasks } from './tasks.js'

const SECTIONS = [
  ['Needs you', 'you', ['needs_you']],
  ['Probably stuck', 'warn', ['stuck', 'not_running']],
  ['Working', '', ['quiet', 'unknown', 'working']],
  ['Ended', '', ['failed', 'done']]
] as const satisfies ReadonlyArray<readonly [title: string, tone: string, states: readonly TaskState[]]>

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

const CHIPS: ReadonlyArray<readonly [name: string, states: readonly TaskState[], tone: string]> = [
  ['All', [], ''], ['Needs you', ['needs_you'], 'you'], ['Stuck', ['stuck', 'not_running'], 'warn'],
  ['Working', ['working', 'quiet', 'unknown'], ''], ['Failed', ['failed'], 'bad'], ['Done', ['done'], '']
]
const SEARCH_MS = 250

export interface TaskListOptions {
  readonly root: HTMLElement
  readonly api: string
  readonly base: string
  readonly project: string | null
  /** The server lists runs only. */
  readonly onMissing: () => void
}

/** The list page: a row a task, worst first, kept up to date. */
export function showTaskList ({ root, api, base, project, onMissing }: TaskListOptions): void {
  let chip = 'All'
  let q = ''
  let searching: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  const loader = new TasksLoader({
    api,
    project,
    onChange: paint,
    onMissing: () => {
      isOver = true
      clearInterval(ticker)
      document.removeEventListener('keydown', onKey)
      onMissing()
    }
  })
  const search = project === null ? '' : `?${new URLSearchParams({ project }).toString()}`
  const ask = (): void => loader.filter({ state: CHIPS.find(([name]) => name === chip)![1].join(','), q })

  function paint (): void {
    if (isOver) return
    const { list } = loader
    const { tasks, counts, isLoaded, problem, nextCursor } = list
    const running = sumOf(counts, ['needs_you', 'stuck', 'quiet', 'unknown', 'working'])
    document.title = `${running > 0 ? `(${running}) ` : ''}Runs · Agent timeline`
    root.classList.toggle('stale', problem !== undefined)
    root.classList.add('tasks')
    render(html`<div class="list-head"><h1>Runs</h1>
        <p class="lead" role="status">${isLoaded ? running === 0 ? 'Nothing runs' : `${running} running` : problem ?? 'Loading'}</p>
        <label class="find">${icon('search')}<span class="unseen">Search</span><input type="search" placeholder="Title, id, command or error" value=${q}
          onInput=${({ target }: InputEvent) => {
            q = (target as HTMLInputElement).value.trim()
            clearTimeout(searching)
            searching = setTimeout(ask, SEARCH_MS)
          }} /><kbd aria-hidden="true">/</kbd></label></div>
      <div class="chips" role="group" aria-label="Which tasks">${CHIPS.map(([name, states, tone]) => {
        const count = sumOf(counts, states.length === 0 ? TASK_STATES : states)
        return html`<button class=${`chip ${count > 0 ? tone : ''}`} aria-pressed=${chip === name} onClick=${() => {
          chip = name
          ask()
          paint()
        }}>${name} <b>${count}</b></button>`
      })}</div>
      ${problem !== undefined && isLoaded && html`<p class="problem">${icon('alert')}${toPlainText(problem)}. It is tried again by itself.</p>`}
      ${!isLoaded && problem === undefined && html`<p class="empty">${spinner()}</p>`}
      ${isLoaded && tasks.length === 0 && html`<p class="empty">${q === '' && chip === 'All' ? 'No agent has run yet. Tasks appear here as their runs start.' : 'No task is like that.'}</p>`}
      ${tasks.length > 0 && html`<div class="table">${SECTIONS.map(([title, tone, states]) => section(title, tone, tasks.filter(({ state }) =>
        (states as readonly TaskState[]).includes(state)), list))}</div>`}
      ${adviceLine(list.advice)}
      ${nextCursor !== undefined && html`<button class="button" onClick=${() => loader.more()}>Show more tasks</button>`}`, root)
  }

  function section (title: string, tone: string, tasks: readonly TaskRow[], { counts }: Tasks): VNode | false {
    if (tasks.length === 0) return false
    const states = SECTIONS.find(([name]) => name === title)![2] as readonly TaskState[]
    const total = Math.max(tasks.length, sumOf(counts, states))
    return html`<section key=${title}><h2 class=${tone}>${title} <span>${total}</span></h2>
      <ul>${tasks.map((task) => h('li', { key: task.id }, row(task)))}</ul></section>` as VNode
  }

  function row (task: TaskRow): VNode {
    const { id, title, state, now, who, runs, failure, usage } = task
    // What was heard before the server fell silent is no verdict any more.
    const isStale = loader.list.problem !== undefined && state !== 'failed' && state !== 'done'
    const [sign, tone, word] = isStale ? ['help', '', 'not known'] as const : SIGNS[state]
    // What failed before is told where nothing runs now.
    const isFailure = failure !== undefined && (now === undefined || state === 'failed')
    const text = isFailure ? failure.summary : now?.text ?? ''
    const [first] = who
    const names = [...new Set(who.map(({ role }) => role))].join(', ')
    const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0)
    return html`<a class="task" href=${`${base}tasks/${encodeURIComponent(id)}${search}`}>
      <span class=${`sign ${tone}`}>${icon(sign)}<span class="unseen">${word}: </span></span>
      <span class="mono id" title=${toPlainText(id, 256)}>${toPlainText(id, 40)}</span>
      <span class="name">${toPlainText(title ?? `Task ${id}`, 200)}${runs > 1 && html` <small>${formatCount(runs, 'run')}</small>`}</span>
      <span class=${`mono now ${isFailure ? 'bad' : ''}`}>${toPlainText(text, 200)}</span>
      <span class="who">${toPlainText([names, first?.model ?? first?.provider].filter(Boolean).join(' · '), 80)}</span>
      ${picture(task)}
      <span class=${`time ${tone}`}>${formatSeconds(elapsedOf(task))}</span>
      <span class="cost">${usage.costUsd !== undefined ? formatUsd(usage.costUsd) : tokens > 0 ? `${formatTokens(tokens)} tok` : '–'}</span>
    </a>` as VNode
  }

  /** What goes on has grown since it was told. */
  function elapsedOf ({ state, elapsedMs }: TaskRow): number {
    const isOver = state === 'failed' || state === 'done' || state === 'not_running'
    return elapsedMs + (isOver ? 0 : Math.max(0, loader.now() - loader.list.atMs))
  }

  function onKey (event: KeyboardEvent): void {
    const { key, ctrlKey, metaKey, altKey, target } = event
    if (ctrlKey || metaKey || altKey) return
    const input = root.querySelector('input')!
    if (target === input) {
      if (key === 'Escape') input.blur()
      return
    }
    if (key === '/') {
      event.preventDefault()
      return input.focus()
    }
    if (key !== 'j' && key !== 'k') return
    const rows = [...root.querySelectorAll<HTMLElement>('a.task')]
    const at = rows.indexOf(document.activeElement as HTMLElement)
    rows[key === 'j' ? at + 1 : Math.max(0, at - 1)]?.focus()
  }

  document.addEventListener('keydown', onKey)
  const ticker = setInterval(() => {
    if (document.visibilityState === 'visible') paint()
  }, 1000)
  root.replaceChildren()
  paint()
  loader.open()
}

/** How far to trust what is said of them. */
function adviceLine (advice: Tasks['advice']): VNode | false {
  if (advice === undefined) return false
  const lines = (['stuck', 'looping'] as const).flatMap((state) => {
    const { advised, wrong } = advice[state]
    return advised === 0 ? [] : [`${state} ${advised === 1 ? 'once' : `${advised} times`}${wrong === 0 ? '' : `, ${wrong} wrongly`}`]
  })
  return lines.length > 0 && html`<p class="advice">So far runs were called ${lines.join('; ')}.</p>` as VNode
}

function sumOf (counts: Tasks['counts'], states: readonly TaskState[]): number {
  return states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
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
