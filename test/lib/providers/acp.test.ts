import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { InvocationActivity, InvocationResult, InvokeOptions } from '../../../lib/model/activity.js'
import { requireSdk, type AcpConnection } from '../../../lib/providers/acp/connection.js'
import type { AcpState } from '../../../lib/providers/acp/state.js'
import { readUsage, usageOfRun } from '../../../lib/providers/acp/usage.js'
import { createAcpAdapter } from '../../../lib/providers/acp/acp.js'
import { createActivityLog } from '../../../lib/providers/activity-log.js'
import type { JsonObject } from '../../../lib/providers/json.js'
import { acp, type AcpOptions } from '../../../lib/providers/index.js'
import { explainFailure } from '../../../lib/insight/failure.js'
import { evidenceOf } from '../insight/failure-evidence.js'
import { countAcp } from './count-tool-calls.js'
import { compileProgram } from './player.js'
import { recording, recordingsOf, toolCalls, type Recording } from './recordings.js'

const agents = ['acp-claude-0.101.0', 'acp-codex-2.6.0', 'acp-gemini-0.61.0', 'acp-opencode-1.18.33']
const suffix = '.traffic.ndjson'
const player = compileProgram(t.testdir(), './acp-player.ts')

interface Run {
  readonly activities: InvocationActivity[]
  readonly result: InvocationResult
}

async function run (args: string[], options: Partial<AcpOptions> = {}, invoke: InvokeOptions = {}): Promise<Run> {
  const activities: InvocationActivity[] = []
  const agent = acp({ command: process.execPath, args, env: { NODE_OPTIONS: undefined }, killGraceMs: 300, ...options })
  const result = await agent.invoke('tour', { onActivity: (activity) => { activities.push(activity) }, ...invoke })
  return { activities, result }
}

const play = async (recorded: Recording, options: Partial<AcpOptions> = {}): Promise<Run> =>
  await run([player, recorded.file], { permission: recorded.name === 'denied' ? 'deny' : 'allow', ...options })

const kinds = ({ activities }: Run, kind: string): InvocationActivity[] =>
  activities.filter(({ metadata }) => metadata?.kind === kind)

for (const agent of agents) {
  t.test(`${agent}: what was recorded is told, each call started once and ended once`, async (t) => {
    const expected: Record<string, [success: boolean, said: string | RegExp]> = {
      cancel: [false, 'The turn ended with cancelled.'],
      denied: [true, 'Was it allowed?'],
      'err-401': [false, /^Authentication required$|^API error 401: Request had invalid/],
      main: [true, 'Done: the greeting now says "hello, world" and NOTES.md was added.'],
      parallel: [true, 'Both done.'],
      plan: [true, 'Plan finished.']
    }
    for (const recorded of recordingsOf(agent, suffix)) {
      const [success, said] = expected[recorded.name]!
      const run = await play(recorded)
      t.equal(run.result.success, success, recorded.name)
      t.match(success ? run.result.response : run.result.error, said, recorded.name)
      const why = { cancel: 'cancelled', 'err-401': 'authentication' }[recorded.name]
      t.equal(explainFailure(evidenceOf(agent, run))?.code, why, `${recorded.name}: why`)
      t.match(run.result.sessionId, /./, recorded.name)
      t.strictSame(kinds(run, 'unknown'), [], recorded.name)
      const counted = countAcp(recorded.stdout.toString())
      const { started, ended, failed } = toolCalls(run.activities)
      // Gemini says nothing more of a call that was denied.
      const silent = agent.includes('gemini') && recorded.name === 'denied' ? 1 : 0
      const told = { started: counted.started, ended: counted.started, failed: counted.failed + silent }
      t.strictSame({ started, ended, failed }, told, recorded.name)
    }
  })
}

t.test('what a tool prints is seen while it runs', async (t) => {
  const { activities } = await play(recording('acp-codex-2.6.0', 'main', suffix))
  const callId = activities.find(({ message }) => message.startsWith('exec: for i in'))!.metadata!.callId
  const told = activities.filter(({ metadata }) => metadata?.callId === callId && metadata?.live === true)
  t.match(told, [{ type: 'progress', message: 'tick 2', metadata: { kind: 'tool' } }])
  t.match(activities.find(({ metadata }) => metadata?.callId === callId && metadata?.phase === 'end')!.metadata, { exitCode: 0, result: /tick 5\ndone/ })
})

