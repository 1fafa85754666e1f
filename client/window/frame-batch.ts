/** Items a second from which on the page is painted about ten times a second only. */
const FAST_RATE = 200
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
  readonly #onBatch: (items: readonly T[]) => void
  #queue: T[] = []
  #frame = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastPaintMs = 0
  #news = 0
  /** Counts of the recent past: when each batch was taken, how many it had and how many of them were news. */
  #recent: Array<{ atMs: number, count: number, news: number }> = []

  /** @param onBatch takes what has come since its last call, in its order */
  constructor (onBatch: (items: readonly T[]) => void) {
    this.#onBatch = onBatch
  }

  /** @param isNews counts for the rate that is shown */
  push (item: T, isNews = true): void {
    this.#queue.push(item)
    if (isNews) this.#news++
    if (this.#timer === undefined) this.#schedule()
    else if (this.#queue.length >= HIDDEN_LIMIT && document.visibilityState === 'hidden') this.#flush()
  }

  /** News a second over the last second. */
  rate (what: 'count' | 'news' = 'news', nowMs = performance.now()): number {
    this.#recent = this.#recent.filter(({ atMs }) => nowMs - atMs < RATE_WINDOW_MS)
    return this.#recent.reduce((sum, batch) => sum + batch[what], 0)
  }

  /** Forgets what was not handed over. */
  clear (): void {
    this.#queue = []
    this.#news = 0
    this.#cancel()
  }

  #schedule (): void {
    const isFast = this.rate('count') > FAST_RATE
    const waitMs = isFast ? this.#lastPaintMs + SLOW_PAINT_MS - performance.now() : HIDDEN_FLUSH_MS
    this.#timer = setTimeout(() => this.#flush(), waitMs)
    if (!isFast) this.#frame = requestAnimationFrame(() => this.#flush())
  }

  #flush (): void {
    this.#cancel()
    const items = this.#queue
    this.#queue = []
    this.#lastPaintMs = performance.now()
    if (items.length === 0) return
    this.#recent.push({ atMs: this.#lastPaintMs, count: items.length, news: this.#news })
    this.#news = 0
    this.#onBatch(items)
  }

  #cancel (): void {
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
