import { inspect, isDeepStrictEqual } from 'node:util'
import t, { type Test } from 'tap'
import type { InvocationActivity, InvocationResult } from '../../../lib/model/activity.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import toilFormat, { toil } from '../../../examples/own-cli.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { claude, command } from '../../../lib/providers/index.js'
import { knownFormats } from '../../../lib/providers/formats.js'
import { createRecognisingAdapter } from '../../../lib/providers/recognise.js'
import { read, type Reading } from './recordings.js'

/** What programs print that public reports tell of, as one table: each case is one kind of trouble. */
interface Case {
  readonly name: string
  /** `run` is any command of which nothing is known. */
  readonly by?: 'claude' | 'codex' | 'run'
  /** Objects are lines of JSON; texts are as they are, line breaks included. */
  readonly prints: ReadonlyArray<object | string>
  readonly exitCode?: number
  /** `tool: status` of each use, in the order of the starts; an id of a parent in front. */
  readonly calls?: readonly string[]
  readonly result?: object
  /** Each must be among the activities. */
  readonly shows?: readonly object[]
  readonly hides?: readonly RegExp[]
}

const SESSION = 'a1b2c3d4-0000-4000-8000-000000000001'
const from = (sessionId: string) => {
  const line = (type: string, more: object): object => ({ type, session_id: sessionId, ...more })
  const say = (content: object, more: object = {}, id = 'msg_1'): object =>
    line('assistant', { message: { id, role: 'assistant', content: [content] }, parent_tool_use_id: null, ...more })
  return {
    line,
    say,
    init: (more: object = {}): object => line('system', {
      subtype: 'init',
      cwd: '/w',
      tools: ['Bash'],
      mcp_servers: [],
      model: 'claude-x',
      permissionMode: 'default',
      claude_code_version: '2.1.340',
      ...more
    }),
    text: (text: string, more: object = {}): object => say({ type: 'text', text }, more),
    call: (id: string, name: string, input: object, more: object = {}, messageId = `msg_${id}`): object =>
      say({ type: 'tool_use', id, name, input }, more, messageId),
    result: (id: string, content: unknown, more: object = {}, parent: string | null = null): object => line('user', {
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content, ...more }] }, parent_tool_use_id: parent
    }),
    done: (more: object = {}): object => line('result', {
      subtype: 'success',
      is_error: false,
      num_turns: 1,
      result: 'All done.',
      total_cost_usd: 0.05,
      usage: { input_tokens: 10, output_tokens: 20 },
      permission_denials: [],
      terminal_reason: 'completed',
      ...more
    })
  }
}
const { line, say, init, text, call, result, done } = from(SESSION)
const other = from('other-2')
const json = JSON.stringify

const thread = (id: string, tokens: number, commands: readonly string[]): object[] => [
  { type: 'thread.started', thread_id: id },
  { type: 'turn.started' },
  ...commands.flatMap((command, at) => ['started', 'completed'].map((phase) => ({
    type: `item.${phase}`,
    item: { id: `item_${at}`, type: 'command_execution', command, status: phase, exit_code: phase === 'started' ? null : 0 }
  }))),
  { type: 'item.completed', item: { id: `item_${commands.length}`, type: 'agent_message', text: `${id} is done` } },
  { type: 'turn.completed', usage: { input_tokens: tokens, cached_input_tokens: 0, output_tokens: 10 } }
]
const droid = (type: string, more: object): object => ({ type, session_id: 'd-1', ...more })
const delta = (text: string): object =>
  line('stream_event', { event: { type: 'content_block_delta', delta: { type: 'text_delta', text } }, parent_tool_use_id: null })
const streamed = (type: string): object => line('stream_event', { event: { type }, parent_tool_use_id: null })

