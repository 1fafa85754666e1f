// A server with little memory, for the tests of large answers: tells its port, ends with whoever started it.
import Fastify from 'fastify'
import agentTimeline from 'fastify-agent-timeline'

const app = Fastify()
await app.register(agentTimeline, { database: process.argv[2] })
app.get('/hello', async () => 'hello')
await app.listen({ port: 0, host: '127.0.0.1' })
process.send(app.server.address().port)
process.once('disconnect', () => app.close())
