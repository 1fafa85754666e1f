import t, { type Test } from 'tap'
import type { CurrentFrame, HealthFrame } from '../../../lib/model/events.js'
import type { ProcessSign } from '../../../lib/insight/evidence.js'
import { createHealthMonitor } from '../../../lib/live/health-monitor.js'
import { followActivity } from '../../../lib/insight/progress.js'
import { worstOf } from '../../../lib/live/with-health.js'
import type { RunningRow } from '../../../lib/insight/running-row.js'
import { followHealth } from '../../../plugins/stream/health-frames.js'
import { noMemory } from '../../support/memory.js'
import { runningRow } from '../../support/running-row.js'

const START = Date.parse('2026-02-10T12:00:00.000Z')

/** A store with runs in it, and a monitor that looks at it every millisecond. */
class World {
  readonly rows = new Map<number, RunningRow>()
  sign: ProcessSign = 'alive'
  reads = 0
  fault: Error | undefined
  subscribers = 0
  clocks = 0
  #onRead = (): void => {}
  #onWake: (taskIds: readonly string[] | '*') => void = () => {}

  readonly monitor

  constructor (t: Test, intervalMs = 1) {
    this.monitor = createHealthMonitor({
      readRunning: async (ids) => {
        this.reads++
        this.#onRead()
        if (this.fault !== undefined) throw this.fault
        return [...this.rows.values()].filter(({ invocationId }) => ids?.includes(invocationId) ?? true)
      },
      memory: noMemory(),
      lookAt: () => this.sign,
      advice: { given () {}, wentOn () {}, look () {} },
      bus: {
        subscribe: (onWake) => {
          this.subscribers++
          this.#onWake = onWake
          return () => { this.subscribers-- }
        }
      },
      now: () => START,
      intervalMs,
      createClock: () => {
        this.clocks++
        return { now: () => 0, stop: () => { this.clocks-- } }
      }
    })
    // Its timers keep no process alive.
    const keepAlive = setInterval(() => {}, 1_000)
    t.teardown(() => {
      this.monitor.close()
      clearInterval(keepAlive)
    })
  }

  run (invocationId: number, taskId = 'a'): void {
    this.rows.set(invocationId, runningRow(START, invocationId, taskId))
  }

  /** A tool call starts, or ends. */
  call (invocationId: number, callId: string, phase: 'start' | 'end' = 'start'): void {
    const row = this.rows.get(invocationId) as RunningRow
    const metadata = JSON.stringify({ callId, phase, tool: 'Bash' })
    followActivity(row.progress, { type: 'tool_exec', message: 'exec: ls', metadata, at: START })
    this.rows.set(invocationId, { ...row, hasActivity: true, activityCount: row.activityCount + 1 })
  }

  wake (taskIds: readonly string[] | '*'): void {
    this.#onWake(taskIds)
  }

