import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite, { type Database as Raw } from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { silentLogger } from '../../../lib/logger.js'
import { currentOwner, judgeOwner, parseOwner, type Owner } from '../../../lib/liveness/owner.js'
import { createSilences } from '../../../lib/liveness/silences.js'
import { openTimeline, type OpenOptions, type Timeline } from '../../../lib/open-timeline.js'
import { Child } from '../../support/children.js'
import { temporaryDirectory } from '../../support/host-database.js'

const self = currentOwner()
const isLinux = process.platform === 'linux'
/** The shortest that is allowed, in milliseconds. */
const LEASE_MS = 1_000

/** Fields 3 and 22 of /proc/PID/stat. */
function stat (pid: number): { state: string | undefined, startTime: string | undefined } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], startTime: fields[19] }
}

async function pidThatIsGone (): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid as number
}

/** A process that has ended and whose parent does not look. */
async function zombie (t: Test): Promise<number> {
  const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
  t.teardown(() => { parent.kill('SIGKILL') })
  const [line] = await once(parent.stdout!, 'data')
  const pid = Number(String(line))
  // A shell would look; `sleep`, which takes its place, does not.
  while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await sleep(5)
  parent.stdio[3]!.destroy()
  while (stat(pid).state !== 'Z') await sleep(5)
  return pid
}

t.test('death is proven by process, start time, boot and pid namespace together, or not claimed', async (t) => {
  const gone = await pidThatIsGone()
  const elsewhere = { bootId: 'other', machineId: 'other' }
  const { startTime, ...unknownStart } = self
  const { bootId, pidNamespace, startTime: start, ...withoutProc } = self
  const cases: Array<[string, Owner, 'alive' | 'dead' | 'unknown', Owner?]> = [
    ['this process', self, 'alive'],
    ['a process that has ended', { ...self, pid: gone }, 'dead'],
    ['a process id that was used again', { ...self, startTime: '1' }, 'dead'],
    ['the same process id in another namespace', { ...self, pidNamespace: 'pid:[1]' }, 'unknown'],
    ['a process id of another namespace, not in use here', { ...self, pid: gone, pidNamespace: 'pid:[1]' }, 'unknown'],
    ['another machine', { ...self, ...elsewhere, pid: gone, hostname: 'other' }, 'unknown'],
    ['another machine of the same name', { ...self, ...elsewhere, pid: gone }, 'unknown', { ...self, machineId: 'this' }],
    ['this machine before it was booted', { ...self, bootId: 'other' }, 'dead'],
    ['a container of this name before the machine was booted', { ...self, bootId: 'other', pidNamespace: 'pid:[1]' }, 'dead'],
    ['a process that hides when it was started', unknownStart, 'unknown'],
    ['a process that hid when it was started, and has ended', { ...unknownStart, pid: gone }, 'dead'],
    ['a process of a system without /proc, seen from one with it', { ...withoutProc, pid: gone }, 'unknown'],
    ['a system without /proc: a process id in use', withoutProc, 'unknown', withoutProc],
    ['a system without /proc: a process id not in use', { ...withoutProc, pid: gone }, 'dead', withoutProc],
    ['a system without /proc: another machine', { ...withoutProc, pid: gone, hostname: 'other' }, 'unknown', withoutProc],
    ['nobody', { hostname: '', pid: 0 }, 'unknown']
  ]
  t.equal(self.hostname, hostname())
  t.ok(!isLinux || [startTime, bootId, pidNamespace, start].every((value) => value !== undefined))
  for (const [name, owner, verdict, from] of cases) {
    const needsProc = 'bootId' in owner || from === undefined
    if (isLinux || !needsProc) t.equal(judgeOwner(owner, from ?? self), verdict, name)
  }
})

t.test('an owner that cannot be read is judged neither dead nor alive', async (t) => {
  for (const json of [null, '', 'null', '5', '"x"', '[]', '{', '{}', '{"hostname":5,"pid":1}', '{"hostname":"h","pid":"1"}']) {
    t.equal(judgeOwner(parseOwner(json)), 'unknown', String(json))
  }
  t.same(parseOwner(JSON.stringify(self)), self)
})

t.test('a zombie counts as gone', { skip: isLinux ? false : 'only Linux has /proc' }, async (t) => {
  const pid = await zombie(t)
  t.equal(judgeOwner({ ...self, pid, startTime: String(stat(pid).startTime) }), 'dead')
})

