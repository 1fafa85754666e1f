import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import Database from 'better-sqlite3'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Kysely, SqliteDialect } from 'kysely'
import t from 'tap'
import { openTimeline } from '../../lib/open-timeline.js'
import agentTimeline from '../../plugins/agent-timeline.js'
import { prepareScope } from '../../plugins/scope.js'
import { ui } from '../../plugins/ui/ui.js'
import { makeApp, makeFolder, recordCoder } from './app.js'

t.test('options are checked at registration', async (t) => {
  const cases: Array<[options: object, code: string, words: RegExp]> = [
    [{}, 'AGENT_TIMELINE_NO_DATABASE', /database or/],
    [{ database: ':memory:', projects: {} }, 'AGENT_TIMELINE_NO_DATABASE', /one of the two/],
    [{ database: '' }, 'AGENT_TIMELINE_INVALID_OPTION', /database is a path/],
    [{ database: 5 }, 'AGENT_TIMELINE_INVALID_OPTION', /database is a path/],
    [{ projects: { a: 1 } }, 'AGENT_TIMELINE_INVALID_OPTION', /projects\["a"\]/],
    [{ projects: 'x' }, 'AGENT_TIMELINE_INVALID_OPTION', /projects is an object/],
    [{ databse: 'x' }, 'AGENT_TIMELINE_UNKNOWN_OPTION', /no option databse.*database/],
    [{ migrate: 'yes' }, 'AGENT_TIMELINE_INVALID_OPTION', /migrate is true or false/],
    [{ metrics: 'yes' }, 'AGENT_TIMELINE_INVALID_OPTION', /metrics is true or false/],
    [{ routePrefix: 'api' }, 'AGENT_TIMELINE_INVALID_OPTION', /routePrefix is a path/],
    [{ routePrefix: '/:x' }, 'AGENT_TIMELINE_INVALID_OPTION', /routePrefix is a path/],
    [{ ui: { prefix: '/x' } }, 'AGENT_TIMELINE_UNKNOWN_OPTION', /ui\.prefix/],
    [{ ui: { routePrefix: '/' } }, 'AGENT_TIMELINE_INVALID_OPTION', /ui\.routePrefix/],
    [{ hooks: { onSend: () => {} } }, 'AGENT_TIMELINE_UNKNOWN_OPTION', /hooks\.onSend/],
    [{ hooks: { onRequest: ['x'] } }, 'AGENT_TIMELINE_INVALID_OPTION', /hooks\.onRequest is a function/],
    [{ taskExists: true }, 'AGENT_TIMELINE_INVALID_OPTION', /taskExists is a function/],
    [{ redact: { pattern: [] } }, 'AGENT_TIMELINE_UNKNOWN_OPTION', /redact\.pattern/],
    [{ monitoring: { heartbeat: 1 } }, 'AGENT_TIMELINE_UNKNOWN_OPTION', /monitoring\.heartbeat/],
    [{ monitoring: { enableLiveStreaming: 1 } }, 'AGENT_TIMELINE_INVALID_OPTION', /enableLiveStreaming is true/],
    [{ monitoring: { activityLogRetention: -1 } }, 'AGENT_TIMELINE_INVALID_OPTION', /days from 0 to 36500/],
    [{ monitoring: { streamHeartbeatInterval: 0 } }, 'AGENT_TIMELINE_INVALID_OPTION', /seconds from 0.1 to 3600/],
    [{ monitoring: { maxConcurrentStreams: 0 } }, 'AGENT_TIMELINE_INVALID_OPTION', /maxConcurrentStreams.*from 1/],
    [{ projects: { a: 'postgres://127.0.0.1/x' }, maxDatabaseBytes: 2_000_000 }, 'AGENT_TIMELINE_INVALID_OPTION', /maxDatabaseBytes is for SQLite/]
  ]
  // What is wrong is told at registration, whatever the databases are, and not to each request.
  for (const databases of [{ database: ':memory:' }, { projects: {} }, { projects: { a: 'a.db' } }, { projects: () => undefined }]) {
    for (const [option, words] of [
      [{ webhook: { url: 'x' } }, /webhook\.url is/],
      [{ webhook: { url: 'https://example.com', secrets: 'x' } }, /webhook\.secrets/],
      [{ publicUrl: 'here' }, /publicUrl is/],
      [{ onNotice: 1 }, /onNotice is a function/],
      [{ caps: { messageBytes: 1 } }, /caps\.messageBytes is/],
      [{ caps: { messages: 1 } }, /caps\.messages/],
      [{ redact: { patterns: [5] } }, /redact\.patterns is/],
      [{ record: { prompt: 'no' } }, /record\.prompt is/],
      [{ maxDatabaseBytes: 1 }, /maxDatabaseBytes is/],
      [{ ownerLeaseMs: 1 }, /ownerLeaseMs is/],
      [{ runnerHeartbeatIntervalMs: 1 }, /runnerHeartbeatIntervalMs is/],
      [{ taskEvents: {} }, /taskEvents is an object with the methods/],
      [{ taskExists: 1 }, /taskExists is a function/],
      [{ budgetUsd: -1 }, /budgetUsd/],
      [{ prices: { x: 1 } }, /prices/],
      [{ onUnavailable: 'wait' }, /onUnavailable is/]
    ] as const) {
      const code = /secrets|messages/.test(words.source) ? 'AGENT_TIMELINE_UNKNOWN_OPTION' : 'AGENT_TIMELINE_INVALID_OPTION'
      cases.push([{ ...databases, ...option }, code, words])
    }
  }
  for (const [options, code, words] of cases) {
    const app = Fastify()
    const hasOwn = 'projects' in options || 'database' in options || code.endsWith('NO_DATABASE')
    const given = hasOwn ? options : { database: ':memory:', ...options }
    await t.rejects(async () => app.register(agentTimeline, given as never), { code, message: words })
    await app.close()
  }
})

