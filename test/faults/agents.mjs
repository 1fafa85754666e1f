import { setTimeout as sleep } from 'node:timers/promises'
import { activityOf, FLOOD_PREFIX, MESSAGE_BYTES } from './content.mjs'
import { createRandom } from './random.mjs'

/** A process is never so far ahead of the database that its queue drops output: that would be another test. */
const AHEAD = 2_000

/**
 * Agents that run one invocation after the other on any of the tasks, and keep the ledger.
 *
 * @param {{ timeline: import('../../lib/open-timeline.js').Timeline, name: string, seed: string, tasks: string[],
 *   ledger: object, agents: number, paceMs: number, maxBurst: number }} options
 */
export function startAgents ({ timeline, name, seed, tasks, ledger, agents, paceMs, maxBurst }) {
  const random = createRandom(seed, name, 'agents')
  const work = new Set()
  const state = { isStopping: false }
  let runs = 0

  async function acknowledged (yes, work, no = ['x', yes[1]]) {
    try {
      const value = await work
      ledger.write(...yes, ...(value === undefined ? [] : [value]))
      return true
    } catch (error) {
      ledger.write(...no, String(error.code ?? error.message).replaceAll(/\s/g, '_'))
      return false
    }
  }

  async function run (key, taskId, total, random, burst = maxBurst) {
    let handle
    ledger.write('S', key, taskId)
    const start = timeline.startInvocation({ taskId, role: 'coder', provider: 'claude', model: key, prompt: `Do ${key}` })
    if (!(await acknowledged(['s', key], start.then((given) => { handle = given; return given.id ?? '' })))) return
    let produced = 0

    async function produce (count) {
      ledger.write('P', key, produced + count)
      for (let index = produced; index < produced + count; index++) {
        handle.activity({ ...activityOf(key, index), timestamp: new Date() })
      }
      produced += count
    }

    let isAhead = 0
    while (produced < total && !state.isStopping) {
      const count = Math.min(total - produced, random.integer(1, burst))
      await produce(count)
      isAhead += count
      if (isAhead > AHEAD || random.chance(0.3)) {
        isAhead = 0
        await acknowledged(['A', key, produced], timeline.flush())
      }
      await sleep(random.exponential(paceMs))
    }
    const end = random.pick(['complete', 'complete', 'fail', 'timedOut'])
    ledger.write('E', key, end)
    await acknowledged(['e', key], handle[end](end === 'fail' ? new Error('It failed') : `Done ${key}`))
    if (!random.chance(0.2)) return
    await produce(random.integer(1, 5))
    await acknowledged(['A', key, produced], timeline.flush())
  }

  async function tellTask (taskId, id) {
    ledger.write('T', taskId, id)
    await acknowledged(['a', id], timeline.recordTaskEvent({ taskId, type: 'task.note', actor: name, message: id }))
  }

  async function goOn (agent) {
    while (!state.isStopping) {
      const key = `${name}-${agent}-${runs++}`
      const random = createRandom(seed, key, 'run')
      const taskId = random.pick(tasks)
      await run(key, taskId, random.integer(0, 7 * maxBurst), random)
      if (random.chance(0.2)) await tellTask(taskId, `note-${key}`)
      await sleep(random.exponential(paceMs))
    }
  }

  function begin (promise) {
    work.add(promise)
    promise.finally(() => work.delete(promise))
  }
  for (let agent = 0; agent < agents; agent++) begin(goOn(agent))
  return {
    /** Writes about so many bytes to a task, as fast as the database takes them. */
    flood (taskId, bytes) {
      const count = Math.ceil(1.1 * bytes / MESSAGE_BYTES)
      begin(run(`${FLOOD_PREFIX}-${name}-${runs++}`, taskId, count, { ...random, integer: (_, max) => max, exponential: () => 0 }, count))
    },
    /** Resolves when every agent has ended its run. */
    async stop () {
      state.isStopping = true
      await Promise.all(work)
    }
  }
}
