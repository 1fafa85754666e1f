import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import t, { type Test } from 'tap'

/** Runs in a process that holds itself to be on Windows: one of its own, because libraries look once. */
const PROGRAM = `
  Object.defineProperty(process, 'platform', { value: 'win32' })
  const { runProcess } = await import(process.argv[2])
  const { signalAfterLines, ...options } = JSON.parse(process.argv[3])
  const ending = new AbortController()
  const lines = []
  try {
    const end = await runProcess({
      ...options,
      stdin: '',
      signal: ending.signal,
      onLine: ({ text }) => { if (lines.push(text) === signalAfterLines) ending.abort() }
    })
    process.send({ end, lines })
  } catch ({ code, message }) {
    process.send({ error: { code, message } })
  }
  process.disconnect()`

const folder = t.testdir({ 'program.mjs': PROGRAM })
const runner = join(folder, 'process-runner.mjs')
buildSync({
  entryPoints: [fileURLToPath(new URL('../../../lib/providers/process/process-runner.ts', import.meta.url))],
  outfile: runner,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm'
})

interface Ran {
  readonly end?: { readonly stopReason?: string, readonly survivors: number[], readonly exitCode: number | null }
  readonly lines?: string[]
  readonly error?: { readonly code: string, readonly message: string }
}

async function run (options: object, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = fork(join(folder, 'program.mjs'), [runner, JSON.stringify({ killGraceMs: 100, ...options })], {
    env: { ...process.env, NODE_OPTIONS: '', SystemRoot: undefined, ...env }, execArgv: []
  })
  const [answer] = await once(child, 'message') as [Ran]
  return answer
}

/** Outside of this package, whose programs are modules. */
function makeFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-timeline-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A program of the test's, which Windows would have. */
function makeProgram (path: string, code: string): string {
  writeFileSync(path, `#!${process.execPath}\n${code}`)
  chmodSync(path, 0o755)
  return path
}

function makeTaskkill (t: Test, code: string): { readonly env: NodeJS.ProcessEnv, readonly log: string } {
  const root = makeFolder(t)
  mkdirSync(join(root, 'System32'))
  const log = join(root, 'log')
  const file = join(root, 'System32/taskkill.exe')
  writeFileSync(file, `#!/bin/sh\necho "$@" >>${log}\n${code}\n`)
  chmodSync(file, 0o755)
  return { env: { SystemRoot: root }, log }
}

function isAlive (pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

const AGENT = 'console.log(process.pid); setInterval(() => {}, 1e6)'
const agent = { command: process.execPath, args: ['-e', AGENT] }

t.test('the tree is ended by taskkill, once, by its whole path', async (t) => {
  const { env, log } = makeTaskkill(t, 'kill -9 $2')
  for (const [how, stopReason] of [[{ signalAfterLines: 1 }, 'aborted'], [{ timeout: 500 }, 'timeout']] as const) {
    const { end, lines } = await run({ ...agent, ...how }, env)
    t.match(end, { stopReason, survivors: [] })
    const [, pid] = /^\/pid (\d+) \/T \/F$/.exec(readFileSync(log, 'utf8').trim().split('\n').at(-1)!) ?? []
    t.equal(pid, lines?.[0] ?? pid)
    t.equal(isAlive(Number(pid)), false)
  }
  t.equal(readFileSync(log, 'utf8').trim().split('\n').length, 2)
  t.match(await run({ command: process.execPath, args: ['-e', 'console.log(1)'] }, env), { lines: ['1'] })
  t.equal(readFileSync(log, 'utf8').trim().split('\n').length, 2, 'nothing is sent to a number that may be free')
})

t.test('where taskkill is missing or refuses, the process itself is ended', async (t) => {
  for (const env of [{}, makeTaskkill(t, 'exit 1').env]) {
    const { end, lines } = await run({ ...agent, signalAfterLines: 1 }, env)
    t.match(end, { stopReason: 'aborted', survivors: [] })
    t.equal(isAlive(Number(lines?.[0])), false)
  }
})

t.test('a host that exits ends its agent', async (t) => {
  const { env, log } = makeTaskkill(t, 'kill -9 $2')
  const code = `
    Object.defineProperty(process, 'platform', { value: 'win32' })
    const { runProcess } = await import(${JSON.stringify(runner)})
    runProcess({ ...${JSON.stringify(agent)}, stdin: '', onLine: ({ text }) => { console.log(text); process.exit(3) } })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, NODE_OPTIONS: '', ...env }, stdio: ['ignore', 'pipe', 'inherit']
  })
  let pid = ''
  child.stdout.on('data', (chunk) => { pid += chunk })
  const [exitCode] = await once(child, 'close')
  t.equal(exitCode, 3)
  t.ok(existsSync(log))
  t.equal(isAlive(Number(pid)), false)
})

t.test('a shim of npm is started by cmd.exe, with its arguments as they are; a command that is missing says so', async (t) => {
  const root = makeFolder(t)
  mkdirSync(join(root, 'bin'))
  writeFileSync(join(root, 'bin/agent.cmd'), 'a shim')
  const comspec = makeProgram(join(root, 'cmd'), 'console.log(JSON.stringify(process.argv.slice(2)))')
  const env = { comspec, PATH: join(root, 'bin'), PATHEXT: '.EXE;.CMD' }
  const { lines } = await run({ command: 'agent', args: ['-p', 'say "hi" & calc'] }, env)
  const [slash, verbatim, c, words] = JSON.parse(lines?.[0] ?? '[]') as string[]
  t.same([slash, verbatim, c], ['/d', '/s', '/c'])
  t.match(words, /agent/)
  t.notMatch(words, /[^^]&/, 'nothing of an argument is a command')
  const missing = makeProgram(join(root, 'missing'), 'process.exit(1)')
  t.match(await run({ command: 'no-such-agent', args: [] }, { ...env, comspec: missing }), {
    error: { code: 'AGENT_TIMELINE_COMMAND_NOT_FOUND', message: /no-such-agent/ }
  })
})
