import type { Case } from './cases.js'
import { from, SESSION, thread } from './lines-of-clis.js'

const { line, say, init, text, call, result, done } = from(SESSION)
const json = JSON.stringify
const system = (subtype: string, more: object = {}): object => line('system', { subtype, ...more })
const notice = (what: string): object => ({ type: 'progress', metadata: { kind: 'notice', what } })
const control = (id: string, request: object): object => ({ type: 'control_request', request_id: id, request })
const piece = (delta: object): object =>
  line('stream_event', { event: { type: 'content_block_delta', index: 0, delta }, parent_tool_use_id: null })
const part = (type: string): object => line('stream_event', { event: { type }, parent_tool_use_id: null })

const claude: Case[] = [
  {
    name: 'content that is a plain text is one block of text',
    prints: [
      init(), line('user', { message: { role: 'user', content: 'Continue from the summary.' }, isSynthetic: true }),
      line('assistant', { message: { id: 'm', role: 'assistant', content: 'Four.' }, parent_tool_use_id: null }), done({ result: '' })
    ],
    result: { success: true, response: 'Four.' },
    shows: [{ type: 'progress', message: 'Continue from the summary.' }, { type: 'output', message: 'Four.' }]
  },
  {
    name: 'members that are null say nothing',
    prints: [
      init({ mcp_servers: null, model: null }), line('assistant', { message: null, parent_tool_use_id: null }),
      line('assistant', { message: { content: [null, { type: 'text', text: null }] }, error: null }), call('a', 'Bash', { command: 'ls' }, { uuid: null }),
      result('a', null, { is_error: null }), system('task_started', { tool_use_id: null, task_id: null }),
      line('rate_limit_event', { rate_limit_info: null }), done({ result: null, usage: null, total_cost_usd: null, modelUsage: null, permission_denials: null, terminal_reason: null })
    ],
    calls: ['Bash: ok'],
    result: { success: true, response: '', usage: undefined },
    unknown: ['assistant/undefined']
  },
  {
    name: 'numbers may be texts',
    prints: [
      init(), system('api_retry', { attempt: '1', max_retries: '10', retry_delay_ms: '1500', error_status: '429', error: 'rate_limit' }),
      line('rate_limit_event', { rate_limit_info: { status: 'rejected', resetsAt: '1800000000', rateLimitType: 'five_hour' } }),
      done({ total_cost_usd: '0.05', usage: { input_tokens: '10', output_tokens: '20', cache_read_input_tokens: '3' } })
    ],
    result: { success: true, usage: { inputTokens: 10, outputTokens: 20, cacheReadTokens: 3, costUsd: 0.05 } },
    shows: [{ metadata: { waitKind: 'rate_limit', attempt: 1, delayMs: 1500 } }, { metadata: { waitKind: 'usage_limit', until: '2027-01-15T08:00:00.000Z' } }]
  },
  {
    name: 'ids may be numbers',
    prints: [
      init(), say({ type: 'tool_use', id: 7, name: 'Read', input: { file_path: '/a' } }), say({ type: 'tool_use', id: 8, name: 'Read', input: { file_path: '/b' } }),
      line('user', { message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 8, content: 'no', is_error: true }, { type: 'tool_result', tool_use_id: 7, content: 'A' }] } }), done()
    ],
    calls: ['Read: ok', 'Read: error']
  },
  {
    name: 'space around lines and empty lines mean nothing',
    prints: [
      '\r\n', `  ${json(init())}  \r\n`, '\n\t\n', `\t${JSON.stringify(call('a', 'Bash', { command: 'ls' }), null, 1).replaceAll('\n', ' ')}\n`,
      `${json(result('a', 'x'))}\r\n\r\n`, json(done())
    ],
    calls: ['Bash: ok'],
    result: { success: true, usage: { inputTokens: 10 } },
    hides: [/ended inside/]
  },
  {
    name: 'all lines in one list are read like lines',
    prints: [`${json([init(), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), text('All done.'), done()])}\n`],
    calls: ['Bash: ok'],
    result: { success: true, response: 'All done.', sessionId: SESSION }
  },
  {
    name: 'a result that is printed twice is counted once',
    prints: [init(), text('All done.'), done(), done()],
    result: { success: true, usage: { inputTokens: 10, outputTokens: 20, costUsd: 0.05 } }
  },
  {
    name: 'types that nobody knows are shown and change nothing',
    prints: [
      init(), line('hologram', { x: 1 }), system('teleported', { to: 'x' }), say({ type: 'sculpture', data: 1 }), { type: 7, session_id: SESSION },
      line('user', { message: { role: 'user', content: [{ type: 'smell' }] } }), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), done()
    ],
    calls: ['Bash: ok'],
    result: { success: true },
    unknown: ['hologram', 'system/teleported', 'assistant/sculpture', 'untyped', 'user/smell']
  },
  {
    name: 'an end without a result is a failure, though it exits with 0',
    prints: [init(), text('Looking.'), call('a', 'Bash', { command: 'ls' })],
    calls: ['Bash: aborted'],
    result: { success: false, reason: 'no-result', response: 'Looking.', exitCode: 0 }
  },
  {
    name: 'stderr is the reason of an end without a result',
    prints: [init(), call('a', 'Bash', { command: 'ls' })],
    stderr: 'warn: slow disk\r\nError: spawn E2BIG\n',
    exitCode: 1,
    calls: ['Bash: aborted'],
    result: { success: false, reason: 'no-result', error: 'Error: spawn E2BIG' }
  },
  {
    name: 'a success with another exit code is none',
    prints: [init(), text('All done.'), done()],
    exitCode: 3,
    result: { success: false, reason: 'exit-code', response: 'All done.' }
  },
  {
    name: 'words of other programs between the lines, on both pipes, are notices',
    prints: [
      init(), 'npm warn deprecated glob@7\n', call('a', 'Bash', { command: 'ls' }), '(node:12) Warning: x\n', result('a', 'x'), '{ not json\n', done()
    ],
    stderr: '(node:12) ExperimentalWarning: SQLite\n',
    calls: ['Bash: ok'],
    result: { success: true },
    shows: [{ type: 'progress', message: 'npm warn deprecated glob@7', metadata: { kind: 'notice' } }]
  },
  {
    name: 'text in pieces is shown once; pieces of thoughts and inputs are left to the whole',
    prints: [
      init(), part('message_start'), part('content_block_start'), piece({ type: 'thinking_delta', thinking: 'Hm' }), part('content_block_stop'),
      say({ type: 'thinking', thinking: 'Hmm.' }), part('content_block_start'), piece({ type: 'text_delta', text: 'All ' }), piece({ type: 'text_delta', text: 'done.' }),
      text('All done.'), part('content_block_stop'), part('content_block_start'), piece({ type: 'input_json_delta', partial_json: '{"com' }),
      call('a', 'Bash', { command: 'ls' }), part('message_delta'), part('message_stop'), result('a', 'x'), done()
    ],
    calls: ['Bash: ok'],
    shows: [{ type: 'output', message: 'All ' }, { type: 'output', message: 'done.' }, { metadata: { kind: 'reasoning' }, message: 'Hmm.' }],
    hides: [/^All done\.$/, /^Hm$/]
  },
  {
    name: 'what was said in pieces when the process died is its last word',
    prints: [init(), text('First.'), part('message_start'), piece({ type: 'text_delta', text: 'Half an ans' })],
    exitCode: 137,
    result: { success: false, reason: 'no-result', response: 'Half an ans' }
  },
  {
    name: 'sub-agents inside of sub-agents carry the call that started them',
    prints: [
      init(), call('a', 'Agent', { description: 'outer' }), call('b', 'Agent', { description: 'inner' }, { parent_tool_use_id: 'a' }),
      call('c', 'Read', { file_path: '/x' }, { parent_tool_use_id: 'b', agent_id: 't2', subagent_type: 'Explore' }), text('Found.', { parent_tool_use_id: 'b' }),
      result('c', 'X', {}, 'b'), result('b', 'inner done', {}, 'a'), result('a', 'outer done'), done({ result: '' })
    ],
    calls: ['Agent: ok', 'a Agent: ok', 'b Read: ok'],
    result: { success: true, response: '' },
    shows: [{ type: 'output', message: 'Found.', metadata: { parentCallId: 'b' } }]
  },
  {
    name: 'a command in the background ends when it is told, not with its result',
    prints: [
      init(), call('a', 'Bash', { command: 'npm start', run_in_background: true }),
      { ...result('a', 'Command running in background with ID: b1'), tool_use_result: { backgroundTaskId: 'b1' } },
      system('task_notification', { task_id: 'b1', tool_use_id: 'a', status: 'failed', summary: 'exit 1' }), done()
    ],
    calls: ['Bash: error'],
    shows: [{ metadata: { phase: 'end', callId: 'a', result: 'exit 1' } }]
  },
  {
    name: 'a sub-agent that was launched in the background is open until its end is told',
    prints: [
      init(), call('a', 'Agent', { description: 'look', run_in_background: true }),
      { ...result('a', [{ type: 'text', text: 'Async agent launched' }]), tool_use_result: { status: 'async_launched', agentId: 't1' } },
      call('b', 'Read', { file_path: '/x' }, { parent_tool_use_id: 'a' }), result('b', 'X', {}, 'a'),
      system('task_notification', { task_id: 't1', tool_use_id: 'a', status: 'completed', summary: 'found' }), done()
    ],
    calls: ['Agent: ok', 'a Read: ok'],
    shows: [{ metadata: { phase: 'end', callId: 'a', result: 'found' } }]
  },
  {
    name: 'a call that is moved to the background while it runs is open until its end is told',
    prints: [
      init(), call('a', 'Agent', { description: 'look' }), system('task_started', { task_id: 't1', tool_use_id: 'a', description: 'look' }),
      system('task_updated', { task_id: 't1', patch: { is_backgrounded: true } }), result('a', 'moved to the background'),
      system('task_notification', { task_id: 't1', status: 'completed', summary: 'found' }), done()
    ],
    calls: ['Agent: ok'],
    shows: [{ metadata: { callId: 'a', background: true } }, { metadata: { phase: 'end', callId: 'a', result: 'found' } }]
  },
  {
    name: 'a task that is killed was aborted',
    prints: [
      init(), call('a', 'Bash', { command: 'sleep 99' }), system('task_started', { task_id: 't1', tool_use_id: 'a', description: 'sleep' }),
      system('task_updated', { task_id: 't1', patch: { status: 'killed' } }), result('a', 'stopped', { is_error: true }), done()
    ],
    calls: ['Bash: aborted']
  },
  {
    name: 'compaction: that it begins, is over, or failed',
    prints: [
      init(), system('status', { status: 'compacting' }), system('status', { status: null, compact_result: 'failed', compact_error: 'too long' }),
      system('status', { status: 'requesting' }), system('compact_boundary', { compact_metadata: { trigger: 'auto', pre_tokens: 150_000 } }),
      say({ type: 'compaction', content: 'summary' }), done()
    ],
    shows: [
      { metadata: { kind: 'compaction' }, message: 'Compacting the conversation.' },
      { metadata: { kind: 'compaction' }, message: 'The conversation could not be compacted: too long' },
      { metadata: { kind: 'compaction', trigger: 'auto', tokensBefore: 150_000 } }
    ]
  },
  {
    name: 'a call that was not allowed is denied; where only the end tells it, it is a notice',
    prints: [
      init(), call('a', 'Write', { file_path: '/etc/x', content: 'x' }),
      system('permission_denied', { tool_name: 'Write', tool_use_id: 'a', decision_reason_type: 'rule', message: 'Permission to use Write has been denied.' }),
      result('a', 'Permission to use Write has been denied.', { is_error: true }),
      done({ permission_denials: [{ tool_name: 'Write', tool_use_id: 'a', tool_input: {} }, { tool_name: 'Bash', tool_use_id: 'z', tool_input: {} }] })
    ],
    calls: ['Write: denied'],
    result: { success: true },
    shows: [{ message: 'Not allowed: Bash' }]
  },
  {
    name: 'who pays beyond a limit does not wait; a warning is no wait, and a time that is none is left out',
    prints: [
      init(), line('rate_limit_event', { rate_limit_info: { status: 'rejected', isUsingOverage: true, rateLimitType: 'seven_day' } }),
      line('rate_limit_event', { rate_limit_info: { status: 'allowed_warning', utilization: 0.9, resetsAt: 1e300 } }),
      line('rate_limit_event', { rate_limit_info: { status: 'rejected', resetsAt: 1_800_000_000_000 } }), done()
    ],
    shows: [
      { message: 'Rate limit: rejected, goes on beyond it.', metadata: { kind: 'notice' } }, { message: 'Rate limit: allowed_warning.', metadata: { kind: 'notice' } },
      { metadata: { kind: 'waiting', waitKind: 'usage_limit', until: '2027-01-15T08:00:00.000Z' } }
    ]
  },
  {
    name: 'a retry of a sub-agent is its own, and a beat is of the call that it names',
    prints: [
      init(), call('a', 'Agent', { description: 'look' }), call('b', 'Bash', { command: 'sleep 40' }, { parent_tool_use_id: 'a' }),
      line('tool_progress', {
        tool_use_id: 'a',
        tool_name: 'Agent',
        parent_tool_use_id: null,
        elapsed_time_seconds: 12,
        subagent_retry: { agent_id: 't', attempt: 2, max_retries: 10, retry_delay_ms: 800, error_status: 529, error_category: 'overloaded' }
      }),
      line('tool_progress', { tool_use_id: 'b', tool_name: 'Bash', parent_tool_use_id: 'a', elapsed_time_seconds: 30 }),
      result('b', 'x', {}, 'a'), result('a', 'x'), done()
    ],
    calls: ['Agent: ok', 'a Bash: ok'],
    shows: [{ metadata: { kind: 'waiting', waitKind: 'rate_limit', attempt: 2, parentCallId: 'a', error: 'overloaded' } }, { metadata: { kind: 'tool', callId: 'b', elapsedMs: 30_000 } }]
  },
  {
    name: 'questions of any kind wait for a person',
    prints: [
      init(), control('q1', { subtype: 'elicitation', mcp_server_name: 'jira', message: 'Which project?' }), { type: 'control_cancel_request', request_id: 'q1' },
      control('q2', { subtype: 'request_user_dialog', dialog_kind: 'model_choice', payload: {} }), { type: 'control_response', response: {} },
      call('a', 'AskUserQuestion', { questions: [{ question: 'Tabs or spaces?', options: [] }] }), result('a', 'Tabs'), done()
    ],
    calls: ['AskUserQuestion: ok'],
    shows: [
      { metadata: { waitKind: 'person', what: 'jira: Which project?' } }, { message: 'The question was withdrawn.' }, { metadata: { waitKind: 'person', what: 'model_choice' } },
      { message: 'AskUserQuestion: Tabs or spaces?', metadata: { kind: 'waiting', waitKind: 'person', callId: 'a' } }
    ]
  },
  {
    name: 'a session that requires an action, and one that is signed in, wait for a person',
    prints: [
      init(), system('session_state_changed', { state: 'running' }), system('session_state_changed', { state: 'requires_action' }),
      { type: 'auth_status', isAuthenticating: true, output: [], session_id: SESSION }, { type: 'auth_status', isAuthenticating: false, output: [], error: 'Login expired', session_id: SESSION },
      system('session_state_changed', { state: 'idle' }), done()
    ],
    shows: [
      { metadata: { waitKind: 'person', what: 'a decision' } }, { metadata: { waitKind: 'person', what: 'sign-in' } }, { type: 'error', message: 'Login expired' }
    ]
  },
  {
    name: 'news that concern a person are notices, the rest of what the program says of itself is nothing',
    prints: [
      init(), system('model_refusal_fallback', { content: 'Answered by another model.' }), system('mirror_error', { error: 'disk full', key: {} }),
      system('memory_recall', { mode: 'select', memories: [] }), system('session_writes_lost', { error_code: 'ENOSPC', lost: ['transcript'] }),
      system('worker_shutting_down', { reason: 'host_exit' }), system('hook_response', { hook_name: 'PreToolUse:Bash', outcome: 'error', output: '' }),
      system('plugin_install', { name: 'shop', status: 'failed', error: '404' }), system('commands_changed', { commands: [] }),
      system('control_request_progress'), system('elicitation_complete'), system('task_updated', { task_id: 'unknown', patch: {} }),
      { type: 'tool_use_summary', summary: 'Read two files', preceding_tool_use_ids: [], session_id: SESSION }, { type: 'active_goal', value: null, session_id: SESSION },
      { type: 'keep_alive' }, { type: 'prompt_suggestion', suggestion: 'x', session_id: SESSION }, done()
    ],
    shows: [
      { ...notice('model_refusal_fallback'), message: 'Answered by another model.' }, { ...notice('mirror_error'), message: 'disk full' }, notice('memory_recall'),
      { ...notice('session_writes_lost'), message: 'ENOSPC' }, { ...notice('worker_shutting_down'), message: 'host_exit' },
      { ...notice('hook_response'), message: 'PreToolUse:Bash: error' }, { ...notice('plugin_install'), message: 'shop: failed: 404' },
      { ...notice('tool_use_summary'), message: 'Read two files' }
    ]
  },
  {
    name: 'why it could not start is the reason',
    prints: [line('result', {
      subtype: 'error_during_execution',
      is_error: true,
      num_turns: 0,
      total_cost_usd: 0,
      usage: { input_tokens: 0, output_tokens: 0 },
      errors: ['The version is too old.'],
      startup_failure_reason: 'cli_version_too_old'
    })],
    exitCode: 1,
    result: { success: false, error: 'The version is too old.', reason: 'cli_version_too_old' }
  },
  {
    name: 'a budget that is used up, errors as objects, work that was broken off',
    prints: [init(), line('result', {
      subtype: 'error_max_budget_usd', is_error: true, errors: [{ message: 'Reached $1' }, { code: 7 }], total_cost_usd: 1, num_turns: 1, usage: { input_tokens: 1, output_tokens: 1 }
    })],
    exitCode: 1,
    result: { success: false, error: 'Reached $1\n{"code":7}', reason: 'error_max_budget_usd', usage: { costUsd: 1 } }
  },
  {
    name: 'a session begins again for each turn of a resumed run',
    prints: [init(), text('One.'), done({ result: 'One.' }), init(), text('Two.'), done({ result: 'Two.', total_cost_usd: 0.08 })],
    result: { success: true, response: 'Two.', usage: { inputTokens: 20, outputTokens: 40, costUsd: 0.08 } }
  },
  {
    name: 'results with pictures, documents and references tell what is in them',
    prints: [
      init(), call('a', 'Read', { file_path: '/a.png' }), result('a', [{ type: 'text', text: 'see' }, { type: 'image', source: {} }, { type: 'tool_reference', tool_name: 'x' }]),
      line('user', { message: { role: 'user', content: [{ type: 'image', source: {} }, { type: 'document', source: {} }] } }), done()
    ],
    calls: ['Read: ok'],
    shows: [{ metadata: { phase: 'end', result: 'see\n[image]\n[tool_reference]' } }, { type: 'progress', message: '[image]' }]
  },
  {
    name: 'tools that the server runs end with its answers',
    prints: [
      init(), say({ type: 'server_tool_use', id: 's', name: 'code_execution', input: { code: 'x' } }),
      say({ type: 'code_execution_tool_result', tool_use_id: 's', content: { type: 'code_execution_result', return_code: 2, stdout: 'out', stderr: 'err' } }),
      say({ type: 'mcp_tool_use', id: 'm', name: 'query', server_name: 'db', input: {} }), say({ type: 'mcp_tool_result', tool_use_id: 'm', is_error: true, content: [{ type: 'text', text: 'no such table' }] }), done()
    ],
    calls: ['code_execution: error', 'query: error'],
    shows: [{ metadata: { phase: 'end', exitCode: 2, result: 'out\nerr' } }, { metadata: { phase: 'end', result: 'no such table' } }]
  }
]

