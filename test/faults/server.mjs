// A web server with the plugin that also records: `server.mjs <options as JSON>`.
import Fastify from 'fastify'
import { startAgents } from './agents.mjs'
import { installCommitFaults } from './commit-faults.mjs'
import { MESSAGE_BYTES } from './content.mjs'
import { openLedger } from './ledger.mjs'
import { createRandom } from './random.mjs'

const options = JSON.parse(process.argv[2])
const { database, name, seed, dist } = options
const ledger = openLedger(options.ledgerPath)
installCommitFaults({ ...options, ledger, random: createRandom(seed, name, 'commits') })
const { default: agentTimeline } = await import(`${dist}/plugins/agent-timeline.js`)
const app = Fastify()
await app.register(agentTimeline, {
  database,
  // Whoever takes nothing for twice the interval is disconnected.
  monitoring: { streamHeartbeatInterval: 0.75, maxConcurrentStreams: 1_000, activityLogRetention: 0 },
  runnerHeartbeatIntervalMs: options.heartbeatMs,
  caps: { messageBytes: MESSAGE_BYTES }
})
await app.listen({ path: options.socketPath })
const timeline = await app.agentTimeline.for()
const agents = startAgents({ ...options, timeline, ledger })
process.on('message', async ({ flood, stop, end }) => {
  if (flood !== undefined) agents.flood(flood.taskId, flood.bytes)
  if (stop === true) {
    await agents.stop()
    process.send('stopped')
  }
  if (end !== true) return
  await app.close()
  process.disconnect()
})
process.on('disconnect', () => process.exit())
process.send('ready', () => {})
