import type { InvocationSummary } from '../../lib/model/events.js'
import { ApiError, get } from '../connection/api.js'
import { backoffMs } from '../connection/backoff.js'
import { ServerClock } from '../store/server-clock.js'
import { badnessOf } from '../store/summary.js'

export interface Runs {
  /** What runs first, worst verdict first, then what ended, each newest first. */
  readonly invocations: readonly InvocationSummary[]
  readonly nextCursor: string | undefined
  readonly isLoaded: boolean
  /** Why the list is not up to date. */
  readonly problem: string | undefined
}

interface Answer {
  readonly invocations: readonly InvocationSummary[]
  readonly page: { readonly nextCursor?: string | null }
}

export interface RunsOptions {
  /** The API's prefix, relative to the page. */
  readonly api: string
  readonly project: string | null
  readonly onChange: () => void
}

const REFRESH_MS = 4_000
const PAGE_LIMIT = 100

/** The list of invocations, asked for again every few seconds while somebody sees it. */
export class RunsLoader {
  readonly clock = new ServerClock()
  runs: Runs = { invocations: [], nextCursor: undefined, isLoaded: false, problem: undefined }
  readonly #options: RunsOptions
  /** Cursors of the pages that were opened; the first page has none. */
  #cursors: Array<string | undefined> = [undefined]
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #isBusy = false
  #heardAtMs = 0

  constructor (options: RunsOptions) {
    this.#options = options
  }

  /** The server's time up to which anything is known: it stands still while the server cannot be heard. */
  now (): number {
    return this.runs.problem === undefined ? this.clock.now() : this.#heardAtMs
  }

  open (): void {
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.#refresh()
    })
    void this.#refresh()
  }

  /** Adds the next page. */
  more (): void {
    const { nextCursor } = this.runs
    if (nextCursor === undefined) return
    this.#cursors.push(nextCursor)
    void this.#refresh()
  }

  async #refresh (): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isBusy || document.visibilityState === 'hidden') return
    this.#isBusy = true
    let waitMs = REFRESH_MS
    try {
      await this.#load()
      this.#failures = 0
    } catch (error) {
      waitMs = Math.max(REFRESH_MS, backoffMs(this.#failures++, REFRESH_MS))
      const problem = error instanceof ApiError ? error.message : 'The server cannot be reached'
      this.runs = { ...this.runs, problem }
    }
    this.#isBusy = false
    this.#timer = setTimeout(() => this.#refresh(), waitMs)
    this.#options.onChange()
  }

  async #load (): Promise<void> {
    const byId = new Map<number, InvocationSummary>()
    let nextCursor: string | undefined
    for (const cursor of this.#cursors) {
      const answer = await this.#page(cursor === undefined ? {} : { cursor })
      nextCursor = answer.page.nextCursor ?? undefined
      for (const invocation of answer.invocations) byId.set(invocation.id, invocation)
    }
    // What has run for days may be pages away.
    if (nextCursor !== undefined) {
      for (const invocation of (await this.#page({ status: 'running' })).invocations) byId.set(invocation.id, invocation)
    }
    const invocations = [...byId.values()].sort((a, b) => rank(b) - rank(a) || b.id - a.id)
    this.runs = { invocations, nextCursor, isLoaded: true, problem: undefined }
    this.#heardAtMs = this.clock.now()
  }

  async #page (query: Readonly<Record<string, string>>): Promise<Answer> {
    const { api, project } = this.#options
    const url = new URL(`${api.replace(/\/+$/, '')}/invocations`, document.baseURI)
    url.search = new URLSearchParams({
      limit: String(PAGE_LIMIT), ...query, ...(project === null ? {} : { project })
    }).toString()
    const response = await get(url.href, undefined, { accept: 'application/json' }, AbortSignal.timeout(15_000))
    this.clock.anchor(String(response.headers.get('date')))
    return await response.json() as Answer
  }
}

/** Verdicts that need nobody are equal, so that lines stay where they are while tools come and go. */
function rank ({ status, health }: InvocationSummary): number {
  return status === 'running' ? 1 + badnessOf(health) : 0
}
