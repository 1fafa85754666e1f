import { setTimeout as pause } from 'node:timers/promises'
import { inDirectory, isSmoke, ROUNDS } from '../measure.mjs'
import { withChildren } from '../stream/child.mjs'
import { processTrees } from './process-trees.mjs'

const RUNS = isSmoke ? 20 : 1000
/** Calls of the same command that have ended, of each run. */
const HISTORY = isSmoke ? 2 : 40
const WINDOW_MS = isSmoke ? 100 : 10_000
/** What is seen for the first time costs more, once. */
const SETTLE_MS = isSmoke ? 1_500 : 12_000
const REPORTS_A_SECOND = 100
const MAX_MS = 5

/** What it costs a server to know how all that runs is doing, for viewers of each task. */
export async function verdicts () {
  const [silent, busy] = await inDirectory(measure)
  const title = `${RUNS} running invocations, each in a command that ran ${HISTORY} times before, judged`
  return [{
    title,
    metric: 'CPU of the server while nothing is reported but signs of life',
    unit: 'ms a second',
    figures: { ours: silent },
    isHigherBetter: false,
    target: { text: `< ${MAX_MS} ms a second`, isMet: ({ ours }) => ours < MAX_MS }
  }, {
    title,
    metric: `CPU of the server while ${REPORTS_A_SECOND} activities a second are reported`,
    unit: 'ms a second',
    figures: { ours: busy },
    isHigherBetter: false
  }, await processTrees()]
}

/** @returns milliseconds of CPU a second, in each of the rounds: while all are silent, and while some are not */
async function measure (directory) {
  return withChildren(async (start) => {
    const runners = await start('../verdicts/runners.mjs', [directory, RUNS, HISTORY])
    const server = await start('../verdicts/server.mjs', [directory, RUNS])
    await pause(SETTLE_MS)
    const { in_tool: judged } = await server.ask('counts')
    if (judged !== RUNS) throw new Error(`${judged} of ${RUNS} runs are judged to be in their command`)
    const silent = await rounds(server)
    await runners.ask('reportEachSecond', { count: REPORTS_A_SECOND })
    await pause(isSmoke ? 100 : 2_000)
    return [silent, await rounds(server)]
  })
}

async function rounds (server) {
  const figures = []
  let before = await server.ask('usage')
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    await pause(WINDOW_MS)
    const after = await server.ask('usage')
    figures.push((after.cpuMs - before.cpuMs) / (performance.now() - startedAt) * 1000)
    before = after
  }
  return figures
}
