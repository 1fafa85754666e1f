import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startExample } from '../support/example.js'
import { SseClient } from '../plugins/sse-client.js'

t.setTimeout(300_000)

const isTaskEnd = ({ data }: { data: { type: string } }) => ['task.completed', 'task.failed'].includes(data.type)

t.test('npm start takes a task from coder to completion, live and afterwards', async (t) => {
  const example = await startExample()
  t.teardown(() => example.stop())
  const stream = await SseClient.connect(`${example.origin}/api/tasks/${example.taskId}/stream`)
  await stream.until(({ frames }) => frames.some(isTaskEnd))
  const events = stream.frames.filter((frame) => frame.id !== undefined).map((frame) => frame.data)

  t.strictSame(events.map((event) => event.seq), events.map((_, index) => index + 1), 'dense from 1')
  t.strictSame(events.filter((event) => event.activityType === undefined).map((event) => event.type), [
    'task.started', 'invocation.started', 'invocation.completed', 'task.review', 'invocation.started',
    'invocation.completed', 'task.completed'
  ])
  const calls = events.filter((event) => event.activityType === 'tool_exec')
  const started = calls.filter((event) => event.metadata.phase === 'start').map((event) => event.metadata.callId)
  const ended = calls.filter((event) => event.metadata.phase === 'end').map((event) => event.metadata.callId)
  t.ok(started.length >= 10, `${started.length} tool calls`)
  t.strictSame([...ended].sort(), [...started].sort(), 'each tool call that starts ends')

  const text = await (await fetch(`${example.origin}/api/tasks/${example.taskId}/timeline`, {
    headers: { accept: 'text/plain' }
  })).text()
  const told = text.split('\n').filter((line) => /^\d\d:/.test(line)).map((line) => line.slice(10))
  t.equal(told[0], '▶  Task started by orchestrator')
  t.equal(told[1], '⟳  Coder started (claude, claude-opus-5-5)')
  t.match(told[2], /^⚡ exec: rg -n TODO src\//)
  t.ok(told.some((line) => /^✓ {2}Coder completed \(\d+s\)$/.test(line)))
  t.ok(told.some((line) => /^✓ {2}Reviewer approved \(\d+s\)$/.test(line)))
  t.equal(told.at(-1), '✓  Task completed')
})

t.test('a recording from anywhere shows its own lines', async (t) => {
  const directory = t.testdir()
  const recording = join(directory, 'mine.stdout.ndjson')
  writeFileSync(recording, [
    { type: 'system', subtype: 'init', session_id: 's', model: 'claude-of-mine', tools: [] },
    toolUse('toolu_mine', { command: 'echo only-in-this-recording' }),
    toolResult('toolu_mine', 'only-in-this-recording'),
    { type: 'result', subtype: 'success', is_error: false, result: 'Said it.', usage: {} }
  ].map((line) => JSON.stringify(line) + '\n').join(''))
  const example = await startExample('--recording', recording)
  t.teardown(() => example.stop())
  const stream = await SseClient.connect(`${example.origin}/api/tasks/${example.taskId}/stream`)
  await stream.until(({ frames }) => frames.some(({ data }) => data.activity === 'exec: echo only-in-this-recording'))
  const started = stream.frames.find(({ data }) => data.type === 'invocation.started')
  t.equal(started?.data.model, 'claude-of-mine')
})

t.test('a runner that is killed is told as lost', async (t) => {
  const example = await startExample('--speed', '0.2')
  t.teardown(() => example.stop())
  const stream = await SseClient.connect(`${example.origin}/api/tasks/${example.taskId}/stream`)
  await stream.until(({ frames }) => frames.some(({ data }) => data.metadata?.phase === 'start'))
  const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(example.child.pid)]).toString()
  const runner = children.split('\n').find((line) => line.includes('runner.js'))
  process.kill(Number.parseInt(runner ?? ''), 'SIGKILL')
  await stream.until(({ frames }) => frames.some(({ data }) => data.type === 'invocation.failed'))
  const failed = stream.frames.find(({ data }) => data.type === 'invocation.failed')
  t.equal(failed?.data.reason, 'lost')
})

t.test('options that cannot be had are told in a sentence', async (t) => {
  const traffic = fileURLToPath(new URL('../fixtures/transcripts/acp-gemini-0.61.0/main.traffic.ndjson', import.meta.url))
  const cases = [
    [['--port', 'abc'], /^--port is a number from 0 to 65535\n$/],
    [['--speed', '0'], /^--speed is a number above 0\n$/],
    [['--recordings', 'x'], /^Unknown option '--recordings'[^\n]*\n$/],
    [['--agent', 'nope'], /^There is no agent nope; known are claude, codex, gemini\n$/],
    [['--recording', '/no/such/file'], /^There is no recording \/no\/such\/file\n$/],
    [['--recording', traffic], /main\.traffic\.ndjson is no recording of claude, codex, gemini\n$/]
  ] as const
  const example = fileURLToPath(new URL('../../dist/examples/orchestrator.js', import.meta.url))
  for (const [given, sentence] of cases) {
    const { status, stderr } = spawnSync(process.execPath, [example, ...given], { encoding: 'utf8' })
    t.equal(status, 2, given.join(' '))
    t.match(stderr, sentence)
  }
  const help = spawnSync(process.execPath, [example, '--help'], { encoding: 'utf8' })
  t.equal(help.status, 0)
  t.match(help.stdout, /--recording FILE[\s\S]*--once/)
})

t.test('agent-timeline demo is the example', async (t) => {
  const bin = fileURLToPath(new URL('../../dist/plugins/cli/command-line.js', import.meta.url))
  const child = spawn(process.execPath, [bin, 'demo', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (data) => { printed += String(data) })
  while (!printed.includes('/timeline/tasks/')) await once(child.stdout, 'data')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
})

function toolUse (id: string, input: object) {
  return { type: 'assistant', message: { id: 'm', content: [{ type: 'tool_use', id, name: 'Bash', input }] } }
}

function toolResult (id: string, content: string) {
  return { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: id, content }] } }
}
