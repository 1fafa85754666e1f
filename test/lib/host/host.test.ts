import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Kysely } from 'kysely'
import t, { type Test } from 'tap'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { decideTransitions, type AuditRow } from '../../../lib/host/audit.js'
import { eventsOf, mergeByTime, withinTheirSecond } from '../../../lib/host/invocation-events.js'
import { deriveLifecycle } from '../../../lib/host/legacy-row.js'
import { createAuditSource } from '../../../lib/host/task-events.js'
import { silentLogger } from '../../../lib/logger.js'
import type { NewEvent } from '../../../lib/store/sequence.js'
import { openTimeline, type OpenOptions, type Timeline } from '../../../lib/open-timeline.js'
import { Child } from '../../support/children.js'
import { HostDatabase, nowAsHost, temporaryDirectory } from '../../support/host-database.js'

async function open (t: Test, database: string, options: Partial<OpenOptions> = {}): Promise<Timeline> {
  const timeline = await openTimeline({ database, migrate: true, logger: silentLogger, ...options })
  t.teardown(() => timeline.close())
  return timeline
}

/** `a>b` for a transition, in order; ids from 1. */
function auditRows (transitions: readonly string[]): AuditRow[] {
  return transitions.map((transition, index) => {
    const [from, to = ''] = transition.split('>')
    return { id: index + 1, from_status: from || null, to_status: to, actor: 'a', created_at: '2026-02-03 11:00:00' }
  })
}

/** What a task leaves in `audit`: the loop doubles each decision, and the last rejection never happens. */
const DOUBLED = [
  '>pending', 'pending>in_progress', 'in_progress>in_progress', 'in_progress>review', 'in_progress>review',
  'review>in_progress', 'review>in_progress', 'in_progress>review', 'in_progress>review', 'review>in_progress', 'review>failed'
]
const HAPPENED = ['>pending', 'pending>in_progress', 'in_progress>review', 'review>in_progress', 'in_progress>review', 'review>failed']
const HAPPENED_TYPES = ['task.pending', 'task.started', 'task.review', 'task.rejected', 'task.review', 'task.failed']

const show = (row: AuditRow) => `${row.from_status ?? ''}>${row.to_status}`

t.test('a transition is believed once the next one starts elsewhere', async (t) => {
  type Case = readonly [name: string, rows: readonly string[], believed: readonly string[], undecided?: string]
  const cases: readonly Case[] = [
    ['doubled and invented rows', DOUBLED, HAPPENED.slice(0, -1), 'review>failed'],
    ['nothing', [], []],
    ['rows that go nowhere', ['review>review', 'pending>pending'], []],
    ['a row that never happened, last', ['in_progress>review', 'review>in_progress'], ['in_progress>review'], 'review>in_progress'],
    ['two inventions from one status', ['a>b', 'b>c', 'b>d', 'b>e', 'e>f'], ['a>b', 'b>e'], 'e>f'],
    ['a transition that left no row in between', ['a>b', 'c>d', 'd>e'], ['a>b', 'c>d'], 'd>e']
  ]
  for (const [name, rows, believed, undecided] of cases) {
    const decision = decideTransitions(auditRows(rows), undefined, () => false)
    t.same(decision.believed.map(show), believed, name)
    t.equal(decision.undecided && show(decision.undecided), undecided, name)
  }
})

t.test('reading in any portions believes the same transitions', async (t) => {
  const rows = auditRows(DOUBLED)
  for (let cut = 1; cut < rows.length; cut++) {
    const first = decideTransitions(rows.slice(0, cut), undefined, () => false)
    const rest = rows.filter((row) => row.id >= (first.undecided?.id ?? cut + 1))
    const second = decideTransitions(rest, first.believed.at(-1), () => true)
    t.same([...first.believed, ...second.believed].map(show), HAPPENED, `cut after row ${cut}`)
  }
})

t.test("the last transition is believed when the task's status has agreed for two seconds, by the clock", async (t) => {
  const host = new HostDatabase(t)
  let now = Date.UTC(2026, 1, 3, 11)
  host.addTask('a', 'review')
  host.addAudit('a', 'in_progress', 'review', 'orchestrator', nowAsHost(now))
  const timeline = await open(t, host.path, { taskEvents: createAuditSource(() => now) })
  const types = async () => (await timeline.getTimeline('a')).timeline.map(({ type }) => type)
  t.same(await types(), [])
  now += 1_000
  t.same(await types(), [])
  host.raw.exec("UPDATE tasks SET status = 'in_progress'")
  now += 1_500
  t.same(await types(), [], 'the status says something else meanwhile')
  host.raw.exec("UPDATE tasks SET status = 'review'")
  t.same(await types(), [])
  now += 2_000
  t.same(await types(), ['task.review'])
  t.same(await types(), ['task.review'])
})

