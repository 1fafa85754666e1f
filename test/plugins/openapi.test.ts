import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import SwaggerParser from '@apidevtools/swagger-parser'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import * as zodProvider from 'fastify-type-provider-zod'
import openapiTS, { astToString } from 'openapi-typescript'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { z } from 'zod'
import { encodePing } from '../../lib/live/frames.js'
import agentTimeline from '../../plugins/agent-timeline.js'
import { decodeFrames } from '../lib/live/peer.js'
import { makeFolder, recordCoder } from './app.js'
import { SseClient } from './sse-client.js'

t.setTimeout(300_000)

const ROUTES: Readonly<Record<string, readonly string[]>> = {
  '/api/tasks/{id}/timeline': ['project', 'after', 'before', 'limit', 'around', 'q', 'types', 'id'],
  '/api/tasks/{id}/stream': ['project', 'after', 'lastEventId', 'id', 'last-event-id'],
  '/api/stream': ['project', 'tasks', 'running'],
  '/api/invocations': ['project', 'status', 'task', 'limit', 'cursor'],
  '/api/invocations/{id}': ['project', 'after', 'before', 'limit', 'types', 'id'],
  '/api/timeline/tasks': ['project', 'state', 'q', 'limit', 'cursor'],
  '/api/timeline/tasks/{id}/summary': ['project', 'id'],
  '/api/timeline/tasks/{id}/overview': ['project', 'from', 'to', 'id'],
  '/api/timeline/tasks/{id}/calls': ['project', 'invocation', 'after', 'limit', 'kind', 'failed', 'id'],
  '/api/timeline/tasks/{id}/calls/{seq}': ['project', 'id', 'seq'],
  '/api/timeline/tasks/{id}/export': ['project', 'format', 'id'],
  '/api/timeline/status': ['project'],
  '/api/timeline/verdict-report': ['project'],
  '/api/timeline/usage': ['project', 'from', 'to', 'by'],
  '/api/timeline/metrics': []
}
const FRAMES = [
  'timeline.snapshot', 'timeline.summary', 'invocation.current', 'timeline.gap', 'timeline.health', 'timeline.ended', 'timeline.trouble',
  'timeline.recovered'
]
const openapi = (version: string) => ({ openapi: { openapi: version, info: { title: 'host', version: '1' } } })
const named = {
  buildLocalReference: (json: { readonly $id?: unknown }, _base: unknown, _fragment: unknown, index: number) =>
    String(json.$id ?? `def-${index}`)
}
const DOCUMENTS = {
  'Swagger 2, as it is without options': {},
  'OpenAPI 3.0': openapi('3.0.3'),
  'OpenAPI 3.0, by default': { openapi: {} },
  'OpenAPI 3.1': openapi('3.1.0'),
  'OpenAPI 3.1 with names for schemas and HEAD routes': {
    ...openapi('3.1.0'), refResolver: named, exposeHeadRoutes: true
  }
} as unknown as Readonly<Record<string, FastifyDynamicSwaggerOptions>>

/** A host with a route and a schema of its own. */
async function makeHost (t: Test, options: FastifyDynamicSwaggerOptions, plugin = {}): Promise<FastifyInstance> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, options)
  app.addSchema({ $id: 'Mine', type: 'object', properties: { a: { type: 'string' } } })
  app.get('/mine', { schema: { response: { 200: { $ref: 'Mine#' } } } }, async () => ({ a: 'b' }))
  await app.register(agentTimeline, { database: join(makeFolder(t), 'x.db'), metrics: true, ...plugin })
  await app.ready()
  return app
}

type Document = Record<string, any>
const documentOf = (app: FastifyInstance): Document => structuredClone(app.swagger()) as Document
const schemasOf = (document: Document): Document => document.definitions ?? document.components.schemas
const isValid = async (document: Document) => SwaggerParser.validate(structuredClone(document) as never)
  .then(() => 'valid', (error: Error) => error.message)

