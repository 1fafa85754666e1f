import t from 'tap'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { read, recording, recordingsOf, type Reading } from './recordings.js'

const cli = 'claude-2.1.330'
const play = (name: string, call = {}): Reading => read(claudeAdapter, recording(cli, name), { call })
/** Feeds lines of our own making, as if the CLI had printed them and ended with success. */
const say = (...events: unknown[]): Reading => read(claudeAdapter, {
  stdout: Buffer.from(events.map((event) => typeof event === 'string' ? event : JSON.stringify(event)).join('\n') + '\n'),
  stderr: Buffer.alloc(0),
  exitCode: 0,
  signal: null
})

t.test('a run succeeds only if its last result says so and it exits with 0', async (t) => {
  const expected: Record<string, [success: boolean, said: string | RegExp, reason?: string]> = {
    background: [true, 'Started it.'],
    badtool: [true, 'ok, gave up.'],
    bigout: [true, 'Big output seen.'],
    denied: [true, 'Was it allowed?'],
    empty: [true, ''],
    'err-401': [false, /Invalid API key/, 'api_error'],
    'err-429': [true, 'Final answer: two files.'],
    'err-500-3retries': [false, /API Error: 500/, 'api_error'],
    'err-cut': [true, 'This answer will be cut off in the middle.'],
    'err-refused': [false, /ECONNREFUSED/, 'api_error'],
    fancy: [true, 'Built.'],
    'kill-int-tool': [false, 'The run was interrupted.', 'aborted_tools'],
    'kill-kill-tool': [false, /without a result \(signal SIGKILL\)/, 'no-result'],
    'kill-term-tool': [false, /without a result \(exit code 143\)/, 'no-result'],
    linesep: [true, 'Final\u2028answer.'],
    longline: [true, 'Long line seen.'],
    main: [true, /^Done: the greeting now says "hello, world"/],
    'main-partial': [true, /^Done: the greeting now says "hello, world"/],
    'max-turns': [false, 'Reached maximum number of turns (2)', 'max_turns'],
    mcp: [true, 'MCP done.'],
    parallel: [true, /./],
    plan: [true, 'Plan finished.'],
    resume: [true, 'Final answer: two files.'],
    sub: [true, 'The sub-agent says: two files.'],
    'sub-forward': [true, 'The sub-agent says: two files.'],
    utf8: [true, /^Grüße, 世界! 👩‍👩‍👧‍👦 🚀/]
  }
  t.strictSame(recordingsOf(cli).map(({ name }) => name).sort(), Object.keys(expected).sort())
  for (const [name, [success, said, reason]] of Object.entries(expected)) {
    const { result } = play(name)
    t.match(success ? result.response : result.error, said, name)
    t.match({ success: result.success, reason: result.reason }, { success, reason }, name)
    t.equal('error' in result, !success, name)
  }
})

t.test('success that exits with another code is none', async (t) => {
  const { result } = read(claudeAdapter, { ...recording(cli, 'main'), exitCode: 1 })
  t.match(result, { success: false, reason: 'exit-code', response: /^Done/ })
})

t.test('commands, files, failures and parallel calls are told apart', async (t) => {
  const tools = play('main').activities.filter(({ type }) => type === 'tool_exec')
  const of = (callId: string): unknown[] => tools.filter(({ metadata }) => metadata!.callId === callId)
    .map(({ message, metadata }) => [metadata!.phase, message, metadata!.status, metadata!.exitCode])
  t.strictSame(of('toolu_s00_0'), [
    ['start', 'exec: rg -n TODO src/', undefined, undefined], ['end', 'exec: rg -n TODO src/', 'ok', undefined]
  ])
  t.match(of('toolu_s05_0')[1], ['end', 'exec: echo "1 test failed" >&2; exit 1', 'error', 1])
  t.match(of('toolu_s01_0')[0], ['start', 'Read: /tmp/proj/src/app.ts'])
  const order = tools.filter(({ metadata }) => String(metadata!.callId).startsWith('toolu_s04')).map(({ metadata }) => `${metadata!.callId} ${metadata!.phase}`)
  t.strictSame(order, ['toolu_s04_0 start', 'toolu_s04_1 start', 'toolu_s04_1 end', 'toolu_s04_0 end'])
})

t.test('of an edit path and size are kept, not the contents', async (t) => {
  const edits = play('main').activities.filter(({ metadata }) => metadata?.phase === 'start' && metadata.files !== undefined)
  t.strictSame(edits.map(({ metadata }) => metadata!.files), [
    [{ path: '/tmp/proj/src/app.ts', kind: 'update', bytes: 22 }], [{ path: '/tmp/proj/NOTES.md', kind: 'write', bytes: 27 }]
  ])
  t.notMatch(JSON.stringify(edits), /hello, world|Greeting changed/)
})

t.test('what a sub-agent does carries the call that started it, and its call ends when it ends', async (t) => {
  const { activities } = play('sub')
  const mine = activities.filter(({ metadata }) => metadata?.parentCallId === 'toolu_s00_0_sub')
  t.strictSame(mine.map(({ type }) => type), ['output', 'tool_exec', 'tool_exec', 'output'])
  const end = activities.findIndex(({ metadata }) => metadata?.callId === 'toolu_s00_0_sub' && metadata.phase === 'end')
  t.ok(end > activities.lastIndexOf(mine.at(-1)!))
  t.match(activities[end]!.metadata, { status: 'ok', result: 'There are 2 files.' })
})