const item = (phase: 'started' | 'updated' | 'completed', type: string, more: object = {}, id: unknown = 'item_0'): object =>
  ({ type: `item.${phase}`, item: { id, type, ...more } })
const begun = [{ type: 'thread.started', thread_id: 't' }, { type: 'turn.started' }]
const over = { type: 'turn.completed', usage: { input_tokens: 10, cached_input_tokens: 4, output_tokens: 5, reasoning_output_tokens: 2 } }
const said = item('completed', 'agent_message', { text: 'Done.' }, 'item_9')

const codex: Case[] = [
  {
    name: 'items of older versions, named by item_type',
    prints: [
      ...begun, { type: 'item.started', item: { id: 'i', item_type: 'command_execution', command: 'bash -lc ls', status: 'in_progress' } },
      { type: 'item.completed', item: { id: 'i', item_type: 'command_execution', command: 'bash -lc ls', aggregated_output: 'a', exit_code: 0, status: 'completed' } },
      { type: 'item.completed', item: { id: 'j', item_type: 'assistant_message', text: 'Done.' } }, over
    ],
    calls: ['shell: ok'],
    result: { success: true, response: 'Done.', usage: { inputTokens: 10, cacheReadTokens: 4, outputTokens: 5, reasoningTokens: 2 } },
    shows: [{ message: 'exec: ls', metadata: { phase: 'end', exitCode: 0, result: 'a' } }]
  },
  {
    name: 'an exit code that is not 0 is a failure, whatever the status says, as a text, too',
    prints: [
      ...begun, item('started', 'command_execution', { command: 'npm test', exit_code: null, status: 'in_progress' }),
      item('completed', 'command_execution', { command: 'npm test', aggregated_output: 'no', exit_code: '1', status: 'completed' }), said, over
    ],
    calls: ['shell: error'],
    shows: [{ metadata: { phase: 'end', exitCode: 1, toolKind: 'test' } }]
  },
  {
    name: 'a command in words is the line that the shell was given',
    prints: [
      ...begun, item('completed', 'command_execution', { command: ['/bin/bash', '-lc', 'cd src && ls'], exit_code: 0 }),
      item('completed', 'command_execution', { command: ['git', 'status'], exit_code: 0 }, 'item_1'), said, over
    ],
    calls: ['shell: ok', 'shell: ok'],
    shows: [{ message: 'exec: cd src && ls' }, { message: 'exec: git status' }]
  },
  {
    name: 'calls of MCP servers: data without text, errors as texts, failures that call themselves complete',
    prints: [
      ...begun, item('completed', 'mcp_tool_call', { server: 'db', tool: 'query', arguments: null, result: { content: [], structured_content: { rows: 2 } }, error: null, status: 'completed' }),
      item('completed', 'mcp_tool_call', { server: 'db', tool: 'drop', arguments: '{"x":1}', result: null, error: 'refused', status: 'failed' }, 'item_1'),
      item('completed', 'mcp_tool_call', { server: 'db', tool: 'copy', arguments: {}, result: { content: [{ type: 'text', text: 'no' }], isError: true }, status: 'completed' }, 'item_2'), said, over
    ],
    calls: ['db.query: ok', 'db.drop: error', 'db.copy: error'],
    shows: [{ metadata: { toolKind: 'mcp', result: '{"rows":2}' } }, { metadata: { result: 'refused' } }, { metadata: { result: 'no' } }]
  },
  {
    name: 'a search on the web, whose words are known at its end',
    prints: [
      ...begun, item('started', 'web_search', { query: '' }), item('completed', 'web_search', { query: 'sqlite wal', action: { type: 'search', query: 'sqlite wal' } }),
      item('completed', 'web_search', { query: '', action: { type: 'open_page', url: 'https://sqlite.org/wal.html' } }, 'item_1'), said, over
    ],
    calls: ['web_search: ok', 'web_search: ok'],
    shows: [{ metadata: { phase: 'end', toolKind: 'web', result: 'sqlite wal' } }, { message: 'web_search: https://sqlite.org/wal.html' }]
  },
  {
    name: 'a plan is told when it changes',
    prints: [
      ...begun, item('started', 'todo_list', { items: [{ text: 'Look', completed: false }, { text: 'Fix', completed: false }] }),
      item('updated', 'todo_list', { items: [{ text: 'Look', completed: true }, { text: 'Fix', completed: false }] }),
      item('completed', 'todo_list', { items: [{ text: 'Look', completed: true }, { text: 'Fix', completed: false }] }), item('updated', 'todo_list', { items: null }, 'x'), said, over
    ],
    calls: [],
    shows: [{ message: 'Plan: 0 of 2 done, next: Look' }, { message: 'Plan: 1 of 2 done, next: Fix' }]
  },
  {
    name: 'a failed turn says why, in whatever form, once',
    prints: [...begun, { type: 'error', error: { message: 'quota' } }, { type: 'turn.failed', error: 'quota' }],
    exitCode: 1,
    result: { success: false, reason: 'turn-failed', error: 'quota' },
    shows: [{ type: 'error', message: 'quota' }]
  },
  {
    name: 'a failed turn that says nothing is a failure all the same',
    prints: [...begun, item('started', 'command_execution', { command: 'ls' }), { type: 'turn.failed', error: null }],
    exitCode: 1,
    calls: ['shell: aborted'],
    result: { success: false, reason: 'turn-failed', error: 'The turn failed.' }
  },
  {
    name: 'connecting again is a wait of a run that succeeds',
    prints: [
      ...begun, { type: 'error', message: 'Reconnecting... 2/5 (stream disconnected: error sending request)' }, { type: 'error', message: 'Reconnecting... 3/5 (unexpected status 503)' }, said, over
    ],
    result: { success: true, response: 'Done.' },
    shows: [{ metadata: { kind: 'waiting', waitKind: 'network', attempt: 2 } }, { metadata: { kind: 'retry', attempt: 3, what: 'API error 503' } }]
  },
  {
    name: 'what a command has printed so far is shown while it runs',
    prints: [
      ...begun, item('started', 'command_execution', { command: 'npm test' }), item('updated', 'command_execution', { command: 'npm test', aggregated_output: 'one\ntwo\n' }),
      item('completed', 'command_execution', { command: 'npm test', aggregated_output: 'one\ntwo\n', exit_code: 0 }), said, over
    ],
    calls: ['shell: ok'],
    shows: [{ message: 'two', metadata: { kind: 'tool', callId: 'item_0', live: true } }]
  },
  {
    name: 'items that are printed twice are one, and an end alone is a call',
    prints: [
      ...begun, item('completed', 'command_execution', { command: 'ls', exit_code: 0 }), item('completed', 'command_execution', { command: 'ls', exit_code: 0 }),
      item('updated', 'command_execution', { command: 'ls' }), said, said, over, over
    ],
    calls: ['shell: ok'],
    result: { success: true, usage: { inputTokens: 10 } },
    times: { 'Done.': 1, '10 tokens in, 5 out': 1 }
  },
  {
    name: 'a command that was declined, a patch that failed, an agent that was asked',
    prints: [
      ...begun, item('completed', 'command_execution', { command: 'rm -rf /', status: 'declined' }),
      item('completed', 'file_change', { changes: [{ path: '/a', kind: 'update' }, { path: '/b', kind: 'delete' }], status: 'failed' }, 'item_1'),
      item('completed', 'file_change', { changes: null, status: 'completed' }, 'item_2'),
      item('completed', 'collab_tool_call', { tool: 'spawn_agent', prompt: 'look', agents_states: { x: { message: 'found' }, y: null }, status: 'completed' }, 'item_3'), said, over
    ],
    calls: ['shell: denied', 'apply_patch: error', 'apply_patch: ok', 'spawn_agent: ok'],
    shows: [{ message: 'apply_patch: /a and 1 more' }, { metadata: { toolKind: 'agent', phase: 'end', result: 'found' } }]
  },
  {
    name: 'items and events that nobody knows are shown and change nothing',
    prints: [...begun, item('completed', 'image_generation', { path: '/a.png' }), { type: 'turn.paused' }, { type: 'item.completed', item: null }, { type: 'item.completed' }, said, over],
    calls: [],
    result: { success: true },
    unknown: ['item.completed/image_generation', 'turn.paused', 'item.completed/undefined', 'item.completed/undefined']
  },
  {
    name: 'a turn without an end is a failure, though it exits with 0',
    prints: [...begun, item('started', 'command_execution', { command: 'ls' }), 'Killed\n'],
    stderr: 'thread panicked\n',
    calls: ['shell: aborted'],
    result: { success: false, reason: 'no-result', error: 'thread panicked' }
  },
  {
    name: 'a turn that was completed by a process that failed',
    prints: [...begun, said, over],
    exitCode: 101,
    result: { success: false, reason: 'exit-code', response: 'Done.' }
  },
  {
    name: 'counts of later turns hold those before; a turn without counts leaves them',
    prints: [...begun, said, over, { type: 'turn.started' }, { type: 'turn.completed', usage: { input_tokens: '25', output_tokens: '9' } }, { type: 'turn.started' }, { type: 'turn.completed', usage: null }],
    result: { success: true, usage: { inputTokens: 25, outputTokens: 9 } }
  },
  {
    name: 'a byte order mark, CR LF, spaces, lists and the words of others',
    prints: [
      `\ufeff${json(begun)}\r\n`, `  ${json(item('started', 'command_execution', { command: 'ls' }))} \r\n`, 'warning: proxy\r\n',
      `${json(item('completed', 'command_execution', { command: 'ls', exit_code: 0 }))}${json(said)}\r\n`, json(over)
    ],
    stderr: '2026-01-01T00:00:00Z ERROR codex_core::tools::router: error=patch rejected\r\n',
    calls: ['shell: ok'],
    result: { success: true, response: 'Done.' },
    shows: [{ type: 'error', message: 'patch rejected' }]
  },
  {
    name: 'thoughts, warnings, and members that are null',
    prints: [
      ...begun, item('completed', 'reasoning', { text: '**Look**' }), item('completed', 'reasoning', { text: null }, 'x'), item('completed', 'error', { message: 'model is old' }, 'y'),
      item('completed', 'error', { message: null }, 'z'), item('completed', 'agent_message', { text: null }, 'n'), item('completed', 'command_execution', { command: null, exit_code: null, aggregated_output: null, status: null }, 7), said, over
    ],
    calls: ['shell: ok'],
    shows: [{ message: '**Look**', metadata: { kind: 'reasoning' } }, { message: 'model is old', metadata: { kind: 'notice', what: 'warning' } }]
  },
  {
    name: 'a session that is resumed in the same output goes on',
    by: 'run',
    prints: [...thread('t1', 1_000, ['ls']), ...thread('t1', 1_500, ['npm run build'])],
    calls: ['shell: ok', 'shell: ok'],
    result: { success: true, usage: { inputTokens: 1_500 } },
    shows: [{ metadata: { toolKind: 'build' } }]
  }
]

