import { alternate, figuresOf, isSmoke, quantile } from '../measure.mjs'
import { CONTENDERS, LIMIT } from './contenders.mjs'
import { withChildren } from './child.mjs'

const PER_SECOND = 200
const MAX_LATENCY_MS = 100
const MAX_MEMORY_BYTES = 120e6

/** Many viewers of one busy task: what a delivery costs the server, when it arrives, and what memory it takes. */
export async function fanOut () {
  const sizes = isSmoke
    ? [[5, 20, 40]]
    : [[300, 5, 3], [1000, 2, 2]].map(
        ([viewers, ...seconds]) => [viewers, ...seconds.map((of) => of * PER_SECOND)])
  const tables = []
  for (const [viewers, warmUp, count] of sizes) {
    const seen = await alternate(Object.fromEntries([...Object.keys(CONTENDERS), LIMIT].map((name) => [
      name, (directory) => measure(name, directory, { viewers, warmUp, count })
    ])), { hasWarmUp: false })
    const of = (key) => figuresOf(seen, key)
    const title = `Fan-out, ${viewers} viewers x ${PER_SECOND} activities/s, each stored`
    tables.push({
      title,
      metric: 'deliveries per server CPU second',
      figures: of('deliveriesPerCpuSecond'),
      isHigherBetter: true,
      target: { text: '>= 5 x each package', isMet: ({ ratios: { [LIMIT]: _, ...others } }) => Math.min(...Object.values(others)) >= 5 }
    }, {
      title,
      metric: 'p99 from due to seen',
      unit: 'ms',
      figures: of('p99Ms'),
      isHigherBetter: false,
      target: { text: `< ${MAX_LATENCY_MS} ms`, isMet: ({ ours }) => ours < MAX_LATENCY_MS }
    }, {
      title,
      metric: "server's peak resident memory",
      unit: 'MB',
      figures: of('peakMegabytes'),
      isHigherBetter: false,
      target: { text: `< ${MAX_MEMORY_BYTES / 1e6} MB`, isMet: ({ ours }) => ours < MAX_MEMORY_BYTES / 1e6 }
    }, {
      title,
      metric: 'growth of it by viewers and events',
      unit: 'MB',
      figures: of('growthMegabytes'),
      isHigherBetter: false
    })
  }
  return tables
}

/** A server runs for days: what counts comes after `warmUp` others, when most of its code is compiled. */
async function measure (name, directory, { viewers, warmUp, count }) {
  return withChildren(async (start) => {
    const server = await start('./server.mjs', [name, directory])
    const { rss } = await server.ask('usage', { collect: true })
    const { port, path } = server.first
    const crowd = await start('./viewers.mjs', [port, path, viewers])
    await server.ask('tellAtRate', { count: warmUp, perSecond: PER_SECOND })
    await crowd.ask('reach', { events: warmUp })
    await crowd.ask('latencies')
    const before = await server.ask('usage')
    await server.ask('tellAtRate', { count, perSecond: PER_SECOND })
    await crowd.ask('reach', { events: warmUp + count })
    const after = await server.ask('usage')
    return {
      deliveriesPerCpuSecond: viewers * count / (after.cpuSeconds - before.cpuSeconds),
      p99Ms: quantile(await crowd.ask('latencies'), 0.99),
      peakMegabytes: after.peakBytes / 1e6,
      growthMegabytes: (after.peakBytes - rss) / 1e6
    }
  })
}
