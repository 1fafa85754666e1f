import type { CallPage, TaskOverview, TaskSummary, ToolCall, ToolCallDetails } from '../../lib/model/answers.js'
import type { InvocationSummary } from '../../lib/model/events.js'
import { ApiError, apiUrl, get, type ApiOptions } from './api.js'
import { backoffMs } from './backoff.js'

/** What the server says about the whole task, however little of its log is loaded. */
export interface Answers {
  readonly summary?: TaskSummary
  /** By number, ascending. */
  readonly calls: ReadonlyMap<number, ToolCall>
  /** Calls beyond the last of `calls` are not here. */
  readonly isCut: boolean
  /** The shape of a task whose calls are too many to be listed. */
  readonly overview?: TaskOverview | undefined
  /** Every run, newest first. */
  readonly runs: readonly InvocationSummary[]
  /** When `summary` was said, by the server's clock; 0 before. */
  readonly atMs: number
}

export interface AnswersOptions extends ApiOptions {
  readonly onChange: () => void
  /** The server's time. */
  readonly now: () => number
}

/** The shortest time between two questions. */
const MIN_INTERVAL_MS = 2_000
/** What still runs is asked about as often though nothing is heard: its times grow. */
const IDLE_INTERVAL_MS = 10_000
const CALL_LIMIT = 1_000
/** Pages of calls that are drawn before the strip asks the server for a picture. */
const MAX_CALL_PAGES = 5
/** Calls that are asked for again at once, though only some of them were running. */
const MAX_STRETCH = 50
const RUN_LIMIT = 100
const MAX_RUN_PAGES = 5
const ANSWER_MS = 15_000

/**
 * Asks for summary, calls and runs of a task: at once, then when something happened, at most every two seconds, and
 * never while nobody looks. A server without these answers is asked once.
 */
export class AnswersLoader {
  answers: Answers = { calls: new Map(), isCut: false, runs: [], atMs: 0 }
  readonly #options: AnswersOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #controller: AbortController | undefined
  #askedAtMs = -Infinity
  #failures = 0
  #isMissing = false
  #isStreamed = false
  /** Of the log that the calls are of. */
  #epoch = ''
  #isDirty = true
  #areRunsDirty = true

  constructor (options: AnswersOptions) {
    this.#options = options
  }

  /** Something happened that may change the answers; `isRun`: a run started or ended. */
  note (isRun: boolean): void {
    this.#isDirty = true
    this.#areRunsDirty ||= isRun
    this.#plan()
  }

  /** The stream brings the summary by itself, until {@link lose}. */
  take (summary: TaskSummary): void {
    this.#isStreamed = true
    this.#set({ summary, atMs: this.#options.now() })
  }

  /** There is no stream: the summary has to be asked for. */
  lose (): void {
    this.#isStreamed = false
  }

