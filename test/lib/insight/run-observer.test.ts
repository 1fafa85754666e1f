import t from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import {
  createRunObserver, createUsual, type Health, type ProcessEvidence, type TreeSample, type Usual
} from '../../../lib/insight/run-observer.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const START = Date.parse('2026-02-10T12:00:00.000Z')

/** A run that is observed on a clock of its own. */
class Watched {
  at = START
  readonly observer
  #calls = 0

  constructor (provider = 'claude', usual: Usual = createUsual()) {
    this.observer = createRunObserver({ provider, startedAt: START, usual })
  }

  act (activity: Partial<InvocationActivity>): this {
    this.observer.activity({ type: 'output', message: 'text', timestamp: new Date(this.at), ...activity })
    return this
  }

  start (command: string, { toolKind = 'shell', tool = 'Bash', ...more }: Record<string, unknown> = {}): string {
    const callId = `call_${++this.#calls}`
    const { timeout, ...metadata } = more
    const input = toolKind === 'shell' || toolKind === 'build' ? { command, ...(timeout === undefined ? {} : { timeout }) } : { path: command }
    this.act({ type: 'tool_exec', message: `exec: ${command}`, metadata: { callId, phase: 'start', tool, toolKind, input, ...metadata } })
    return callId
  }

  end (callId: string, result = 'done', status = 'ok'): this {
    return this.act({ type: 'tool_exec', message: '', metadata: { callId, phase: 'end', status, result } })
  }

  run (command: string, ms: number, result = 'done', status = 'ok', more: Record<string, unknown> = {}): this {
    // A model has to answer before the next call.
    this.at += SECOND
    const callId = this.start(command, more)
    this.at += ms
    return this.end(callId, result, status)
  }

  wait (what: string, more: Record<string, unknown> = {}): this {
    return this.act({ type: 'progress', message: what, metadata: { kind: 'waiting', what, ...more } })
  }

  /** Time passes, looked at every few seconds. */
  pass (ms: number, evidence: (at: number) => Partial<ProcessEvidence> = () => ({})): Health {
    const end = this.at + ms
    let health = this.look(evidence(this.at))
    while (this.at < end) {
      this.at = Math.min(end, this.at + 10 * SECOND)
      health = this.look(evidence(this.at))
    }
    return health
  }

  look (evidence: Partial<ProcessEvidence> = {}): Health {
    return this.observer.healthAt(this.at, { process: 'alive', heartbeatAgeMs: 0, ...evidence })
  }
}

t.test('a run goes from its start over work and tools to silence, and back', async (t) => {
  const run = new Watched()
  t.match(run.look(), { state: 'starting', silentForMs: 0 })
  t.match(run.pass(3 * MINUTE), { state: 'quiet' })
  t.match(run.pass(4 * MINUTE), { state: 'stuck', because: [/^It never started: nothing came for 7 min/, 'Its process is alive.'] })
  t.match(run.act({}).look(), { state: 'working', since: new Date(run.at).toISOString() })
  const call = run.start('npm test', { toolKind: 'test' })
  t.match(run.pass(4 * MINUTE), {
    state: 'in_tool', tool: { callId: call, name: 'Bash', elapsedMs: 4 * MINUTE }, because: [/^`npm test` has been running for 4 min; up to 10 min are usual/]
  })
  t.match(run.pass(7 * MINUTE), { state: 'quiet', expectedSilenceMs: 10 * MINUTE, stuckAfterMs: 15 * MINUTE })
  t.match(run.pass(5 * MINUTE), { state: 'stuck' })
  t.match(run.end(call).look(), { state: 'working', silentForMs: 0 })
  t.match(run.pass(11 * MINUTE), { state: 'stuck', because: [/^The model has not answered for 11 min; 5 min are usual\.$/] })
})

t.test('each kind of step has limits of its own', async (t) => {
  const MINUTES_OF_KINDS = {
    read: 5,
    edit: 5,
    search: 5,
    web: 15,
    mcp: 15,
    shell: 15,
    build: 15,
    test: 15,
    agent: 20,
    other: 15
  }
  for (const [toolKind, minutes] of Object.entries(MINUTES_OF_KINDS)) {
    const run = new Watched().act({})
    run.start('x', { toolKind })
    t.not(run.pass(minutes * MINUTE).state, 'stuck', `${toolKind} for ${minutes} min`)
    t.equal(run.pass(MINUTE).state, 'stuck', `${toolKind} for longer`)
  }
  for (const [provider, minutes] of Object.entries({ claude: 10, 'claude-code': 10, codex: 25, gemini: 25, acp: 10, mine: 25 })) {
    const run = new Watched(provider).act({})
    t.not(run.pass(minutes * MINUTE).state, 'stuck', `${provider} thinks for ${minutes} min`)
    t.equal(run.pass(MINUTE).state, 'stuck', `${provider} thinks for longer`)
  }
})

