import { h, render } from 'preact'
import { TimelineSession } from '../session.js'
import type { Verdict } from '../store/summary.js'
import { App } from './app.js'
import { LiveElement, reflect, type LiveApi, type LiveView } from './live-element.js'
import { createStyleSheet } from './style-sheet.js'

/** `detail` of the event `agent-timeline-state`. */
export interface AgentTimelineStateDetail {
  readonly state: Verdict
  readonly task: { readonly id: string, readonly title?: string, readonly status?: string }
}

/** `detail` of the event `agent-timeline-event`. */
export interface AgentTimelineEventDetail {
  /** Number of the event whose step the reader opened; undefined when it was closed. */
  readonly event: number | undefined
}

/**
 * `<agent-timeline src="/api" task="…" project="…">`: a task's timeline, live.
 *
 * Connects once it is in a document and has `src` and `task`; a change of these or of `headers` starts over.
 *
 * @fires agent-timeline-state when the word about the task changes; bubbles
 * @fires agent-timeline-event when the reader opens or closes a step; `event` has changed with it; bubbles
 */
export class AgentTimelineElement extends LiveElement {
  static readonly observedAttributes = ['src', 'task', 'project', 'share', 'event']

  static { reflect(this.prototype, ['task', 'event']) }

  #toldEvent: string | undefined

  /** Id of the task; nothing is loaded without. */
  declare task: string
  /** Number of an event to show: its row is in the middle, a step is open. Follows what the reader opens and closes. */
  declare event: string

  attributeChangedCallback (name: string, before: string | null, after: string | null): void {
    if (before === after) return
    // The step that was opened is none of another task.
    if (name === 'task' && this.event !== '' && this.event === this.#toldEvent) this.removeAttribute('event')
    if (name === 'event') this.paint()
    else this.restart()
  }

  protected override start (root: HTMLElement, api: LiveApi): LiveView {
    const { task } = this
    const shadow = root.getRootNode() as ShadowRoot
    if (shadow.adoptedStyleSheets.length === 0) shadow.adoptedStyleSheets = [createStyleSheet()]
    const paint = (): void => {
      render(h(App, { session, onVerdict, event: Number(this.event) || undefined, onEvent: this.#onEvent }), root)
    }
    let isClosed = false
    const session = new TimelineSession({ ...api, task, onChange: () => { if (!isClosed) paint() } })
    let known: Verdict | undefined
    const onVerdict = (state: Verdict): void => {
      if (known !== undefined && state !== known) this.#notify(state, session)
      // What comes back with the connection is no news.
      if (state !== 'disconnected') known = state
      const detail: AgentTimelineStateDetail = { state, task: session.state.task }
      this.tell('agent-timeline-state', detail)
    }
    paint()
    if (task !== '') session.open()
    return {
      paint,
      close () {
        isClosed = true
        session.close()
        render(null, root)
      }
    }
  }

  #notify (state: Verdict, { state: { task }, answers }: TimelineSession): void {
    if (!this.hasAttribute('notify')) return
    const reason = state === 'failed' || state === 'timeout' ? answers.summary?.failure?.summary : undefined
    import('./late.js').then(({ notify }) => notify(state, { ...task, title: task.title, reason }), () => {})
  }

  readonly #onEvent = (event: number | undefined): void => {
    this.#toldEvent = event?.toString()
    if (event === undefined) this.removeAttribute('event')
    else this.event = String(event)
    const detail: AgentTimelineEventDetail = { event }
    this.tell('agent-timeline-event', detail)
  }
}
