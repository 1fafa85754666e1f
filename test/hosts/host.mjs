// A host with a database of its own that records runs: `host.mjs <options as JSON>`. Prints what was acknowledged, or
// the code with which the open was refused; `look.mjs` then counts what is there.
//   library  better-sqlite3, node:sqlite, none, or the folder of another copy of better-sqlite3
//   as       recorder, plugin, migrate
//   source   handle, kysely, path, or own: a file of the timeline's
//   end      kill, close, or second: another process records and writes in between
//   last     how the process ends: kill by default, or close
import { execFileSync } from 'node:child_process'
import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const options = JSON.parse(process.argv[2])
const { library, as, source, end, file } = options
const timelineFile = source === 'own' ? `${file}-timeline` : file
const ledger = { hostRows: 0, activities: 0, ends: 0 }

/** The host's own connection, whatever it is made of. */
function openHost () {
  if (library === 'none') return undefined
  if (library === 'node:sqlite') return new (require('node:sqlite').DatabaseSync)(file)
  return new (require(library))(file)
}

const host = openHost()
host?.exec('PRAGMA busy_timeout = 5000')
host?.exec('PRAGMA journal_mode = WAL')
host?.exec('CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, title TEXT, status TEXT)')
host?.exec('CREATE TABLE IF NOT EXISTS notes (text TEXT)')

function writeHostRow (connection = host) {
  if (connection === undefined) return
  connection.exec(`INSERT INTO notes VALUES ('${++ledger.hostRows}')`)
}

async function database () {
  if (source === 'handle') return host
  if (source !== 'kysely') return timelineFile
  const { Kysely, SqliteDialect } = require('kysely')
  return new Kysely({ dialect: new SqliteDialect({ database: host }) })
}

async function open () {
  if (as === 'migrate') {
    const { migrate } = await import('fastify-agent-timeline/migrations')
    await migrate(await database())
    return { timeline: undefined, close: async () => {} }
  }
  if (as === 'plugin') {
    const { default: fastify } = await import('fastify')
    const { default: agentTimeline } = await import('fastify-agent-timeline')
    const app = fastify()
    await app.register(agentTimeline, { database: await database(), migrate: true })
    await app.ready()
    return { timeline: await app.agentTimeline.for(), close: () => app.close() }
  }
  const { openTimeline } = await import('fastify-agent-timeline/recorder')
  const timeline = await openTimeline({ database: await database(), migrate: true })
  return { timeline, close: () => timeline.close() }
}

async function record (timeline) {
  if (timeline === undefined) return
  for (let i = 0; i < 3; i++) {
    const run = await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'p' })
    for (let k = 0; k < 10; k++) run.activity({ type: 'error', message: `${i}/${k}`, timestamp: new Date() })
    // As such hosts do their bookkeeping.
    const another = openHost()
    writeHostRow(another)
    another?.close()
    await run.complete('done')
    ledger.ends++
    ledger.activities += 10
    writeHostRow()
  }
  await timeline.flush()
}

function report (more) {
  writeSync(1, JSON.stringify(more ?? ledger) + '\n')
}

try {
  for (let i = 0; i < 5; i++) writeHostRow()
  if (host !== undefined) host.exec("INSERT OR IGNORE INTO tasks VALUES ('t', 'T', 'in_progress')")
  const { timeline, close } = await open()
  await record(timeline)
  if (end === 'second') {
    const other = JSON.stringify({ ...options, as: 'recorder', end: 'close', last: 'close' })
    const stdio = ['ignore', 'pipe', 'inherit']
    const written = JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), other], { stdio }))
    if (written.refused !== undefined) throw new Error(`the second process was refused: ${written.refused}`)
    for (const [name, count] of Object.entries(written)) ledger[name] += count
    await record(timeline)
  }
  if (end === 'close') await close()
  for (let i = 0; i < 5; i++) writeHostRow()
  if (options.last === 'close') host?.close()
  report()
} catch (error) {
  if (!/^AGENT_TIMELINE_/.test(error.code)) throw error
  report({ refused: error.code, message: error.message })
  process.exit(0)
}
if (options.last === 'close') process.exit(0)
process.kill(process.pid, 'SIGKILL')