t.test('an agent of one\'s own that tells no kinds is read by the names of its tools', async (t) => {
  const reading = new Watched().act({})
  reading.act({ type: 'tool_exec', message: 'Read: a.ts', metadata: { callId: 'a', phase: 'start', tool: 'Read' } })
  t.equal(reading.pass(6 * MINUTE).state, 'stuck')
  const testing = new Watched().act({})
  testing.act({ type: 'tool_exec', message: 'exec: npm test', metadata: { callId: 'a', phase: 'start', tool: 'Bash' } })
  t.match(testing.pass(6 * MINUTE), { state: 'in_tool', expectedSilenceMs: 10 * MINUTE })
})

t.test('a call may take the time that it asked for', async (t) => {
  const asked = new Watched().act({})
  asked.start('make world', { toolKind: 'build', timeout: HOUR })
  t.equal(asked.pass(HOUR).state, 'in_tool')
  t.equal(asked.pass(6 * MINUTE).state, 'stuck')
  const asleep = new Watched().act({})
  asleep.start('sleep 40m && curl example.org')
  t.equal(asleep.pass(40 * MINUTE).state, 'in_tool')
})

t.test('history raises for the same command and the same programs, and lowers for the same command alone', async (t) => {
  const usual = createUsual()
  const before = new Watched('claude', usual).act({})
  before.run('git commit -m one', 40 * MINUTE)
  for (let times = 0; times < 12; times++) before.act({ message: String(times) }).run('npm test', 20 * SECOND, `run ${times}`)
  const same = new Watched('claude', usual).act({})
  same.start('npm test')
  t.not(same.pass(3 * MINUTE).state, 'stuck')
  t.match(same.pass(20 * SECOND), { state: 'stuck', because: [/it took up to 20 s in its last 12 runs here/] })
  const alike = new Watched('claude', usual).act({})
  alike.start('npm test -- --grep x')
  t.equal(alike.pass(10 * MINUTE).state, 'in_tool', 'only the same command is known to be quick')
  const commit = new Watched('claude', usual).act({})
  commit.start('git commit -m two')
  t.not(commit.pass(55 * MINUTE).state, 'stuck', 'the same programs took long before')
})

t.test('calls that were cut off teach nothing', async (t) => {
  const usual = createUsual()
  const run = new Watched('claude', usual).act({})
  run.run('npm run e2e', 2 * HOUR, '', 'aborted').run('npm run e2e', 2 * HOUR, '', 'denied')
  run.run('npm run e2e', 10 * MINUTE, 'timed out', 'error', { timeout: 10 * MINUTE })
  const next = new Watched('claude', usual).act({})
  next.start('npm run e2e')
  t.equal(next.pass(16 * MINUTE).state, 'stuck')
})

t.test('a false alarm makes a project more patient', async (t) => {
  const usual = createUsual()
  const run = new Watched('claude', usual).act({})
  t.equal(run.pass(12 * MINUTE).state, 'stuck')
  run.act({})
  t.equal(usual.falseAlarms, 1)
  t.not(run.pass(17 * MINUTE).state, 'stuck')
  t.equal(run.pass(2 * MINUTE).state, 'stuck')
})

t.test('signs of life move nothing, and output of a call only for a quarter of an hour', async (t) => {
  const beating = new Watched().act({})
  const call = beating.start('x', { toolKind: 'read' })
  for (let beats = 0; beats < 12; beats++) {
    beating.pass(30 * SECOND)
    beating.act({ type: 'progress', message: 'running', metadata: { kind: 'tool', callId: call, elapsedMs: 1 } })
  }
  t.match(beating.look(), { state: 'stuck', silentForMs: 6 * MINUTE })
  const printing = new Watched().act({})
  const build = printing.start('make', { toolKind: 'build' })
  for (let lines = 0; lines < 40; lines++) {
    printing.pass(MINUTE)
    printing.act({ type: 'progress', message: 'line', metadata: { kind: 'tool', callId: build, live: true } })
    if (lines < 28) t.not(printing.look().state, 'stuck')
  }
  t.equal(printing.look().state, 'stuck')
})

