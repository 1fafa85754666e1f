import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readTree } from '../../../dist/lib/liveness/process-sample.js'
import { isSmoke, ROUNDS } from '../measure.mjs'

const AGENTS = isSmoke ? 2 : 50
/** A shell, what it runs, and what that runs, as `npm test` has it. */
const TREE = 'sh -c "sh -c \\"sleep 1000 & sleep 1000 & wait\\" & wait" & echo $!; wait'
const PROCESSES = 4
/** So often each is looked at while a command is open. */
const INTERVAL_MS = 10_000
const LOOKS = isSmoke ? 1 : 20
const MAX_PERCENT = 0.5

/** What it costs runners to look at the processes below their agents, all of which are in a command. */
export async function processTrees () {
  const agents = Array.from({ length: AGENTS }, () => spawn('sh', ['-c', TREE], { detached: true }))
  try {
    await Promise.all(agents.map(({ stdout }) => once(stdout, 'data')))
    while (agents.some(({ pid }) => readTree(pid, 60_000)?.started !== PROCESSES));
    const figures = []
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage()
      for (let look = 0; look < LOOKS; look++) for (const { pid } of agents) readTree(pid, 60_000)
      const { user, system } = process.cpuUsage(before)
      figures.push((user + system) / 1000 / LOOKS / INTERVAL_MS * 100)
    }
    return {
      title: `${AGENTS} agents in a command, ${PROCESSES} processes below each, looked at every ${INTERVAL_MS / 1000} s`,
      metric: 'CPU of all their runners together',
      unit: '% of a core',
      figures: { ours: figures },
      isHigherBetter: false,
      target: { text: `< ${MAX_PERCENT} % of a core`, isMet: ({ ours }) => ours < MAX_PERCENT }
    }
  } finally {
    for (const { pid } of agents) process.kill(-pid, 'SIGKILL')
  }
}
