import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { openTimeline, type OpenOptions } from '../../lib/open-timeline.js'
import { HostDatabase } from '../support/host-database.js'
import { Logs } from '../support/logs.js'
import { makeApp, makeFolder } from './app.js'

/** Makes a database that cannot be used, and tells how to give it back. */
type Take = (t: Test, file: string) => () => unknown

const WAYS: ReadonlyArray<readonly [name: string, code: string, take: Take, options?: Partial<OpenOptions>]> = [
  ['is locked', 'AGENT_TIMELINE_DATABASE_LOCKED', (t, file) => {
    // Without a write-ahead log nobody can even read.
    const lock = new Sqlite(file)
    lock.exec('CREATE TABLE other (id); BEGIN EXCLUSIVE')
    t.teardown(() => lock.close())
    return () => lock.exec('ROLLBACK')
  }, { migrate: true }],
  ['has no directory', 'AGENT_TIMELINE_DATABASE_MISSING', (t, file) => {
    rmSync(dirname(file), { recursive: true })
    return () => mkdirSync(dirname(file))
  }],
  ['is something else', 'AGENT_TIMELINE_NOT_A_DATABASE', (t, file) => {
    writeFileSync(file, 'garbage '.repeat(10_000))
    return () => rmSync(file)
  }],
  ['is not migrated', 'AGENT_TIMELINE_NOT_MIGRATED', (t, file) => {
    const host = new HostDatabase(t)
    host.addTask('a')
    host.raw.prepare('VACUUM INTO ?').run(file)
    return async () => (await openTimeline({ database: file, migrate: true })).close()
  }]
]

interface Line { readonly level: number, readonly code?: string, readonly msg: string }

/** What an application has logged, without its requests. */
function collect (): { readonly lines: Line[], readonly stream: Writable } {
  const lines: Line[] = []
  const stream = new Writable({
    write (chunk, _, done) {
      lines.push(...String(chunk).trim().split('\n').map((line) => JSON.parse(line)))
      done()
    }
  })
  return { lines, stream }
}

async function until (app: FastifyInstance, url: string, statusCode: number) {
  for (;;) {
    const answer = await app.inject(url)
    if (answer.statusCode === statusCode) return answer
    await pause(20)
  }
}

t.jobs = WAYS.length

for (const [name, code, take, options = {}] of WAYS) {
  t.test(`with onUnavailable: 'warn' an application boots whose database ${name}, and serves it once it can`, { buffered: true }, async (t) => {
    const file = join(makeFolder(t), 'sub', 'x.db')
    mkdirSync(dirname(file))
    const giveBack = take(t, file)
    const { lines, stream } = collect()
    const { app, timeline } = await makeApp(t, {
      server: { logger: { stream, level: 'info' } }, plugin: { database: file, onUnavailable: 'warn', ...options }
    })
    const paths = ['/api/tasks/a/timeline', '/api/tasks/a/stream', '/api/invocations', '/api/invocations/1', '/api/stream?running=true']
    for (const path of paths) {
      const answer = await app.inject(path)
      t.match(answer, { statusCode: 503, headers: { 'retry-after': '5' } }, path)
      t.match(answer.json(), { success: false, code }, path)
    }
    t.equal((await app.inject('/timeline/')).statusCode, 200, 'the pages are there')
    const before = Date.now()
    const value = await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'x' }, async (run) => {
      t.equal(run.invocationId, undefined)
      run.onActivity({ type: 'output', message: 'while it was away', timestamp: new Date() })
      return 'done'
    })
    const after = Date.now()
    t.equal(value, 'done', 'the agent ran')
    await giveBack()
    await until(app, '/api/tasks/a/timeline', 200)
    await timeline.flush()
    const { timeline: events } = (await app.inject('/api/tasks/a/timeline')).json()
    t.match(events, [
      { type: 'invocation.started' }, { activity: 'while it was away' }, { type: 'invocation.completed' }
    ])
    for (const { timestamp } of events) t.ok(Date.parse(timestamp) >= before && Date.parse(timestamp) <= after, 'its true time')
    const told = lines.filter((line) => line.level === 40)
    t.match(told, [{ code }], 'one warning')
    t.equal(told.length, 1)
    t.equal(lines.filter(({ msg }) => msg === 'the database can be used now').length, 1)
  })
}

t.test('a recorder whose database cannot be used closes, and the application at once', { buffered: true }, async (t) => {
  const database = join(makeFolder(t), 'missing', 'x.db')
  const logs = new Logs()
  const timeline = await openTimeline({ database, onUnavailable: 'warn', logger: logs })
  await t.rejects(timeline.getTimeline('a'), { code: 'AGENT_TIMELINE_DATABASE_MISSING' })
  await timeline.flush()
  await timeline.close()
  await t.rejects(timeline.getTimeline('a'), { code: 'AGENT_TIMELINE_CLOSED' })
  t.match(logs.warnings, [{ code: 'AGENT_TIMELINE_DATABASE_MISSING' }])
  const { app } = await makeApp(t, { plugin: { database, onUnavailable: 'warn' } })
  await app.close()
})

t.test('of projects a request is told what is wrong now; the application waits for them', { buffered: true }, async (t) => {
  const database = join(makeFolder(t), 'later', 'x.db')
  const { app } = await makeApp(t, { plugin: { projects: { p: database }, onUnavailable: 'warn' } })
  const url = '/api/tasks/a/timeline?project=p'
  t.equal((await app.inject(url)).json().code, 'AGENT_TIMELINE_DATABASE_MISSING')
  const timeline = await app.agentTimeline.for('p')
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'x' })
  t.equal(run.id, undefined)
  mkdirSync(dirname(database))
  await until(app, url, 200)
  await run.complete('done')
  t.equal((await until(app, url, 200)).json().timeline.length, 2)
})

t.test('onUnavailable is checked, and what is no database is refused whatever it says', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  for (const onUnavailable of ['ignore', true, null, 503] as never[]) {
    const expected = { code: 'AGENT_TIMELINE_INVALID_OPTION', message: /onUnavailable is 'throw' or 'warn'/ }
    await t.rejects(openTimeline({ database, onUnavailable }), expected)
    await t.rejects(makeApp(t, { plugin: { projects: { p: database }, onUnavailable } }), expected)
  }
  await t.rejects(openTimeline({ database: 'https://example.com/x.db', onUnavailable: 'warn' }), { code: 'AGENT_TIMELINE_UNSUPPORTED_DATABASE' })
  const missing = { database: join(database, 'x', 'y.db') }
  await t.rejects(openTimeline({ ...missing, onUnavailable: 'throw' }), { code: 'AGENT_TIMELINE_DATABASE_MISSING' })
  await t.rejects(makeApp(t, { plugin: missing }), { code: 'AGENT_TIMELINE_DATABASE_MISSING' })
})
