import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { buildSync } from 'esbuild'
import t, { type Test } from 'tap'
import type { InvocationDetails } from '../../lib/model/events.js'
import { openTimeline } from '../../lib/open-timeline.js'
import { compileProgram } from '../lib/providers/player.js'
import { recording } from '../lib/providers/recordings.js'
import { makeFolder } from './app.js'

t.setTimeout(300_000)

const program = join(t.testdir(), 'command-line.mjs')
buildSync({
  entryPoints: [fileURLToPath(new URL('../../plugins/cli/command-line.ts', import.meta.url))],
  outfile: program,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm'
})
const player = compileProgram(join(program, '..'), '../../../examples/player.ts')
/** Not with the test runner's loader. */
const env = { ...process.env, NODE_OPTIONS: '' }

interface Ran {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

function start (database: string, words: readonly string[], options: readonly string[] = []): ChildProcess {
  const args = [program, 'run', '--database', database, '--task', 'a', '--role', 'coder', ...options]
  return spawn(process.execPath, [...args, '--', ...words], { stdio: 'pipe', env })
}

async function finish (child: ChildProcess): Promise<Ran> {
  const [stdout, stderr]: Buffer[][] = [[], []]
  child.stdout!.on('data', (chunk: Buffer) => stdout!.push(chunk))
  child.stderr!.on('data', (chunk: Buffer) => stderr!.push(chunk))
  const [code, signal] = await once(child, 'close') as [number | null, string | null]
  return { code, signal, stdout: Buffer.concat(stdout!), stderr: Buffer.concat(stderr!) }
}

async function run (database: string, words: readonly string[], options: readonly string[] = [], stdin = ''): Promise<Ran> {
  const child = start(database, words, options)
  child.stdin!.on('error', () => {}).end(stdin)
  return await finish(child)
}

async function recorded (database: string): Promise<InvocationDetails> {
  const timeline = await openTimeline({ database, create: false })
  try {
    const { invocations } = await timeline.listInvocations()
    return (await timeline.getInvocation(invocations[0]!.id))!
  } finally {
    await timeline.close()
  }
}

const node = (code: string): string[] => [process.execPath, '-e', code]
const database = (t: Test): string => join(makeFolder(t), 'x.db')

function isAlive (pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

t.test('any command is recorded by line, stderr apart, and keeps its streams and exit code', async (t) => {
  const path = database(t)
  const code = `
    process.stdin.on('data', (chunk) => process.stdout.write(chunk)).on('end', () => {
      process.stderr.write('careful'); process.stdout.write(Buffer.from([0, 255, 254, 10, 13])); process.exitCode = 3
    })`
  const ran = await run(path, node(code), ['--title', 'Fix it', '--model', 'm1', '--provider', 'mine'], 'grüße\nwelt\n')
  t.match(ran, { code: 3, signal: null })
  t.same(ran.stdout, Buffer.concat([Buffer.from('grüße\nwelt\n'), Buffer.from([0, 255, 254, 10, 13])]))
  t.equal(ran.stderr.toString(), 'careful')
  const invocation = await recorded(path)
  t.match(invocation, {
    taskId: 'a', role: 'coder', provider: 'mine', model: 'm1', status: 'failed', exitCode: 3, error: 'careful', reason: 'exit-code'
  })
  const outputs = invocation.activities.filter(({ type }) => type === 'output')
  t.match(outputs.filter(({ metadata }) => metadata?.stream === 'stderr').map(({ message }) => message), ['careful\n'])
  t.match(outputs.filter(({ metadata }) => metadata?.stream === undefined).map(({ message }) => message).join(''), /^grüße\nwelt\n/)
})

t.test('what it prints passes while it runs, in any amount', async (t) => {
  const path = database(t)
  const child = start(path, node(`
    console.log('ready')
    process.stdin.once('data', () => {
      for (let i = 0; i < 2000; i++) process.stdout.write('x'.repeat(4000) + i + '\\n')
      process.stdin.destroy()
    })`))
  const hash = createHash('sha256')
  const [first] = await once(child.stdout!, 'data') as [Buffer]
  t.equal(first.toString(), 'ready\n', 'before the command ends')
  child.stdin!.write('go')
  let bytes = 0
  child.stdout!.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    hash.update(chunk)
  })
  const [code] = await once(child, 'close')
  t.equal(code, 0)
  const expected = Array.from({ length: 2000 }, (_, i) => `${'x'.repeat(4000)}${i}\n`).join('')
  t.equal(bytes, expected.length)
  t.equal(hash.digest('hex'), createHash('sha256').update(expected).digest('hex'))
})

