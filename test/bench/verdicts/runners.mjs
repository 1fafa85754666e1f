// Stands for many processes that run an agent each: their runs, their signs of life, what they report.
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { obey } from '../stream/child.mjs'

const [directory, runs, history] = process.argv.slice(2).map((text, index) => index === 0 ? text : Number(text))
const HEARTBEAT_MS = 2_000
const path = join(directory, 'bench.db')
const timeline = await openTimeline({ database: path, runnerHeartbeatIntervalMs: 60_000 })

/** One command again and again, of a time that differs, and now once more without an end. */
async function begin (taskId) {
  const run = await timeline.startInvocation({ taskId, role: 'coder', provider: 'claude' })
  const call = { tool: 'Bash', toolKind: 'build', input: { command: `npm run build -- ${taskId}` } }
  for (let index = 0; index <= history; index++) {
    const use = { callId: `call-${index}`, ...call }
    run.activity(exec(`exec: ${call.input.command}`, { ...use, phase: 'start' }))
    const durationMs = 20_000 + Math.floor(Math.random() * 60_000)
    if (index < history) run.activity(exec('', { ...use, phase: 'end', status: 'ok', durationMs, result: String(index) }))
  }
  return run
}

function exec (message, metadata) {
  return { type: 'tool_exec', timestamp: new Date(), message, metadata }
}

const running = []
for (let index = 0; index < runs; index++) running.push(await begin(`task-${index}`))
await timeline.flush()

// An owner of its own for each, as many processes have.
const db = new Sqlite(path)
db.exec(`INSERT INTO timeline_writer (writer_id, batch, owner, heartbeat_at)
  SELECT 'runner-' || invocation_id, 0, w.owner, w.heartbeat_at FROM invocation_run
  JOIN timeline_writer AS w ON w.writer_id = invocation_run.owner WHERE status = 'running'`)
db.exec("UPDATE invocation_run SET owner = 'runner-' || invocation_id WHERE status = 'running'")
const beat = db.prepare("UPDATE invocation_run SET heartbeat_at = ? WHERE owner LIKE 'runner-%' AND status = 'running'")
beat.run(new Date().toISOString())
setInterval(() => beat.run(new Date().toISOString()), HEARTBEAT_MS)

let next = 0
obey({
  /** So many of them, one after the other, report something each second. */
  reportEachSecond ({ count }) {
    setInterval(() => {
      const run = running[next++ % runs]
      run.activity({ type: 'output', timestamp: new Date(), message: `line ${next}` })
    }, 1000 / count)
  }
}, {})