  /** Rounds that begin and end from now on. */
  async rounds (count = 2): Promise<void> {
    for (let round = 0; round <= count; round++) await new Promise<void>((resolve) => { this.#onRead = resolve })
  }

  async current (invocationId: number): Promise<CurrentFrame> {
    const health = (await this.monitor.healthOf([invocationId])).get(invocationId)!
    return {
      type: 'invocation.current',
      taskId: 'a',
      invocationId,
      role: 'coder',
      provider: 'claude',
      status: 'running',
      startedAt: new Date(START).toISOString(),
      health
    }
  }
}

function decode (text: string): HealthFrame[] {
  return text.split('\n\n').filter(Boolean).map((block) => JSON.parse(block.replace(/^data: /, '')))
}
const short = (text: string) =>
  decode(text).map(({ invocationId, health }) => [invocationId, health.state, health.tool?.callId])

/** A viewer that takes what it is told at once, unless it is behind. */
function view (world: World, taskId: string, told: readonly CurrentFrame[] = []) {
  const seen: unknown[] = []
  let drained = (): void => {}
  const stream = {
    isBehind: false,
    onDrain (given: () => void) {
      drained = given
      return () => { drained = () => {} }
    }
  }
  const description = { taskId, running: told }
  const stop = followHealth(world.monitor, description, stream, (frames) => { seen.push(...short(frames)) })
  return { seen, stream, stop, drained: () => drained() }
}

t.test('nothing is read while nobody watches', async (t) => {
  const world = new World(t)
  world.run(1)
  const first = view(world, 'a')
  const second = view(world, 'b')
  await world.rounds()
  t.same([world.subscribers, world.clocks], [1, 1])
  first.stop()
  await world.rounds()
  second.stop()
  const { reads } = world
  world.wake('*')
  const other = new World(t)
  view(other, 'a')
  await other.rounds(10)
  t.ok(world.reads - reads <= 1, 'at most the round that was under way')
  t.equal(world.subscribers, 0)
  world.monitor.close()
  t.equal(world.clocks, 0)
})

t.test('a verdict is told when it changes, and not again', async (t) => {
  const world = new World(t)
  world.run(1)
  const { seen } = view(world, 'a', [await world.current(1)])
  await world.rounds(5)
  t.same(seen, [], 'what it was told at first is not repeated')
  world.call(1, 'c1')
  await world.rounds(5)
  t.same(seen, [[1, 'in_tool', 'c1']])
  world.call(1, 'c1', 'end')
  world.call(1, 'c2')
  await world.rounds(5)
  t.same(seen.splice(1), [[1, 'in_tool', 'c2']], 'another call of the same tool')
  world.call(1, 'c2', 'end')
  await world.rounds(5)
  t.same(seen.splice(1), [[1, 'working', undefined]])
})

t.test('what changed between the first frames and the first round is told', async (t) => {
  const world = new World(t)
  world.run(1)
  const told = [await world.current(1)]
  world.call(1, 'c1')
  const { seen } = view(world, 'a', told)
  await world.rounds()
  t.same(seen, [[1, 'in_tool', 'c1']])
})

t.test('runs that begin later are told, those of other tasks are not, and of ended ones nothing is', async (t) => {
  const world = new World(t)
  const { seen } = view(world, 'a')
  await world.rounds()
  world.run(1)
  world.run(2, 'b')
  await world.rounds()
  t.same(seen.splice(0), [[1, 'starting', undefined]])
  world.rows.delete(1)
  await world.rounds()
  t.same(seen, [], 'its end is an event')
})

t.test('a viewer that is behind is told the latest once it has caught up', async (t) => {
  const world = new World(t)
  world.run(1)
  world.run(2)
  const viewer = view(world, 'a', [await world.current(1), await world.current(2)])
  viewer.stream.isBehind = true
  for (const callId of ['c1', 'c2', 'c3']) {
    world.call(1, callId)
    world.call(1, callId, 'end')
    world.call(2, callId)
    await world.rounds()
  }
  t.same(viewer.seen, [])
  viewer.stream.isBehind = false
  viewer.drained()
  t.same(viewer.seen, [[1, 'working', undefined], [2, 'in_tool', 'c1']])
  await world.rounds()
  t.equal(viewer.seen.length, 2)
})

t.test('all viewers of a task are told the same', async (t) => {
  const world = new World(t)
  world.run(1)
  const viewers = Array.from({ length: 3 }, () => view(world, 'a', []))
  await world.rounds()
  for (const { seen } of viewers) t.same(seen, [[1, 'starting', undefined]])
})

t.test('viewers that keep coming do not keep the others waiting', async (t) => {
  const world = new World(t, 50)
  world.run(1)
  const { seen } = view(world, 'a')
  let came = 1
  for (; seen.length === 0 && came < 100; came++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    view(world, 'a')
  }
  t.same(seen, [[1, 'starting', undefined]], `${came} came`)
})

t.test('a commit of a watched task is looked at soon', async (t) => {
  const world = new World(t, 60_000)
  world.run(1)
  const viewer = view(world, 'a')
  world.wake(['another'])
  world.wake(['a'])
  while (viewer.seen.length === 0) await new Promise(setImmediate)
  t.same(viewer.seen, [[1, 'starting', undefined]])
  t.equal(world.reads, 1)
})

t.test('a store that cannot be read is tried again', async (t) => {
  const world = new World(t)
  world.run(1)
  world.fault = new Error('locked')
  const { seen } = view(world, 'a')
  await world.rounds(3)
  t.same(seen, [])
  world.fault = undefined
  await world.rounds()
  t.same(seen, [[1, 'starting', undefined]])
})

t.test('states are counted, watched or not', async (t) => {
  const world = new World(t)
  world.run(1)
  world.run(2, 'b')
  world.call(2, 'c1')
  const none = { working: 0, waiting: 0, quiet: 0, looping: 0, stuck: 0, lost: 0, unknown: 0 }
  const counts = { ...none, starting: 1, in_tool: 1 }
  t.same(await world.monitor.counts(), counts)
  view(world, 'a')
  await world.rounds()
  t.same(await world.monitor.counts(), counts)
  world.sign = 'dead'
  await world.rounds()
  t.same(await world.monitor.counts(), { ...counts, starting: 0, in_tool: 0, lost: 2 })
})

t.test('the worst verdict stands for a task', async (t) => {
  const world = new World(t)
  world.run(1)
  world.run(2)
  world.call(1, 'c1')
  const frames = [await world.current(1), await world.current(2)]
  t.match(worstOf(frames), { invocationId: 2, state: 'starting' })
  world.sign = 'dead'
  t.match(worstOf([...frames, await world.current(1)]), { invocationId: 1, state: 'lost' })
  t.equal(worstOf([]), undefined)
})
