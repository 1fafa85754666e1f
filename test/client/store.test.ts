import t from 'tap'
import type { Gap, HealthState, StreamFrame, TimelineEvent } from '../../lib/model/events.js'
import { TimelineSession } from '../../client/session.js'
import { isHidden, reduce, type PageOfEvents } from '../../client/store/reduce.js'
import type { Row, TextRow, ToolRow } from '../../client/store/rows.js'
import { ServerClock } from '../../client/store/server-clock.js'
import { MAX_ROWS, createState, type TimelineState } from '../../client/store/state.js'
import { startedAtMs, summarise, totalCostUsd } from '../../client/store/summary.js'
import { rolesText } from '../../client/view/badges.js'
import { formatDate } from '../../client/view/format.js'
import { Random } from '../support/random.js'
import { TaskScript, runningFrames, sampleHealth, sampleTask, type SampleEnd } from './support/sample-task.js'

function pageOf (timeline: readonly TimelineEvent[], hasMore = false, gaps: readonly Gap[] = []): PageOfEvents {
  return { task: { id: 'a', status: 'in_progress' }, timeline, page: { hasMore, gaps } }
}

function load (events: readonly TimelineEvent[], hasMore = false): TimelineState {
  return reduce(createState('a'), { type: 'newest', page: pageOf(events, hasMore) })
}

function take (state: TimelineState, ...frames: StreamFrame[]): TimelineState {
  return reduce(state, { type: 'frames', frames })
}

const toolsOf = (state: TimelineState): ToolRow[] => state.rows.filter((row): row is ToolRow => row.kind === 'tool')
const visible = (state: TimelineState): Row[] => state.rows.filter((row) => !isHidden(state, row))
const script = (): TaskScript => new TaskScript('a', Date.UTC(2026, 1, 10, 12, 48, 46))

t.test('a tool call is one row that changes', async (t) => {
  const events = script().start(1, 'coder', 'codex', 'gpt')
  const end = events.open(1, 'shell', 'exec: npm test')
  let state = load(events.events)
  t.match(toolsOf(state), [{ status: 'running', verb: '$', target: 'npm test', toolKind: 'exec' }])
  events.wait(2)
  end({ status: 'error', exitCode: 1, result: 'no' })
  const before = state
  state = take(state, events.events.at(-1)!)
  t.match(toolsOf(state), [{ status: 'error', tookMs: 2000, exitCode: 1, result: 'no', seq: 2 }])
  t.equal(state.toolCalls, 1)
  t.equal(state.errors, 1)
  t.match(toolsOf(before), [{ status: 'running' }], 'the state before is as it was')
})

t.test('what tools do is told from their names and messages', async (t) => {
  const cases: Array<[tool: string, message: string, expected: Partial<ToolRow>]> = [
    ['Bash', 'exec: npm test', { toolKind: 'exec', verb: '$', target: 'npm test' }],
    ['shell', "exec: rg -n 'x' src/", { toolKind: 'look', verb: '$' }],
    ['shell', 'exec: cat a > b', { toolKind: 'exec' }],
    ['shell', 'exec: ls && rm -r x', { toolKind: 'exec' }],
    ['Read', 'Read: src/a.ts', { toolKind: 'read', verb: 'read', target: 'src/a.ts' }],
    ['read_file', 'read_file: src/a.ts', { toolKind: 'read', target: 'src/a.ts' }],
    ['Edit', 'Edit: src/a.ts', { toolKind: 'edit', verb: 'edit' }],
    ['write_file', 'write_file: a.ts', { toolKind: 'edit', verb: 'write' }],
    ['Grep', 'Grep: TODO', { toolKind: 'search', verb: 'search' }],
    ['WebFetch', 'WebFetch: https://example.com', { toolKind: 'web', verb: 'fetch' }],
    ['Task', 'Task: look around', { toolKind: 'agent', verb: 'agent' }],
    ['TodoWrite', 'TodoWrite', { toolKind: 'plan', target: '' }],
    ['mcp__github__create_review', 'mcp__github__create_review: #7', { toolKind: 'other', target: '#7' }],
    ['mcp__jira__issue', 'mcp__jira__issue: AB-1', { toolKind: 'other', verb: 'mcp__jira__issue', target: 'AB-1' }]
  ]
  for (const [tool, message, expected] of cases) {
    const state = load(script().call(1, tool, message, 1).events)
    t.match(toolsOf(state)[0], expected, message)
  }
})

