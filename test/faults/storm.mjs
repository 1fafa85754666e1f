import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { OPEN } from './commit-faults.mjs'
import { createDatabase } from './database.mjs'
import { FRAGILE_TASKS, lifeOf, TASKS, VIEWERS } from './plan.mjs'

/** A run of the dead is found within two of these and a second. */
const HEARTBEAT_MS = 500
const POLL_MS = 100
const REST_TURNS = 200
/** After so many polls somebody else is asked to flood. */
const FLOOD_TURNS = 5

/** One process that is started again whenever it was killed. */
class Slot {
  child
  isReady = false
  #storm
  #kind
  #index
  #life = 0
  #isStopping = false

  constructor (storm, kind, index) {
    this.#storm = storm
    this.#kind = kind
    this.#index = index
  }

  /** Life after life, until the storm is over; the last one is left alive. */
  async run () {
    while (!this.#storm.hasEnded) {
      const plan = lifeOf(this.#storm.seed, this.#kind, this.#index, this.#life)
      const { exited, ready, held } = this.#start(plan)
      if (plan.whileStarting) await Promise.race([exited, sleep(plan.afterMs)])
      else {
        await Promise.race([ready, exited, held])
        await Promise.race([exited, held, this.#storm.over, sleep(plan.afterMs)])
      }
      // One that was to be stopped in a transaction would be so later.
      if (this.#storm.hasEnded && !plan.whileStarting && plan.hold === undefined) return
      await this.#kill(exited)
    }
    const { exited, ready } = this.#start({})
    await Promise.race([ready, exited])
  }

  tell (message) {
    // It may have been killed in this very moment.
    if (this.child?.connected) this.child.send(message, () => {})
  }

  #start ({ hold }) {
    const { directory, database, seed, dist, form } = this.#storm
    const name = `${this.#kind}${this.#index}.${this.#life++}`
    const isRunner = this.#kind === 'runner'
    const options = {
      name,
      seed,
      database,
      dist,
      hold,
      heartbeatMs: HEARTBEAT_MS,
      statePath: join(directory, `state-${name}`),
      ledgerPath: join(directory, `ledger-${name}`),
      socketPath: join(directory, `${name}.sock`),
      tasks: TASKS,
      fragileTasks: FRAGILE_TASKS,
      agents: isRunner ? 3 : 1,
      paceMs: form.paceMs[this.#kind],
      maxBurst: form.maxBurst,
      expireAfterMs: form.expireAfterMs
    }
    const child = this.#storm.fork(`${this.#kind}.mjs`, options, ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'])
    this.child = child
    this.isReady = false
    const exited = once(child, 'exit')
    const ready = once(child, 'message').then(() => {
      this.isReady = true
      if (this.#kind === 'server') this.#storm.tellViewers({ server: { slot: this.#index, path: options.socketPath } })
    }, () => {})
    const held = new Promise((resolve) => child.stdio[4].once('data', resolve))
    child.stdio[4].on('error', () => {})
    this.#state = options.statePath
    this.name = name
    return { exited, ready, held }
  }

  #state

  async #kill (exited) {
    const { counts, killed } = this.#storm
    if (this.child.exitCode !== null) throw new Error(`${this.name} ended by itself with ${this.child.exitCode}`)
    this.child.kill('SIGKILL')
    this.isReady = false
    await exited
    killed.add(this.name)
    counts.kills++
    counts[`${this.#kind}Kills`]++
    if (readState(this.#state) === OPEN) counts.killsInTransaction++
    if (this.#kind === 'server') this.#storm.tellViewers({ server: { slot: this.#index, path: null } })
  }
}

function readState (path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Runs runners, servers, viewers and a janitor on one database, kills them by the plan, and lets all come to rest.
 *
 * @param {{ seed: string, form: object, directory: string, dist: string, log: (line: string) => void }} options
 */
export async function runStorm ({ seed, form, directory, dist, log }) {
  const children = new Set()
  const database = join(directory, 'host.db')
  const raw = await createDatabase(database, TASKS, dist)
  const counts = {
    kills: 0, runnerKills: 0, serverKills: 0, janitorKills: 0, killsInTransaction: 0, events: 0, paused: 0, gaps: 0
  }
  const startedAt = Date.now()
  const count = raw.prepare('SELECT max(n) FROM history').pluck()
  const committedSince = raw.prepare('SELECT sum(length(message)) FROM history WHERE n > ? AND task_id = ?').pluck()
  const wanted = Object.entries({ ...form.minimum, ...form.sought })
  let flooders = 0
  let end
  const storm = {
    seed,
    form,
    directory,
    database,
    dist,
    counts,
    killed: new Set(),
    over: new Promise((resolve) => { end = resolve }),
    hasEnded: false,
    tellViewers: (message) => { if (viewers?.connected) viewers.send(message) },
    fork (script, options, stdio) {
      const child = fork(fileURLToPath(new URL(script, import.meta.url)), [JSON.stringify(options)], {
        execArgv: [], env: { ...process.env, NODE_OPTIONS: '' }, stdio
      })
      children.add(child)
      child.once('exit', () => children.delete(child))
      return child
    }
  }
  let viewers
  try {
    const runners = Array.from({ length: form.runners }, (_, index) => new Slot(storm, 'runner', index))
    const servers = [0, 1].map((index) => new Slot(storm, 'server', index))
    const janitor = new Slot(storm, 'janitor', 0)
    viewers = storm.fork('viewers.mjs', {
      names: Array.from({ length: VIEWERS }, (_, index) => `v${index}`), seed, tasks: TASKS, listPath: join(directory, 'list')
    }, ['ignore', 'ignore', 'inherit', 'ipc'])
    viewers.on('message', ({ flood, met }) => {
      Object.assign(counts, met)
      if (flood !== undefined) floodTask(flood)
    })
    /** Until enough was committed while the viewer did not read; who is killed over it is followed by another. */
    const floodTask = async ({ name, taskId, bytes }) => {
      const since = count.get() ?? 0
      const committed = () => committedSince.get(since, taskId) ?? 0
      for (let turn = 0; committed() < bytes && !storm.hasEnded; turn++) {
        if (turn % FLOOD_TURNS === 0) recorders[flooders++ % recorders.length].tell({ flood: { taskId, bytes } })
        await Promise.race([sleep(POLL_MS), storm.over])
      }
      storm.tellViewers({ flooded: name })
    }
    const viewersGone = once(viewers, 'exit')
    const viewersFailed = viewersGone.then(([code]) => { throw new Error(`the viewers ended with ${code}`) })
    viewersFailed.catch(() => {})
    const recorders = [...servers, ...runners]
    const slots = [...recorders, janitor]
    const lives = Promise.all(slots.map((slot) => slot.run()))
    lives.catch(() => end())
    for (let saidAt = Date.now(); !storm.hasEnded;) {
      await Promise.race([sleep(POLL_MS), viewersFailed, lives])
      counts.events = count.get() ?? 0
      storm.hasEnded = wanted.every(([name, least]) => !(counts[name] < least))
      if (Date.now() - saidAt > 10_000) {
        saidAt = Date.now()
        log(`${Math.round((saidAt - startedAt) / 1000)} s: ${JSON.stringify(counts)}`)
      }
    }
    end()
    await lives
    log('the storm is over, all comes to rest')
    await rest({ raw, runners, servers, janitor, viewers, viewersGone })
    counts.events = count.get()
    counts.seconds = Math.round((Date.now() - startedAt) / 1000)
    return { counts, killed: storm.killed, database }
  } finally {
    for (const child of children) child.kill('SIGKILL')
    raw.close()
  }
}

/** Runs end, the dead are found, and each viewer is told how far it has to come. */
async function rest ({ raw, runners, servers, janitor, viewers, viewersGone }) {
  await Promise.all([...runners, janitor].map(async ({ child, name }) => {
    const gone = once(child, 'exit')
    child.send({ stop: true })
    const [code, signal] = await gone
    if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}`)
  }))
  await Promise.all(servers.map(async ({ child }) => {
    const stopped = once(child, 'message')
    child.send({ stop: true })
    await stopped
  }))
  const running = raw.prepare("SELECT count(*) FROM invocation_run WHERE status = 'running'").pluck()
  // One that never ends, or a viewer that never arrives, is told by the comparison.
  for (let turn = 0; turn < REST_TURNS && running.get() > 0; turn++) await sleep(POLL_MS)
  // A host's transition counts once the task has kept its state for two seconds.
  const heads = raw.prepare('SELECT task_id, last_seq, epoch FROM task_stream ORDER BY task_id')
  let seen
  for (let now = JSON.stringify(heads.all()); now !== seen; now = JSON.stringify(heads.all())) {
    seen = now
    await sleep(3_000)
  }
  const known = new Map(heads.all().map((row) => [row.task_id, `${row.last_seq}.${row.epoch}`]))
  viewers.send({ heads: Object.fromEntries(TASKS.map((id) => [id, known.get(id) ?? ''])) })
  const [code] = await viewersGone
  if (code !== 0) throw new Error(`the viewers ended with ${code}`)
  await Promise.all(servers.map(async ({ child }) => {
    const gone = once(child, 'exit')
    child.send({ end: true })
    await gone
  }))
}