for (const [cli, name] of [['claude-2.1.330', 'main'], ['codex-0.169.0', 'main'], ['gemini-0.61.0', 'main'], ['codex-0.169.0', 'err-401']] as const) {
  t.test(`${cli} ${name} is recognised, behind other lines too, and read by its adapter`, async (t) => {
    const path = database(t)
    const { file, stdout, stderr, exitCode } = recording(cli, name)
    const ran = await run(path, ['sh', '-c', 'echo starting; exec "$@"', 'sh', process.execPath, player, file, '--speed', '1000'], [], 'tour')
    t.equal(ran.code, exitCode)
    t.same(ran.stdout, Buffer.concat([Buffer.from('starting\n'), stdout]))
    t.same(ran.stderr, stderr)
    const invocation = await recorded(path)
    const tools = invocation.activities.filter(({ type }) => type === 'tool_exec')
    const isMain = name === 'main'
    t.equal(tools.filter(({ metadata }) => metadata?.phase === 'end').length, isMain ? 8 : 0)
    t.match(invocation, isMain
      ? { status: 'completed', response: /^Done: the greeting/, usage: { inputTokens: Number } }
      : { status: 'failed', error: /401 Unauthorized/, exitCode: 1 })
  })
}

t.test('signals reach the command, whose whole tree ends; the exit is the command\'s', async (t) => {
  const tree = `
    const { spawn } = require('node:child_process')
    const deep = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { detached: true, stdio: 'inherit' })
    process.on('SIGINT', () => { console.log('interrupted'); process.exit(42) })
    console.log(deep.pid); setInterval(() => {}, 1e6)`
  for (const [signal, code, by] of [['SIGINT', 42, null], ['SIGTERM', null, 'SIGTERM']] as const) {
    const path = database(t)
    const child = start(path, node(tree))
    const ran = finish(child)
    const [first] = await once(child.stdout!, 'data') as [Buffer]
    child.kill(signal)
    t.match(await ran, { code, signal: by }, signal)
    t.equal(isAlive(Number(first)), false)
    t.match(await recorded(path), { status: 'failed', reason: 'aborted', exitCode: code })
  }
  const killed = await run(database(t), node('process.kill(process.pid, "SIGKILL")'))
  t.match(killed, { code: null, signal: 'SIGKILL' })
})

t.test('what a command detached on purpose outlives its exit, not its end by others', async (t) => {
  const server = '"$NODE" -e "setInterval(() => {}, 1e6)"'
  const ways: ReadonlyArray<readonly [name: string, start: string, isLeft: boolean]> = [
    ['a session of its own', `setsid ${server} </dev/null >/dev/null 2>&1 & echo $!`, true],
    ['a session of its own, with the pipes of the run', `setsid ${server} & echo $!`, true],
    ['a daemon', `setsid sh -c '${server} </dev/null >/dev/null 2>&1 & echo $!'`, true],
    ['output of its own', `${server} >/dev/null 2>&1 & echo $!`, true],
    ['nohup', `nohup ${server} </dev/null >/dev/null 2>&1 & echo $!`, true],
    ['nohup, with the pipes of the run', `nohup ${server} & echo $!`, false],
    ['forgotten', `${server} & echo $!`, false]
  ]
  for (const [name, code, isLeft] of ways) {
    const left: number[] = []
    t.teardown(() => { for (const pid of left.filter(isAlive)) process.kill(pid, 'SIGKILL') })
    const path = database(t)
    const script = ['sh', '-c', `NODE=${process.execPath}; export NODE; ${code}; exit 4`]
    const ran = await run(path, script)
    t.equal(ran.code, 4, name)
    left.push(Number(ran.stdout.toString()))
    t.equal(isAlive(left[0]!), isLeft, name)
    t.notOk((await recorded(path)).activities.some(({ message }) => /could not be ended/.test(message)), name)
  }
  const child = start(database(t), ['sh', '-c', `NODE=${process.execPath}; export NODE; ${ways[0]![1]}; sleep 1000`])
  const ran = finish(child)
  const [pid] = await once(child.stdout!, 'data') as [Buffer]
  child.kill('SIGTERM')
  t.match(await ran, { signal: 'SIGTERM' })
  t.equal(isAlive(Number(pid)), false, 'ended with the command')
})