t.test('what an adapter says a tool does counts more than its name', async (t) => {
  const cases: Array<[toolKind: string, tool: string, message: string, expected: Partial<ToolRow>]> = [
    ['read', 'lsp', 'lsp: a.ts', { toolKind: 'read', verb: 'read', target: 'a.ts' }],
    ['edit', 'create_file', 'create_file: a.ts', { toolKind: 'edit', verb: 'write' }],
    ['edit', 'text_editor', 'text_editor: a.ts', { toolKind: 'edit', verb: 'edit' }],
    ['search', 'rg', 'rg: TODO', { toolKind: 'search', verb: 'search' }],
    ['web', 'browser', 'browser: https://example.com', { toolKind: 'web', verb: 'fetch' }],
    ['agent', 'oracle', 'oracle: why', { toolKind: 'agent', verb: 'agent' }],
    ['plan', 'taskcreate', 'taskcreate: one', { toolKind: 'plan', verb: 'plan' }],
    ['shell', 'BashOutput', 'BashOutput: b1', { toolKind: 'exec', verb: 'BashOutput' }],
    ['test', 'Bash', 'exec: npm test', { toolKind: 'exec', verb: '$' }],
    ['shell', 'Bash', 'exec: git diff', { toolKind: 'look', verb: '$' }],
    ['mcp', 'mcp__web__fetch', 'mcp__web__fetch: x', { toolKind: 'other', verb: 'mcp__web__fetch' }],
    ['person', 'agent_asks', 'agent_asks: which?', { toolKind: 'other', verb: 'agent_asks', target: 'which?' }],
    ['a kind of tomorrow', 'Read', 'Read: a', { toolKind: 'read', verb: 'read' }]
  ]
  for (const [toolKind, tool, message, expected] of cases) {
    const metadata = { callId: 'a', phase: 'start', tool, toolKind }
    t.match(toolsOf(load(script().say(1, 'tool_exec', message, metadata).events))[0], expected, `${toolKind} ${tool}`)
  }
})

t.test('an activity of a host that knows no halves stands for itself', async (t) => {
  const state = load(script().say(1, 'tool_exec', 'exec: git diff').events)
  t.match(toolsOf(state), [{ status: 'noted', target: 'git diff' }])
})

t.test('events that come twice are taken once', async (t) => {
  const { events } = sampleTask('completed', Date.UTC(2026, 1, 10), 'a')
  const once = load(events)
  t.same(take(once, ...events), once)
  t.same(take(take(load([]), ...events.slice(0, 30)), ...events.slice(10)).rows, once.rows)
})

t.test('runs of similar quick looks fold behind the second', async (t) => {
  const events = script().start(1, 'coder', 'c', 'm')
  for (let i = 0; i < 5; i++) events.call(1, 'Read', `Read: ${i}.ts`, 0.1)
  events.call(1, 'Edit', 'Edit: a.ts', 0.1)
  events.call(1, 'Read', 'Read: slow.ts', 9)
  events.call(1, 'Read', 'Read: bad.ts', 0.1, { status: 'error' })
  events.call(1, 'Read', 'Read: x.ts', 0.1).call(1, 'Read', 'Read: y.ts', 0.1)
  let state = load(events.events)
  const targets = (): string[] => visible(state).filter((row): row is ToolRow => row.kind === 'tool').map(({ target }) => target)
  t.same(targets(), ['0.ts', '1.ts', 'a.ts', 'slow.ts', 'bad.ts', 'x.ts', 'y.ts'])
  const lead = toolsOf(state)[1]!
  t.same(lead.similar, { count: 4, tookMs: 400 })
  const layout = state.layout
  state = reduce(state, { type: 'toggle-run', run: lead.run! })
  t.equal(targets().length, 10)
  t.not(state.layout, layout)
})

