import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { EventStream } from '../../plugins/event-stream.js'

/** A stream that has begun, on a real socket, and what its viewer receives. */
async function setUp (t: Test): Promise<{ stream: EventStream, body: Promise<string> }> {
  const server = createServer()
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false })
  const [, response] = await once(server, 'request')
  const stream = new EventStream(response)
  stream.begin({ getHeaders: () => ({}) } as FastifyReply, '')
  const [answer] = await once(request, 'response') as [IncomingMessage]
  return { stream, body: text(answer) }
}

t.test('what was joined in the turn of the end arrives before it', async (t) => {
  const { stream, body } = await setUp(t)
  stream.writeJoined('data: one\n\n')
  stream.writeJoined('data: two\n\n')
  stream.end()
  t.match(await body, /data: one\n\ndata: two\n\n$/)
})

t.test('many small writes of one turn are too much only until the socket has taken them', async (t) => {
  const { stream, body } = await setUp(t)
  const drained = new Promise<void>((resolve) => { stream.onDrain(resolve) })
  // Each below what a socket takes at once on any Node, and together above.
  const results = Array.from({ length: 5 }, (_, index) => stream.writeJoined(`data: ${index}${'x'.repeat(15_000)}\n\n`))
  t.equal(results.at(-1), false)
  t.equal(stream.isBehind, true)
  await drained
  t.equal(stream.isBehind, false)
  stream.end()
  t.equal((await body).match(/^data: /gm)?.length, 5)
})
