import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { openTimeline, type Timeline } from '../../lib/open-timeline.js'
import type { TaskAccess, TasksOf } from '../../plugins/agent-timeline.js'
import { join } from 'node:path'
import { makeApp, makeFolder } from './app.js'
import { SseClient } from './sse-client.js'

/** Each tenant says by a header what it may see, as JSON. */
const tasksOf = async ({ headers }: FastifyRequest): Promise<TaskAccess> => JSON.parse(String(headers['x-tasks']))
const as = (access: unknown) => ({ 'x-tasks': JSON.stringify(access) })

async function record (timeline: Timeline, taskId: string | number, isRunning = false): Promise<number> {
  const run = await timeline.startInvocation({ taskId, role: 'coder', provider: 'claude', prompt: `of ${taskId}` })
  run.activity({ type: 'error', message: `said in ${taskId}`, timestamp: new Date() })
  if (!isRunning) await run.complete('ok')
  await timeline.flush()
  return run.id as number
}

t.test('a request sees the tasks that it may see, the others as if they were not there', async (t) => {
  const { app, timeline } = await makeApp(t, { plugin: { tasksOf, metrics: true } })
  const ids: Record<string, number> = {}
  const tasks = ['a', 'a1', 'A2', 'b', 'a%x', 'a_y', 'é1', 'e\u03011', '7', '70', '😀', '😀x']
  for (const task of tasks) ids[task] = await record(timeline, task)
  const cases: Array<[access: TaskAccess, sees: readonly string[]]> = [
    ['all', tasks],
    [{ ids: ['a', 'b', 'nobody'] }, ['a', 'b']],
    [{ ids: [7] }, ['7']],
    [{ ids: [] }, []],
    [{ ids: [...Array.from({ length: 10_000 }, (_, i) => `t${i}`), 'b'] }, ['b']],
    [{ prefix: 'a' }, ['a', 'a1', 'a%x', 'a_y']],
    [{ prefix: 'a%' }, ['a%x']],
    [{ prefix: 'a_' }, ['a_y']],
    [{ prefix: '%' }, []],
    [{ prefix: '_' }, []],
    [{ prefix: 'A' }, ['A2']],
    [{ prefix: 'é' }, ['é1']],
    [{ prefix: '7' }, ['7', '70']],
    [{ prefix: '😀' }, ['😀', '😀x']]
  ]
  for (const [access, sees] of cases) {
    const name = JSON.stringify(access).slice(0, 40)
    const get = async (url: string) => app.inject({ url, headers: as(access) })
    const listed: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const { invocations, page }: Awaited<ReturnType<Timeline['listInvocations']>> =
        (await get(`/api/invocations?limit=1&cursor=${cursor}`)).json()
      listed.push(...invocations.map(({ taskId }) => taskId))
      cursor = page.nextCursor
      if (sees.length > 0) t.equal(invocations.length, 1, `${name}: no page is emptied after it was read`)
    }
    t.same(listed.sort(), [...sees].sort(), `${name}: list`)
    for (const task of tasks) {
      const path = `/api/tasks/${encodeURIComponent(task)}/timeline`
      const status = sees.includes(task) ? 200 : 404
      t.equal((await get(path)).statusCode, status, `${name}: timeline of ${task}`)
      const invocation = await get(`/api/invocations/${ids[task]}`)
      t.equal(invocation.statusCode, status, `${name}: invocation of ${task}`)
      if (status === 404) t.equal(invocation.body, (await get('/api/invocations/99999')).body, 'alike')
      const ofTask = (await get(`/api/invocations?task=${encodeURIComponent(task)}`)).json().invocations
      t.equal(ofTask.length, status === 200 ? 1 : 0, `${name}: list of ${task}`)
    }
    const metrics = await get('/api/timeline/metrics')
    t.equal(metrics.statusCode, access === 'all' ? 200 : 403, `${name}: sums over all`)
    if (access !== 'all') t.match(metrics.json(), { code: 'AGENT_TIMELINE_NOT_ALL_TASKS' })
    t.equal((await get('/api/timeline/status')).statusCode, access === 'all' ? 200 : 403, `${name}: status of all`)
    t.equal((await get('/api/timeline/verdict-report')).statusCode, access === 'all' ? 200 : 403, `${name}: verdicts on all`)
    const usage = await get('/api/timeline/usage')
    t.equal(usage.statusCode, access === 'all' ? 200 : 403, `${name}: usage of all`)
  }
})