const cases: Case[] = [
  {
    name: 'an id that is used again in each turn names another call each time',
    prints: [
      init(), call('call_0', 'Read', { file_path: '/w/a' }), result('call_0', 'A'),
      call('call_0', 'Bash', { command: 'npm test' }), result('call_0', 'Exit code 1\nfailed', { is_error: true }),
      call('call_0', 'Bash', { command: 'npm test' }), result('call_0', ''), text('All done.'), done()
    ],
    calls: ['Read: ok', 'Bash: error', 'Bash: ok'],
    shows: [{ metadata: { callId: 'call_0', phase: 'end', use: 3, status: 'ok' } }]
  },
  {
    name: 'a call whose lines are printed twice is one',
    prints: [
      init(), call('a', 'Bash', { command: 'ls' }), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), result('a', 'x'), done()
    ],
    calls: ['Bash: ok']
  },
  {
    name: 'a line with the id of one that was printed is no new call, though that call is over',
    prints: [
      init(), call('a', 'Bash', { command: 'ls' }, { uuid: 'u-1' }), result('a', 'x'), call('a', 'Bash', { command: 'ls' }, { uuid: 'u-1' }), done()
    ],
    calls: ['Bash: ok']
  },
  {
    name: 'two calls of one message with the same id are two',
    prints: [
      init(), call('c', 'Read', { file_path: '/a' }, {}, 'm'), call('c', 'Read', { file_path: '/b' }, {}, 'm'),
      result('c', 'A'), result('c', 'B', { is_error: true }), done()
    ],
    calls: ['Read: ok', 'Read: error']
  },
  {
    name: 'the id of a call whose end was lost is free in the next message',
    prints: [
      init(), call('c', 'Read', { file_path: '/a' }, {}, 'm1'), call('c', 'Bash', { command: 'ls' }, {}, 'm2'), result('c', 'x'), done()
    ],
    calls: ['Read: aborted', 'Bash: ok']
  },
  {
    name: 'a sub-agent numbers its calls by itself',
    prints: [
      init(), call('call_0', 'Agent', { description: 'look' }),
      call('call_0', 'Read', { file_path: '/a' }, { parent_tool_use_id: 'call_0' }), result('call_0', 'A', { is_error: true }, 'call_0'),
      result('call_0', 'found'), done()
    ],
    calls: ['Agent: ok', 'call_0 Read: error']
  },
  {
    name: 'an end without a start is a call, too',
    prints: [init(), result('lost', 'x'), done()],
    calls: ['unknown: ok']
  },
  {
    name: 'work in the background keeps its id apart from the next use',
    prints: [
      init(), call('call_0', 'Bash', { command: 'npm start', run_in_background: true }),
      { ...result('call_0', 'Running in background'), tool_use_result: { backgroundTaskId: 'b1' } },
      call('call_0', 'Read', { file_path: '/a' }, {}, 'm2'), result('call_0', 'A', { is_error: true }),
      line('system', { subtype: 'task_notification', tool_use_id: 'call_0', status: 'completed', summary: 'ended' }), done()
    ],
    calls: ['Bash: ok', 'Read: error']
  },
  {
    name: 'events behind other words, and two on one line, are read',
    prints: [
      init(), '[log_ab12] post https://api.example/v1 {\n  method: "post" }\n', `DEBUG cache miss ${json(call('a', 'Bash', { command: 'ls' }))}\n`,
      `${json(result('a', 'a.txt'))}${json(text('All done.'))}\n`, `[mcp] server closed${json(done())}\n`
    ],
    calls: ['Bash: ok'],
    result: { success: true, response: 'All done.' },
    shows: [{ type: 'progress', message: 'DEBUG cache miss' }, { type: 'output', message: 'All done.' }]
  },
  {
    name: 'colours, titles of the terminal, a byte order mark, CR LF and NUL are no part of an event',
    prints: [
      `\ufeff${json(init())}\r\n`, `\u001b[32m${json(call('a', 'Bash', { command: 'ls' }))}\u001b[0m\r\n`,
      `\u001b]0;claude\u0007${json(result('a', 'x'))}\n`, `\0\0${json(done())}\0\n`
    ],
    calls: ['Bash: ok'],
    result: { success: true }
  },
  {
    name: 'a line beyond the cap ends its call: its beginning and its end are read',
    prints: [
      init(), call('a', 'mcp__browser__screenshot', { full: true }),
      result('a', [{ type: 'image', source: { type: 'base64', data: 'A'.repeat(9_500_000) } }]),
      call('b', 'Bash', { command: 'npm test' }), result('b', 'failed', { is_error: true }), done({ result: `${'long '.repeat(2_000_000)}end` })
    ],
    calls: ['mcp__browser__screenshot: ok', 'Bash: error'],
    result: { success: true, response: /^long .*end$/, usage: { inputTokens: 10, costUsd: 0.05 } }
  },
  {
    name: 'a hook puts a call off until a person decides: nothing was done, and that is no success',
    prints: [
      init(), text('I need to ask.'), call('a', 'AskUserQuestion', { questions: [{ question: 'Which database?' }] }),
      done({
        result: '',
        stop_reason: 'tool_deferred',
        terminal_reason: 'tool_deferred',
        deferred_tool_use: { id: 'a', name: 'AskUserQuestion', input: { questions: [{ question: 'Which database?' }] } }
      })
    ],
    calls: ['AskUserQuestion: aborted'],
    result: { success: false, reason: 'deferred', error: /Which database\?/ },
    shows: [{ metadata: { kind: 'waiting', waitKind: 'person', callId: 'a', what: /Which database/ } }]
  },
  {
    name: 'a question whether a tool may run is a wait for a person, until it runs',
    prints: [
      init(), call('a', 'Bash', { command: 'terraform apply' }),
      { type: 'control_request', request_id: 'r', request: { subtype: 'can_use_tool', tool_name: 'Bash', input: { command: 'terraform apply' }, tool_use_id: 'a' } },
      { type: 'tool_progress', tool_name: 'Bash', parent_tool_use_id: 'a', elapsed_time_seconds: 30, session_id: SESSION },
      result('a', 'applied'), done()
    ],
    calls: ['Bash: ok'],
    shows: [
      { message: /Waiting for permission: Bash: terraform apply/, metadata: { kind: 'waiting', waitKind: 'person', callId: 'a' } },
      { message: 'Permission given.', metadata: { callId: 'a' } }
    ]
  },
  {
    name: 'an answer that is empty in the result is what was said last',
    prints: [init(), text('\n\n4'), done({ result: '' })],
    result: { success: true, response: '\n\n4' }
  },
  {
    name: 'an answer that was given as data is that',
    prints: [init(), call('a', 'StructuredOutput', { x: 1 }), result('a', 'ok'), done({ result: '', structured_output: { x: 1 } })],
    result: { success: true, response: '{"x":1}' }
  },
  {
    name: 'what was said before a tool is no answer',
    prints: [init(), text('Let me look.'), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), done({ result: '' })],
    result: { success: true, response: '' }
  },
  {
    name: 'an error that only a member tells is an error, and the reason of the failure',
    prints: [init(), text('API Error: 529 Overloaded', { error: 'overloaded' }), done({ is_error: true, result: 'API Error: 529 Overloaded' })],
    exitCode: 1,
    result: { success: false, reason: 'overloaded', error: 'API Error: 529 Overloaded' },
    shows: [{ type: 'error', metadata: { reason: 'overloaded' } }]
  },
  {
    name: 'a failed run has never success as its reason',
    prints: [init(), done({ is_error: true, result: 'API Error: Rate limit reached', terminal_reason: undefined })],
    result: { success: false, reason: 'api_error' }
  },
  {
    name: 'a tool of the server that failed is shown so',
    prints: [
      init(), say({ type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } }),
      say({ type: 'web_search_tool_result', tool_use_id: 's', content: { type: 'web_search_tool_result_error', error_code: 'max_uses_exceeded' } }), done()
    ],
    calls: ['web_search: error'],
    shows: [{ metadata: { phase: 'end', result: 'max_uses_exceeded', toolKind: 'web' } }]
  },
  {
    name: 'MCP servers that the agent must do without are shown',
    prints: [init({ mcp_servers: [{ name: 'db', status: 'failed' }, { name: 'jira', status: 'needs-auth' }, { name: 'ok', status: 'connected' }] }), done()],
    shows: [{ message: 'MCP servers that are not available: db (failed), jira (needs-auth)', metadata: { kind: 'notice', what: 'mcp' } }]
  },
  {
    name: 'a sub-agent that goes on after its end was told is open again',
    prints: [
      init(), call('a', 'Agent', { description: 'look' }), line('system', { subtype: 'task_started', tool_use_id: 'a', is_backgrounded: true }),
      result('a', 'started'), line('system', { subtype: 'task_notification', tool_use_id: 'a', status: 'completed', summary: 'first' }),
      call('b', 'Read', { file_path: '/a' }, { parent_tool_use_id: 'a' }), result('b', 'A', {}, 'a'),
      line('system', { subtype: 'task_notification', tool_use_id: 'a', status: 'completed', summary: 'second' }), done()
    ],
    calls: ['Agent: ok', 'Agent: ok', 'a Read: ok'],
    shows: [{ metadata: { phase: 'end', use: 2, result: 'second' } }]
  },
  {
    name: 'pieces of an attempt that broke off are not shown again',
    prints: [
      init(), streamed('message_start'), streamed('content_block_start'), delta('This ans'), line('system', { subtype: 'api_retry', attempt: 1 }),
      streamed('message_start'), streamed('content_block_start'), delta('This'), delta(' answer'), delta(' is whole.'), text('This answer is whole.'), done()
    ],
    shows: [{ type: 'output', message: 'This ans' }, { type: 'output', message: 'wer' }, { type: 'output', message: ' is whole.' }],
    hides: [/^This answer/, /^This$/]
  },
  {
    name: 'limits of a subscription, of requests, the network and other retries are told apart',
    prints: [
      init(), line('rate_limit_event', { rate_limit_info: { status: 'rejected', resetsAt: 1_800_000_000, rateLimitType: 'five_hour' } }),
      line('system', { subtype: 'api_retry', error_status: 429 }), line('system', { subtype: 'api_retry', error_status: null }),
      line('system', { subtype: 'api_retry', error_status: 500 }), done()
    ],
    shows: [
      { metadata: { kind: 'waiting', waitKind: 'usage_limit', until: '2027-01-15T08:00:00.000Z' } }, { metadata: { kind: 'waiting', waitKind: 'rate_limit' } },
      { metadata: { kind: 'waiting', waitKind: 'network' } }, { metadata: { kind: 'retry', waitKind: 'retry' } }
    ]
  },
  {
    name: 'a loop of one program: each process has its calls, and the usage of all is added up',
    by: 'run',
    prints: [...thread('t1', 1000, ['ls', 'cat a']), '--- next ---\n', ...thread('t2', 2000, ['npm test']), ...thread('t3', 4000, ['npm publish'])],
    calls: ['shell: ok', 'shell: ok', 'shell: ok', 'shell: ok'],
    result: { success: true, sessionId: 't3', response: 't3 is done', usage: { inputTokens: 7000, outputTokens: 30 } },
    shows: [{ message: 'Session t1' }, { message: 'Session t2' }, { message: 'Session t3' }, { type: 'output', message: '--- next ---\n' }]
  },
  {
    name: 'where sessions tell their cost alone, tokens are unknown and not none',
    by: 'run',
    prints: [
      { type: 'step_finish', sessionID: 'ses_1', part: { type: 'step-finish', reason: 'stop', cost: 0.25, messageID: 'm' } }
    ],
    result: { usage: { inputTokens: undefined, costUsd: 0.25 } }
  },
  {
    name: 'a session that is gone on with counts once, though its counts are of all of it',
    by: 'run',
    prints: [...thread('t1', 1000, ['ls']), ...thread('t1', 3000, ['ls']), ...thread('t2', 500, [])],
    result: { success: true, usage: { inputTokens: 3500 } }
  },
  {
    name: 'a process that died in a loop leaves its call aborted, the next ones are read',
    by: 'run',
    prints: [...thread('t1', 1000, ['ls']).slice(0, 3), ...thread('t2', 2000, ['npm test'])],
    calls: ['shell: aborted', 'shell: ok'],
    result: { success: true, usage: { inputTokens: 2000 } }
  },
  {
    name: 'two sessions of one program, with a cost each',
    by: 'run',
    prints: [
      init(), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), text('First.'), done({ result: 'First.' }), '--- iteration 2 ---\n',
      other.init(), other.call('a', 'Bash', { command: 'npm test' }), other.result('a', 'x'), other.done({ result: 'Second.', total_cost_usd: 0.07 })
    ],
    calls: ['Bash: ok', 'Bash: ok'],
    result: { success: true, sessionId: 'other-2', response: 'Second.', usage: { inputTokens: 20, outputTokens: 40, costUsd: 0.12 } }
  },
  {
    name: 'two sessions at the same time, with the same ids',
    by: 'run',
    prints: [
      init(), other.init(), call('a', 'Read', { file_path: '/a' }), other.call('a', 'Bash', { command: 'ls' }),
      other.result('a', 'x', { is_error: true }), result('a', 'A'), other.done({ is_error: true, result: 'no' }), done()
    ],
    calls: ['Read: ok', 'Bash: error'],
    result: { usage: { inputTokens: 20 } }
  },
  {
    name: 'the last session decides, whatever the first came to',
    by: 'run',
    prints: [init(), done(), ...thread('t1', 5, []).slice(0, 2), { type: 'turn.failed', error: { message: 'no quota' } }],
    result: { success: false, error: 'no quota', reason: 'turn-failed', sessionId: 't1' }
  },
  {
    name: 'an unknown format that looks like a known one is said to be unknown, and its exit code counts',
    by: 'run',
    prints: [
      droid('system', { subtype: 'init', cwd: '/w', tools: ['Read'], model: 'glm-5' }), droid('note', { text: 'do it' }),
      droid('invoke', { id: 'c1', tool: 'Execute' }), droid('finale', { text: 'All tests pass.' })
    ],
    calls: [],
    result: { success: true, response: /All tests pass/ },
    shows: [{ type: 'progress', metadata: { kind: 'unknown_format', types: ['system', 'note', 'invoke', 'finale'], raw: /All tests pass/ } }]
  },
  {
    name: 'an unknown format that fails is failed by its exit code',
    by: 'run',
    prints: [{ step: 1 }, { step: 2 }],
    exitCode: 3,
    result: { success: false, reason: 'exit-code' },
    shows: [{ metadata: { kind: 'unknown_format' } }]
  },
  {
    name: 'records of a log are output, and so is a single object',
    by: 'run',
    prints: [{ level: 30, time: 1, msg: 'listening' }, { level: 30, time: 2, msg: 'closed' }, { status: 'ok' }, 'DEBUG {"a":1}\n'],
    result: { success: true },
    shows: [{ type: 'output', message: '{"status":"ok"}\n' }, { type: 'output', message: 'DEBUG {"a":1}\n' }],
    hides: [/format that is not known/]
  },
  {
    name: 'a format that a host adds is recognised like the others, behind them, too',
    by: 'run',
    prints: [
      ...thread('t1', 1000, ['ls']), { toil: 'hello', toil_version: '1.0', session: 's1', model: 'm1' },
      { toil: 'say', text: 'Hi.' }, { toil: 'bye', ok: true, tokensIn: 5, tokensOut: 6 }
    ],
    result: { success: true, response: 'Hi.', sessionId: 's1', usage: { inputTokens: 1005, outputTokens: 16 } }
  },
  {
    name: 'the one object of a CLI that prints nothing else is read, too',
    by: 'run',
    prints: [done()],
    result: { success: true, response: 'All done.', usage: { inputTokens: 10 } }
  }
]

