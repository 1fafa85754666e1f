import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createSseParser, type SseMessage } from '../../client/connection/sse-parser.js'
import type { TimelineEvent } from '../../lib/model/events.js'
import type { Timeline } from '../../lib/open-timeline.js'
import { Random } from '../support/random.js'
import { makeApp } from './app.js'

const PIECES = [
  '\r', '\n', '\r\n', '\n\n', '\r\r', '\u2028', '\u2029', '\u0085', '\v', '\f', '\x1c', '\x1e', '\ud800', '\udc00', '\0',
  '\ufeff', 'id: 5', 'id: 7.x9', 'id:', 'data:', 'data: {"seq":1}', 'event: ping', 'retry: 1', ':', ': ping', ' ', '\t', '\\',
  '"', '}', '\u001b[31m', '12:00:00  ✓  Task completed', 'é', '😀', 'word', '─'.repeat(61)
] as const

/** What any reader may take for the end of a line. */
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\u0085\u2028\u2029]/ // eslint-disable-line no-control-regex

const random = new Random()
const text = (): string => Array.from({ length: 1 + random.below(6) }, () => random.pick(PIECES)).join('')
/** Every separator once, as a line that looks like one of the wire's. */
const CASES = ['\r', '\n', '\r\n', '\u2028', '\u2029', '\u0085'].flatMap((end) =>
  ['id: x', 'data: x', 'event: ping', ': x', '', 'retry: 1'].map((line) => `a${end}${line}${end}b`))

/** Such text in every field that somebody else may fill. */
async function record (timeline: Timeline, taskId: string): Promise<void> {
  const timestamp = new Date()
  await timeline.recordTaskEvent({ taskId, type: 'task.review', actor: text(), message: text() })
  const about = { taskId, title: text(), role: text(), provider: text(), model: text(), prompt: text() }
  const failing = await timeline.startInvocation(about)
  const messages = [...CASES, ...Array.from({ length: 40 }, text)]
  for (const message of messages) {
    const type = random.pick(['tool_exec', 'output', 'error', 'progress'] as const)
    failing.activity({ type, message, timestamp, metadata: { callId: text(), phase: 'start', [text()]: [text()] } })
  }
  await failing.fail(new Error(text()))
  const running = await timeline.startInvocation({ ...about, role: text() })
  running.activity({ type: 'output', message: text(), timestamp })
  await timeline.flush()
}

/** What a GET answers until everything that was wanted is in it; the bytes arrive in any pieces. */
async function read (port: number, path: string, isDone: (text: string) => boolean, accept = '*/*'): Promise<string> {
  return await new Promise((resolve, reject) => {
    let received = ''
    const request = get({ port, path, host: '127.0.0.1', headers: { accept }, agent: false }, (response) => {
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        received += piece
        if (!isDone(received)) return
        request.destroy()
        resolve(received)
      })
      response.on('end', () => resolve(received))
    })
    request.on('error', reject)
  })
}

/** The messages as the page's own parser reads them, in pieces of any size. */
function parse (stream: string): SseMessage[] {
  const messages: SseMessage[] = []
  const feed = createSseParser({ onMessage: (message) => messages.push(message) })
  for (const piece of random.split(stream, 50)) feed(piece)
  return messages
}

/** The data of a stream for a reader that ends lines wherever Unicode does. */
function dataByLines (stream: string): any[] {
  return stream.split(LINE_END).filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)))
}

const isStored = (data: { seq?: number }) => data.seq !== undefined

t.test(`every viewer gets exactly what is stored, whatever agents write (SEED=${random.seed})`, async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const { port } = app.server.address() as AddressInfo
  const taskIds = ['plain', 'line\u2028id: x', 'nel\u0085data: x,:7']
  for (const taskId of taskIds) await record(timeline, taskId)
  for (const taskId of taskIds) {
    const id = encodeURIComponent(taskId)
    const stored = (await timeline.getTimeline(taskId, { limit: 5000 })).timeline
    const last = stored.at(-1)!.seq
    const hasLast = (stream: string) => stream.includes(`"seq":${last},"taskId"`) && stream.endsWith('\n\n')

    const one = await read(port, `/api/tasks/${id}/stream`, hasLast)
    const messages = parse(one).map(({ id, data }) => ({ id, data: JSON.parse(data) }))
      .filter(({ data }) => isStored(data))
    t.same(messages.map(({ data }) => data), stored, 'one task')
    t.same(messages.map(({ id }) => id.split('.')[0]), stored.map(({ seq }) => String(seq)), 'each with its own id')
    t.same(dataByLines(one).filter(isStored), stored, 'one task, for a reader of Unicode lines')

    const many = await read(port, `/api/stream?tasks=${id}:0`, hasLast)
    t.same(parse(many).map(({ data }) => JSON.parse(data)).filter(isStored), stored, 'many tasks')
    t.ok(parse(many).every(({ id }) => id === ''), 'without ids')
    t.same(dataByLines(many).filter(isStored), stored, 'many tasks, for a reader of Unicode lines')

    const polled: TimelineEvent[] = []
    for (let hasMore = true; hasMore;) {
      const answer = await app.inject(`/api/tasks/${id}/timeline?limit=7&after=${polled.at(-1)?.seq ?? 0}`)
      const { timeline: events, page } = answer.json()
      polled.push(...events)
      hasMore = page.hasMore
    }
    t.same(polled, stored, 'polling')

    const lines = await read(port, `/api/tasks/${id}/timeline?limit=5000`, () => false, 'application/x-ndjson')
    t.same(lines.split(LINE_END).filter((line) => line !== '').map((line) => JSON.parse(line)), stored, 'lines of JSON')

    const events: TimelineEvent[] = []
    for await (const event of timeline.events({ taskId })) {
      events.push(event)
      if (event.seq === last) break
    }
    t.same(events, stored, 'events()')
  }
})

t.test(`no text of an agent's looks like another line of the text (SEED=${random.seed})`, async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const { port } = app.server.address() as AddressInfo
  await record(timeline, 'a')
  const page = await read(port, '/api/tasks/a/timeline', () => false, 'text/plain')
  const { timeline: stored } = await timeline.getTimeline('a', { limit: 5000 })
  const lines = page.split(LINE_END)
  const rule = lines.indexOf('─'.repeat(61))
  const end = lines.indexOf('─'.repeat(61), rule + 1)
  const shown = stored.filter((event) => event.type !== 'invocation.activity' ||
    ['tool_exec', 'error'].includes(event.activityType))
  t.same(lines.slice(0, rule).map((line) => line.split(':')[0]), ['Task', 'Status', 'State', '', 'Timeline'])
  t.same(lines.slice(rule + 1, end).map((line) => line.slice(0, 8)),
    shown.map(({ timestamp }) => timestamp.slice(11, 19)), 'one line an event, each with its time')
  for (const line of lines.slice(end + 1)) t.match(line, /^(| {2}.*|Running:|Live Activity \(streaming\.\.\.\):)$/)
})
