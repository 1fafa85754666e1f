import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import type { AddressInfo, Socket } from 'node:net'
import type { TaskOverview, TaskSummary, ToolCall, ToolCallDetails } from '../../../lib/model/answers.js'
import type { CurrentFrame, Gap, Health, InvocationSummary, TaskInfo, TimelineEvent } from '../../../lib/model/events.js'

export const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
  "base-uri 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"
].join('; ')

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript', css: 'text/css', html: 'text/html; charset=utf-8'
}

/** An answer that a route gives instead of its own. */
export interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface SeenRequest {
  readonly url: URL
  readonly headers: IncomingMessage['headers']
}

/** The wire and the pages of a real server around one task in memory, with faults on demand. */
export class TimelineServer {
  task: TaskInfo = { id: 'demo' }
  events: TimelineEvent[] = []
  gaps: Gap[] = []
  running: CurrentFrame[] = []
  /** Verdicts by invocation. */
  readonly health = new Map<number, Health>()
  invocations: InvocationSummary[] = []
  /** Answers about the task; without one, the server is of those that have none. */
  summary: TaskSummary | undefined
  calls: ToolCall[] = []
  overview: TaskOverview | undefined
  /** The list of tasks; without one, the server is of those that list runs only. */
  tasks: ReadonlyArray<{ readonly state: string }> | undefined
  /** What is known of a call beyond its row. */
  details: Partial<ToolCallDetails> = {}
  /** Events that a search looks at before it answers with what it has; 0 for a server that cannot search. */
  searchBudget = 400
  epoch = 'e1'
  retryMs = 50
  readonly requests: SeenRequest[] = []
  readonly streams = new Set<ServerResponse>()
  /** Refusals of the next requests, by route; the last one stays when `isSticky`. */
  readonly refusals: { timeline: Refusal[], stream: Refusal[] } = { timeline: [], stream: [] }
  isRefusing = false
  /** Answers wait for this. */
  gate: Promise<void> | undefined
  readonly folder: string
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #waiters: Array<() => void> = []

  /** @param folder the built client, with a slash at its end; pages are not served without */
  constructor (folder = '') {
    this.folder = folder
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  async listen (): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close (): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Stores events and sends them to every open stream in one write. */
  append (...events: TimelineEvent[]): void {
    this.events.push(...events)
    const frames = events.map((event) => this.encode(event)).join('')
    for (const stream of this.streams) stream.write(frames)
  }

  encode (event: TimelineEvent): string {
    return `id: ${event.seq}.${this.epoch}\ndata: ${JSON.stringify(event)}\n\n`
  }

  /** Changes the verdict on a running invocation. */
  judge (invocationId: number, health: Health): void {
    this.health.set(invocationId, health)
    const frame = { type: 'timeline.health', taskId: this.task.id, invocationId, health }
    for (const stream of this.streams) stream.write(`data: ${JSON.stringify(frame)}\n\n`)
  }

  /** Cuts every open stream in the middle of whatever it is doing. */
  cut (): void {
    for (const stream of this.streams) stream.destroy()
  }

  /** Resolves when a condition over what was asked for holds. */
  async until (condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  countOf (route: string): number {
    return this.requests.filter(({ url }) => url.pathname.endsWith(`/${route}`)).length
  }

  async #handle (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://local')
    const route = url.pathname.split('/').pop()!
    if (url.pathname.startsWith('/api/')) this.#note({ url, headers: request.headers })
    if (url.pathname.startsWith('/timeline')) return this.#page(url.pathname, response)
    if (route === 'timeline' || route === 'stream') {
      await this.gate
      const refusals = this.refusals[route]
      const refusal = this.isRefusing ? refusals[0] : refusals.shift()
      if (refusal !== undefined) return refuse(response, refusal)
      return route === 'timeline' ? this.#timeline(url, response) : this.#stream(request, url, response)
    }
    if (this.summary !== undefined && url.pathname.startsWith('/api/timeline/tasks/')) return this.#answer(url, response)
    if (url.pathname === '/api/timeline/tasks' && this.tasks !== undefined) {
      const states = url.searchParams.get('state')?.split(',')
      const counts: Record<string, number> = {}
      for (const { state } of this.tasks) counts[state] = (counts[state] ?? 0) + 1
      const tasks = this.tasks.filter(({ state }) => states === undefined || states.includes(state))
      return sendJson(response, 200, { success: true, tasks, counts, page: { nextCursor: null } })
    }
    if (route === 'invocations') {
      const [status, task] = ['status', 'task'].map((name) => url.searchParams.get(name))
      const known = task === null || this.invocations.length > 0
        ? this.invocations
        : this.running.map((frame) => ({ ...frame, id: frame.invocationId }))
      const invocations = known
        .filter((each) => (status === null || each.status === status) && (task === null || each.taskId === task))
        .map((each) => ({ ...each, health: this.health.get(each.id) }))
      return sendJson(response, 200, { success: true, invocations, page: { nextCursor: null } })
    }
    refuse(response, { status: 404, body: { success: false, code: 'NOT_FOUND', error: 'There is no such route.' } })
  }

  #answer ({ pathname, searchParams }: URL, response: ServerResponse): void {
    const [,,,,, route, seq] = pathname.split('/')
    if (route === 'summary') return sendJson(response, 200, { success: true, summary: this.summary })
    if (route === 'overview' && this.overview !== undefined) return sendJson(response, 200, { success: true, overview: this.overview })
    if (seq !== undefined) {
      const call = this.calls.find((each) => each.seq === Number(seq))
      return sendJson(response, 200, { success: true, call: { ...call, beats: [], earlier: [], ...this.details } })
    }
    const limit = Number(searchParams.get('limit') ?? 500)
    const rest = this.calls.filter((each) => each.seq > Number(searchParams.get('after') ?? 0))
    const calls = rest.slice(0, limit)
    const page = { hasMore: rest.length > limit, nextAfter: calls.at(-1)?.seq ?? null }
    sendJson(response, 200, { success: true, calls, page })
  }