const adapters: Record<NonNullable<Case['by']>, () => CliAdapter<never>> = {
  claude: () => claudeAdapter as CliAdapter<never>,
  codex: () => createCodexAdapter() as CliAdapter<never>,
  run: () => createRecognisingAdapter(['sh', '-c', 'work'], [toilFormat, ...knownFormats()]) as CliAdapter<never>
}

for (const { name, by = 'claude', prints, exitCode = 0, ...expected } of cases) {
  t.test(name, async (t) => {
    const stdout = Buffer.from(prints.map((one) => typeof one === 'string' ? one : `${json(one)}\n`).join(''))
    const recorded = { stdout, stderr: Buffer.alloc(0), exitCode, signal: null }
    // Claude's own words are read the same behind `run`.
    for (const reader of by === 'claude' ? ['claude', 'run'] as const : [by]) {
      const { activities, result } = read(adapters[reader](), recorded)
      check(t, expected, activities, result)
      if (stdout.length > 100_000) continue
      const everywhere = Array.from(stdout.keys())
      t.strictSame(read(adapters[reader](), recorded, { cuts: everywhere }), { activities, result, warnings: [] }, 'cut at every byte')
    }
  })
}

type Activities = readonly InvocationActivity[]

function check (t: Test, expected: Partial<Case>, activities: Activities, result: InvocationResult): void {
  if (expected.calls !== undefined) t.strictSame(callsOf(activities), expected.calls)
  if (expected.result !== undefined) t.match(result, expected.result)
  for (const shown of expected.shows ?? []) {
    const isShown = activities.some((activity) => matches(activity, shown))
    t.ok(isShown, `shows ${inspect(shown)} among ${inspect(activities, { depth: 4 })}`)
  }
  for (const hidden of expected.hides ?? []) t.notOk(activities.some(({ message }) => hidden.test(message)), `hides ${String(hidden)}`)
}