t.test('waits are waits until they are over, and attempts without end are none', async (t) => {
  const person = new Watched().act({}).wait('permission', { waitKind: 'person' })
  t.match(person.pass(20 * HOUR), { state: 'waiting', waitingFor: { kind: 'person', what: 'permission' } })
  const question = new Watched().act({})
  question.start('Which one?', { toolKind: 'person', tool: 'AskUserQuestion' })
  t.equal(question.pass(20 * HOUR).state, 'waiting')
  const limited = new Watched().act({})
  limited.wait('usage limit', { waitKind: 'usage_limit', until: new Date(limited.at + 5 * HOUR).toISOString() })
  t.equal(limited.pass(5 * HOUR).state, 'waiting')
  t.equal(limited.pass(3 * MINUTE).state, 'stuck')
  const retrying = new Watched().act({})
  for (let attempt = 0; attempt < 30; attempt++) {
    retrying.act({ type: 'progress', message: 'retry', metadata: { kind: 'retry', waitKind: 'retry', what: 'api', until: new Date(retrying.at + MINUTE).toISOString() } })
    retrying.pass(MINUTE)
    if (attempt < 19) t.equal(retrying.look().state, 'waiting')
  }
  t.equal(retrying.look().state, 'stuck')
})

t.test('processes decide while a command runs', async (t) => {
  const sample = (processes: number, cpuMs: number, ioBytes = 0) => (sampledAt: number): { tree: TreeSample } =>
    ({ tree: { processes, cpuMs: cpuMs * (sampledAt - START), ioBytes: ioBytes * (sampledAt - START), sampledAt } })
  const busy = new Watched().act({})
  busy.start('make world', { toolKind: 'build' })
  t.match(busy.pass(9 * HOUR, sample(3, 0.9)), { state: 'quiet', because: [/./, /using the processor/, /./] })
  const copying = new Watched().act({})
  copying.start('rsync a b')
  t.not(copying.pass(2 * HOUR, sample(1, 0, 10)).state, 'stuck')
  const idle = new Watched().act({})
  idle.start('npm test', { toolKind: 'test' })
  t.not(idle.pass(14 * MINUTE, sample(2, 0.0005)).state, 'stuck')
  t.match(idle.pass(2 * MINUTE, sample(2, 0.0005)), { state: 'stuck', because: [/./, /does nothing/, /./] })
  const gone = new Watched().act({})
  gone.start('npm test', { toolKind: 'test' })
  gone.pass(MINUTE, sample(2, 0.5))
  t.match(gone.pass(2 * MINUTE, sample(0, 0)), { state: 'stuck', because: [/./, /has ended, the answer never came/, /./] })
  const thinking = new Watched().act({})
  t.equal(thinking.pass(5 * MINUTE, sample(0, 0)).state, 'working', 'no command, no processes')
})

t.test('a process that is stopped, gone or elsewhere', async (t) => {
  const stopped = new Watched().act({})
  t.equal(stopped.pass(3 * HOUR, () => ({ process: 'suspended' })).state, 'working')
  t.equal(stopped.pass(9 * MINUTE).state, 'quiet')
  t.equal(stopped.pass(2 * MINUTE).state, 'stuck')
  t.equal(new Watched().act({}).look({ process: 'dead' }).state, 'lost')
  t.equal(new Watched().act({}).look({ process: 'elsewhere', heartbeatAgeMs: MINUTE }).state, 'unknown')
  t.equal(new Watched().act({}).look({ process: 'elsewhere', heartbeatAgeMs: SECOND }).state, 'working')
  t.equal(new Watched().act({}).pass(HOUR, () => ({ process: 'unrecorded' })).state, 'unknown')
})

