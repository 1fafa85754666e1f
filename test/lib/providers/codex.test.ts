import t from 'tap'
import { commandLine } from '../../../lib/providers/agent.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { unwrapShell } from '../../../lib/providers/shell-words.js'
import { read, recording, recordingsOf, type Reading } from './recordings.js'

const cli = 'codex-0.169.0'
const play = (name: string): Reading => read(createCodexAdapter(), recording(cli, name))

t.test('a run succeeds only if its turn completed and it exits with 0', async (t) => {
  const expected: Record<string, [success: boolean, said: string | RegExp]> = {
    badpatch: [true, 'Patch failed.'],
    badtool: [true, 'ok, gave up.'],
    bigout: [true, 'Big output seen.'],
    empty: [true, ''],
    'err-401': [false, /^unexpected status 401 Unauthorized/],
    'err-429': [true, 'Final answer: two files.'],
    'err-500': [false, /^We’re currently experiencing high demand/],
    'err-cut': [false, /^stream disconnected before completion/],
    'err-usage-limit': [false, /^You’ve hit your usage limit/],
    fancy: [true, 'Built.'],
    'kill-kill-tool': [false, /without an outcome \(signal SIGKILL\)/],
    'kill-term-tool': [false, /without an outcome \(signal SIGTERM\)/],
    linesep: [true, 'Final\u2028answer.'],
    main: [true, /^Done: the greeting/],
    'main-gpt-5.5': [true, /^Done: the greeting/],
    mcp: [true, 'MCP done.'],
    'no-prompt': [false, 'No prompt provided via stdin.'],
    parallel: [true, 'Both done.'],
    plan: [true, 'Plan finished.'],
    reasoning: [true, /./],
    resume: [true, 'Just an answer.'],
    'sandbox-denied-gpt-5.5': [true, 'Was it allowed?'],
    sub: [true, 'The sub-agent says: two files.'],
    utf8: [true, /^Grüße, 世界! 👩‍👩‍👧‍👦 🚀/]
  }
  t.strictSame(recordingsOf(cli).map(({ name }) => name).sort(), Object.keys(expected).sort())
  for (const [name, [success, said]] of Object.entries(expected)) {
    const { result } = play(name)
    t.match(success ? result.response : result.error, said, name)
    t.equal(result.success, success, name)
    t.equal('error' in result, !success, name)
  }
  t.match(read(createCodexAdapter(), { ...recording(cli, 'main'), exitCode: 1 }).result, { success: false, reason: 'exit-code' })
})

t.test('a command is shown without the shell around it', async (t) => {
  const cases: Array<[string, string]> = [
    ["/bin/bash -lc 'rg -n TODO src/'", 'rg -n TODO src/'],
    ['/bin/bash -lc "cat \'/tmp/a b\' \\$HOME"', "cat '/tmp/a b' $HOME"],
    ["bash -lc 'it'\\''s'", "it's"],
    ['/usr/bin/zsh -c ls', 'ls'],
    ['sh -lc "a" "b"', '"a" "b"'],
    ['/bin/bash -lc', '/bin/bash -lc'],
    ["/bin/bash -lc 'unfinished", "'unfinished"],
    ['npm test', 'npm test'],
    ['bash script.sh', 'bash script.sh']
  ]
  for (const [command, expected] of cases) t.equal(unwrapShell(command), expected, command)
})

t.test('commands tell their exit code, edits their files', async (t) => {
  const ends = play('main').activities.filter(({ metadata }) => metadata?.phase === 'end').map(({ message, metadata }) => [message, metadata!.status, metadata!.exitCode, metadata!.files])
  t.strictSame(ends.find(([message]) => String(message).includes('exit 1')), ['exec: echo "1 test failed" >&2; exit 1', 'error', 1, undefined])
  t.strictSame(ends.find(([message]) => String(message).includes('NOTES')), ['apply_patch: /tmp/proj/NOTES.md', 'ok', undefined, [{ path: '/tmp/proj/NOTES.md', kind: 'add' }]])
})

t.test('"Reconnecting" is a wait, not an error; only the last error is one, shown once', async (t) => {
  const { activities } = play('err-429')
  t.match(activities.filter(({ metadata }) => metadata?.kind === 'waiting').map(({ metadata }) => metadata), [
    { what: 'rate limit', attempt: 1, maxAttempts: 5 }, { what: 'rate limit', attempt: 2 }
  ])
  t.notOk(activities.some(({ type }) => type === 'error'))
  const failed = play('err-401').activities
  t.equal(failed.filter(({ metadata }) => metadata?.kind === 'retry').length, 5)
  t.match(failed.find(({ metadata }) => metadata?.kind === 'retry')!.metadata, { what: 'API error 401' })
  t.equal(failed.filter(({ type }) => type === 'error').length, 1)
})

t.test('a failed patch, which has no event, is read from stderr', async (t) => {
  t.match(play('badpatch').activities.filter(({ type }) => type === 'error'), [{ message: /^apply_patch verification failed/, metadata: { source: 'stderr' } }])
})

t.test('a plan is reported when it changes', async (t) => {
  const plans = play('plan').activities.filter(({ metadata }) => metadata?.kind === 'plan')
  t.strictSame(plans.map(({ message }) => message), ['Plan: 0 of 2 done, next: look', 'Plan: 2 of 2 done'])
})

t.test('tokens of a resumed session are those of this run, or not told', async (t) => {
  const cumulative = recording(cli, 'resume')
  const sessionId = '01a20798-8fc6-77f1-9b34-899e1de44483'
  t.notOk('usage' in read(createCodexAdapter(), cumulative, { call: { sessionId } }).result)
  const adapter = createCodexAdapter()
  const first = [
    { type: 'thread.started', thread_id: sessionId },
    { type: 'turn.completed', usage: { input_tokens: 27_887, cached_input_tokens: 11_236, output_tokens: 160 } }
  ]
  const stdout = Buffer.from(first.map((event) => JSON.stringify(event)).join('\n'))
  const started = read(adapter, { stdout, stderr: Buffer.alloc(0), exitCode: 0, signal: null })
  t.match(started.result.usage, { inputTokens: 27_887 })
  const resumed = read(adapter, cumulative, { call: { sessionId } })
  t.match(resumed.result.usage, { inputTokens: 14_134, outputTokens: 47, cacheReadTokens: 0 })
})

t.test('flags, model and session make the command line', async (t) => {
  const adapter = createCodexAdapter()
  const defaults = ['exec', '--json', '--dangerously-bypass-approvals-and-sandbox']
  t.strictSame(commandLine(adapter, {}, { prompt: 'x' }), [...defaults, '-'])
  t.strictSame(commandLine(adapter, { extraArgs: ['-c', 'a=1'] }, { prompt: 'x', model: 'm', sessionId: 's' }),
    [...defaults, '--model', 'm', '-c', 'a=1', 'resume', 's', '-'])
})
