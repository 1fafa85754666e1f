import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { createHeartbeat } from '../../../lib/liveness/heartbeat.js'
import { loadBetterSqlite } from '../../../lib/store/sqlite/better-sqlite.js'
import { startHeartbeatThread } from '../../../lib/store/sqlite/heartbeat-thread.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { Child } from '../../support/children.js'
import { Logs } from '../../support/logs.js'

const library = await loadBetterSqlite()

function makeFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-timeline-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Looks at the runs in a database from outside. */
class Watch {
  readonly #raw: Database.Database

  constructor (t: Test, path: string) {
    this.#raw = new Database(path, { timeout: 1000 })
    t.teardown(() => this.#raw.close())
  }

  exec (sql: string): void {
    this.#raw.exec(sql)
  }

  heartbeat (taskId = 'a'): string | undefined {
    return this.#run(taskId)?.heartbeat_at
  }

  status (taskId = 'a'): string | undefined {
    return this.#run(taskId)?.status
  }

  /** Resolves when the heartbeat has advanced so often. */
  async beats (count: number, taskId = 'a'): Promise<void> {
    for (let last = this.heartbeat(taskId); count > 0;) {
      await pause(5)
      const now = this.heartbeat(taskId)
      if (now !== last) count--
      last = now
    }
  }

  #run (taskId: string) {
    return this.#raw.prepare('SELECT heartbeat_at, status FROM invocation_run WHERE task_id = ?').get(taskId) as
      { heartbeat_at: string, status: string } | undefined
  }
}

/** A database with a runner of its own, in this process, whose heartbeats measure the time that others keep silent. */
async function setUp (t: Test) {
  const folder = makeFolder(t)
  const database = join(folder, 'x.db')
  const open = () => openTimeline({ database, runnerHeartbeatIntervalMs: 100 })
  const timeline = await open()
  t.teardown(() => timeline.close())
  const watch = new Watch(t, database)
  return {
    folder,
    database,
    open,
    timeline,
    watch,
    async startMetronome () {
      await timeline.startInvocation({ taskId: 'metronome', role: 'coder', provider: 'claude' })
      await watch.beats(1, 'metronome')
    }
  }
}

t.test('a runner that blocks its event loop keeps beating', async (t) => {
  const { folder, database, watch } = await setUp(t)
  const [blocked, free] = [join(folder, 'blocked'), join(folder, 'free')]
  const runner = new Child(t, 'block', { database, blocked, free })
  while (!existsSync(blocked)) {
    if (runner.hasExited) throw new Error('the runner ended')
    await pause(5)
  }
  await watch.beats(5)
  renameSync(blocked, free)
  t.same(await runner.message(), { turns: 0 }, 'its event loop stood still')
  await runner.exit()
  t.equal(watch.status(), 'completed')
})

t.test('a runner that is killed beats no more, and its run is ended as lost', async (t) => {
  const { database, timeline, watch } = await setUp(t)
  const runner = new Child(t, 'run', { database, taskId: 'a', count: 1 })
  await runner.message()
  await watch.beats(2)
  await runner.kill('SIGKILL')
  const last = watch.heartbeat()
  for await (const event of timeline.events({ taskId: 'a' })) {
    if (event.type !== 'invocation.failed') continue
    t.match(event, { reason: 'lost' })
    break
  }
  t.equal(watch.heartbeat(), last)
})

t.test('a runner that is stopped beats no more, is not held to be dead, and goes on', {
  skip: process.platform === 'linux' ? false : 'the state of a process is read from /proc'
}, async (t) => {
  const { database, watch, startMetronome } = await setUp(t)
  const runner = new Child(t, 'run', { database, taskId: 'a', count: 1 })
  await runner.message()
  await startMetronome()
  await watch.beats(2)
  await runner.suspend(database)
  await watch.beats(1, 'metronome')
  const last = watch.heartbeat()
  await watch.beats(5, 'metronome')
  t.equal(watch.heartbeat(), last)
  t.equal(watch.status(), 'running')
  runner.process.kill('SIGCONT')
  await watch.beats(2)
  t.equal(watch.status(), 'running')
})

