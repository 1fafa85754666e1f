import t from 'tap'
import type { Health, HealthState } from '../../../lib/model/events.js'
import type { Evidence, OpenCallEvidence, WaitEvidence } from '../../../lib/insight/evidence.js'
import {
  DEFAULT_FLOORS, HEARTBEAT_FRESH_MS, PROVIDER_FLOORS, STUCK_FACTOR, TOOL_FLOORS_MS, TOOL_KINDS, WAIT_FLOORS_MS,
  WAIT_GRACE_MS, floorsOf, kindOfCall, toolKind, type ToolKind
} from '../../../lib/insight/floors.js'
import { formatSpan } from '../../../lib/insight/sentences.js'
import { judge } from '../../../lib/insight/verdict.js'
import { WAIT_KINDS, waitKind } from '../../../lib/insight/wait-kind.js'

const AT = Date.parse('2026-02-10T12:00:00.000Z')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const claude = PROVIDER_FLOORS.claude!

/** An invocation of Claude's that did something a moment ago. */
const evidence = (more: Partial<Evidence> = {}): Evidence => ({
  at: AT,
  provider: 'claude',
  runForMs: 10 * MINUTE,
  silentForMs: SECOND,
  hasActivity: true,
  calls: [],
  process: 'alive',
  heartbeatAgeMs: 0,
  ...more
})
const call = (name: string, elapsedMs: number, more: Partial<OpenCallEvidence> = {}): OpenCallEvidence =>
  ({ callId: `${name}-1`, name, message: `${name}: something`, elapsedMs, ...more })
const wait = (more: Partial<WaitEvidence> = {}): WaitEvidence => ({ kind: 'network', what: 'network', elapsedMs: SECOND, ...more })
/** A tool that has been silent since it was called. */
const inTool = (name: string, elapsedMs: number) => evidence({ calls: [call(name, elapsedMs)], silentForMs: elapsedMs })
const ago = (health: Health) => AT - Date.parse(health.since)

const NAMES: Readonly<Record<Exclude<ToolKind, 'person' | 'build'>, string>> =
  { file: 'Read', web: 'WebFetch', shell: 'Bash', mcp: 'mcp__db__query', agent: 'Task', other: 'Something' }

t.test('each state has its evidence', async (t) => {
  const cases: ReadonlyArray<readonly [HealthState, Partial<Evidence>]> = [
    ['starting', { hasActivity: false, runForMs: SECOND }],
    ['working', {}],
    ['in_tool', { calls: [call('Bash', 9 * MINUTE)], silentForMs: 9 * MINUTE }],
    ['waiting', { waiting: wait() }],
    ['quiet', { silentForMs: claude.thinkingMs + 1 }],
    ['stuck', { silentForMs: claude.thinkingMs * STUCK_FACTOR + 1 }],
    ['lost', { process: 'dead' }],
    ['unknown', { process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS + 1 }]
  ]
  for (const [state, more] of cases) t.equal(judge(evidence(more)).state, state)
})

t.test('at every floor it is as usual, beyond it quiet, and stuck at so many times as much', async (t) => {
  const checks: Array<readonly [string, number, HealthState, (silentMs: number) => Evidence]> = []
  for (const [provider, floors] of [...Object.entries(PROVIDER_FLOORS), ['aider', DEFAULT_FLOORS] as const]) {
    checks.push([`${provider} thinks`, floors.thinkingMs, 'working', (silentForMs) => evidence({ provider, silentForMs })])
    checks.push([`${provider} starts`, floors.startMs, 'starting', (ms) =>
      evidence({ provider, hasActivity: false, runForMs: ms, silentForMs: ms })])
  }
  for (const [kind, name] of Object.entries(NAMES)) {
    checks.push([name, TOOL_FLOORS_MS[kind as ToolKind], 'in_tool', (ms) => inTool(name, ms)])
  }
  checks.push(['a build', TOOL_FLOORS_MS.build, 'in_tool', (ms) =>
    evidence({ calls: [call('Bash', ms, { message: 'exec: npm test' })], silentForMs: ms })])
  checks.push(['a question', TOOL_FLOORS_MS.person, 'waiting', (ms) => inTool('AskUserQuestion', ms)])
  for (const kind of WAIT_KINDS) {
    checks.push([`a wait for ${kind}`, WAIT_FLOORS_MS[kind], 'waiting', (ms) =>
      evidence({ waiting: wait({ kind, elapsedMs: ms }), silentForMs: ms })])
  }
  checks.push(['a wait with an end', WAIT_GRACE_MS, 'waiting', (ms) =>
    evidence({ waiting: wait({ until: '2026-02-10T11:00:00.000Z', remainingMs: -ms, elapsedMs: ms }), silentForMs: ms })])
  for (const [name, floorMs, state, given] of checks) {
    const at = judge(given(floorMs))
    t.match(at, { state, expectedSilenceMs: floorMs }, name)
    t.equal(judge(given(floorMs + 1)).state, 'quiet', name)
    t.equal(ago(judge(given(floorMs + 1))), 1, `${name}: quiet since it was longer than usual`)
    t.equal(judge(given(floorMs * STUCK_FACTOR)).state, 'quiet', name)
    t.equal(judge(given(floorMs * STUCK_FACTOR + 1)).state, 'stuck', name)
    t.equal(ago(judge(given(floorMs * STUCK_FACTOR + 5))), 5, `${name}: stuck since it was far beyond`)
  }
})

