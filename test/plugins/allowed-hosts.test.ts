import { once } from 'node:events'
import http from 'node:http'
import { connect as connect2 } from 'node:http2'
import net from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import helmet from '@fastify/helmet'
import { chromium } from 'playwright-core'
import t, { type Test } from 'tap'
import { openTimeline } from '../../lib/open-timeline.js'
import { createHostCheck } from '../../plugins/allowed-hosts.js'
import agentTimeline, { type GuardHook } from '../../plugins/agent-timeline.js'
import { runCommand } from '../../plugins/cli/commands.js'
import { ARGS, findBrowser } from '../support/browser.js'
import { startExample } from '../support/example.js'
import { makeApp, makeFolder, recordCoder } from './app.js'

const PATHS = [
  '/api/tasks/a/timeline', '/api/tasks/a/stream', '/api/invocations', '/api/invocations/1', '/api/stream?running=true',
  '/timeline/', '/timeline', '/timeline/tasks/a', '/timeline/client.js', '/api/timeline/metrics'
]

/** Sends a request as it is written; resolves with the status of the answer. */
async function raw (port: number, request: string): Promise<number> {
  const socket = net.connect(port, '127.0.0.1')
  socket.end(request)
  let text = ''
  for await (const chunk of socket) text += chunk
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
}

const portOf = (app: FastifyInstance): number => (app.server.address() as net.AddressInfo).port
const statusOf = async (app: FastifyInstance, headers: object, url = '/api/invocations'): Promise<number> =>
  (await app.inject({ url, headers: { ...headers } })).statusCode

t.test('without hooks a name that is not local is answered with 421 wherever it asks', async (t) => {
  const { app } = await makeApp(t, {
    plugin: { metrics: true }, before: (app) => { app.get('/mine', async () => 'mine') }
  })
  t.equal(await statusOf(app, { host: 'attacker.example' }, '/mine'), 200, 'the routes of the host are its own')
  for (const url of PATHS) {
    const answer = await app.inject({ url, headers: { host: 'attacker.example:3000', 'x-forwarded-host': 'localhost' } })
    t.equal(answer.statusCode, 421, url)
    t.match(answer.json(), {
      success: false, code: 'AGENT_TIMELINE_HOST_NOT_ALLOWED', statusCode: 421, error: /attacker\.example:3000/
    })
    t.match(answer.headers, { 'cache-control': /^(no-store|private, no-cache)$/, 'x-content-type-options': 'nosniff' })
  }
})

t.test('addresses, localhost and the names below it are allowed, however they are written', async (t) => {
  const { app } = await makeApp(t, {})
  for (const host of [
    'localhost', 'localhost:3000', 'LocalHost.', 'app.localhost:1', '127.0.0.1', '127.0.0.1:80', '192.168.1.5:3000',
    '[::1]', '[::1]:3000', '[::FFFF:127.0.0.1]:1', '127.0.0.1.', 'localhost:'
  ]) t.equal(await statusOf(app, { host }), 200, host)
  for (const host of [
    'attacker.example', 'localhost.attacker.example', '127.0.0.1.attacker.example', 'attackerlocalhost', '2130706433',
    '0x7f.1', 'a@localhost', 'localhost/', 'localhost,attacker.example', 'localhost attacker.example', '[localhost]',
    '::1', '[::1', 'localhost:3000:1', 'localhost:x', 'localhost#', ':80', '[::1]attacker.example', 'lоcalhost'
  ]) t.equal(await statusOf(app, { host }), 421, host)
})

