import t from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import { claude, codex, gemini, type Agent, type AgentOptions } from '../../../lib/providers/index.js'
import { read, recording, type Reading } from './recordings.js'

type Cli = 'claude-2.1.330' | 'codex-0.169.0' | 'gemini-0.61.0'
const [CLAUDE, CODEX, GEMINI] = ['claude-2.1.330', 'codex-0.169.0', 'gemini-0.61.0'] as const
const adapters = {
  [CLAUDE]: claudeAdapter, [CODEX]: createCodexAdapter(), [GEMINI]: geminiAdapter
} as Record<Cli, CliAdapter<never>>
const agents: Record<Cli, (options: AgentOptions) => Agent> = { [CLAUDE]: claude, [CODEX]: codex, [GEMINI]: gemini }
const env = { NODE_OPTIONS: undefined }
const ends = ({ activities }: Reading): unknown[] =>
  activities.filter(({ metadata }) => metadata?.phase === 'end').map(({ metadata }) => metadata!.status)
const waits = ({ activities }: Reading): unknown[] =>
  activities.filter(({ metadata }) => metadata?.kind === 'waiting').map(({ metadata }) => metadata!.what)

/** What somebody has to know who has to do something about it. */
const FAILURES: Array<[cli: Cli, name: string, error: RegExp, exit: number | string, reason: string]> = [
  [CLAUDE, 'err-401', /Invalid API key/, 1, 'api_error'],
  [CODEX, 'err-401', /401 Unauthorized: Incorrect API key/, 1, 'turn-failed'],
  [GEMINI, 'err-401', /401: .*invalid authentication/, 145, 'api_error'],
  [GEMINI, 'no-auth', /GEMINI_API_KEY/, 41, 'no-result'],
  [CLAUDE, 'err-500-3retries', /500 Internal server error/, 1, 'api_error'],
  [CODEX, 'err-500', /high demand/, 1, 'turn-failed'],
  [GEMINI, 'err-500', /API error 500/, 244, 'api_error'],
  [CODEX, 'err-usage-limit', /usage limit/, 1, 'turn-failed'],
  [CLAUDE, 'err-refused', /Connection refused/, 1, 'api_error'],
  [CODEX, 'err-cut', /stream disconnected/, 1, 'turn-failed'],
  [GEMINI, 'err-cut', /terminated/, 1, 'api_error'],
  [CLAUDE, 'kill-term-tool', /exit code 143/, 143, 'no-result'],
  [CODEX, 'kill-term-tool', /signal SIGTERM/, 'SIGTERM', 'no-result'],
  [CLAUDE, 'kill-int-tool', /interrupted/, 0, 'aborted_tools'],
  [CLAUDE, 'kill-kill-tool', /SIGKILL/, 'SIGKILL', 'no-result'],
  [CODEX, 'kill-kill-tool', /SIGKILL/, 'SIGKILL', 'no-result'],
  [GEMINI, 'kill-kill-tool', /SIGKILL/, 'SIGKILL', 'no-result'],
  [CLAUDE, 'max-turns', /maximum number of turns/, 1, 'max_turns'],
  [CODEX, 'no-prompt', /No prompt/, 1, 'no-result']
]

for (const [cli, name, error, exit, reason] of FAILURES) {
  t.test(`${cli} ${name}: failed, with what went wrong`, async (t) => {
    const reading = read(adapters[cli], recording(cli, name))
    t.match(reading.result, { success: false, error, reason, ...(typeof exit === 'number' ? { exitCode: exit } : { signal: exit }) })
    if (name.startsWith('kill')) t.same(ends(reading), ['aborted'], 'the open call')
    if (!name.startsWith('kill') && name !== 'no-prompt' && name !== 'no-auth') {
      t.ok(reading.activities.some(({ type, message }) => type === 'error' && error.test(message)), 'seen in the timeline, too')
    }
  })
}

t.test('what passes by itself is a wait, not an error', async (t) => {
  for (const cli of [CLAUDE, CODEX, GEMINI] as const) {
    const reading = read(adapters[cli], recording(cli, 'err-429'))
    t.match(reading.result, { success: true, exitCode: 0 }, cli)
    t.same(reading.activities.filter(({ type }) => type === 'error'), [], cli)
    t.same(waits(reading), ['rate limit', 'rate limit'], cli)
  }
  t.same(waits(read(adapters[CLAUDE], recording(CLAUDE, 'err-refused'))), ['network', 'network'])
  t.match(read(adapters[CLAUDE], recording(CLAUDE, 'err-cut')).result, { success: true }, 'asks again without a stream')
})

