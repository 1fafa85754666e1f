import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite, { type Database } from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { openTimeline, type OpenOptions, type Timeline } from '../../../lib/open-timeline.js'
import { Child } from '../../support/children.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'

const META = { taskId: 'a', role: 'coder', provider: 'claude', prompt: 'PROMPT-TEXT' }

interface Setup {
  readonly path: string
  readonly logs: Logs
  readonly timeline: Timeline
  events (): Promise<readonly TimelineEvent[]>
}

async function setUp (t: Test, options: Partial<OpenOptions> = {}): Promise<Setup> {
  const directory = join(temporaryDirectory(t), 'project')
  mkdirSync(directory)
  const path = join(directory, 'timeline.db')
  const logs = new Logs()
  const timeline = await openTimeline({ database: path, logger: logs, ...options })
  t.teardown(() => timeline.close())
  return { path, logs, timeline, events: async () => (await timeline.getTimeline('a', { limit: 5_000 })).timeline }
}

/** An agent that says `before`, meets the fault, says `after`, and returns. Nothing of it may fail. */
async function runThrough (t: Test, { timeline }: Pick<Setup, 'timeline'>, fault: () => unknown) {
  const times: Record<string, string> = {}
  const say = (run: { onActivity: (activity: any) => void }, message: string) => {
    const timestamp = new Date()
    times[message] = timestamp.toISOString()
    run.onActivity({ type: 'progress', message: `${message} ACTIVITY-TEXT`, timestamp })
  }
  let id: number | undefined
  const started = performance.now()
  const value = await timeline.logInvocation(META, async (run) => {
    id = run.invocationId
    say(run, 'before')
    await timeline.flush()
    await fault()
    say(run, 'after')
    return 'the value'
  })
  t.equal(value, 'the value')
  return { id: id as number, times, elapsedMs: performance.now() - started }
}

function checkLogs (t: Test, { logs }: Pick<Setup, 'logs'>, code: string): void {
  t.same(logs.warnings.flatMap((line) => line.code ?? []), [code], 'one warning for the cause')
  t.notOk(logs.mentions('ACTIVITY-TEXT') || logs.mentions('PROMPT-TEXT') || logs.mentions('the value'), 'no text in any line')
}

/** Everything is stored by now, with the times at which it happened. */
async function checkStored (t: Test, setup: Setup, times: Record<string, string>): Promise<void> {
  await setup.timeline.flush()
  t.match(await setup.events(), [
    { type: 'invocation.started' },
    { activity: 'before ACTIVITY-TEXT', timestamp: times.before },
    { activity: 'after ACTIVITY-TEXT', timestamp: times.after },
    { type: 'invocation.completed' }
  ])
  t.match((await setup.timeline.listInvocations()).invocations, [{ status: 'completed' }])
}

t.test('while another process keeps the database locked, agents start, work and end; all of it is written later', async (t) => {
  const setup = await setUp(t)
  const { timeline } = setup
  const locker = new Child(t, 'lock', { database: setup.path })
  const { times, elapsedMs } = await runThrough(t, setup, async () => { t.equal(await locker.message(), 'locked') })
  t.comment(`the run took ${Math.round(elapsedMs)} ms, at most two seconds of it waiting`)
  let id: number | undefined
  const second = timeline.logInvocation({ ...META, taskId: 'b' }, async (run) => {
    id = run.invocationId
    run.onActivity({ type: 'progress', message: 'in the dark', timestamp: new Date() })
    return 'second'
  })
  t.equal(await second, 'second')
  t.equal(id, undefined, 'no id while the database is away')
  await t.rejects(timeline.deleteTask('c'), { code: 'AGENT_TIMELINE_DATABASE_LOCKED' })
  locker.tell('release')
  t.equal(await locker.message(), 'released')
  await checkStored(t, setup, times)
  t.match((await timeline.getTimeline('b')).timeline, [{}, { activity: 'in the dark' }, { type: 'invocation.completed' }])
  checkLogs(t, setup, 'AGENT_TIMELINE_DATABASE_LOCKED')
})

t.test('locks that pass are not worth a warning', async (t) => {
  const setup = await setUp(t)
  const locker = openRaw(t, setup.path)
  await setup.timeline.logInvocation(META, async ({ onActivity }) => {
    for (let round = 0; round < 5; round++) {
      locker.exec('BEGIN IMMEDIATE')
      onActivity({ type: 'progress', message: `${round}`, timestamp: new Date() })
      await sleep(60)
      locker.exec('COMMIT')
    }
  })
  t.equal((await setup.events()).length, 7)
  t.same(setup.logs.lines, [])
})

