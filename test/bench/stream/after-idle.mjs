import { alternate, isSmoke, quantile } from '../measure.mjs'
import { withChildren } from './child.mjs'
import { SseReader } from './sse-reader.mjs'

const WRITES = isSmoke ? 5 : 100
/** Long enough that neither writer nor server still collects: each write comes out of the blue. */
const PAUSE_MS = [60, 120]
const SERVERS = { 'bell file': 'viewer', 'polling every 250 ms': 'poll-250', 'polling every second': 'poll-1000' }
const MAX_MS = { p50: 5, p99: 30 }

/** One process writes, another shows it: how long after the call an activity is on a viewer's socket. */
export async function afterIdle () {
  const { all } = await alternate({ all: measure }, { hasWarmUp: false })
  return Object.entries(MAX_MS).map(([name, max]) => ({
    title: 'Write to viewer in another process, SQLite, after idle',
    metric: name,
    unit: 'ms',
    figures: Object.fromEntries(Object.keys(SERVERS).map((server) => [
      server, all.map((round) => round[server][name])
    ])),
    isHigherBetter: false,
    target: { text: `<= ${max} ms`, isMet: ({ ours }) => ours <= max }
  }))
}

/** All servers show the same writes. */
async function measure (directory) {
  return withChildren(async (start) => {
    const writer = await start('./runner.mjs', [directory])
    const readers = []
    for (const server of Object.values(SERVERS)) {
      const { first: { port, path } } = await start('./server.mjs', [server, directory])
      const reader = new SseReader({ port, path })
      await reader.opened
      readers.push(reader)
    }
    await writer.ask('tellSlowly', { count: WRITES, pauseMs: PAUSE_MS })
    const latencies = await Promise.all(readers.map(async (reader) => {
      await reader.seen(WRITES)
      return reader.takeLatencies()
    }))
    readers.forEach(({ socket }) => socket.destroy())
    return Object.fromEntries(Object.keys(SERVERS).map((server, index) => [
      server, { p50: quantile(latencies[index], 0.5), p99: quantile(latencies[index], 0.99) }
    ]))
  })
}
