import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import { TASK_STATES, type TaskList, type TaskRow } from '../../lib/model/answers.js'
import { openTimeline, type Timeline } from '../../lib/open-timeline.js'
import { Random } from '../support/random.js'
import { makeApp, makeFolder } from './app.js'

const idsOf = ({ tasks }: Pick<TaskList, 'tasks'>) => tasks.map(({ id }) => id)

async function record (timeline: Timeline, taskId: string, end: 'completed' | 'failed' | 'timeout' | 'running', role = 'coder') {
  const run = await timeline.startInvocation({ taskId, title: `Title of ${taskId}`, role, provider: 'claude', model: 'm' })
  if (end === 'completed') await run.complete({ success: true, response: '', usage: { inputTokens: 2, outputTokens: 3, costUsd: 0.5 } })
  if (end === 'failed') await run.fail(new Error(`Boom in ${taskId}`))
  if (end === 'timeout') await run.timedOut()
  return run
}

t.test('tasks are listed worst first, with what each of them does and did', async (t) => {
  const { app, timeline } = await makeApp(t)
  await record(timeline, 'done', 'completed')
  await record(timeline, 'failed', 'failed')
  await record(timeline, 'mended', 'failed')
  await record(timeline, 'mended', 'completed')
  const working = await record(timeline, 'working', 'running')
  working.activity({
    type: 'tool_exec', message: 'exec: npm test', timestamp: new Date(), metadata: { callId: '1', phase: 'start', tool: 'Bash' }
  })
  const asking = await record(timeline, 'asking', 'running')
  asking.activity({
    type: 'progress',
    message: 'May I?',
    timestamp: new Date(),
    metadata: { kind: 'waiting', waitKind: 'person', what: 'permission to delete' }
  })
  await timeline.flush()

  const response = await app.inject('/api/timeline/tasks')
  const body = response.json() as TaskList
  t.same(idsOf(body), ['asking', 'working', 'failed', 'mended', 'done'])
  t.same(body.tasks.map(({ state }) => state), ['needs_you', 'working', 'failed', 'done', 'done'])
  t.match(body.counts, { needs_you: 1, working: 1, failed: 1, done: 2, stuck: 0 })
  const [first, second, third, fourth] = body.tasks
  t.match(first, { now: { text: /permission to delete/ } })
  t.match(second, {
    title: 'Title of working',
    now: { text: 'exec: npm test' },
    who: [{ role: 'coder', provider: 'claude', model: 'm' }],
    runs: 1,
    usage: { isProvisional: true },
    outcomes: ['running']
  })
  t.equal(second?.endedAt, undefined)
  t.same([second?.recent.length, second?.recent.reduce((sum, count) => sum + count)], [30, 1])
  t.match(third, { outcomes: ['failed'], elapsedMs: Number })
  t.equal(fourth?.failure, undefined)
  t.match(fourth, { outcomes: ['failed', 'completed'], runs: 2, usage: { inputTokens: 2, outputTokens: 3, costUsd: 0.5 } })
  t.same(idsOf(await timeline.listTasks({ state: ['failed', 'done'] })), ['failed', 'mended', 'done'])
  t.same(idsOf(await timeline.listTasks({ state: 'stuck' })), [])

  await working.complete('done')
  await timeline.deleteTask('done')
  t.same(idsOf((await app.inject('/api/timeline/tasks?state=done')).json()), ['working', 'mended'])
})

t.test('a search finds title, id, command and error, whatever the capitals', async (t) => {
  const { app, timeline } = await makeApp(t)
  const say = async (taskId: string, command: string, end: boolean) => {
    const run = await record(timeline, taskId, 'running')
    run.activity({
      type: 'tool_exec', message: `exec: ${command}`, timestamp: new Date(), metadata: { callId: '1', phase: 'start', tool: 'Bash' }
    })
    if (end) await run.complete('ok')
  }
  await record(timeline, 'Alpha-1', 'failed')
  await say('beta', 'make Änderung', true)
  await say('gamma', 'npm run lint', false)
  await timeline.flush()
  for (const [q, ids] of [
    ['ALPHA', ['Alpha-1']], ['boom in', ['Alpha-1']], ['title OF', ['gamma', 'Alpha-1', 'beta']], ['änderung', ['beta']],
    ['run lint', ['gamma']], ['%', []], ['nothing like it', []]
  ] as const) {
    const list = (await app.inject(`/api/timeline/tasks?q=${encodeURIComponent(q)}`)).json() as TaskList
    t.same(idsOf(list), ids, q)
    t.equal(Object.values(list.counts).reduce((sum, count) => sum + count, 0), ids.length)
  }
})

