import { h, render } from 'preact'
import type { HeadersSource } from '../connection/api.js'
import { TimelineSession } from '../session.js'
import type { Verdict } from '../store/summary.js'
import { App } from './app.js'
import { createStyleSheet } from './style-sheet.js'
import { Ticker } from './ticker.js'

/** `detail` of the event `agent-timeline-state`. */
export interface AgentTimelineStateDetail {
  readonly state: Verdict
  readonly task: { readonly id: string, readonly title?: string, readonly status?: string }
}

/** Members that a page may have set before the element was defined. */
const PROPERTIES = ['src', 'task', 'project', 'theme', 'headers'] as const
/** A server that renders this module has no elements. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

/**
 * `<agent-timeline src="/api" task="…" project="…">`: a task's timeline, live.
 *
 * Connects once it is in a document and has `src` and `task`; a change of these or of `headers` starts over.
 *
 * @fires agent-timeline-state when the word about the task changes; bubbles
 */
export class AgentTimelineElement extends Base {
  static readonly observedAttributes = ['src', 'task', 'project']

  #headers: HeadersSource | undefined
  #session: TimelineSession | undefined
  #isRestarting = false
  #root: ShadowRoot | undefined

  /** The API's prefix, relative to the page or absolute; `/api` by default. */
  get src (): string { return this.getAttribute('src') ?? '/api' }
  set src (value: string) { this.setAttribute('src', value) }

  /** Id of the task; nothing is loaded without. */
  get task (): string { return this.getAttribute('task') ?? '' }
  set task (value: string | number) { this.setAttribute('task', String(value)) }

  /** Passed on as `?project=` where the server has several; none by default. */
  get project (): string { return this.getAttribute('project') ?? '' }
  set project (value: string) { this.setAttribute('project', value) }

  /** `light` or `dark`; by default the page's `color-scheme` and the system decide. */
  get theme (): string { return this.getAttribute('theme') ?? '' }
  set theme (value: string) { this.setAttribute('theme', value) }

  /** Headers of every request, or a function that makes them each time, for example to refresh a token. */
  get headers (): HeadersSource | undefined { return this.#headers }
  set headers (value: HeadersSource | undefined) {
    this.#headers = value
    this.#restart()
  }

  connectedCallback (): void {
    for (const name of PROPERTIES) this.#upgrade(name)
    this.#restart()
  }

  disconnectedCallback (): void {
    this.#session?.close()
    this.#session = undefined
    if (this.#root !== undefined) render(null, this.#root)
  }

  attributeChangedCallback (_name: string, before: string | null, after: string | null): void {
    if (before !== after) this.#restart()
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

  #start (): void {
    this.#session?.close()
    const { src, task, project } = this
    const root = this.#root ??= this.#createRoot()
    render(null, root)
    const headers: HeadersSource = async () => {
      return typeof this.#headers === 'function' ? this.#headers() : this.#headers ?? {}
    }
    const paint = (): void => {
      if (this.#session !== session) return
      render(h(App, { services, onVerdict }), root)
    }
    const session = new TimelineSession({
      src, task, headers, onChange: paint, ...(project === '' ? {} : { project })
    })
    const services = { session, ticker: new Ticker() }
    const onVerdict = (verdict: Verdict): void => this.#tell(session, verdict)
    this.#session = session
    paint()
    if (task !== '') session.open()
  }

  #createRoot (): ShadowRoot {
    const root = this.attachShadow({ mode: 'open' })
    root.adoptedStyleSheets = [createStyleSheet()]
    return root
  }

  #tell ({ state }: TimelineSession, verdict: Verdict): void {
    const detail: AgentTimelineStateDetail = { state: verdict, task: state.task }
    this.dispatchEvent(new CustomEvent('agent-timeline-state', { detail, bubbles: true, composed: true }))
  }

  /** A property that was set on the element before it had accessors hides them. */
  #upgrade (name: typeof PROPERTIES[number]): void {
    if (!Object.hasOwn(this, name)) return
    const value: unknown = this[name]
    Reflect.deleteProperty(this, name)
    Reflect.set(this, name, value)
  }
}