t.test("task events are the host's real transitions, each once, merged with its invocations by time", async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a', 'failed')
  const start = Date.UTC(2026, 1, 3, 11)
  const minute = (count: number) => nowAsHost(start + count * 60_000)
  DOUBLED.forEach((transition, index) => {
    const [from, to = ''] = transition.split('>')
    host.addAudit('a', from || null, to, 'orchestrator', minute(index * 10))
  })
  const id = host.addInvocation({ task_id: 'a', duration_ms: 300_000, created_at: minute(26) })
  const timeline = await open(t, host.path)
  const { timeline: events, task } = await timeline.getTimeline('a')
  t.same(task, { id: 'a', title: 'Title of a', status: 'failed' })
  t.same(events.filter(({ type }) => type.startsWith('task.')).map(({ type }) => type), HAPPENED_TYPES)
  t.same(events.map(({ timestamp }) => timestamp), events.map(({ timestamp }) => timestamp).sort())
  t.match(events.filter((event) => 'invocationId' in event), [
    { type: 'invocation.started', invocationId: id, timestamp: '2026-02-03T11:21:00.000Z' },
    { type: 'invocation.completed', timestamp: '2026-02-03T11:26:00.000Z', duration: 300_000 }
  ])
  t.same(events.map(({ seq }) => seq), events.map((_, index) => index + 1))
})

t.test('the times of the host are UTC wherever the reader lives', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a', 'in_progress')
  host.addAudit('a', null, 'in_progress', 'orchestrator', '2026-02-03 08:00:00')
  host.addInvocation({ task_id: 'a', duration_ms: 1_500, created_at: '2026-02-03 08:10:00' })
  const child = new Child(t, 'read', { database: host.path, taskId: 'a' }, { TZ: 'America/New_York' })
  const { events, offset } = await child.message<{ events: TimelineEvent[], offset: number }>()
  t.ok(offset >= 240, 'the child lives in New York')
  t.same(events.map(({ timestamp }) => timestamp),
    ['2026-02-03T08:00:00.000Z', '2026-02-03T08:09:58.500Z', '2026-02-03T08:10:00.000Z'])
})

t.test('every row enters once when two timelines read at the same time', async (t) => {
  const host = new HostDatabase(t)
  const [one, two] = [await open(t, host.path), await open(t, host.path)]
  for (let round = 0; round < 5; round++) {
    const taskId = `task-${round}`
    host.addTask(taskId, 'failed')
    for (const transition of DOUBLED) {
      const [from, to = ''] = transition.split('>')
      host.addAudit(taskId, from || null, to, 'orchestrator', '2026-02-03 11:00:00')
    }
    for (let index = 0; index < 20; index++) host.addInvocation({ task_id: taskId })
    const pages = await Promise.all([one, two, one, two].map((timeline) => timeline.getTimeline(taskId)))
    for (const { timeline, page } of pages) {
      t.equal(page.headSeq, HAPPENED.length + 40)
      t.same(timeline, pages[0]?.timeline)
    }
  }
})

async function take (events: AsyncIterable<TimelineEvent>, count: number): Promise<TimelineEvent[]> {
  const taken: TimelineEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

t.test('a transition that the host writes arrives live', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a', 'pending')
  const timeline = await open(t, host.path)
  const arriving = take(timeline.events({ taskId: 'a' }), 2)
  host.raw.transaction(() => {
    host.addAudit('a', 'pending', 'in_progress')
    host.raw.exec("UPDATE tasks SET status = 'in_progress'")
  })()
  host.raw.transaction(() => {
    host.addAudit('a', 'in_progress', 'review', 'model:coder')
    host.raw.exec("UPDATE tasks SET status = 'review'")
  })()
  t.match(await arriving, [
    { seq: 1, type: 'task.started', actor: 'orchestrator', message: 'Task marked in_progress' },
    { seq: 2, type: 'task.review', actor: 'model:coder', message: 'Task moved to review phase' }
  ])
})

