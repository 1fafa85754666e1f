// npm run test:nodes [-- 22 24 26] [--no-suite]: the packed package in an empty host, and the suite, on other Nodes.
//
// Each Node comes from the registry through npx. Nothing is installed from the lock file: it was made on the oldest
// Node and pins a better-sqlite3 that later ones would have to compile.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const versions = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument))
const hasSuite = !process.argv.includes('--no-suite')
const scratch = mkdtempSync(join(tmpdir(), 'agent-timeline-nodes-'))

let failed = 0
const tarball = join(scratch, execFileSync('npm', ['pack', '--silent', '--pack-destination', scratch], { cwd: root })
  .toString().trim().split('\n').at(-1))
for (const version of versions.length === 0 ? ['22', '24', '26'] : versions) {
  try {
    await checkPackage(version)
    if (hasSuite) await checkSuite(version)
  } catch (error) {
    failed++
    console.log(`not ok - Node ${version}: ${error.message}`)
  }
}
rmSync(scratch, { recursive: true, force: true })
process.exitCode = failed === 0 ? 0 : 1

/** Installs the tarball beside fastify and runs the README's usage, imported and required. */
async function checkPackage (version) {
  const host = mkdtempSync(join(scratch, `host-${version}-`))
  writeFileSync(join(host, 'package.json'), '{ "private": true }')
  await run(version, host, `npm install --no-audit --no-fund ${tarball} fastify`)
  const usage = /<!-- run -->\n```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))[1]
  writeFileSync(join(host, 'esm.mjs'), usage)
  writeFileSync(join(host, 'cjs.cjs'), toCommonJs(usage))
  for (const file of ['esm.mjs', 'cjs.cjs']) {
    await serveAndAsk(version, host, file)
    console.log(`ok - Node ${version}: the packed package, ${file}`)
  }
}

function toCommonJs (usage) {
  const lines = usage.replace(/^import (\w+) from (.*)$/gm, 'const $1 = require($2)').split('\n')
  const requires = lines.filter((line) => line.includes('require('))
  const rest = lines.filter((line) => !line.includes('require('))
  return [...requires, 'async function main () {', ...rest, '}', 'main()'].join('\n')
}

/** Starts the program, asks for the timeline that it records, and ends it. */
async function serveAndAsk (version, host, file) {
  const child = spawn('npx', ['-y', '-p', `node@${version}`, 'node', file], { cwd: host, detached: true })
  try {
    let output = ''
    child.stderr.on('data', (data) => { output += data })
    await new Promise((resolve, reject) => {
      child.stdout.on('data', (data) => { if (String(data).includes('http://')) resolve() })
      child.once('exit', () => reject(new Error(`${file} ended: ${output}`)))
    })
    const { timeline } = await ask('http://127.0.0.1:3000/api/tasks/42/timeline')
    const types = timeline.map((event) => event.type).slice(-3).join()
    if (types !== 'invocation.started,invocation.activity,invocation.completed') throw new Error(`${file}: ${types}`)
    const page = await fetch('http://127.0.0.1:3000/timeline/tasks/42')
    if (page.status !== 200) throw new Error(`${file}: the page answers ${page.status}`)
  } finally {
    // It may have ended by itself, and what went wrong is told already.
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      process.kill(-child.pid, 'SIGTERM')
      await ended
    }
  }
}

async function ask (url) {
  for (let attempt = 0; ; attempt++) {
    const body = await (await fetch(url)).json()
    if (body.timeline?.at(-1)?.type === 'invocation.completed' || attempt === 50) return body
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The whole suite on a copy of the tree, with what npm picks for this Node. */
async function checkSuite (version) {
  const copy = join(scratch, `suite-${version}`)
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root }).toString().split('\0').filter(Boolean)
  for (const file of files) cpSync(join(root, file), join(copy, file), { recursive: true })
  rmSync(join(copy, 'package-lock.json'))
  await run(version, copy, 'npm install --no-audit --no-fund && npm test')
  console.log(`ok - Node ${version}: the suite`)
}

function run (version, cwd, command) {
  return new Promise((resolve, reject) => {
    const child = spawn('npx', ['-y', '-p', `node@${version}`, 'sh', '-c', command], { cwd })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output += data })
    child.once('close', (code) => code === 0 ? resolve() : reject(new Error(`${command}\n${excerpt(output)}`)))
  })
}

/** What failed, each with the lines that say why, and how the output ended. */
function excerpt (output) {
  const lines = output.split('\n')
  const failed = lines.flatMap((line, index) => /^\s*not ok /.test(line) ? [lines.slice(index, index + 25).join('\n')] : [])
  return [...failed, lines.slice(-20).join('\n')].join('\n…\n')
}