t.test('a database that cannot be used is refused at registration', async (t) => {
  const file = join(makeFolder(t), 'x.db')
  writeFileSync(file, 'this is no database, whatever its name says'.repeat(50))
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => app.register(agentTimeline, { database: file }), { code: 'AGENT_TIMELINE_NOT_A_DATABASE' })
})

t.test('a second registration and a taken route are errors that say what to do', async (t) => {
  const { app } = await makeApp(t, { before: (app) => app.get('/mine', async () => 'mine') })
  t.equal((await app.inject('/mine')).body, 'mine')
  const twice = Fastify()
  t.teardown(() => twice.close())
  await twice.register(agentTimeline, { database: ':memory:' })
  await t.rejects(async () => twice.register(agentTimeline, { database: ':memory:' }),
    { code: 'AGENT_TIMELINE_ALREADY_REGISTERED' })
  for (const path of ['/api/tasks/:id/timeline', '/api/tasks/:taskId/stream', '/api/invocations']) {
    const taken = Fastify()
    t.teardown(() => taken.close())
    taken.get(path, async () => 'mine')
    await t.rejects(async () => taken.register(agentTimeline, { database: ':memory:' }),
      { code: 'AGENT_TIMELINE_ROUTE_COLLISION', message: /exists already. Choose another routePrefix/ })
  }
})

