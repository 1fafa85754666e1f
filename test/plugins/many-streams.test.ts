import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Fastify, { type FastifyInstance } from 'fastify'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { openTimeline, type Timeline } from '../../lib/open-timeline.js'
import agentTimeline from '../../plugins/agent-timeline.js'
import { parseTasks } from '../../plugins/stream/task-positions.js'
import { Random } from '../support/random.js'
import { makeApp, makeFolder, recordCoder } from './app.js'
import { SseClient } from './sse-client.js'

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

const start = (timeline: Timeline, taskId: string) =>
  timeline.startInvocation({ taskId, role: 'coder', provider: 'claude' })

/** Stored as one row each; pieces of output may be joined. */
const say = (message: string) => ({ type: 'error' as const, message, timestamp: new Date() })

/** Somebody else's hand in the database. */
function change (database: string, ...statements: readonly string[]): void {
  const db = new Sqlite(database)
  db.transaction(() => { for (const statement of statements) db.exec(statement) }).immediate()
  db.close()
}

/** What a client of one connection knows of a task. */
class View {
  /** Numbers, and gaps as `from-to reason`. */
  readonly seen: Array<number | string> = []
  readonly states: string[] = []
  epoch = ''
  get seq (): number {
    return this.seen.reduce<number>((last, item) => typeof item === 'number' ? item : Number(/-(\d+) /.exec(item)?.[1] ?? last), 0)
  }
}

/** Sorts the frames of a connection by task, as a client does that resumes by its own positions. */
function sort (client: SseClient, views = new Map<string, View>()): Map<string, View> {
  for (const { id, event, data } of client.frames) {
    if (id !== undefined) throw new Error('A frame of a stream over many tasks has an id')
    // How it is doing is told when it has changed, whatever else is.
    if (event === 'ping' || data.type === 'timeline.health') continue
    let view = views.get(data.taskId)
    if (view === undefined) views.set(data.taskId, view = new View())
    if (typeof data.seq === 'number') view.seen.push(data.seq)
    else if (data.type === 'timeline.gap' && data.toSeq !== undefined) {
      view.seen.push(`${data.fromSeq}-${data.toSeq} ${data.reason}`)
    } else {
      view.states.push(data.reason === undefined ? data.type : `${data.type} ${data.reason}`)
      if (data.reason === 'unknown-cursor') view.seen.length = 0
      if (data.type === 'timeline.snapshot') view.epoch = data.epoch
    }
  }
  return views
}

const seen = (client: SseClient, taskId: string) => sort(client).get(taskId)?.seen ?? []
const untilSeen = (client: SseClient, taskId: string, seq: number) =>
  client.until(() => sort(client).get(taskId)?.seq === seq)
const untilEnded = (client: SseClient, taskId: string) =>
  client.until(({ frames }) => frames.some(({ data }) => data.type === 'timeline.ended' && data.taskId === taskId))

async function epochOf (app: FastifyInstance, taskId: string): Promise<string> {
  const client = await SseClient.open(app, `/api/stream?tasks=${taskId}`)
  await client.until(({ frames }) => frames.length > 0)
  client.destroy()
  return client.frames[0]?.data.epoch
}

t.test('tasks are given between commas, each with its position or without', async (t) => {
  const cases = [
    ['tasks=a:17.x9,b', [{ taskId: 'a', cursor: { seq: 17, epoch: 'x9' } }, { taskId: 'b' }]],
    ['running=&tasks=a:0', [{ taskId: 'a', cursor: { seq: 0 } }]],
    ['tasks=build:lint,x:y:3', [{ taskId: 'build:lint' }, { taskId: 'x:y', cursor: { seq: 3 } }]],
    ['tasks=a%2Cb%3A7:3,50%25,a%20b', [{ taskId: 'a,b:7', cursor: { seq: 3 } }, { taskId: '50%' }, { taskId: 'a b' }]],
    ['tasks=a%3A7,b', [{ taskId: 'a:7' }, { taskId: 'b' }], 'an encoded colon is part of the id'],
    [String(new URLSearchParams({ tasks: 'a:1.x,b c' })), [{ taskId: 'a', cursor: { seq: 1, epoch: 'x' } }, { taskId: 'b c' }]],
    [String(new URLSearchParams({ tasks: `${encodeURIComponent('a,b')}:1,c` })), [{ taskId: 'a,b', cursor: { seq: 1 } }, { taskId: 'c' }]]
  ] as const
  for (const [query, tasks, message] of cases) t.same(parseTasks(`/api/stream?${query}`), tasks, message ?? query)
})

