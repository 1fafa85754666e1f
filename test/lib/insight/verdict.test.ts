import t from 'tap'
import type { Health, HealthState } from '../../../lib/model/events.js'
import { TOOL_KINDS, WAIT_KINDS } from '../../../lib/model/activity.js'
import type { RunningCall, RunWait } from '../../../lib/insight/evidence.js'
import {
  AFTER_TIMEOUT_MS, BY_STEP, HEARTBEAT_FRESH_MS, limitsOf, OPEN_WAIT_MS, REPEATED_WAITS_MS, STARTING, STEP_OF,
  SUB_AGENT_STUCK_MS, THINKING, UNKNOWN_PROVIDER, WAIT_GRACE_MS, type CallStep, type Limits
} from '../../../lib/insight/limits.js'
import type { OpenCall } from '../../../lib/insight/progress.js'
import { toRunningCall } from '../../../lib/insight/running-call.js'
import { formatSpan } from '../../../lib/insight/sentences.js'
import { createUsual } from '../../../lib/insight/usual.js'
import { judgeRun, type RunFacts } from '../../../lib/insight/verdict.js'
import { waitKind } from '../../../lib/insight/wait-kind.js'

const AT = Date.parse('2026-02-10T12:00:00.000Z')
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

type Given = Partial<Omit<RunFacts, 'evidence'>> & Partial<RunFacts['evidence']>

/** A verdict on a run of Claude's that did something a second ago. */
function judge ({ process = 'alive', heartbeatAgeMs = 0, ...more }: Given = {}, previous?: Health): Health {
  const facts = {
    at: AT,
    startedAt: AT - 24 * HOUR,
    provider: 'claude',
    silentForMs: SECOND,
    hasTurn: true,
    calls: [],
    waiting: undefined,
    loop: undefined,
    tree: undefined,
    ...more
  }
  return judgeRun({ ...facts, evidence: { process, heartbeatAgeMs } }, createUsual(), previous).health
}

const call = (name: string, elapsedMs: number, more: Partial<OpenCall> = {}): RunningCall =>
  toRunningCall({ callId: `${name}-1`, name, message: `${name}: something`, startedAt: 0, ...more }, AT - elapsedMs, undefined)
const wait = (elapsedMs: number, more: Partial<RunWait> = {}): RunWait => ({
  kind: 'network',
  what: 'network',
  until: undefined,
  toldUntil: undefined,
  since: AT - elapsedMs,
  toldAt: AT - elapsedMs,
  times: 1,
  ...more
})
/** A tool that has been silent since it was called. */
const inTool = (name: string, ms: number, more: Partial<OpenCall> = {}) =>
  judge({ calls: [call(name, ms, more)], silentForMs: ms })
const ago = (health: Health) => AT - Date.parse(health.since)

t.test('each state has its evidence', async (t) => {
  const { quietMs, stuckMs } = limitsOf('think', 'claude')
  const loop = { calls: 1, times: 5, sinceSeq: 7, since: AT - MINUTE, why: 'same result' } as const
  const cases: ReadonlyArray<readonly [HealthState, Given]> = [
    ['starting', { hasTurn: false }],
    ['working', {}],
    ['in_tool', { calls: [call('Bash', 9 * MINUTE)], silentForMs: 9 * MINUTE }],
    ['waiting', { waiting: wait(SECOND) }],
    ['quiet', { silentForMs: quietMs + 1 }],
    ['looping', { loop }],
    ['looping', { loop, silentForMs: quietMs + 1 }],
    ['stuck', { silentForMs: stuckMs + 1 }],
    ['stuck', { loop, silentForMs: stuckMs + 1 }],
    ['waiting', { loop, waiting: wait(SECOND) }],
    ['lost', { process: 'dead', loop }],
    ['unknown', { process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS + 1 }]
  ]
  for (const [state, more] of cases) t.equal(judge(more).state, state)
  t.match(judge({ loop }), { loop: { calls: 1, times: 5, sinceSeq: 7 }, since: new Date(AT - MINUTE).toISOString() })
})