t.test('calls that settle out of order fold the same', async (t) => {
  const events = script()
  const ends = [0, 1, 2, 3, 4].map((i) => events.open(1, 'Read', `Read: ${i}.ts`))
  for (const i of [3, 4, 0, 2, 1]) ends[i]!({ durationMs: 100 })
  const state = load(events.events)
  t.same(toolsOf(state).map(({ nth }) => nth), [0, 1, 2, 3, 4])
  t.same(toolsOf(state)[1]!.similar, { count: 4, tookMs: 400 })
})

t.test('invocations know how they stand and how they ended', async (t) => {
  const ends: Array<[end: SampleEnd, verdict: string, sentence: object]> = [
    ['running', 'running', { openTool: { target: 'npm test -- --grep github' } }],
    ['parallel', 'running', { running: [{ id: 125 }, { id: 126 }] }],
    ['waiting', 'running', { running: [{ id: 125 }], openTool: undefined }],
    ['between', 'waiting', { invocation: { outcome: 'rejected', summary: /list may be empty/ } }],
    ['failed', 'failed', { invocation: { status: 'failed', error: /529/, exitCode: 1 } }],
    ['timeout', 'timeout', { invocation: { status: 'timeout' } }]
  ]
  for (const [end, verdict, more] of ends) {
    const state = load(sampleTask(end, Date.now(), 'a').events)
    t.match(summarise(state, false), { verdict, isActive: true, ...more }, end)
  }
  const done = load(sampleTask('completed', Date.now(), 'a').events)
  t.match(summarise({ ...done, task: { id: 'a', status: 'completed' } }, false), { verdict: 'completed', isActive: false })
  t.match(summarise({ ...done, task: { id: 'a' } }, false), { verdict: 'completed' }, 'without a task table')
  t.match(summarise(load([]), false), { verdict: 'none', isActive: true })
  t.match(summarise({ ...load([]), task: { id: 'a' } }, false), { verdict: 'none', isActive: false })
  t.equal(totalCostUsd(done)!.toFixed(2), '0.42')
  t.equal(startedAtMs(done), done.rows[0]!.atMs)
  t.equal(startedAtMs(load([])), Infinity)
})

t.test('a failed task names who failed it, whatever the last agent did', async (t) => {
  const events = script().start(1, 'reviewer', 'c', 'm').complete(1, 10).task('failed', 'Refused three times', 'lead')
  const state = take(load([]), ...events.events)
  t.match(summarise(state, false), {
    verdict: 'failed', invocation: { status: 'completed' }, change: { change: 'failed', actor: 'lead', message: 'Refused three times' }
  })
  const untold = { ...load(events.events.slice(0, 2)), task: { id: 'a', status: 'failed' } }
  t.match(summarise(untold, false), { verdict: 'failed', change: undefined })
})

t.test('those at work are named once per role', async (t) => {
  t.equal(rolesText([{ id: 1, role: 'reviewer' }]), 'Reviewer')
  t.equal(rolesText([{ id: 1, role: 'reviewer' }, { id: 2, role: 'reviewer' }]), '2 reviewers')
  t.equal(rolesText([{ id: 1, role: 'coder' }, { id: 2, role: 'reviewer' }, { id: 3, role: 'reviewer' }]), 'Coder, 2 reviewers')
})