t.test("a run of the host's own that ends later gets its end, in timeline, list and live", async (t) => {
  const host = new HostDatabase(t, { version: 'head' })
  host.addTask('a')
  const start = Date.now() - 5_000
  const id = host.addInvocation({
    task_id: 'a', status: 'running', success: 0, duration_ms: 0, started_at_ms: start, last_activity_at_ms: start, created_at: nowAsHost(start)
  })
  const timeline = await open(t, host.path)
  const arriving = take(timeline.events({ taskId: 'a' }), 2)
  t.match((await timeline.getTimeline('a')).timeline, [{ type: 'invocation.started', invocationId: id, timestamp: new Date(start).toISOString() }])
  t.match((await timeline.listInvocations()).invocations, [{ id, status: 'running', success: undefined, exitCode: undefined }])
  host.raw.prepare('UPDATE task_invocations SET last_activity_at_ms = ? WHERE id = ?').run(start + 3_000, id)
  await timeline.getTimeline('a')
  t.match((await timeline.listInvocations()).invocations, [{ status: 'running', lastActivityAt: new Date(start + 3_000).toISOString() }])
  host.raw.prepare("UPDATE task_invocations SET status = 'completed', success = 1, completed_at_ms = ?, duration_ms = 4000 WHERE id = ?")
    .run(start + 4_000, id)
  t.match(await arriving, [{ seq: 1 }, { seq: 2, type: 'invocation.completed', duration: 4_000, timestamp: new Date(start + 4_000).toISOString() }])
  t.match((await timeline.listInvocations()).invocations, [{ status: 'completed', duration: 4_000, success: true }])
  t.equal((await timeline.getTimeline('a')).timeline.length, 2)
})

t.test('secrets in what the host wrote are hidden', async (t) => {
  const host = new HostDatabase(t)
  const secret = 'sk-ant-api03-abcdefghijklmnop0123456789'
  host.addTask('a')
  const id = host.addInvocation({
    task_id: 'a', success: 0, error: `401 with ${secret}`, prompt: `use ${secret}`, response: `used ${secret}`
  })
  const timeline = await open(t, host.path)
  const answers = [await timeline.getTimeline('a'), await timeline.listInvocations(), await timeline.getInvocation(id)]
  t.notMatch(JSON.stringify(answers), secret)
  t.match(answers[2], { error: '401 with [redacted]', prompt: 'use [redacted]', response: 'used [redacted]' })
})

t.test('a source of task events that throws keeps nothing else from the log', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  host.addInvocation({ task_id: 'a' })
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => { warnings.push(message) } }
  const timeline = await open(t, host.path, {
    logger,
    taskEvents: {
      name: 'faulty',
      isPresent: async () => true,
      hasPending: async () => true,
      read: async () => { throw new Error('faulty') }
    }
  })
  const id = await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async (run) => {
    run.onActivity({ type: 'progress', message: 'on my way', timestamp: new Date() })
    return run.invocationId
  })
  t.match((await timeline.getTimeline('a')).timeline, [
    { invocationId: id, type: 'invocation.started' }, { activity: 'on my way' }, { type: 'invocation.completed' }
  ])
  t.same([...new Set(warnings)], ['rows that the host wrote could not be brought into the timeline'])
  t.ok(warnings.length <= 2, 'once by the writer, once by the reader')
})

t.test('a source of task events may begin a transaction where it is told that there is none', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  const answers = new Set<boolean>()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => { warnings.push(message) } }
  const read = async (db: Kysely<any>) => {
    answers.add(db.isTransaction)
    const select = (trx: Kysely<any>) => trx.selectFrom('tasks').select('id').execute()
    return db.isTransaction ? select(db) : db.transaction().execute(select)
  }
  const timeline = await open(t, host.path, {
    logger,
    taskEvents: {
      name: 'careful',
      isPresent: async () => true,
      hasPending: async (db, _, cursor) => (await read(db)).length > cursor,
      read: async (db) => {
        const tasks = await read(db)
        const event = {
          sourceId: '1', type: 'task.review' as const, actor: 'me', message: '', timestamp: '2026-02-10T12:00:00Z'
        }
        return { events: [event], cursor: tasks.length }
      }
    }
  })
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async () => 'ok')
  const types = (await timeline.getTimeline('a')).timeline.map(({ type }) => type)
  t.equal(types.filter((type) => type === 'task.review').length, 1)
  t.same([...answers].sort(), [false, true], 'not while it is read, but while it is written')
  t.same(warnings, [])
})