t.test('repetition is seen, and what only looks like it is not', async (t) => {
  const same = new Watched().act({})
  for (let times = 0; times < 4; times++) same.run('npm run typecheck', 3 * SECOND, `ok in ${times}.2 s at 12:00:0${times}`)
  t.equal(same.look().state, 'working', 'four times happen')
  t.match(same.run('npm run typecheck', 3 * SECOND, 'ok in 9 s at 12:03:00').look(), {
    state: 'looping', loop: { calls: 1, times: 5, sinceSeq: 2 }, because: [/the same call with the same result 5 times in a row/]
  })
  t.equal(same.run('ls', SECOND).look().state, 'working', 'another call ends it')
  const failing = new Watched().act({})
  for (let times = 0; times < 3; times++) failing.run('npm test', 20 * SECOND, '9 failing', 'error')
  t.match(failing.look(), { state: 'looping', loop: { times: 3 } })
  const mending = new Watched().act({})
  for (let left = 9; left > 0; left--) mending.run('npm test', 20 * SECOND, `${left} failing`, 'error')
  t.equal(mending.look().state, 'working', 'fewer failures are progress')
  const polling = new Watched().act({})
  for (let times = 0; times < 20; times++) polling.run('sleep 5; curl -s localhost/ready', 5 * SECOND, 'no')
  for (let times = 0; times < 20; times++) polling.run('x', 5 * SECOND, 'running', 'ok', { toolKind: 'shell', tool: 'BashOutput' })
  t.equal(polling.look().state, 'working')
  const together = new Watched().act({})
  const calls = Array.from({ length: 6 }, () => together.start('cat a'))
  for (const call of calls) together.end(call)
  t.equal(together.look().state, 'working', 'calls that ran at the same time')
  const trying = new Watched().act({})
  for (let file = 0; file < 9; file++) {
    trying.at += 5 * SECOND
    trying.run(`file-${file}`, SECOND, 'File has not been read yet', 'error', { toolKind: 'edit', tool: 'Edit' })
  }
  t.match(trying.look(), { state: 'looping', because: [/the same tool with the same error/] })
  const reverting = new Watched().act({})
  for (let times = 0; times < 3; times++) {
    reverting.run('a.ts +1', SECOND, 'ok', 'ok', { toolKind: 'edit', tool: 'Edit' }).run('npm test', 9 * SECOND, '1 failing', 'error')
    reverting.run('a.ts -1', SECOND, 'ok', 'ok', { toolKind: 'edit', tool: 'Edit' }).run('npm test', 9 * SECOND, '2 failing', 'error')
  }
  t.match(reverting.look(), { state: 'looping', loop: { calls: 4, times: 3 } })
})

t.test('a sub-agent that repeats itself is seen beside one that works, and forgotten with it', async (t) => {
  const run = new Watched().act({})
  const agent = run.start('look around', { toolKind: 'agent', tool: 'Task' })
  for (let times = 0; times < 5; times++) {
    run.run('cat missing', SECOND, 'no such file', 'error', { parentCallId: agent })
    run.run(`ls ${times}`, SECOND)
  }
  t.equal(run.look().state, 'looping')
  t.equal(run.end(agent).look().state, 'working')
})

t.test('a silent sub-agent has more time, and calls of a background task none', async (t) => {
  const run = new Watched().act({})
  const agent = run.start('look around', { toolKind: 'agent', tool: 'Task' })
  run.start('grep x', { toolKind: 'search', parentCallId: agent })
  t.not(run.pass(19 * MINUTE).state, 'stuck')
  t.equal(run.pass(2 * MINUTE).state, 'stuck')
  const serving = new Watched().act({})
  serving.start('npm run dev', { background: true })
  t.match(serving.pass(MINUTE), { state: 'working', tool: undefined })
})

t.test('odd input harms nothing', async (t) => {
  t.throws(() => createRunObserver({ provider: 'claude', startedAt: NaN }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  t.throws(() => createRunObserver({ provider: 5 as never, startedAt: 0 }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  const run = new Watched()
  run.act({ timestamp: new Date(NaN) }).act({ timestamp: 'soon' as never }).act({ timestamp: new Date(0) })
  run.act({ type: 'tool_exec', metadata: { phase: 'end' } }).act({ type: 'tool_exec', metadata: { callId: 7, phase: 'start' } })
  run.act({ type: 'tool_exec', metadata: { callId: 'x', phase: 'end', status: 'ok' } })
  run.act({ type: 'tool_exec', metadata: { callId: '__proto__', phase: 'start', toolKind: 'constructor', input: null } })
  run.act({ type: 'progress', metadata: { kind: 'waiting', until: 'never' } })
  t.equal(run.look().state, 'waiting')
  for (let call = 0; call < 1_000; call++) run.start(`sleep ${call}`)
  t.equal(run.look().state, 'in_tool')
  t.match(run.observer.healthAt(NaN, { process: 'alive', heartbeatAgeMs: 0 }), { silentForMs: 0 })
})