t.test('the timeline of a task, in pages', async (t) => {
  const { app, timeline } = await makeApp(t)
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'orchestrator' })
  await recordCoder(timeline)
  const all = (await app.inject('/api/tasks/a/timeline')).json()
  t.match(all, { success: true, task: { id: 'a' }, page: { firstSeq: 1, headSeq: 6, lastSeq: 6, hasMore: false, gaps: [] } })
  t.same(all.timeline.map((event: { type: string }) => event.type), [
    'task.started', 'invocation.started', 'invocation.activity', 'invocation.activity', 'invocation.activity',
    'invocation.completed'
  ])
  t.match(all.timeline[1], { seq: 2, taskId: 'a', role: 'coder', provider: 'codex', model: 'gpt-4o' })
  t.same(all.timeline[3].metadata, { callId: 'c1', tool: 'Bash', phase: 'start', input: { a: { deep: [1] } } },
    'the response schema keeps what is nested')
  const seqs = async (query: string): Promise<number[]> =>
    (await app.inject(`/api/tasks/a/timeline?${query}`)).json().timeline.map((event: { seq: number }) => event.seq)
  t.same(await seqs('after=2&limit=2'), [3, 4])
  t.same(await seqs('before=4&limit=2'), [2, 3])
  t.same(await seqs('before=end&limit=2'), [5, 6])
  t.same(await seqs(`after=3.${'x9'}`), [4, 5, 6])
  t.same(await seqs('types=tool_exec'), [4, 5])
  t.same(await seqs('types=task.*,invocation.completed'), [1, 6])
  t.same((await app.inject('/api/tasks/nobody/timeline')).json().timeline, [])
  const head = await app.inject({ method: 'HEAD', url: '/api/tasks/a/timeline' })
  t.equal(head.statusCode, 200)
})

t.test('bad input is answered with its code', async (t) => {
  const { app } = await makeApp(t)
  const cases: Array<[url: string, statusCode: number, code: string]> = [
    ['/api/tasks/%00/timeline', 400, 'AGENT_TIMELINE_INVALID_TASK_ID'],
    ['/api/tasks/a%0Ab/stream', 400, 'AGENT_TIMELINE_INVALID_TASK_ID'],
    ['/api/tasks/a/timeline?after=x', 400, 'AGENT_TIMELINE_INVALID_CURSOR'],
    ['/api/tasks/a/timeline?after=-1', 400, 'AGENT_TIMELINE_INVALID_CURSOR'],
    ['/api/tasks/a/timeline?after=1&before=5', 400, 'AGENT_TIMELINE_INVALID_CURSOR'],
    ['/api/tasks/a/timeline?before=start', 400, 'AGENT_TIMELINE_INVALID_CURSOR'],
    ['/api/tasks/a/timeline?after=1&after=2', 400, 'AGENT_TIMELINE_INVALID_REQUEST'],
    ['/api/tasks/a/timeline?limit=0', 400, 'AGENT_TIMELINE_INVALID_LIMIT'],
    ['/api/tasks/a/timeline?limit=5001', 400, 'AGENT_TIMELINE_INVALID_LIMIT'],
    ['/api/tasks/a/timeline?limit=1e2', 400, 'AGENT_TIMELINE_INVALID_LIMIT'],
    ['/api/tasks/a/timeline?types=nonsense', 400, 'AGENT_TIMELINE_INVALID_TYPES'],
    ['/api/tasks/a/timeline?types=,', 400, 'AGENT_TIMELINE_INVALID_TYPES'],
    ['/api/tasks/a/stream?after=9.9.9', 400, 'AGENT_TIMELINE_INVALID_CURSOR'],
    ['/api/invocations/0', 400, 'AGENT_TIMELINE_INVALID_INVOCATION_ID'],
    ['/api/invocations/abc', 400, 'AGENT_TIMELINE_INVALID_INVOCATION_ID'],
    ['/api/invocations/1.5', 400, 'AGENT_TIMELINE_INVALID_INVOCATION_ID'],
    ['/api/invocations/99', 404, 'AGENT_TIMELINE_UNKNOWN_INVOCATION'],
    ['/api/invocations?status=dead', 400, 'AGENT_TIMELINE_INVALID_STATUS'],
    ['/api/invocations?limit=1001', 400, 'AGENT_TIMELINE_INVALID_LIMIT'],
    ['/api/invocations?cursor=x', 400, 'AGENT_TIMELINE_INVALID_CURSOR']
  ]
  for (const [url, statusCode, code] of cases) {
    const response = await app.inject(url)
    t.equal(response.statusCode, statusCode, url)
    const { error, ...rest } = response.json()
    t.same(rest, { success: false, code, statusCode }, url)
    t.type(error, 'string')
  }
  for (const url of ['/api/tasks/a/stream', '/api/timeline/tasks/a/export']) {
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 404, `${url} has no HEAD`)
  }
})