t.test('streams are of the tasks that the request may see, of those that begin later, too', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app } = await makeApp(t, { plugin: { projects: () => database, tasksOf }, listen: true })
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  for (const task of ['x/1', 'y/1']) await record(timeline, task, true)
  const headers = as({ prefix: 'x/' })
  t.equal((await SseClient.open(app, '/api/tasks/y%2F1/stream', headers)).response.statusCode, 404)
  const one = await SseClient.open(app, '/api/tasks/x%2F1/stream', headers)
  const listed = await SseClient.open(app, '/api/stream?tasks=x%2F1:0,y%2F1:0,z:0', headers)
  const running = await SseClient.open(app, '/api/stream?running=true', headers)
  const byIds = await SseClient.open(app, '/api/stream?running=true', as({ ids: ['y/1', 'x/2'] }))
  await one.untilSeq(2)
  await record(timeline, 'y/2', true)
  await record(timeline, 'x/2', true)
  for (const task of ['y/1', 'x/1']) await record(timeline, task)
  const tells = (task: string, seq: number) => ({ frames }: SseClient) =>
    frames.some(({ data }) => data.taskId === task && data.seq === seq)
  await Promise.all([
    listed.until(tells('x/1', 5)), running.until(tells('x/2', 2)), running.until(tells('x/1', 5)),
    byIds.until(tells('x/2', 2)), byIds.until(tells('y/1', 5))
  ])
  const tasksIn = ({ frames }: SseClient) => [...new Set(frames.map(({ data }) => data.taskId))].filter(Boolean).sort()
  t.same(tasksIn(running), ['x/1', 'x/2'])
  t.same(tasksIn(byIds), ['x/2', 'y/1'])
  t.same(listed.frames.filter(({ data }) => data.taskId !== 'x/1').map(({ data }) => data), [
    { type: 'timeline.ended', taskId: 'y/1', reason: 'unknown' }, { type: 'timeline.ended', taskId: 'z', reason: 'unknown' }
  ], 'what is not theirs is as what is not there')
  for (const client of [one, listed, running, byIds]) client.destroy()
})

t.test('where it is not clear what may be seen, nothing is shown', async (t) => {
  let answer: unknown
  const { app, timeline } = await makeApp(t, {
    plugin: { tasksOf: (() => answer) as unknown as TasksOf, metrics: true }
  })
  const id = await record(timeline, 'a')
  const paths = ['/api/tasks/a/timeline', `/api/invocations/${id}`, '/api/invocations', '/api/tasks/a/stream',
    '/api/stream?tasks=a', '/api/stream?running=true', '/api/timeline/metrics']
  const wrong = [
    undefined, null, true, 'ALL', 'a', [], ['a'], {}, { ids: 'a' }, { ids: [''] }, { ids: [1.5] }, { ids: [null] },
    { ids: ['a\0'] }, { ids: ['a'], prefix: 'a' }, { prefix: '' }, { prefix: 7 }, { prefix: 'a'.repeat(257) }, { all: true }
  ]
  for (answer of wrong) {
    for (const url of paths) {
      t.match((await app.inject(url)).json(), { statusCode: 500, code: 'AGENT_TIMELINE_INVALID_TASKS_OF' },
        `${url} ${JSON.stringify(answer)}`)
    }
  }
  answer = Promise.reject(Object.assign(new Error('Who are you?'), { statusCode: 401 }))
  await Promise.resolve(answer).catch(() => {})
  for (const url of paths) t.match((await app.inject(url)).json(), { statusCode: 401, message: 'Who are you?' }, url)
  await t.rejects(makeApp(t, { plugin: { tasksOf: 'all' as unknown as TasksOf } }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})
