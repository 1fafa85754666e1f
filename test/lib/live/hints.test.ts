import { once } from 'node:events'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openCore } from '../../../lib/open-core.js'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { silentLogger } from '../../../lib/logger.js'
import type { WakeBus } from '../../../lib/store/port.js'
import { createHub } from '../../../lib/live/hub.js'
import { createSummaries } from '../../../lib/live/summaries.js'
import type { TaskSummary } from '../../../lib/model/answers.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { Child } from '../../support/children.js'
import { FakeReader } from '../../support/fake-reader.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'
import { Peer } from './peer.js'

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** A hub whose hints a test gives as it likes. */
function setUp (t: Test) {
  const reader = new FakeReader()
  let hint: Parameters<WakeBus['subscribe']>[0] = () => {}
  const bus: WakeBus = { ring () {}, subscribe: (onWake) => { hint = onWake; return () => {} }, close () {} }
  const hub = createHub({ reader, bus, logger: silentLogger })
  // The hub's timers keep no process alive; a server's sockets do.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => { hub.close(); clearInterval(alive) })
  const peer = new Peer()
  peer.subscription = hub.subscribe('a', peer)
  return { reader, peer, hint: (taskIds: readonly string[] | '*') => hint(taskIds) }
}

t.test('when every hint is lost, everything still arrives within a second', async (t) => {
  const { reader, peer } = setUp(t)
  let last = 0
  for (let round = 0; round < 5; round++) {
    const looks = reader.looks
    last = reader.append('a', ['one', 'two']).at(-1) as number
    await peer.untilSeq(last)
    // A look comes every 250 ms: the one that may be under way, and the next.
    t.ok(reader.looks - looks <= 2, `after ${reader.looks - looks} looks`)
  }
  t.same(peer.seen(), upTo(last))
  t.ok(reader.imports.length >= 5, 'what others wrote is taken in as well')
})

t.test('hints that are merged, repeated, late or for nothing show everything once', async (t) => {
  const { reader, peer, hint } = setUp(t)
  let last = 0
  for (let round = 0; round < 20; round++) {
    last = reader.append('a', ['one', 'two', 'three']).at(-1) as number
    if (round % 3 === 0) hint('*')
    if (round % 5 === 0) for (let times = 0; times < 100; times++) hint(['a', 'b', 'a'])
    if (round % 4 === 0) await peer.untilSeq(last)
    hint(['b'])
  }
  hint(['a'])
  await peer.untilSeq(last)
  const { pages } = reader
  for (let times = 0; times < 1_000; times++) hint('*')
  last = reader.append('a', ['four']).at(-1) as number
  hint('*')
  await peer.untilSeq(last)
  t.ok(reader.pages - pages <= 2, `${reader.pages - pages} reads for 1,001 hints`)
  t.same(peer.seen(), upTo(last))
})

for (const [name, spoil, warnings] of [
  ['is removed again and again', (bell: string) => { rmSync(bell, { force: true }) }, 0],
  ['cannot be opened or watched', (bell: string) => { mkdirSync(bell, { recursive: true }) }, 1]
] as const) {
  t.test(`what another process writes arrives, also when the bell ${name}`, async (t) => {
    const database = join(temporaryDirectory(t), 'x.db')
    const logs = new Logs()
    spoil(`${database}-bell`)
    const timeline = await openTimeline({ database, logger: logs })
    t.teardown(() => timeline.close())
    const child = new Child(t, 'run', { database, taskId: 'a', count: 1 })
    await child.message()
    const seen: TimelineEvent[] = []
    for await (const event of timeline.events({ taskId: 'a' })) {
      seen.push(event)
      if (event.type === 'invocation.completed') break
      // The start, the tool, the line; then one by one, each after the last has been seen.
      if (seen.length < 3) continue
      spoil(`${database}-bell`)
      child.tell(seen.length < 10 ? `message ${seen.length}` : 'end')
    }
    t.same(seen.map(({ seq }) => seq), upTo(12))
    t.equal(logs.warnings.length, warnings)
  })
}

t.test('a file that takes the place of another without a hint ends the streams of the old one', async (t) => {
  const directory = temporaryDirectory(t)
  const [database, other] = [join(directory, 'x.db'), join(directory, 'y.db')]
  for (const path of [database, other]) {
    const timeline = await openTimeline({ database: path })
    await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'me' })
    await timeline.close()
  }
  const core = await openCore({ database, logger: silentLogger })
  const alive = setInterval(() => {}, 1_000)
  t.teardown(async () => { clearInterval(alive); await core.close() })
  const peer = new Peer()
  peer.subscription = core.hub.subscribe('a', peer)
  await peer.untilSeq(1)
  const mark = await core.reader.changeMark()
  const ended = once(peer, 'ended')
  for (const suffix of ['-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true })
  renameSync(other, database)
  await ended
  t.equal(peer.ended, 'replaced')
  t.not(await core.reader.changeMark(), mark, 'a new connection does not count from where the old one began')
})

t.test('the last summary comes when no hint does, when the run ends during a look, and when a look fails', async (t) => {
  const database = join(temporaryDirectory(t), 'x.db')
  const timeline = await openTimeline({ database })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const core = await openCore({ database, logger: silentLogger })
  const silent: WakeBus = { ring () {}, subscribe: () => () => {}, close () {} }
  const hub = createHub({ reader: core.reader, bus: silent, logger: silentLogger })
  let onLook = async (): Promise<void> => {}
  const summaries = createSummaries({
    reader: core.reader,
    answers: {
      ...core.answers,
      async runs (taskId) {
        const rows = await core.answers.runs(taskId)
        await onLook()
        return rows
      }
    },
    health: { watch: () => ({ take: () => [], close () {} }) as never },
    bus: silent,
    hub,
    now: () => Date.now(),
    intervalMs: 20
  })
  const alive = setInterval(() => {}, 1_000)
  t.teardown(async () => {
    clearInterval(alive)
    summaries.close()
    hub.close()
    await core.close()
    await timeline.close()
  })
  const told = await summaries.of('a')
  const seen: TaskSummary[] = []
  let onSeen = (): void => {}
  const sees = async (is: (summary: TaskSummary) => boolean) => {
    while (!seen.some(is)) await new Promise<void>((resolve) => { onSeen = resolve })
  }
  let steps = 0
  onLook = async () => {
    steps++
    if (steps === 1) throw new Error('cannot be read')
    if (steps !== 2) return
    // All of the run is read by now: whatever is told next was not looked at.
    await run.complete({ success: true, response: 'done' })
  }
  const stop = summaries.watch(told, (_frame, summary) => {
    seen.push(summary)
    onSeen()
  })
  await sees(({ runs }) => runs.completed === 1)
  t.equal(seen.at(-1)?.runs.running, 0)

  const second = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  await sees(({ runs }) => runs.running === 1)
  await second.fail(new Error('spawn claude ENOENT'))
  await sees(({ runs }) => runs.failed === 1)
  stop()
  const looks = steps
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'me' })
  const peer = new Peer()
  peer.subscription = hub.subscribe('a', peer)
  await peer.untilSeq(5)
  t.equal(steps, looks, 'nobody watches, nothing is looked at')
})
