// node test/faults/mutations.mjs [--check] [NAME…]: breaks what the guarantees rest on, one after the other, in a
// copy of the build, and expects the short form of the fault test to find it with one of three seeds, or with $SEED
// where that is set. Prints what it found. --check only makes the copies.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Each breaks one thing: in a file, one text is replaced by another. */
const MUTATIONS = {
  'reads see a transaction before it is committed': [
    ['lib/store/sqlite/database.js', 'db.transaction().execute((trx) => work(direct ?? trx, host))', `db.transaction().execute(async (trx) => {
      const result = await work(direct ?? trx, host)
      globalThis.inFlight = direct ?? trx
      await new Promise((resolve) => setTimeout(resolve, 40))
      globalThis.inFlight = undefined
      return result
    })`],
    ['lib/store/sqlite/database.js', 'query(direct ?? db, host)', 'query(globalThis.inFlight ?? direct ?? db, host)']
  ],
  'a batch is written without looking at the fence': [
    ['lib/store/sql/commit-batch.js', "if (fence === 'passed')", 'if (false)']
  ],
  'a batch that may be committed is tried again with what came after it': [
    ['lib/recorder/writer.js', 'before?.entries ?? queue.peek', 'queue.peek']
  ],
  'a viewer resumes one event too late': [
    ['lib/live/viewer-session.js', 'this.#cursor = cursor?.seq ?? 0', 'this.#cursor = cursor === undefined ? 0 : Math.min(cursor.seq + 1, tail.cursor)']
  ],
  'a viewer resumes one event too early': [
    ['lib/live/viewer-session.js', 'this.#cursor = cursor?.seq ?? 0', 'this.#cursor = Math.max(0, (cursor?.seq ?? 0) - 1)']
  ],
  'the cursor of a viewer is ignored': [
    ['plugins/stream/stream-routes.js', "headers['last-event-id']", 'undefined']
  ]
}

const SEEDS = process.env.SEED === undefined ? ['1', '2', '3'] : [process.env.SEED]
const root = fileURLToPath(new URL('../..', import.meta.url))
const isCheck = process.argv.includes('--check')
const wanted = process.argv.slice(2).filter((argument) => argument !== '--check')
for (const [name, changes] of Object.entries(MUTATIONS)) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
  const found = await runMutant(changes)
  if (isCheck) {
    console.log(`can be made: ${name}`)
    continue
  }
  console.log(`${found.length > 0 ? 'found' : 'NOT FOUND'}: ${name}`)
  for (const line of found.slice(0, 3)) console.log(`  ${line.slice(0, 200)}`)
  if (found.length === 0) process.exitCode = 1
}

/** @returns what the fault test says is wrong; nothing when it only checks */
async function runMutant (changes) {
  // Inside the package, so that its dependencies are found.
  const copy = mkdtempSync(join(root, '.mutant-'))
  try {
    cpSync(join(root, 'dist'), copy, { recursive: true })
    for (const [file, before, after] of changes) {
      const path = join(copy, file)
      const code = readFileSync(path, 'utf8')
      if (code.split(before).length !== 2) throw new Error(`${file} does not hold this once: ${before}`)
      writeFileSync(path, code.replace(before, () => after))
    }
    if (isCheck) return []
    for (const seed of SEEDS) {
      const found = await runFaults(copy, seed)
      if (found.length > 0) return found
    }
    return []
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** @returns what the short form says is wrong with this build */
async function runFaults (build, seed) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('index.mjs', import.meta.url)), 'short'], {
    env: { ...process.env, SEED: seed, FAULTS_DIST: pathToFileURL(build).href }, stdio: ['ignore', 'pipe', 'inherit']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
  await once(child, 'close')
  return output.split('\n').filter((line) => line.startsWith('not ok: ') && !line.startsWith('not ok: too little'))
}
