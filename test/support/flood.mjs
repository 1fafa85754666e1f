// A server whose memory is watched, and a runner that floods it: `flood.mjs serve|run <options as JSON>`.
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import agentTimeline from 'fastify-agent-timeline'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import Fastify from 'fastify'

const [, , role, json] = process.argv
const options = JSON.parse(json)

const roles = {
  async serve () {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc')
    const app = Fastify({ forceCloseConnections: true })
    await app.register(agentTimeline, {
      database: options.database, monitoring: { streamHeartbeatInterval: options.streamHeartbeatInterval }
    })
    app.server.on('connection', (socket) => {
      const { remotePort } = socket
      socket.on('close', () => { if (process.connected) process.send({ closed: remotePort }) })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const most = { used: 0, rss: 0 }
    const sample = () => {
      collectGarbage()
      // What `external` counts includes the array buffers.
      const { heapUsed, external, rss } = process.memoryUsage()
      most.used = Math.max(most.used, heapUsed + external)
      most.rss = Math.max(most.rss, rss)
    }
    process.on('message', () => { sample(); process.send(most) })
    setInterval(sample, 250)
    process.send(app.server.address().port)
    await once(process, 'disconnect')
    process.exit()
  },

  async run () {
    const timeline = await openTimeline({ database: options.database })
    await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async ({ onActivity }) => {
      process.send('started')
      await once(process, 'message')
      for (let index = 0; index < options.count; index++) {
        const message = `${index} `.repeat(options.bytes).slice(0, options.bytes)
        onActivity({ type: 'progress', message, timestamp: new Date() })
        if (index % 100 === 99) await timeline.flush()
      }
    })
    await timeline.close()
    process.send('written')
    process.disconnect()
  }
}

await roles[role]()