t.test('silence is what the observer heard of it, whatever the clocks say', async (t) => {
  let ms = 0
  const silences = createSilences(() => ms)
  t.equal(silences.since(1, 'a'), 0, 'who begins to listen has missed nothing yet')
  ms += 500
  t.equal(silences.since(1, 'a'), 500)
  t.equal(silences.since(2, 'a'), 0)
  t.equal(silences.since(1, 'b'), 0)
  t.equal(silences.since(1, 'a'), 0, 'a sign that goes back is a sign, too')
  ms += 500
  silences.keep(new Set([2]))
  t.equal(silences.since(2, 'a'), 500)
  t.equal(silences.since(1, 'a'), 0)
})

interface Setup {
  readonly path: string
  readonly timeline: Timeline
  readonly raw: Raw
  open (options?: Partial<OpenOptions>): Promise<Timeline>
  runner (under?: readonly string[]): Promise<Child>
  run (): { status: string, heartbeat_at: string, last_activity_at: string, completed_at: string }
  /** Writes another owner into the runner's row. */
  pretend (owner: Partial<Owner>): void
  /** Resolves when the runner has given so many signs of life. */
  heartbeats (count: number): Promise<void>
  /** Resolves when this timeline has looked at all running runs, one of which was dead. */
  anotherDeath (): Promise<void>
  /** What ended the run, once it has. */
  ending (): Promise<readonly TimelineEvent[]>
  activities (): Promise<readonly string[]>
  /** Writes activities of the runner's, which writes none meanwhile. */
  /** Writes rows as a version does that keeps nothing but the log. */
  report (calls: ReadonlyArray<{ readonly message: string, readonly metadata: object }>): void
}

async function setUp (t: Test): Promise<Setup> {
  const path = join(temporaryDirectory(t), 'x.db')
  const open = async (options: Partial<OpenOptions> = {}) => {
    const timeline = await openTimeline({
      database: path, logger: silentLogger, runnerHeartbeatIntervalMs: 100, ownerLeaseMs: LEASE_MS, ...options
    })
    t.teardown(() => timeline.close())
    return timeline
  }
  const timeline = await open()
  const raw = new Sqlite(path, { timeout: 5_000 })
  t.teardown(() => { raw.close() })
  const select = raw.prepare("SELECT * FROM invocation_run WHERE task_id = 'a'")
  const run = () => select.get() as ReturnType<Setup['run']>
  const all = async () => (await timeline.getTimeline('a', { limit: 5_000 })).timeline
  const terminal = ({ type }: TimelineEvent) => /^invocation\.(completed|failed|timeout)$/.test(type)
  let deaths = 0
  return {
    path,
    timeline,
    raw,
    open,
    run,
    async runner (under = []) {
      const child = new Child(t, 'run', { database: path, taskId: 'a', count: 3 }, {}, under)
      await child.message()
      return child
    },
    pretend (owner) {
      raw.prepare(`UPDATE timeline_writer SET owner = json_patch(owner, ?)
        WHERE writer_id = (SELECT owner FROM invocation_run WHERE task_id = 'a')`).run(JSON.stringify(owner))
    },
    async heartbeats (count) {
      for (let beats = 0; beats < count; beats++) {
        const { heartbeat_at: before } = run()
        while (run().heartbeat_at === before) await sleep(10)
      }
    },
    async anotherDeath () {
      const taskId = `other ${++deaths}`
      const child = new Child(t, 'run', { database: path, taskId, count: 1 })
      await child.message()
      const events = timeline.events({ taskId })
      await child.kill('SIGKILL')
      for await (const event of events) if (terminal(event)) return
    },
    async ending () {
      for await (const event of timeline.events({ taskId: 'a' })) if (terminal(event)) break
      return (await all()).filter(terminal)
    },
    report (calls) {
      const insert = raw.prepare(`INSERT INTO invocation_activity
        (invocation_id, activity_type, message, task_id, seq, metadata) VALUES (?, 'tool_exec', ?, 'a', ?, ?)`)
      raw.transaction(() => {
        const { id, last } = raw.prepare(`SELECT invocation_id AS id, last_seq AS last FROM invocation_run
          JOIN task_stream USING (task_id) WHERE task_id = 'a'`).get() as { id: number, last: number }
        for (const [index, { message, metadata }] of calls.entries()) {
          insert.run(id, message, last + 1 + index, JSON.stringify(metadata))
        }
        raw.prepare("UPDATE task_stream SET last_seq = last_seq + ? WHERE task_id = 'a'").run(calls.length)
        raw.exec("UPDATE invocation_run SET tally = NULL WHERE task_id = 'a'")
      }).immediate()
    },
    activities: async () => (await all()).flatMap((event) => event.type === 'invocation.activity' ? [event.activity] : [])
  }
}

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0