t.test('an exit code tells how a call came out where no status does', async (t) => {
  const end = { callId: 'x', phase: 'end', tool: 'Bash', exitCode: 2, output: 'no such file' }
  for (const events of [
    script().say(1, 'tool_exec', 'exec: ls x', { callId: 'x', phase: 'start', tool: 'Bash' }).say(1, 'tool_exec', 'exec: ls x', end),
    script().say(1, 'tool_exec', 'exec: ls x', end)
  ]) {
    const state = load(events.events)
    t.match(toolsOf(state), [{ status: 'error', exitCode: 2, result: 'no such file' }])
    t.equal(state.errors, 1)
  }
  const fine = load(script().say(1, 'tool_exec', 'exec: true', { ...end, exitCode: 0, result: 'a' }).events)
  t.match(toolsOf(fine), [{ status: 'ok', result: 'a' }])
})

t.test('a cut of five seconds means that nothing is known of a running task', async (t) => {
  const session = new TimelineSession({ src: 'http://localhost/api', task: 'a', onChange: () => {} })
  t.equal(session.isLost, false)
  for (const [agoMs, isLost] of [[4_000, false], [5_000, true]] as const) {
    session.connectionState = { name: 'reconnecting', sinceMs: Date.now() - agoMs, retryAtMs: 0, reason: '' }
    t.equal(session.isLost, isLost, `${agoMs} ms`)
  }
  const state = load(sampleTask('running', Date.now(), 'a').events)
  t.equal(summarise(state, true).verdict, 'disconnected')
  const done = { ...load(sampleTask('completed', Date.now(), 'a').events), task: { id: 'a', status: 'completed' } }
  t.equal(summarise(done, true).verdict, 'completed', 'what has ended stays ended')
})

t.test('the server’s verdict is the task’s, the worst of several, until its run ends', async (t) => {
  const nowMs = Date.now()
  const { events } = sampleTask('parallel', nowMs, 'a')
  const judged = (...verdicts: ReadonlyArray<readonly [id: number, state: HealthState]>): TimelineState => {
    const frames = verdicts.map(([invocationId, state]) => {
      return { type: 'timeline.health' as const, taskId: 'a', invocationId, health: sampleHealth(state, nowMs) }
    })
    return reduce(load(events), { type: 'frames', nowMs, frames })
  }
  const half = summarise(judged([126, 'working']), false)
  t.match(half, { verdict: 'running', invocation: { id: 125 } }, 'what is not judged says nothing')
  for (const state of ['waiting', 'unknown', 'quiet', 'stuck', 'lost'] as const) {
    for (const good of ['starting', 'working', 'in_tool'] as const) {
      const both = summarise(judged([125, good], [126, state]), false)
      t.match(both, { verdict: state, invocation: { id: 126, healthAtMs: nowMs } })
    }
  }
  const order = ['lost', 'stuck', 'quiet', 'unknown', 'waiting', 'working'] as const
  for (const [i, worse] of order.slice(0, -1).entries()) {
    t.match(summarise(judged([125, order[i + 1]!], [126, worse]), false), { verdict: worse }, `${worse} before ${order[i + 1]}`)
  }
  const quiet = judged([125, 'working'], [126, 'quiet'])
  t.match(summarise(quiet, false), { openTool: { invocationId: 125 } }, 'the other’s tool where it has none')
  t.equal(summarise(quiet, true).verdict, 'disconnected', 'what was heard before a cut is no news')
  const next = events.length + 1
  const ended = take(quiet, { ...events.at(-1)!, seq: next, type: 'invocation.completed', invocationId: 126, success: true, duration: 1 } as TimelineEvent)
  t.match(summarise(ended, false), { verdict: 'working', invocation: { id: 125 } })
  t.equal(ended.runsById.get(126)!.health, undefined)
})

t.test('a running invocation is known from the stream where its start is not loaded', async (t) => {
  const { events } = sampleTask('running', Date.now(), 'a')
  const [current] = runningFrames(sampleTask('running', Date.now(), 'a'))
  const state = take(load(events.slice(-5), true), current!)
  t.match(state.runsById.get(125), { role: 'coder', provider: 'codex', status: 'running', startedAtMs: Number })
})