t.test('the sentences say what it rests on', async (t) => {
  const cases: ReadonlyArray<readonly [Partial<Evidence>, readonly string[]]> = [
    [{ hasActivity: false, runForMs: 12 * SECOND },
      ['It started 12 s ago; the first activity usually takes up to 1 min.', 'Its process is alive.']],
    [{ hasActivity: false, runForMs: 6 * MINUTE },
      ['Nothing came from it since it started 6 min ago; 1 min is usual.', 'Its process is alive.']],
    [{ silentForMs: 5_400 }, ['Its last activity was 5 s ago; up to 2 min are usual while it thinks.', 'Its process is alive.']],
    [{ silentForMs: 4 * MINUTE }, ['No activity for 4 min; 2 min are usual while it thinks.', 'Its process is alive.']],
    [{ calls: [call('Bash', 3 * MINUTE)], silentForMs: 3 * MINUTE },
      ['Bash has been running for 3 min; up to 10 min are usual for it.', 'Its process is alive.']],
    [{ calls: [call('Bash', 60 * MINUTE)], silentForMs: 60 * MINUTE },
      ['Bash has been running for 1 h; 10 min are usual for it.', 'Its process is alive.']],
    [{ calls: [call('Bash', 90 * MINUTE)], silentForMs: 11 * MINUTE },
      ['Bash has been running for 1 h 30 min and has shown nothing for 11 min; 10 min are usual for it.', 'Its process is alive.']],
    [{ calls: [call('Read', 30 * SECOND)], silentForMs: 30 * SECOND },
      ['Read has been running for 30 s; up to 1 min is usual for it.', 'Its process is alive.']],
    [{ calls: [call('AskUserQuestion', 30 * SECOND, { message: 'AskUserQuestion: Which?' })] },
      ['It has been waiting for a person (AskUserQuestion: Which?) for 30 s.', 'Its process is alive.']],
    [{ waiting: wait({ kind: 'rate_limit', what: 'rate limit', elapsedMs: 9 * SECOND, until: 'x', remainingMs: 8 * SECOND }) },
      ['It has been waiting for a rate limit to pass for 9 s, and will for another 8 s.', 'Its process is alive.']],
    [{ waiting: wait({ elapsedMs: MINUTE, until: 'x', remainingMs: -3 * SECOND }) },
      ['It has been waiting for the network for 1 min; that should have ended 3 s ago.', 'Its process is alive.']],
    [{ waiting: wait({ kind: 'retry', what: 'API error 500', elapsedMs: SECOND }) },
      ['It has been waiting for its next attempt (API error 500) for 1 s.', 'Its process is alive.']],
    [{ waiting: wait({ kind: 'other', what: 'the moon', elapsedMs: SECOND }) },
      ['It has been waiting for the moon for 1 s.', 'Its process is alive.']],
    [{ process: 'elsewhere', heartbeatAgeMs: 3_999 },
      ['Its last activity was 1 s ago; up to 2 min are usual while it thinks.', 'Its process last gave a sign 3 s ago.']],
    [{ process: 'elsewhere', heartbeatAgeMs: 45 * SECOND },
      ['Its last activity was 1 s ago; up to 2 min are usual while it thinks.',
        'Its process cannot be looked at from here, and last gave a sign 45 s ago.']],
    [{ process: 'suspended', silentForMs: 4 * MINUTE },
      ['No activity for 4 min; 2 min are usual while it thinks.', 'Its process is suspended.']],
    [{ process: 'dead' }, ['Its last activity was 1 s ago; up to 2 min are usual while it thinks.', 'Its process is gone.']],
    [{ process: 'unrecorded', silentForMs: 4 * MINUTE }, ['No activity for 4 min; 2 min are usual while it thinks.',
      'It was recorded by the host alone, so whether its process lives is not known.']],
    [{ process: 'unrecorded' }, ['Its last activity was 1 s ago; up to 2 min are usual while it thinks.',
      'It was recorded by the host alone: nothing is known of its process.']]
  ]
  for (const [more, because] of cases) t.same(judge(evidence(more)).because, because)
})

