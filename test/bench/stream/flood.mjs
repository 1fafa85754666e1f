import { alternate, isSmoke } from '../measure.mjs'
import { NAMES } from './contenders.mjs'
import { withChildren } from './child.mjs'

const VIEWERS = isSmoke ? 5 : 100
const MINIMUM = 1_000_000

/** As many activities as the server can take, each stored: what a delivery costs it then. */
export async function flood () {
  return [{
    title: `Fan-out at full speed, ${VIEWERS} viewers, each activity stored`,
    metric: 'deliveries per server CPU second',
    figures: await alternate(Object.fromEntries(NAMES.map((name) => [
      // Ours takes ten times as many in the same time.
      name, (directory) => measure(name, directory, isSmoke ? 50 : name === 'Timeline' ? 20_000 : 2_000)
    ])), { hasWarmUp: false }),
    isHigherBetter: true,
    target: { text: `>= ${MINIMUM.toLocaleString('en-US')}`, isMet: ({ ours }) => ours >= MINIMUM }
  }]
}

async function measure (name, directory, count) {
  const warmUp = Math.ceil(count / 4)
  return withChildren(async (start) => {
    const server = await start('./server.mjs', [name, directory])
    const crowd = await start('./viewers.mjs', [server.first.port, server.first.path, VIEWERS])
    await server.ask('tellAll', { count: warmUp })
    await crowd.ask('reach', { events: warmUp })
    const before = await server.ask('usage')
    await server.ask('tellAll', { count })
    await crowd.ask('reach', { events: warmUp + count })
    const after = await server.ask('usage')
    return VIEWERS * count / (after.cpuSeconds - before.cpuSeconds)
  })
}