t.test('tokens and cost of a fresh session are told', async (t) => {
  const { result } = await play(recording('acp-claude-0.101.0', 'main', suffix))
  t.match(result, { usage: { inputTokens: 96, outputTokens: 388, costUsd: 0.09957 }, model: 'claude-opus-5-5' })
})

t.test('a person who is asked is waited for, visibly', async (t) => {
  const asked: unknown[] = []
  const run = await play(recording('acp-gemini-0.61.0', 'denied', suffix), {
    permission: async (request) => {
      asked.push(request)
      return false
    }
  })
  t.match(asked, [{ callId: 'run_shell_command__fc_s00_0', title: /touch/, kind: 'execute' }])
  t.match(kinds(run, 'waiting').map(({ metadata }) => metadata), [{ what: 'permission', callId: 'run_shell_command__fc_s00_0' }])
  t.match(run.activities.find(({ metadata }) => metadata?.phase === 'end')!.metadata, { status: 'denied' })
})

/** An agent of our own: `say(message)`, `on(method, (message) => …)`. */
function script (t: Test, body: string): string {
  const path = join(t.testdir(), 'agent.mjs')
  writeFileSync(path, `
    import { createInterface } from 'node:readline'
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
    const update = (update) => say({ method: 'session/update', params: { sessionId: 's', update } })
    const handlers = {}
    const on = (method, handler) => { handlers[method] = handler }
    createInterface({ input: process.stdin }).on('line', (line) => {
      const message = JSON.parse(line)
      const handler = handlers[message.method]
      if (handler === undefined) say({ id: message.id, error: { code: -32601, message: 'Method not found: ' + message.method } })
      else { const result = handler(message.params); if (result !== undefined) say({ id: message.id, result }) }
    }).on('close', () => process.exit(0))
    ${body}`)
  return path
}

t.test('version 2: the turn ends when the agent is idle, output comes from terminals', async (t) => {
  const path = script(t, `
    on('initialize', ({ protocolVersion, info }) => ({ protocolVersion, info: { name: 'two', of: info.name }, capabilities: {} }))
    on('session/new', () => { setImmediate(() => update({ sessionUpdate: 'state_update', state: 'idle' })); return { sessionId: 's' } })
    on('session/prompt', () => {
      setImmediate(() => {
        update({ sessionUpdate: 'state_update', state: 'running' })
        update({ sessionUpdate: 'tool_call_update', toolCallId: 'a', kind: 'execute', title: 'npm test', status: 'in_progress', rawInput: { command: 'npm test' }, content: [{ type: 'terminal', terminalId: 'x' }] })
        update({ sessionUpdate: 'terminal_output_chunk', terminalId: 'x', data: Buffer.from('ok 1\\n').toString('base64') })
        update({ sessionUpdate: 'terminal_update', terminalId: 'x', exitStatus: { exitCode: 1, signal: null } })
        update({ sessionUpdate: 'tool_call_update', toolCallId: 'a', status: 'completed' })
        update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'Done.' }, messageId: 'm' })
        update({ sessionUpdate: 'state_update', state: 'idle', stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 2 } })
      })
      return { messageId: 'u' }
    })`)
  const { activities, result } = await run([path], { protocolVersion: 2 })
  t.match(result, { success: true, response: 'Done.', usage: { inputTokens: 1, outputTokens: 2 } })
  t.match(activities.filter(({ type }) => type === 'tool_exec'), [
    { message: 'exec: npm test', metadata: { phase: 'start' } },
    { metadata: { phase: 'end', status: 'error', exitCode: 1, result: 'ok 1\n' } }
  ])
})

const HELLO = "on('initialize', () => ({ protocolVersion: 1, agentCapabilities: CAPABILITIES }))"
const TURN = "on('session/prompt', () => { update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: log.join() } }); return { stopReason: 'end_turn', usage: { inputTokens: 9, outputTokens: 9 } } })"

