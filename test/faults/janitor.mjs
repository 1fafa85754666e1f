// A process that takes away and writes what is the host's: `janitor.mjs <options as JSON>`.
import { setTimeout as sleep } from 'node:timers/promises'
import { addTask, openAsHost } from './database.mjs'
import { createRandom } from './random.mjs'

const DAY_MS = 86_400_000
const options = JSON.parse(process.argv[2])
const { database, name, seed, dist, tasks, fragileTasks } = options
const random = createRandom(seed, name, 'janitor')
const { openTimeline } = await import(`${dist}/lib/open-timeline.js`)
const { openDatabase } = await import(`${dist}/lib/store/sqlite/database.js`)
const { pruneActivities } = await import(`${dist}/lib/store/sql/retention.js`)
const { hostOpener } = await import(`${dist}/lib/host/open-host.js`)
const { createAuditSource } = await import(`${dist}/lib/host/task-events.js`)
const host = openAsHost(database)
// What the last life had deleted is there again.
host.transaction(() => { for (const id of tasks) addTask(host, id) }).immediate()
const quiet = { error () {}, warn () {}, info () {}, debug () {} }
const timeline = await openTimeline({ database, logger: quiet, runnerHeartbeatIntervalMs: options.heartbeatMs })
const openHost = hostOpener({ taskEvents: createAuditSource(Date.now), now: Date.now, clean: (text) => text })
const store = await openDatabase({ database, migrate: false, create: false, openHost })
const state = { isStopping: false }

/** Retention by a clock that is a day ahead: what is older than some seconds is older than a day for it. */
async function expire () {
  const ageMs = random.integer(...options.expireAfterMs)
  const now = () => Date.now() + DAY_MS - ageMs
  await pruneActivities(store, { activityLogRetention: 1, now, isStopped: () => state.isStopping })
}

async function deleteInvocation () {
  const [lowest, highest] = host.prepare('SELECT min(id), max(id) FROM task_invocations').raw().get()
  if (lowest === null) return
  host.prepare('DELETE FROM task_invocations WHERE id = (SELECT id FROM task_invocations WHERE id >= ? ORDER BY id LIMIT 1)')
    .run(random.integer(lowest, highest))
}

async function deleteTask () {
  await timeline.deleteTask(random.pick(fragileTasks))
}

const deleteAsHost = host.transaction((id) => {
  for (const table of ['audit', 'task_invocations']) host.prepare(`DELETE FROM ${table} WHERE task_id = ?`).run(id)
  host.prepare('DELETE FROM tasks WHERE id = ?').run(id)
})

async function hostDeletesTask () {
  const id = random.pick(fragileTasks)
  deleteAsHost.immediate(id)
  await sleep(random.exponential(200))
  addTask(host, id)
}

async function hostWrites () {
  const id = random.pick(tasks)
  const status = random.pick(['in_progress', 'review', 'completed'])
  host.transaction(() => {
    const before = host.prepare('SELECT status FROM tasks WHERE id = ?').pluck().get(id)
    if (before === undefined || before === status) return
    host.prepare('UPDATE tasks SET status = ? WHERE id = ?').run(status, id)
    host.prepare('INSERT INTO audit (task_id, from_status, to_status, actor) VALUES (?, ?, ?, ?)').run(id, before, status, 'host')
    host.prepare(`INSERT INTO task_invocations (task_id, role, provider, model, prompt, response, duration_ms, success)
      VALUES (?, 'reviewer', 'codex', 'host', 'Look', 'Good', 1000, 1)`).run(id)
  }).immediate()
}

const CHORES = [expire, expire, expire, deleteInvocation, deleteInvocation, hostWrites, deleteTask, hostDeletesTask]

function tolerateLock (error) {
  if (!/SQLITE_BUSY|DATABASE_LOCKED/.test(error.code)) throw error
}

async function goOn () {
  while (!state.isStopping) {
    await sleep(random.exponential(options.paceMs))
    if (state.isStopping) break
    await random.pick(CHORES)().catch(tolerateLock)
  }
}

const work = goOn()
process.on('message', async ({ stop }) => {
  if (stop !== true) return
  state.isStopping = true
  await work
  host.close()
  await timeline.close()
  await store.close()
  process.disconnect()
})
process.on('disconnect', () => process.exit())
process.send('ready', () => {})