t.test('an invocation, with its activities; and the list of them', async (t) => {
  const { app, timeline } = await makeApp(t)
  await recordCoder(timeline)
  await recordCoder(timeline, 'b')
  const { success, invocation } = (await app.inject('/api/invocations/1?limit=2')).json()
  t.equal(success, true)
  t.match(invocation, {
    id: 1, taskId: 'a', role: 'coder', provider: 'codex', model: 'gpt-4o', status: 'completed', success: true, prompt: 'Fix it', response: 'Done'
  })
  t.equal(typeof invocation.duration, 'number')
  t.equal(invocation.activities.length, 2)
  t.same(invocation.activities[1].metadata.input, { a: { deep: [1] } })
  t.equal(invocation.page.hasMore, true)
  const typed = async (types: string) => (await app.inject(`/api/invocations/1?types=${types}`)).json()
  t.same((await typed('output')).invocation.activities.map(({ type }: { type: string }) => type), ['output'])
  t.same((await typed('tool_exec,task.*')).invocation.activities.map(({ type }: { type: string }) => type), ['tool_exec', 'tool_exec'])
  t.equal((await typed('invocation.activity')).invocation.activities.length, 3)
  t.match((await typed('task.*')).invocation, { activities: [], page: { hasMore: false } })
  t.match(await typed('shout'), { statusCode: 400, code: 'AGENT_TIMELINE_INVALID_TYPES' })
  const first = (await app.inject('/api/invocations?limit=1')).json()
  t.match(first, { success: true, invocations: [{ id: 2, taskId: 'b' }] })
  t.type(first.page.nextCursor, 'string')
  const second = (await app.inject(`/api/invocations?limit=1&cursor=${encodeURIComponent(first.page.nextCursor)}`)).json()
  t.match(second, { invocations: [{ id: 1 }], page: { nextCursor: null } })
  t.equal((await app.inject('/api/invocations?task=a&status=completed')).json().invocations.length, 1)
  t.same((await app.inject('/api/invocations?status=running')).json().invocations, [])
})

t.test('a timeline as text and as lines of JSON', async (t) => {
  const { app, timeline } = await makeApp(t)
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'orchestrator' })
  await recordCoder(timeline)
  const as = async (accept: string) => app.inject({ url: '/api/tasks/a/timeline', headers: { accept } })
  const text = await as('text/plain')
  const end = await app.inject({ url: '/api/tasks/a/timeline?limit=1', headers: { accept: 'text/plain' } })
  t.match(end.payload, /^\d\d:\d\d:\d\d {2}✓ {2}Coder completed/m, 'named also where its start is further up')
  t.match(text.headers, { 'content-type': 'text/plain; charset=utf-8', vary: 'accept' })
  t.match(text.body, /^Task: a\nStatus: in_progress\nState: Working .+\n\nTimeline:\n─+\n\d\d:\d\d:\d\d {2}▶ {2}Task started by orchestrator\n/)
  t.match(text.body, /⟳ {2}Coder started \(codex, gpt-4o\)\n[\d:]+ {2}⚡ exec: npm test\n[\d:]+ {2}✗ {2}exec: npm test failed \(exit 1\)\n/)
  t.match(text.body, /✓ {2}Coder completed \(\d+ms\)\n─+\n$/)
  const lines = await as('application/x-ndjson')
  t.equal(lines.headers['content-type'], 'application/x-ndjson; charset=utf-8')
  t.same(lines.body.trimEnd().split('\n').map((line) => JSON.parse(line).seq), [1, 2, 3, 4, 5, 6])
  const likeJson = ['*/*', 'text/html,application/xhtml+xml,*/*;q=0.8', 'image/png', 'text/plain;q=0.1, application/json']
  for (const accept of likeJson) {
    t.match((await as(accept)).headers['content-type'], /^application\/json/, accept)
  }
})

