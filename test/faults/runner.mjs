// A process that records: `runner.mjs <options as JSON>`. Told over IPC what to do besides: flood a task, stop.
import { startAgents } from './agents.mjs'
import { installCommitFaults } from './commit-faults.mjs'
import { MESSAGE_BYTES } from './content.mjs'
import { openLedger } from './ledger.mjs'
import { createRandom } from './random.mjs'

const options = JSON.parse(process.argv[2])
const { database, name, seed, dist } = options
const ledger = openLedger(options.ledgerPath)
installCommitFaults({ ...options, ledger, random: createRandom(seed, name, 'commits') })
const { openTimeline } = await import(`${dist}/lib/open-timeline.js`)
const quiet = { error () {}, warn () {}, info () {}, debug () {} }
const timeline = await openTimeline({
  database, logger: quiet, runnerHeartbeatIntervalMs: options.heartbeatMs, caps: { messageBytes: MESSAGE_BYTES }
})
const agents = startAgents({ ...options, timeline, ledger })
process.on('message', async ({ flood, stop }) => {
  if (flood !== undefined) agents.flood(flood.taskId, flood.bytes)
  if (stop !== true) return
  await agents.stop()
  await timeline.close()
  process.disconnect()
})
process.on('disconnect', () => process.exit())
process.send('ready', () => {})