for (const [name, options] of Object.entries(DOCUMENTS)) {
  t.test(`${name}: the document is valid and complete`, async (t) => {
    const document = documentOf(await makeHost(t, options))
    t.equal(await isValid(document), 'valid')
    t.ok(document.paths['/mine'])
    const schemas = schemasOf(document)
    for (const [path, names] of Object.entries(ROUTES)) {
      const { parameters = [], responses, tags } = document.paths[path].get
      t.same(parameters.map(({ name }: { name: string }) => name), names, path)
      t.same(tags, ['agent timeline'])
      for (const status of path.endsWith('metrics') ? [403, 500] : [400, 404, 421, 500, 503]) {
        const { schema = responses[status].content['application/json'].schema } = responses[status]
        t.match(schema.$ref, /\/AgentTimelineError$/, `${path} ${status}`)
      }
      if (!path.endsWith('metrics')) t.ok(responses[503].headers['Retry-After'])
      if (path.endsWith('stream')) t.ok(responses[429].headers['Retry-After'])
    }
    t.ok(document.paths['/api/tasks/{id}/timeline'].get.responses[200].headers.Link)
    for (const frame of FRAMES) t.match(JSON.stringify(schemas), `"${frame}"`)
    t.same(schemas.AgentTimelinePing.required, ['serverTime', 'intervalMs'])
    const { AgentTimelineEvent: event, AgentTimelineStreamFrame: frame } = schemas
    if (document.swagger === '2.0') {
      t.match(event, { type: 'object', required: ['seq', 'taskId', 'timestamp', 'type'] })
      t.match(frame, { type: 'object', required: ['type'], properties: { epoch: {}, activity: {}, code: {} } })
    } else {
      t.match(event, { discriminator: { propertyName: 'type' } })
      t.equal(event.oneOf.length, 5)
      t.equal(frame.oneOf.length, 13)
    }
    for (const [name, { required, properties, oneOf }] of Object.entries<Document>(schemas)) {
      if (!name.startsWith('AgentTimeline') || oneOf !== undefined) continue
      t.ok(required.length > 0, `${name} says what is always there`)
      t.ok(required.every((field: string) => field in properties), name)
    }
  })
}

t.test('it is told of the routes where they are', async (t) => {
  const plugin = { routePrefix: '/agents', metrics: false }
  const document = documentOf(await makeHost(t, { openapi: { servers: [{ url: '/agents' }] } }, plugin))
  t.same(Object.keys(document.paths).sort(),
    Object.keys(ROUTES).map((path) => path.slice(4)).filter((path) => !path.endsWith('metrics')).concat('/mine').sort())
  const hidden = documentOf(await makeHost(t, {}, { openapi: false }))
  t.same(Object.keys(hidden.paths), ['/mine'])
  t.same(Object.keys(schemasOf(hidden)).filter((name) => name.startsWith('AgentTimeline')), [])
})

t.test('what a host adds to every route stays: security, answers of its guards, another transform', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, openapi('3.1.0') as FastifyDynamicSwaggerOptions)
  app.addHook('onRoute', (route) => {
    const schema = { ...route.schema, security: [], response: { 401: { type: 'string', description: 'Who are you?' } } }
    if (route.url.startsWith('/api')) route.schema = schema
    if (route.url === '/api/stream') route.config = { ...route.config, swaggerTransform: ({ url }) => ({ schema: { hide: true }, url }) }
  })
  await app.register(agentTimeline, { database: ':memory:' })
  await app.ready()
  const { paths } = documentOf(app)
  t.same(paths['/api/stream'], undefined)
  const { security, responses } = paths['/api/invocations'].get
  t.same(security, [])
  t.equal(responses[401].description, 'Who are you?')
  t.ok(responses[200].content['application/json'].schema.properties.invocations)
})

const zodHosts: Readonly<Record<string, object>> = {
  'its transform': { transform: zodProvider.jsonSchemaTransform },
  'both its transforms': {
    transform: zodProvider.jsonSchemaTransform, transformObject: zodProvider.jsonSchemaTransformObject
  }
}
for (const [name, transforms] of Object.entries(zodHosts)) {
  for (const version of ['3.0.3', '3.1.0']) {
    t.test(`beside Zod's compilers and ${name}, OpenAPI ${version}, everything is described and answered`, async (t) => {
      const app = Fastify()
      t.teardown(() => app.close())
      app.setValidatorCompiler(zodProvider.validatorCompiler)
      app.setSerializerCompiler(zodProvider.serializerCompiler)
      await app.register(swagger, { ...openapi(version), ...transforms } as FastifyDynamicSwaggerOptions)
      app.get('/documentation/json', { schema: { hide: true } as object }, async () => app.swagger())
      await app.register(agentTimeline, { database: join(makeFolder(t), 'x.db') })
      await app.register(async (scope) => {
        const response = { 200: z.object({ a: z.string() }) }
        scope.withTypeProvider<zodProvider.ZodTypeProvider>().get('/mine', { schema: { response } }, async () => ({ a: 'b' }))
      })
      const answer = await app.inject('/documentation/json')
      t.equal(answer.statusCode, 200)
      t.equal(await isValid(answer.json()), 'valid')
      t.ok(answer.json().paths['/mine'])
      t.equal(schemasOf(answer.json()).AgentTimelineEvent.oneOf.length, 5)
      await recordCoder(await app.agentTimeline.for())
      t.equal((await app.inject('/api/tasks/a/timeline')).json().timeline.length, 5)
      t.match((await app.inject('/api/invocations/x')).json(), { code: 'AGENT_TIMELINE_INVALID_INVOCATION_ID' })
      t.equal((await app.inject('/timeline/')).statusCode, 200)
    })
  }
}