for (const [name, under, skip] of [
  ['in another pid namespace', ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
    canUnshare ? false : 'this system does not let us make pid namespaces; the next test writes one into the record'],
  ['whose record names another pid namespace', [], false]
] as const) {
  t.test(`a runner ${name} with fresh heartbeats is not declared dead, without them after its lease`, { skip }, async (t) => {
    const { runner, pretend, heartbeats, anotherDeath, run, raw, ending } = await setUp(t)
    const child = await runner(under)
    if (under.length === 0) pretend({ pidNamespace: 'pid:[1]', pid: await pidThatIsGone() })
    const owner: Owner = JSON.parse((raw.prepare(`SELECT w.owner FROM timeline_writer w
      JOIN invocation_run r ON r.owner = w.writer_id WHERE r.task_id = 'a'`).get() as { owner: string }).owner)
    t.equal(judgeOwner(owner), isLinux || under.length > 0 ? 'unknown' : 'dead')
    t.not(owner.pid, child.process.pid)
    // Two leases of them.
    await heartbeats(2 * LEASE_MS / 200)
    await anotherDeath()
    t.equal(run().status, 'running')
    await child.kill('SIGKILL')
    const { heartbeat_at: last } = run()
    t.match(await ending(), [{ type: 'invocation.failed', reason: 'lost' }])
    const silentMs = Date.parse(run().completed_at) - Date.parse(last)
    t.ok(silentMs >= LEASE_MS, `ended after ${silentMs} ms of silence`)
  })
}

for (const [name, owner] of [
  ['a reused process id is not taken for the runner', { pid: process.pid }],
  ['runs from before the machine was booted are ended', { bootId: 'before', pidNamespace: 'pid:[1]' }]
] as const) {
  t.test(name, { skip: isLinux ? false : 'only Linux tells boots and start times' }, async (t) => {
    const { timeline, runner, pretend, open, run, ending } = await setUp(t)
    const child = await runner()
    pretend({ hostname: 'elsewhere', bootId: 'elsewhere' })
    await child.kill('SIGKILL')
    t.equal(run().status, 'running')
    pretend({ hostname: self.hostname, ...(self.bootId === undefined ? {} : { bootId: self.bootId }), ...owner })
    await open()
    t.match(await ending(), [{ type: 'invocation.failed', reason: 'lost' }])
    await timeline.close()
  })
}