t.test('hooks guard the API, the stream, the pages and client.js; the host\'s routes are left alone', async (t) => {
  const guard = async (request: FastifyRequest, reply: FastifyReply) => {
    if (request.headers.authorization !== 'yes') return reply.code(401).send({ message: 'Who are you?' })
  }
  for (const name of ['onRequest', 'preValidation', 'preHandler'] as const) {
    const { app } = await makeApp(t, {
      plugin: { hooks: { [name]: [guard] } },
      before: (app) => { app.get('/mine', async () => 'mine') }
    })
    for (const url of ['/api/tasks/a/timeline', '/api/tasks/a/stream', '/api/invocations', '/api/invocations/1']) {
      t.match(await app.inject(url), { statusCode: 401, body: /Who are you/ }, `${name} ${url}`)
    }
    t.equal((await app.inject('/mine')).body, 'mine')
    t.equal((await app.inject({ url: '/api/invocations', headers: { authorization: 'yes' } })).statusCode, 200)
  }
  const throwing = await makeApp(t, {
    plugin: { hooks: { onRequest: async () => { throw Object.assign(new Error('Not you'), { statusCode: 403 }) } } },
    before: (app) => {
      app.setErrorHandler((error: Error, _request, reply) => reply.code(403).send({ mine: error.message }))
    }
  })
  t.same((await throwing.app.inject('/api/invocations')).json(), { mine: 'Not you' }, 'the host answers for its hooks')

  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    prepareScope(scope, { hooks: { onRequest: guard }, checkHost: () => {} })
    const folder = makeClient(makeFolder(t))
    await scope.register(ui, { uiPrefix: '/timeline', apiPrefix: '/api', hasPages: true, folder })
  })
  for (const url of ['/timeline', '/timeline/', '/timeline/tasks/a', '/timeline/client.js', '/timeline/parts/step-1A.js', '/timeline/pages/task.js']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.ok([200, 302].includes((await app.inject({ url, headers: { authorization: 'yes' } })).statusCode), url)
  }
})

t.test('the pages work under a strict policy, wherever they are', async (t) => {
  const folder = makeClient(makeFolder(t))
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    prepareScope(scope, { hooks: {}, checkHost: () => {} })
    await scope.register(ui, { uiPrefix: '/tools/agents', apiPrefix: '/x/"api"', hasPages: true, folder })
  }, { prefix: '/behind' })
  const page = await app.inject('/behind/tools/agents/')
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8', 'cache-control': 'private, no-cache', 'x-content-type-options': 'nosniff'
  })
  t.match(page.headers['content-security-policy'], /^default-src 'none'; script-src 'self';.*trusted-types 'none'$/)
  t.equal(page.body, '<a src="../../x/&#34;api&#34;" href="./client.js">')
  t.equal((await app.inject('/behind/tools/agents/tasks/b%2Fc')).body, '<p src="../../../x/&#34;api&#34;" href="../client.js">')
  t.match((await app.inject('/behind/tools/agents?project=a')).headers, { location: './agents/?project=a' })
  const script = await app.inject('/behind/tools/agents/client.js')
  t.match(script.headers, { 'content-type': /javascript/, 'x-content-type-options': 'nosniff' })
  for (const path of ['index.d.ts', 'client.js.map', 'pages/index.html', '../package.json', 'none.js']) {
    t.equal((await app.inject(`/behind/tools/agents/${path}`)).statusCode, 404, path)
  }
})

t.test('without pages client.js and its parts stay', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(ui, { uiPrefix: '/timeline', apiPrefix: '/api', hasPages: false, folder: makeClient(makeFolder(t)) })
  for (const path of ['client.js', 'parts/step-1A.js']) t.equal((await app.inject(`/timeline/${path}`)).statusCode, 200, path)
  for (const path of ['', '/', '/tasks/a', '/index.d.ts', '/parts', '/client.js.map', '/pages/task.js', '/pages/index.html']) {
    t.equal((await app.inject(`/timeline${path}`)).statusCode, 404, path)
  }
})

