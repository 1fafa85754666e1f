import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runProcess, watchProcess, type ProcessEnd, type RunOptions } from '../../../lib/providers/process/process-runner.js'

/** Runs a piece of JavaScript as the child. */
async function run (code: string, options: Partial<RunOptions> = {}): Promise<{ end: ProcessEnd, lines: string[] }> {
  const lines: string[] = []
  const end = await runProcess({
    command: process.execPath,
    args: ['-e', code],
    env: { NODE_OPTIONS: undefined },
    stdin: '',
    onLine: (line) => { lines.push(line.text) },
    ...options
  })
  return { end, lines }
}

function isAlive (pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/** Aborts the run once the child has printed this many pids, and gives them. */
function abortAfter (count: number): { signal: AbortSignal, pids: number[], onLine: RunOptions['onLine'] } {
  const controller = new AbortController()
  const pids: number[] = []
  return {
    signal: controller.signal,
    pids,
    onLine (line) {
      if (/^\d+$/.test(line.text) && pids.push(Number(line.text)) === count) controller.abort()
    }
  }
}

function assertGone (t: Test, pids: number[]): void {
  t.strictSame(pids.filter(isAlive), [], 'nothing lives on')
}

const SLEEPER = 'setInterval(()=>{},1e6)'

t.test('the prompt arrives on stdin, which is then ended', async (t) => {
  const { end, lines } = await run('process.stdin.pipe(process.stdout)', { stdin: 'grüße\nwelt' })
  t.strictSame(lines, ['grüße', 'welt'])
  t.match(end, { exitCode: 0, signal: null, stderrTail: '', survivors: [] })
})

t.test('exit code and signal are told apart', async (t) => {
  t.match((await run('process.exit(7)')).end, { exitCode: 7, signal: null })
  t.match((await run('process.kill(process.pid, "SIGKILL")')).end, { exitCode: null, signal: 'SIGKILL' })
})

t.test('a program that ends without reading a large prompt does not break the run', async (t) => {
  const { end } = await run('process.stdin.destroy(); process.exit(3)', { stdin: 'x'.repeat(4_000_000) })
  t.equal(end.exitCode, 3)
})

t.test('both pipes full at once do not deadlock', async (t) => {
  const code = `
    const { writeSync } = require('node:fs')
    const all = (fd, s) => { for (let b = Buffer.from(s); b.length > 0;) { try { b = b.subarray(writeSync(fd, b)) } catch (e) { if (e.code !== 'EAGAIN') throw e } } }
    for (let i = 0; i < 200; i++) { all(1, 'o'.repeat(20000) + '\\n'); all(2, 'e'.repeat(2000) + '\\n') }
    process.stdin.on('data', () => {}).on('end', () => process.exit(0))`
  const { end, lines } = await run(code, { stdin: 'p'.repeat(3_000_000) })
  t.equal(lines.length, 200)
  t.equal(end.stderrTail, ('e'.repeat(2000) + '\n').repeat(32), 'only the end of stderr is kept, in whole lines')
})

t.test('a single line of 10 MB arrives cut at the cap, or whole if the cap allows', async (t) => {
  const code = 'process.stdout.write("L".repeat(10_000_000) + "\\nnext\\n")'
  const sizes: Array<[number, boolean]> = []
  const onLine: RunOptions['onLine'] = ({ text, truncated }) => { sizes.push([text.length, truncated]) }
  await run(code, { onLine, maxLineBytes: 1_000_000 })
  await run(code, { onLine, maxLineBytes: 20_000_000 })
  t.strictSame(sizes, [[1_000_000, true], [4, false], [10_000_000, false], [4, false]])
})

t.test('many lines leave the event loop its turns', async (t) => {
  let turns = 0
  let turnsWhenDone = 0
  const timer = setInterval(() => { turns++ }, 1)
  t.teardown(() => { clearInterval(timer) })
  const onLine: RunOptions['onLine'] = () => {
    for (const until = performance.now() + 2; performance.now() < until;);
    turnsWhenDone = turns
  }
  await run('process.stdout.write("x\\n".repeat(200))', { onLine })
  t.ok(turnsWhenDone > 20, `${turnsWhenDone} turns`)
})

t.test('a child that ignores SIGTERM is killed after the grace', async (t) => {
  const { signal, pids, onLine } = abortAfter(1)
  const { end } = await run(`process.on('SIGTERM', () => {}); console.log(process.pid); ${SLEEPER}`, { signal, onLine, killGraceMs: 100 })
  t.match(end, { signal: 'SIGKILL', stopReason: 'aborted', survivors: [] })
  assertGone(t, pids)
})

t.test('a child that handles SIGTERM ends in its own way and is still heard', async (t) => {
  const lines: string[] = []
  const stop = abortAfter(1)
  const { end } = await run(`process.on('SIGTERM', () => { console.log('bye'); process.exit(9) }); console.log(process.pid); ${SLEEPER}`, {
    signal: stop.signal,
    onLine (line) {
      lines.push(line.text)
      stop.onLine(line)
    }
  })
  t.equal(lines.at(-1), 'bye')
  t.match(end, { exitCode: 9, signal: null, stopReason: 'aborted' })
})

const GRANDCHILDREN = (extra: string): string => `
  const { spawn } = require('node:child_process')
  const deep = 'process.on("SIGTERM",()=>{});console.log(process.pid);${SLEEPER}'
  spawn(process.execPath, ['-e', deep], { detached: true, stdio: 'inherit' })
  spawn('sh', ['-c', 'setsid sh -c \\'echo $$; exec sleep 1000\\' & wait'], { detached: true, stdio: 'inherit' })
  console.log(process.pid)
  ${extra}`

t.test('grandchildren in sessions of their own, holding the pipe and ignoring SIGTERM, end with the run', async (t) => {
  const { signal, pids, onLine } = abortAfter(3)
  const { end } = await run(GRANDCHILDREN(SLEEPER), { signal, onLine, killGraceMs: 200 })
  t.equal(pids.length, 3)
  t.equal(end.stopReason, 'aborted')
  assertGone(t, pids)
})

t.test('what a program leaves behind at a normal exit is ended too', async (t) => {
  const dir = t.testdir()
  const go = join(dir, 'go')
  const pids: number[] = []
  const { end } = await run(GRANDCHILDREN(`setInterval(() => { if (require('node:fs').existsSync(${JSON.stringify(go)})) process.exit(0) }, 5)`), {
    killGraceMs: 200,
    onLine (line) { if (pids.push(Number(line.text)) === 3) writeFileSync(go, '') }
  })
  t.match(end, { exitCode: 0, signal: null })
  t.notOk('stopReason' in end)
  t.equal(pids.length, 3)
  assertGone(t, pids)
})

t.test('a daemon that cut every tie but its environment is found', { skip: process.platform !== 'linux' }, async (t) => {
  const dir = t.testdir()
  const file = join(dir, 'pid')
  await run(`require('node:child_process').spawnSync('sh', ['-c', 'setsid sh -c "sleep 1000 </dev/null >/dev/null 2>&1 & echo \\\\$! > ${file}" & wait'])`)
  t.ok(existsSync(file))
  assertGone(t, [Number(readFileSync(file, 'utf8'))])
})

t.test('the whole run is limited by timeout', async (t) => {
  const { end } = await run(`setInterval(() => console.log('still here'), 5); ${SLEEPER}`, { timeout: 300, killGraceMs: 100 })
  t.equal(end.stopReason, 'timeout')
})

t.test('silence is limited apart from the whole, and any byte counts', async (t) => {
  const noisy = await run('let n = 0; const i = setInterval(() => { process.stderr.write("."); if (++n === 12) clearInterval(i) }, 50)', { silenceTimeout: 400 })
  t.notOk('stopReason' in noisy.end)
  const quiet = await run(`console.log('one'); ${SLEEPER}`, { silenceTimeout: 100, killGraceMs: 100 })
  t.equal(quiet.end.stopReason, 'silence')
})

t.test('until the first byte, silence has the start-up allowance on top', async (t) => {
  const slow = await run('setTimeout(() => console.log("up"), 200)', { silenceTimeout: 20, startupAllowanceMs: 30_000 })
  t.strictSame(slow.lines, ['up'])
  const dead = await run(SLEEPER, { silenceTimeout: 20, startupAllowanceMs: 50, killGraceMs: 100 })
  t.equal(dead.end.stopReason, 'silence')
})

t.test('a run that is aborted before it starts never starts', async (t) => {
  const { end, lines } = await run('console.log(1)', { signal: AbortSignal.abort() })
  t.match(end, { stopReason: 'aborted', exitCode: null })
  t.strictSame(lines, [])
})

t.test('what cannot be started says why', async (t) => {
  const dir = t.testdir({ plain: 'text' })
  const plain = join(dir, 'plain')
  chmodSync(plain, 0o644)
  const refused = async (options: Partial<RunOptions>, code: string, said: RegExp): Promise<void> => {
    await t.rejects(run('', options), { code, message: said }, code)
  }
  await refused({ command: 'no-such-agent-cli' }, 'AGENT_TIMELINE_COMMAND_NOT_FOUND', /no-such-agent-cli/)
  await refused({ cwd: join(dir, 'gone') }, 'AGENT_TIMELINE_CWD_NOT_FOUND', /gone/)
  await refused({ cwd: plain }, 'AGENT_TIMELINE_CWD_NOT_FOUND', /plain/)
  await refused({ command: plain }, 'AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE', /plain/)
  if (process.platform === 'linux') await refused({ args: ['x'.repeat(200_000)] }, 'AGENT_TIMELINE_SPAWN_FAILED', /too long/)
})

t.test('a process that the host started is watched the same way', async (t) => {
  const stop = abortAfter(3)
  const child = spawn(process.execPath, ['-e', GRANDCHILDREN(SLEEPER)])
  const end = await watchProcess(child, { signal: stop.signal, onLine: stop.onLine, killGraceMs: 200 })
  t.equal(end.stopReason, 'aborted')
  t.equal(stop.pids.length, 3)
  assertGone(t, stop.pids)
})

t.test('a host\'s child that never started, or has no stdout, is told as a coded error', async (t) => {
  await t.rejects(watchProcess(spawn('no-such-agent-cli'), { onLine () {} }), { code: 'AGENT_TIMELINE_COMMAND_NOT_FOUND' })
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await t.rejects(watchProcess(child, { onLine () {} }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})

t.test('who escaped every other means of finding it is found by the pipe it holds', async (t) => {
  const code = `
    const escape = 'echo $$; exec sleep 1000'
    require('node:child_process').spawn('setsid', ['env', '-i', 'sh', '-c', escape], { detached: true, stdio: 'inherit' }).on('spawn', () => setTimeout(process.exit, 50))`
  const { end, lines } = await run(code)
  t.equal(end.exitCode, 0)
  t.match(lines, [/^\d+$/])
  const pid = Number(lines[0])
  if (process.platform === 'linux') assertGone(t, [pid])
  else process.kill(pid)
})

t.test('a host that exits takes its agents with it', async (t) => {
  const dir = t.testdir()
  const source = new URL('../../../lib/providers/process/process-runner.js', import.meta.url).href.replace(/\.js$/, '.ts')
  const host = join(dir, 'host.mjs')
  writeFileSync(host, `
    const { runProcess } = await import(${JSON.stringify(source)})
    const args = ['-e', 'console.log(process.pid); setInterval(() => {}, 1e6)']
    const onLine = ({ text }) => { console.log(text); process.exit(0) }
    await runProcess({ command: process.execPath, args, env: { NODE_OPTIONS: undefined }, stdin: '', onLine })`)
  const child = spawn(process.execPath, [...process.execArgv, host], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  for await (const chunk of child.stdout) printed += String(chunk)
  const pid = Number(printed)
  t.ok(pid > 0)
  for (let i = 0; i < 200 && isAlive(pid); i++) await new Promise((resolve) => { setTimeout(resolve, 5) })
  assertGone(t, [pid])
})