/** How a run looks from outside while its server does not answer: the recorded beginning, then nothing. */
async function hang (cli: Cli, name: string, lines: number): Promise<Omit<Reading, 'warnings'>> {
  const begin = recording(cli, name).stdout.toString().split('\n').slice(0, lines).map((line) => `${line}\n`).join('')
  const code = `process.stdout.write(${JSON.stringify(begin)}); setInterval(() => {}, 1e6)`
  const agent = agents[cli]({ command: process.execPath, args: ['-e', code], env, killGraceMs: 300, startupAllowanceMs: 5_000 })
  const activities: InvocationActivity[] = []
  const result = await agent.invoke('', { silenceTimeout: 300, onActivity: (activity) => { activities.push(activity) } })
  return { result, activities }
}

t.test('a server that hangs, or a connection that is refused for ever, ends by the time that the host allows', async (t) => {
  for (const [cli, name, lines] of [[CLAUDE, 'main', 1], [CODEX, 'err-401', 3], [GEMINI, 'main', 2]] as const) {
    const { result } = await hang(cli, name, lines)
    t.match(result, { success: false, timedOut: true, reason: 'silence', error: /printed nothing for 300 ms/, signal: 'SIGTERM' }, cli)
  }
  const inTool = await hang(CLAUDE, 'kill-kill-tool', 100)
  t.match(inTool.activities.at(-1)?.metadata, { phase: 'end', status: 'aborted' })
})

t.test('a CLI that is not there, or may not be run, says what to do', async (t) => {
  for (const open of Object.values(agents)) {
    await t.rejects(open({ command: 'no-such-cli' }).invoke(''), { code: 'AGENT_TIMELINE_COMMAND_NOT_FOUND', message: /Install it/ })
    await t.rejects(open({ command: process.execPath, cwd: '/no/such/folder' }).invoke(''), { code: 'AGENT_TIMELINE_CWD_NOT_FOUND' })
    await t.rejects(open({ command: t.testdir() }).invoke(''), { code: 'AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE', message: /permissions/ })
  }
})

t.test('separators, colours and characters of several bytes arrive as they were meant', async (t) => {
  for (const cli of [CLAUDE, CODEX, GEMINI] as const) {
    const lines = read(adapters[cli], recording(cli, 'linesep'))
    t.match(lines.result, { success: true, response: 'Final\u2028answer.' }, cli)
    t.match(lines.activities.find(({ metadata }) => metadata?.phase === 'end')!.metadata!.result, /a\u2028b\u2029c/, cli)
    const fancy = read(adapters[cli], recording(cli, 'fancy'))
    t.match(fancy.activities.find(({ metadata }) => metadata?.phase === 'end')!.metadata, { status: 'ok', result: /100%[\s\S]*built/ }, cli)
    const recorded = recording(cli, 'utf8')
    const inside = [...recorded.stdout.keys()].filter((at) => (recorded.stdout[at]! & 0xc0) === 0x80)
    t.ok(inside.length > 100, 'bytes inside characters')
    const { result, activities } = read(adapters[cli], recorded, { cuts: inside })
    t.match(result.response, /Grüße, 世界! 👩‍👩‍👧‍👦 🚀/u, cli)
    const output = activities.filter(({ type }) => type === 'output').map(({ message }) => message).join('')
    t.notMatch(output, /\ufffd/, cli)
  }
})

t.test('a line of more than a megabyte is read, and its result handed on whole: the recorder cuts it when its secrets are hidden', async (t) => {
  const long = 'L'.repeat(1_300_000)
  const lines: Record<Cli, object[]> = {
    [CLAUDE]: [
      { type: 'assistant', message: { content: [{ type: 'tool_use', id: 'a', name: 'Bash', input: { command: 'x' } }] } },
      { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'a', content: `${long}END` }] } }
    ],
    [CODEX]: [{ type: 'item.completed', item: { id: 'a', type: 'command_execution', command: 'x', aggregated_output: `${long}END`, exit_code: 0, status: 'completed' } }],
    [GEMINI]: [
      { type: 'tool_use', tool_id: 'a', tool_name: 'run_shell_command', parameters: { command: 'x' } },
      { type: 'tool_result', tool_id: 'a', status: 'success', output: `${long}END` }
    ]
  }
  for (const cli of [CLAUDE, CODEX, GEMINI] as const) {
    const stdout = Buffer.from(lines[cli].map((line) => `${JSON.stringify(line)}\n`).join(''))
    const cuts = Array.from({ length: Math.floor(stdout.length / 65_536) }, (_, at) => (at + 1) * 65_536)
    const { activities } = read(adapters[cli], { stdout, stderr: Buffer.alloc(0), exitCode: 0, signal: null }, { cuts })
    const end = activities.find(({ metadata }) => metadata?.phase === 'end')!
    t.match(end.metadata, { status: 'ok', result: /END$/ }, cli)
    t.equal(String(end.metadata!.result).length, 1_300_003, cli)
  }
})
