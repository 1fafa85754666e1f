import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { makePackedHost, run } from './packed-host.js'

t.setTimeout(300_000)

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const guide = await readFile(new URL('../../docs/integration.md', import.meta.url), 'utf8')

const SUBPATHS = `
import agentTimeline, { type TimelineEvent } from 'fastify-agent-timeline'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { acp, claude, codex, command, gemini } from 'fastify-agent-timeline/providers'
import { migrate, migrations } from 'fastify-agent-timeline/migrations'
import { createRunObserver } from 'fastify-agent-timeline/verdict'
import * as client from 'fastify-agent-timeline/client'

export const all: unknown[] = [
  agentTimeline, openTimeline, acp, claude, codex, command, gemini, migrate, migrations, createRunObserver, client
]
export const seqOf = (event: TimelineEvent): number => event.seq
// What a path cannot be found by would be any.
// @ts-expect-error
openTimeline(1)
// @ts-expect-error
claude(1)
// @ts-expect-error
migrate(1)
// @ts-expect-error
createRunObserver(1)
// @ts-expect-error
client.nothing()
`

const ADAPTERS = `
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { claude, type InvocationResult } from 'fastify-agent-timeline/providers'

const timeline = await openTimeline({ database: './orchestrator.db', migrate: true, closeOnSignal: true })
const agent = claude()
const prompt = 'Fix the login'
const result: InvocationResult = await timeline.logInvocation(
  { taskId: 42, role: 'coder', provider: 'claude', model: 'sonnet-4', prompt }, (run) => agent.invoke(prompt, run))
if (!result.success) console.error(result.error, result.usage?.inputTokens)
for await (const event of timeline.events({ taskId: '42' })) {
  if (event.type === 'invocation.activity') console.log(event.activity, event.metadata?.['callId'])
}
`

const COMMON_JS = `
import Sqlite = require('better-sqlite3')
import Fastify = require('fastify')
import { Kysely, SqliteDialect } from 'kysely'
import agentTimeline from 'fastify-agent-timeline'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { migrate } from 'fastify-agent-timeline/migrations'

interface Tables { tasks: { id: string } }

export async function start (): Promise<void> {
  const raw = new Sqlite('./orchestrator.db')
  const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: raw }) })
  await migrate(database)
  const app = Fastify.fastify()
  await app.register(agentTimeline, { database, ui: { routePrefix: '/timeline' } })
  await app.register(agentTimeline, { projects: async (project) => project === 'a' ? database : raw })
  await (await app.agentTimeline.for()).flush()
  await (await openTimeline({ database })).close()
}
`

interface Project {
  readonly options: object
  readonly files: Readonly<Record<string, string>>
}

const PROJECTS: Readonly<Record<string, Project>> = {
  // As far from the defaults as a strict project goes; a CommonJS file under the same settings beside it.
  nodenext: {
    options: {
      module: 'nodenext',
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      verbatimModuleSyntax: false
    },
    files: {
      'readme.mts': /```js\n([\s\S]*?)\n```/.exec(readme)?.[1] as string,
      'adapters.mts': ADAPTERS,
      'subpaths.mts': SUBPATHS,
      'host.cts': COMMON_JS
    }
  },
  // `fastify` is the host's version 4, for this package's types, too.
  fastify4: {
    options: {
      module: 'nodenext',
      paths: { fastify: ['../../../fastify4/fastify.d.ts'], fastify5: ['../../../fastify/fastify.d.ts'] }
    },
    files: {
      'side.mts': /```ts\n(import Fastify5[\s\S]*?)\n```/.exec(guide)?.[1] as string,
      'wrong.mts': `import Fastify5 from 'fastify5'
import agentTimeline from 'fastify-agent-timeline'
// @ts-expect-error
await Fastify5().register(agentTimeline, { database: './orchestrator.db', migrated: true })
`
    }
  },
  bundler: { options: { module: 'esnext', moduleResolution: 'bundler' }, files: { 'subpaths.ts': SUBPATHS } },
  node10: { options: { module: 'commonjs', moduleResolution: 'node10' }, files: { 'subpaths.ts': SUBPATHS } }
}

t.test('hosts in strict TypeScript compile, whatever way they resolve modules', async (t) => {
  const base = { target: 'es2022', lib: ['es2023', 'dom'], types: ['node'], strict: true, noEmit: true, esModuleInterop: true }
  const files = Object.entries(PROJECTS).flatMap(([name, { options, files }]) => [
    [`${name}/tsconfig.json`, JSON.stringify({ compilerOptions: { skipLibCheck: true, ...base, ...options }, include: ['*'] })],
    ...Object.entries(files).map(([file, text]) => [`${name}/${file}`, text])
  ])
  const folder = await makePackedHost(t, Object.fromEntries(files))
  for (const name of Object.keys(PROJECTS)) {
    const told = await run(process.execPath, [TSC, '-p', join(folder, name)], { cwd: folder })
      .then(() => '', ({ stdout }: { stdout: string }) => stdout)
    t.equal(told, '', name)
  }
})
