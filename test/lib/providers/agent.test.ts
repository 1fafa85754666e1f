import { spawn } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { InvocationActivity, InvokeOptions } from '../../../lib/model/activity.js'
import { claude, command } from '../../../lib/providers/index.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { compileProgram } from './player.js'
import { read, recording, recordingsOf } from './recordings.js'

const cli = 'claude-2.1.330'
const env = { NODE_OPTIONS: undefined }
const player = compileProgram(t.testdir(), '../../../examples/player.ts')

/** Plays a recording as a process. */
const play = (name: string): ReturnType<typeof claude> =>
  claude({ command: process.execPath, args: [player, recording(cli, name).file, '--speed', '1000'], env, killGraceMs: 300 })

function collect (): { activities: InvocationActivity[], onActivity: (activity: InvocationActivity) => void } {
  const activities: InvocationActivity[] = []
  return { activities, onActivity: (activity) => { activities.push(activity) } }
}

function isAlive (pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/** What does not depend on time. */
type Activities = readonly InvocationActivity[]
const timeless = (activities: Activities): unknown[] => activities.map(({ type, message, metadata }) => {
  const { durationMs, until, ...rest } = metadata ?? {}
  return { type, message, rest }
})

/** A program that answers as Claude does, after some code of ours. */
function fake (t: Test, code: string): string {
  // Beside a package of modules, tap's loader and Node 26 fail at a program without an extension.
  const path = join(t.testdir({ 'package.json': '{ "type": "commonjs" }' }), 'fake-claude')
  writeFileSync(path, `#!${process.execPath}\n${code}`)
  chmodSync(path, 0o755)
  return path
}
const RESULT = 'console.log(JSON.stringify({ type: "result", subtype: "success", is_error: false, result: JSON.stringify(process.argv.slice(2)) }))'

t.test('every recording played as a process gives what its bytes give', async (t) => {
  for (const recorded of recordingsOf(cli)) {
    const { activities, onActivity } = collect()
    const result = await play(recorded.name).invoke('tour', { onActivity })
    const expected = read(claudeAdapter, recorded)
    t.strictSame(timeless(activities), timeless(expected.activities), recorded.name)
    t.strictSame({ ...result, durationMs: 0 }, { ...expected.result, durationMs: 0 }, recorded.name)
  }
})

t.test('activities arrive while the agent runs, not at its end', async (t) => {
  const file = join(t.testdir(), 'heard')
  const wait = `const wait = setInterval(() => { if (require('node:fs').existsSync(${JSON.stringify(file)})) { clearInterval(wait); ${RESULT} } }, 5)`
  const agent = claude({ command: process.execPath, args: ['-e', `console.log('{"type":"novel"}'); ${wait}`], env })
  const result = await agent.invoke('', { onActivity: () => { writeFileSync(file, '') } })
  t.equal(result.success, true)
})

t.test('the flags for model and session are the CLI\'s own, the prompt goes to stdin', async (t) => {
  const command = fake(t, `process.stdin.resume().on('end', () => { ${RESULT} })`)
  const flags = async (options: object, invoke: InvokeOptions): Promise<unknown> =>
    JSON.parse((await claude({ command, env, ...options }).invoke('x', invoke)).response)
  const defaults = ['-p', '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions']
  t.strictSame(await flags({}, {}), defaults)
  t.strictSame(await flags({ args: [] }, {}), defaults, 'an empty list means the defaults')
  t.strictSame(await flags({ extraArgs: ['--x'] }, { model: 'opus', sessionId: 's1' }), [...defaults, '--model', 'opus', '--resume', 's1', '--x'])
  t.strictSame(await flags({ args: ['a', 'b'] }, { model: 'opus', sessionId: 's1' }), ['a', 'b'], 'args replaces everything')
  t.strictSame(await flags({ args: ({ model = '' }) => ['-m', model] } as object, { model: 'opus' }), ['-m', 'opus'])
})

t.test('environment and working directory are the agent\'s, unless the call names another directory', async (t) => {
  const code = 'console.log(JSON.stringify({ type: "result", subtype: "success", result: JSON.stringify([process.cwd(), process.env.PWD, process.env.A, process.env.HOME ?? null]) }))'
  const [one, two] = [t.testdir({ one: {}, two: {} })].flatMap((dir) => [join(dir, 'one'), join(dir, 'two')]) as [string, string]
  const agent = claude({ command: process.execPath, args: ['-e', code], env: { ...env, A: 'a', HOME: undefined }, cwd: one })
  t.strictSame(JSON.parse((await agent.invoke('')).response), [one, one, 'a', null])
  t.strictSame(JSON.parse((await agent.invoke('', { cwd: two })).response), [two, two, 'a', null])
})

t.test('a run over its time is ended, its open tool call aborted, what it said is kept', async (t) => {
  const { activities, onActivity } = collect()
  const line = readFileSync(recording(cli, 'kill-kill-tool').file, 'utf8')
  const code = `process.stdout.write(${JSON.stringify(line)}); setInterval(() => process.stderr.write('.'), 10)`
  const agent = claude({ command: process.execPath, args: ['-e', code], env, killGraceMs: 200 })
  // Long enough for a busy machine to start it.
  const result = await agent.invoke('', { timeout: 2500, onActivity })
  t.match(result, { success: false, timedOut: true, reason: 'timeout', error: /2500 ms/, response: 'Starting a long build.', signal: 'SIGTERM', sessionId: /^[0-9a-f-]{36}$/ })
  t.match(activities.at(-1), { type: 'tool_exec', metadata: { phase: 'end', status: 'aborted' } })
})

t.test('an agent that ignores SIGTERM, with children in sessions of their own, is gone a second after the grace', async (t) => {
  const STUBBORN = "process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1e6)"
  const LOOP = "trap '' TERM; echo $$; while :; do sleep 1; done"
  const code = `
    const { spawn } = require('node:child_process')
    const { STUBBORN, NESTED } = process.env
    process.on('SIGTERM', () => {})
    for (let i = 0; i < 2; i++) spawn(process.execPath, ['-e', STUBBORN], { detached: true, stdio: 'inherit' })
    spawn('sh', ['-c', NESTED], { detached: true, stdio: 'inherit' })
    console.log(process.pid); setInterval(() => console.error('busy'), 50)`
  const NESTED = 'setsid "$NODE" -e "$STUBBORN" & setsid sh -c "$LOOP"'
  const { activities, onActivity } = collect()
  const [timeout, killGraceMs] = [2_500, 700]
  const treeEnv = { ...env, STUBBORN, LOOP, NESTED, NODE: process.execPath }
  const startedAt = performance.now()
  const agent = command({ command: process.execPath, args: ['-e', code], env: treeEnv, killGraceMs })
  const result = await agent.invoke('', { timeout, onActivity })
  const lateMs = performance.now() - startedAt - timeout
  t.match(result, { success: false, timedOut: true, reason: 'timeout', signal: 'SIGKILL' })
  t.comment(`settled ${Math.round(lateMs)} ms after the timeout, grace ${killGraceMs}`)
  const printed = activities.filter(({ metadata }) => metadata?.stream !== 'stderr').map(({ message }) => Number(message))
  const pids = printed.filter((pid) => pid > 0)
  t.equal(pids.length, 5)
  t.strictSame(pids.filter(isAlive), [], 'no process of the tree is left')
})

t.test('an aborted run says so', async (t) => {
  const controller = new AbortController()
  const agent = claude({ command: process.execPath, args: ['-e', 'console.log("{}"); setInterval(() => {}, 1e6)'], env, killGraceMs: 200 })
  const result = await agent.invoke('', { signal: controller.signal, onActivity: () => { controller.abort() } })
  t.match(result, { success: false, timedOut: false, reason: 'aborted', error: 'The run was aborted.' })
})

t.test('a callback that throws or rejects does not break the run, and is warned about once', async (t) => {
  const warnings: string[] = []
  const heard = (warning: Error): void => { if (/onActivity/.test(warning.message)) warnings.push(warning.message) }
  process.on('warning', heard)
  t.teardown(() => { process.off('warning', heard) })
  const expected = read(claudeAdapter, recording(cli, 'main')).activities.length
  for (const fail of [() => { throw new Error('host') }, async () => { throw new Error('host') }]) {
    let calls = 0
    const result = await play('main').invoke('', { onActivity: () => { calls++; return fail() as unknown as undefined } })
    t.equal(result.success, true)
    t.equal(calls, expected)
  }
  t.equal(warnings.length, 2)
})

t.test('a host that spawns by itself gets the same', async (t) => {
  const { activities, onActivity } = collect()
  const child = spawn(process.execPath, [player, recording(cli, 'main').file, '--speed', '1000'])
  child.stdin.end('tour')
  const result = await claude().read(child, { onActivity })
  const expected = read(claudeAdapter, recording(cli, 'main'))
  t.strictSame(timeless(activities), timeless(expected.activities))
  t.match(result, { success: true, exitCode: 0, usage: expected.result.usage })
})

t.test('a CLI that refuses its flags is told as too old', async (t) => {
  const said = ["error: unknown option '--x'", "error: unexpected argument '--full-auto' found", 'Unknown arguments: x, y']
  for (const line of said) {
    const command = fake(t, `console.error(${JSON.stringify(line)}); process.exit(2)`)
    await t.rejects(claude({ command, env }).invoke('x'), { code: 'AGENT_TIMELINE_COMMAND_TOO_OLD', message: line })
    t.match(await claude({ command, args: ['--mine'], env }).invoke('x'), { success: false, error: line }, 'flags of one\'s own are one\'s own fault')
  }
})

t.test('what a CLI says on stderr is the error when it said nothing else', async (t) => {
  const command = fake(t, 'console.error("\\u001b[31mNot logged in\\u001b[0m\\n"); process.exit(1)')
  t.match(await claude({ command, env }).invoke('x'), { success: false, error: 'Not logged in', reason: 'no-result', exitCode: 1, stderrTail: /Not logged in/ })
})

t.test('wrong times and prompts that are too long are refused before anything starts', async (t) => {
  const agent = claude({ command: 'no-such-agent-cli' })
  for (const timeout of [0, -1, NaN]) await t.rejects(agent.invoke('', { timeout }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(agent.invoke('', { silenceTimeout: 0 }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(agent.invoke('é'.repeat(5_000_001)), { code: 'AGENT_TIMELINE_PROMPT_TOO_LONG', message: /10000002 bytes, at most 10000000/ })
})

t.test('a missing CLI rejects with its code', async (t) => {
  await t.rejects(claude({ command: 'no-such-agent-cli' }).invoke('x'), { code: 'AGENT_TIMELINE_COMMAND_NOT_FOUND' })
})