/** Each use by its start, with how it ended. */
function callsOf (activities: readonly InvocationActivity[]): string[] {
  const calls = activities.filter(({ metadata }) => metadata?.phase === 'start').map(({ metadata }) => ({ ...metadata, status: 'open' }) as Call)
  for (const { type, metadata } of activities) {
    if (type !== 'tool_exec' || metadata?.phase !== 'end') continue
    const call = calls.find((call) => call.callId === metadata.callId && call.use === metadata.use && call.status === 'open' &&
      call.parentCallId === metadata.parentCallId)
    if (call !== undefined) call.status = String(metadata.status)
  }
  return calls.map(({ parentCallId, tool, status }) => `${parentCallId === undefined ? '' : `${parentCallId} `}${tool}: ${status}`)
}

interface Call {
  readonly callId: string
  readonly use?: number
  readonly parentCallId?: string
  readonly tool: string
  status: string
}

function matches (value: unknown, wanted: unknown): boolean {
  if (wanted instanceof RegExp) return wanted.test(String(value))
  if (Array.isArray(wanted) || typeof wanted !== 'object' || wanted === null) return isDeepStrictEqual(value, wanted)
  return typeof value === 'object' && value !== null &&
    Object.entries(wanted).every(([name, member]) => matches((value as Record<string, unknown>)[name], member))
}