t.test('background work stays open after its result, and the run is seen to wait for it', async (t) => {
  const reading = play('background')
  const steps = reading.activities.map(({ metadata }) => metadata?.kind ?? metadata?.phase)
  t.ok(steps.indexOf('waiting') > steps.indexOf('usage'))
  t.ok(steps.indexOf('end') > steps.indexOf('waiting'))
})

t.test('a denied call ends as denied, a stopped one as aborted', async (t) => {
  t.strictSame(play('denied').activities.filter(({ metadata }) => metadata?.phase === 'end').map(({ metadata }) => metadata!.status), ['denied'])
  for (const name of ['kill-int-tool', 'kill-kill-tool', 'kill-term-tool']) {
    t.strictSame(play(name).activities.filter(({ metadata }) => metadata?.phase === 'end').map(({ metadata }) => metadata!.status), ['aborted'], name)
  }
})

t.test('retries are waits with an end in sight where the agent was refused or cut off', async (t) => {
  const waits = play('err-429').activities.filter(({ metadata }) => metadata?.kind === 'waiting')
  t.match(waits[0]!.metadata, { what: 'rate limit', attempt: 1, until: '2026-01-01T00:00:01.109Z', status: 429 })
  t.match(play('err-refused').activities.find(({ metadata }) => metadata?.kind === 'waiting')!.metadata, { what: 'network' })
  t.equal(play('err-500-3retries').activities.filter(({ metadata }) => metadata?.kind === 'retry').length, 3)
})

t.test('tokens and cost are those of this run with its sub-agents, never of the whole session', async (t) => {
  t.match(play('resume', { sessionId: '11111111-2222-4333-8444-555555555555' }).result.usage, { inputTokens: 12, outputTokens: 13, costUsd: 0.0043328 })
  t.match(play('sub').result.usage, { inputTokens: 60, outputTokens: 141, costUsd: 0.1129704 })
  const old = (call: object): unknown => read(claudeAdapter, {
    ...recording(cli, 'resume'),
    stdout: Buffer.from(recording(cli, 'resume').stdout.toString().replaceAll('model_usage_since_last_result', 'unheard_of'))
  }, { call }).result.usage
  t.match(old({ sessionId: 'x' }), { inputTokens: 12, outputTokens: 13, costUsd: undefined }, 'the cumulative cost is left out')
  t.match(old({}), { costUsd: 0.0719796 })
})

t.test('session and model are found', async (t) => {
  t.match(play('main').result, { sessionId: '566de8f6-772e-4609-9503-f218511f90a3', model: 'claude-opus-5-5' })
})

t.test('pieces of text are passed on once, joined they are the messages', async (t) => {
  const texts = ({ activities }: Reading): string => activities.filter(({ type }) => type === 'output').map(({ message }) => message).join('|')
  t.equal(texts(play('main-partial')).replaceAll('|', ''), texts(play('main')).replaceAll('|', ''))
  t.ok(play('main').activities.every(({ type, metadata }) => type !== 'output' || metadata !== undefined), 'whole messages carry metadata')
})

t.test('large inputs and results are handed on whole: who stores them hides their secrets first', async (t) => {
  const input = { prompt: '世'.repeat(9_000), list: Array(2_000).fill('x') }
  const content = `begin${'🚀'.repeat(9_000)}end`
  const { activities } = say(
    { type: 'assistant', message: { content: [{ type: 'tool_use', id: 'a', name: 'Task', input }] } },
    { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'a', content }] } })
  t.same(activities[0]!.metadata!.input, input)
  t.equal(activities[1]!.metadata!.result, content)
})

t.test('a command over several lines is one line of message', async (t) => {
  const use = { type: 'tool_use', id: 'a', name: 'Bash', input: { command: 'cat <<E\nhello\nE' } }
  t.equal(say({ type: 'assistant', message: { content: [use] } }).activities[0]!.message, 'exec: cat <<E ↵ hello ↵ E')
})

t.test('events nobody knows are shown with falling frequency and warned about once', async (t) => {
  const reading = say(...Array(100).fill({ type: 'novel', x: 1 }), { type: 'system', subtype: 'novel' })
  t.strictSame(reading.activities.map(({ metadata }) => [metadata!.kind, metadata!.rawType, metadata!.count]),
    [...[1, 2, 4, 8, 16, 32, 64].map((count) => ['unknown', 'novel', count]), ['unknown', 'system/novel', 1]])
  t.equal(reading.warnings.length, 1)
})

t.test('no JSON whatsoever breaks the parser', async (t) => {
  const values = [null, 1, 'x', [], {}, [null], { id: null }, true]
  const types = ['system', 'assistant', 'user', 'result', 'stream_event', 'tool_progress', 'rate_limit_event', null, 7]
  for (const type of types) {
    for (const value of values) {
      const members = ['subtype', 'message', 'event', 'tasks', 'errors', 'usage', 'rate_limit_info', 'tool_use_result']
      const event = { ...Object.fromEntries(members.map((name) => [name, value])), type }
      const contents = [{ content: value }, { content: [value] }].map((message) => ({ ...event, message }))
      t.doesNotThrow(() => say(event, ...contents, { ...event, subtype: 'task_started', tool_use_id: value }))
    }
  }
  t.doesNotThrow(() => say('null', '[]', '7', '"x"', '{', '', ' ', '\u0000'))
})

t.test('text between the events is a notice, and so is a line that was cut', async (t) => {
  t.match(say('npm warn something').activities, [{ type: 'progress', message: 'npm warn something', metadata: { kind: 'notice' } }])
  const cut = read(claudeAdapter, { stdout: Buffer.from('{"type":"assis'), stderr: Buffer.alloc(0), exitCode: 0, signal: null })
  t.match(cut.activities, [{ message: 'The output ended inside a line.' }])
})