t.test('what cannot be understood is refused before the stream begins', async (t) => {
  const { app } = await makeApp(t)
  const many = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`).join()
  const cases = [
    ['', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=a&running=true', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?running=yes', 'AGENT_TIMELINE_INVALID_REQUEST'],
    [`?tasks=${many(101)}`, 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=,', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=a,b:1,a:2', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=a&tasks=b', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=a%,b', 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['?tasks=a%00,b', 'AGENT_TIMELINE_INVALID_TASK_ID'],
    [`?tasks=${'x'.repeat(257)}`, 'AGENT_TIMELINE_INVALID_TASK_ID'],
    ['?tasks=a:99999999999999999', 'AGENT_TIMELINE_INVALID_CURSOR'],
    ['?tasks=a:1.é', 'AGENT_TIMELINE_INVALID_CURSOR']
  ] as const
  for (const [query, code] of cases) {
    const answer = await app.inject(`/api/stream${query}`)
    t.match(answer.json(), { success: false, statusCode: 400, code }, query.slice(0, 40))
  }
  t.equal((await app.inject({ method: 'HEAD', url: '/api/stream?tasks=a' })).statusCode, 404)
})

t.test('one connection carries many tasks, each from its own position', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  for (const taskId of ['a', 'b', 'c', 'x,y:7']) await recordCoder(timeline, taskId)
  const epoch = await epochOf(app, 'a')
  const client = await SseClient.open(app, `/api/stream?tasks=a:2.${epoch},b:0,c,${encodeURIComponent('x,y:7')}:4`)
  t.equal(client.response.headers['content-type'], 'text/event-stream; charset=utf-8')
  await Promise.all([untilSeen(client, 'a', 5), untilSeen(client, 'b', 5), untilSeen(client, 'x,y:7', 5)])
  for (const taskId of ['a', 'b', 'c']) await recordCoder(timeline, taskId)
  await Promise.all(['a', 'b', 'c'].map((taskId) => untilSeen(client, taskId, 10)))
  t.same(seen(client, 'a'), upTo(10).slice(2), 'exactly after the position')
  t.same(seen(client, 'b'), upTo(10), 'the whole log')
  t.same(seen(client, 'c'), upTo(10).slice(5), 'what comes after the snapshot')
  t.same(seen(client, 'x,y:7'), [5])
  t.same([...sort(client).values()].map(({ states }) => states), Array.from({ length: 4 }, () => ['timeline.snapshot']))
  const page = (await app.inject('/api/tasks/b/timeline')).json().timeline
  t.same(client.frames.filter(({ data }) => data.taskId === 'b' && data.seq > 0).map(({ data }) => data), page)
})

t.test('a task that is unknown or deleted ends alone', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true, plugin: { taskExists: (id) => id !== 'nobody' } })
  for (const taskId of ['a', 'b']) await recordCoder(timeline, taskId)
  const client = await SseClient.open(app, '/api/stream?tasks=nobody:3,a:0,b:0')
  await Promise.all([untilSeen(client, 'a', 5), untilSeen(client, 'b', 5)])
  t.same(sort(client).get('nobody')?.states, ['timeline.ended unknown'])
  await timeline.deleteTask('a')
  await untilEnded(client, 'a')
  t.same(sort(client).get('a')?.states, ['timeline.snapshot', 'timeline.ended deleted'])
  await recordCoder(timeline, 'b')
  await untilSeen(client, 'b', 10)
  t.same(seen(client, 'b'), upTo(10))
})

t.test('a position of another log is told, and the log follows from its start', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  for (const taskId of ['a', 'b']) await recordCoder(timeline, taskId)
  const client = await SseClient.open(app, '/api/stream?tasks=a:3.other,b:99')
  for (const taskId of ['a', 'b']) {
    await untilSeen(client, taskId, 5)
    t.same(seen(client, taskId), upTo(5))
    t.same(sort(client).get(taskId)?.states, ['timeline.snapshot', 'timeline.gap unknown-cursor'])
  }
})

t.test('a log that is replaced while it is watched is told anew, on the same connection', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { listen: true, plugin: { database } })
  for (const taskId of ['a', 'b']) await recordCoder(timeline, taskId)
  const client = await SseClient.open(app, '/api/stream?tasks=a:0,b:0')
  await Promise.all([untilSeen(client, 'a', 5), untilSeen(client, 'b', 5)])
  change(database, "UPDATE task_stream SET epoch = 'restored' WHERE task_id = 'a'")
  await client.until(() => sort(client).get('a')?.epoch === 'restored' && sort(client).get('a')?.seq === 5)
  await Promise.all(['a', 'b'].map((taskId) => recordCoder(timeline, taskId)))
  await Promise.all(['a', 'b'].map((taskId) => untilSeen(client, taskId, 10)))
  const { states, seen: numbers } = sort(client).get('a') as View
  t.same(states, ['timeline.snapshot', 'timeline.snapshot', 'timeline.gap unknown-cursor'])
  t.same(numbers, upTo(10))
  t.same(seen(client, 'b'), upTo(10))
})

t.test('a task without a log gets another snapshot when it has one, before its first event', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const client = await SseClient.open(app, '/api/stream?tasks=a,b:0')
  await client.until(({ frames }) => frames.length === 2)
  t.same(client.frames.map(({ data }) => [data.headSeq, data.epoch]), [[0, ''], [0, '']])
  await recordCoder(timeline, 'a')
  await untilSeen(client, 'a', 5)
  const view = sort(client).get('a')
  t.same(view?.seen, upTo(5))
  t.same(view?.states.slice(0, 2), ['timeline.snapshot', 'timeline.snapshot'])
  t.equal(view?.epoch, await epochOf(app, 'a'))
})

t.test('gaps are told in their place', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { listen: true, plugin: { database } })
  for (const taskId of ['a', 'b']) await recordCoder(timeline, taskId)
  change(database, "DELETE FROM invocation_activity WHERE task_id = 'a' AND seq IN (2, 4)")
  const client = await SseClient.open(app, '/api/stream?tasks=b:0,a:0')
  await Promise.all([untilSeen(client, 'a', 5), untilSeen(client, 'b', 5)])
  t.same(seen(client, 'a'), [1, '2-2 removed', 3, '4-4 removed', 5])
  t.same(seen(client, 'b'), upTo(5))
})

t.test('tasks join a stream of those that run as their runs begin, and leave when they end', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  await recordCoder(timeline, 'idle')
  const first = await start(timeline, 'a')
  first.activity(say('c1'))
  await timeline.flush()
  const client = await SseClient.open(app, '/api/stream?running=true')
  await client.until(({ frames }) => frames.length === 2)
  t.match(client.frames.map(({ data }) => data), [
    { type: 'timeline.snapshot', taskId: 'a', headSeq: 2 }, { type: 'invocation.current', taskId: 'a', invocationId: 2 }
  ])
  first.activity(say('c2'))
  await recordCoder(timeline, 'b')
  const second = await start(timeline, 'b')
  second.activity(say('c1'))
  await timeline.flush()
  await untilSeen(client, 'b', 7)
  await second.complete('Done')
  await untilEnded(client, 'b')
  await first.complete('Done')
  await untilEnded(client, 'a')
  t.same(seen(client, 'a'), [3, 4])
  t.same(seen(client, 'b'), upTo(8), 'everything since its run began')
  const last = await start(timeline, 'idle')
  await untilSeen(client, 'idle', 6)
  t.same(seen(client, 'idle'), [6])
  await last.complete('Done')
  await untilEnded(client, 'idle')
  t.same(seen(client, 'idle'), [6, 7])
  for (const { states } of sort(client).values()) t.equal(states.at(-1), 'timeline.ended idle')
})

t.test('runs that come and go at once are told whole, each event once', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const client = await SseClient.open(app, '/api/stream?running=true')
  const tasks = ['a', 'b', 'c']
  for (let round = 0; round < 15; round++) {
    await Promise.all(tasks.map((taskId) => recordCoder(timeline, taskId)))
    if (round % 3 === 0) await pause(Math.random() * 60)
  }
  await Promise.all(tasks.map(async (taskId) => {
    await untilSeen(client, taskId, 75)
    t.same(seen(client, taskId), upTo(75))
  }))
})

t.test('a viewer that stops reading costs no more for many tasks than for one, and misses nothing', async (t) => {
  let mostBuffered = 0
  const { app, timeline } = await makeApp(t, {
    listen: true,
    before: (host) => host.addHook('onRequest', async (_request, { raw }) => {
      const write = raw.write.bind(raw) as (bytes: Uint8Array) => boolean
      raw.write = ((bytes: Uint8Array) => {
        const hasRoom = write(bytes)
        mostBuffered = Math.max(mostBuffered, raw.writableLength)
        return hasRoom
      }) as typeof raw.write
    })
  })
  const tasks = Array.from({ length: 20 }, (_, index) => `t${index}`)
  const runs = await Promise.all(tasks.map(async (taskId) => start(timeline, taskId)))
  const record = async (count: number) => {
    for (const run of runs) for (let i = 0; i < count; i++) run.activity(say('x'.repeat(15_000)))
    await timeline.flush()
  }
  await record(40)
  const slow = await SseClient.open(app, `/api/stream?tasks=${tasks.map((taskId) => `${taskId}:0`).join()}`)
  slow.response.pause()
  const fast = await SseClient.open(app, '/api/stream?tasks=t0')
  await record(20)
  await untilSeen(fast, 't0', 61)
  slow.response.resume()
  const last = new Map<string, number>()
  let next = 0
  await slow.until(({ frames }) => {
    for (; next < frames.length; next++) {
      const { taskId, seq } = frames[next]?.data ?? {}
      if (seq > 0) last.set(taskId, seq)
    }
    return tasks.every((taskId) => last.get(taskId) === 61)
  })
  for (const taskId of tasks) t.same(seen(slow, taskId), upTo(61))
  t.ok(mostBuffered < 2.5 * 1024 * 1024, `${mostBuffered} bytes of ${20 * 61 * 15_000} waited at most`)
})

t.test('viewers that are cut at random and meet restarted servers hold exactly the log of every task', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  const tasks = ['a', 'b,:%', 'c']
  const counts = { restarts: 0, cuts: 0 }
  let app = await listen(database)
  t.teardown(() => app.close())
  const state = { isWriting: true, isRestarting: true }

  const writers = tasks.map(async (taskId) => {
    for (let round = 0; round < 6; round++) {
      const run = await start(timeline, taskId)
      for (let i = 0; i < 25; i++) {
        for (let count = 1 + random.next() * 12; count > 0; count--) run.activity(say('line'))
        await pause(random.next() * 12)
      }
      await run.complete('Done')
    }
  })
  const restarts = (async () => {
    for (; state.isWriting; counts.restarts++) {
      await pause(100 + random.next() * 200)
      await app.close()
      app = await listen(database)
    }
    state.isRestarting = false
  })()
  const viewers = Array.from({ length: 4 }, async () => {
    const views = new Map<string, View>()
    for (let isLast = false; !isLast;) {
      isLast = !state.isRestarting
      const positions = tasks.map((taskId) => {
        const { seq = 0, epoch = '' } = views.get(taskId) ?? {}
        return `${encodeURIComponent(taskId)}:${seq}${epoch === '' ? '' : `.${epoch}`}`
      })
      const client = await SseClient.open(app, `/api/stream?tasks=${positions.join()}`).catch(() => undefined)
      if (client?.response.statusCode !== 200) {
        // The server is down just now.
        isLast = false
        await pause(5)
        continue
      }
      if (isLast) {
        const heads = await Promise.all(tasks.map(async (taskId) => (await timeline.getTimeline(taskId)).page.headSeq))
        await client.until(() => {
          const seen = sort(client)
          return tasks.every((taskId, index) =>
            Math.max(views.get(taskId)?.seq ?? 0, seen.get(taskId)?.seq ?? 0) === heads[index])
        })
      } else {
        await Promise.race([pause(random.next() * 150), client.untilEnd()])
        counts.cuts++
      }
      client.destroy()
      sort(client, views)
    }
    return views
  })
  await Promise.all(writers)
  await timeline.flush()
  state.isWriting = false
  await restarts
  for (const views of await Promise.all(viewers)) {
    for (const taskId of tasks) {
      const { page } = await timeline.getTimeline(taskId)
      t.same(views.get(taskId)?.seen, upTo(page.headSeq), taskId)
      t.ok(page.headSeq > 500)
    }
  }
  t.ok(counts.restarts >= 3 && counts.cuts >= 20, JSON.stringify(counts))
})

async function listen (database: string): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(agentTimeline, { database })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}
