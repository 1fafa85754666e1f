import { h, render } from 'preact'
import type { TaskState } from '../../lib/model/answers.js'
import { TasksSession } from '../tasks-session.js'
import type { LiveApi, LiveView } from './live-element.js'
import { declareColours } from './styles/colours.js'
import tasks from './styles/tasks.css'
import tokens from './styles/tokens.css'
import { ACTIVE_STATES, TaskList, sumOf } from './task-list.js'

export interface ListViewOptions extends LiveApi {
  readonly hrefOf: (id: string) => string
  readonly onOpen: (id: string, event: MouseEvent) => void
  readonly onCounts: (running: number, counts: Partial<Record<TaskState, number>>) => void
}

/** Everything the list element needs beside its name; loaded when there is such an element. */
export function openList (root: HTMLElement, { hrefOf, onOpen, onCounts, ...api }: ListViewOptions): LiveView {
  let told = ''
  let isClosed = false
  const paint = (): void => {
    if (isClosed) return
    render(h(TaskList, { session, hrefOf, onOpen }), root)
    const { isLoaded, counts } = session.list
    const text = JSON.stringify(counts)
    if (!isLoaded || text === told) return
    told = text
    onCounts(sumOf(counts, ACTIVE_STATES), counts)
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