t.test('a session is resumed, or loaded without telling its history again; its tokens are left out', async (t) => {
  const resume = script(t, `const log = []; ${HELLO.replace('CAPABILITIES', '{ loadSession: true, sessionCapabilities: { resume: {} } }')}
    on('session/resume', ({ sessionId }) => { log.push('resumed ' + sessionId); return {} }); ${TURN}`)
  const resumed = await run([resume], {}, { sessionId: 'old' })
  t.match(resumed.result, { success: true, response: 'resumed old', sessionId: 'old' })
  t.notOk('usage' in resumed.result)
  const load = script(t, `const log = []; ${HELLO.replace('CAPABILITIES', '{ loadSession: true }')}
    on('session/load', ({ sessionId }) => { update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'history' } }); log.push('loaded ' + sessionId); return {} }); ${TURN}`)
  const loaded = await run([load], {}, { sessionId: 'old' })
  t.match(loaded.result, { success: true, response: 'loaded old' })
  t.notOk(loaded.activities.some(({ message }) => message.includes('history')))
})

t.test('the model is chosen as the agent offers it; a wrong one is a notice', async (t) => {
  const option = script(t, `const log = []; ${HELLO.replace('CAPABILITIES', '{}')}
    on('session/new', () => ({ sessionId: 's', configOptions: [{ id: 'm', category: 'model' }] }))
    on('session/set_config_option', ({ configId, value }) => { log.push(configId + '=' + value); return {} }); ${TURN}`)
  t.match((await run([option], {}, { model: 'opus' })).result, { response: 'm=opus', model: 'opus' })
  const none = script(t, `const log = ['went on']; ${HELLO.replace('CAPABILITIES', '{}')}; on('session/new', () => ({ sessionId: 's' })); ${TURN}`)
  const refused = await run([none], {}, { model: 'opus' })
  t.match(refused.result, { success: true, response: 'went on' })
  t.match(kinds(refused, 'notice'), [{ message: /opus could not be chosen/ }])
})

t.test('an agent that dies, hangs or will not leave does not hold the run', async (t) => {
  t.match((await run(['-e', 'console.error("no key"); process.exit(3)'])).result, { success: false, error: 'no key', reason: 'no-result', exitCode: 3 })
  t.match((await run(['-e', 'setInterval(() => {}, 1e6)'], {}, { timeout: 200 })).result, { success: false, timedOut: true, reason: 'timeout' })
  const stays = script(t, `const log = ['x']; setInterval(() => {}, 1e6); process.exit = () => {}; ${HELLO.replace('CAPABILITIES', '{}')}; on('session/new', () => ({ sessionId: 's' })); ${TURN}`)
  t.match((await run([stays])).result, { success: true, signal: 'SIGTERM', timedOut: false })
})

t.test('an aborted run is cancelled first: what the agent still says is heard', async (t) => {
  const path = script(t, `${HELLO.replace('CAPABILITIES', '{}')}
    on('session/new', () => ({ sessionId: 's' }))
    let prompt
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line)
      if (method === 'session/prompt') prompt = id
      if (method !== 'session/cancel') return
      update({ sessionUpdate: 'tool_call_update', toolCallId: 'a', status: 'failed' })
      update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'cancelled ' + params.sessionId } })
      say({ id: prompt, result: { stopReason: 'cancelled' } })
    })
    on('session/cancel', () => {})
    on('session/prompt', () => { update({ sessionUpdate: 'tool_call', toolCallId: 'a', kind: 'execute', title: 'npm test' }) })`)
  for (const [invoke, reason] of [[{}, 'aborted'], [{ timeout: 1_500 }, 'timeout']] as const) {
    const controller = new AbortController()
    const activities: InvocationActivity[] = []
    const result = await acp({ command: process.execPath, args: [path], env: { NODE_OPTIONS: undefined } }).invoke('x', {
      ...invoke,
      signal: controller.signal,
      onActivity (activity) {
        activities.push(activity)
        if (reason === 'aborted' && activity.type === 'tool_exec') controller.abort()
      }
    })
    t.match(result, { success: false, reason, response: 'cancelled s' })
    t.match(activities.filter(({ type }) => type === 'tool_exec').map(({ metadata }) => metadata), [{ phase: 'start' }, { phase: 'end', status: 'error' }])
  }
})