t.test('what is stored can be read while another process keeps the lock', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  const timeline = await open(t, host.path)
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async () => 'ok')
  host.addInvocation({ task_id: 'a' })
  const locker = new Child(t, 'lock', { database: host.path })
  await locker.message()
  t.equal((await timeline.getTimeline('a')).timeline.length, 2, "the host's newest row comes later")
  t.ok((await timeline.listInvocations()).invocations.length >= 1)
  locker.tell('release')
  await locker.message()
  t.equal((await timeline.getTimeline('a')).timeline.length, 4)
})

t.test("what a host's row says is read by the habits of its version", async (t) => {
  const ended = { id: 1, task_id: 'a', created_at: '2026-02-03 08:00:00', success: 0, timed_out: 0 }
  const at = Date.UTC(2026, 1, 3, 8)
  const iso = (ms: number) => new Date(ms).toISOString()
  const cases = [
    ['009: the end is created_at', { ...ended, duration_ms: 90_000 }, 'failed', iso(at - 90_000), iso(at)],
    ['009: timed out', { ...ended, timed_out: 1, duration_ms: 0 }, 'timeout', iso(at), iso(at)],
    ['009 with our default status', { ...ended, status: 'completed', duration_ms: 1, started_at_ms: null }, 'failed', iso(at - 1), iso(at)],
    ['later: start and end', { ...ended, success: 1, status: 'completed', started_at_ms: at, completed_at_ms: at + 5, duration_ms: 5 },
      'completed', iso(at), iso(at + 5)],
    ["later: the host's own backfill lost the start", { ...ended, status: 'completed', started_at_ms: at, completed_at_ms: at, duration_ms: 500 },
      'failed', iso(at - 500), iso(at)],
    ['later: runs', { ...ended, status: 'running', started_at_ms: at, completed_at_ms: null, duration_ms: 0 }, 'running', iso(at), null],
    ['no time at all', { ...ended, created_at: 'yesterday', duration_ms: 5 }, 'failed', null, null],
    ['no duration', { ...ended, duration_ms: null }, 'failed', iso(at), iso(at)],
    ['a duration from before there were times', { ...ended, duration_ms: at + 1 }, 'failed', iso(at), iso(at)]
  ] as const
  for (const [name, row, status, startedAt, completedAt] of cases) {
    t.match(deriveLifecycle(row), { status, startedAt, completedAt }, name)
  }
})

t.test('invocations without a time are listed last, and can be paged', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  for (let index = 0; index < 6; index++) host.addInvocation({ task_id: 'a', created_at: index % 2 === 0 ? 'once' : '2026-02-03 08:00:00' })
  const timeline = await open(t, host.path)
  const ids: number[] = []
  let cursor: string | null | undefined
  do {
    const { invocations, page } = await timeline.listInvocations({ limit: 1, ...(cursor ? { cursor } : {}) })
    ids.push(...invocations.map(({ id }) => id))
    cursor = page.nextCursor
  } while (cursor !== null)
  t.same(ids, [6, 4, 2, 5, 3, 1])
})

t.test('odd values in a row of the host are read as far as they mean something, and keep no other row out', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  const odd: readonly object[] = [
    { duration_ms: '12.5s' }, { duration_ms: 1e300 }, { duration_ms: -5 }, { error: Buffer.from('a blob'), success: 0 },
    { role: Buffer.from('coder') }, { exit_code: 'abc', success: 0 }, { exit_code: Infinity },
    { prompt: Buffer.from('p'), response: Buffer.from('r') }, {}
  ]
  const ids = odd.map((row) => host.addInvocation({ task_id: 'a', ...row }))
  const timeline = await open(t, host.path)
  t.same(host.get('SELECT backfilled_at IS NOT NULL AS done FROM timeline_migration'), { done: 1 }, 'the backfill is done')
  t.equal((await timeline.listInvocations()).invocations.length, odd.length)
  t.equal((await timeline.getTimeline('a')).timeline.length, 2 * odd.length)
  const shown = await Promise.all(ids.map((id) => timeline.getInvocation(id)))
  t.match(shown, [
    { duration: undefined }, { duration: undefined }, { duration: undefined }, { error: 'a blob', status: 'failed' }, { role: 'coder' },
    { exitCode: undefined, status: 'failed' }, { exitCode: undefined }, { prompt: 'p', response: 'r' }, { duration: 60_000 }
  ])
})

