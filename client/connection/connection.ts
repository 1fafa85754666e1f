import type { Gap, Page, StreamFrame, TaskInfo, TimelineEvent } from '../../lib/events.js'
import { pageFrames } from '../page-frames.js'
import { ApiError, get, taskUrl, type ApiOptions } from './api.js'
import { backoffMs } from './backoff.js'
import type { ConnectionState } from './connection-state.js'
import { Nap } from './nap.js'
import { watchPage } from './page-signals.js'
import { readStream } from './stream-reader.js'

/** What `GET /tasks/:id/timeline` answers. */
export interface TimelinePage {
  readonly task: TaskInfo
  readonly timeline: readonly TimelineEvent[]
  readonly page: Page & { readonly gaps: readonly Gap[] }
}

export interface ConnectionHandlers {
  /** The newest events: everything that was shown before is to be replaced. */
  readonly onNewest: (page: TimelinePage) => void
  readonly onFrame: (frame: StreamFrame) => void
  readonly onState: (state: ConnectionState) => void
  /** The server's clock, ISO-8601, just read. */
  readonly onServerTime: (iso: string) => void
}

export interface ConnectionOptions extends ApiOptions, ConnectionHandlers {
  /** Events of a first page; 500 by default. */
  readonly pageLimit?: number
  /** Pause between two polls; 3,000 ms by default. */
  readonly pollIntervalMs?: number
  /** First backoff where the server does not say `retry:`; 1,000 ms by default. */
  readonly retryMs?: number
  /** See {@link StreamReaderOptions.heartbeatMs}. */
  readonly heartbeatMs?: number
}

/** How long to poll before a full server is asked for a stream again, where it does not say. */
const FULL_SERVER_RETRY_MS = 15_000
const DENIED = [400, 401, 403, 404, 410]

/**
 * Keeps one task's timeline up to date: one page, then one stream, and again after every cut from the position that
 * was reached. Every event is handed over at least once and in order; what comes twice has the same number.
 */
export class TimelineConnection {
  readonly #options: ConnectionOptions
  readonly #nap = new Nap()
  #run: AbortController | undefined
  #unwatch: (() => void) | undefined
  #isLoaded = false
  /** `seq` or `seq.epoch`, as the server gave it. */
  #position = ''
  #retryMs: number
  #attempt = 0
  #lostSinceMs: number | undefined

  constructor (options: ConnectionOptions) {
    this.#options = options
    this.#retryMs = options.retryMs ?? 1000
  }

