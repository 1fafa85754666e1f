import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { Notice } from '../../lib/model/notice.js'
import { openTimeline, type OpenOptions } from '../../lib/open-timeline.js'
import { Logs } from './logs.js'

const SECRET = 'whsec_c2VjcmV0IG9mIGEgdGVzdA=='

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly event: { id: string, type: string, subject: string, data: Notice }
}

/** A receiver of webhooks that does with each what it is told to. */
export class Receiver {
  readonly received: Received[] = []
  readonly answers: Array<(response: ServerResponse) => void> = []
  /** What is done with those of one task. */
  readonly answersOf = new Map<string, Array<(response: ServerResponse) => void>>()
  readonly #ofTask = new Map<string, Received[]>()
  port = 0
  #server: Server | undefined
  #onReceived = (): void => {}

  async open (t: Test): Promise<this> {
    const server = this.#server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => { body += chunk })
      request.on('end', () => {
        const event = JSON.parse(body)
        const received = { headers: request.headers, body, event }
        const ofTask = this.answersOf.get(event.subject)
        const list = ofTask === undefined ? this.received : this.of(event.subject)
        list.push(received)
        const answer = (ofTask ?? this.answers).shift() ?? ((given) => { given.end() })
        answer(response)
        this.#onReceived()
      })
    })
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    t.teardown(() => this.close())
    return this
  }

  async close (): Promise<void> {
    const server = this.#server
    if (server?.listening !== true) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  /** Resolves once so many have come. */
  async has (count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => { this.#onReceived = resolve })
  }

  /** Those of a task that has answers of its own. */
  of (taskId: string): Received[] {
    const list = this.#ofTask.get(taskId) ?? []
    this.#ofTask.set(taskId, list)
    return list
  }

  get kinds (): string[] {
    return this.received.map(({ event }) => event.data.kind)
  }
}

export const waiting = { type: 'progress', message: '', metadata: { kind: 'waiting', waitKind: 'person', what: 'Run rm -rf build?' } } as const

/**
 * Each change arrives at a receiver that fails, hangs, answers late and restarts: in order per task, a retry with the
 * same id, whoever of two sends it; nothing that is recorded waits for it.
 */
export async function checkWebhook (t: Test, database: OpenOptions['database'], { isLate }: { readonly isLate: boolean }) {
  const keepAlive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(keepAlive))
  const receiver = await new Receiver().open(t)
  const logs = new Logs()
  const told: Notice[] = []
  const options = {
    database,
    logger: logs,
    publicUrl: 'https://agents.example/timeline',
    webhook: { url: `http://127.0.0.1:${receiver.port}/hook?token=hidden`, secret: SECRET, headers: { 'x-team': 'shop' } },
    onNotice (notice: Notice) {
      told.push(notice)
      throw new Error('a faulty callback')
    }
  }
  const [first, second] = [await openTimeline(options), await openTimeline(options)]
  t.teardown(() => Promise.all([first.close(), second.close()]))
  // One that answers long after it was given up: of this task all comes later, of no other anything does.
  let isGivenUp = false
  const lateAnswers: Array<Promise<void>> = []
  receiver.answersOf.set('late', [(response) => {
    lateAnswers.push(once(response, 'close').then(() => { isGivenUp = true }))
  }])
  const late = isLate ? await first.startInvocation({ taskId: 'late', role: 'coder', provider: 'claude' }) : undefined
  late?.activity({ ...waiting, timestamp: new Date() })
  if (late !== undefined) while (receiver.of('late').length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
  await late?.complete('done')
  const { timeline } = await first.getTimeline(late === undefined ? 'none' : 'late').catch(() => ({ timeline: [] }))
  t.equal(timeline.length, isLate ? 3 : 0, 'the log waits for nobody')
  t.notOk(isGivenUp)
  const run = await second.startInvocation({ taskId: 'a', title: 'Fix login', role: 'coder', provider: 'claude' })
  receiver.answers.push((response) => { response.writeHead(500).end() }, (response) => { response.socket?.destroy() })
  run.activity({ ...waiting, timestamp: new Date() })
  await receiver.has(3)
  t.equal(new Set(receiver.received.map(({ event }) => event.id)).size, 1, 'a retry is the same event')
  t.same(receiver.kinds, ['waiting', 'waiting', 'waiting'])
  const { headers, body, event } = receiver.received[2]!
  t.match(event, {
    specversion: '1.0',
    source: 'https://agents.example/timeline',
    type: 'fastify-agent-timeline.waiting',
    subject: 'a',
    data: {
      kind: 'waiting',
      taskId: 'a',
      title: 'Fix login',
      invocationId: run.id,
      health: { state: 'waiting', waitingFor: { kind: 'person', what: 'Run rm -rf build?' } },
      url: 'https://agents.example/timeline/tasks/a'
    }
  })
  t.match(headers, { 'content-type': /^application\/cloudevents\+json/, 'x-team': 'shop', 'webhook-id': event.id })
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = createHmac('sha256', 'secret of a test').update(content).digest('base64')
  t.equal(headers['webhook-signature'], `v1,${expected}`)

  await receiver.close()
  run.activity({ type: 'output', message: 'I go on.', timestamp: new Date() })
  while (told.filter(({ taskId }) => taskId === 'a').length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  await receiver.open(t)
  await receiver.has(4)
  t.equal(receiver.kinds[3], 'recovered')

  if (isLate) {
    await Promise.all(lateAnswers)
    while (receiver.of('late').length < 3) await new Promise((resolve) => setTimeout(resolve, 20))
    const [before, again, next] = receiver.of('late')
    t.same([again, next].map((one) => one?.event.data.kind), ['waiting', 'ended'], 'in order')
    t.equal(again?.event.id, before?.event.id)
  }

  // It takes the next one and never answers; whoever sent it is closed, and the other goes on.
  receiver.answers.push(() => {})
  await run.complete({ success: true, response: 'done' })
  await receiver.has(5)
  await first.close()
  while (receiver.received.length < 6) {
    receiver.answers.length = 0
    await Promise.race([receiver.has(6), new Promise((resolve) => setTimeout(resolve, 100))])
  }
  t.same(receiver.kinds.slice(4), ['ended', 'ended'])
  t.equal(receiver.received[5]?.event.id, receiver.received[4]?.event.id)
  t.match(receiver.received[5]?.event.data, { status: 'completed', invocationId: run.id })
  await second.close()
  t.same(told.filter(({ taskId }) => taskId === 'a').map(({ kind }) => kind), ['waiting', 'recovered', 'ended'], 'the callback of one of both')
  t.equal(new Set(told.map(({ id }) => id)).size, told.length, 'once each')
  t.ok(logs.mentions('status 500'))
  for (const hidden of [SECRET, 'hidden', 'rm -rf build', '/hook']) t.notOk(logs.mentions(hidden), hidden)
}
