import { Component, type ComponentChildren } from 'preact'

const TICK_MS = 1000

/** One timer for everything on the page that counts up. It rests while nothing does, and in hidden tabs. */
export class Ticker {
  readonly #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** @returns a function that ends the subscription */
  subscribe (listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => {
      if (document.visibilityState === 'visible') for (const each of [...this.#listeners]) each()
    }, TICK_MS)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }
}

export interface TickingProps {
  readonly ticker: Ticker
  readonly children: () => ComponentChildren
}

/** Renders its function again every second. */
export class Ticking extends Component<TickingProps> {
  #unsubscribe: (() => void) | undefined

  override componentDidMount (): void {
    this.#unsubscribe = this.props.ticker.subscribe(() => this.forceUpdate())
  }

  override componentWillUnmount (): void {
    this.#unsubscribe?.()
  }

  override render (): ComponentChildren {
    return this.props.children()
  }
}