t.test('updates that the protocol\'s schema does not know are shown, answers to nothing are not', async (t) => {
  const path = script(t, `const log = ['x']; ${HELLO.replace('CAPABILITIES', '{}')}; on('session/new', () => {
      update({ sessionUpdate: 'novel_update', x: 1 })
      say({ method: 'session/novel', params: {} })
      say({ id: 4711, result: {} })
      say({ id: 'q', method: 'fs/read_text_file', params: { path: '/x' } })
      return { sessionId: 's' }
    }); ${TURN}`)
  const run = await runQuietly(path)
  t.match(run.result, { success: true, response: 'x' })
  t.same(kinds(run, 'unknown').map(({ message }) => message), ['novel_update', 'session/novel'])
  t.same(run.printed.filter((line) => !/AGENT_TIMELINE_PROVIDER/.test(String(line))), [])
})

/** Notes what is printed on this process's own stderr meanwhile. */
async function runQuietly (path: string): Promise<Run & { printed: unknown[] }> {
  const printed: unknown[] = []
  const { error } = console
  console.error = (...args: unknown[]) => { printed.push(args) }
  try {
    return { ...await run([path]), printed }
  } finally {
    console.error = error
  }
}

t.test('version 2: permission for a call that only the question tells, resumed sessions, models', async (t) => {
  const path = script(t, `
    on('initialize', () => ({ protocolVersion: 2, info: { name: 'two', version: '1' }, capabilities: { session: {} } }))
    on('session/resume', ({ sessionId }) => ({ configOptions: [{ configId: 'm', category: 'model' }] }))
    on('session/set_config_option', ({ configId, type, value }) => { chosen = [configId, type, value].join(); return {} })
    let chosen
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, result } = JSON.parse(line)
      if (id !== 'p') return
      update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: chosen + ' ' + JSON.stringify(result) } })
      update({ sessionUpdate: 'state_update', state: 'idle', stopReason: 'end_turn' })
    })
    on(undefined, () => {})
    on('session/prompt', () => {
      say({ id: 'p', method: 'session/request_permission', params: { sessionId: 's', title: 'Run it?',
        subject: { type: 'tool_call', toolCall: { toolCallId: 'a', kind: 'execute', rawInput: { command: 'rm x' } } },
        options: [{ optionId: 'no', name: 'No', kind: 'reject_once' }, { optionId: 'yes', name: 'Yes', kind: 'allow_once' }] } })
      return { messageId: 'u' }
    })`)
  const { activities, result } = await run([path], { protocolVersion: 2, permission: 'deny' }, { sessionId: 's', model: 'opus' })
  t.match(result, { success: true, response: 'm,id,opus {"outcome":{"outcome":"selected","optionId":"no"}}' })
  t.match(activities.filter(({ type }) => type === 'tool_exec'), [{ message: 'exec: rm x' }, { metadata: { status: 'denied' } }])
})

