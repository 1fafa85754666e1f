// npm run test:unit [-- --watch] [-- --list]: the tests that test/lanes.json declares as fast: no browser, no process,
// no build. --watch runs them again after each change, --list shows which lane each test file is in.
//
// The whole suite blanks types out, as each process loads its modules: twice the CPU. Here esbuild compiles all
// of them once, and each test file is then a plain program.
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, watch } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, '.tap/unit')
const FOLDERS = ['lib', 'plugins', 'client', 'migrations', 'test']
const TIMEOUT_MS = 120_000

const lanes = Object.entries(JSON.parse(readFileSync(new URL('lanes.json', import.meta.url), 'utf8')))
const inLane = (lane) => sourcesIn('test').filter((file) => file.endsWith('.test.ts') && laneOf(file) === lane)

function sourcesIn (folder) {
  return readdirSync(join(root, folder), { recursive: true }).map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.includes('/fixtures/')).sort()
}

/** A file itself counts before its folder, a folder before the one around it. */
function laneOf (file) {
  const entries = lanes.flatMap(([lane, names]) => names.map((name) => [name, lane]))
  const fitting = entries.filter(([name]) => name === file || (name.endsWith('/') && file.startsWith(name)))
  return fitting.sort(([a], [b]) => b.length - a.length)[0]?.[1] ?? 'undeclared'
}

/** What tests read by its place beside them is linked. */
async function compile () {
  rmSync(out, { recursive: true, force: true })
  await build({
    absWorkingDir: root,
    entryPoints: FOLDERS.flatMap(sourcesIn),
    outdir: out,
    outbase: root,
    format: 'esm',
    platform: 'node',
    sourcemap: 'inline',
    logLevel: 'error'
  })
  mkdirSync(join(out, 'test'), { recursive: true })
  for (const name of ['test/fixtures', 'docs', 'examples', 'README.md']) symlinkSync(join(root, name), join(out, name))
}

/** @returns whether it passed */
function runFile (file) {
  const program = join(out, file.replace(/ts$/, 'js'))
  const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT_MS / 1000) }
  const options = { cwd: root, env, timeout: TIMEOUT_MS, maxBuffer: Infinity }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--enable-source-maps', program], options, (error, stdout, stderr) => {
      console.log(`${error === null ? 'ok' : 'not ok'} - ${file}`)
      if (error !== null) console.log(stdout + stderr)
      resolve(error === null)
    })
  })
}

async function run () {
  await compile()
  const files = inLane('unit')
  const [total, failed] = [files.length, []]
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      if (!await runFile(file)) failed.push(file)
    }
  }))
  console.log(`${total - failed.length} of ${total} files passed${failed.map((file) => `\nfailed: ${file}`).join('')}`)
  return failed.length === 0 ? 0 : 1
}

let isChanged = false
let isRunning = false

async function runAgain () {
  if (isRunning) return
  isRunning = true
  while (isChanged) {
    isChanged = false
    // What does not compile is shown, and mended by the next change.
    await run().catch(() => {})
  }
  isRunning = false
}

if (process.argv.includes('--list')) {
  console.log(JSON.stringify(Object.fromEntries(['unit', 'slow', 'undeclared'].map((lane) => [lane, inLane(lane)]))))
} else {
  process.exitCode = await run()
}
if (process.argv.includes('--watch')) {
  for (const folder of FOLDERS) {
    watch(join(root, folder), { recursive: true }, () => {
      isChanged = true
      // Editors write a file in several steps.
      setTimeout(runAgain, 100)
    })
  }
  console.log('Waiting for changes; Ctrl+C ends it')
}
