import t from 'tap'
import { commandLine } from '../../../lib/providers/agent.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import { read, recording, recordingsOf, type Reading } from './recordings.js'

const cli = 'gemini-0.61.0'
const play = (name: string): Reading => read(geminiAdapter, recording(cli, name))

t.test('a run succeeds only if its result says so and it exits with 0', async (t) => {
  const expected: Record<string, [success: boolean, said: string | RegExp]> = {
    badtool: [true, 'ok, gave up.'],
    bigout: [true, 'Big output seen.'],
    denied: [true, 'Was it allowed?'],
    empty: [false, /^The model returned an empty response/],
    'err-401': [false, 'API error 401: Request had invalid authentication credentials.'],
    'err-429': [true, 'Final answer: two files.'],
    'err-500': [false, 'API error 500: An internal error has occurred.'],
    'err-cut': [false, /terminated/],
    fancy: [true, 'Built.'],
    'kill-kill-tool': [false, 'Gemini ended without a result (signal SIGKILL).'],
    // It ignored the signal, went on to its end and succeeded.
    'kill-term-tool': [true, /./],
    linesep: [true, 'Final\u2028answer.'],
    main: [true, 'Done: the greeting now says "hello, world" and NOTES.md was added.'],
    'main-no-ids': [true, /^Done: the greeting/],
    mcp: [true, 'MCP done.'],
    'no-auth': [false, /^When using Gemini API, you must specify the GEMINI_API_KEY/],
    parallel: [true, 'Both done.'],
    sub: [true, 'The sub-agent says: two files.'],
    topic: [true, 'Topic set.'],
    utf8: [true, /^Grüße, 世界! 👩‍👩‍👧‍👦 🚀/]
  }
  t.strictSame(recordingsOf(cli).map(({ name }) => name).sort(), Object.keys(expected).sort())
  for (const [name, [success, said]] of Object.entries(expected)) {
    const { result } = play(name)
    t.match(success ? result.response : result.error, said, name)
    t.equal(result.success, success, name)
    t.equal('error' in result, !success, name)
  }
})

t.test('an end without a result is a failure, even with exit code 0', async (t) => {
  const { result } = read(geminiAdapter, { ...recording(cli, 'kill-kill-tool'), exitCode: 0, signal: null })
  t.match(result, { success: false, reason: 'no-result', response: 'Starting a long build.' })
})

t.test('the pieces of a message say that they are pieces, so that they are joined when stored', async (t) => {
  const pieces = play('main').activities.filter(({ type }) => type === 'output').slice(-3)
  t.strictSame(pieces.map(({ message }) => message), ['Done: the greeting now s', 'ays "hello, world" and N', 'OTES.md was added.'])
  for (const { metadata } of pieces) t.strictSame(metadata, { delta: true })
})

t.test('of an edit path and size are kept', async (t) => {
  const edits = play('main').activities.filter(({ metadata }) => metadata?.phase === 'start' && metadata.files !== undefined)
  t.strictSame(edits.map(({ message, metadata }) => [message, metadata!.input, metadata!.files]), [
    ['replace: /tmp/proj/src/app.ts', { file_path: '/tmp/proj/src/app.ts' }, [{ path: '/tmp/proj/src/app.ts', kind: 'update', bytes: 22 }]],
    ['write_file: /tmp/proj/NOTES.md', { file_path: '/tmp/proj/NOTES.md' }, [{ path: '/tmp/proj/NOTES.md', kind: 'write', bytes: 27 }]]
  ])
})

t.test('retries, which only stderr tells, are waits with an end in sight where it says when', async (t) => {
  const waits = play('err-429').activities.filter(({ metadata }) => metadata?.kind === 'waiting')
  t.match(waits.map(({ metadata }) => metadata), [
    { what: 'rate limit', attempt: 1, until: '2026-01-01T00:00:05.195Z' }, { attempt: 2, until: '2026-01-01T00:00:10.657Z' }
  ])
  t.match(play('err-500').activities.filter(({ metadata }) => metadata?.kind === 'retry').map(({ metadata }) => metadata!.what), ['API error 500', 'API error 500'])
})

t.test('the model is the one that did the work', async (t) => {
  t.equal(play('main').result.model, 'gemini-3.1-pro-preview-customtools')
})

t.test('the echo of the prompt is skipped, also where it was cut', async (t) => {
  const echo = `{"type":"message","timestamp":"2026-11-23T08:35:28.440Z","role":"user","content":"${'x'.repeat(9_000_000)}`
  const recorded = { stdout: Buffer.from(echo), stderr: Buffer.alloc(0), exitCode: 0, signal: null }
  t.strictSame(read(geminiAdapter, recorded).activities, [])
})

t.test('flags, model and session make the command line', async (t) => {
  const defaults = ['--output-format', 'stream-json', '--yolo', '--skip-trust']
  t.strictSame(commandLine(geminiAdapter, {}, { prompt: 'x' }), defaults)
  t.strictSame(commandLine(geminiAdapter, { extraArgs: ['-d'] }, { prompt: 'x', model: 'm', sessionId: 's' }), [...defaults, '--model', 'm', '--resume', 's', '-d'])
  t.strictSame(geminiAdapter.env!(), { GEMINI_CLI_NO_RELAUNCH: 'true' })
})