t.test('a process that lives does not make an agent move, and one that moves no process live', async (t) => {
  for (const process of ['alive', 'suspended'] as const) {
    t.equal(judge(evidence({ process, silentForMs: 60 * MINUTE, heartbeatAgeMs: 0 })).state, 'stuck')
    t.equal(judge(evidence({ process, heartbeatAgeMs: 60 * MINUTE })).state, 'working', 'a missed sign proves nothing')
  }
  t.equal(judge(evidence({ process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS })).state, 'working')
  t.equal(judge(evidence({ process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS, silentForMs: 60 * MINUTE })).state, 'stuck')
  t.equal(judge(evidence({ process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS + 1 })).state, 'unknown')
})

t.test('an invocation that the host wrote is judged by its activity, and is never called stuck', async (t) => {
  t.equal(judge(evidence({ process: 'unrecorded' })).state, 'working')
  t.equal(judge(evidence({ process: 'unrecorded', silentForMs: 60 * MINUTE })).state, 'unknown')
  t.equal(judge(evidence({ process: 'unrecorded', hasActivity: false, runForMs: 60 * MINUTE })).state, 'unknown')
})

t.test('of several calls that one decides which may take longest', async (t) => {
  const calls = [call('Read', 5 * MINUTE), call('Bash', 5 * MINUTE)]
  t.match(judge(evidence({ calls, silentForMs: 5 * MINUTE })), { state: 'in_tool', tool: { name: 'Bash', callId: 'Bash-1' } })
  t.match(judge(evidence({ calls: [...calls].reverse(), silentForMs: 5 * MINUTE })), { state: 'in_tool', tool: { name: 'Bash' } })
})

t.test('what a sub-agent runs is judged, not the sub-agent', async (t) => {
  const calls = [call('Task', 20 * MINUTE), call('Bash', 12 * MINUTE, { parentCallId: 'Task-1' })]
  t.match(judge(evidence({ calls, silentForMs: 12 * MINUTE })), { state: 'quiet', tool: { name: 'Bash', elapsedMs: 12 * MINUTE } })
  t.match(judge(evidence({ calls: calls.slice(0, 1), silentForMs: 12 * MINUTE })), { state: 'in_tool', tool: { name: 'Task' } })
})

t.test('a call in the background keeps nobody from thinking', async (t) => {
  const calls = [call('Bash', 50 * MINUTE, { isBackground: true })]
  const health = judge(evidence({ calls, silentForMs: claude.thinkingMs + 1 }))
  t.equal(health.state, 'quiet')
  t.equal(health.tool, undefined)
})

t.test('a tool that shows something is not silent, however long it runs', async (t) => {
  t.equal(judge(evidence({ calls: [call('Bash', 600 * MINUTE)], silentForMs: 5 * SECOND })).state, 'in_tool')
})

t.test('a call that began just now makes up for the silence before it', async (t) => {
  t.equal(judge(evidence({ calls: [call('Bash', SECOND)], silentForMs: 60 * MINUTE })).state, 'in_tool')
})

t.test('a wait comes before the call that waits', async (t) => {
  const health = judge(evidence({ calls: [call('Bash', MINUTE)], waiting: wait({ kind: 'person', what: 'permission' }) }))
  t.match(health, { state: 'waiting', waitingFor: { kind: 'person', what: 'permission' }, tool: undefined })
})

t.test('a wait is as it should be until its time, however long', async (t) => {
  const until = '2026-02-11T12:00:00.000Z'
  const waiting = wait({ kind: 'rate_limit', what: 'rate limit', until, remainingMs: MINUTE, elapsedMs: 1_440 * MINUTE })
  t.match(judge(evidence({ waiting, silentForMs: 1_440 * MINUTE })), { state: 'waiting', waitingFor: { until } })
})

t.test('since stays while the state does, and is new with another', async (t) => {
  const first = judge(evidence({ silentForMs: 20 * SECOND }))
  t.equal(ago(first), 20 * SECOND)
  const second = judge(evidence({ at: AT + MINUTE, silentForMs: 80 * SECOND }), first)
  t.equal(second.since, first.since)
  const third = judge(evidence({ at: AT + 2 * MINUTE, silentForMs: claude.thinkingMs + 5 * SECOND }), second)
  t.match(third, { state: 'quiet', since: new Date(AT + 2 * MINUTE - 5 * SECOND).toISOString() })
})