t.test('up to the first limit it is as usual, beyond it quiet, and stuck beyond the second', async (t) => {
  const checks: Array<readonly [string, Limits, HealthState, (silentMs: number) => Health]> = []
  for (const [provider, limits] of [...Object.entries(THINKING), ['aider', UNKNOWN_PROVIDER] as const]) {
    checks.push([`${provider} thinks`, limits, 'working', (silentForMs) => judge({ provider, silentForMs })])
  }
  for (const [provider, limits] of Object.entries(STARTING)) {
    checks.push([`${provider} starts`, limits, 'starting', (silentForMs) => judge({ provider, hasTurn: false, silentForMs })])
  }
  for (const toolKind of TOOL_KINDS) {
    if (toolKind === 'person') continue
    checks.push([toolKind, BY_STEP[STEP_OF[toolKind]], 'in_tool', (ms) => inTool('x', ms, { toolKind })])
  }
  for (const [name, { quietMs, stuckMs }, state, at] of checks) {
    t.match(at(quietMs), { state, expectedSilenceMs: quietMs, stuckAfterMs: stuckMs }, name)
    t.equal(at(quietMs + 1).state, 'quiet', name)
    t.equal(ago(at(quietMs + 1)), 1, `${name}: quiet since it was longer than usual`)
    t.equal(at(stuckMs).state, 'quiet', name)
    t.equal(at(stuckMs + 1).state, 'stuck', name)
    t.equal(ago(at(stuckMs + 5)), 5, `${name}: stuck since it was far beyond`)
  }
})

t.test('the sentences say what it rests on', async (t) => {
  const alive = 'Its process is alive.'
  const working = 'Its last activity was 1 s ago; up to 5 min are usual while it thinks.'
  const late = { silentForMs: 7 * MINUTE }
  const noAnswer = 'The model has not answered for 7 min; 5 min are usual.'
  const loop = { sinceSeq: 7, since: AT } as const
  const cases: ReadonlyArray<readonly [Given, readonly string[]]> = [
    [{ hasTurn: false, silentForMs: 12 * SECOND }, ['It has not said anything yet; up to 2 min are usual.', alive]],
    [{ hasTurn: false, ...late }, ['It never started: nothing came for 7 min; 2 min are usual.', alive]],
    [{}, [working, alive]],
    [late, [noAnswer, alive]],
    [{ calls: [call('Bash', 3 * MINUTE, { message: 'exec: npm test' })], silentForMs: 3 * MINUTE },
      ['`npm test` has been running for 3 min; up to 10 min are usual for it.', alive]],
    [{ calls: [call('Bash', HOUR, { message: 'exec: ls' })], silentForMs: HOUR },
      ['`ls` has been running for 1 h; 11 min are usual for it.', alive]],
    [{ calls: [call('Read', 30 * SECOND, { message: '' })], silentForMs: 30 * SECOND },
      ['Read has been running for 30 s; up to 2 min are usual for it.', alive]],
    [{ calls: [call('AskUserQuestion', 30 * SECOND, { message: 'AskUserQuestion: Which?' })] },
      ['It has been waiting for a person (AskUserQuestion: Which?) for 30 s.', alive]],
    [{ waiting: wait(9 * SECOND, { kind: 'rate_limit', what: 'rate limit', until: AT + 8 * SECOND }) },
      ['It has been waiting for a rate limit to pass for 9 s, and will for another 8 s.', alive]],
    [{ waiting: wait(MINUTE, { until: AT - 3 * SECOND }) },
      ['It has been waiting for the network for 1 min; that should have ended 3 s ago.', alive]],
    [{ waiting: wait(SECOND, { kind: 'retry', what: 'API error 500' }) },
      ['It has been waiting for its next attempt (API error 500) for 1 s.', alive]],
    [{ waiting: wait(SECOND, { kind: 'other', what: 'the moon' }) }, ['It has been waiting for the moon for 1 s.', alive]],
    [{ loop: { ...loop, calls: 1, times: 5, why: 'same result' } },
      ['It has made the same call with the same result 5 times in a row.', working, alive]],
    [{ loop: { ...loop, calls: 4, times: 3, why: 'cycle' } },
      ['It has made the same calls with the same results, 4 of them, 3 times in a row.', working, alive]],
    [{ process: 'elsewhere', heartbeatAgeMs: 3_999 }, [working, 'Its process last gave a sign 3 s ago.']],
    [{ process: 'elsewhere', heartbeatAgeMs: 45 * SECOND },
      [working, 'Its process cannot be looked at from here, and last gave a sign 45 s ago.']],
    [{ process: 'suspended', ...late }, [noAnswer, 'Its process is suspended.']],
    [{ process: 'dead' }, [working, 'Its process is gone.']],
    [{ process: 'unrecorded', ...late },
      [noAnswer, 'It was recorded by the host alone, so whether its process lives is not known.']],
    [{ process: 'unrecorded' }, [working, 'It was recorded by the host alone: nothing is known of its process.']]
  ]
  for (const [more, because] of cases) t.same(judge(more).because, because)
})

