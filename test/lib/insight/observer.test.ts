import t from 'tap'
import type { Health } from '../../../lib/model/events.js'
import type { ProcessSign } from '../../../lib/insight/evidence.js'
import { HEARTBEAT_FRESH_MS, limitsOf } from '../../../lib/insight/limits.js'
import type { Loop } from '../../../lib/insight/loops.js'
import { Observer } from '../../../lib/insight/observer.js'
import { followActivity, type ProgressActivity } from '../../../lib/insight/progress.js'
import { noMemory } from '../../support/memory.js'
import { runningRow } from '../../support/running-row.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const START = Date.parse('2026-02-10T12:00:00.000Z')
const { quietMs: QUIET, stuckMs: STUCK } = limitsOf('think', 'claude')

/** A machine with clocks that can be set, an observer on it, and one run that it observes. */
class World {
  wall = START
  awake = 0
  sign: ProcessSign = 'alive'
  row = runningRow(START)

  observer = this.another()

  /** One that sees everything for the first time. */
  another (): Observer {
    return new Observer({ now: () => this.wall, awake: () => this.awake, lookAt: () => this.sign, memory: noMemory() })
  }

  /** The agent does something. */
  act (activity: Partial<ProgressActivity> & { readonly details?: object } = {}): void {
    const { progress } = this.row
    const { details, ...rest } = activity
    const metadata = details === undefined ? null : JSON.stringify(details)
    followActivity(progress, { type: 'output', message: 'x', metadata, at: this.wall, ...rest })
    // The stored time never goes back.
    const lastActivityAt = Math.max(this.wall, this.row.lastActivityAt ?? 0)
    if (!progress.hasBeaten) progress.movedAt = Math.max(progress.movedAt, lastActivityAt)
    this.row = { ...this.row, hasActivity: true, activityCount: this.row.activityCount + 1, lastActivityAt }
  }

  beat (at = this.wall): void {
    this.row = { ...this.row, heartbeatAt: at }
  }

  /** Time passes in which everybody is awake: the process gives its signs, the observer looks. */
  live (ms: number, { isBeating = true } = {}): Health {
    let health = this.look()
    for (let left = ms; left > 0; left -= SECOND) {
      const step = Math.min(left, SECOND)
      this.wall += step
      this.awake += step
      if (isBeating) this.beat()
      health = this.look()
    }
    return health
  }

  look (): Health {
    return this.observer.see(this.row)
  }
}

const ago = (world: World, health: Health) => world.wall - Date.parse(health.since)

t.test('silence is counted while it is watched, and ends with an activity', async (t) => {
  const world = new World()
  t.match(world.live(10 * SECOND), { state: 'starting', silentForMs: 10 * SECOND })
  world.act()
  t.match(world.look(), { state: 'working', silentForMs: 0, heartbeatAgeMs: 0 })
  t.match(world.live(QUIET), { state: 'working', silentForMs: QUIET, expectedSilenceMs: QUIET, stuckAfterMs: STUCK })
  t.match(world.live(SECOND), { state: 'quiet', silentForMs: QUIET + SECOND })
  t.match(world.live(STUCK - QUIET), { state: 'stuck' })
  world.act()
  t.equal(world.look().state, 'working')
})

t.test('a machine that slept raises no alarm', async (t) => {
  const world = new World()
  world.act()
  const before = world.live(MINUTE)
  world.wall += 8 * HOUR
  world.awake += 2 * SECOND
  t.match(world.look(), { state: 'working', since: before.since, silentForMs: MINUTE + 2 * SECOND })
  world.beat()
  t.match(world.live(10 * SECOND), { state: 'working', silentForMs: MINUTE + 12 * SECOND })
  t.equal(world.live(QUIET).state, 'quiet', 'it counts on from there')
})

t.test('a permission that is asked at night is waited for until the morning, though the machine sleeps', async (t) => {
  const world = new World()
  const asks = { kind: 'waiting', waitKind: 'person', what: 'May I run rm -rf build?' }
  world.act({ type: 'progress', details: asks })
  world.live(HOUR)
  world.wall += 6 * HOUR
  world.awake += 2 * SECOND
  world.beat()
  t.match(world.live(HOUR), { state: 'waiting', waitingFor: { kind: 'person', what: asks.what } })
  world.act()
  t.match(world.live(MINUTE), { state: 'working', silentForMs: MINUTE })
})

t.test('so does an observer that was stopped while the runner went on', async (t) => {
  const world = new World()
  world.act()
  world.live(MINUTE)
  world.wall += HOUR
  world.awake += 2 * SECOND
  world.beat()
  t.match(world.look(), { state: 'working', silentForMs: MINUTE + 2 * SECOND })
})

