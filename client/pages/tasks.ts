import type { TaskRow, TaskState, VerdictReport } from '../../lib/model/answers.js'
import { ApiError, get } from '../connection/api.js'
import { backoffMs } from '../connection/backoff.js'
import { ServerClock } from '../store/server-clock.js'

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
  /** The API's prefix, relative to the page. */
  readonly api: string
  readonly project: string | null
  readonly onChange: () => void
  /** The server is of those that list runs only. */
  readonly onMissing: () => void
}

interface Answer {
  readonly tasks: readonly TaskRow[]
  readonly counts?: Tasks['counts']
  readonly page: { readonly nextCursor?: string | null }
}

const REFRESH_MS = 4_000
const PAGE_LIMIT = 100

/** The list of tasks, asked for again every few seconds while somebody sees it. */
export class TasksLoader {
  readonly clock = new ServerClock()
  list: Tasks = {
    tasks: [], counts: {}, nextCursor: undefined, isLoaded: false, advice: undefined, problem: undefined, atMs: 0
  }

  readonly #options: TasksOptions
  #query: Readonly<Record<string, string>> = {}
  #pages = 1
  #timer: ReturnType<typeof setTimeout> | undefined
  #controller: AbortController | undefined
  #failures = 0

  constructor (options: TasksOptions) {
    this.#options = options
  }

  /** The server's time up to which anything is known. */
  now (): number {
    return this.list.problem === undefined ? this.clock.now() : this.list.atMs
  }

  open (): void {
    document.addEventListener('visibilitychange', this.#onVisible)
    void this.#refresh()
    void this.#advise()
  }

  /** Once: it changes hardly at all while somebody looks at it. */
  async #advise (): Promise<void> {
    const url = this.#url('verdict-report')
    const signal = AbortSignal.timeout(15_000)
    const response = await get(url, undefined, { accept: 'application/json' }, signal).catch(() => undefined)
    const { report } = await response?.json().catch(() => undefined) ?? {}
    if (report === undefined) return
    this.list = { ...this.list, advice: report }
    this.#options.onChange()
  }

  #url (path: string, query = {}): string {
    const { api, project } = this.#options
    const url = new URL(`${api.replace(/\/+$/, '')}/timeline/${path}`, document.baseURI)
    url.search = new URLSearchParams({ ...query, ...(project === null ? {} : { project }) }).toString()
    return url.href
  }

  /** Asks for those of some states, or with some text, only. */
  filter (query: { readonly state?: string, readonly q?: string }): void {
    this.#query = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
    this.#pages = 1
    void this.#refresh()
  }

  more (): void {
    this.#pages++
    void this.#refresh()
  }

  readonly #onVisible = (): void => {
    if (document.visibilityState === 'visible') void this.#refresh()
  }

  async #refresh (): Promise<void> {
    clearTimeout(this.#timer)
    this.#controller?.abort()
    if (document.visibilityState === 'hidden') return
    const controller = this.#controller = new AbortController()
    let waitMs = REFRESH_MS
    try {
      await this.#load(controller.signal)
      this.#failures = 0
    } catch (error) {
      if (controller.signal.aborted) return
      if (error instanceof ApiError && error.status === 404 && !this.list.isLoaded) {
        document.removeEventListener('visibilitychange', this.#onVisible)
        return this.#options.onMissing()
      }
      waitMs = Math.max(REFRESH_MS, backoffMs(this.#failures++, REFRESH_MS))
      const problem = error instanceof ApiError ? error.message : 'The server cannot be reached'
      this.list = { ...this.list, problem }
    }
    if (this.#controller !== controller) return
    this.#timer = setTimeout(() => this.#refresh(), waitMs)
    this.#options.onChange()
  }

  async #load (signal: AbortSignal): Promise<void> {
    const tasks = new Map<string, TaskRow>()
    let counts: Tasks['counts'] = {}
    let cursor: string | undefined
    for (let page = 0; page < this.#pages && (page === 0 || cursor !== undefined); page++) {
      const answer: Answer = await this.#page(cursor, signal)
      if (page === 0) counts = answer.counts ?? {}
      for (const task of answer.tasks) tasks.set(task.id, task)
      cursor = answer.page.nextCursor ?? undefined
    }
    const atMs = this.clock.now()
    const loaded = { tasks: [...tasks.values()], counts, nextCursor: cursor, isLoaded: true, problem: undefined, atMs }
    this.list = { ...this.list, ...loaded }
  }

  async #page (cursor: string | undefined, signal: AbortSignal): Promise<Answer> {
    const url = this.#url('tasks', { limit: String(PAGE_LIMIT), ...this.#query, ...(cursor === undefined ? {} : { cursor }) })
    const timeout = AbortSignal.timeout(15_000)
    const response = await get(url, undefined, { accept: 'application/json' }, AbortSignal.any([signal, timeout]))
    this.clock.anchor(String(response.headers.get('date')))
    return await response.json() as Answer
  }
}
