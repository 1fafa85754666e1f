import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { createActivityLog } from '../../dist/lib/providers/activity-log.js'
import { claudeAdapter } from '../../dist/lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../dist/lib/providers/codex/codex.js'
import { geminiAdapter } from '../../dist/lib/providers/gemini/gemini.js'
import { alternate, inDirectory, isSmoke } from './measure.mjs'

const ACTIVITIES = isSmoke ? 500 : 50_000
const BATCH = 500
const RAW = 'better-sqlite3 by hand, the same rows in batches of 500'
const CLIS = [['claude-2.1.330', claudeAdapter], ['codex-0.169.0', createCodexAdapter()], ['gemini-0.61.0', geminiAdapter]]
const TABLES = ['invocation_activity', 'tool_call', 'task_file', 'run_bin', 'invocation_run']

/** Activities as recorded sessions have them, stored with all that is kept of them: calls, files, counters. */
export async function recorded () {
  const activities = sessions()
  const rows = await inDirectory((directory) => store(directory, activities).then(({ path }) => rowsOf(path)))
  return [{
    title: `Durable ingest, ${ACTIVITIES.toLocaleString('en-US')} activities of recorded sessions, with calls, files and counters`,
    metric: 'throughput',
    unit: 'rows/s',
    figures: await alternate({
      Timeline: async (directory) => ACTIVITIES / (await store(directory, activities)).seconds,
      [RAW]: async (directory) => ACTIVITIES / await writeByHand(directory, rows)
    }),
    isHigherBetter: true,
    target: { text: '>= 0.7 x by hand', isMet: ({ ratios }) => ratios[RAW] >= 0.7 }
  }]
}

/** What adapters make of all recordings, again and again, each time with ids of its own. */
function sessions () {
  const once = CLIS.flatMap(([cli, adapter]) => {
    const folder = new URL(`../fixtures/transcripts/${cli}/`, import.meta.url)
    return readdirSync(folder).filter((name) => name.endsWith('.stdout.ndjson')).flatMap((name) => {
      const made = []
      const onActivity = (activity) => { made.push(activity) }
      const clocks = { clock: Date.now, monotonicClock: () => performance.now() }
      const log = createActivityLog({ onActivity, warn () {}, ...clocks })
      const state = adapter.start({})
      for (const text of readFileSync(new URL(name, folder), 'utf8').split('\n')) {
        if (text !== '') adapter.line({ text, truncated: false }, state, log)
      }
      log.close()
      return made.map((activity) => named(activity, `${cli} ${name}`))
    })
  })
  return Array.from({ length: ACTIVITIES }, (_, index) =>
    named(once[index % once.length], Math.floor(index / once.length)))
}

function named (activity, name) {
  const { metadata } = activity
  if (metadata?.callId === undefined) return activity
  const parent = metadata.parentCallId === undefined ? {} : { parentCallId: `${metadata.parentCallId} ${name}` }
  return { ...activity, metadata: { ...metadata, callId: `${metadata.callId} ${name}`, ...parent } }
}

async function store (directory, activities) {
  const path = join(directory, 'ours.db')
  const timeline = await openTimeline({ database: path })
  const run = await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'x' })
  const startedAt = performance.now()
  for (const activity of activities) run.activity({ ...activity, timestamp: new Date() })
  await timeline.flush()
  const seconds = (performance.now() - startedAt) / 1000
  await timeline.close()
  const db = new Database(path, { readonly: true })
  const stored = db.prepare("SELECT count(*) FROM invocation_activity WHERE activity_type <> 'output'").pluck().get()
  db.close()
  const told = activities.filter(({ type }) => type !== 'output').length
  if (stored < told) throw new Error(`${stored} rows are stored where ${told} were reported`)
  return { path, seconds }
}

function rowsOf (path) {
  const db = new Database(path, { readonly: true })
  const rows = Object.fromEntries(TABLES.map((table) => [table, db.prepare(`SELECT * FROM ${table}`).all()]))
  db.close()
  return rows
}

/** The rows as they are in the end, each once: the least that anybody must write. */
async function writeByHand (directory, rows) {
  const path = join(directory, 'raw.db')
  await (await openTimeline({ database: path })).close()
  const db = new Database(path)
  db.pragma('synchronous = NORMAL')
  const insertInto = (table) => {
    const columns = Object.keys(rows[table][0]).filter((name) => !(table === 'invocation_activity' && name === 'id'))
    const insert = db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map((name) => `@${name}`)})`)
    return (row) => insert.run(row)
  }
  const [activity, call, file, bin, run] = TABLES.map(insertInto)
  const touch = db.prepare('UPDATE invocation_run SET last_activity_at = @last_activity_at, activity_count = @activity_count, tally = @tally, progress = @progress')
  const calls = rows.tool_call.toSorted((a, b) => a.seq - b.seq)
  const startedAt = performance.now()
  db.transaction(() => rows.invocation_run.forEach(run)).immediate()
  for (let at = 0; at < rows.invocation_activity.length; at += BATCH) {
    const batch = rows.invocation_activity.slice(at, at + BATCH)
    db.transaction(() => {
      batch.forEach(activity)
      while (calls.length > 0 && calls[0].seq <= batch.at(-1).seq) call(calls.shift())
      touch.run(rows.invocation_run[0])
    }).immediate()
  }
  db.transaction(() => {
    rows.task_file.forEach(file)
    rows.run_bin.forEach(bin)
  }).immediate()
  const seconds = (performance.now() - startedAt) / 1000
  const stored = db.prepare('SELECT count(*) FROM invocation_activity').pluck().get()
  db.close()
  if (stored !== rows.invocation_activity.length) throw new Error(`${stored} rows are stored`)
  return seconds
}