t.test('without the SDK it says what to install', async (t) => {
  const missing = async (): Promise<object> => { throw Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' }) }
  await t.rejects(requireSdk(missing), { code: 'AGENT_TIMELINE_ACP_SDK_MISSING', message: /npm install @agentclientprotocol\/sdk/ })
  await t.rejects(requireSdk(async () => ({ ClientSideConnection: 1 })), { code: 'AGENT_TIMELINE_ACP_SDK_MISSING', message: /version 2/ })
  await requireSdk()
})

t.test('an agent that must be talked to cannot be read', async (t) => {
  await t.rejects(acp({ command: 'x' }).read({} as never), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})

t.test('who has to sign in is signed in by the method that is wanted, the default or the only one', async (t) => {
  const agent = script(t, `const { methods, fails, meta, version = 1, asks = 'session/new' } = JSON.parse(process.argv[2])
    let isIn = false
    on('initialize', () => ({ protocolVersion: version, agentCapabilities: {}, authMethods: methods, _meta: meta, agentInfo: { name: 'made-up' } }))
    const handler = ({ methodId }) => { if (fails) return fails; isIn = methodId; return {} }
    on(version === 2 ? 'auth/login' : 'authenticate', handler)
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method } = JSON.parse(line)
      if (method === asks && !isIn) say({ id, error: { code: -32000, message: 'Authentication required' } })
      else if (method === 'session/new') say({ id, result: { sessionId: 's' } })
    })
    on('session/new', () => {})
    on('session/prompt', () => {
      if (asks === 'session/prompt' && !isIn) return
      update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: isIn } })
      return { stopReason: 'end_turn' }
    })`)
  const [token, browser] = [{ id: 'token', name: 'Token' }, { id: 'browser', name: 'Log in' }]
  const terminal = { id: 'tui', name: 'Terminal', description: 'Run it login', type: 'terminal' }
  const copilot = { ...browser, _meta: { 'terminal-auth': { command: 'x' } } }
  const cases: Array<[about: object, options: Partial<AcpOptions>, success: string | RegExp]> = [
    [{ methods: [token, browser], meta: { defaultAuthMethodId: 'token' } }, {}, 'token'],
    [{ methods: [token, terminal] }, {}, 'token'],
    [{ methods: [token, browser] }, { authMethod: 'browser' }, 'browser'],
    [{ methods: [{ methodId: 'two', type: 'agent', name: 'Two' }], version: 2 }, { protocolVersion: 2 }, 'two'],
    [{ methods: [token, browser] }, {}, /made-up needs somebody who is signed in.*token \(Token\), browser \(Log in\).*authMethod/],
    [{ methods: [terminal] }, {}, /tui \(Run it login\)/],
    [{ methods: [copilot] }, {}, /sign in with its own program/],
    [{ methods: [token] }, { authMethod: 'absent' }, /absent is none of them/],
    [{ methods: [] }, {}, /offers no method/]
  ]
  for (const [about, options, expected] of cases) {
    const { result, activities } = await run([agent, JSON.stringify(about)], options)
    if (typeof expected === 'string') t.match(result, { success: true, response: expected })
    else {
      t.match(result, { success: false, error: expected, reason: 'authentication' })
      t.match(activities.find(({ type }) => type === 'error'), { metadata: { code: 'AGENT_TIMELINE_SIGN_IN_NEEDED' } })
    }
  }
  const { result } = await run([agent, JSON.stringify({ methods: [token], asks: 'session/prompt' })], {})
  t.match(result, { success: false, error: 'Authentication required', reason: 'authentication' }, 'a turn that is refused is not tried again')
})

t.test('signing in that takes a person is shown as a wait for one', async (t) => {
  const hello = HELLO.replace('agentCapabilities: CAPABILITIES', "authMethods: [{ id: 'b', name: 'Browser' }]")
  const agent = script(t, `${hello}
    const log = ['in']
    on('authenticate', () => {})
    on('session/new', () => ({ sessionId: 's' })); ${TURN}`)
  const stop = new AbortController()
  const waits: InvocationActivity[] = []
  const options = { args: [agent], authMethod: 'b', env: { NODE_OPTIONS: undefined }, killGraceMs: 300 }
  await acp({ command: process.execPath, ...options }).invoke('x', {
    signal: stop.signal,
    onActivity (activity) {
      if (activity.metadata?.kind !== 'waiting') return
      waits.push(activity)
      stop.abort()
    }
  })
  t.match(waits, [{ message: /Browser/, metadata: { waitKind: 'person', what: 'sign-in' } }])
})

t.test('what is printed before and between the answers is no answer: escape sequences, banners, warnings', async (t) => {
  const path = script(t, `const log = ['heard']
    process.stdout.write('\\x1b[?25h\\x1b]0;agent\\x07Welcome {to} the agent\\nwarning: old')
    ${HELLO.replace('CAPABILITIES', '{}')}
    on('session/new', () => { process.stdout.write('\\x1b[2K\\r'); return { sessionId: 's' } }); ${TURN}`)
  t.match((await run([path])).result, { success: true, response: 'heard', sessionId: 's' })
})

/** What is told of these updates, one a second; they are of the session `s` unless `of` says another. */
function tell (updates: ReadonlyArray<Record<string, unknown>>): { activities: InvocationActivity[], state: AcpState } {
  const activities: InvocationActivity[] = []
  let now = 0
  const onActivity = (activity: InvocationActivity): void => { activities.push(activity) }
  const log = createActivityLog({ onActivity, warn () {}, clock: () => 0, monotonicClock: () => now })
  const adapter = createAcpAdapter({})
  const receive = ({ method, params }: JsonObject) => ({ method: String(method), params: params as JsonObject })
  const state: AcpState = { ...adapter.start({}), sessionId: 's', connection: { receive } as AcpConnection }
  for (const { of: sessionId = 's', ...update } of updates) {
    now += 1_100
    const text = JSON.stringify({ method: 'session/update', params: { sessionId, update } })
    adapter.line({ text, truncated: false, partial: false }, state, log)
  }
  return { activities, state }
}

const textBlock = (text: string): object => ({ type: 'content', content: { type: 'text', text } })
const ends = (activities: readonly InvocationActivity[]): unknown[] =>
  activities.filter(({ metadata }) => metadata?.phase === 'end').map(({ metadata }) => metadata)

t.test('exit codes are found where each agent puts them', async (t) => {
  const of = (update: object): unknown => ends(tell([
    { sessionUpdate: 'tool_call', toolCallId: 'a', kind: 'execute', status: 'pending', title: 'Run tests', rawInput: { command: 'npm test' } },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', status: 'completed', ...update }
  ]).activities)
  const places = [
    { rawOutput: { content: 'bad', contents: [{ type: 'shell_exit', shellId: '1', exitCode: 3 }] } },
    { rawOutput: { type: 'shell_result', exitCode: 3, signal: null } },
    { rawOutput: { exit_code: 3 } },
    { rawOutput: { metadata: { exit: 3 } } },
    { rawOutput: { exitStatus: { exitCode: 3 } } },
    { _meta: { terminal_exit: { exit_code: 3 } } }
  ]
  for (const place of places) t.match(of(place), [{ status: 'error', exitCode: 3, toolKind: 'test' }], JSON.stringify(place))
  t.match(of({ rawOutput: { contents: [{ exitCode: 0 }] } }), [{ status: 'ok', exitCode: 0 }])
})

t.test('a command prints in updates without a status; what a tool read may be in its raw output alone', async (t) => {
  const { activities } = tell([
    { sessionUpdate: 'tool_call', toolCallId: 'a', kind: 'execute', status: 'pending', title: 'Run', rawInput: { command: 'npm test' } },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', content: [textBlock('line 1\n')] },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', content: [textBlock('line 1\nline 2\n')] },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', status: 'completed', content: [textBlock('line 1\nline 2\n')] },
    { sessionUpdate: 'tool_call', toolCallId: 'b', kind: 'read', status: 'pending', title: 'Viewing a.ts', rawInput: { path: 'a.ts' } },
    { sessionUpdate: 'tool_call_update', toolCallId: 'b', status: 'completed', rawOutput: { content: 'the file' } }
  ])
  t.same(activities.filter(({ metadata }) => metadata?.live).map(({ message }) => message), ['line 1', 'line 2'])
  t.match(ends(activities), [{ result: 'line 1\nline 2\n' }, { toolKind: 'read', result: 'the file' }])
})

t.test('usage is that of the whole run, or is not told', async (t) => {
  const spent = { inputTokens: 1000, outputTokens: 50, cachedReadTokens: 400 }
  const call = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: '' }, _meta: { usage: spent } }
  t.same(usageOfRun(tell([call, call, call]).state), { inputTokens: 3000, outputTokens: 150, cacheReadTokens: 1200 })
  const tool = [
    { sessionUpdate: 'tool_call', toolCallId: 'a', kind: 'read', title: 'a', status: 'in_progress' },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', status: 'completed' },
    { sessionUpdate: 'usage_update', used: 1400, size: 200_000, cost: { amount: 0.5, currency: 'USD' } }
  ]
  const last = tell(tool).state
  readUsage(spent, last)
  t.same(usageOfRun(last), { costUsd: 0.5 }, 'the tokens are the last step\'s, the cost is all')
  const only = tell(tool.slice(2)).state
  readUsage(spent, only)
  t.match(usageOfRun(only), { inputTokens: 1000, costUsd: 0.5 }, 'there was one step')
  const whole = tell(tool).state
  readUsage({ ...spent, inputTokens: 8000 }, whole)
  t.match(usageOfRun(whole), { inputTokens: 8000 })
})