t.test('a timeline that is closed beats no more, whatever its runs look like', async (t) => {
  const { open, watch, startMetronome } = await setUp(t)
  const closed = await open()
  await closed.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  await startMetronome()
  await watch.beats(2)
  await closed.close()
  t.equal(watch.status(), 'failed')
  watch.exec("UPDATE invocation_run SET status = 'running', heartbeat_at = 'none' WHERE task_id = 'a'")
  await watch.beats(4, 'metronome')
  t.equal(watch.heartbeat(), 'none')
})

t.test('a process that forgets to close the timeline ends by itself', async (t) => {
  const { database, watch } = await setUp(t)
  const runner = new Child(t, 'leave', { database })
  await runner.message()
  await watch.beats(3)
  runner.tell('go')
  await runner.exit()
  t.equal(runner.process.exitCode, 0)
})

t.test('the thread starts with the first run, and stops when there were none for a while', async (t) => {
  const log: string[] = []
  let beatsOfThread = 0
  const threads: Array<{ onReady: () => void }> = []
  const heartbeat = createHeartbeat({
    intervalMs: 10_000,
    logger: new Logs(),
    beatHere: async () => { log.push('here') },
    startThread: (options) => {
      log.push('start')
      threads.push(options)
      return { get beats () { return beatsOfThread }, written () {}, note () {}, stop: async () => { log.push('stop') } }
    }
  })
  await heartbeat.round(false)
  t.same(log, [], 'nothing runs')
  heartbeat.begin()
  heartbeat.begin()
  await nextTurn()
  t.same(log.splice(0), ['start'])
  await heartbeat.round(true)
  t.same(log.splice(0), ['here'], 'until the thread is ready')
  heartbeat.written()
  await heartbeat.round(true)
  t.same(log, [], 'what was written a moment ago shows as much')
  threads[0]?.onReady()
  await heartbeat.round(true)
  beatsOfThread = 5
  t.equal(heartbeat.beats, 6)
  for (let round = 0; round < 3; round++) await heartbeat.round(false)
  t.same(log, [])
  await heartbeat.round(false)
  t.same(log.splice(0), ['stop'])
  beatsOfThread = 0
  t.equal(heartbeat.beats, 6, 'what was counted stays')
  heartbeat.begin()
  await nextTurn()
  await heartbeat.stop()
  heartbeat.begin()
  await nextTurn()
  t.same(log, ['start', 'stop'])
})

t.test('without a thread the event loop beats, and one line says so', async (t) => {
  for (const isPossible of [false, true]) {
    const logs = new Logs()
    let beats = 0
    const heartbeat = createHeartbeat({
      intervalMs: 100,
      logger: logs,
      beatHere: async () => { beats++ },
      startThread: () => {
        if (isPossible) throw new Error('no threads here')
        return undefined
      }
    })
    for (let run = 0; run < 3; run++) {
      heartbeat.begin()
      await nextTurn()
      await heartbeat.round(true)
    }
    await heartbeat.stop()
    t.equal(beats, 3)
    t.equal(heartbeat.beats, 3)
    t.same(logs.lines.map(({ level }) => level), isPossible ? ['debug'] : [])
  }
})

t.test('what is seen of the processes of a run is stored with its next beat', async (t) => {
  const folder = makeFolder(t)
  const path = join(folder, 'x.db')
  const raw = new Database(path)
  t.teardown(() => raw.close())
  const options = { database: path, runnerHeartbeatIntervalMs: 60_000, redact: false } as const
  const timeline = await openTimeline(options)
  t.teardown(() => timeline.close())
  const ids: number[] = []
  for (const taskId of ['a', 'b']) {
    ids.push((await timeline.startInvocation({ taskId, role: 'coder', provider: 'claude' })).id as number)
  }
  const trees = () => raw.prepare('SELECT tree FROM invocation_run ORDER BY invocation_id').pluck().all()
  const writerId = raw.prepare('SELECT owner FROM invocation_run').pluck().get() as string
  const thread = startHeartbeatThread({ library, path, writerId, intervalMs: 20, onReady () {}, onFailure () {} })
  t.teardown(() => thread.stop())
  thread.note(ids[1] as number, '{"processes":2}')
  while (trees()[1] === null) await pause(5)
  t.same(trees(), [null, '{"processes":2}'])
  const { beats } = thread
  while (thread.beats < beats + 2) await pause(5)
  t.same(trees(), [null, '{"processes":2}'], 'it stays')

  const carried: unknown[] = []
  const here = createHeartbeat({
    intervalMs: 10_000,
    logger: new Logs(),
    beatHere: async (seen) => { carried.push([...seen]) },
    startThread: () => undefined
  })
  here.note(1, 'x')
  here.written()
  await here.round(true)
  here.written()
  await here.round(true)
  t.same(carried, [[[1, 'x']]], 'without a thread from here, once')
  await here.stop()
})