for (const [name, ms] of [['forward', HOUR], ['back', -HOUR]] as const) {
  t.test(`a clock that is set an hour ${name} changes nothing about what is watched`, async (t) => {
    const world = new World()
    world.act({ type: 'tool_exec', message: 'exec: ls', details: { callId: 'c', phase: 'start', tool: 'Bash' } })
    const before = world.live(MINUTE)
    t.match(before, { state: 'in_tool', silentForMs: MINUTE, tool: { elapsedMs: MINUTE } })
    world.wall += ms
    t.match(world.look(), { state: 'in_tool', since: before.since, silentForMs: MINUTE, tool: { elapsedMs: MINUTE }, heartbeatAgeMs: 0 })
    t.match(world.live(30 * SECOND), { state: 'in_tool', tool: { elapsedMs: MINUTE + 30 * SECOND }, heartbeatAgeMs: 0 })
    world.act()
    t.match(world.live(3 * SECOND), { silentForMs: 3 * SECOND }, 'what happens with the new time is as old as it is')
  })
}

t.test('what an activity from another clock says of its time is bounded by the last look', async (t) => {
  const world = new World()
  world.act()
  world.live(10 * SECOND)
  world.wall += SECOND
  world.awake += SECOND
  world.act()
  world.row.progress.movedAt = world.wall - HOUR
  t.equal(world.look().silentForMs, SECOND, 'behind')
  world.act()
  world.row.progress.movedAt = world.wall + HOUR
  t.equal(world.look().silentForMs, 0, 'ahead')
})

t.test('at first sight stored times are believed as far as the process has shown that it was awake', async (t) => {
  const world = new World()
  world.act()
  world.wall += HOUR
  world.beat(START + MINUTE)
  t.match(world.another().see(world.row), { silentForMs: MINUTE + HEARTBEAT_FRESH_MS, heartbeatAgeMs: HOUR - MINUTE })
  world.beat()
  const health = world.another().see(world.row)
  t.match(health, { state: 'stuck', silentForMs: HOUR })
  t.equal(ago(world, health), HOUR - STUCK)
})

t.test('two observers that see a run at different times agree on since when', async (t) => {
  const world = new World()
  world.act()
  const watched = world.live(QUIET + 20 * SECOND)
  t.match(watched, { state: 'quiet' })
  t.equal(world.another().see(world.row).since, watched.since.replace(/\d{3}Z$/, '000Z'))
})

t.test('a process elsewhere is unknown when it gives no sign, and not for a clock that differs', async (t) => {
  const world = new World()
  world.sign = 'elsewhere'
  world.act()
  t.match(world.live(HEARTBEAT_FRESH_MS, { isBeating: false }), { state: 'working', heartbeatAgeMs: HEARTBEAT_FRESH_MS })
  t.match(world.live(SECOND, { isBeating: false }), { state: 'unknown' })
  world.beat(world.wall - HOUR)
  t.match(world.look(), { state: 'working', heartbeatAgeMs: SECOND - SECOND }, 'the sign is new, whatever its clock says')
  world.beat(world.wall + HOUR)
  t.match(world.look(), { state: 'working', heartbeatAgeMs: 0 })
})

t.test('a runner that is stopped is never lost', async (t) => {
  const world = new World()
  world.act()
  world.sign = 'suspended'
  const health = world.live(HOUR, { isBeating: false })
  t.match(health, { state: 'working', because: [/^Its last activity was/, 'Its process is suspended.'] }, 'and not silent')
  world.sign = 'alive'
  t.equal(world.live(QUIET - 10 * SECOND).state, 'working')
  t.equal(world.live(20 * SECOND).state, 'quiet')
})

t.test('a process that is gone is lost, and stays so since then', async (t) => {
  const world = new World()
  world.act()
  world.live(10 * SECOND)
  world.sign = 'dead'
  const health = world.live(5 * SECOND, { isBeating: false })
  t.equal(health.state, 'lost')
  t.equal(ago(world, health), 5 * SECOND)
})

t.test('signs of life of a long call do not count as activity', async (t) => {
  const world = new World()
  world.act({ type: 'tool_exec', message: 'exec: sleep 1e9', details: { callId: 'c', phase: 'start', tool: 'Bash' } })
  for (let minute = 0; minute < 11; minute++) {
    world.live(MINUTE)
    world.act({ type: 'progress', details: { kind: 'tool', callId: 'c', elapsedMs: minute * MINUTE } })
  }
  world.live(SECOND)
  t.match(world.look(), { state: 'quiet', silentForMs: 11 * MINUTE + SECOND, tool: { callId: 'c', elapsedMs: 11 * MINUTE + SECOND } })
})