t.test('pages show every task once, in the order of the first, while others come', async (t) => {
  const { app, timeline } = await makeApp(t)
  for (let index = 0; index < 12; index++) await record(timeline, `t${index}`, index % 3 === 0 ? 'failed' : 'completed')
  const running = [await record(timeline, 'r1', 'running'), await record(timeline, 'r2', 'running')]
  const whole = idsOf(await timeline.listTasks())
  t.equal(whole.length, 14)
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page = (await app.inject(`/api/timeline/tasks?limit=5${cursor === null ? '' : `&cursor=${cursor}`}`)).json() as TaskList
    seen.push(...idsOf(page))
    cursor = page.page.nextCursor
    await record(timeline, `later${seen.length}`, 'completed')
  } while (cursor !== null)
  t.same(seen, whole)
  for (const run of running) await run.complete('ok')
})

t.test('a task of the host counts by what the host says of it', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const host = new Sqlite(database)
  t.teardown(() => { host.close() })
  host.exec(`CREATE TABLE tasks (id TEXT PRIMARY KEY, title TEXT, status TEXT);
    INSERT INTO tasks VALUES ('a', 'First', 'completed'), ('b', 'Second', 'in_progress'), ('c', 'Third', 'pending')`)
  const { app, timeline } = await makeApp(t, { plugin: { database, migrate: true } })
  const states = async () => ((await app.inject('/api/timeline/tasks')).json() as TaskList).tasks.map(({ id, title, state }) => [id, title, state])
  t.same(await states(), [['b', 'Second', 'working']], 'nothing ever ran of the others')
  await record(timeline, 'a', 'failed')
  t.same(await states(), [['b', 'Second', 'working'], ['a', 'First', 'done']])
  host.exec("UPDATE tasks SET status = 'failed', title = 'Renamed' WHERE id = 'a'; UPDATE tasks SET status = 'review' WHERE id = 'c'")
  t.same(await states(), [['c', 'Third', 'working'], ['b', 'Second', 'working'], ['a', 'Renamed', 'failed']])
  host.exec("DELETE FROM tasks WHERE id = 'b'; INSERT INTO tasks VALUES ('d', 'New', 'in_progress')")
  t.same(await states(), [['d', 'New', 'working'], ['c', 'Third', 'working'], ['a', 'Renamed', 'failed']])
  host.exec("INSERT OR REPLACE INTO tasks VALUES ('d', 'Newer', 'done'); UPDATE OR IGNORE tasks SET status = 'done' WHERE id = 'a'")
  t.same(await states(), [['c', 'Third', 'working'], ['a', 'Renamed', 'done']])
  host.exec("DELETE FROM task_invocations WHERE task_id = 'a'")
  t.same(await states(), [['c', 'Third', 'working']])
})

t.test('nobody sees the tasks of others, nor how many there are', async (t) => {
  const { app, timeline } = await makeApp(t, { plugin: { tasksOf: (request) => ({ prefix: `${String(request.headers['x-tenant'])}-` }) } })
  for (const id of ['a-1', 'a-2', 'b-1']) await record(timeline, id, id === 'a-1' ? 'running' : 'failed')
  for (const query of ['', '?q=title', '?q=boom']) {
    const { body } = await app.inject({ url: `/api/timeline/tasks${query}`, headers: { 'x-tenant': 'b' } })
    const list = JSON.parse(body) as TaskList
    t.same([idsOf(list), list.counts.failed, list.counts.working], [['b-1'], 1, 0], query)
  }
  const list = (await app.inject({ url: '/api/timeline/tasks', headers: { 'x-tenant': 'a' } })).json() as TaskList
  t.same(idsOf(list), ['a-1', 'a-2'])
})

t.test('what is wrong with a request for tasks is said', async (t) => {
  const at = '2026-02-10T12:00:00.000Z'
  const { app, timeline } = await makeApp(t)
  for (const [query, code] of [
    ['state=broken', 'INVALID_STATE'], ['state=,', 'INVALID_STATE'], ['limit=0', 'INVALID_LIMIT'], ['limit=201', 'INVALID_LIMIT'],
    ['cursor=nonsense', 'INVALID_CURSOR'], ['q=%00', 'INVALID_QUERY'],
    ...[
      ['x', 'done', '', 'a'], [at, 'done', '\0', 'a'], [at, 'done', at, 'a\0'], [at, 'done', at, ''], [1, 'done', at, 'a'], [at, 'done', at]
    ].map((parts) => [`cursor=${Buffer.from(JSON.stringify(parts)).toString('base64url')}`, 'INVALID_CURSOR'] as const),
    [`q=${'x'.repeat(201)}`, 'INVALID_QUERY'], ['q=a&q=b', 'INVALID_REQUEST']
  ] as const) {
    const response = await app.inject(`/api/timeline/tasks?${query}`)
    t.match({ status: response.statusCode, body: response.json() }, { status: 400, body: { code: `AGENT_TIMELINE_${code}` } }, query)
  }
  await t.rejects(timeline.listTasks({ state: 'broken' as never }), { code: 'AGENT_TIMELINE_INVALID_STATE' })
  await t.rejects(timeline.listTasks({ q: 1 as never }), { code: 'AGENT_TIMELINE_INVALID_QUERY' })
})