t.test('a run that tells no duration took as long as its start and end are apart, and nothing where they are one', async (t) => {
  const tookMs = (waitSeconds: number, hasStart = true) => {
    const task = script().start(1, 'coder', 'codex', 'gpt')
    task.wait(waitSeconds)
    task.add({ type: 'invocation.completed', invocationId: 1, success: true })
    return load(hasStart ? task.events : task.events.slice(1), !hasStart).runsById.get(1)!.tookMs
  }
  t.equal(tookMs(3), 3000)
  t.equal(tookMs(0), undefined)
  t.equal(tookMs(3, false), undefined)
})

t.test('no tool call outlives its invocation', async (t) => {
  const events = script().start(1, 'coder', 'c', 'm')
  events.open(1, 'Bash', 'exec: sleep 9')
  events.fail(1, 'failed', 'killed', 10)
  t.match(toolsOf(load(events.events)), [{ status: 'aborted' }])
})

t.test('missing events have a row in their place', async (t) => {
  const { events } = script().task('started').say(1, 'output', 'a').say(1, 'output', 'b').say(1, 'output', 'c')
  const gap = { fromSeq: 2, toSeq: 3, reason: 'expired' } as const
  const state = reduce(createState('a'), { type: 'newest', page: pageOf([events[0]!, events[3]!], false, [gap]) })
  t.match(state.rows, [{ kind: 'task' }, { kind: 'gap', fromSeq: 2, seq: 3 }, { kind: 'output', text: 'c' }])
  const live = take(load(events.slice(0, 1)), { type: 'timeline.gap', taskId: 'a', ...gap }, events[3]!)
  t.same(live.rows.map(({ seq }) => seq), [1, 3, 4])
  t.same(take(live, { type: 'timeline.gap', taskId: 'a', ...gap }).rows, live.rows, 'and only one')
})

t.test('task events change the status', async (t) => {
  let state = load([])
  for (const [change, status] of [['started', 'in_progress'], ['review', 'review'], ['rejected', 'in_progress'], ['completed', 'completed']] as const) {
    const at = state.lastSeq + 1
    state = take(state, { type: `task.${change}`, seq: at, taskId: 'a', timestamp: '2026-01-01T00:00:00.000Z', actor: 'x', message: '' })
    t.equal(state.task.status, status)
  }
})

t.test('the list stays within its limit, whoever reads', async (t) => {
  const event = (seq: number): TimelineEvent => ({
    seq, taskId: 'a', timestamp: '2026-01-01T00:00:00.000Z', type: 'invocation.activity', invocationId: 1, activity: `${seq}`, activityType: 'output'
  })
  const full = load(Array.from({ length: MAX_ROWS }, (_, i) => event(i + 1)))
  const following = take(full, event(MAX_ROWS + 1))
  t.ok(following.rows.length <= MAX_ROWS)
  t.match(following, { hasOlder: true, isDetached: false, firstSeq: following.rows[0]!.seq })
  const reading = reduce(full, { type: 'frames', frames: [event(MAX_ROWS + 1), event(MAX_ROWS + 2)], isPinned: true })
  t.match(reading, { isDetached: true, lastSeq: MAX_ROWS + 2, hasOlder: false })
  t.equal(reading.rows[0], full.rows[0], 'the row somebody reads stays')
  t.equal(reading.rows.length, MAX_ROWS)
})

