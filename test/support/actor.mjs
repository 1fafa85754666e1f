// Processes of their own for the tests, one role each: `actor.mjs <role> <options as JSON>`, told and asked over IPC.
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { migrate } from 'fastify-agent-timeline/migrations'
import { openTimeline } from 'fastify-agent-timeline/recorder'

const [, , role, json] = process.argv
const options = JSON.parse(json)

async function told () {
  const [message] = await once(process, 'message')
  return message
}

function openAsHost () {
  const raw = new Sqlite(options.database)
  raw.pragma('foreign_keys = ON')
  raw.pragma('busy_timeout = 5000')
  return raw
}

const realNow = Date.now

function setClock (byMs) {
  Date.now = () => realNow() + byMs
}

function activity (message, more = {}) {
  return { type: 'progress', message, timestamp: new Date(Date.now()), ...more }
}

const roles = {
  async migrate () {
    process.send('ready')
    await told()
    process.send(await migrate(options.database))
  },

  // The host's logger, of a version that knows nothing of us.
  async insert () {
    const raw = openAsHost()
    const insert = raw.prepare(`INSERT INTO task_invocations
      (task_id, role, provider, model, prompt, response, exit_code, duration_ms, success) VALUES (?, 'coder', 'claude', 'm', 'p', 'r', 0, 1000, 1)`)
    const stopped = told().then(() => true)
    const report = { inserted: 0, errors: [] }
    process.send('ready')
    for (;;) {
      try {
        insert.run(options.taskId)
        report.inserted++
      } catch (error) {
        report.errors.push(String(error))
      }
      if (await Promise.race([stopped, new Promise((resolve) => setImmediate(resolve, false))])) break
    }
    process.send(report)
  },

  async lock () {
    const raw = openAsHost()
    raw.exec('BEGIN EXCLUSIVE')
    process.send('locked')
    await told()
    raw.exec('COMMIT')
    process.send('released')
  },

  // Writes to tasks of its own and to one that all share.
  async write () {
    const timeline = await openTimeline({ database: options.database, migrate: true })
    process.send('ready')
    await told()
    await Promise.all([...options.tasks, options.shared].map(async (taskId) => {
      await timeline.logInvocation({ taskId, role: 'coder', provider: 'claude' }, async ({ onActivity }) => {
        for (let index = 0; index < options.count; index++) {
          onActivity(activity(`${process.pid}:${taskId}:${index}`))
          if (index % 50 === 49) await new Promise(setImmediate)
        }
      })
    }))
    await timeline.close()
    process.send('written')
  },

  // A runner: says how far it is only once that is stored. Told `end` its agent returns; told `clock <ms>` its clock is
  // set by so much; told anything else the agent says it.
  async run () {
    const timeline = await openTimeline({
      database: options.database,
      migrate: true,
      closeOnSignal: options.closeOnSignal === true,
      runnerHeartbeatIntervalMs: 200
    })
    await timeline.logInvocation({ taskId: options.taskId, role: 'coder', provider: 'claude' }, async (run) => {
      const call = { callId: 'call-1', phase: 'start', tool: 'Bash' }
      run.onActivity(activity('exec: sleep', { type: 'tool_exec', metadata: call }))
      for (let index = 0; index < options.count; index++) run.onActivity(activity(`line ${index}`))
      await timeline.flush()
      process.send({ id: run.invocationId })
      let end
      const ended = new Promise((resolve) => { end = resolve })
      process.on('message', (message) => {
        if (message === 'end') return end()
        if (message.startsWith('clock ')) {
          setClock(Number(message.slice(6)))
          return process.send('set')
        }
        for (let index = 0; index < (message === 'burst' ? 5_000 : 1); index++) run.onActivity(activity(`${message} ${index}`))
        process.send('said')
      })
      const aborted = new Promise((resolve, reject) => {
        run.signal.addEventListener('abort', () => { reject(run.signal.reason) })
      })
      await Promise.race([ended, aborted])
    }).catch(() => {})
    if (options.closeOnSignal === true) return
    await timeline.close()
    process.send('ended')
    process.disconnect()
  },

  // A runner whose event loop stands still until a file appears.
  async block () {
    const timeline = await openTimeline({ database: options.database, runnerHeartbeatIntervalMs: 100 })
    await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async () => {
      let turns = 0
      const turning = setInterval(() => { turns++ }, 1)
      writeFileSync(options.blocked, '')
      const nap = new Int32Array(new SharedArrayBuffer(4))
      while (!existsSync(options.free)) Atomics.wait(nap, 0, 0, 10)
      process.send({ turns })
      clearInterval(turning)
    })
    await timeline.close()
  },

  // A runner that has done what it had to do, and forgets to close.
  async leave () {
    const timeline = await openTimeline({ database: options.database, runnerHeartbeatIntervalMs: 100 })
    await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
    process.send('started')
    await told()
  },

  // Says something, waits for as long as a batch may wait, says the next; then it is gone, without a flush.
  async die () {
    const timeline = await openTimeline({ database: options.database })
    await timeline.logInvocation({ taskId: options.taskId, role: 'coder', provider: 'claude' }, async ({ onActivity }) => {
      for (let index = 0; index < options.count; index++) {
        onActivity(activity(`line ${index}`))
        await new Promise((resolve) => setTimeout(resolve, options.afterMs))
        // The writer's timer is due before ours; the commit itself takes some turns.
        for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate)
      }
      process.kill(process.pid, 'SIGKILL')
    })
  },

  // A web server with the plugin; says where it listens.
  async serve () {
    const { default: Fastify } = await import('fastify')
    const { default: agentTimeline } = await import('fastify-agent-timeline')
    const app = Fastify({ forceCloseConnections: true, keepAliveTimeout: 500 })
    await app.register(agentTimeline, {
      database: options.database, migrate: true, metrics: true, monitoring: options.monitoring
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    process.send(app.server.address().port)
    await told()
    await app.close()
  },

  async read () {
    const timeline = await openTimeline({ database: options.database, migrate: true })
    const { timeline: events } = await timeline.getTimeline(options.taskId)
    process.send({ events, offset: new Date().getTimezoneOffset() })
    await timeline.close()
  }
}

// Two runners in one process, as a host with two projects has them.
roles.two = async () => {
  const [one, two] = options.databases
  await Promise.all([
    [one, 0], [two, 400]
  ].map(([database, endsAfterMs]) => new Promise((resolve) => {
    run(database, endsAfterMs).catch(() => {}).finally(resolve)
  })))
}

async function run (database, endsAfterMs) {
  const timeline = await openTimeline({ database, closeOnSignal: true })
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async (run) => {
    process.send({ id: run.invocationId })
    await new Promise((resolve, reject) => {
      run.signal.addEventListener('abort', () => {
        run.onActivity(activity('told to end'))
        setTimeout(reject, endsAfterMs, run.signal.reason)
      })
      setInterval(() => {}, 1_000)
    })
  })
}

await roles[role]()
if (role !== 'run' && role !== 'two') process.disconnect()