t.test('a duration that is not known is told nowhere, one of 0 as 0', async (t) => {
  const host = new HostDatabase(t, { isLax: true })
  host.addTask('a')
  const durations: readonly unknown[] = [null, -5, 1e15, 'text', 0, 1_000]
  for (const duration of durations) {
    const odd: object = { duration_ms: duration }
    host.addInvocation({ task_id: 'a', created_at: '2026-02-03 08:00:00', ...odd })
  }
  const timeline = await open(t, host.path)
  const { invocations } = await timeline.listInvocations()
  const details = await Promise.all(durations.map((_, index) => timeline.getInvocation(index + 1)))
  const ends = (await timeline.getTimeline('a')).timeline.filter(({ type }) => type === 'invocation.completed')
  const told = [invocations, details, ends].map((list) => Object.fromEntries((list as any[])
    .filter((one) => 'duration' in one).map((one) => [one.id ?? one.invocationId, one.duration])))
  t.same(told, [{ 5: 0, 6: 1_000 }, { 5: 0, 6: 1_000 }, { 5: 0, 6: 1_000 }])
  for (const one of invocations) {
    t.equal(Date.parse(one.completedAt ?? '') - Date.parse(one.startedAt ?? ''), one.duration ?? 0)
  }
})

t.test('an invocation without a time stands beside its neighbours by id, and starts before it ends', async (t) => {
  const now = Date.UTC(2026, 1, 3, 12)
  const show = (events: readonly NewEvent[]) => mergeByTime(events).map(({ type, invocationId, timestamp }) =>
    `${type.slice('invocation.'.length)} ${invocationId} ${timestamp.slice(11, 19)}`)
  type Row = readonly [createdAt: string | null, durationMs: number | null]
  const cases: ReadonlyArray<readonly [name: string, rows: readonly Row[], expected: readonly string[]]> = [
    ['nothing has a time: they end when they are brought in', [[null, 60_000], ['', null], ['garbage', 1_000]], [
      'started 1 11:58:59', 'completed 1 11:59:59', 'started 2 11:59:59', 'completed 2 11:59:59',
      'started 3 11:59:59', 'completed 3 12:00:00'
    ]],
    ['after the one before', [['2026-02-03 08:00:00', 60_000], ['', 30_000], ['', null], ['2026-02-03 09:00:00', 60_000]], [
      'started 1 07:59:00', 'completed 1 08:00:00', 'started 2 08:00:00', 'completed 2 08:00:30',
      'started 3 08:00:30', 'completed 3 08:00:30', 'started 4 08:59:00', 'completed 4 09:00:00'
    ]],
    ['before the next, where there is none before', [['', 60_000], [null, null], ['2026-02-03 09:00:00', 60_000]], [
      'started 1 08:58:00', 'completed 1 08:59:00', 'started 2 08:59:00', 'completed 2 08:59:00',
      'started 3 08:59:00', 'completed 3 09:00:00'
    ]],
    ['never in the future', [['2026-02-03 11:59:00', 1_000], ['', 86_400_000]], [
      'started 2 12:00:00', 'started 1 11:58:59', 'completed 1 11:59:00', 'completed 2 12:00:00'
    ]],
    ['of no length, in the same second', [['2026-02-03 08:00:00', 0], ['2026-02-03 08:00:00', null]], [
      'started 1 08:00:00', 'completed 1 08:00:00', 'started 2 08:00:00', 'completed 2 08:00:00'
    ]],
    ['longer than there are times', [['2026-02-03 08:00:00', 60 * 365 * 86_400_000]], [
      'started 1 08:00:00', 'completed 1 08:00:00'
    ]]
  ]
  for (const [name, rows, expected] of cases) {
    const read = rows.map(([createdAt, durationMs], index) => {
      const row = { id: index + 1, task_id: 'a', success: 1, created_at: createdAt, duration_ms: durationMs }
      return { row, derived: deriveLifecycle(row) }
    })
    t.same(show(eventsOf(read, now)), expected, name)
  }
})

t.test('an end that a later host wrote before its start is told after it', async (t) => {
  const at = Date.UTC(2026, 1, 3, 8)
  const row = { id: 1, task_id: 'a', success: 1, status: 'completed', duration_ms: 5 }
  for (const [start, end] of [[at, at - 1_000], [-5, at], [at, null]] as const) {
    const odd = { ...row, started_at_ms: start, completed_at_ms: end }
    t.match(mergeByTime(eventsOf([{ row: odd, derived: deriveLifecycle(odd) }], at)), [
      { type: 'invocation.started', timestamp: '2026-02-03T08:00:00.000Z' },
      { type: 'invocation.completed', timestamp: '2026-02-03T08:00:00.000Z' }
    ])
  }
})

