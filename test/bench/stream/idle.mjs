import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { alternate, isSmoke } from '../measure.mjs'
import { HEARTBEAT_SECONDS, NAMES } from './contenders.mjs'
import { withChildren } from './child.mjs'

const VIEWERS = isSmoke ? 20 : 1000
/** One ping of each stream falls into it. */
const WINDOW_MS = isSmoke ? 100 : HEARTBEAT_SECONDS * 1000
/** After the last viewer has come, or went. */
const SETTLE_MS = isSmoke ? 10 : 500
const MAX_KIB = 16
const MAX_PERCENT = 0.5

/** Viewers to whom nothing happens: their memory, and the CPU of the server that waits with them. */
export async function idle () {
  const rounds = await alternate({ all: measureAll }, { hasWarmUp: false })
  const of = (key) => Object.fromEntries(NAMES.map((name) => [
    name, rounds.all.map((round) => round[name][key])
  ]))
  const title = `${VIEWERS} idle viewers`
  return [{
    title,
    metric: 'memory of each, live objects',
    unit: 'KiB',
    figures: of('liveKib'),
    isHigherBetter: false,
    target: { text: `<= ${MAX_KIB} KiB`, isMet: ({ ours }) => ours <= MAX_KIB }
  }, {
    title,
    metric: 'memory of each, resident',
    unit: 'KiB',
    figures: of('residentKib'),
    isHigherBetter: false,
    target: { text: `<= ${MAX_KIB} KiB`, isMet: ({ ours }) => ours <= MAX_KIB }
  }, {
    title,
    metric: `CPU, a ping every ${HEARTBEAT_SECONDS} s included`,
    unit: '% of a core',
    figures: of('cpuPercent'),
    isHigherBetter: false,
    target: { text: `< ${MAX_PERCENT} %`, isMet: ({ ours }) => ours < MAX_PERCENT }
  }]
}

/** All contenders wait at the same time: it is their CPU that is counted, not the clock's. */
async function measureAll (directory) {
  return withChildren(async (start) => {
    const waiting = []
    for (const name of NAMES) {
      const own = join(directory, String(waiting.length))
      mkdirSync(own)
      waiting.push([name, await open(start, name, own)])
    }
    await pause(SETTLE_MS)
    const begun = await Promise.all(waiting.map(([, { server }]) => server.ask('usage')))
    await pause(WINDOW_MS)
    const ended = await Promise.all(waiting.map(([, { server }]) => server.ask('usage')))
    return Object.fromEntries(waiting.map(([name, { liveKib, residentKib }], index) => {
      const cpuSeconds = ended[index].cpuSeconds - begun[index].cpuSeconds
      return [name, { liveKib, residentKib, cpuPercent: cpuSeconds / (WINDOW_MS / 1000) * 100 }]
    }))
  })
}

/** Memory by the second crowd: the first pays for what is loaded, compiled and pooled once, and leaves again. */
async function open (start, name, directory) {
  const server = await start('./server.mjs', [name, directory])
  const { port, path } = server.first
  const first = await start('./viewers.mjs', [port, path, VIEWERS])
  await pause(SETTLE_MS)
  const before = await server.ask('usage', { collect: true })
  await start('./viewers.mjs', [port, path, VIEWERS])
  await pause(SETTLE_MS)
  const after = await server.ask('usage', { collect: true })
  await first.stop()
  const live = ({ heapUsed, external }) => heapUsed + external
  return {
    server,
    liveKib: (live(after) - live(before)) / VIEWERS / 1024,
    residentKib: (after.rss - before.rss) / VIEWERS / 1024
  }
}
