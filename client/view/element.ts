import { h, render } from 'preact'
import type { HeadersSource } from '../connection/api.js'
import { TimelineSession } from '../session.js'
import type { Verdict } from '../store/summary.js'
import { App } from './app.js'
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

/** Properties that are attributes too. */
const REFLECTED = ['src', 'task', 'project', 'theme', 'event'] as const
/** Everything on the page that counts up does so together. */
const TICK_MS = 1000
/** A server that renders this module has no elements. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

/**
 * `<agent-timeline src="/api" task="…" project="…">`: a task's timeline, live.
 *
 * Connects once it is in a document and has `src` and `task`; a change of these or of `headers` starts over.
 *
 * @fires agent-timeline-state when the word about the task changes; bubbles
 * @fires agent-timeline-event when the reader opens or closes a step; `event` has changed with it; bubbles
 */
export class AgentTimelineElement extends Base {
  static readonly observedAttributes = ['src', 'task', 'project', 'event']

  static {
    for (const name of REFLECTED) {
      Object.defineProperty(this.prototype, name, {
        get (this: AgentTimelineElement) { return this.getAttribute(name) ?? '' },
        set (this: AgentTimelineElement, value: unknown) { this.setAttribute(name, String(value)) }
      })
    }
  }

  #headers: HeadersSource | undefined
  #session: TimelineSession | undefined
  #isRestarting = false
  #ticker: ReturnType<typeof setInterval> | undefined
  #root: HTMLElement | undefined
  #paint: () => void = () => {}
  #toldEvent: string | undefined

  /** The API's prefix, relative to the page or absolute; `/api` by default. */
  declare src: string
  /** Id of the task; nothing is loaded without. */
  declare task: string
  /** Passed on as `?project=` where the server has several; none by default. */
  declare project: string
  /** `light` or `dark`; by default the page's `color-scheme` decides. */
  declare theme: string
  /** Number of an event to show: its row is in the middle, a step is open. Follows what the reader opens and closes. */
  declare event: string

  /** Headers of every request, or a function that makes them each time, for example to refresh a token. */
  get headers (): HeadersSource | undefined { return this.#headers }
  set headers (value: HeadersSource | undefined) {
    this.#headers = value
    this.#restart()
  }

  connectedCallback (): void {
    for (const name of [...REFLECTED, 'headers'] as const) this.#upgrade(name)
    this.#restart()
  }

  disconnectedCallback (): void {
    this.#stop()
    if (this.#root !== undefined) render(null, this.#root)
  }

  attributeChangedCallback (name: string, before: string | null, after: string | null): void {
    if (before === after) return
    // The step that was opened is none of another task.
    if (name === 'task' && this.event !== '' && this.event === this.#toldEvent) this.removeAttribute('event')
    if (name === 'event') this.#paint()
    else this.#restart()
  }

  /** Several attributes set in a row start one connection. */
  #restart (): void {
    if (this.#isRestarting || !this.isConnected) return
    this.#isRestarting = true
    queueMicrotask(() => {
      this.#isRestarting = false
      if (this.isConnected) this.#start()
    })
  }

  #stop (): void {
    clearInterval(this.#ticker)
    this.#session?.close()
    this.#session = undefined
    this.#paint = () => {}
  }

  #start (): void {
    this.#stop()
    const { task, project } = this
    const src = this.src || '/api'
    const root = this.#root ??= this.#createRoot()
    render(null, root)
    const headers: HeadersSource = async () => {
      return typeof this.#headers === 'function' ? this.#headers() : this.#headers ?? {}
    }
    const paint = (): void => {
      if (this.#session !== session) return
      render(h(App, { session, onVerdict, event: Number(this.event) || undefined, onEvent: this.#onEvent }), root)
    }
    const session = new TimelineSession({ src, task, project, headers, onChange: paint })
    const onVerdict = (verdict: Verdict): void => this.#tell(session, verdict)
    this.#session = session
    this.#paint = paint
    paint()
    if (task === '') return
    session.open()
    this.#ticker = setInterval(() => {
      if (document.visibilityState === 'visible') paint()
    }, TICK_MS)
  }

  /** What everything is rendered into: styles of its own begin here, since a page may style the element itself. */
  #createRoot (): HTMLElement {
    const shadow = this.attachShadow({ mode: 'open' })
    shadow.adoptedStyleSheets = [createStyleSheet()]
    const root = document.createElement('div')
    root.className = 'frame'
    shadow.append(root)
    return root
  }

  #tell ({ state }: TimelineSession, verdict: Verdict): void {
    const detail: AgentTimelineStateDetail = { state: verdict, task: state.task }
    this.dispatchEvent(new CustomEvent('agent-timeline-state', { detail, bubbles: true, composed: true }))
  }

  readonly #onEvent = (event: number | undefined): void => {
    this.#toldEvent = event?.toString()
    if (event === undefined) this.removeAttribute('event')
    else this.event = String(event)
    const detail: AgentTimelineEventDetail = { event }
    this.dispatchEvent(new CustomEvent('agent-timeline-event', { detail, bubbles: true, composed: true }))
  }

  /** A property that was set on the element before it had accessors hides them. */
  #upgrade (name: typeof REFLECTED[number] | 'headers'): void {
    if (!Object.hasOwn(this, name)) return
    const own = this as Partial<Record<typeof name, unknown>>
    const value = own[name]
    delete own[name]
    own[name] = value
  }
}
