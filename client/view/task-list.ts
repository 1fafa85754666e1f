import { html } from 'htm/preact'
import { Component, h, type VNode } from 'preact'
import { TASK_STATES, type TaskRow, type TaskState } from '../../lib/model/answers.js'
import type { Tasks, TasksSession } from '../tasks-session.js'
import { toPlainText } from './ansi.js'
import { icon, spinner } from './icons.js'
import { taskRow } from './task-row.js'

/** States in which something goes on. */
export const ACTIVE_STATES = ['needs_you', 'stuck', 'quiet', 'unknown', 'working'] as const satisfies readonly TaskState[]

const SECTIONS = [
  ['Needs you', 'you', ['needs_you']],
  ['Probably stuck', 'warn', ['stuck', 'not_running']],
  ['Working', '', ['quiet', 'unknown', 'working']],
  ['Ended', '', ['failed', 'done']]
] as const satisfies ReadonlyArray<readonly [title: string, tone: string, states: readonly TaskState[]]>

const CHIPS: ReadonlyArray<readonly [name: string, states: readonly TaskState[], tone: string]> = [
  ['All', [], ''], ['Needs you', ['needs_you'], 'you'], ['Stuck', ['stuck', 'not_running'], 'warn'],
  ['Working', ['working', 'quiet', 'unknown'], ''], ['Failed', ['failed'], 'bad'], ['Done', ['done'], '']
]
const SEARCH_MS = 250

export interface TaskListProps {
  readonly session: TasksSession
  /** Where the row of a task leads. */
  readonly hrefOf: (id: string) => string
  /** A row was pressed; the address is not followed where the event's default is prevented. */
  readonly onOpen: (id: string, event: MouseEvent) => void
}

/** Every task in a row, worst first, in sections; to be searched, filtered and walked by keys. */
export class TaskList extends Component<TaskListProps, { chip: string, q: string }> {
  override state = { chip: 'All', q: '' }
  #searching: ReturnType<typeof setTimeout> | undefined
  #input: HTMLInputElement | null = null

  override componentWillUnmount (): void {
    clearTimeout(this.#searching)
  }

  override render ({ session }: TaskListProps, { chip, q }: { chip: string, q: string }): VNode {
    const { list } = session
    const { tasks, counts, isLoaded, problem, nextCursor } = list
    const running = sumOf(counts, ACTIVE_STATES)
    return html`<section class=${problem === undefined ? 'root' : 'root stale'} part="base" aria-label="Agent tasks" onKeyDown=${this.#onKey}>
      <div class="list-head" part="head"><slot name="title"><h2>Runs</h2></slot>
        <p class="lead" role="status">${isLoaded ? running === 0 ? 'Nothing runs' : `${running} running` : problem ?? 'Loading'}</p>
        ${isLoaded && html`<span class=${session.isLive && problem === undefined ? 'link live' : 'link'} title=${session.isLive ? '' : 'There is no stream: the list is asked for every four seconds.'}>
          ${problem !== undefined ? 'Not up to date' : session.isLive ? 'Live' : 'Polling'}</span>`}
        <slot name="actions"></slot>
        <label class="find" part="search">${icon('search')}<span class="unseen">Search</span><input type="search" spellcheck="false" placeholder="Title, id, command or error" value=${q}
          ref=${(input: HTMLInputElement | null) => { this.#input = input }} onInput=${this.#onInput} /><kbd aria-hidden="true">/</kbd></label></div>
      <div class="chips" part="chips" role="group" aria-label="Which tasks">${CHIPS.map(([name, states, tone]) => {
        const count = sumOf(counts, states.length === 0 ? TASK_STATES : states)
        return html`<button class=${`chip ${count > 0 ? tone : ''}`} aria-pressed=${chip === name} onClick=${() => this.#ask({ chip: name, q })}>${name} <b>${count}</b></button>`
      })}</div>
      ${problem !== undefined && isLoaded && html`<p class="problem">${icon('alert')}${toPlainText(problem)}. It is tried again by itself.</p>`}
      ${!isLoaded && problem === undefined && html`<p class="empty">${spinner()}</p>`}
      ${isLoaded && tasks.length === 0 && html`<p class="empty">${q === '' && chip === 'All' ? 'No agent has run yet. Tasks appear here as their runs start.' : 'No task is like that.'}</p>`}
      ${tasks.length > 0 && html`<div class="table" part="table">${SECTIONS.map((section) => this.#section(section, list))}</div>`}
      ${adviceLine(list.advice)}
      ${nextCursor !== undefined && html`<button class="button" onClick=${() => session.more()}>Show more tasks</button>`}
    </section>` as VNode
  }

  #section ([title, tone, states]: typeof SECTIONS[number], list: Tasks): VNode | false {
    const { session, hrefOf, onOpen } = this.props
    const tasks = list.tasks.filter(({ state }) => (states as readonly TaskState[]).includes(state))
    if (tasks.length === 0) return false
    const ageMs = session.now() - list.atMs
    const row = (task: TaskRow): VNode => taskRow({
      task, href: hrefOf(task.id), isStale: list.problem !== undefined, ageMs
    }, (event) => onOpen(task.id, event))
    return html`<section key=${title}><h3 class=${tone} part="section">${title} <span>${Math.max(tasks.length, sumOf(list.counts, states))}</span></h3>
      <ul>${tasks.map((task) => h('li', { key: task.id }, row(task)))}</ul></section>` as VNode
  }

  #ask (asked: { readonly chip: string, readonly q: string }): void {
    clearTimeout(this.#searching)
    this.setState(asked)
    this.props.session.filter({ state: CHIPS.find(([name]) => name === asked.chip)![1].join(','), q: asked.q.trim() })
  }

  readonly #onInput = ({ target }: InputEvent): void => {
    const q = (target as HTMLInputElement).value
    this.setState({ q })
    clearTimeout(this.#searching)
    this.#searching = setTimeout(() => this.#ask({ ...this.state, q }), SEARCH_MS)
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, currentTarget, target } = event
    if (ctrlKey || metaKey || altKey) return
    if (target === this.#input) {
      if (key === 'Escape') this.#input?.blur()
      return
    }
    if (key === '/') {
      event.preventDefault()
      return this.#input?.focus()
    }
    const name = key.toLowerCase()
    if (name !== 'j' && name !== 'k') return
    event.preventDefault()
    const root = currentTarget as HTMLElement
    const rows = [...root.querySelectorAll<HTMLElement>('a.task')]
    const at = rows.indexOf((root.getRootNode() as ShadowRoot).activeElement as HTMLElement)
    rows[name === 'j' ? at + 1 : Math.max(0, at - 1)]?.focus()
  }
}

/** How far to trust what is said of them. */
function adviceLine (advice: Tasks['advice']): VNode | false {
  if (advice === undefined) return false
  const lines = (['stuck', 'looping'] as const).flatMap((state) => {
    const { advised, wrong } = advice[state]
    const times = advised === 1 ? 'once' : `${advised} times`
    return advised === 0 ? [] : [`${state} ${times}${wrong === 0 ? '' : `, ${wrong} wrongly`}`]
  })
  return lines.length > 0 && html`<p class="advice">So far runs were called ${lines.join('; ')}.</p>` as VNode
}

/** How many tasks are in some states. */
export function sumOf (counts: Tasks['counts'], states: readonly TaskState[]): number {
  return states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)
}