t.test('only the projects that the host names can be seen', async (t) => {
  const folder = makeFolder(t)
  const file = (name: string) => join(folder, `${name}.db`)
  for (const name of ['shop', 'secret']) {
    const timeline = await openTimeline({ database: file(name) })
    await recordCoder(timeline, name)
    await timeline.close()
  }
  const { app } = await makeApp(t, { plugin: { projects: { '/srv/shop': file('shop'), '/srv/new': file('new') } } })
  const get = async (project: string) => app.inject(`/api/invocations?project=${encodeURIComponent(project)}`)
  t.match((await get('/srv/shop')).json(), { invocations: [{ taskId: 'shop' }] })
  const unknown = { statusCode: 404, code: 'AGENT_TIMELINE_UNKNOWN_PROJECT' }
  for (const project of ['', file('secret'), '/srv/shop/', '__proto__', 'constructor', 'toString', '../secret.db']) {
    t.match((await get(project)).json(), unknown, project)
  }
  t.match((await get('/srv/new')).json(), {
    statusCode: 503, code: 'AGENT_TIMELINE_DATABASE_MISSING', error: 'The database does not exist.'
  }, 'a request makes no file, and is not told where it would be')
  await t.rejects(app.agentTimeline.for('/srv/other'), { code: 'AGENT_TIMELINE_UNKNOWN_PROJECT' })
  await (await app.agentTimeline.for('/srv/new')).flush()
  t.equal((await get('/srv/new')).statusCode, 200, 'the application itself may make it')

  const asked: unknown[] = []
  const resolving = await makeApp(t, {
    plugin: {
      projects: async (project, request) => {
        asked.push([project, request?.headers['x-user']])
        return request?.headers['x-user'] === 'ann' ? file('secret') : undefined
      }
    }
  })
  const as = async (user: string) => resolving.app.inject({ url: '/api/invocations?project=s', headers: { 'x-user': user } })
  t.match((await as('ann')).json(), { invocations: [{ taskId: 'secret' }] })
  t.match((await as('bob')).json(), unknown, 'an open database is not open to everybody')
  t.same(asked, [['s', 'ann'], ['s', 'bob']])
  const single = await makeApp(t)
  t.equal((await single.app.inject('/api/invocations?project=/etc/passwd')).statusCode, 200, 'ignored with database')
})

t.test('what happens in projects that are named is noticed before anybody asks for them', async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const folder = makeFolder(t)
  const database = join(folder, 'shop.db')
  const runner = await openTimeline({ database })
  t.teardown(() => runner.close())
  const run = await runner.startInvocation({ taskId: 'a b', role: 'coder', provider: 'claude' })
  run.activity({
    type: 'progress', message: '', timestamp: new Date(), metadata: { kind: 'waiting', waitKind: 'person', what: 'Allow?' }
  })
  await runner.flush()
  writeFileSync(join(folder, 'broken.db'), 'this is no database, whatever its name says'.repeat(50))
  const lines: Array<Record<string, unknown>> = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    }
  })
  const projects = { 'the shop': database, broken: join(folder, 'broken.db') }
  let onNotice = (_notice: unknown): void => {}
  const told = new Promise<unknown>((resolve) => { onNotice = resolve })
  await makeApp(t, {
    server: { logger: { level: 'warn', stream } },
    plugin: { projects, publicUrl: 'https://agents.example/timeline', onNotice }
  })
  t.match(await told, {
    kind: 'waiting',
    project: 'the shop',
    taskId: 'a b',
    url: 'https://agents.example/timeline/tasks/a%20b?project=the%20shop'
  })
  t.match(lines.find(({ project }) => project === 'broken'), { code: 'AGENT_TIMELINE_NOT_A_DATABASE' })
  const strict = Fastify()
  t.teardown(() => strict.close())
  await strict.register(agentTimeline, { projects, onNotice: () => {}, onUnavailable: 'throw' })
  await t.rejects(async () => strict.ready(), { code: 'AGENT_TIMELINE_NOT_A_DATABASE' })
})

