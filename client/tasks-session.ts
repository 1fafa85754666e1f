import type { TaskRow, TaskState, VerdictReport } from '../lib/model/answers.js'
import { ApiError, get, type HeadersSource } from './connection/api.js'
import { backoffMs } from './connection/backoff.js'
import { Nap } from './connection/nap.js'
import { watchPage } from './connection/page-signals.js'
import { readShared } from './connection/shared-stream.js'
import { readStream, type StreamReaderOptions } from './connection/stream-reader.js'
import { ServerClock } from './store/server-clock.js'

export interface Tasks {
  /** Worst first. */
  readonly tasks: readonly TaskRow[]
  readonly counts: Partial<Record<TaskState, number>>
  readonly nextCursor: string | undefined
  readonly isLoaded: boolean
  /** How often runs were called stuck or looping, and how often wrongly; undefined where that may not be seen. */
  readonly advice: VerdictReport | undefined
  /** Why the list is not up to date. */
  readonly problem: string | undefined
  /** When it was heard, by the server's clock. */
  readonly atMs: number
}

export interface TasksOptions {
  /** The API's prefix, relative to the page or absolute. */
  readonly src: string
  readonly project: string
  readonly headers?: HeadersSource
  /** The stream may be one that others of this browser use, too. */
  readonly isShared: boolean
  readonly onChange: () => void
}

export interface TasksQuery {
  /** States with commas between them; all where it is empty. */
  readonly state: string
  readonly q: string
}

interface Answer {
  readonly tasks: readonly TaskRow[]
  readonly counts?: Tasks['counts']
  readonly page: { readonly nextCursor?: string | null }
}

const PAGE_LIMIT = 100
const ANSWER_MS = 15_000
/** The shortest time between two questions. */
const MIN_INTERVAL_MS = 1_500
/** Between two questions where no stream says that something happened. */
const POLL_INTERVAL_MS = 4_000
/** What changes without an event, such as a task in which nothing runs for too long, is seen after this. */
const IDLE_INTERVAL_MS = 20_000
/** A server without a free stream, or without any, is asked for one again after this. */
const NO_STREAM_MS = 15_000

/**
 * The list of tasks: asked for at once, and again when the stream over everything that runs says that something
 * happened, at most every second and a half; every four seconds where there is no stream. Never while nobody looks.
 */
export class TasksSession {
  readonly clock = new ServerClock()
  list: Tasks = {
    tasks: [], counts: {}, nextCursor: undefined, isLoaded: false, advice: undefined, problem: undefined, atMs: 0
  }

  /** The stream is open: what happens shows at once. */
  isLive = false
  /** Somebody wants to hear of changes though the page is not seen. */
  isHeardHidden = false
  readonly #options: TasksOptions
  readonly #nap = new Nap()
  #query: Readonly<Record<string, string>> = {}
  #pages = 1
  #timer: ReturnType<typeof setTimeout> | undefined
  #question: AbortController | undefined
  #stream: AbortController | undefined
  #unwatch: (() => void) | undefined
  #askedAtMs = -Infinity
  #failures = 0
  #isDirty = true
  #retryMs = 1_000

  constructor (options: TasksOptions) {
    this.#options = options
  }

  /** The server's time up to which anything is known. */
  now (): number {
    return this.list.problem === undefined ? this.clock.now() : this.list.atMs
  }

