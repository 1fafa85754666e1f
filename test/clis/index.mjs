// npm run test:clis [-- CLI…]: runs the real CLIs through our adapters, without any network but the loopback, and
// compares with the recordings. Installs them into a scratch folder (about 900 MB) that is removed afterwards.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CLIS } from './clis.mjs'
import { installClis } from './install.mjs'
import { isolation } from './isolation.mjs'
import { SCENARIOS } from './scripts.mjs'

const LIMIT_MS = 180_000
const COLUMNS = ['CLI', 'scenario', 'calls', 'failed', 'exit codes', 'characters of text', 'tokens in / out', 'cost', 'exit', 'outcome', 'as recorded']
const worker = fileURLToPath(new URL('run-one.mjs', import.meta.url))
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(CLIS)
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'agent-timeline-clis-')))
const running = new Set()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

try {
  process.exitCode = await testAll()
} catch (error) {
  console.error(`The real CLIs could not be tried. ${error.message}`)
  process.exitCode = 1
}

async function testAll () {
  const unknown = names.filter((name) => !(name in CLIS))
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${Object.keys(CLIS).join(', ')}.`)
  if (process.platform === 'win32') throw new Error('They are run in a POSIX shell: this is Windows.')
  const player = fileURLToPath(new URL('../../dist/examples/player.js', import.meta.url))
  if (!existsSync(player)) throw new Error('Run npm run build first.')
  console.log(`Installing ${names.map((name) => `${CLIS[name].package}@${CLIS[name].version}`).join(', ')} …`)
  const { bin, path } = await installClis(scratch, names)
  const { prefix, env, words } = isolation()
  console.log(`They run in ${words}.\n`)
  let failed = 0
  const rows = []
  for (const name of names) {
    for (const scenario of process.env.SCENARIO?.split(',') ?? Object.keys(SCENARIOS)) {
      const folder = join(scratch, `${name}-${scenario}`)
      mkdirSync(folder)
      const command = [...prefix, process.execPath, worker, name, scenario, folder, bin]
      const ran = await runOne(command, path, env)
      const { found, calls, asked, durationMs } = ran
      rows.push(calls === undefined ? rowOfFailure(name, scenario, ran) : row(name, scenario, ran))
      if (found.length > 0) failed++
      const figures = calls === undefined ? '' : `${calls} tool calls, ${asked} answers, ${(durationMs / 1000).toFixed(1)} s`
      console.log(`${found.length === 0 ? 'ok    ' : 'NOT OK'} ${name} ${CLIS[name].version} ${scenario}: ${figures}`)
      for (const difference of found) console.log(`    ${difference}`)
    }
  }
  tell(rows)
  console.log(failed === 0 ? '\nAll as expected.' : `\n${failed} not as expected.`)
  return failed === 0 ? 0 : 1
}

function row (name, scenario, { found, isRecorded, calls, failedCalls, exitCodes, texts, usage, exitCode, outcome }) {
  const tokens = usage?.inputTokens === undefined ? '—' : `${usage.inputTokens} / ${usage.outputTokens}`
  const cost = usage?.costUsd === undefined ? '—' : `$${usage.costUsd.toFixed(4)}`
  const same = !isRecorded ? '—' : found.length === 0 ? 'yes' : 'no'
  return [`${name} ${CLIS[name].version}`, scenario, calls, failedCalls, exitCodes, texts, tokens, cost, exitCode ?? 'ended', outcome, same]
}

function rowOfFailure (name, scenario, { found }) {
  const why = `did not run here: ${found[0].replaceAll('|', '/').slice(0, 200)}`
  return [`${name} ${CLIS[name].version}`, scenario, ...Array.from({ length: COLUMNS.length - 4 }, () => '—'), why, '—']
}

/** As a table; with UPDATE_DOCS=1 into docs/providers.md, too, where rows of CLIs that were not tried now stay. */
function tell (rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const head = [line(COLUMNS), `|${'---|'.repeat(COLUMNS.length)}`]
  const tried = rows.map(line)
  console.log(`\n${[...head, ...tried].join('\n')}`)
  if (process.env.UPDATE_DOCS !== '1') return
  const page = new URL('../../docs/providers.md', import.meta.url)
  const text = readFileSync(page, 'utf8')
  const [begin, end] = ['<!-- begin: clis -->', '<!-- end: clis -->']
  const [before, rest] = text.split(begin)
  const [told, after] = rest.split(end)
  const nameOf = (row) => row.split(' ')[1]
  const kept = told.trim().split('\n').slice(2).filter((row) => nameOf(row) in CLIS && !names.includes(nameOf(row)))
  const all = Object.keys(CLIS).flatMap((name) => [...kept, ...tried].filter((row) => nameOf(row) === name))
  writeFileSync(page, `${before}${begin}\n\n${[...head, ...all].join('\n')}\n\n${end}${after}`)
}

/** With an environment of its own: nothing of this one's keys and settings reaches a CLI. */
async function runOne ([command, ...args], path, env) {
  const { LANG = 'C.UTF-8', TERM = 'dumb' } = process.env
  const child = spawn(command, args, { env: { PATH: path, HOME: scratch, LANG, TERM, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr']) child[stream].setEncoding('utf8').on('data', (text) => { printed[stream] += text })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  const code = await new Promise((resolve) => child.once('close', resolve).once('error', resolve))
  clearTimeout(timer)
  running.delete(child)
  try {
    return JSON.parse(printed.stdout.trim().split('\n').at(-1))
  } catch {
    return { found: [`the run ended with ${String(code)}: ${printed.stderr.trim().split('\n').slice(-5).join(' | ')}`] }
  }
}
