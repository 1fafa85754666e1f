export interface FrameBatchOptions<T> {
  /** Takes what has come since the last call, in its order. */
  readonly onBatch: (items: readonly T[]) => void
  /** Items a second from which on the page is painted about ten times a second only; 200 by default. */
  readonly fastRate?: number
}

const SLOW_PAINT_MS = 100
const RATE_WINDOW_MS = 1000
/** In a hidden tab no frame ever comes: from so many items on they are taken in unseen. */
const HIDDEN_LIMIT = 1000
const HIDDEN_FLUSH_MS = 1000

/**
 * Collects what arrives and hands it over once per animation frame; about ten times a second when much arrives, since
 * nobody reads faster. Never holds more than a second's worth in a hidden tab.
 */
export class FrameBatch<T> {
  readonly #options: FrameBatchOptions<T>
  #queue: T[] = []
  #frame: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastPaintMs = 0
  /** Counts of the recent past: when each batch was taken and how many it had. */
  #recent: Array<{ atMs: number, count: number }> = []

  constructor (options: FrameBatchOptions<T>) {
    this.#options = options
  }

  push (item: T): void {
    this.#queue.push(item)
    if (document.visibilityState === 'hidden') {
      if (this.#queue.length >= HIDDEN_LIMIT) this.#flush()
      else this.#timer ??= setTimeout(() => this.#flush(), HIDDEN_FLUSH_MS)
    } else if (this.#frame === undefined && this.#timer === undefined) {
      this.#schedule()
    }
  }

  /** Items a second over the last second. */
  rate (nowMs = performance.now()): number {
    this.#recent = this.#recent.filter(({ atMs }) => nowMs - atMs < RATE_WINDOW_MS)
    return this.#recent.reduce((sum, { count }) => sum + count, 0)
  }

  /** Forgets what was not handed over. */
  clear (): void {
    this.#queue = []
    this.#cancel()
  }

  #schedule (): void {
    const nowMs = performance.now()
    const waitMs = this.rate(nowMs) > (this.#options.fastRate ?? 200) ? this.#lastPaintMs + SLOW_PAINT_MS - nowMs : 0
    if (waitMs > 16) this.#timer = setTimeout(() => this.#requestFrame(), waitMs - 16)
    else this.#requestFrame()
  }

  #requestFrame (): void {
    this.#timer = undefined
    this.#frame = requestAnimationFrame(() => this.#flush())
    // The tab may be hidden before the frame comes.
    this.#timer = setTimeout(() => this.#flush(), HIDDEN_FLUSH_MS)
  }

  #flush (): void {
    this.#cancel()
    const items = this.#queue
    this.#queue = []
    this.#lastPaintMs = performance.now()
    if (items.length === 0) return
    this.#recent.push({ atMs: this.#lastPaintMs, count: items.length })
    this.#options.onBatch(items)
  }

  #cancel (): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    this.#frame = this.#timer = undefined
  }
}
