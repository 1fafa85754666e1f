import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { alternate, figuresOf, inDirectory, isSmoke, ROUNDS } from '../measure.mjs'
import { HEARTBEAT_SECONDS, NAMES } from './contenders.mjs'
import { withChildren } from './child.mjs'

const VIEWERS = isSmoke ? 20 : 1000
/** One ping of each stream falls into it. */
const WINDOW_MS = isSmoke ? 100 : HEARTBEAT_SECONDS * 1000
/** After the last viewer has come. */
const SETTLE_MS = isSmoke ? 10 : 500
/** Half a minute after a crowd has come or gone, V8 still tidies up behind it: that is no idling. */
const REST_MS = isSmoke ? 10 : 40_000
const MAX_KIB = 16
const MAX_PERCENT = 0.5

/** Viewers to whom nothing happens: their memory, and the CPU of the server that waits with them. */
export async function idle () {
  const memory = await alternate(Object.fromEntries(NAMES.map((name) => [
    name, (directory) => withChildren((start) => measureMemory(start, name, directory))
  ])), { hasWarmUp: false })
  const cpuPercent = await inDirectory(measureCpu)
  const title = `${VIEWERS} idle viewers`
  return [{
    title,
    metric: 'memory of each, live objects',
    unit: 'KiB',
    figures: figuresOf(memory, 'liveKib'),
    isHigherBetter: false,
    target: { text: `<= ${MAX_KIB} KiB`, isMet: ({ ours }) => ours <= MAX_KIB }
  }, {
    title,
    metric: 'memory of each, resident',
    unit: 'KiB',
    figures: figuresOf(memory, 'residentKib'),
    isHigherBetter: false,
    target: { text: `<= ${MAX_KIB} KiB`, isMet: ({ ours }) => ours <= MAX_KIB }
  }, {
    title,
    metric: `CPU, a ping every ${HEARTBEAT_SECONDS} s included`,
    unit: '% of a core',
    figures: cpuPercent,
    isHigherBetter: false,
    target: { text: `< ${MAX_PERCENT} %`, isMet: ({ ours }) => ours < MAX_PERCENT }
  }]
}

/**
 * All contenders wait at the same time: it is their CPU that is counted, not the clock's.
 *
 * @returns name → percent of a core, in each of the rounds
 */
async function measureCpu (directory) {
  return withChildren(async (start) => {
    const waiting = []
    for (const name of NAMES) {
      const own = join(directory, String(waiting.length))
      mkdirSync(own)
      const server = await start('./server.mjs', [name, own])
      const { port, path } = server.first
      await start('./viewers.mjs', [port, path, VIEWERS])
      waiting.push(server)
    }
    const seconds = async () => await Promise.all(waiting.map(async (server) => (await server.ask('usage')).cpuSeconds))
    await pause(REST_MS)
    const marks = [await seconds()]
    while (marks.length <= ROUNDS) {
      await pause(WINDOW_MS)
      marks.push(await seconds())
    }
    return Object.fromEntries(NAMES.map((name, index) => [name, marks.slice(1).map((mark, round) =>
      (mark[index] - marks[round][index]) / (WINDOW_MS / 1000) * 100)]))
  })
}

/** By the second crowd: the first pays for what is loaded, compiled and pooled once. */
async function measureMemory (start, name, directory) {
  const server = await start('./server.mjs', [name, directory])
  const { port, path } = server.first
  await start('./viewers.mjs', [port, path, VIEWERS])
  await pause(SETTLE_MS)
  const before = await server.ask('usage', { collect: true })
  await start('./viewers.mjs', [port, path, VIEWERS])
  await pause(SETTLE_MS)
  const after = await server.ask('usage', { collect: true })
  const live = ({ heapUsed, external }) => heapUsed + external
  return {
    liveKib: (live(after) - live(before)) / VIEWERS / 1024,
    residentKib: (after.rss - before.rss) / VIEWERS / 1024
  }
}