t.test('whatever the batches and pages, the rows are the same', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  for (let round = 0; round < 60; round++) {
    const end = random.pick<SampleEnd>(['running', 'parallel', 'completed', 'failed', 'timeout'])
    const { events } = sampleTask(end, Date.UTC(2026, 1, 10), 'a')
    const whole = load(events)
    const cut = random.below(events.length)
    let batched = load(events.slice(0, cut))
    for (let at = cut; at < events.length;) {
      const size = 1 + random.below(9)
      batched = take(batched, ...events.slice(Math.max(0, at - random.below(4)), at + size))
      at += size
    }
    t.same(batched.rows, whole.rows, `batches after ${cut}`)
    t.same([...batched.runsById], [...whole.runsById])

    let paged = load(events.slice(cut), cut > 0)
    for (let to = cut; to > 0;) {
      const from = Math.max(0, to - 1 - random.below(20))
      paged = reduce(paged, { type: 'older', page: pageOf(events.slice(from, to), from > 0) })
      to = from
    }
    const plain = (rows: readonly Row[]): object[] => rows
      .filter((row) => row.kind !== 'tool' || row.isSuperseded !== true)
      // Who else was running is not known of older pages, and runs of folded rows end at a page.
      .map((row) => ({ ...row, isParallel: undefined, run: undefined, nth: undefined, similar: undefined }))
    t.same(plain(paged.rows), plain(whole.rows), `pages before ${cut}`)
    t.equal(paged.toolCalls, whole.toolCalls)
    t.same([...paged.runsById.keys()].sort(), [...whole.runsById.keys()].sort())
    for (const [id, { role, status }] of whole.runsById) t.match(paged.runsById.get(id), { role, status })
    if (!t.passing()) break
  }
})

t.test('the order is that of the numbers', async (t) => {
  const state = load(sampleTask('parallel', Date.now(), 'a').events)
  t.same(state.rows.map(({ seq }) => seq), state.rows.map(({ seq }) => seq).sort((a, b) => a - b))
  const late = state.rows.filter((row): row is TextRow | ToolRow => 'isParallel' in row && row.isParallel)
  t.same([...new Set(late.map(({ invocationId }) => invocationId))].sort(), [125, 126])
})

t.test('the server’s clock is believed, not the browser’s', async (t) => {
  let monotonic = 1000
  const clock = new ServerClock(() => monotonic, () => 5)
  t.equal(clock.now(), 5, 'until the server was heard')
  clock.anchor('2026-02-10T12:00:00.000Z')
  const start = Date.UTC(2026, 1, 10, 12)
  monotonic += 400
  t.equal(clock.now(), start + 400)
  clock.anchor('2026-02-10T12:00:00.100Z')
  t.equal(clock.now(), start + 400, 'a slow answer does not set it back')
  clock.anchor('2026-02-10T12:00:30.000Z')
  t.equal(clock.now(), start + 30_000, 'a jump does')
  clock.anchor('soon')
  t.equal(clock.now(), start + 30_000)
})

t.test('the server’s clock is followed within a minute when a clock drifts, and when either is set', async (t) => {
  const start = Date.UTC(2026, 1, 10, 12)
  const pingMs = 30_000
  let monotonicMs = 0
  let serverMs = start
  const clock = new ServerClock(() => monotonicMs, () => 0)
  /** A ping after half a minute, told by a browser's clock that runs at a rate of its own; the word took some time. */
  const ping = (rate: number, latencyMs: number): number => {
    serverMs += pingMs
    monotonicMs += pingMs * rate
    clock.anchor(new Date(serverMs - latencyMs).toISOString())
    return clock.now() - serverMs
  }
  clock.anchor(new Date(start).toISOString())
  for (const rate of [1.0002, 0.9998]) {
    const errors = Array.from({ length: 2_880 }, (_, i) => Math.abs(ping(rate, i % 2 === 0 ? 20 : 900)))
    t.ok(Math.max(...errors) < 50, `a day at ${rate}: ${Math.max(...errors)} ms off`)
  }
  for (const stepMs of [3_000, -3_000]) {
    serverMs += stepMs
    ping(1, 20)
    t.ok(Math.abs(ping(1, 20)) < 50, `the server's clock was set by ${stepMs} ms`)
  }
  for (const stepMs of [10_000, -10_000]) {
    serverMs += stepMs
    t.ok(Math.abs(ping(1, 20)) < 50, `${stepMs} ms are followed at once`)
  }
})

t.test('a day is named unless it is today', async (t) => {
  const day = new Date(2026, 1, 3, 12).getTime()
  t.equal(formatDate(day, day + 60_000), '')
  t.equal(formatDate(day, day + 86_400_000), '3 Feb 2026')
  t.equal(formatDate(undefined, day), '', 'nor is an unknown one')
})