const timestamp = '2026-01-01T00:00:00.000Z'
const gem = (type: string, more: object = {}): object => ({ type, timestamp, ...more })
const start = gem('init', { session_id: 'g', model: 'gemini-3' })
const speak = (content: unknown, more: object = { delta: true }): object => gem('message', { role: 'assistant', content, ...more })
const use = (id: unknown, name: string, parameters: unknown = {}): object => gem('tool_use', { tool_name: name, tool_id: id, parameters })
const answer = (id: unknown, more: object = { status: 'success', output: 'x' }): object => gem('tool_result', { tool_id: id, ...more })
const finish = (more: object = {}): object => gem('result', { status: 'success', stats: { total_tokens: 15, input_tokens: 10, output_tokens: 5, cached: 4 }, ...more })

const gemini: Case[] = [
  {
    name: 'a call that was refused is denied, though it calls itself a success; an error makes a failure',
    prints: [
      start, use('a', 'run_shell_command', { command: 'rm x' }), answer('a', { status: 'success', error: { type: 'cancelled', message: 'Tool call cancelled by user.' } }),
      use('b', 'replace', { file_path: '/a', new_string: 'x' }), answer('b', { status: 'success', error: { type: 'EDIT_NO_OCCURRENCE_FOUND', message: 'not found' } }),
      use('c', 'glob', { pattern: '*' }), answer('c', { status: 'error', output: 'bad', error: null }), speak('Done.'), finish()
    ],
    calls: ['run_shell_command: denied', 'replace: error', 'glob: error'],
    result: { success: true, response: 'Done.', usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 } },
    shows: [{ metadata: { phase: 'end', result: 'not found', files: [{ path: '/a', kind: 'update', bytes: 1 }] } }]
  },
  {
    name: 'outputs that are no texts are shown as they are',
    prints: [
      start, use('a', 'mcp_db_query'), answer('a', { status: 'success', output: [{ type: 'text', text: 'two rows' }] }),
      use('b', 'mcp_db_query'), answer('b', { status: 'success', output: { rows: 2 } }), use('c', 'read_file', null), answer('c', { status: 'success', output: null }), finish()
    ],
    calls: ['mcp_db_query: ok', 'mcp_db_query: ok', 'read_file: ok'],
    shows: [{ metadata: { phase: 'end', result: 'two rows' } }, { metadata: { phase: 'end', result: '{"rows":2}' } }]
  },
  {
    name: 'a run that its limit of turns ended is no success, whatever the result says',
    prints: [start, use('a', 'glob'), answer('a'), gem('error', { severity: 'error', message: 'Maximum session turns exceeded' }), finish()],
    calls: ['glob: ok'],
    result: { success: false, reason: 'max_turns', error: 'Maximum session turns exceeded' }
  },
  {
    name: 'an error that the run got over, and warnings, leave a success',
    prints: [
      start, gem('error', { severity: 'error', message: 'RESOURCE_EXHAUSTED' }), speak('Done.'), gem('error', { severity: 'warning', message: 'Loop detected, stopping execution' }), finish()
    ],
    result: { success: true, response: 'Done.' },
    shows: [{ type: 'error', message: 'RESOURCE_EXHAUSTED' }, { metadata: { kind: 'notice', what: 'warning' } }]
  },
  {
    name: 'numbers as texts, a result that is printed twice',
    prints: [start, speak('Done.'), finish({ stats: { input_tokens: '10', output_tokens: '5', cached: '4' } }), finish({ stats: { input_tokens: '10', output_tokens: '5', cached: '4' } })],
    result: { success: true, usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 } },
    times: { '10 tokens in, 5 out': 1 }
  },
  {
    name: 'ids that are numbers, and none at all',
    prints: [start, use(1, 'glob'), use(2, 'glob', { pattern: 'b' }), answer(2, { status: 'error', output: 'no' }), answer(1), use(null, 'glob'), answer(null), finish()],
    calls: ['glob: ok', 'glob: error', 'glob: ok']
  },
  {
    name: 'an end without a result is a failure, though it exits with 0',
    prints: [start, speak('Looking.'), use('a', 'run_shell_command', { command: 'npm test' })],
    stderr: 'Attempt 1 failed with status 429. Retrying with backoff...\nAn unexpected critical error occurred\n',
    calls: ['run_shell_command: aborted'],
    result: { success: false, reason: 'no-result', response: 'Looking.' }
  },
  {
    name: 'a result that failed says what it knows, else what was said before',
    prints: [start, gem('error', { severity: 'error', message: 'The model returned nothing.' }), finish({ status: 'error', error: null, stats: null })],
    exitCode: 1,
    result: { success: false, reason: 'api_error', error: 'The model returned nothing.', usage: undefined }
  },
  {
    name: 'a tool that fails for good ends the run with its name',
    prints: [start, use('a', 'write_file', { file_path: '/a', content: 'x' }), answer('a', { status: 'error', error: { type: 'no_space_left', message: 'ENOSPC' } }), finish({ status: 'error', error: { type: 'no_space_left', message: 'Error executing tool: ENOSPC' } })],
    exitCode: 54,
    calls: ['write_file: error'],
    result: { success: false, reason: 'no_space_left', error: 'Error executing tool: ENOSPC', exitCode: 54 }
  },
  {
    name: 'texts in parts, whole ones, and those of others than the agent',
    prints: [start, gem('message', { role: 'user', content: 'do it' }), speak([{ type: 'text', text: 'Do' }]), speak('ne.', {}), speak(null), speak(''), finish()],
    result: { success: true, response: 'Done.' },
    hides: [/do it/]
  },
  {
    name: 'types that nobody knows are shown and change nothing',
    prints: [start, gem('thought', { text: 'hm' }), { timestamp }, gem('tool_use'), speak('Done.'), finish()],
    calls: ['unknown: aborted'],
    result: { success: true },
    unknown: ['thought', 'untyped']
  },
  {
    name: 'a byte order mark, CR LF, spaces and the words of others on both pipes',
    prints: [`\ufeff${json(start)}\r\n`, 'Loaded cached credentials.\r\n', ` ${json(use('a', 'glob'))}\r\n`, `${json(answer('a'))}${json(speak('Done.'))}\r\n`, json(finish())],
    stderr: 'YOLO mode is enabled.\r\nAttempt 1 failed: fetch failed. Retrying after 500ms...\r\n',
    calls: ['glob: ok'],
    result: { success: true, response: 'Done.' },
    shows: [{ metadata: { waitKind: 'network', attempt: 1, delayMs: 500 } }]
  },
  {
    name: 'a success with another exit code is none',
    prints: [start, speak('Done.'), finish()],
    exitCode: 1,
    result: { success: false, reason: 'exit-code', response: 'Done.' }
  }
]

/** What today's and yesterday's versions print, with odd members, ends and neighbours. */
export const versionCases: Case[] = [
  ...claude,
  ...codex.map((one): Case => ({ by: 'codex', ...one, name: `Codex: ${one.name}` })),
  ...gemini.map((one): Case => ({ by: 'gemini', ...one, name: `Gemini: ${one.name}` }))
]
