// npm run test:faults [-- short]: kills, cuts and deletes on one database, then compares what everybody was told with
// what was committed. `SEED=… npm run test:faults` repeats the plan of faults; when exactly they strike is up to the
// machine.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAsHost } from './database.mjs'
import { checkTables, readHistory } from './history.mjs'
import { checkList } from './lists.mjs'
import { FORMS } from './plan.mjs'
import { Runs } from './runs.mjs'
import { runStorm } from './storm.mjs'

const SHOWN = 20
const formName = process.argv.includes('short') ? 'short' : 'long'
const form = FORMS[formName]
const seed = process.env.SEED ?? String(Math.floor(Math.random() * 1e9))
const dist = process.env.FAULTS_DIST ?? new URL('../../dist', import.meta.url).href
const directory = mkdtempSync(join(tmpdir(), 'timeline-faults-'))
const log = (line) => { if (formName === 'long' || process.env.VERBOSE) console.log(line) }
process.once('exit', () => { if (!process.env.KEEP) rmSync(directory, { recursive: true, force: true }) })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

console.log(`seed ${seed}: SEED=${seed} npm run test:faults${formName === 'short' ? ' -- short' : ''}`)
const { counts, killed, database } = await runStorm({ seed, form, directory, dist, log })
const violations = await check()
console.log(JSON.stringify(counts, null, 2))
for (const [name, least] of Object.entries(form.minimum)) {
  if (counts[name] < least) violations.push(`too little of ${name}: ${counts[name]} of ${least}`)
}
for (const violation of violations.slice(0, SHOWN)) console.log(`not ok: ${violation}`)
if (violations.length > SHOWN) console.log(`and ${violations.length - SHOWN} more`)
process.exitCode = violations.length === 0 ? 0 : 1
process.send?.({ seed, counts, violations: violations.slice(0, SHOWN), minimum: form.minimum })

async function check () {
  const violations = []
  const raw = openAsHost(database)
  const runs = new Runs(violations)
  const logs = readHistory(raw, violations, (row, event) => runs.take(row, event))
  checkTables(raw, logs, violations)
  runs.checkOpenCalls(logs)
  const names = readdirSync(directory)
  const ledgers = new Map(names.filter((name) => name.startsWith('ledger-')).map((name) => {
    const life = name.slice('ledger-'.length)
    return [life, { path: join(directory, name), wasKilled: killed.has(life) }]
  }))
  const deletions = new Map(raw.prepare("SELECT invocation_id, at FROM history_run WHERE what = 'gone'").raw().all())
  Object.assign(counts, runs.compare(ledgers, deletions), { late: runs.late, joined: runs.joined, lost: runs.lost })
  Object.assign(counts, {
    deleted: raw.prepare('SELECT count(*) FROM history_deleted').pluck().get(),
    deletedRuns: deletions.size,
    deletedTasks: raw.prepare("SELECT count(*) FROM history_stream WHERE what = 'gone'").pluck().get()
  })
  const COUNTED = [
    'connections', 'moves', 'replayed', 'live', 'stops', 'paused', 'endedWhilePaused', 'gaps', 'expired', 'removed',
    'unknownCursor', 'refused'
  ]
  for (const name of COUNTED) counts[name] = 0
  for (const name of names.filter((name) => name.startsWith('list-'))) {
    const ends = await checkList(join(directory, name), name, logs, counts, violations)
    for (const [taskId, cursor] of ends) {
      const head = raw.prepare("SELECT last_seq || '.' || epoch FROM task_stream WHERE task_id = ?").pluck().get(taskId)
      if (head !== undefined && cursor !== head) violations.push(`${name} ends at ${cursor}, the log of ${taskId} at ${head}`)
    }
  }
  raw.close()
  return violations
}