t.test('rows without a time enter the timeline with one, and lists and details without', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('a')
  const before = Date.now()
  host.addInvocation({ task_id: 'a', created_at: '', duration_ms: 10 })
  const timeline = await open(t, host.path)
  const { timeline: events } = await timeline.getTimeline('a')
  t.match(events, [
    { seq: 1, type: 'invocation.started' }, { seq: 2, type: 'invocation.completed', duration: 10 }
  ])
  t.ok(Date.parse(events[1]?.timestamp ?? '') >= before, 'the moment at which it was brought in')
  host.addInvocation({ task_id: 'a', created_at: 'garbage', duration_ms: 10 })
  t.same((await timeline.getTimeline('a')).timeline.slice(0, 2), events, 'for good')
  t.match((await timeline.getTimeline('a')).timeline.slice(2), [
    { seq: 3, type: 'invocation.started', invocationId: 2 }, { seq: 4, type: 'invocation.completed', invocationId: 2 }
  ])
  for (const one of [...(await timeline.listInvocations()).invocations, await timeline.getInvocation(1)]) {
    t.match(one, { duration: 10, startedAt: undefined, completedAt: undefined, lastActivityAt: undefined })
  }
})

t.test('a table of tasks that is about something else decides neither which tasks exist nor what goes with them', async (t) => {
  type Case = readonly [name: string, ddl: string, task: object, unknown: boolean]
  const cases: readonly Case[] = [
    ['a list of things to do', "CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT, done INTEGER); INSERT INTO tasks VALUES (7, 'Buy milk', 0)", { title: 'Mine' }, true],
    ['no ids', 'CREATE TABLE tasks (key TEXT PRIMARY KEY, payload TEXT)', { title: 'Mine' }, true],
    ['the same columns, other tasks', 'CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, status TEXT)', { title: 'Mine' }, false],
    ['the task itself', "CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, status TEXT); INSERT INTO tasks VALUES (7, 'Theirs', 'open')", { title: 'Theirs', status: 'open' }, false],
    ['a view', "CREATE TABLE jobs (id TEXT, title TEXT, status TEXT); INSERT INTO jobs VALUES ('7', 'Theirs', 'open'); CREATE VIEW tasks AS SELECT * FROM jobs", { title: 'Theirs', status: 'open' }, false],
    ['other names', "CREATE TABLE tasks (id TEXT PRIMARY KEY, name TEXT, state TEXT); INSERT INTO tasks VALUES ('7', 'Named', 'open')", { title: 'Mine' }, true]
  ]
  for (const [name, ddl, task, isAnyKnown] of cases) {
    const path = join(temporaryDirectory(t), 'x.db')
    const raw = new Sqlite(path)
    t.teardown(() => raw.close())
    raw.pragma('journal_mode = WAL')
    raw.exec(ddl)
    const timeline = await open(t, path)
    await timeline.logInvocation({ taskId: 7, role: 'agent', provider: 'x', title: 'Mine' }, async () => 'done')
    const found = await timeline.getTimeline(7)
    t.strictSame(found.task, { id: '7', ...task }, name)
    t.equal(found.timeline.length, 2, name)
    t.equal((await timeline.listInvocations()).invocations[0]?.title, found.task.title, `${name}: the list says the same`)
    const other = timeline.getTimeline('other').then(() => true, (error) => error.code)
    t.equal(await other, isAnyKnown || 'AGENT_TIMELINE_UNKNOWN_TASK', name)
    if (!isAnyKnown) continue
    raw.exec('DELETE FROM tasks')
    t.equal((await timeline.getTimeline(7)).timeline.length, 2, `${name}: what was recorded stays`)
  }
})

t.test('what the host notes by the second is told after what came before it in that second', (t) => {
  const note = (timestamp: string, invocationId: number | null = null): NewEvent =>
    ({ type: 'x', invocationId, source: 's', sourceId: timestamp, timestamp })
  const last = Date.parse('2026-02-10T12:49:05.120Z')
  const moved = withinTheirSecond([
    note('2026-02-10T12:49:05.000Z'), note('2026-02-10T12:49:04.000Z'), note('2026-02-10T12:49:05.050Z'),
    note('2026-02-10T12:49:05.000Z', 1), note('2026-02-10T12:49:06.000Z')
  ], last)
  t.same(moved.map(({ timestamp }) => timestamp.slice(17, 23)), ['05.120', '04.000', '05.050', '05.000', '06.000'])
  t.end()
})
