// npm run test:unit [-- --watch]: the tests that test/lanes.json declares as fast: no browser, no process, no build.
// With --watch, after each change those that load a changed file. --list shows which lane each test file is in.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, watch } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lanes = Object.entries(JSON.parse(readFileSync(new URL('lanes.json', import.meta.url), 'utf8')))
const files = readdirSync(join(root, 'test'), { recursive: true }).filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name.replaceAll('\\', '/')}`).sort()
const inLane = (lane) => files.filter((file) => laneOf(file) === lane)

/** A file itself counts before its folder, a folder before the one around it. */
function laneOf (file) {
  const entries = lanes.flatMap(([lane, names]) => names.map((name) => [name, lane]))
  const fitting = entries.filter(([name]) => name === file || (name.endsWith('/') && file.startsWith(name)))
  return fitting.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? 'undeclared'
}

const tap = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist/esm/run.mjs')

async function run (...options) {
  const args = [tap, ...options, ...inLane('unit')]
  const [code] = await once(spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }), 'close')
  return code ?? 1
}

let isChanged = false
let isRunning = false

async function runChanged () {
  if (isRunning) return
  isRunning = true
  while (isChanged) {
    isChanged = false
    await run('--changed')
  }
  isRunning = false
}

if (process.argv.includes('--list')) {
  console.log(JSON.stringify(Object.fromEntries(['unit', 'slow', 'undeclared'].map((lane) => [lane, inLane(lane)]))))
} else {
  process.exitCode = await run()
}
if (process.argv.includes('--watch')) {
  for (const folder of ['lib', 'plugins', 'client', 'migrations', 'test']) {
    watch(join(root, folder), { recursive: true }, () => {
      isChanged = true
      // Editors write a file in several steps.
      setTimeout(runChanged, 100)
    })
  }
  console.log('Waiting for changes; Ctrl+C ends it')
}