t.test('drafts: plans by name, compaction, notices, sub-agents, who is waited for', async (t) => {
  const { activities } = tell([
    { sessionUpdate: 'plan_update', plan: { type: 'items', planId: 'p', entries: [{ content: 'one', status: 'completed' }, { content: 'two', status: 'pending' }] } },
    { sessionUpdate: 'plan_update', plan: { type: 'markdown', planId: 'p', content: '# All' } },
    { sessionUpdate: 'compaction_update', compactionId: 'c', status: 'in_progress' },
    { sessionUpdate: 'compaction_update', compactionId: 'c', status: 'failed', error: 'too long' },
    { sessionUpdate: 'notice', severity: 'warning', title: 'Slow', description: 'The model is busy' },
    { sessionUpdate: 'subagent_update', sessionId: 's', title: 'Explore', state: { state: 'running' } },
    { sessionUpdate: 'state_update', state: 'requires_action' },
    { sessionUpdate: 'tool_call_update', toolCallId: 't', name: 'web_search', kind: 'fetch', status: 'completed', rawInput: { query: 'x' } }
  ])
  t.match(activities.map(({ message, metadata }) => [metadata?.kind, message]), [
    ['plan', 'Plan: 1 of 2 done, next: two'], ['notice', 'Plan: # All'], ['compaction', /^Compacting/],
    ['compaction', /could not be compacted: too long/], ['notice', 'Slow: The model is busy'], ['notice', 'Sub-agent Explore: running'],
    ['waiting', 'Waiting for a person'], [undefined, 'web_search: x'], [undefined, 'web_search: x']
  ])
  t.match(activities[6]!.metadata, { waitKind: 'person' })
  t.match(activities[7]!.metadata, { tool: 'web_search', toolKind: 'web' })
})