  open (): void {
    this.#unwatch ??= watchPage({
      onWake: () => {
        this.#nap.wake()
        this.#note()
      },
      onHide: () => this.#stop(),
      onShow: () => this.#start()
    })
    this.#start()
    void this.#advise()
  }

  close (): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#stop()
  }

  /** Asks for those of some states, or with some text, only. */
  filter (query: TasksQuery): void {
    this.#query = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
    this.#pages = 1
    this.#askNow()
  }

  more (): void {
    this.#pages++
    this.#askNow()
  }

  /** Once: it changes hardly at all while somebody looks at it. */
  async #advise (): Promise<void> {
    const url = this.#url('timeline/verdict-report', {})
    const signal = AbortSignal.timeout(ANSWER_MS)
    const response = await get(url, this.#options.headers, { accept: 'application/json' }, signal).catch(() => undefined)
    const { report } = await response?.json().catch(() => undefined) ?? {}
    if (report === undefined) return
    this.list = { ...this.list, advice: report }
    this.#options.onChange()
  }

  #start (): void {
    if (this.#stream !== undefined) return
    this.#stream = new AbortController()
    void this.#follow(this.#stream.signal)
    this.#note()
  }

  #stop (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#question?.abort()
    this.#question = undefined
    this.#stream?.abort()
    this.#stream = undefined
    this.isLive = false
  }

  /** Keeps the stream open; what it says is asked for. */
  async #follow (signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      let waitMs = 0
      try {
        const { src, project, headers, isShared } = this.#options
        const stream: StreamReaderOptions = {
          url: this.#url('stream', { running: 'true' }),
          headers,
          lastEventId: '',
          signal,
          onOpen: () => {
            failures = 0
            this.#setLive(true)
            this.#note()
          },
          onPing: (time) => this.clock.anchor(time),
          onRetry: (delayMs) => { this.#retryMs = Math.min(delayMs, 10_000) },
          onMessage: () => this.#note()
        }
        const api = { src, project, task: '', ...(headers === undefined ? {} : { headers }) }
        await (isShared ? readShared({ ...stream, api }) : readStream(stream))
      } catch (error) {
        const isRefused = error instanceof ApiError && error.status >= 400 && error.status < 500
        if (isRefused) waitMs = error.retryAfterMs ?? NO_STREAM_MS
      }
      if (signal.aborted) return
      this.#setLive(false)
      this.#note()
      await this.#nap.sleep(Math.max(waitMs, backoffMs(failures++, this.#retryMs)), signal)
    }
  }

  #setLive (isLive: boolean): void {
    if (this.isLive === isLive) return
    this.isLive = isLive
    this.#options.onChange()
  }

  #note (): void {
    this.#isDirty = true
    this.#plan()
  }

  #askNow (): void {
    this.#question?.abort()
    this.#question = undefined
    this.#askedAtMs = -Infinity
    this.#note()
  }

  #plan (): void {
    if (this.#question !== undefined || this.#stream === undefined || this.#isUnseen) return
    clearTimeout(this.#timer)
    const intervalMs = this.#failures > 0
      ? Math.max(POLL_INTERVAL_MS, backoffMs(this.#failures - 1, POLL_INTERVAL_MS))
      : !this.isLive ? POLL_INTERVAL_MS : this.#isDirty ? MIN_INTERVAL_MS : IDLE_INTERVAL_MS
    this.#timer = setTimeout(() => {
      if (!this.#isUnseen) void this.#ask()
    }, Math.max(0, this.#askedAtMs + intervalMs - performance.now()))
  }

  get #isUnseen (): boolean {
    return document.visibilityState === 'hidden' && !this.isHeardHidden
  }

  async #ask (): Promise<void> {
    const question = this.#question = new AbortController()
    this.#askedAtMs = performance.now()
    this.#isDirty = false
    try {
      this.list = await this.#load(question.signal)
      this.#failures = 0
    } catch (error) {
      if (question.signal.aborted) return
      this.#failures++
      const problem = error instanceof ApiError ? error.message : 'The server cannot be reached'
      this.list = { ...this.list, problem }
    }
    if (this.#question !== question) return
    this.#question = undefined
    this.#options.onChange()
    this.#plan()
  }

  async #load (signal: AbortSignal): Promise<Tasks> {
    const tasks = new Map<string, TaskRow>()
    let counts: Tasks['counts'] = {}
    let cursor: string | undefined
    for (let page = 0; page < this.#pages && (page === 0 || cursor !== undefined); page++) {
      const answer: Answer = await this.#page(cursor, signal)
      if (page === 0) counts = answer.counts ?? {}
      for (const task of answer.tasks) tasks.set(task.id, task)
      cursor = answer.page.nextCursor ?? undefined
    }
    signal.throwIfAborted()
    const atMs = this.clock.now()
    const { advice } = this.list
    return { tasks: [...tasks.values()], counts, nextCursor: cursor, isLoaded: true, advice, problem: undefined, atMs }
  }

  async #page (cursor: string | undefined, signal: AbortSignal): Promise<Answer> {
    const url = this.#url('timeline/tasks', {
      limit: String(PAGE_LIMIT), ...this.#query, ...(cursor === undefined ? {} : { cursor })
    })
    const both = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    const response = await get(url, this.#options.headers, { accept: 'application/json' }, both)
    this.clock.anchor(String(response.headers.get('date')))
    return await response.json() as Answer
  }

  #url (route: string, query: Readonly<Record<string, string>>): string {
    const { src, project } = this.#options
    const url = new URL(`${src.replace(/\/+$/, '')}/${route}`, document.baseURI)
    url.search = new URLSearchParams({ ...query, ...(project === '' ? {} : { project }) }).toString()
    return url.href
  }
}
