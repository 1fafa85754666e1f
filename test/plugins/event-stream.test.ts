import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastifyReply } from 'fastify'
import t, { type Test } from 'tap'
import { ChunkCoding } from '../../plugins/stream/chunk-coding.js'
import { EventStream } from '../../plugins/stream/event-stream.js'

/** A stream that has begun, on a real socket, and what its viewer receives. */
async function setUp (
  t: Test, prepare = (response: ServerResponse): void => {}, begun = (stream: EventStream): void => {}
) {
  const server = createServer()
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false })
  const [, response] = await once(server, 'request') as [IncomingMessage, ServerResponse]
  prepare(response)
  const stream = new EventStream(response, new ChunkCoding())
  stream.begin({ getHeaders: () => ({}) } as FastifyReply, '')
  begun(stream)
  const [answer] = await once(request, 'response') as [IncomingMessage]
  const body = text(answer)
  body.catch(() => {})
  return { stream, response, body }
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

t.test('whoever has put a write of their own in the place of Node\'s sees every frame', async (t) => {
  const seen: string[] = []
  const { stream, body } = await setUp(t, (response) => {
    const write = response.write
    response.write = function (...args: unknown[]) {
      seen.push(String(args[0]))
      return Reflect.apply(write, response, args)
    } as ServerResponse['write']
  })
  stream.write('data: one\n\n')
  stream.end()
  t.match(await body, /data: one\n\n$/)
  t.equal(seen.at(-1), 'data: one\n\n')
})

t.test('text and bytes of any length arrive in order, joined or not', async (t) => {
  const { stream, body } = await setUp(t)
  const expected: string[] = []
  for (const [index, length] of [0, 1, 14, 15, 16, 255, 4_095, 70_000].entries()) {
    const frame = `data: ${index} ü😀${'x'.repeat(length)}\n\n`
    expected.push(frame, frame)
    stream.write(index % 2 === 0 ? frame : Buffer.from(frame))
    stream.writeJoined(index % 2 === 0 ? Buffer.from(frame) : frame)
  }
  stream.end()
  t.ok((await body).endsWith(expected.join('')))
})

t.test('a stream of which the peer has gone takes frames, and throws nothing', async (t) => {
  const { stream, response } = await setUp(t)
  response.socket?.destroy()
  t.equal(stream.write('data: one\n\n'), true)
  stream.writeJoined('data: two\n\n')
  stream.end()
})

t.test('what is written in the turn of the head comes after it, on every Node', async (t) => {
  const { stream, body } = await setUp(t, undefined, (stream) => {
    stream.write(Buffer.from('data: one\n\n'))
    stream.writeJoined('data: two\n\n')
  })
  stream.end()
  t.match(await body, /^retry: \d+\n\ndata: one\n\ndata: two\n\n$/)
})

t.test('a peer that closes its own side is sent all that was written before, and nobody is told of an error', async (t) => {
  const server = createServer()
  t.teardown(() => server.close())
  server.on('clientError', (error: Error) => t.fail(error.message))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  const [, response] = await once(server, 'request') as [IncomingMessage, ServerResponse]
  const stream = new EventStream(response, new ChunkCoding())
  stream.begin({ getHeaders: () => ({}) } as FastifyReply, '')
  const frame = Buffer.from(`data: ${'x'.repeat(1024 * 1024)}\n\n`)
  for (let count = 0; count < 12; count++) stream.write(frame)
  response.req.on('error', () => {})
  socket.end()
  await once(response.socket as Socket, 'end')
  stream.write(frame)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => { bytes += chunk.length })
  await once(socket, 'close')
  t.ok(bytes > 12 * frame.length, `${bytes} bytes`)
})

t.test('viewers that are far behind one another are written the same bytes', async (t) => {
  const coding = new ChunkCoding()
  const [one, two] = [Buffer.from('data: 1\n\n'), Buffer.from('data: 2\n\n')]
  const coded = [one, two].map((bytes) => coding.encode(bytes))
  t.equal(String(coded[0]), '9\r\ndata: 1\n\n\r\n')
  t.equal(coding.encode(one), coded[0])
  t.equal(coding.encode(two), coded[1])
  t.equal(coding.encode(': ping\n\n'), coding.encode(': ping\n\n'))
})