t.test('what adapters call their tools is known', async (t) => {
  const cases: ReadonlyArray<readonly [ToolKind, readonly string[]]> = [
    ['file', ['Read', 'Write', 'Edit', 'MultiEdit', 'NotebookEdit', 'Glob', 'Grep', 'LS', 'read_file', 'write_file', 'replace',
      'list_directory', 'search_file_content', 'read_many_files', 'apply_patch', 'read', 'edit', 'search', 'move', 'delete']],
    ['web', ['WebFetch', 'WebSearch', 'web_search', 'web_fetch', 'google_web_search', 'fetch']],
    ['shell', ['Bash', 'shell', 'run_shell_command', 'execute', 'local_shell']],
    ['mcp', ['mcp__github__search', 'mcp_demo_slow', 'demo.slow']],
    ['agent', ['Task', 'Agent', 'spawn_agent', 'codebase_investigator']],
    ['person', ['AskUserQuestion', 'ExitPlanMode', 'ask_user']],
    ['other', ['update_topic', 'think', '']]
  ]
  for (const [kind, names] of cases) for (const name of names) t.equal(toolKind(name, ''), kind, name)
  t.equal(toolKind('someTool', 'exec: ls'), 'shell')
  for (const command of ['npm test', 'cargo build --release', 'docker build .', 'make', 'npm ci', 'pytest -q']) {
    t.equal(toolKind('Bash', `exec: ${command}`), 'build', command)
  }
  for (const command of ['ls', 'git status', 'rg makefile']) t.equal(toolKind('Bash', `exec: ${command}`), 'shell', command)
  t.equal(toolKind('Read', 'Read: test/a.ts'), 'file', 'a path is no command')
  t.equal(TOOL_KINDS.length, Object.keys(TOOL_FLOORS_MS).length)
})

t.test('what an adapter says a tool does counts, whatever its name and message', async (t) => {
  const cases: ReadonlyArray<readonly [string, string, string, ToolKind]> = [
    ['read', 'Task', 'Task: look around', 'file'],
    ['edit', 'x', 'exec: npm test', 'file'],
    ['search', 'x', '', 'file'],
    ['shell', 'Bash', 'exec: rm -r test', 'shell'],
    ['build', 'x', '', 'build'],
    ['test', 'x', '', 'build'],
    ['web', 'x', '', 'web'],
    ['mcp', 'Read', '', 'mcp'],
    ['agent', 'x', '', 'agent'],
    ['person', 'x', '', 'person'],
    ['plan', 'Bash', 'exec: make', 'other'],
    ['other', 'Read', 'Read: a', 'other'],
    ['a kind of tomorrow', 'Read', 'Read: a', 'file'],
    ['constructor', 'Bash', 'exec: ls', 'shell']
  ]
  for (const [told, name, message, kind] of cases) {
    t.equal(kindOfCall({ toolKind: told, name, message }), kind, told)
  }
  const asked = judge(evidence({ calls: [call('choose', MINUTE, { toolKind: 'person' })] }))
  t.match(asked, { state: 'waiting', waitingFor: { kind: 'person' }, expectedSilenceMs: TOOL_FLOORS_MS.person })
  const calls = [call('x', MINUTE, { toolKind: 'read' }), call('y', MINUTE, { toolKind: 'agent' })]
  t.match(judge(evidence({ calls })), { tool: { name: 'y' } }, 'the one with most of its time left decides')
})

t.test('the call of a sub-agent decides, also when it has the id of the one it is within', async (t) => {
  const calls = [
    call('Task', 10 * MINUTE, { callId: 'call_0' }),
    call('Bash', 5 * MINUTE, { callId: 'call_0', parentCallId: 'call_0' })
  ]
  t.match(judge(evidence({ calls, silentForMs: 5 * MINUTE })), { state: 'in_tool', tool: { name: 'Bash' } })
})

t.test('what adapters say they wait for is known', async (t) => {
  for (const [what, kind] of [
    ['permission', 'person'], ['rate limit', 'rate_limit'], ['network', 'network'], ['background', 'background'],
    ['approval of the plan', 'person'], ['the moon', 'other']
  ] as const) t.equal(waitKind('waiting', what), kind)
  t.equal(waitKind('retry', 'API error 500'), 'retry')
  t.equal(waitKind('retry', 'stream'), 'retry')
})

t.test('a provider is known by the first word of its name, and by nothing else', async (t) => {
  for (const name of ['claude', 'Claude', 'claude-code', 'claude code']) t.equal(floorsOf(name), PROVIDER_FLOORS.claude, name)
  for (const name of ['aider', '', 'constructor', 'my-claude', '__proto__']) t.equal(floorsOf(name), DEFAULT_FLOORS, name)
})

t.test('spans are what a person wants to know', async (t) => {
  const spans = { 0: '0 s', 999: '0 s', 59_999: '59 s', 60_000: '1 min', 61_000: '1 min 1 s', 599_000: '9 min 59 s', 601_000: '10 min' }
  for (const [ms, span] of Object.entries(spans)) t.equal(formatSpan(Number(ms)), span)
  t.equal(formatSpan(3_600_000), '1 h')
  t.equal(formatSpan(7_500_000), '2 h 5 min')
  t.equal(formatSpan(-5), '0 s')
})
