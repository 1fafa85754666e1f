import { h, render } from 'preact'
import type { TaskRow, TaskState } from '../../lib/model/answers.js'
import { TasksSession } from '../tasks-session.js'
import type { LiveApi, LiveView } from './live-element.js'
import { declareColours } from './styles/colours.js'
import tasks from './styles/tasks.css'
import tokens from './styles/tokens.css'
import { notify } from './notify.js'
import { ACTIVE_STATES, TaskList, sumOf } from './task-list.js'

export interface ListViewOptions extends LiveApi {
  readonly hrefOf: (id: string) => string
  readonly onOpen: (id: string, event: MouseEvent) => void
  /** Changes of state are to be heard of while the page is not seen, too. */
  readonly isNotifying: () => boolean
  /** A notification was pressed. */
  readonly onGo: (id: string) => void
  readonly onCounts: (running: number, counts: Partial<Record<TaskState, number>>) => void
}

/** Everything the list element needs beside its name; loaded when there is such an element. */
export function openList (root: HTMLElement, options: ListViewOptions): LiveView {
  const { hrefOf, onOpen, onCounts, isNotifying, onGo, ...api } = options
  let told = ''
  let isClosed = false
  const paint = (): void => {
    if (isClosed) return
    render(h(TaskList, { session, hrefOf, onOpen }), root)
    session.isHeardHidden = isNotifying()
    const { isLoaded, counts } = session.list
    if (isLoaded) tellChanges(session.list.tasks)
    const text = JSON.stringify(counts)
    if (!isLoaded || text === told) return
    told = text
    onCounts(sumOf(counts, ACTIVE_STATES), counts)
  }
  const states = new Map<string, TaskState>()
  const tellChanges = (tasks: readonly TaskRow[]): void => {
    for (const { id, title, state, failure } of tasks) {
      const before = states.get(id)
      states.set(id, state)
      if (before === undefined || before === state || !isNotifying()) continue
      notify(state, { id, title, reason: state === 'failed' ? failure?.summary : undefined, onOpen: () => onGo(id) })
    }
  }
  const session = new TasksSession({ ...api, onChange: paint })
  paint()
  session.open()
  return {
    paint,
    close () {
      isClosed = true
      session.close()
      render(null, root)
    }
  }
}

export function createListStyleSheet (): CSSStyleSheet {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`.frame{${declareColours()}}${tokens}${tasks}`)
  return sheet
}
