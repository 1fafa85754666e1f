import type { Case } from './cases.js'
import { from, SESSION, thread } from './lines-of-clis.js'

const { line, say, init, text, call, result, done } = from(SESSION)
const other = from('other-2')
const json = JSON.stringify

const droid = (type: string, more: object): object => ({ type, session_id: 'd-1', ...more })
const delta = (text: string): object =>
  line('stream_event', { event: { type: 'content_block_delta', delta: { type: 'text_delta', text } }, parent_tool_use_id: null })
const streamed = (type: string): object => line('stream_event', { event: { type }, parent_tool_use_id: null })

/** What programs print that public reports tell of: each case is one kind of trouble. */
export const reportedCases: Case[] = [
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