t.test('a host whose tasks are elsewhere says which exist', async (t) => {
  const { app } = await makeApp(t, { plugin: { taskExists: async (taskId) => taskId === 'a' } })
  t.equal((await app.inject('/api/tasks/a/timeline')).statusCode, 200)
  for (const url of ['/api/tasks/b/timeline', '/api/tasks/b/stream']) {
    t.match((await app.inject(url)).json(), { statusCode: 404, code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
  }
})

t.test('compilers, error handlers and schemas of the host do not reach us', async (t) => {
  const { app, timeline } = await makeApp(t, {
    before: (app) => {
      app.setValidatorCompiler(() => { throw new Error('reads Zod only') })
      app.setSerializerCompiler(() => () => '"serialised by the host"')
      app.setErrorHandler(async () => 'handled by the host')
    }
  })
  await recordCoder(timeline)
  t.equal((await app.inject('/api/tasks/a/timeline?limit=1')).json().timeline.length, 1)
  t.equal((await app.inject('/api/tasks/a/timeline?limit=x')).json().code, 'AGENT_TIMELINE_INVALID_LIMIT')
})

t.test('what a guard or a resolver throws or sends is answered as on the host\'s own routes', async (t) => {
  const refusals: Array<(reply: FastifyReply) => unknown> = [
    () => { throw { statusCode: 401, message: 'no' } }, // eslint-disable-line no-throw-literal
    () => { throw 'denied' }, // eslint-disable-line no-throw-literal
    () => { throw Object.assign(new Error('Token expired'), { statusCode: 401, code: 'EXPIRED' }) },
    (reply) => reply.code(401).send({ error: { message: 'no', details: [1] }, statusCode: 'none', success: null })
  ]
  const handlers: Array<Parameters<FastifyInstance['setErrorHandler']>[0] | undefined> = [
    undefined, async (error, _request, reply) => reply.code(418).send({ error: { of: 'the host', error } })
  ]
  for (const [index, refuse] of refusals.entries()) {
    for (const handler of handlers) {
      const guard = async (_request: FastifyRequest, reply: FastifyReply) => refuse(reply)
      const { app } = await makeApp(t, {
        before: (app) => {
          if (handler !== undefined) app.setErrorHandler(handler)
          app.get('/own', { onRequest: guard }, async () => 'in')
        },
        plugin: { hooks: { onRequest: guard } }
      })
      const own = await app.inject('/own')
      t.ok(own.statusCode >= 400)
      for (const url of ['/api/invocations', '/api/tasks/a/stream', '/timeline/']) {
        const { statusCode, body } = await app.inject(url)
        t.same({ statusCode, body: asData(body) }, { statusCode: own.statusCode, body: asData(own.body) }, `${index} ${url}`)
      }
    }
  }
  const { app } = await makeApp(t, { plugin: { projects: () => { throw { statusCode: 403, message: 'not yours' } } } }) // eslint-disable-line no-throw-literal
  t.equal((await app.inject('/api/invocations?project=x')).statusCode, 403)
})

t.test('a host that changes what describes its routes changes that of one server', async (t) => {
  const tagsOf = async () => {
    const seen = new Map<string, number>()
    await makeApp(t, {
      before: (app) => app.addHook('onRoute', ({ method, url, schema }) => {
        const tags = schema?.tags as string[] | undefined
        if (method === 'GET' && tags !== undefined) seen.set(url, tags.push('of the host'))
      })
    })
    return seen
  }
  const first = await tagsOf()
  t.ok(first.size >= 5)
  t.same(new Set(first.values()), new Set([2]), 'each route its own')
  t.same(await tagsOf(), first)
})

t.test('trouble is coded, and nothing private is logged', async (t) => {
  const lines: string[] = []
  const stream = new Writable({ write (line, _encoding, done) { lines.push(String(line)); done() } })
  const { app } = await makeApp(t, {
    server: { logger: { stream, level: 'warn' } },
    plugin: { projects: async () => { throw new Error('the directory is down') } }
  })
  const response = await app.inject('/api/invocations?project=a&token=hunter2')
  t.match(response.json(), { statusCode: 500, code: 'AGENT_TIMELINE_INTERNAL', error: 'Something went wrong.' })
  t.match(lines.join(''), /the directory is down/)
  t.notMatch(lines.join(''), /hunter2/)
})

t.test('listening beyond loopback without hooks warns once', async (t) => {
  const warningsOf = async (host: string, hooks?: object): Promise<number> => {
    const lines: string[] = []
    const stream = new Writable({ write (line, _encoding, done) { lines.push(String(line)); done() } })
    const { app } = await makeApp(t, {
      server: { logger: { stream, level: 'warn' } }, plugin: hooks === undefined ? {} : { hooks }
    })
    await app.listen({ port: 0, host })
    await app.close()
    return lines.filter((line) => line.includes('prompts are public')).length
  }
  t.equal(await warningsOf('0.0.0.0'), 1)
  t.equal(await warningsOf('127.0.0.1'), 0)
  t.equal(await warningsOf('0.0.0.0', { onRequest: async () => {} }), 0)
})

t.test('the routes work below a prefix of the host, and at the root', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    await scope.register(agentTimeline, { database: ':memory:', routePrefix: '/', ui: false })
  }, { prefix: '/v1' })
  t.equal((await app.inject('/v1/invocations')).statusCode, 200)
  t.equal((await app.inject('/api/invocations')).statusCode, 404)
})

