import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { publish } from '../../lib/lifecycle.js'
import { silentLogger } from '../../lib/logger.js'
import { createHub } from '../../lib/live/hub.js'
import { createInProcessBus } from '../../lib/store/in-process-bus.js'
import { currentOwner } from '../../lib/liveness/owner.js'
import { openDatabase } from '../../lib/store/sqlite/database.js'
import { openTimeline } from '../../lib/open-timeline.js'
import { hostOpener } from '../../lib/host/open-host.js'
import { createAuditSource } from '../../lib/host/task-events.js'
import { systemClock } from '../../lib/time/clock.js'
import { FakeReader } from '../support/fake-reader.js'
import { Peer } from './live/peer.js'

const CHANNELS = [
  'invocation.started', 'invocation.ended', 'batch.committed', 'invocation.lost', 'viewer.connected', 'viewer.evicted'
] as const
const SECRET = 'sk-ant-REDACTED'

/** Everything that is published until the test ends. */
function listen (t: Test): Array<readonly [name: string, message: any]> {
  const heard: Array<readonly [string, any]> = []
  for (const name of CHANNELS) {
    const hear = (message: unknown) => { heard.push([name, message]) }
    subscribe(`agent-timeline:${name}`, hear)
    t.teardown(() => unsubscribe(`agent-timeline:${name}`, hear))
  }
  return heard
}

t.test('starts, ends and batches are published with ids and numbers, and nothing that an agent says', async (t) => {
  const timeline = await openTimeline({ database: join(t.testdir(), 'x.db') })
  t.teardown(() => timeline.close())
  const heard = listen(t)
  const work = { taskId: '42', role: 'coder', provider: 'claude', prompt: SECRET }
  let id: number | undefined
  await timeline.logInvocation(work, async (run) => {
    id = run.invocationId
    run.onActivity({ type: 'output', message: SECRET, timestamp: new Date() })
    return SECRET
  })
  const run = await timeline.startInvocation(work)
  await run.fail(new Error(SECRET))
  await run.complete('is over').catch(() => {})
  const told = (name: string) => heard.filter(([heardName]) => heardName === name).map(([, message]) => message)
  t.same(told('invocation.started'), [{ taskId: '42', invocationId: id }, { taskId: '42', invocationId: run.id }])
  t.same(told('invocation.ended'), [
    { taskId: '42', invocationId: id }, { taskId: '42', invocationId: run.id }
  ])
  const batches = told('batch.committed')
  t.equal(batches.reduce((sum, { operations }) => sum + operations, 0), 5)
  t.ok(batches.every(({ tasks, seconds }) => tasks === 1 && seconds >= 0))
  t.notMatch(JSON.stringify(heard), /sk-ant/)
})

t.test('a run that is ended for a dead process is published by whoever ends it', async (t) => {
  const path = join(t.testdir(), 'x.db')
  const openHost = hostOpener({ taskEvents: createAuditSource(systemClock), now: systemClock, clean: (text) => text })
  const gone = { ...currentOwner(), startTime: '1' }
  const first = await openTimeline({ database: path })
  const left = await first.startInvocation({ taskId: '42', role: 'coder', provider: 'claude' })
  const database = await openDatabase({
    database: path,
    migrate: false,
    create: false,
    openHost
  })
  await database.write((trx) => trx.insertInto('timeline_writer')
    .values({ writer_id: 'gone', batch: 1, owner: JSON.stringify(gone), heartbeat_at: '2026-01-01T00:00:00.000Z' }).execute())
  await database.write((trx) => trx.updateTable('invocation_run')
    .set({ owner: 'gone', heartbeat_at: '2026-01-01T00:00:00.000Z' }).execute())
  await database.close()
  const heard = listen(t)
  const second = await openTimeline({ database: path, runnerHeartbeatIntervalMs: 100 })
  t.teardown(async () => { await second.close(); await first.close() })
  const lost = () => heard.filter(([name]) => name === 'invocation.lost').map(([, message]) => message)
  for await (const event of second.events({ taskId: '42' })) if (event.type === 'invocation.failed') break
  t.same(lost(), [{ taskId: '42', invocationId: left.id }])
})

t.test('viewers that come, and those that took nothing for too long, are published', async (t) => {
  const reader = new FakeReader()
  const bus = createInProcessBus()
  const hub = createHub({ reader, bus, logger: silentLogger })
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { hub.close(); bus.close(); clearInterval(alive) })
  const heard = listen(t)
  reader.append('a', Array.from({ length: 400 }, (_, index) => `m${index}`))
  const peer = new Peer(undefined, 30)
  peer.stop()
  peer.subscription = hub.subscribe('a', peer)
  await once(peer, 'ended')
  t.match(heard, [['viewer.connected', { taskId: 'a' }], ['viewer.evicted', { taskId: 'a', seq: Number }]])
})

t.test('the documentation has all channels', async (t) => {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8')
  t.same([...page.matchAll(/^\| `agent-timeline:([\w.]+)`/gm)].map(([, name]) => name).sort(), [...CHANNELS].sort())
})

t.test('nothing is made where nobody listens', async (t) => {
  let made = 0
  publish('viewer.connected', () => ({ taskId: String(made++) }))
  t.equal(made, 0)
  t.end()
})

t.test('NODE_DEBUG shows what the rooms do, one of them or all, and no text of an agent', async (t) => {
  const path = join(t.testdir(), 'x.db')
  const script = `
    import { openTimeline } from 'fastify-agent-timeline/recorder'
    const timeline = await openTimeline({ database: ${JSON.stringify(path)} })
    await timeline.logInvocation({ taskId: '42', role: 'coder', provider: 'mine', prompt: '${SECRET}' }, async (run) => {
      run.onActivity({ type: 'output', message: '${SECRET}', timestamp: new Date() })
      for await (const { type } of timeline.events({ taskId: '42' })) if (type === 'invocation.activity') break
      return '${SECRET}'
    })
    await timeline.close()`
  const said = async (NODE_DEBUG: string) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_DEBUG }
    return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })).stderr
  }
  const all = await said('agent-timeline:*')
  t.match(all, /AGENT-TIMELINE:RECORDER \d+: batch 1 of writer \w+: \d+ operations, 1 tasks/)
  t.match(all, /AGENT-TIMELINE:LIVE \d+: drained 1 tasks, 0 of them failed/)
  t.notMatch(all, /sk-ant/)
  const one = await said('agent-timeline:recorder')
  t.match(one, /RECORDER/)
  t.notMatch(one, /AGENT-TIMELINE:LIVE/)
  t.equal(await said(''), '')
})