t.test('a sub-agent\'s session neither answers nor ends the turn of the run', async (t) => {
  const { activities, state } = tell([
    { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'mine' } },
    { sessionUpdate: 'subagent_update', sessionId: 'child', title: 'Explore' },
    { of: 'child', sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'not mine' } },
    { of: 'child', sessionUpdate: 'tool_call', toolCallId: 'x', kind: 'search', title: 'look', status: 'in_progress' },
    { of: 'child', sessionUpdate: 'state_update', state: 'idle', stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 1 } }
  ])
  t.equal(state.answer, 'mine')
  t.equal(state.stopReason, undefined)
  t.match(activities.slice(2), [{ metadata: { sessionId: 'child' } }, { metadata: { toolKind: 'search' } }])
})

t.test('version 2: a terminal that prints before its call is known, in pieces that end inside a character', async (t) => {
  const bytes = Buffer.from('grün\n')
  const piece = (from: number, to?: number): object =>
    ({ sessionUpdate: 'terminal_output_chunk', terminalId: 'x', data: bytes.subarray(from, to).toString('base64') })
  const { activities } = tell([
    { ...piece(0, 3) }, { ...piece(3) },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', kind: 'execute', title: 'ls', status: 'in_progress', content: [{ type: 'terminal', terminalId: 'x' }] },
    { sessionUpdate: 'terminal_update', terminalId: 'x', exitStatus: { exitCode: 2 } },
    { sessionUpdate: 'tool_call_update', toolCallId: 'a', status: 'completed' }
  ])
  t.match(ends(activities), [{ status: 'error', exitCode: 2, result: 'grün\n' }])
})