  open (): void {
    this.#unwatch ??= watchPage({
      onWake: () => this.#nap.wake(),
      onHide: () => this.#stop(),
      onShow: () => this.#start()
    })
    this.#start()
  }

  close (): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#stop()
  }

  /** Forgets the position and loads the newest page again. */
  reload (): void {
    this.#stop()
    this.#isLoaded = false
    this.#start()
  }

  /** The page before an event. */
  async loadOlder (beforeSeq: number): Promise<TimelinePage> {
    const signal = this.#run?.signal ?? new AbortController().signal
    return this.#loadPage({ before: beforeSeq }, signal)
  }

  #start (): void {
    if (this.#run !== undefined) return
    this.#run = new AbortController()
    this.#attempt = 0
    this.#keepConnected(this.#run.signal)
  }

  #stop (): void {
    this.#run?.abort()
    this.#run = undefined
  }

  async #keepConnected (signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let error: unknown
      try {
        if (!this.#isLoaded) await this.#loadNewest(signal)
        if (await this.#stream(signal) === 'finished') return this.#setState(signal, { name: 'ended' })
      } catch (err) {
        error = err
      }
      if (signal.aborted) return
      if (error instanceof ApiError) {
        const reason = this.#isLoaded ? pollingReason(error) : undefined
        if (reason !== undefined) {
          await this.#poll(reason, error.status === 429 ? error.retryAfterMs ?? FULL_SERVER_RETRY_MS : Infinity, signal)
          continue
        }
        if (DENIED.includes(error.status)) {
          return this.#setState(signal, { name: 'denied', sinceMs: Date.now(), status: error.status, message: error.message })
        }
      }
      await this.#waitForRetry(error, signal)
    }
  }

  async #loadNewest (signal: AbortSignal): Promise<void> {
    if (this.#attempt === 0) this.#setState(signal, { name: 'loading' })
    const answer = await this.#loadPage({ before: 'end' }, signal)
    signal.throwIfAborted()
    this.#isLoaded = true
    this.#position = String(answer.page.lastSeq ?? (answer.page.headSeq > 0 ? answer.page.headSeq : ''))
    this.#options.onNewest(answer)
  }

  async #loadPage (query: Readonly<Record<string, string | number>>, signal: AbortSignal): Promise<TimelinePage> {
    const url = taskUrl(this.#options, 'timeline', { limit: this.#options.pageLimit ?? 500, ...query })
    const response = await get(url, this.#options.headers, { accept: 'application/json' }, signal)
    const date = Date.parse(response.headers.get('date') ?? '')
    if (!Number.isNaN(date)) this.#options.onServerTime(new Date(date).toISOString())
    return await response.json() as TimelinePage
  }

  async #stream (signal: AbortSignal): Promise<'ended' | 'finished'> {
    const { heartbeatMs, headers, onServerTime } = this.#options
    const restart = new AbortController()
    return readStream({
      url: taskUrl(this.#options, 'stream', this.#position === '' ? {} : { after: this.#position }),
      headers,
      lastEventId: this.#position,
      signal: AbortSignal.any([signal, restart.signal]),
      heartbeatMs,
      onOpen: () => {
        this.#attempt = 0
        this.#lostSinceMs = undefined
        this.#setState(signal, { name: 'live' })
      },
      onPing: onServerTime,
      onRetry: (delayMs) => { this.#retryMs = Math.min(delayMs, 10_000) },
      onMessage: ({ data, id, hasId }) => {
        if (restart.signal.aborted) return
        const frame = JSON.parse(data) as StreamFrame
        if (hasId) this.#position = id
        if (frame.type === 'timeline.gap' && frame.reason === 'unknown-cursor') {
          // The log is another one than we know: its newest page costs less than its whole replay.
          this.#isLoaded = false
          this.#position = ''
          restart.abort(new ApiError('The timeline was replaced on the server'))
          return
        }
        if (frame.type === 'timeline.snapshot') onServerTime(frame.serverTime)
        this.#options.onFrame(frame)
      }
    })
  }

  /** Asks for what is new until `giveUpMs` are over, then returns, so that the stream is tried again. */
  async #poll (reason: string, giveUpMs: number, signal: AbortSignal): Promise<void> {
    const { pollIntervalMs = 3000, onFrame } = this.#options
    const until = performance.now() + giveUpMs
    this.#setState(signal, { name: 'polling', reason })
    while (!signal.aborted && performance.now() < until) {
      try {
        const seq = this.#position.split('.', 1)[0]
        const { task, timeline, page } = await this.#loadPage(seq === '' ? {} : { after: Number(seq) }, signal)
        if (signal.aborted) return
        if (Number(seq) > page.headSeq) {
          this.#isLoaded = false
          return
        }
        for (const frame of pageFrames(timeline, page.gaps, task.id)) onFrame(frame)
        if (page.lastSeq !== undefined) this.#position = String(page.lastSeq)
        this.#attempt = 0
        this.#lostSinceMs = undefined
        this.#setState(signal, { name: 'polling', reason })
        if (page.hasMore) continue
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof ApiError && DENIED.includes(error.status)) throw error
        await this.#waitForRetry(error, signal)
        continue
      }
      await this.#nap.sleep(Math.min(pollIntervalMs, until - performance.now()), signal)
    }
  }

  async #waitForRetry (error: unknown, signal: AbortSignal): Promise<void> {
    const delayMs = Math.max(
      backoffMs(this.#attempt++, this.#retryMs),
      error instanceof ApiError ? error.retryAfterMs ?? 0 : 0
    )
    const nowMs = Date.now()
    this.#lostSinceMs ??= nowMs - (error instanceof ApiError ? error.silentMs : 0)
    const sinceMs = this.#lostSinceMs
    this.#setState(signal, globalThis.navigator?.onLine !== false
      ? { name: 'reconnecting', sinceMs, retryAtMs: nowMs + delayMs, reason: sentence(error) }
      : { name: 'offline', sinceMs })
    await this.#nap.sleep(delayMs, signal)
  }

  /** What a run that was stopped still says is not news. */
  #setState (signal: AbortSignal, state: ConnectionState): void {
    if (!signal.aborted) this.#options.onState(state)
  }
}

/** Why there is no stream though the task can be read; undefined for every other trouble. */
function pollingReason ({ status, code }: ApiError): string | undefined {
  if (status === 429) return 'the server has no free stream'
  return code === 'AGENT_TIMELINE_STREAMING_DISABLED' ? 'live streaming is switched off' : undefined
}

function sentence (error: unknown): string {
  if (error === undefined) return 'The stream ended'
  return error instanceof ApiError ? error.message : 'The server cannot be reached'
}