/** Checks values by the document's schemas, in which nothing may be that they do not name. */
async function makeCheck (t: Test, document: Document): Promise<(schema: Document, value: unknown) => unknown> {
  const plain = { strict: false, coerceTypes: false, removeAdditional: false, useDefaults: false } as const
  const app = Fastify({ ajv: { customOptions: plain } })
  t.teardown(() => app.close())
  let compile: FastifyRequest['compileValidationSchema'] | undefined
  app.get('/', async (request) => { compile = (schema) => request.compileValidationSchema(schema) })
  await app.inject('/')
  return (schema, value) => {
    const validate = compile!({ ...closed(schema), components: closed(document.components) })
    return validate(value) ? 'as described' : validate.errors
  }
}

function closed (schema: any): any {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isObject = copy.type === 'object' && typeof copy.properties === 'object'
  return isObject ? { ...copy, additionalProperties: false } : copy
}

t.test('every answer is what the library answers, and as it is described', async (t) => {
  const app = await makeHost(t, openapi('3.1.0') as FastifyDynamicSwaggerOptions)
  const timeline = await app.agentTimeline.for()
  const document = documentOf(app)
  const check = await makeCheck(t, document)
  const conforms = (path: string, status: number, value: unknown) =>
    check(document.paths[path].get.responses[status].content['application/json'].schema, value)
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'orchestrator', message: 'Go' })
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.paused', actor: 'orchestrator' })
  const usage = {
    inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4, reasoningTokens: 5, costUsd: 0.5
  }
  const meta = { taskId: 'a', title: 'Fix it', role: 'coder', provider: 'mine', model: 'm', prompt: 'Please' }
  const result = { response: 'Done', exitCode: 0, signal: null, durationMs: 5, timedOut: false, sessionId: 's', usage }
  await timeline.logInvocation(meta, async ({ onActivity }) => {
    for (const type of ['output', 'tool_exec', 'error', 'progress'] as const) {
      onActivity({ type, message: type, timestamp: new Date(), metadata: { callId: 'c', nested: { of: ['the', null] } } })
    }
    return { ...result, success: true, outcome: 'approved', summary: 'Fine' }
  })
  await timeline.logInvocation(meta, async () =>
    ({ ...result, success: false, error: 'No', exitCode: 1, signal: 'SIGKILL', reason: 'killed', stderrTail: 'trace' }))
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'mine' }, async () => ({ ...result, success: false, timedOut: true }))
  const running = await timeline.startInvocation({ taskId: 'a', role: 'reviewer', provider: 'mine' })
  running.activity({
    type: 'tool_exec', message: 'exec: npm test', timestamp: new Date(), metadata: { callId: 'd', phase: 'start', tool: 'Bash' }
  })
  await timeline.flush()

  const steady = (value: unknown) => JSON.parse(JSON.stringify(value, (key, part) => key === 'health' ? Object.keys(part) : part))
  const page = (await app.inject('/api/tasks/a/timeline')).json()
  t.strictSame(page, steady({ success: true, ...await timeline.getTimeline('a') }))
  t.equal(new Set(page.timeline.map(({ type }: { type: string }) => type)).size, 7)
  t.equal(conforms('/api/tasks/{id}/timeline', 200, page), 'as described')
  const list = (await app.inject('/api/invocations')).json()
  t.strictSame(steady(list), steady({ success: true, ...await timeline.listInvocations() }))
  t.equal(list.invocations.length, 4)
  t.equal(conforms('/api/invocations', 200, list), 'as described')
  const first = (await app.inject('/api/invocations?limit=1')).json()
  t.type(first.page.nextCursor, 'string')
  t.equal(conforms('/api/invocations', 200, first), 'as described')
  for (const { id } of list.invocations) {
    const one = (await app.inject(`/api/invocations/${id}`)).json()
    t.strictSame(steady(one), steady({ success: true, invocation: await timeline.getInvocation(id) }))
    t.equal(conforms('/api/invocations/{id}', 200, one), 'as described')
  }
  for (const [path, url] of Object.entries({
    '/api/tasks/{id}/timeline': '/api/tasks/a/timeline?limit=0',
    '/api/tasks/{id}/stream': '/api/tasks/a/stream?after=x',
    '/api/stream': '/api/stream',
    '/api/invocations': '/api/invocations?status=x',
    '/api/invocations/{id}': '/api/invocations/999',
    '/api/timeline/tasks': '/api/timeline/tasks?state=x',
    '/api/timeline/tasks/{id}/calls': '/api/timeline/tasks/a/calls?kind=x',
    '/api/timeline/tasks/{id}/calls/{seq}': '/api/timeline/tasks/a/calls/999'
  })) {
    const answer = await app.inject(url)
    t.equal(conforms(path, answer.statusCode, answer.json()), 'as described', url)
  }
  for (const [path, url] of Object.entries({
    '/api/timeline/tasks': '/api/timeline/tasks',
    '/api/timeline/tasks/{id}/summary': '/api/timeline/tasks/a/summary',
    '/api/timeline/tasks/{id}/overview': '/api/timeline/tasks/a/overview',
    '/api/timeline/tasks/{id}/calls': '/api/timeline/tasks/a/calls'
  })) t.equal(conforms(path, 200, (await app.inject(url)).json()), 'as described', url)
  const lines = (await app.inject({ url: '/api/tasks/a/timeline?limit=2', headers: { accept: 'application/x-ndjson' } }))
  t.type(lines.headers.link, 'string')

  await app.listen({ port: 0, host: '127.0.0.1' })
  const framesOf = async (path: string, last: string): Promise<Document[]> => {
    const client = await SseClient.open(app, path)
    await client.until(({ frames }) => frames.some(({ data }) => data.type === last))
    return client.frames.map(({ data }) => data as Document)
  }
  const frames = [
    ...await framesOf('/api/tasks/a/stream?after=99.other', 'task.paused'),
    ...await framesOf('/api/stream?tasks=a', 'invocation.current')
  ]
  t.same([...new Set(frames.map(({ type }) => type))].sort().filter((type) => FRAMES.includes(type)),
    ['invocation.current', 'timeline.gap', 'timeline.snapshot'])
  const { AgentTimelineStreamFrame: described, AgentTimelinePing } = schemasOf(document)
  for (const frame of frames) t.equal(check(described, frame), 'as described', frame.type)
  const [ping] = decodeFrames(encodePing(0, 1))
  t.equal(check(AgentTimelinePing, ping?.data), 'as described')
})