t.test('a database in memory has heartbeats', async (t) => {
  const raw = new Database(':memory:')
  const timeline = await openTimeline({ database: raw, runnerHeartbeatIntervalMs: 100 })
  t.teardown(async () => { await timeline.close(); raw.close() })
  await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const read = () => raw.prepare('SELECT heartbeat_at FROM invocation_run').pluck().get()
  const first = read()
  while (read() === first) await pause(5)
  t.not(read(), first)
})

t.test('the thread waits for a database that is away, for a lock, and follows a file that is replaced', async (t) => {
  const folder = makeFolder(t)
  const [path, spare] = [join(folder, 'x.db'), join(folder, 'spare.db')]
  const ready: string[] = []
  const failures: unknown[] = []
  const thread = startHeartbeatThread({
    library, path, writerId: 'w', intervalMs: 20, onReady: () => ready.push('ready'), onFailure: (error) => failures.push(error)
  })
  t.teardown(() => thread.stop())
  const make = (file: string) => {
    const raw = new Database(file)
    raw.exec(`CREATE TABLE invocation_run (task_id TEXT, owner TEXT, status TEXT, heartbeat_at TEXT);
      INSERT INTO invocation_run VALUES ('a', 'w', 'running', ''), ('b', 'w', 'completed', 'then'), ('c', 'x', 'running', 'then')`)
    return raw
  }
  const raw = make(spare)
  t.same(ready, [])
  renameSync(spare, path)
  const watch = new Watch(t, path)
  await watch.beats(2)
  t.same([watch.heartbeat('b'), watch.heartbeat('c')], ['then', 'then'], 'only the open runs of its writer')
  t.match(watch.heartbeat(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(ready, ['ready'])
  raw.exec('BEGIN IMMEDIATE')
  const elsewhere = join(folder, 'elsewhere.db')
  make(elsewhere).close()
  const metronome = startHeartbeatThread({
    library,
    path: elsewhere,
    writerId: 'w',
    intervalMs: 20,
    onReady: () => {},
    onFailure: (error) => failures.push(error)
  })
  t.teardown(() => metronome.stop())
  const before = thread.beats
  while (metronome.beats < 6) await pause(5)
  t.equal(thread.beats, before)
  raw.exec('COMMIT')
  await watch.beats(2)
  t.ok(thread.beats > before)
  // Under the lock: a beat in the middle would leave its journal to the file that comes.
  raw.exec('BEGIN IMMEDIATE')
  const second = make(spare)
  renameSync(spare, path)
  raw.close()
  await new Watch(t, path).beats(2)
  second.exec('BEGIN IMMEDIATE')
  rmSync(path)
  second.close()
  make(path).close()
  await new Watch(t, path).beats(2)
  await thread.stop()
  t.same(failures, [])
})

t.test('a thread that cannot be made or cannot work is told of once', async (t) => {
  const [path, writerId, onReady] = [join(makeFolder(t), 'x.db'), 'w', () => {}]
  const failures: unknown[] = []
  const onFailure = (error: unknown) => { failures.push(error) }
  const inexpressible = Symbol('x') as never
  t.throws(() => startHeartbeatThread({ library, path: inexpressible, writerId, intervalMs: 20, onReady, onFailure }), {
    name: 'DataCloneError'
  })
  // A timer takes no BigInt: the thread throws where nothing is caught.
  const thread = startHeartbeatThread({ library, path, writerId, intervalMs: 20n as never, onReady, onFailure })
  await new Promise<void>((resolve) => {
    const waiting = setInterval(() => {
      if (failures.length === 0) return
      clearInterval(waiting)
      resolve()
    }, 5)
  })
  await thread.stop()
  t.match(failures, [{ name: 'TypeError' }])
  t.equal(failures.length, 1)
})