function openRaw (t: Test, path: string): Database {
  const raw = new Sqlite(path, { timeout: 5_000 })
  t.teardown(() => { raw.close() })
  return raw
}

function removeDatabase (path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

t.test('a commit whose acknowledgement is lost stores nothing twice and loses nothing that came after', async (t) => {
  const { prepare } = Sqlite.prototype
  t.teardown(() => { Sqlite.prototype.prepare = prepare })
  let losses = 0
  let afterCommit = () => {}
  Sqlite.prototype.prepare = function (this: Database, text: string) {
    const statement = prepare.call(this, text)
    if (text !== 'commit') return statement
    const run = () => {
      const result = (statement as { run (): unknown }).run()
      if (losses-- <= 0) return result
      afterCommit()
      throw Object.assign(new Sqlite.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC'))
    }
    return { reader: false, run } as unknown as typeof statement
  } as typeof prepare
  const { timeline, events } = await setUp(t)
  const say = (run: { activity: (activity: any) => void }, message: string) =>
    run.activity({ type: 'progress', message, timestamp: new Date() })
  await timeline.flush()
  losses = 1
  const run = await timeline.startInvocation(META)
  t.type(run.id, 'number', 'the id that the lost acknowledgement was to bring')
  losses = 1
  afterCommit = () => say(run, 'while it was not known')
  say(run, 'before')
  await timeline.flush()
  say(run, 'after')
  await run.complete('done')
  t.same((await events()).map((event) => 'activity' in event ? event.activity : event.type), [
    'invocation.started', 'before', 'while it was not known', 'after', 'invocation.completed'
  ])
})

t.test('when the directory disappears agents go on', async (t) => {
  const setup = await setUp(t)
  await runThrough(t, setup, () => { rmSync(dirname(setup.path), { recursive: true }) })
  checkLogs(t, setup, 'AGENT_TIMELINE_DATABASE_MISSING')
  t.notOk(existsSync(setup.path), 'and nothing is made anew')
  await t.rejects(setup.timeline.getTimeline('a'), { code: 'AGENT_TIMELINE_DATABASE_MISSING' })
})

t.test('a database that is moved away and back loses nothing', async (t) => {
  const setup = await setUp(t)
  const { times } = await runThrough(t, setup, () => { renameSync(setup.path, setup.path + '.away') })
  renameSync(setup.path + '.away', setup.path)
  await checkStored(t, setup, times)
  checkLogs(t, setup, 'AGENT_TIMELINE_DATABASE_MISSING')
})

t.test('a database that becomes something else, and then its backup again, loses nothing of what came after', async (t) => {
  const setup = await setUp(t)
  const { times } = await runThrough(t, setup, () => {
    const raw = new Sqlite(setup.path)
    raw.prepare('VACUUM INTO ?').run(setup.path + '.backup')
    raw.close()
    removeDatabase(setup.path)
    writeFileSync(setup.path, 'This is no database at all. '.repeat(1_000))
  })
  removeDatabase(setup.path)
  renameSync(setup.path + '.backup', setup.path)
  await checkStored(t, setup, times)
  checkLogs(t, setup, 'AGENT_TIMELINE_NOT_A_DATABASE')
})

t.test('a new database in the place of the old one takes the rest of a run, and the runs that start from then on', async (t) => {
  const setup = await setUp(t)
  const { id } = await runThrough(t, setup, async () => {
    removeDatabase(setup.path)
    const other = await openTimeline({ database: setup.path })
    // The same id, in another database, of another runner.
    t.equal((await other.startInvocation({ ...META, taskId: 'other' })).id, 1)
    await other.close()
  })
  t.equal(id, 1)
  await setup.timeline.logInvocation(META, async ({ onActivity }) => {
    onActivity({ type: 'progress', message: 'in the new one', timestamp: new Date() })
  })
  // The id of the run that was under way means another one here: it has a new one. Whether it learns of the other
  // database by its next activity, or before, is up to the machine.
  const events = await setup.events()
  t.match(events.filter((event) => (event as { metadata?: { kind?: string } }).metadata?.kind !== 'database_replaced'), [
    { seq: 1, type: 'invocation.started', invocationId: 2 },
    { activity: 'after ACTIVITY-TEXT' },
    { type: 'invocation.completed' },
    { type: 'invocation.started', invocationId: 3 },
    { activity: 'in the new one' },
    { type: 'invocation.completed' }
  ])
  t.match(await setup.timeline.getInvocation(1), { taskId: 'other', status: 'failed', reason: 'closed', activities: [] })
  t.equal((await setup.timeline.getInvocation(1))?.activities.length, 0)
})

for (const [name, code, disturb, relieve] of [
  ['full', 'AGENT_TIMELINE_DATABASE_FULL', (raw: Database) => raw.pragma('max_page_count = 1'), (raw: Database) => raw.pragma('max_page_count = 1000000')],
  ['read-only', 'AGENT_TIMELINE_DATABASE_UNAVAILABLE', (raw: Database) => raw.pragma('query_only = ON'), (raw: Database) => raw.pragma('query_only = OFF')]
] as const) {
  t.test(`a database that is ${name} for a while gets all of it afterwards`, async (t) => {
    // Both are settings of a connection, so this one is shared.
    const raw = new Sqlite(':memory:')
    t.teardown(() => { raw.close() })
    const setup = await setUp(t, { database: raw })
    const { times } = await runThrough(t, setup, async () => {
      disturb(raw)
      await setup.timeline.logInvocation({ ...META, taskId: 'big' }, async ({ onActivity }) => {
        for (let index = 0; index < 50; index++) onActivity({ type: 'error', message: 'x'.repeat(5_000), timestamp: new Date() })
      })
    })
    relieve(raw)
    await checkStored(t, setup, times).catch((error) => { t.comment(error) })
    t.equal((await setup.timeline.getTimeline('big')).timeline.length, 52)
    checkLogs(t, setup, code)
  })
}

t.test('what cannot be opened is told with a code', async (t) => {
  const directory = temporaryDirectory(t)
  const garbage = join(directory, 'garbage.db')
  writeFileSync(garbage, 'This is no database at all. '.repeat(1_000))
  await t.rejects(openTimeline({ database: garbage }), { code: 'AGENT_TIMELINE_NOT_A_DATABASE' })
  await t.rejects(openTimeline({ database: join(directory, 'missing', 'x.db') }), { code: 'AGENT_TIMELINE_DATABASE_MISSING' })
  await t.rejects(openTimeline({ database: join(directory, 'x.db'), create: false }), { code: 'AGENT_TIMELINE_DATABASE_MISSING' })
  await t.rejects(openTimeline({ database: directory }), { code: 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' })
  t.notOk(existsSync(join(directory, 'x.db')))
})

/** The activities, and how many more are told as dropped. */
async function told (setup: Setup) {
  const events = (await setup.events()).flatMap((event) => event.type === 'invocation.activity' ? [event] : [])
  const dropped = events.flatMap(({ metadata }) => metadata?.kind === 'dropped' ? [Number(metadata.pieces)] : [])
  return { events, dropped: dropped.reduce((sum, count) => sum + count, 0) }
}

t.test('when the queue is full output gives way, visibly; everything else stays', async (t) => {
  const setup = await setUp(t, { caps: { queueBytes: 64 * 1024 } })
  const raw = openRaw(t, setup.path)
  await setup.timeline.logInvocation(META, async ({ onActivity }) => {
    await setup.timeline.flush()
    raw.exec('BEGIN IMMEDIATE')
    for (let index = 0; index < 500; index++) {
      onActivity({ type: 'output', message: `${index} `.padEnd(400, 'o'), timestamp: new Date() })
      if (index % 100 === 0) onActivity({ type: 'error', message: `error ${index}`, timestamp: new Date() })
    }
    raw.exec('COMMIT')
  })
  const { events, dropped } = await told(setup)
  t.same(events.filter(({ activityType }) => activityType === 'error').map(({ activity }) => activity), [0, 100, 200, 300, 400].map((at) => `error ${at}`))
  const stored = events.filter(({ activityType }) => activityType === 'output').length
  t.equal(stored + dropped, 500)
  t.ok(dropped > 300 && stored > 50, `${stored} stored, ${dropped} dropped`)
})

t.test('a flood of other activities ends somewhere too', async (t) => {
  const setup = await setUp(t, { caps: { queueBytes: 64 * 1024 } })
  const raw = openRaw(t, setup.path)
  await setup.timeline.logInvocation(META, async ({ onActivity }) => {
    await setup.timeline.flush()
    raw.exec('BEGIN IMMEDIATE')
    for (let index = 0; index < 1_000; index++) {
      onActivity({ type: 'error', message: `${index} `.padEnd(400, 'e'), timestamp: new Date() })
    }
    raw.exec('COMMIT')
  })
  const { events, dropped } = await told(setup)
  t.equal(events.filter(({ activityType }) => activityType === 'error').length + dropped, 1_000)
  t.ok(dropped > 500)
})

async function next (
  events: AsyncIterable<TimelineEvent>, isWanted: (event: TimelineEvent) => boolean
): Promise<TimelineEvent> {
  for await (const event of events) if (isWanted(event)) return event
  throw new Error('the events ended')
}

t.test('a runner that is killed loses nothing acknowledged, and its run is ended as lost', async (t) => {
  const heartbeatMs = 500
  const setup = await setUp(t, { runnerHeartbeatIntervalMs: heartbeatMs })
  const child = new Child(t, 'run', { database: setup.path, taskId: 'a', count: 300 })
  const { id } = await child.message<{ id: number }>()
  t.match((await setup.timeline.listInvocations({ status: 'running' })).invocations, [{ id }])
  const ended = next(setup.timeline.events({ taskId: 'a' }), ({ type }) => type === 'invocation.failed')
  await child.kill('SIGKILL')
  const started = performance.now()
  t.match(await ended, { invocationId: id, reason: 'lost', success: false })
  const elapsedMs = Math.round(performance.now() - started)
  t.comment(`noticed after ${elapsedMs} ms, where ${2 * heartbeatMs + 1_000} are promised`)
  const events = await setup.events()
  t.same(events.flatMap((event) => event.type === 'invocation.activity' && event.activityType === 'progress' ? [event.activity] : []),
    Array.from({ length: 300 }, (_, index) => `line ${index}`))
  t.match(events.slice(-2), [
    { activity: 'exec: sleep', metadata: { callId: 'call-1', phase: 'end', status: 'aborted', tool: 'Bash' } }, { type: 'invocation.failed' }
  ])
  const raw = openRaw(t, setup.path)
  t.match(raw.prepare('SELECT * FROM task_invocations').get(), { status: 'failed', success: 0, exit_code: 1 })
})

t.test('nothing is shown that is not stored: another connection finds each row at the moment it is shown', async (t) => {
  const { path, timeline } = await setUp(t)
  const raw = openRaw(t, path)
  const find = raw.prepare(`SELECT seq FROM invocation_activity WHERE task_id = 'a' AND seq = :seq
    UNION ALL SELECT seq FROM timeline_event WHERE task_id = 'a' AND seq = :seq`)
  const shown = (async () => {
    const found: unknown[] = []
    for await (const { seq, type } of timeline.events({ taskId: 'a' })) {
      found.push(find.all({ seq }))
      if (type === 'invocation.completed') return found
    }
    return found
  })()
  await timeline.logInvocation(META, async ({ onActivity }) => {
    for (let index = 0; index < 300; index++) {
      onActivity({ type: 'progress', message: `${index}`, timestamp: new Date() })
      if (index % 10 === 0) await new Promise(setImmediate)
    }
  })
  t.same(await shown, Array.from({ length: 302 }, (_, index) => [{ seq: index + 1 }]))
})

t.test('kill -9 takes only what was said in the last 25 ms', async (t) => {
  const setup = await setUp(t)
  const child = new Child(t, 'die', { database: setup.path, taskId: 'a', count: 20, afterMs: 25 })
  await child.exit()
  t.equal(child.process.signalCode, 'SIGKILL')
  t.same((await setup.events()).flatMap((event) => event.type === 'invocation.activity' ? [event.activity] : []),
    Array.from({ length: 20 }, (_, index) => `line ${index}`))
})

t.test('two timelines that find the same dead run end it once', async (t) => {
  const setup = await setUp(t, { runnerHeartbeatIntervalMs: 100 })
  const child = new Child(t, 'run', { database: setup.path, taskId: 'a', count: 1 })
  await child.message()
  const options = { database: setup.path, runnerHeartbeatIntervalMs: 100 }
  const others = await Promise.all([1, 2, 3].map(() => openTimeline(options)))
  const all = Promise.all([setup.timeline, ...others].map(
    (timeline) => next(timeline.events({ taskId: 'a' }), ({ type }) => type === 'invocation.failed')))
  await child.kill('SIGKILL')
  t.equal(new Set((await all).map(({ seq }) => seq)).size, 1)
  t.equal((await setup.events()).filter(({ type }) => type === 'invocation.failed').length, 1)
  await Promise.all(others.map((timeline) => timeline.close()))
})

t.test('a signal loses nothing that was reported, and the process ends by it', async (t) => {
  const setup = await setUp(t)
  const child = new Child(t, 'run', { database: setup.path, taskId: 'a', count: 10, closeOnSignal: true })
  await child.message()
  child.tell('burst')
  await child.message()
  await child.kill('SIGTERM')
  t.equal(child.process.signalCode, 'SIGTERM')
  const { timeline: events, page } = await setup.timeline.getTimeline('a', { before: 'end', limit: 5_000 })
  t.equal(page.headSeq, 1 + 1 + 10 + 5_000 + 1 + 1, 'start, tool, lines, burst, the tool aborted, the end')
  t.match(events.slice(-2), [{ metadata: { status: 'aborted' } }, { type: 'invocation.failed', reason: 'aborted' }])
})

t.test('two timelines in one process both get to their end on a signal', async (t) => {
  const [one, two] = [await setUp(t), await setUp(t)]
  const child = new Child(t, 'two', { databases: [one.path, two.path] })
  await child.message()
  await child.message()
  await child.kill('SIGTERM')
  t.equal(child.process.signalCode, 'SIGTERM')
  for (const setup of [one, two]) {
    t.match(await setup.events(), [{}, { activity: 'told to end' }, { type: 'invocation.failed', reason: 'aborted' }])
  }
})

t.test('last_activity_at moves with the agent and stands still when it hangs, while the runner lives on', async (t) => {
  const setup = await setUp(t)
  const child = new Child(t, 'run', { database: setup.path, taskId: 'a', count: 1 })
  await child.message()
  const raw = openRaw(t, setup.path)
  const look = () => raw.prepare(`SELECT r.last_activity_at AS activity, r.heartbeat_at AS heartbeat, i.last_activity_at AS host
    FROM invocation_run r JOIN task_invocations i ON i.id = r.invocation_id`).get() as Record<'activity' | 'heartbeat' | 'host', string>
  const changed = async (column: 'activity' | 'heartbeat', from: string) => {
    while (look()[column] === from) await sleep(10)
  }
  for (let round = 0; round < 3; round++) {
    const { activity } = look()
    child.tell('more')
    await child.message()
    await changed('activity', activity)
  }
  const still = look()
  t.equal(still.host, still.activity)
  for (let beats = 0; beats < 3; beats++) await changed('heartbeat', look().heartbeat)
  t.equal(look().activity, still.activity)
  t.match((await setup.timeline.listInvocations()).invocations, [{ status: 'running', lastActivityAt: still.activity }])
})

t.test('what the host writes right after a call of ours never finds the lock held by us', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db')
  await (await openTimeline({ database: path })).close()
  // Long enough for another thread's write; one of our own turn could not end while this one waits.
  const host = new Sqlite(path, { timeout: 100 })
  t.teardown(() => host.close())
  host.exec('CREATE TABLE note (text TEXT)')
  const insert = host.prepare('INSERT INTO note VALUES (?)')
  let written = 0
  const then = async <T>(call: Promise<T>): Promise<T> => {
    const value = await call
    insert.run(String(++written))
    return value
  }
  const timelines = await Promise.all(Array.from({ length: 3 }, () => then(openTimeline({ database: path }))))
  t.teardown(() => Promise.all(timelines.map((timeline) => timeline.close())))
  await t.resolves(Promise.all(timelines.flatMap((timeline, nth) => Array.from({ length: 10 }, async (_, task) => {
    const taskId = `${nth}-${task}`
    const handle = await then(timeline.startInvocation({ ...META, taskId }))
    handle.activity({ type: 'output', message: 'x', timestamp: new Date() })
    await then(timeline.flush())
    await then(timeline.recordTaskEvent({ taskId, type: 'task.review', actor: 'a' }))
    await then(timeline.getTimeline(taskId))
    await then(handle.complete({ response: 'done' }))
    await then(timeline.listInvocations())
    await then(timeline.deleteTask(taskId))
  }))))
  t.equal(host.prepare('SELECT count(*) FROM note').pluck().get(), 3 + 30 * 7)
})
