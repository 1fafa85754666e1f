import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Observer } from '../../../lib/insight/observer.js'
import { decodeTree } from '../../../lib/insight/process-tree.js'
import { followActivity } from '../../../lib/insight/progress.js'
import { usualTimes, type UsualTimes } from '../../../lib/insight/usual.js'
import { readTree } from '../../../lib/liveness/process-sample.js'
import { createTreeSampler } from '../../../lib/liveness/tree-sampler.js'
import type { Health } from '../../../lib/model/events.js'
import { runningRow } from '../../support/running-row.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** What /proc tells of starts and of now is rounded to 10 ms each. */
const TICKS_MS = 30
const START = Date.parse('2026-02-10T12:00:00.000Z')

/** A shell in the place of an agent: it runs what it is told, each line as a command. */
class Agent {
  readonly #shell: ChildProcessWithoutNullStreams

  constructor (t: Test) {
    this.#shell = spawn('sh', { detached: true })
    const closed = once(this.#shell, 'close')
    t.teardown(async () => {
      // What it has started holds its pipes.
      process.kill(-this.pid, 'SIGKILL')
      await closed
    })
  }

  get pid (): number {
    return this.#shell.pid as number
  }

  /** @returns the first line that comes of it */
  async run (script: string): Promise<string> {
    this.#shell.stdin.write(`${script}\n`)
    const [line] = await once(this.#shell.stdout, 'data') as [Buffer]
    return line.toString().trim()
  }

  /** @returns its pid */
  async start (command: string): Promise<number> {
    return Number(await this.run(`${command} & echo $!`))
  }

  async end (): Promise<void> {
    const exited = once(this.#shell, 'exit')
    this.#shell.kill('SIGKILL')
    await exited
  }
}

/** A run whose agent is a real process, in a time of its own: what its processes use is counted as of that time. */
class World {
  at = START
  readonly agent: Agent
  readonly samples: string[] = []
  history: UsualTimes | undefined
  #row = runningRow(START)
  #calledAt = 0
  readonly #sampler
  readonly #observer = new Observer({
    now: () => this.at,
    awake: () => this.at,
    lookAt: () => 'alive',
    memory: {
      usual: { timesOf: () => this.history, patienceOf: () => 0 },
      keysOf: () => ({ hash: 'npm test', chain: null }),
      loopOf: () => undefined
    }
  })

  constructor (t: Test, agentPid?: number) {
    this.agent = new Agent(t)
    const run = { id: 1, agentPid: agentPid ?? this.agent.pid, progress: this.#row.progress }
    this.#sampler = createTreeSampler({
      runs: () => [run],
      now: () => this.at,
      onSample: (_id, tree) => { this.samples.push(tree) },
      read: (pid) => {
        const reading = readTree(pid, performance.now() - this.#calledAt + TICKS_MS)
        return reading === null || reading === undefined ? reading : { ...reading, cpuMs: reading.cpuMs * 100 }
      }
    })
  }

  /** A command begins, by the words of the agent. */
  call (command = 'npm test'): void {
    const metadata = JSON.stringify({ callId: command, phase: 'start', tool: 'Bash', toolKind: 'build' })
    followActivity(this.#row.progress, { type: 'tool_exec', message: `exec: ${command}`, metadata, at: this.at, seq: 1 })
    this.#calledAt = performance.now()
    this.#row = { ...this.#row, hasActivity: true, activityCount: 1, lastActivityAt: this.at }
    this.#look()
  }

  /** @param each awaited after each look */
  async pass (ms: number, { stepMs = 10 * SECOND, each = async () => {} } = {}): Promise<Health> {
    let health = this.#look()
    for (const end = this.at + ms; this.at < end;) {
      this.at = Math.min(end, this.at + stepMs)
      health = this.#look()
      await each()
    }
    return health
  }

  /** @returns after how long it is called stuck */
  async untilStuck (atMost: number): Promise<number> {
    for (let passed = 5 * SECOND; passed <= atMost; passed += 5 * SECOND) {
      if ((await this.pass(5 * SECOND, { stepMs: 5 * SECOND })).state === 'stuck') return passed
    }
    return Infinity
  }

  #look (): Health {
    this.#sampler.look()
    return this.#observer.see({ ...this.#row, heartbeatAt: this.at, tree: decodeTree(this.samples.at(-1) ?? null) })
  }
}

const onLinux = process.platform === 'linux' ? {} : { skip: 'only there the processes below another are seen' }

t.test('a build that says nothing and works is never stuck', onLinux, async (t) => {
  const world = new World(t)
  world.call('make world')
  await world.agent.start('while :; do :; done')
  const busy = async (): Promise<void> => {
    const cpuMs = () => readTree(world.agent.pid, 0)?.cpuMs ?? 0
    for (const before = cpuMs(); cpuMs() === before;) await pause(2)
  }
  for (let minutes = 0; minutes < 40; minutes += 5) {
    const { state, because, tree } = await world.pass(5 * MINUTE, { stepMs: 30 * SECOND, each: busy })
    t.ok(['in_tool', 'quiet'].includes(state), `${state} after ${minutes + 5} min`)
    t.match(because.join(' '), /using the processor/)
    t.match(tree, { processes: 1 })
  }
})

t.test('a command that has ended while the agent waits is stuck within two minutes', onLinux, async (t) => {
  const world = new World(t)
  // A helper that was there before, as a language server, and stays.
  await world.agent.start('sleep 1000')
  while (readTree(world.agent.pid, 2 * TICKS_MS)?.started !== 0) await pause(2)
  world.call()
  const command = await world.agent.start('sleep 1000')
  t.equal((await world.pass(3 * MINUTE)).state, 'in_tool')
  process.kill(command, 'SIGKILL')
  while (readTree(world.agent.pid, 3 * MINUTE)?.started === 2) await pause(2)
  const after = await world.untilStuck(5 * MINUTE)
  t.ok(after >= MINUTE && after <= 2 * MINUTE, `${after} ms`)
  const { because, tree } = await world.pass(0)
  t.match(because.join(' '), /Its command has ended, the answer never came/)
  t.match(tree, { processes: 0 })
})

t.test('a command that was over before anybody looked is seen by what it left behind', onLinux, async (t) => {
  const world = new World(t)
  world.call()
  await world.agent.run('/bin/sh -c true; echo done')
  const after = await world.untilStuck(5 * MINUTE)
  t.ok(after <= 2 * MINUTE, `${after} ms`)
})

t.test('a test that hangs with forty runs of history is stuck within five minutes', onLinux, async (t) => {
  const world = new World(t)
  world.history = usualTimes(Array.from({ length: 40 }, (_, index) => 20 * SECOND + index * SECOND))
  world.call()
  await world.agent.start('sleep 1000')
  const after = await world.untilStuck(10 * MINUTE)
  t.ok(after > 3 * MINUTE - 1 && after <= 5 * MINUTE, `${after} ms`)
  t.match((await world.pass(0)).because.join(' '), /there and does nothing/)
})

t.test('an agent whose commands run elsewhere is judged by the limits alone', onLinux, async (t) => {
  const world = new World(t)
  world.call()
  t.match(await world.pass(14 * MINUTE), { state: 'quiet', tree: undefined })
  t.same(world.samples, [])
})

t.test('an agent that is gone leaves no command; one that never was there says nothing', onLinux, async (t) => {
  const world = new World(t)
  world.call()
  await world.agent.start('sleep 1000')
  await world.pass(MINUTE)
  await world.agent.end()
  t.ok(await world.untilStuck(2 * MINUTE) <= 2 * MINUTE)
  const nobody = new World(t, 2 ** 22)
  nobody.call()
  await nobody.pass(5 * MINUTE)
  t.same(nobody.samples, [])
})