t.test("a host's trigger that refuses keeps no lost run from its end", async (t) => {
  const { runner, raw, run, ending } = await setUp(t)
  const child = await runner()
  raw.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON task_invocations WHEN new.status = 'failed'
    BEGIN SELECT RAISE(ABORT, 'no'); END`)
  await child.kill('SIGKILL')
  t.match(await ending(), [{ type: 'invocation.failed', reason: 'lost' }])
  t.equal(run().status, 'failed')
})

t.test('of a thousand tool calls of a lost run those that are open end as aborted', async (t) => {
  const { runner, report, timeline, ending } = await setUp(t)
  const child = await runner()
  const calls = Array.from({ length: 1_000 }, (_, index) => `c-${index}`)
  const open = ['c-0', 'c-199', 'c-200', 'c-999']
  const phases = calls.flatMap((callId) => [
    { callId, phase: 'start', tool: 'Bash' }, ...(open.includes(callId) ? [] : [{ callId, phase: 'end' }])
  ])
  report(phases.map((metadata) => ({ message: `exec: ${metadata.callId}`, metadata })))
  await child.kill('SIGKILL')
  await ending()
  const { timeline: events } = await timeline.getTimeline('a', { before: 'end', limit: open.length + 1 })
  t.match(events, [
    ...open.map((callId) => ({ activity: `exec: ${callId}`, metadata: { callId, phase: 'end', status: 'aborted', tool: 'Bash' } })),
    { type: 'invocation.failed', reason: 'lost' }
  ])
})

t.test('of uses of one id in a lost run those that are open end as aborted, each as what it was', async (t) => {
  const { runner, report, timeline, ending } = await setUp(t)
  const child = await runner()
  const call = (phase: string, tool: string, more: object = {}): object => ({ callId: 'call_0', phase, tool, ...more })
  const inside = { parentCallId: 'call_0' }
  const written = [
    call('start', 'Read'), call('end', 'Read'),
    call('start', 'Task', { use: 2, toolKind: 'agent' }),
    call('start', 'Bash', { use: 3, toolKind: 'test', ...inside }), call('end', 'Bash', { use: 3, ...inside }),
    call('start', 'Bash', { use: 4, toolKind: 'test', ...inside }),
    // Who does not count them: the end goes to the oldest of the same parent.
    { callId: 'x', phase: 'start', tool: 'first' }, { callId: 'x', phase: 'start', tool: 'second' }, { callId: 'x', phase: 'end', tool: 'first' }
  ]
  report(written.map((metadata) => ({ message: `${(metadata as { tool: string }).tool}: x`, metadata })))
  await child.kill('SIGKILL')
  await ending()
  const { timeline: events } = await timeline.getTimeline('a', { before: 'end', limit: 5 })
  const aborted = { phase: 'end', status: 'aborted' }
  t.match(events.slice(1), [
    { activity: 'Task: x', metadata: { callId: 'call_0', use: 2, tool: 'Task', toolKind: 'agent', ...aborted } },
    { activity: 'Bash: x', metadata: { callId: 'call_0', use: 4, tool: 'Bash', toolKind: 'test', ...inside, ...aborted } },
    { activity: 'second: x', metadata: { callId: 'x', tool: 'second', ...aborted } },
    { type: 'invocation.failed', reason: 'lost' }
  ])
  t.match(events[0], { metadata: { callId: 'call-1', phase: 'end' } }, "no other is, but the runner's own")
})

t.test('a lost run that cannot be ended keeps no other from its end', async (t) => {
  const { runner, raw, run, anotherDeath } = await setUp(t)
  const child = await runner()
  raw.exec(`CREATE TRIGGER refuse BEFORE UPDATE OF status ON invocation_run WHEN new.task_id = 'a'
    BEGIN SELECT RAISE(ABORT, 'no'); END`)
  await child.kill('SIGKILL')
  await anotherDeath()
  t.equal(run().status, 'running')
})

t.test('a runner that is suspended is not declared dead, goes on and ends once', {
  skip: isLinux ? false : 'only Linux has /proc'
}, async (t) => {
  const { path, runner, anotherDeath, run, ending, activities } = await setUp(t)
  const child = await runner()
  await child.suspend(path)
  for (let times = 0; times < 3; times++) await anotherDeath()
  t.equal(run().status, 'running')
  child.process.kill('SIGCONT')
  child.tell('after')
  t.equal(await child.message(), 'said')
  child.tell('end')
  t.equal(await child.message(), 'ended')
  t.match(await ending(), [{ type: 'invocation.completed' }])
  t.same(await activities(), ['exec: sleep', 'line 0', 'line 1', 'line 2', 'after 0', 'exec: sleep'])
})

const JUMPS = [3_600_000, 600_000, -600_000, -3_600_000, 365 * 86_400_000, 0]

t.test("a runner's clock that jumps ends no run, and lastActivityAt never goes back", async (t) => {
  const { runner, pretend, anotherDeath, heartbeats, run, ending } = await setUp(t)
  const child = await runner()
  // So that only heartbeats speak for it.
  pretend({ hostname: 'elsewhere', bootId: 'elsewhere' })
  const seen = [run().last_activity_at]
  for (const jump of JUMPS) {
    child.tell(`clock ${jump}`)
    t.equal(await child.message(), 'set')
    child.tell('more')
    t.equal(await child.message(), 'said')
    await heartbeats(2)
    seen.push(run().last_activity_at)
  }
  await anotherDeath()
  t.equal(run().status, 'running')
  t.same(seen, [...seen].sort())
  child.tell('end')
  t.equal(await child.message(), 'ended')
  const [end, ...more] = await ending()
  t.same(more, [])
  t.match(end, { type: 'invocation.completed', duration: Number })
  t.ok((end as { duration: number }).duration < 365 * 86_400_000 / 2, 'durations are measured, not subtracted from dates')
})

t.test("a server's clock that jumps ends no run of another machine", async (t) => {
  const { runner, pretend, anotherDeath, run } = await setUp(t)
  await runner()
  pretend({ hostname: 'elsewhere', bootId: 'elsewhere' })
  const { now } = Date
  t.teardown(() => { Date.now = now })
  for (const jump of [3_600_000, -3_600_000, 365 * 86_400_000]) {
    Date.now = () => now() + jump
    await anotherDeath()
    t.equal(run().status, 'running', `the clock is ${jump / 60_000} minutes off`)
  }
})