t.test('a process that lives does not make an agent move, and one that moves no process live', async (t) => {
  t.equal(judge({ silentForMs: HOUR, heartbeatAgeMs: 0 }).state, 'stuck')
  t.equal(judge({ heartbeatAgeMs: HOUR }).state, 'working', 'a missed sign proves nothing')
  t.equal(judge({ process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS }).state, 'working')
  t.equal(judge({ process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS, silentForMs: HOUR }).state, 'stuck')
  t.equal(judge({ process: 'elsewhere', heartbeatAgeMs: HEARTBEAT_FRESH_MS + 1 }).state, 'unknown')
})

t.test('an invocation that the host wrote is judged by its activity, and is never called stuck', async (t) => {
  t.equal(judge({ process: 'unrecorded' }).state, 'working')
  t.equal(judge({ process: 'unrecorded', silentForMs: HOUR }).state, 'unknown')
  t.equal(judge({ process: 'unrecorded', hasTurn: false, silentForMs: HOUR }).state, 'unknown')
})

t.test('of several calls that one decides which may take longest', async (t) => {
  const calls = [call('Read', 3 * MINUTE), call('Bash', 3 * MINUTE)]
  for (const order of [calls, [...calls].reverse()]) {
    t.match(judge({ calls: order, silentForMs: 3 * MINUTE }), { state: 'in_tool', tool: { name: 'Bash', callId: 'Bash-1' } })
  }
})

t.test('what a sub-agent runs is judged, with time for its thoughts', async (t) => {
  const inner = (elapsedMs: number, callId = 'Read-1') =>
    [call('Task', HOUR), call('Read', elapsedMs, { callId, parentCallId: 'Task-1' })]
  t.match(judge({ calls: inner(3 * MINUTE), silentForMs: 3 * MINUTE }), { state: 'quiet', tool: { name: 'Read' } })
  t.match(judge({ calls: inner(9 * MINUTE), silentForMs: 9 * MINUTE }), { state: 'quiet', stuckAfterMs: SUB_AGENT_STUCK_MS })
  t.match(judge({ calls: inner(MINUTE, 'Task-1') }), { tool: { name: 'Read' } }, 'also with the id of the one it is within')
  t.match(judge({ calls: inner(0).slice(0, 1), silentForMs: 9 * MINUTE }), { state: 'in_tool', tool: { name: 'Task' } })
})

t.test('a call in the background keeps nobody from thinking', async (t) => {
  const health = judge({ calls: [call('Bash', 50 * MINUTE, { isBackground: true })], silentForMs: 6 * MINUTE })
  t.match(health, { state: 'quiet', tool: undefined })
})

t.test('a call has the time that it asked for, and some more', async (t) => {
  const build = (ms: number, more: Partial<OpenCall>) => inTool('Bash', ms, { message: 'exec: make', ...more })
  t.equal(build(HOUR, { timeoutMs: HOUR }).state, 'in_tool')
  t.equal(build(HOUR + AFTER_TIMEOUT_MS + 1, { timeoutMs: HOUR }).state, 'stuck')
  t.equal(inTool('Bash', 40 * MINUTE, { message: 'exec: sleep 40m', sleepMs: 40 * MINUTE }).state, 'in_tool')
})

t.test('a question to a person waits for ever', async (t) => {
  t.match(inTool('AskUserQuestion', 20 * HOUR, { message: 'Which?' }), { state: 'waiting', waitingFor: { kind: 'person', what: 'Which?' } })
  t.match(inTool('choose', 20 * HOUR, { toolKind: 'person' }), { state: 'waiting', waitingFor: { kind: 'person' }, stuckAfterMs: undefined })
  t.equal(judge({ waiting: wait(20 * HOUR, { kind: 'person', what: 'permission' }), silentForMs: 20 * HOUR }).state, 'waiting')
})

t.test('a wait comes before the call that waits, and lasts as long as it was told', async (t) => {
  t.match(judge({ calls: [call('Bash', MINUTE)], waiting: wait(SECOND, { kind: 'person', what: 'permission' }) }),
    { state: 'waiting', waitingFor: { kind: 'person', what: 'permission' }, tool: { name: 'Bash' } })
  const toldUntil = '2026-02-11T12:00:00.000Z'
  const told = wait(24 * HOUR, { kind: 'usage_limit', until: AT - WAIT_GRACE_MS, toldUntil })
  t.match(judge({ waiting: told, silentForMs: 24 * HOUR }), { state: 'waiting', waitingFor: { until: toldUntil } })
  t.equal(judge({ waiting: { ...told, until: AT - WAIT_GRACE_MS - 1 }, silentForMs: 24 * HOUR }).state, 'stuck')
  for (const kind of WAIT_KINDS.filter((kind) => kind !== 'person')) {
    const open = (ms: number) => judge({ waiting: wait(ms, { kind }), silentForMs: ms }).state
    t.equal(open(OPEN_WAIT_MS + WAIT_GRACE_MS), 'waiting', kind)
    t.equal(open(OPEN_WAIT_MS + WAIT_GRACE_MS + 1), 'quiet', kind)
  }
})

