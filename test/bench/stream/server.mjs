// A contender in a process of its own, so that its CPU and memory are nobody else's. It obeys its parent's messages.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { obey } from './child.mjs'
import { CONTENDERS, SERVERS } from './contenders.mjs'
import { activityWithDue } from './payload.mjs'

/** Its own wake-ups are counted, too, as the server's CPU: so not one for each activity. */
const TICK_MS = 10
const BURST = 20

const [name, directory] = process.argv.slice(2)
const { app, path, onActivity, flush } = await { ...CONTENDERS, ...SERVERS }[name](directory)
await app.listen({ port: 0, host: '127.0.0.1' })
let told = 0

const COMMANDS = {
  /** At a steady rate, whatever it costs: what falls due while the process is busy is told late, with its due time. */
  tellAtRate: ({ count, perSecond }) => new Promise((resolve) => {
    const startedAt = process.hrtime.bigint()
    const first = told
    const timer = setInterval(() => {
      const elapsed = Number(process.hrtime.bigint() - startedAt) / 1e9
      const due = Math.min(count, Math.floor(elapsed * perSecond) + 1)
      while (told - first < due) {
        const dueAt = startedAt + BigInt(Math.round((told - first) / perSecond * 1e9))
        onActivity(activityWithDue(told, dueAt))
        told++
      }
      if (told - first < count) return
      clearInterval(timer)
      resolve()
    }, TICK_MS)
  }),
  /** As fast as the process can, in turns of the event loop. */
  async tellAll ({ count, padding, perFlush = Infinity }) {
    for (const end = told + count; told < end; told++) {
      onActivity(activityWithDue(told, process.hrtime.bigint(), padding))
      if (told % BURST === 0) await nextTurn()
      if (told % perFlush === 0) await flush?.()
    }
    await flush?.()
  },
  usage ({ collect }) {
    if (collect) { globalThis.gc(); globalThis.gc() }
    const { user, system } = process.cpuUsage()
    const peakBytes = process.resourceUsage().maxRSS * 1024
    return { cpuSeconds: (user + system) / 1e6, peakBytes, ...process.memoryUsage() }
  }
}

obey(COMMANDS, { port: app.server.address().port, path })
