import type { TaskState } from '../../lib/model/answers.js'
import { LiveElement, reflect, type LiveApi, type LiveView } from './live-element.js'

/** `detail` of the event `agent-timeline-counts`. */
export interface AgentTimelineCountsDetail {
  /** Tasks in which something runs, or waits for a person. */
  readonly running: number
  /** Tasks by state; a state without any may be missing. */
  readonly counts: Partial<Record<TaskState, number>>
}

/** `detail` of the event `agent-timeline-open`. */
export interface AgentTimelineOpenDetail {
  readonly task: string
  /** Where the row leads unless the event's default is prevented. */
  readonly href: string
}

/**
 * `<agent-timeline-list src="/api" project="…">`: every task in a row, worst first, live from one stream.
 *
 * As high as its rows, unless the page gives it a height: then it scrolls.
 *
 * @fires agent-timeline-open when a row is pressed; bubbles, can be prevented
 * @fires agent-timeline-counts when the number of tasks in some state changes; bubbles
 */
export class AgentTimelineListElement extends LiveElement {
  static readonly observedAttributes = ['src', 'project', 'share', 'href', 'notify']

  static { reflect(this.prototype, ['href']) }

  /** Address of a task's page, with `{id}` where its id goes; `/timeline/tasks/{id}` by default. */
  declare href: string

  attributeChangedCallback (name: string, before: string | null, after: string | null): void {
    if (before === after) return
    if (name === 'href' || name === 'notify') this.paint()
    else this.restart()
  }

  protected override start (root: HTMLElement, api: LiveApi): LiveView {
    let view: LiveView | undefined
    let isClosed = false
    const options = {
      ...api,
      hrefOf: (id: string) => this.#hrefOf(id),
      onOpen: (task: string, event: MouseEvent) => {
        // A key with it means another tab, which is the browser's.
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
        const detail: AgentTimelineOpenDetail = { task, href: this.#hrefOf(task) }
        if (!this.tell('agent-timeline-open', detail, true)) event.preventDefault()
      },
      isNotifying: () => this.notify,
      onGo: (task: string) => {
        const detail: AgentTimelineOpenDetail = { task, href: this.#hrefOf(task) }
        if (this.tell('agent-timeline-open', detail, true)) location.assign(detail.href)
      },
      onCounts: (running: number, counts: AgentTimelineCountsDetail['counts']) => {
        const detail: AgentTimelineCountsDetail = { running, counts }
        this.tell('agent-timeline-counts', detail)
      }
    }
    import('./list-view.js').then(({ openList, createListStyleSheet }) => {
      if (isClosed) return
      const shadow = root.getRootNode() as ShadowRoot
      if (shadow.adoptedStyleSheets.length === 0) shadow.adoptedStyleSheets = [createListStyleSheet()]
      view = openList(root, options)
    }, (error: unknown) => {
      root.textContent = 'The list could not be loaded. Reload the page to try again.'
      console.error(error)
    })
    return {
      paint: () => view?.paint(),
      close () {
        isClosed = true
        view?.close()
      }
    }
  }

  #hrefOf (id: string): string {
    const href = (this.href || '/timeline/tasks/{id}').replaceAll('{id}', () => encodeURIComponent(id))
    return this.project === '' || href.includes('project=')
      ? href
      : `${href}${href.includes('?') ? '&' : '?'}project=${encodeURIComponent(this.project)}`
  }
}
