import type { HeadersSource } from '../connection/api.js'

/** What an element shows while it is connected to a server. */
export interface LiveView {
  readonly paint: () => void
  /** Lets go of the server and removes what was painted. */
  readonly close: () => void
}

/** Everything on the page that counts up does so together. */
const TICK_MS = 1000
/** A server that renders this module has no elements. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

/** Makes properties of attributes. */
export function reflect (prototype: object, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get (this: Element) { return this.getAttribute(name) ?? '' },
      set (this: Element, value: unknown) { this.setAttribute(name, String(value)) }
    })
  }
}

/**
 * What both elements have in common: an API and a project, headers, a shadow root of their own, and one connection
 * while they are in a document.
 */
export abstract class LiveElement extends Base {
  static { reflect(this.prototype, ['src', 'project', 'theme', 'share']) }

  #headers: HeadersSource | undefined
  #view: LiveView | undefined
  #root: HTMLElement | undefined
  #isRestarting = false
  #ticker: ReturnType<typeof setInterval> | undefined

  /** The API's prefix, relative to the page or absolute; `/api` by default. */
  declare src: string
  /** Passed on as `?project=` where the server has several; none by default. */
  declare project: string
  /** `light` or `dark`; by default the page's `color-scheme` decides. */
  declare theme: string
  /** `off`: a connection of its own, whatever other elements and tabs have. */
  declare share: string

  /** Notifications of the browser where the reader has allowed them: a run has ended, needs a person, or is stuck. */
  get notify (): boolean { return this.hasAttribute('notify') }
  set notify (value: boolean) { this.toggleAttribute('notify', value) }

  /** Headers of every request, or a function that makes them each time, for example to refresh a token. */
  get headers (): HeadersSource | undefined { return this.#headers }
  set headers (value: HeadersSource | undefined) {
    this.#headers = value
    this.restart()
  }

  connectedCallback (): void {
    // A property that was set on the element before it had accessors hides them.
    for (const name of Object.keys(this)) {
      if (!(name in Object.getPrototypeOf(this))) continue
      const own = this as unknown as Record<string, unknown>
      const value = own[name]
      delete own[name]
      own[name] = value
    }
    this.restart()
  }

  disconnectedCallback (): void {
    this.#stop()
  }

  /** Several attributes set in a row start one connection. */
  protected restart (): void {
    if (this.#isRestarting || !this.isConnected) return
    this.#isRestarting = true
    queueMicrotask(() => {
      this.#isRestarting = false
      if (!this.isConnected) return
      this.#stop()
      const root = this.#root ??= this.#createRoot()
      this.#view = this.start(root, {
        src: this.src || '/api',
        project: this.project,
        headers: async () => typeof this.#headers === 'function' ? this.#headers() : this.#headers ?? {},
        isShared: this.share !== 'off'
      })
      this.#ticker = setInterval(() => {
        if (document.visibilityState === 'visible') this.paint()
      }, TICK_MS)
    })
  }

  protected paint (): void {
    this.#view?.paint()
  }

  /** Tells the page. Bubbles, out of shadow roots, too. @returns false where a listener prevented what would follow */
  protected tell (type: string, detail: object, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }))
  }

  /** Connects, and paints into the root whatever is known then. */
  protected abstract start (root: HTMLElement, api: LiveApi): LiveView

  #stop (): void {
    clearInterval(this.#ticker)
    this.#view?.close()
    this.#view = undefined
  }

  /** What everything is rendered into: styles of its own begin here, since a page may style the element itself. */
  #createRoot (): HTMLElement {
    const shadow = this.attachShadow({ mode: 'open' })
    const root = document.createElement('div')
    root.className = 'frame'
    shadow.append(root)
    return root
  }
}

/** Where an element gets what it shows. */
export interface LiveApi {
  readonly src: string
  readonly project: string
  readonly headers: HeadersSource
  /** The stream may be one that others of this browser use, too. */
  readonly isShared: boolean
}