/** A folder as the client's build leaves it. */
function makeClient (folder: string): string {
  for (const name of ['pages', 'parts']) mkdirSync(join(folder, name))
  const files = {
    'client.js': 'export {}',
    'client.js.map': '{}',
    'index.d.ts': '',
    'parts/step-1A.js': 'export {}',
    'pages/task.js': 'export {}',
    'pages/index.html': '<a src="{{api}}" href="{{base}}client.js">',
    'pages/task.html': '<p src="{{api}}" href="{{base}}client.js">'
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

t.test('a relative path is the one of the moment of registration', async (t) => {
  const [folder, elsewhere] = [makeFolder(t), makeFolder(t)]
  const cwd = process.cwd()
  t.teardown(() => process.chdir(cwd))
  process.chdir(folder)
  const { app } = await makeApp(t, { plugin: { database: './relative.db' } })
  process.chdir(elsewhere)
  t.equal((await app.inject('/api/invocations')).statusCode, 200)
  const named = await makeApp(t, { plugin: { projects: { a: './a.db' } } })
  process.chdir(folder)
  await named.app.agentTimeline.for('a')
  process.chdir(cwd)
  t.strictSame(readdirSync(folder).filter((name) => name.endsWith('.db')), ['relative.db'])
  t.strictSame(readdirSync(elsewhere).filter((name) => name.endsWith('.db')), ['a.db'])
})

t.test('a resolver that makes a new handle for each request opens one database', async (t) => {
  const path = join(makeFolder(t), 'x.db')
  const handles: Database.Database[] = []
  t.teardown(() => { for (const handle of handles) handle.close() })
  const { app } = await makeApp(t, {
    plugin: { projects: () => { handles.push(new Database(path)); return handles.at(-1) } }
  })
  const first = await app.agentTimeline.for('x')
  t.equal(await app.agentTimeline.for('x'), first)
})

t.test('a resolver that makes a new Kysely for each request opens one database', async (t) => {
  const path = join(makeFolder(t), 'x.db')
  const made: Array<Kysely<any>> = []
  t.teardown(async () => { for (const kysely of made) await kysely.destroy() })
  const { app } = await makeApp(t, {
    plugin: {
      projects: () => {
        made.push(new Kysely({ dialect: new SqliteDialect({ database: new Database(path) }) }))
        return made.at(-1)
      }
    }
  })
  const first = await app.agentTimeline.for('x')
  t.equal(await app.agentTimeline.for('x'), first)
  t.equal((await app.inject('/api/invocations?project=x')).statusCode, 200)
})

t.test('it can be registered where the router ignores slashes at the end', async (t) => {
  const { app } = await makeApp(t, { server: { routerOptions: { ignoreTrailingSlash: true } } })
  t.equal((await app.inject('/timeline')).statusCode, 302)
  t.equal((await app.inject('/timeline/')).statusCode, 200)
})

/** As an object where it is one: the order of its fields is the serializer's. */
function asData (body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