t.test('a client that is generated from the document compiles and calls every route', async (t) => {
  const app = await makeHost(t, openapi('3.1.0') as FastifyDynamicSwaggerOptions)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const timeline = await app.agentTimeline.for()
  await timeline.recordTaskEvent({ taskId: '42', type: 'task.started', actor: 'orchestrator' })
  await recordCoder(timeline, '42')
  await timeline.startInvocation({ taskId: '42', role: 'reviewer', provider: 'mine' })
  const source = await readFile(new URL('generated-client.txt', import.meta.url), 'utf8')
  const folder = t.testdir({})
  const client = join(folder, 'client.mts')
  await writeFile(client, source)
  const types = astToString(await openapiTS(documentOf(app) as never))
  await writeFile(join(folder, 'schema.d.mts'), types)
  t.same(typeErrors(client), [])
  const older = documentOf(await makeHost(t, openapi('3.0.3') as FastifyDynamicSwaggerOptions))
  t.equal(astToString(await openapiTS(older as never)), types, 'OpenAPI 3.0 gives the same types')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  const compiled = ts.transpileModule(source, { compilerOptions })
  const file = join(folder, 'client.mjs')
  await writeFile(file, compiled.outputText)
  const { callEveryRoute } = await import(pathToFileURL(file).href)
  t.same(await callEveryRoute(origin), {
    timeline: ['task.started', 'coder', 'hello', 'exec: npm test', 'exec: npm test', 'completed', 'reviewer'],
    refused: 'AGENT_TIMELINE_INVALID_LIMIT',
    running: [2],
    prompt: 'Fix it',
    text: true,
    streams: [200, 200],
    tasks: ['42 working'],
    summary: 2,
    lanes: ['coder', 'reviewer'],
    calls: ['test error'],
    details: 'exec: npm test',
    metrics: true
  })
})

function typeErrors (file: string): string[] {
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: ['node'],
    typeRoots: [fileURLToPath(new URL('../../node_modules/@types', import.meta.url))],
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true
  })
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file, start }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}
