import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { silentLogger } from '../../lib/logger.js'
import { openTimeline } from '../../lib/open-timeline.js'
import { makeApp, makeFolder } from './app.js'
import { SseClient } from './sse-client.js'

/** Ways to take a database away, each with how to bring it back. */
const TROUBLES: ReadonlyArray<readonly [name: string, code: string, take: (file: string) => () => void]> = [
  ['locked', 'AGENT_TIMELINE_DATABASE_LOCKED', (file) => {
    const lock = new Sqlite(file)
    lock.exec('BEGIN EXCLUSIVE')
    return () => { lock.exec('ROLLBACK'); lock.close() }
  }],
  ['gone', 'AGENT_TIMELINE_DATABASE_MISSING', (file) => {
    renameSync(file, `${file}.away`)
    return () => renameSync(`${file}.away`, file)
  }],
  ['replaced by something else', 'AGENT_TIMELINE_NOT_A_DATABASE', (file) => {
    renameSync(file, `${file}.away`)
    writeFileSync(`${file}.new`, 'garbage '.repeat(10_000))
    renameSync(`${file}.new`, file)
    return () => renameSync(`${file}.away`, file)
  }]
]

for (const [name, code, take] of TROUBLES) {
  t.test(`viewers are told that the database is ${name}, and when it can be read again`, async (t) => {
    const database = join(makeFolder(t), 'x.db')
    // Where readers wait for a writer: in WAL mode nobody can lock them out.
    const host = new Sqlite(database)
    host.exec('CREATE TABLE other (id)')
    host.close()
    const { app } = await makeApp(t, { plugin: { projects: { p: database }, migrate: true }, listen: true })
    const timeline = await openTimeline({ database, migrate: true, logger: silentLogger })
    t.teardown(() => timeline.close())
    const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
    run.activity({ type: 'error', message: 'one', timestamp: new Date() })
    await timeline.flush()
    const paths = ['/api/tasks/a/stream?project=p', '/api/stream?project=p&tasks=a:0', '/api/stream?project=p&running=true']
    const clients = await Promise.all(paths.map(async (path) => SseClient.open(app, path)))
    const tells = (type: string, since = 0) => ({ frames }: SseClient) =>
      frames.slice(since).some(({ data }) => data.type === type)
    for (const client of clients) await client.until(tells('timeline.snapshot'))

    const giveBack = take(database)
    for (const client of clients) {
      await client.until(tells('timeline.trouble'))
      const { id, data } = client.frames.find(({ data }) => data.type === 'timeline.trouble')!
      t.equal(id, undefined)
      t.same(Object.keys(data), ['type', 'code', 'since'])
      t.equal(data.code, code)
      await client.until(({ frames }) => frames.some(({ data }) => data.health?.state === 'unknown' &&
        data.type === 'timeline.health' && data.invocationId === run.id))
    }
    for (const path of [...paths, '/api/tasks/a/timeline?project=p', '/api/invocations?project=p']) {
      const refused = await SseClient.open(app, path)
      t.match(refused.response, { statusCode: 503, headers: { 'retry-after': '5' } }, path)
      refused.destroy()
    }

    const told = clients.map(({ frames }) => frames.length)
    giveBack()
    for (const [index, client] of clients.entries()) await client.until(tells('timeline.recovered', told[index]))
    run.activity({ type: 'error', message: 'two', timestamp: new Date() })
    for (const [index, client] of clients.entries()) {
      await client.until(({ frames }) => frames.some(({ data }) => data.activity === 'two'))
      await client.until(({ frames }) => frames.slice(told[index]).some(({ data }) =>
        data.health !== undefined && data.health.state !== 'unknown'))
      t.equal(client.frames.filter(({ data }) => data.type === 'timeline.trouble').length, 1, 'told once')
      client.destroy()
    }
  })
}
