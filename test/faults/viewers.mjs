// A process full of viewers: `viewers.mjs <options as JSON>`. Told over IPC where the servers are and what the heads
// are once all is calm.
import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { manyTasks, oneTask } from './feeds.mjs'
import { FRAGILE_TASKS } from './plan.mjs'
import { Viewer } from './viewer.mjs'

const { names, seed, tasks, listPath } = JSON.parse(process.argv[2])
const servers = [undefined, undefined]
let becomeCalm
const phase = { isCalm: false, calm: new Promise((resolve) => { becomeCalm = resolve }) }

/** Whoever has not arrived by then is told by the comparison. */
const PATIENCE_MS = 45_000
const flooded = new Map()
const met = { gaps: 0, paused: 0 }

const lists = names.map((name) => {
  const descriptor = openSync(`${listPath}-${name}`, 'a')
  const number = Number(name.slice(1))
  const taskId = tasks[number % tasks.length]
  // Every fifth follows three tasks, one of which is deleted from time to time.
  const others = tasks.filter((id) => id !== taskId).slice(-2)
  const feed = number % 5 === 4 ? manyTasks([taskId, ...others]) : oneTask(taskId)
  let waiting = ''
  const save = () => { writeSync(descriptor, waiting); waiting = '' }
  const viewer = new Viewer({
    name,
    seed,
    servers,
    phase,
    feed,
    write (line) {
      waiting += line + '\n'
      if (/^[GU] /.test(line)) met.gaps++
      if (/^R .* flooded /.test(line) && !FRAGILE_TASKS.includes(taskId)) met.paused++
      if (waiting.length > 65_536) save()
    },
    flood: (bytes) => new Promise((resolve) => {
      flooded.set(name, resolve)
      process.send({ flood: { name, taskId, bytes } })
    })
  })
  return { viewer, save, close: () => { save(); closeSync(descriptor) } }
})

process.on('message', async ({ server, flooded: name, heads }) => {
  flooded.get(name)?.()
  if (server !== undefined) servers[server.slot] = server.path ?? undefined
  if (heads === undefined) return
  phase.isCalm = true
  becomeCalm(true)
  await roaming
  await Promise.all(lists.map(async ({ viewer, close }) => {
    await Promise.race([viewer.settle(heads), sleep(PATIENCE_MS)])
    close()
  }))
  process.exit()
})
process.on('disconnect', () => process.exit())
const roaming = Promise.all(lists.map(({ viewer }) => viewer.roam()))
setInterval(() => { if (process.connected) process.send({ met }) }, 250)
process.send('ready')