t.test('a command over its time is ended and recorded as timed out; silence counts apart', async (t) => {
  for (const option of ['--timeout', '--silence-timeout']) {
    const path = database(t)
    const ran = await run(path, node('console.log(1); setInterval(() => {}, 1e6)'), [option, '300'])
    t.match(ran, { code: null, signal: 'SIGTERM' })
    t.match(ran.stderr.toString(), /^agent-timeline: .*300 ms/)
    t.match(await recorded(path), { status: 'timeout' })
  }
})

t.test('a command that cannot be started ends as in a shell', async (t) => {
  const path = database(t)
  const ran = await run(path, ['no-such-agent-cli'])
  t.equal(ran.code, 127)
  t.match(ran.stderr.toString(), /AGENT_TIMELINE_COMMAND_NOT_FOUND/)
  t.match(await recorded(path), { status: 'failed', error: /no-such-agent-cli/ })
})

t.test('trouble with the database does not change the run', async (t) => {
  const folder = makeFolder(t)
  writeFileSync(join(folder, 'text.db'), 'this is no database, '.repeat(100))
  const locked = join(folder, 'locked.db')
  await (await openTimeline({ database: locked })).close()
  const lock = new Sqlite(locked)
  lock.exec('BEGIN EXCLUSIVE')
  t.teardown(() => { lock.close() })
  for (const path of [join(folder, 'text.db'), join(folder, 'no', 'such', 'folder.db'), locked, folder]) {
    const ran = await run(path, node('process.stdin.pipe(process.stdout); process.exitCode = 5'), [], 'as ever')
    t.equal(ran.code, 5, path)
    t.equal(ran.stdout.toString(), 'as ever', path)
    t.match(ran.stderr.toString(), /^agent-timeline: /, path)
  }
})

t.test('a reader that has seen enough closes the command\'s stdout, not the command', async (t) => {
  const path = database(t)
  const child = start(path, node(`
    process.stdout.on('error', () => { console.error('nobody reads'); process.exit(7) })
    setInterval(() => console.log('x'.repeat(1000)), 1)`))
  const stderr: string[] = []
  child.stderr!.on('data', (chunk) => stderr.push(String(chunk)))
  await once(child.stdout!, 'data')
  child.stdout!.destroy()
  const [code] = await once(child, 'exit')
  t.equal(code, 7)
  t.match(stderr.join(''), /nobody reads/)
})

t.test('--acp talks with an agent of the protocol: prompt from stdin or the option, its words on stdout, its turn decides', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const agent = join(makeFolder(t), 'agent.mjs')
  writeFileSync(agent, `import { createInterface } from 'node:readline'
    const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line)
      if (method === 'initialize') say({ id, result: { protocolVersion: 1 } })
      if (method === 'session/new') say({ id, result: { sessionId: 's' } })
      if (method !== 'session/prompt') return
      const text = 'heard ' + params.prompt[0].text
      say({ method: 'session/update', params: { sessionId: 's', update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } } } })
      say({ id, result: { stopReason: text.includes('refuse') ? 'refusal' : 'end_turn' } })
    }).on('close', () => process.exit(7))`)
  for (const [options, input, code, heard] of [
    [['--acp'], 'from stdin', 0, 'heard from stdin'], [['--acp', '--prompt', 'refuse'], '', 1, 'heard refuse']
  ] as const) {
    const child = start(database, [process.execPath, agent], options)
    const printed: Buffer[] = []
    child.stdout!.on('data', (chunk: Buffer) => { printed.push(chunk) })
    child.stdin!.end(input)
    const [ended] = await once(child, 'close')
    t.equal(ended, code)
    t.equal(Buffer.concat(printed).toString(), heard)
  }
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  const { invocations } = await timeline.listInvocations({ taskId: 'a' })
  t.match(invocations.map(({ status }) => status), ['failed', 'completed'])
})