  close (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#controller?.abort()
    this.#controller = undefined
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisible)
  }

  open (): void {
    globalThis.document?.addEventListener('visibilitychange', this.#onVisible)
    this.#plan()
  }

  /** One call with what went in and what came out. @throws ApiError */
  async call (seq: number, signal: AbortSignal): Promise<ToolCallDetails> {
    return (await this.#ask<{ call: ToolCallDetails }>(`timeline/tasks/*/calls/${seq}`, {}, signal)).call
  }

  readonly #onVisible = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#plan()
  }

  #plan (): void {
    if (this.#timer !== undefined || this.#controller !== undefined || this.#isMissing || isUnseen()) return
    const isRunning = !this.#isStreamed && (this.answers.summary?.runs.running ?? 0) > 0
    if (!this.#isDirty && !isRunning) return
    const intervalMs = this.#failures > 0
      ? Math.max(MIN_INTERVAL_MS, backoffMs(this.#failures, MIN_INTERVAL_MS))
      : this.#isDirty ? MIN_INTERVAL_MS : IDLE_INTERVAL_MS
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!isUnseen()) void this.#load()
    }, Math.max(0, this.#askedAtMs + intervalMs - performance.now()))
  }

  async #load (): Promise<void> {
    const controller = this.#controller = new AbortController()
    const { signal } = controller
    const wantsRuns = this.#areRunsDirty
    this.#askedAtMs = performance.now()
    this.#isDirty = this.#areRunsDirty = false
    try {
      const known = this.#isStreamed ? this.answers.summary : undefined
      const summary = known ??
        (await this.#ask<{ summary: TaskSummary }>('timeline/tasks/*/summary', {}, signal)).summary
      if (summary !== known) this.#set({ summary, atMs: this.#options.now() })
      const [calls, runs] = await Promise.all([
        this.#loadCalls(summary, signal), wantsRuns ? this.#loadRuns(signal) : {}
      ])
      // What is longer than may be listed has a picture that costs the same whatever its length.
      const overview = calls.isCut ? await this.#loadOverview(signal) : undefined
      this.#set({ ...calls, ...runs, overview })
      this.#failures = 0
    } catch (error) {
      if (signal.aborted) return
      const status = error instanceof ApiError ? error.status : 0
      this.#isMissing = status >= 400 && status < 500 && status !== 408 && status !== 429
      this.#failures++
      this.#isDirty = true
      this.#areRunsDirty ||= wantsRuns
    }
    if (this.#controller !== controller) return
    this.#controller = undefined
    this.#plan()
  }

  /** Those that are new, and those that were running when they were asked for last. */
  async #loadCalls ({ epoch }: TaskSummary, signal: AbortSignal): Promise<Pick<Answers, 'calls' | 'isCut'>> {
    const known = this.#epoch === epoch ? this.answers.calls : new Map<number, ToolCall>()
    this.#epoch = epoch
    const calls = new Map(known)
    const { stretches, rest } = toAsk([...known.values()])
    for (const query of stretches) {
      const answer = await this.#ask<CallPage>('timeline/tasks/*/calls', query, signal)
      for (const call of answer.calls) calls.set(call.seq, call)
    }
    let after = rest
    for (let pages = 0; calls.size < MAX_CALL_PAGES * CALL_LIMIT && pages < MAX_CALL_PAGES; pages++) {
      const answer = await this.#ask<CallPage>('timeline/tasks/*/calls', { after, limit: CALL_LIMIT }, signal)
      for (const call of answer.calls) calls.set(call.seq, call)
      if (!answer.page.hasMore || answer.page.nextAfter === null) return { calls, isCut: false }
      after = answer.page.nextAfter
    }
    return { calls, isCut: true }
  }

  async #loadOverview (signal: AbortSignal): Promise<TaskOverview | undefined> {
    try {
      return (await this.#ask<{ overview: TaskOverview }>('timeline/tasks/*/overview', {}, signal)).overview
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  async #loadRuns (signal: AbortSignal): Promise<Pick<Answers, 'runs'>> {
    const runs: InvocationSummary[] = []
    let cursor: string | null = null
    for (let pages = 0; pages < MAX_RUN_PAGES; pages++) {
      const query = { task: this.#options.task, limit: RUN_LIMIT, ...(cursor === null ? {} : { cursor }) }
      const answer: { invocations: InvocationSummary[], page: { nextCursor: string | null } } =
        await this.#ask('invocations', query, signal)
      runs.push(...answer.invocations)
      cursor = answer.page.nextCursor ?? null
      if (cursor === null) break
    }
    return { runs }
  }

  async #ask<T> (route: string, query: Readonly<Record<string, string | number>>, signal: AbortSignal): Promise<T> {
    const response = await get(
      apiUrl(this.#options, route, query), this.#options.headers, { accept: 'application/json' },
      AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    )
    return await response.json() as T
  }

  #set (changed: Partial<Answers>): void {
    this.answers = { ...this.answers, ...changed }
    this.#options.onChange()
  }
}

/**
 * What to ask for again: stretches of known calls that begin and end with one that was running, and everything after
 * `rest`. One call that runs for hours does not bring those behind it again and again.
 */
export function toAsk (
  known: readonly ToolCall[]
): { stretches: Array<{ readonly after: number, readonly limit: number }>, rest: number } {
  const stretches: Array<{ after: number, limit: number }> = []
  let first = -Infinity
  for (const [index, { seq, status }] of known.entries()) {
    if (status !== 'running') continue
    if (index - first < MAX_STRETCH) stretches.at(-1)!.limit = index - first + 1
    else {
      first = index
      stretches.push({ after: seq - 1, limit: 1 })
    }
  }
  return { stretches, rest: known.at(-1)?.seq ?? 0 }
}

function isUnseen (): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}