t.test('the list equals a slow recount of the rows, after histories made at random', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.next() * list.length)] as T
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database } })
  const other = await openTimeline({ database })
  t.teardown(() => other.close())
  const db = new Sqlite(database)
  t.teardown(() => { db.close() })
  const tasks = ['a', 'b', 'c', 'd', 'e', 'f']
  for (let step = 0; step < 60; step++) {
    const what = random.next()
    const taskId = pick(tasks)
    if (what < 0.8) {
      const run = await pick([timeline, other]).startInvocation({ taskId, role: pick(['coder', 'reviewer']), provider: 'p', model: pick(['m', 'n']) })
      for (let said = 0; said < random.next() * 4; said++) run.activity({ type: 'output', message: 'x', timestamp: new Date() })
      const priced = { inputTokens: 5, outputTokens: 6, costUsd: 0.25 }
      const usage = pick([undefined, { inputTokens: 1, outputTokens: 1 }, priced])
      const end = random.next()
      if (end < 0.5) await run.complete({ success: true, response: '', ...(usage && { usage }) })
      else if (end < 0.8) await run.fail(new Error('no'))
      else if (end < 0.9) await run.timedOut()
    } else if (what < 0.9) {
      await timeline.recordTaskEvent({ taskId, type: pick(['task.started', 'task.completed', 'task.failed']), actor: 'x' })
    } else if (what < 0.95) {
      db.prepare('DELETE FROM task_invocations WHERE id = (SELECT max(id) FROM task_invocations WHERE task_id = ?)').run(taskId)
    } else await timeline.deleteTask(taskId)
    if (random.next() < 0.2) await timeline.listTasks()
  }
  await timeline.flush()
  await other.flush()
  const list = (await app.inject('/api/timeline/tasks')).json() as TaskList
  const known = (db.prepare('SELECT DISTINCT task_id AS id FROM invocation_run').all() as Array<{ id: string }>).map(({ id }) => id)
  const summaries = await Promise.all(known.map(async (id) => await timeline.getSummary(id)))
  for (const summary of summaries) {
    const row = list.tasks.find(({ id }) => id === summary.task.id) as TaskRow
    const { outcomes, recent } = recount(db, summary.task.id)
    t.match(row, {
      state: summary.state, runs: summary.runs.total, usage: summary.usage, startedAt: summary.startedAt, outcomes
    }, summary.task.id)
    t.same(row.usage, summary.usage)
    t.equal(row.recent.reduce((sum, count) => sum + count), recent)
    if (summary.runs.running === 0) t.equal(row.elapsedMs, summary.elapsedMs)
  }
  const countOf = (wanted: string) => list.tasks.filter(({ state }) => state === wanted).length
  const expected = Object.fromEntries(TASK_STATES.map((state) => [state, countOf(state)]))
  t.same(list.counts, expected)
  t.equal(list.tasks.filter(({ runs }) => runs > 0).length, known.length)
  const ranks = list.tasks.map(({ state }) => TASK_STATES.indexOf(state))
  t.same(ranks, [...ranks].sort((a, b) => a - b))
})

function recount (db: Sqlite.Database, taskId: string) {
  const runs = db.prepare('SELECT * FROM invocation_run WHERE task_id = ? ORDER BY invocation_id').all(taskId) as Array<Record<string, any>>
  const { count } = db.prepare('SELECT count(*) AS count FROM invocation_activity WHERE task_id = ?').get(taskId) as { count: number }
  return { outcomes: runs.slice(-30).map(({ status }) => status), recent: count }
}

t.test('a list costs the same with a hundred times as many tasks, as its query plans say', async (t: Test) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  const db = new Sqlite(database)
  t.teardown(() => { db.close() })
  const planOf = (query: string) => (db.prepare(`EXPLAIN QUERY PLAN ${query}`).all() as Array<{ detail: string }>).map(({ detail }) => detail).join('; ')
  t.match(planOf("SELECT task_id, since FROM task_entry WHERE section = 2 AND since <= '3' ORDER BY since DESC, task_id DESC LIMIT 50"),
    /SEARCH task_entry USING COVERING INDEX idx_task_entry_section/)
  t.match(planOf('SELECT section, count(*) FROM task_entry WHERE section IN (1, 2) GROUP BY section'), /COVERING INDEX idx_task_entry_section/)
  t.match(planOf("SELECT task_id FROM task_entry WHERE is_stale = 1 AND task_id > 'a' ORDER BY task_id LIMIT 50"), /idx_task_entry_stale/)
})