t.test('waits that follow each other count as one, of at most 20 min', async (t) => {
  const again = (sinceMs: number, more: Partial<RunWait> = {}) =>
    judge({ waiting: wait(sinceMs, { toldAt: AT, until: AT + MINUTE, times: 9, ...more }), silentForMs: sinceMs }).state
  t.equal(again(REPEATED_WAITS_MS), 'waiting')
  t.equal(again(REPEATED_WAITS_MS + 1), 'stuck')
  t.equal(again(HOUR, { times: 1 }), 'waiting', 'the first has its time')
  t.equal(again(HOUR, { until: AT + HOUR }), 'waiting', 'and so has a limit that is told again')
})

t.test('since stays while the state does, and is new with another', async (t) => {
  const first = judge({ silentForMs: 20 * SECOND })
  t.equal(ago(first), 20 * SECOND)
  const second = judge({ at: AT + MINUTE, silentForMs: 80 * SECOND }, first)
  t.equal(second.since, first.since)
  const third = judge({ at: AT + 2 * MINUTE, silentForMs: 5 * MINUTE + 5 * SECOND }, second)
  t.match(third, { state: 'quiet', since: new Date(AT + 2 * MINUTE - 5 * SECOND).toISOString() })
})

t.test('what an adapter says a tool does counts; without, its name and its command are read', async (t) => {
  const cases: ReadonlyArray<readonly [string | undefined, string, string, CallStep]> = [
    ['read', 'Task', 'Task: look around', 'file'],
    ['edit', 'x', 'exec: npm test', 'file'],
    ['shell', 'Bash', 'exec: rm -r test', 'shell'],
    ['test', 'x', '', 'build'],
    ['agent', 'x', '', 'agent'],
    ['plan', 'Bash', 'exec: make', 'other'],
    ['a kind of tomorrow', 'Read', 'Read: a', 'file'],
    ['constructor', 'Bash', 'exec: ls', 'shell'],
    [undefined, 'Read', 'Read: test/a.ts', 'file'],
    [undefined, 'WebFetch', '', 'web'],
    [undefined, 'mcp__github__search', '', 'mcp'],
    [undefined, 'demo.slow', '', 'mcp'],
    [undefined, 'Task', '', 'agent'],
    [undefined, 'someTool', 'exec: ls', 'shell'],
    [undefined, 'Bash', 'exec: cargo build --release', 'build'],
    [undefined, 'run_shell_command', 'exec: pytest -q', 'build'],
    [undefined, '', '', 'other']
  ]
  for (const [toolKind, name, message, step] of cases) {
    t.equal(call(name, 0, { message, ...(toolKind === undefined ? {} : { toolKind }) }).step, step, `${toolKind} ${name} ${message}`)
  }
})

t.test('what adapters say they wait for is known', async (t) => {
  for (const [what, kind] of [
    ['permission', 'person'], ['rate limit', 'rate_limit'], ['network', 'network'], ['background', 'background'],
    ['approval of the plan', 'person'], ['the moon', 'other']
  ] as const) t.equal(waitKind('waiting', what), kind)
  t.equal(waitKind('retry', 'API error 500'), 'retry')
})

t.test('a provider is known by the first word of its name, and by nothing else', async (t) => {
  for (const name of ['claude', 'Claude', 'claude-code', 'claude code']) t.equal(limitsOf('think', name), THINKING.claude, name)
  for (const name of ['aider', '', 'constructor', 'my-claude', '__proto__']) t.equal(limitsOf('think', name), UNKNOWN_PROVIDER, name)
})

t.test('spans are what a person wants to know', async (t) => {
  const spans = { 0: '0 s', 999: '0 s', 59_999: '59 s', 60_000: '1 min', 61_000: '1 min 1 s', 599_000: '9 min 59 s', 601_000: '10 min' }
  for (const [ms, span] of Object.entries(spans)) t.equal(formatSpan(Number(ms)), span)
  t.equal(formatSpan(3_600_000), '1 h')
  t.equal(formatSpan(7_500_000), '2 h 5 min')
  t.equal(formatSpan(-5), '0 s')
})