t.test('calls that are open at once with one id have a time each', async (t) => {
  const world = new World()
  const use = (more: object): void => {
    world.act({ type: 'tool_exec', message: 'x', details: { callId: 'call_0', phase: 'start', tool: 'Task', toolKind: 'agent', ...more } })
  }
  use({})
  world.live(5 * MINUTE)
  use({ use: 2, tool: 'Read', toolKind: 'read', parentCallId: 'call_0' })
  t.match(world.live(MINUTE), { state: 'in_tool', tool: { name: 'Read', elapsedMs: MINUTE } })
  world.act({ type: 'tool_exec', details: { callId: 'call_0', phase: 'end', use: 2, tool: 'Read', parentCallId: 'call_0' } })
  t.match(world.look(), { tool: { name: 'Task', elapsedMs: 6 * MINUTE } })
})

t.test('a wait has its time left, whatever the clock does', async (t) => {
  const world = new World()
  const until = new Date(START + 5 * MINUTE).toISOString()
  world.act()
  world.act({ type: 'progress', details: { kind: 'waiting', what: 'rate limit', until } })
  world.live(MINUTE)
  world.wall += HOUR
  t.match(world.look(), { state: 'waiting', waitingFor: { until }, because: [/has been waiting .* for 1 min, and will for another 4 min\./] })
  t.equal(world.live(5 * MINUTE).state, 'waiting')
  t.equal(world.live(MINUTE + SECOND).state, 'quiet')
})

t.test('an agent that tries again and again moves nothing', async (t) => {
  const world = new World()
  world.act()
  for (let attempt = 0; attempt < 25; attempt++) {
    world.act({ type: 'progress', details: { kind: 'retry', waitKind: 'retry', what: 'api', until: new Date(world.wall + MINUTE).toISOString() } })
    t.equal(world.live(MINUTE).state, attempt < 20 ? 'waiting' : 'stuck')
  }
})

t.test('what a run is called is told once, and when it goes on by itself', async (t) => {
  const world = new World()
  const alarms: unknown[] = []
  let loop: Loop | undefined
  world.observer = new Observer({
    now: () => world.wall,
    awake: () => world.awake,
    lookAt: () => world.sign,
    memory: { ...noMemory(), loopOf: () => loop },
    onAdvice: (_row, { state, step, mark }) => alarms.push([state, step, mark - world.row.progress.movedAt]),
    onWentOn: (_row, { state, step }, afterMs) => alarms.push([state, step, afterMs])
  })
  world.act()
  t.equal(world.live(STUCK + MINUTE).state, 'stuck')
  world.live(MINUTE)
  world.act()
  world.look()
  t.same(alarms.splice(0), [
    ['quiet', 'think', 0], ['stuck', 'think', 0], ['quiet', 'think', STUCK + 2 * MINUTE], ['stuck', 'think', STUCK + 2 * MINUTE]
  ])
  world.live(MINUTE)
  world.act()
  world.look()
  t.same(alarms, [])
  loop = { calls: 1, times: 5, sinceSeq: 3, since: world.wall, why: 'same result' }
  t.equal(world.live(1_000).state, 'looping')
  world.act()
  t.equal(world.live(1_000).state, 'looping')
  loop = undefined
  world.act()
  t.equal(world.live(1_000).state, 'working')
  t.match(alarms.splice(0), [['looping', 'think', Number], ['looping', 'think', Number]])
  world.sign = 'suspended'
  world.live(STUCK + MINUTE)
  world.sign = 'dead'
  world.live(STUCK + MINUTE)
  t.same(alarms, [], 'a process that is stopped or gone explains it')
})

t.test('a host\'s own row is judged by the wall clock at first, and is never older than that', async (t) => {
  const world = new World()
  world.sign = 'unrecorded'
  world.row = { ...world.row, writerId: undefined, owner: undefined, heartbeatAt: undefined }
  world.wall += HOUR
  t.match(world.look(), { state: 'unknown', silentForMs: HOUR, heartbeatAgeMs: HOUR })
  world.act()
  t.match(world.look(), { state: 'working', silentForMs: 0 })
  const undated = { ...world.row, startedAt: undefined, lastActivityAt: undefined, hasActivity: false }
  t.match(world.another().see(undated), { state: 'starting', silentForMs: 0 })
})

t.test('what no longer runs is forgotten', async (t) => {
  const world = new World()
  world.act()
  world.live(10 * SECOND)
  world.observer.keep(new Set())
  world.wall += HOUR
  world.beat()
  t.equal(world.look().silentForMs, HOUR + 10 * SECOND, 'seen for the first time again')
})
