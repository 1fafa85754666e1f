import type { CurrentFrame, Gap, InvocationSummary, Page, StreamFrame, TaskInfo, TimelineEvent } from '../../lib/model/events.js'
import { pageFrames } from '../page-frames.js'
import { ApiError, apiUrl, get, type ApiOptions } from './api.js'
import { backoffMs } from './backoff.js'
import type { ConnectionState } from './connection-state.js'
import { Nap } from './nap.js'
import { watchPage } from './page-signals.js'
import { readShared } from './shared-stream.js'
import { readStream, type StreamReaderOptions } from './stream-reader.js'

/** What `GET /tasks/:id/timeline` answers. */
export interface TimelinePage {
  readonly task: TaskInfo
  readonly timeline: readonly TimelineEvent[]
  readonly page: Page & { readonly gaps: readonly Gap[], readonly nextAfter?: number }
}

export interface ConnectionHandlers {
  /** The newest events: everything that was shown before is to be replaced. */
  readonly onNewest: (page: TimelinePage) => void
  readonly onFrame: (frame: StreamFrame) => void
  readonly onState: (state: ConnectionState) => void
  /** The server's clock, just read; no time where the server sent none. */
  readonly onServerTime: (time: string) => void
}

export interface ConnectionOptions extends ApiOptions, ConnectionHandlers {
  /** The stream may be one that others of this browser use, too; false by default. */
  readonly isShared?: boolean
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
/** A page that has not come after so long comes no more. */
const PAGE_MS = 15_000
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
  /** The timeline is polled until then, by the monotonic clock, and why. */
  #pollUntilMs = 0
  #pollingReason = ''

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

  /** The page after an event, wherever in the log. */
  async loadFrom (afterSeq: number): Promise<TimelinePage> {
    const signal = this.#run?.signal ?? new AbortController().signal
    return this.#loadPage({ after: afterSeq }, signal)
  }

  /** Events with a text; `page.nextAfter` where the server goes on when asked again. */
  async find (
    query: { readonly q: string, readonly after: number, readonly limit: number }, signal: AbortSignal
  ): Promise<TimelinePage> {
    return this.#loadPage(query, signal)
  }

  #start (): void {
    if (this.#run !== undefined) return
    this.#run = new AbortController()
    this.#attempt = this.#pollUntilMs = 0
    void this.#keepConnected(this.#run.signal)
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
        if (performance.now() < this.#pollUntilMs) {
          await this.#poll(signal)
          continue
        }
        if (await this.#stream(signal) === 'finished') return this.#setState(signal, { name: 'ended' })
      } catch (err) {
        error = err
      }
      if (signal.aborted) return
      if (error instanceof ApiError) {
        const { status, retryAfterMs = FULL_SERVER_RETRY_MS } = error
        const isPolling = performance.now() < this.#pollUntilMs
        const reason = this.#isLoaded && !isPolling ? pollingReason(error) : undefined
        if (reason !== undefined) {
          this.#pollingReason = reason
          this.#pollUntilMs = status === 429 ? performance.now() + retryAfterMs : Infinity
          continue
        }
        if (DENIED.includes(status)) {
          return this.#setState(signal, { name: 'denied', sinceMs: Date.now(), status, message: error.message })
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
    return this.#ask('tasks/*/timeline', { limit: this.#options.pageLimit ?? 500, ...query }, signal)
  }

  /** What a stream begins with for each invocation that runs, its verdict above all. */
  async #loadRunning (signal: AbortSignal): Promise<CurrentFrame[]> {
    const { invocations } = await this.#ask<{ invocations: InvocationSummary[] }>(
      'invocations', { task: this.#options.task, status: 'running' }, signal
    )
    return invocations.map((invocation) => ({ ...invocation, type: 'invocation.current', invocationId: invocation.id }) as CurrentFrame & InvocationSummary)
  }

  async #ask<T> (route: string, query: Readonly<Record<string, string | number>>, signal: AbortSignal): Promise<T> {
    const response = await get(
      apiUrl(this.#options, route, query), this.#options.headers, { accept: 'application/json' },
      AbortSignal.any([signal, AbortSignal.timeout(PAGE_MS)])
    )
    this.#options.onServerTime(String(response.headers.get('date')))
    return await response.json() as T
  }

  async #stream (signal: AbortSignal): Promise<'ended' | 'finished'> {
    const { heartbeatMs, headers, onServerTime } = this.#options
    const restart = new AbortController()
    const stream: StreamReaderOptions = {
      url: apiUrl(this.#options, 'tasks/*/stream', this.#position === '' ? {} : { after: this.#position }),
      headers,
      lastEventId: this.#position,
      signal: AbortSignal.any([signal, restart.signal]),
      heartbeatMs,
      onOpen: () => {
        this.#setHeard(signal, { name: 'live' })
      },
      onPing: onServerTime,
      onRetry: (delayMs) => { this.#retryMs = Math.min(delayMs, 10_000) },
      onMessage: ({ data, id }) => {
        if (restart.signal.aborted) return
        const frame = JSON.parse(data) as StreamFrame
        if (id !== '') this.#position = id
        if (frame.type === 'timeline.gap' && frame.reason === 'unknown-cursor') {
          // The log is another one than we know: its newest page costs less than its whole replay.
          this.#isLoaded = false
          this.#position = ''
          restart.abort(new ApiError('It was replaced'))
          return
        }
        if (frame.type === 'timeline.trouble') return this.#setState(signal, { name: 'trouble', since: frame.since })
        if (frame.type === 'timeline.recovered') return this.#setState(signal, { name: 'live' })
        if (frame.type === 'timeline.snapshot') onServerTime(frame.serverTime)
        this.#options.onFrame(frame)
      }
    }
    return this.#options.isShared === true ? readShared({ ...stream, api: this.#options }) : readStream(stream)
  }

  /** Asks once for what is new. */
  async #poll (signal: AbortSignal): Promise<void> {
    const { pollIntervalMs = 3000, onFrame } = this.#options
    const seq = this.#position.split('.', 1)[0]
    const [running, { task, timeline, page }] = await Promise.all([
      this.#loadRunning(signal), this.#loadPage(seq === '' ? {} : { after: Number(seq) }, signal)
    ])
    signal.throwIfAborted()
    if (Number(seq) > page.headSeq) {
      this.#isLoaded = false
      return
    }
    for (const frame of [...running, ...pageFrames(timeline, page.gaps, task.id)]) onFrame(frame)
    if (page.lastSeq !== undefined) this.#position = String(page.lastSeq)
    this.#setHeard(signal, { name: 'polling', reason: this.#pollingReason })
    if (!page.hasMore) await this.#nap.sleep(Math.min(pollIntervalMs, this.#pollUntilMs - performance.now()), signal)
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

  /** The server answers: what was lost is found. */
  #setHeard (signal: AbortSignal, state: ConnectionState): void {
    this.#attempt = 0
    this.#lostSinceMs = undefined
    this.#setState(signal, state)
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