  #timeline (url: URL, response: ServerResponse): void {
    const { searchParams } = url
    const limit = Number(searchParams.get('limit') ?? 500)
    const before = searchParams.get('before')
    const after = Number(searchParams.get('after') ?? 0)
    const headSeq = this.events.at(-1)?.seq ?? 0
    let timeline: TimelineEvent[]
    let hasMore: boolean
    if (before === null) {
      const rest = this.events.filter(({ seq }) => seq > after)
      timeline = rest.slice(0, limit)
      hasMore = rest.length > limit
    } else {
      const rest = before === 'end' ? this.events : this.events.filter(({ seq }) => seq < Number(before))
      timeline = rest.slice(-limit)
      hasMore = rest.length > limit
    }
    const firstSeq = timeline[0]?.seq
    const lastSeq = timeline.at(-1)?.seq
    const q = searchParams.get('q')?.toLowerCase()
    if (q !== undefined && this.searchBudget > 0) {
      const rest = this.events.filter(({ seq }) => seq > after)
      const seen = rest.slice(0, this.searchBudget)
      const found = seen.filter((event) => JSON.stringify(event).toLowerCase().includes(q))
      const nextAfter = rest.length > seen.length ? seen.at(-1)!.seq : undefined
      const [firstSeq, lastSeq] = [found[0]?.seq, found.at(-1)?.seq]
      const page = { firstSeq, lastSeq, headSeq, hasMore: nextAfter !== undefined, nextAfter, gaps: [] }
      return sendJson(response, 200, { success: true, task: this.task, timeline: found, page })
    }
    const gaps = this.gaps.filter(({ toSeq }) => toSeq > (firstSeq ?? 0) && toSeq < (lastSeq ?? 0))
    const page = { firstSeq, lastSeq, headSeq, hasMore, gaps }
    sendJson(response, 200, { success: true, task: this.task, timeline, page })
  }

  #stream (request: IncomingMessage, url: URL, response: ServerResponse): void {
    const cursor = String(request.headers['last-event-id'] ?? url.searchParams.get('after') ?? '')
    const [seq = '0', epoch] = cursor.split('.')
    const headSeq = this.events.at(-1)?.seq ?? 0
    const isUnknown = (epoch !== undefined && epoch !== this.epoch) || Number(seq) > headSeq
    const taskId = this.task.id
    const snapshot = {
      type: 'timeline.snapshot', taskId, task: this.task, headSeq, epoch: this.epoch, serverTime: new Date().toISOString()
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    const gap = { type: 'timeline.gap', taskId, reason: 'unknown-cursor' }
    const running = this.running.map((frame) => ({ ...frame, health: this.health.get(frame.invocationId) }))
    const state = [snapshot, ...running, ...(isUnknown ? [gap] : [])]
    const replay = this.events.filter((event) => isUnknown || event.seq > Number(seq))
    response.write(`retry: ${this.retryMs}\n\n` + state.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('') +
      replay.map((event) => this.encode(event)).join(''))
    this.streams.add(response)
    response.on('close', () => {
      this.streams.delete(response)
      this.#wake()
    })
    this.#wake()
  }

  async #page (path: string, response: ServerResponse): Promise<void> {
    const name = path === '/timeline/'
      ? 'pages/index.html'
      : path.startsWith('/timeline/tasks/') ? 'pages/task.html' : path.slice('/timeline/'.length)
    const base = path.startsWith('/timeline/tasks/') ? '../' : './'
    const text = await readFile(this.folder + name, 'utf8').catch(() => undefined)
    if (text === undefined) return refuse(response, { status: 404 })
    response.writeHead(200, { 'content-type': TYPES[name.split('.').pop()!] ?? 'text/plain', 'content-security-policy': POLICY })
    response.end(text.replaceAll('{{api}}', `${base}../api`).replaceAll('{{base}}', base))
  }

  #note (request: SeenRequest): void {
    this.requests.push(request)
    this.#wake()
  }

  #wake (): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }
}

function refuse (response: ServerResponse, { status, headers = {}, body }: Refusal): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  sendJson(response, status, body ?? { success: false, code: 'REFUSED', error: 'It was refused for a test.', statusCode: status })
}

function sendJson (response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}
