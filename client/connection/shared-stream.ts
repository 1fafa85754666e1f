import { ApiError, apiUrl, type ApiOptions } from './api.js'
import type { SseMessage } from './sse-parser.js'
import { readStream, type StreamReaderOptions } from './stream-reader.js'

export interface SharedStreamOptions extends StreamReaderOptions {
  /** Whose stream; without a task, that of everything that runs, which has no positions. */
  readonly api: ApiOptions
}

type StreamEnd = 'ended' | 'finished'

/** What somebody wants to hear, and up to where it has heard it: `seq`, `seq.epoch` or nothing. */
interface Want {
  readonly task: string
  readonly position: string
}

interface Parcel {
  /** Of which task; of all where it is missing. */
  readonly task?: string
  /** Where it has one. */
  readonly seq?: number
  /** There is no such task any more. */
  readonly isEnd?: boolean
  readonly message: SseMessage
}

type Word =
  | { readonly say: 'want', readonly id: string, readonly want: Want }
  | { readonly say: 'here' | 'leave' | 'wait', readonly id: string }
  | { readonly say: 'lead' | 'apart' }
  | { readonly say: 'open', readonly ids: readonly string[] }
  | { readonly say: 'ping', readonly serverTime: string, readonly intervalMs: number }
  | { readonly say: 'retry', readonly ms: number }
  | { readonly say: 'parcels', readonly parcels: readonly Parcel[] }
  | { readonly say: 'cut', readonly end: StreamEnd | undefined, readonly error: ConstructorParameters<typeof ApiError> }

/** A leader that lives answers at once. */
const LEADER_MS = 2_000
/** As long as a stream may take to open, and a little more. */
const OPEN_MS = 12_000
/** Those who come together get one stream. */
const GATHER_MS = 40
const GRACE_MS = 10_000
/** What the server takes on one connection. */
const MAX_TASKS = 100
const MAX_REFUSALS = 5
/** Pings without an answer, after which somebody is gone. */
const MAX_UNANSWERED = 3

/**
 * Reads a stream as {@link readStream} does, on a connection that it may have in common with others of this browser: of
 * those whose API, project and headers are equal, in whatever tab, one holds the browser's lock, reads, and hands on.
 * Everybody goes on from its own position: when the one that reads goes, however suddenly, another one takes over from
 * there. Who gets no answer, or is refused together with others, reads alone.
 */
export async function readShared (options: SharedStreamOptions): Promise<StreamEnd> {
  const name = await nameOf(options)
  options.signal.throwIfAborted()
  const end = name === undefined ? 'alone' : await new Member(name, options).read()
  return end === 'alone' ? readStream(options) : end
}