t.test('an adapter of one\'s own, made of command() and a format: sub-agent, wait, retry and crash', async (t) => {
  const begin = [
    { toil: 'hello', toil_version: '1.0', session: 's1', model: 'm1' },
    { toil: 'call', id: '1', tool: 'task', input: { title: 'look' } },
    { toil: 'call', id: '1', by: '1', tool: 'bash', input: { command: 'npm test' } },
    { toil: 'ask', id: '1', text: 'npm test' },
    { toil: 'answer', id: '1', by: '1', ok: false, exit: 1, text: '1 fails' },
    { toil: 'again', text: 'Overloaded', afterMs: 5, attempt: 1 },
    { toil: 'answer', id: '1', ok: true, text: 'found' },
    { toil: 'call', id: '1', tool: 'edit_file', input: { path: '/a' } },
    { toil: 'say', text: 'All done.' }
  ]
  const play = async (lines: readonly object[], code: string): Promise<Reading> => {
    const activities: InvocationActivity[] = []
    const program = `for (const line of ${json(lines)}) console.log(JSON.stringify(line)); ${code}`
    const result = await toil({ command: process.execPath, args: ['-e', program], env: { NODE_OPTIONS: undefined }, killGraceMs: 300, finishGraceMs: 100 })
      .invoke('x', { onActivity: (activity) => { activities.push(activity) } })
    return { activities, result, warnings: [] }
  }
  const crashed = await play(begin, 'console.error("out of memory"); process.exit(134)')
  t.match(crashed.result, { success: false, exitCode: 134, reason: 'no-result', error: 'out of memory', response: 'All done.', sessionId: 's1' })
  t.strictSame(callsOf(crashed.activities), ['task: ok', '1 bash: error', 'edit_file: aborted'])
  t.match(crashed.activities.map(({ metadata }) => metadata?.toolKind).filter(Boolean), ['agent', 'test', 'test', 'agent', 'edit', 'edit'])
  for (const shown of [{ kind: 'waiting', waitKind: 'person', callId: '1' }, { kind: 'retry', waitKind: 'retry', attempt: 1 }]) {
    t.ok(crashed.activities.some(({ metadata }) => matches(metadata, shown)), inspect(shown))
  }
  const end = [{ toil: 'answer', id: '1', ok: true, text: '' }, { toil: 'bye', ok: true, tokensIn: 3, tokensOut: 4 }]
  const done = await play([...begin, ...end], '')
  t.match(done.result, { success: true, exitCode: 0, response: 'All done.', model: 'm1', usage: { inputTokens: 3, outputTokens: 4 } })
  const stays = await play([...begin, ...end], 'setInterval(() => {}, 1e6)')
  t.match(stays.result, { success: true, signal: 'SIGTERM', timedOut: false, reason: 'finished_not_exited', response: 'All done.' })
  t.ok(stays.activities.some(({ metadata }) => metadata?.what === 'finished_not_exited'), 'and it is said')
  t.throws(() => command({ command: 'x', format: {} as never }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})

t.test('a program that has finished and stays is a success, unless work goes on or its time is over', async (t) => {
  const play = async (prints: readonly object[], then: string, limits: object = {}): Promise<InvocationResult> => {
    const program = `const say = (lines) => { for (const line of lines) console.log(JSON.stringify(line)) }; say(${json(prints)}); ${then}`
    return await claude({ command: process.execPath, args: ['-e', program], env: { NODE_OPTIONS: undefined }, killGraceMs: 300, finishGraceMs: 100, ...limits })
      .invoke('x', limits)
  }
  const stay = 'setInterval(() => {}, 1e6)'
  const works = [init(), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), text('All done.'), done()]
  t.match(await play(works, stay), { success: true, timedOut: false, response: 'All done.', reason: 'finished_not_exited' })
  t.match(await play(works, stay, { timeout: 3_000, finishGraceMs: Infinity }), {
    success: false, timedOut: true, response: 'All done.', reason: 'finished_not_exited', error: /had finished/
  })
  t.match(await play([init(), call('a', 'Bash', { command: 'ls' }), done()], stay, { timeout: 1_000 }), {
    success: false, timedOut: true, reason: 'timeout'
  }, 'a call is open')
  t.match(await play([init(), line('system', { subtype: 'background_tasks_changed', tasks: [{}] }), done()], stay, { timeout: 1_000 }), {
    success: false, timedOut: true, reason: 'timeout'
  }, 'work goes on in the background')
  const again = `setTimeout(() => { say(${json([init(), text('More.')])}) }, 20); setTimeout(() => { say(${json([done({ result: 'More.' })])}); process.exit(0) }, 600)`
  t.match(await play(works, again), { success: true, exitCode: 0, response: 'More.', reason: undefined }, 'something new began')
})