t.test('hooks switch the check off, a list switches it on for every connection, false off', async (t) => {
  const foreign = { host: 'agents.example.com' }
  const hooks = { onRequest: async () => {} }
  t.equal(await statusOf((await makeApp(t, { plugin: { hooks } })).app, foreign), 200)
  t.equal(await statusOf((await makeApp(t, { plugin: { hooks: {} } })).app, foreign), 421)
  t.equal(await statusOf((await makeApp(t, { plugin: { hooks, allowedHosts: [] } })).app, foreign), 421)
  t.equal(await statusOf((await makeApp(t, { plugin: { allowedHosts: false } })).app, foreign), 200)
  const remote = { url: '/api/invocations', headers: foreign, remoteAddress: '192.168.1.7' }
  t.equal((await (await makeApp(t, {})).app.inject(remote)).statusCode, 200, 'it is not over loopback')
  t.equal((await (await makeApp(t, { plugin: { allowedHosts: ['x'] } })).app.inject(remote)).statusCode, 421)
  for (const remoteAddress of ['127.8.9.1', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1']) {
    t.equal((await (await makeApp(t, {})).app.inject({ ...remote, remoteAddress })).statusCode, 421, remoteAddress)
  }
})

t.test('listed names are compared as names', async (t) => {
  const allowedHosts = ['Agents.Example.com', 'bücher.example', '*.below.example', '.both.example', 'root.example.', '10.0.0.1']
  const { app } = await makeApp(t, { plugin: { allowedHosts } })
  for (const host of [
    'agents.example.com', 'AGENTS.example.com.:443', 'xn--bcher-kva.example', 'a.below.example', 'a.b.below.example',
    'both.example', 'a.both.example', 'root.example', 'localhost', '[::1]', '10.0.0.2'
  ]) t.equal(await statusOf(app, { host }), 200, host)
  for (const host of ['example.com', 'x.agents.example.com', 'below.example', 'xbelow.example', 'xboth.example', '*.below.example']) {
    t.equal(await statusOf(app, { host }), 421, host)
  }
  for (const wrong of [
    'agents.example.com', {}, [1], [''], ['*'], ['.'], ['https://a.example'], ['a.example:80'], ['a.example/x'], ['a b'],
    ['a.*.example'], ['a@b'], ['*.'], ['999.1'], ['a..b'], true, null
  ]) {
    t.throws(() => createHostCheck(wrong as never), { code: 'AGENT_TIMELINE_INVALID_OPTION' }, JSON.stringify(wrong))
    const app = Fastify()
    t.teardown(() => app.close())
    await t.rejects(Promise.resolve(app.register(agentTimeline, { database: ':memory:', allowedHosts: wrong as never })),
      { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  }
})

t.test('on the wire: several Host headers, none, absolute targets, HTTP/2', async (t) => {
  const { app } = await makeApp(t, { listen: true, server: { http: { requireHostHeader: false } } as object })
  const cases: Array<[request: string, status: number]> = [
    ['GET /api/invocations HTTP/1.1\r\nHost: localhost', 200],
    ['GET /api/invocations HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example', 421],
    ['GET /api/invocations HTTP/1.1\r\nHost: localhost\r\nhost: localhost', 421],
    ['GET /api/invocations HTTP/1.1\r\nX-Forwarded-Host: localhost', 421],
    ['GET /api/invocations HTTP/1.1\r\nHost:', 421],
    ['GET http://attacker.example/api/invocations HTTP/1.1\r\nHost: localhost', 421],
    ['GET HTTP://localhost:1/api/invocations HTTP/1.1\r\nHost: attacker.example', 421],
    ['GET http://localhost/api/invocations HTTP/1.1\r\nHost: localhost', 200],
    ['GET http://localhost@attacker.example/api/invocations HTTP/1.1\r\nHost: localhost', 421]
  ]
  for (const [request, status] of cases) {
    t.equal(await raw(portOf(app), `${request}\r\nConnection: close\r\n\r\n`), status, request)
  }

  const second = Fastify({ http2: true })
  t.teardown(() => second.close())
  await second.register(agentTimeline, { database: ':memory:' })
  await second.listen({ port: 0, host: '127.0.0.1' })
  const session = connect2(`http://127.0.0.1:${portOf(second as never)}`)
  t.teardown(() => session.close())
  for (const [headers, status] of [
    [{ ':authority': 'localhost:1' }, 200], [{ ':authority': 'attacker.example' }, 421],
    [{ ':authority': 'localhost', host: 'attacker.example' }, 421], [{ ':authority': 'attacker.example', host: 'localhost' }, 421]
  ] as const) {
    const request = session.request({ ':path': '/api/invocations', ...headers }).resume()
    const [answer] = await once(request, 'response') as [Record<string, unknown>]
    t.equal(answer[':status'], status, JSON.stringify(headers))
  }
})

t.test('answers are stored by nobody and are what their type says; what the host sets wins', async (t) => {
  const { app, timeline } = await makeApp(t, { plugin: { metrics: true, taskExists: async (id) => id === 'a' } })
  await recordCoder(timeline)
  for (const [url, status] of [
    ['/api/tasks/a/timeline', 200], ['/api/invocations', 200], ['/api/tasks/b/timeline', 404],
    ['/api/tasks/a/timeline?limit=x', 400],
    ['/api/invocations/99', 404], ['/timeline/', 200], ['/timeline/tasks/a', 200], ['/api/timeline/metrics', 200]
  ] as const) {
    const { statusCode, headers } = await app.inject(url)
    t.equal(statusCode, status, url)
    const cacheControl = url.startsWith('/api/') ? 'no-store' : 'private, no-cache'
    t.match(headers, { 'cache-control': cacheControl, 'x-content-type-options': 'nosniff' }, url)
  }
  const { headers } = await app.inject('/timeline/client.js')
  t.match(headers, { 'x-content-type-options': 'nosniff', 'cache-control': /max-age/ })

  const onRequest: GuardHook = async (_request, reply) => reply.code(401).send({})
  const guarded = await makeApp(t, { plugin: { hooks: { onRequest } } })
  t.match((await guarded.app.inject('/api/invocations')).headers, {
    'cache-control': 'no-store', 'x-content-type-options': 'nosniff'
  }, 'also of what a guard answers')

  const own = await makeApp(t, {
    before: (app) => {
      app.register(helmet, { xContentTypeOptions: false })
      app.addHook('onRequest', async (_request, reply) => { reply.header('cache-control', 'private, max-age=5') })
    },
    plugin: { hooks: { preHandler: async (_request, reply) => { reply.header('x-content-type-options', 'mine') } } },
    listen: true
  })
  t.match((await own.app.inject('/api/invocations')).headers, {
    'cache-control': 'private, max-age=5', 'x-content-type-options': 'mine', 'strict-transport-security': /max-age/
  })
  const request = http.get(`http://127.0.0.1:${portOf(own.app)}/api/tasks/a/stream`)
  const [stream] = await once(request, 'response') as [http.IncomingMessage]
  t.match(stream.headers, { 'cache-control': 'no-cache, no-transform', 'x-content-type-options': 'mine' })
  request.destroy()
})

t.test('a page whose name resolves to this machine reads nothing; behind a proxy the documented line lets it', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  await recordCoder(timeline)
  await timeline.close()
  const { app } = await makeApp(t, { listen: true })
  const serve = await startServe(t, ['--database', database])
  const known = await startServe(t, ['--database', database, '--allowed-host', 'agents.example'])
  const demo = await startExample()
  t.teardown(() => demo.stop())

  const { args = [], ...options } = await findBrowser()
  const rules = '--host-resolver-rules=MAP *.example 127.0.0.1'
  const browser = await chromium.launch({ headless: true, args: [...ARGS, ...args, rules], ...options })
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  const read = async (host: string, port: number | string): Promise<number[]> => {
    await page.goto(`http://${host}:${port}/no-such-page`)
    return await page.evaluate(async (paths) => await Promise.all(paths.map(async (path) => {
      const ending = new AbortController()
      const { status } = await fetch(path, { signal: ending.signal })
      ending.abort()
      return status
    })), ['/api/invocations', '/api/tasks/a/timeline', '/api/stream?running=true', '/timeline/', '/timeline/client.js'])
  }
  for (const [name, port] of [
    ['a default host', portOf(app)], ['serve', new URL(serve).port], ['demo', new URL(demo.origin).port]
  ] as const) {
    t.same(await read('attacker.example', port), [421, 421, 421, 421, 421], name)
    t.same(await read('localhost', port), [200, 200, 200, 200, 200], name)
  }
  // As nginx has it with `proxy_set_header Host $host`, and by default, with `$proxy_host`.
  for (const [origin, passesHost, statuses] of [
    [known, true, [200, 200, 200, 200, 200]], [serve, true, [421, 421, 421, 421, 421]],
    [serve, false, [200, 200, 200, 200, 200]]
  ] as const) {
    t.same(await read('agents.example', await startProxy(t, origin, passesHost)), statuses, `${origin} ${passesHost}`)
  }
})

/** The command `serve`, until the test ends. @returns where it is */
async function startServe (t: Test, args: readonly string[]): Promise<string> {
  const ending = new AbortController()
  let ended: Promise<unknown> = Promise.resolve()
  const url = await new Promise<string>((resolve, reject) => {
    ended = runCommand(['serve', '--port', '0', ...args], {
      print: resolve, printError: (line) => reject(new Error(line)), write: async () => true, signal: ending.signal
    })
  })
  t.teardown(async () => { ending.abort(); await ended })
  return new URL(url).origin
}

/** A reverse proxy; the server is asked under the name that the browser used, or under its own address. */
async function startProxy (t: Test, origin: string, passesHost: boolean): Promise<number> {
  const { host } = new URL(origin)
  const proxy = http.createServer(({ url = '/', headers }, response) => {
    const sent = { ...headers, host: passesHost ? headers.host : host, 'x-forwarded-host': headers.host }
    const request = http.get(new URL(url, origin), { headers: sent }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    }).on('error', () => {})
    response.on('close', () => request.destroy())
  })
  t.teardown(() => { proxy.close().closeAllConnections() })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return (proxy.address() as net.AddressInfo).port
}