/** Equal for those who may share; undefined where the browser has no locks, as outside of secure contexts. */
async function nameOf ({ api }: SharedStreamOptions): Promise<string | undefined> {
  if (globalThis.navigator?.locks === undefined || globalThis.crypto?.subtle === undefined) return undefined
  const { headers: source, task } = api
  const headers = typeof source === 'function' ? await source() : source ?? {}
  const origin = apiUrl(api, task === '' ? 'running' : '', {})
  const key = JSON.stringify([origin, Object.entries(headers).sort(([a], [b]) => a < b ? -1 : 1)])
  // Others of this origin can read names of locks: they are to learn no token from them.
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
  return `agent-timeline ${[...hash.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** One reader among those with the same name: it listens to the one that leads, or leads. */
class Member {
  readonly #name: string
  readonly #options: SharedStreamOptions
  readonly #id = crypto.randomUUID()
  readonly #channel: BroadcastChannel
  readonly #closing = new AbortController()
  #position: string
  #isHeard = false
  #isLeading = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #settle: (end: StreamEnd | 'alone') => void = () => {}
  #fail: (error: unknown) => void = () => {}
  /** Of the one that leads. */
  readonly #wants = new Map<string, { task: string, position: string, unanswered: number }>()
  readonly #epochs = new Map<string, string>()
  #outbox: Parcel[] = []
  #stream: AbortController | undefined
  #isOpen = false
  #hadPlace = false

  constructor (name: string, options: SharedStreamOptions) {
    this.#name = name
    this.#options = options
    this.#position = options.lastEventId
    this.#channel = new BroadcastChannel(name)
  }

  async read (): Promise<StreamEnd | 'alone'> {
    const { signal } = this.#options
    const { signal: closing } = this.#closing
    try {
      return await new Promise<StreamEnd | 'alone'>((resolve, reject) => {
        this.#settle = resolve
        this.#fail = reject
        signal.addEventListener('abort', () => this.#fail(signal.reason), { signal: closing })
        this.#channel.onmessage = ({ data }: MessageEvent<Word>) => this.#hear(data)
        navigator.locks.request(this.#name, { signal: closing }, async () => this.#lead()).catch(() => {})
        this.#ask()
      })
    } finally {
      clearTimeout(this.#timer)
      if (!this.#isLeading) this.#say({ say: 'leave', id: this.#id })
      this.#closing.abort()
      this.#channel.close()
    }
  }

  get #isOver (): boolean { return this.#closing.signal.aborted }

  #say (word: Word): void {
    if (!this.#isOver) this.#channel.postMessage(word)
  }

  #ask (): void {
    this.#isHeard = false
    this.#wait(LEADER_MS, () => this.#settle('alone'))
    this.#say({ say: 'want', id: this.#id, want: { task: this.#options.api.task, position: this.#position } })
  }

  #wait (ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    if (!this.#isLeading && !this.#isOver) this.#timer = setTimeout(then, ms)
  }

  #hear (word: Word): void {
    if (this.#isOver) return
    if (this.#isLeading) return this.#serve(word)
    const isMine = 'id' in word && word.id === this.#id
    if (word.say === 'lead') this.#ask()
    else if (word.say === 'wait' && isMine) this.#wait(OPEN_MS, () => this.#settle('alone'))
    else if (word.say === 'apart') this.#settle('alone')
    else if (word.say === 'open' && word.ids.includes(this.#id)) {
      this.#isHeard = true
      this.#watch(this.#options.heartbeatMs ?? 30_000)
      this.#options.onOpen()
    }
    if (!this.#isHeard) return
    if (word.say === 'parcels') for (const parcel of word.parcels) this.#take(parcel)
    else if (word.say === 'retry') this.#options.onRetry?.(word.ms)
    else if (word.say === 'ping') {
      this.#watch(word.intervalMs)
      this.#say({ say: 'here', id: this.#id })
      this.#options.onPing(word.serverTime, word.intervalMs)
    } else if (word.say === 'cut') {
      if (word.end === undefined) this.#fail(new ApiError(...word.error))
      else this.#settle(word.end)
    }
  }

  /** Who leads pings as often as the server does. */
  #watch (intervalMs: number): void {
    const limitMs = 2 * intervalMs + GRACE_MS
    this.#wait(limitMs, () => {
      this.#fail(new ApiError('Nothing has come from the server for too long', 0, undefined, undefined, limitMs))
    })
  }

  #take ({ task, seq, isEnd = false, message }: Parcel): void {
    if (this.#isOver || (task !== undefined && task !== this.#options.api.task)) return
    // Asked alone, the server says why.
    if (isEnd) return this.#settle('alone')
    // It comes again for somebody who joined from further back.
    if (seq !== undefined && seq <= Number.parseInt(this.#position)) return
    if (message.id !== '') this.#position = message.id
    this.#options.onMessage(message)
  }

  /** What others say to the one that leads. */
  #serve (word: Word): void {
    if (word.say === 'leave') this.#wants.delete(word.id)
    else if (word.say === 'here') {
      const want = this.#wants.get(word.id)
      if (want !== undefined) want.unanswered = 0
    } else if (word.say === 'want') {
      const { id, want } = word
      const tasks = new Set([...this.#wants.values()].map(({ task }) => task))
      // It hears nothing, and reads alone.
      if (tasks.size >= MAX_TASKS && !tasks.has(want.task)) return
      this.#wants.set(id, { ...want, unanswered: 0 })
      this.#say({ say: 'wait', id })
      if (want.task === '' && this.#isOpen) this.#say({ say: 'open', ids: [id] })
      // Snapshots, and what comes after its position, come with a stream from there.
      else this.#stream?.abort()
    }
  }

  /** Holds the lock until this one is over. */
  async #lead (): Promise<void> {
    if (this.#isOver) return
    clearTimeout(this.#timer)
    const { signal, api } = this.#options
    this.#isLeading = true
    this.#wants.set(this.#id, { task: api.task, position: this.#position, unanswered: -Infinity })
    this.#say({ say: 'lead' })
    try {
      let end: StreamEnd | undefined
      let refusals = 0
      while (end === undefined && !this.#isOver) {
        // Pages that nobody sees have slow timers: a minute, at worst.
        if (document.visibilityState === 'visible') await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
        const stream = this.#stream = new AbortController()
        this.#wants.get(this.#id)!.position = this.#position
        const both = AbortSignal.any([signal, this.#closing.signal, stream.signal])
        end = await this.#readOnce(both).catch((error: unknown) => {
          // Somebody joined: another one begins where this one ended.
          if (stream.signal.aborted && !signal.aborted) return undefined
          // The place of the one before is not free yet.
          if (refusals++ < MAX_REFUSALS && this.#hadPlace && (error as ApiError).status === 429) return undefined
          throw error
        })
        this.#isOpen = false
      }
      this.#say({ say: 'cut', end, error: [''] })
      if (end !== undefined) this.#settle(end)
    } catch (error) {
      if (this.#isOver || signal.aborted) return
      const { message, status = 0, code, retryAfterMs, silentMs } = error as ApiError
      const isRefused = status >= 400 && status < 500 && this.#wants.size > 1
      const said = error instanceof ApiError ? message : 'The server cannot be reached'
      if (isRefused) this.#say({ say: 'apart' })
      else this.#say({ say: 'cut', end: undefined, error: [said, status, code, retryAfterMs, silentMs] })
      if (isRefused) this.#settle('alone')
      else this.#fail(error)
    }
  }

  async #readOnce (signal: AbortSignal): Promise<StreamEnd> {
    const ids = [...this.#wants.keys()]
    const positions = new Map<string, string>()
    for (const { task, position } of this.#wants.values()) {
      const known = positions.get(task)
      if (known === undefined || toSeq(position) < toSeq(known)) positions.set(task, position)
    }
    const { api, onOpen, onPing, onRetry } = this.#options
    const isMany = positions.size > 1
    const position = isMany || api.task === '' ? '' : positions.get(api.task)!
    const list = [...positions].map(([task, position]) => `${encodeURIComponent(task)}:${position === '' ? 0 : position}`)
    const url = isMany
      ? apiUrl(api, 'stream', { tasks: list.join() })
      : api.task === '' ? this.#options.url : apiUrl(api, 'tasks/*/stream', position === '' ? {} : { after: position })
    return readStream({
      ...this.#options,
      url,
      lastEventId: position,
      signal,
      onOpen: () => {
        this.#isOpen = this.#hadPlace = true
        this.#say({ say: 'open', ids })
        onOpen()
      },
      onRetry: (ms) => {
        this.#say({ say: 'retry', ms })
        onRetry?.(ms)
      },
      onPing: (serverTime, intervalMs) => {
        this.#say({ say: 'ping', serverTime, intervalMs })
        for (const [id, want] of this.#wants) if (want.unanswered++ > MAX_UNANSWERED) this.#wants.delete(id)
        onPing(serverTime, intervalMs)
      },
      onMessage: (message) => {
        if (this.#wants.size === 1 && !isMany) return this.#take({ message })
        this.#hand(isMany || api.task !== '' ? this.#parcelOf(message, isMany) : { message })
      }
    })
  }

  /** Streams of several tasks leave it to the reader to know where in which it is. */
  #parcelOf (message: SseMessage, isMany: boolean): Parcel {
    const frame = JSON.parse(message.data) as Partial<Record<string, string>> & { seq?: number, toSeq?: number }
    const { type, taskId: task, seq = frame.toSeq, epoch } = frame
    if (task === undefined) return { message }
    if (type === 'timeline.snapshot') this.#epochs.set(task, epoch ?? '')
    if (!isMany) return { task, message, ...(seq === undefined ? {} : { seq }) }
    const known = this.#epochs.get(task) ?? ''
    const id = seq === undefined ? '' : known === '' ? String(seq) : `${seq}.${known}`
    return {
      task, message: { ...message, id }, isEnd: type === 'timeline.ended', ...(seq === undefined ? {} : { seq })
    }
  }

  #hand (parcel: Parcel): void {
    if (this.#outbox.push(parcel) === 1) {
      queueMicrotask(() => {
        this.#say({ say: 'parcels', parcels: this.#outbox })
        this.#outbox = []
      })
    }
    const { task, message } = parcel
    if (task !== undefined && message.id !== '') {
      for (const want of this.#wants.values()) {
        if (want.task === task && toSeq(message.id) > toSeq(want.position)) want.position = message.id
      }
    }
    this.#take(parcel)
  }
}

/** The number in a position; below all of them where there is none. */
function toSeq (position: string): number {
  return position === '' ? -1 : Number.parseInt(position)
}
