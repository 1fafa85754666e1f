import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as atLatest } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { systemClock, type Clock } from '../../../lib/time/clock.js'
import { silentLogger } from '../../../lib/logger.js'
import type { WakeBus } from '../../../lib/store/port.js'
import { createBell } from '../../../lib/store/sqlite/bell.js'
import { follow } from '../../../lib/live/follow.js'
import { createHub, type Hub } from '../../../lib/live/hub.js'
import { createInProcessBus } from '../../../lib/store/in-process-bus.js'
import { FakeReader } from '../../support/fake-reader.js'
import { Random } from '../../support/random.js'
import { Peer } from './peer.js'

interface Setup {
  readonly hub: Hub
  readonly reader: FakeReader
  readonly bus: WakeBus
  readonly warnings: string[]
  /** Appends, and rings. */
  record (taskId: string, messages: readonly string[]): number[]
  view (taskId: string, peer?: Peer): Peer
}

function setUp (t: Test, bus: WakeBus = createInProcessBus(), clock: Clock = systemClock): Setup {
  const reader = new FakeReader()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_details: object, message: string) => { warnings.push(message) } }
  const hub = createHub({ reader, bus, logger, clock })
  // The hub's timers keep no process alive; a server's sockets do.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { hub.close(); bus.close(); clearInterval(alive) })
  return {
    hub,
    reader,
    bus,
    warnings,
    record (taskId, messages) {
      const seqs = reader.append(taskId, messages)
      bus.ring([taskId])
      return seqs
    },
    view (taskId, peer = new Peer()) {
      peer.subscription = hub.subscribe(taskId, peer)
      return peer
    }
  }
}

const some = (count: number, text = 'm') => Array.from({ length: count }, (_, index) => `${text}${index}`)
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

t.test('a viewer sees what is stored, then what comes', async (t) => {
  const { record, view } = setUp(t)
  record('a', some(1200))
  const peer = view('a')
  await peer.untilSeq(1200)
  record('a', some(3))
  record('b', some(3))
  await peer.untilSeq(1203)
  t.same(peer.seen(), upTo(1203))
  t.equal(peer.frames[0]?.id, '1.e1')
})

t.test('a viewer of a task without a log waits for it', async (t) => {
  const { record, view, reader } = setUp(t)
  const peer = view('a')
  while (reader.imports.length === 0) await nextTurn()
  record('a', some(2))
  await peer.untilSeq(2)
  t.same(peer.seen(), [1, 2])
})

t.test('all viewers of a task share one reader and one chunk per tick', async (t) => {
  const { record, view, reader } = setUp(t)
  record('a', some(5))
  const peers = Array.from({ length: 50 }, () => view('a'))
  await Promise.all(peers.map((peer) => peer.untilSeq(5)))
  t.ok(reader.pages <= 2, `${reader.pages} pages for 50 viewers that start together`)
  const before = reader.pages
  const chunksBefore = peers.map((peer) => peer.chunks.length)
  for (let i = 0; i < 10; i++) record('a', some(2))
  await Promise.all(peers.map((peer) => peer.untilSeq(25)))
  t.equal(reader.pages - before, 1)
  t.same(peers.map((peer, index) => peer.chunks.length - (chunksBefore[index] as number)), peers.map(() => 1))
  t.equal(new Set(peers.map((peer) => peer.chunks.at(-1))).size, 1, 'the very same buffer')
})

t.test('a cursor resumes exactly, also one that the tail has not reached yet', async (t) => {
  const { hub, record, view, reader } = setUp(t)
  record('a', some(10))
  const first = view('a')
  await first.untilSeq(10)
  reader.append('a', some(5))
  const ahead = view('a', new Peer({ seq: 14 }))
  const known = view('a', new Peer({ seq: 8, epoch: 'e1' }))
  await Promise.all([ahead.untilSeq(15), known.untilSeq(15), first.untilSeq(15)])
  t.same(ahead.seen(), [15])
  t.same(known.seen(), [9, 10, 11, 12, 13, 14, 15])
  t.same(first.seen(), upTo(15))
  hub.close()
  t.equal(first.ended, 'closed')
})

t.test('an unknown cursor is told, then everything is shown', async (t) => {
  const { record, view } = setUp(t)
  record('a', some(3))
  for (const cursor of [{ seq: 2, epoch: 'other' }, { seq: 4 }]) {
    const peer = view('a', new Peer(cursor))
    await peer.untilSeq(3)
    t.same(peer.frames[0], { data: { type: 'timeline.gap', taskId: 'a', reason: 'unknown-cursor' } })
    t.same(peer.frames.slice(1).map(({ data }) => data.seq), [1, 2, 3])
  }
})

t.test('holes are told in their place, in the replay and live', async (t) => {
  const { record, view, reader } = setUp(t)
  record('a', some(20))
  reader.remove('a', 1, 4)
  reader.remove('a', 9, 9)
  reader.remove('a', 18, 20)
  reader.logs.get('a')!.floorSeq = 4
  const peer = view('a')
  await peer.untilSeq(20)
  t.same(peer.seen(), ['1-4 expired', 5, 6, 7, 8, '9-9 removed', 10, 11, 12, 13, 14, 15, 16, 17, '18-20 removed'])
  t.equal(peer.frames[0]?.id, '4.e1')
  reader.append('a', some(4))
  reader.remove('a', 22, 24)
  record('a', [])
  await peer.untilSeq(24)
  t.same(peer.seen().slice(-2), [21, '22-24 removed'])
})

t.test('rows that expire during a replay are told as expired', async (t) => {
  const { record, view, reader } = setUp(t)
  record('a', some(600))
  const first = view('a')
  await first.untilSeq(600)
  reader.remove('a', 1, 100)
  reader.logs.get('a')!.floorSeq = 100
  t.teardown(() => first.subscription?.close())
  const late = view('a', new Peer({ seq: 50 }))
  await late.untilSeq(600)
  t.equal(late.seen()[0], '51-100 expired')
})

t.test('rows that have expired are not shown from the ring', async (t) => {
  const { record, view, reader } = setUp(t)
  record('a', some(10))
  const first = view('a')
  await first.untilSeq(10)
  reader.remove('a', 1, 8)
  reader.logs.get('a')!.floorSeq = 8
  record('a', some(1))
  await first.untilSeq(11)
  const late = view('a')
  await late.untilSeq(11)
  t.same(late.seen(), ['1-8 expired', 9, 10, 11])
})

t.test('rows that were deleted without a word are not shown from the ring to whoever comes later', async (t) => {
  let ms = 0
  const { record, view, reader } = setUp(t, undefined, () => ms)
  record('a', some(10))
  const first = view('a')
  await first.untilSeq(10)
  t.teardown(() => first.subscription?.close())
  record('a', some(5))
  await first.untilSeq(15)
  const { pages } = reader
  ms += 5_000
  const second = view('a', new Peer({ seq: 10 }))
  await second.untilSeq(15)
  t.equal(reader.pages, pages, 'what is still there comes from the ring')
  reader.remove('a', 12, 13)
  ms += 1_000
  const late = view('a', new Peer({ seq: 10 }))
  await late.untilSeq(15)
  t.same(late.seen(), [11, '12-13 removed', 14, 15])
  const fresh = view('a')
  await fresh.untilSeq(15)
  t.same(fresh.seen().slice(-4), [11, '12-13 removed', 14, 15])
})

t.test('a viewer that stops reading is paused at the byte cap and misses nothing', async (t) => {
  const { record, view } = setUp(t)
  const slow = view('a')
  const fast = view('a')
  record('a', some(1))
  await slow.untilSeq(1)
  slow.stop()
  let seq = 1
  for (let round = 0; round < 20; round++) {
    seq = record('a', some(10, 'x'.repeat(100))).at(-1) as number
    await fast.untilSeq(seq)
  }
  t.ok(slow.mostBuffered < 4096 + 3 * 2600, `${slow.mostBuffered} bytes were kept`)
  slow.resume()
  await slow.untilSeq(seq)
  record('a', some(1))
  await slow.untilSeq(seq + 1)
  t.same(slow.seen(), upTo(seq + 1))
})

t.test('pages of long rows are short, also after pages with few of them', async (t) => {
  const { record, view, reader } = setUp(t)
  const peer = view('a')
  let seq = 0
  for (const rows of [1, 1, 1, 300]) {
    seq = record('a', some(rows, 'x'.repeat(8192))).at(-1) as number
    await peer.untilSeq(seq)
  }
  t.ok(reader.limits.slice(1).every((limit) => limit <= 64), `half a MiB at most: ${reader.limits}`)
  record('a', some(1))
  await peer.untilSeq(seq + 1)
  seq = record('a', some(300)).at(-1) as number
  await peer.untilSeq(seq)
  t.equal(reader.limits.at(-1), 500)
  t.same(peer.seen(), upTo(seq))
})

t.test('a viewer that never drains is ended, one that drains slowly is not', async (t) => {
  const { record, view } = setUp(t)
  record('a', some(400))
  const dead = new Peer(undefined, 30)
  dead.stop()
  view('a', dead)
  await once(dead, 'ended')
  t.equal(dead.ended, 'slow')
  const slow = new Peer(undefined, 30)
  slow.stop()
  let left = 1000
  slow.bufferedBytes = () => { left -= 100; return left }
  view('a', slow)
  await atLatest(200)
  t.equal(slow.ended, undefined)
  slow.resume()
  await slow.untilSeq(400)
})

t.test('a deleted task and a replaced log end their streams, and only theirs', async (t) => {
  const { record, view, reader, bus } = setUp(t)
  record('a', some(2))
  record('b', some(2))
  record('c', some(2))
  const [deleted, replaced, kept] = [view('a'), view('b'), view('c')]
  await Promise.all([deleted, replaced, kept].map((peer) => peer.untilSeq(2)))
  reader.logs.delete('a')
  reader.logs.get('b')!.epoch = 'e2'
  const ends = [once(deleted, 'ended'), once(replaced, 'ended')]
  bus.ring(['a', 'b', 'c'])
  await Promise.all(ends)
  t.same([deleted.ended, replaced.ended, kept.ended], ['deleted', 'replaced', undefined])
  const again = view('b', new Peer({ seq: 2, epoch: 'e1' }))
  await again.untilSeq(2)
  t.equal(again.frames[0]?.data.reason, 'unknown-cursor')
  record('c', some(1))
  await kept.untilSeq(3)
})

t.test('a log that is replaced between its head and its rows shows no row of the new one under the old epoch', async (t) => {
  const { record, view, reader } = setUp(t)
  const replaceAtNextRead = (epoch: string): void => {
    reader.onRead = () => {
      reader.onRead = undefined
      reader.logs.delete('a')
      reader.append('a', some(9))
      reader.logs.get('a')!.epoch = epoch
    }
  }
  record('a', some(2))
  const live = view('a')
  await live.untilSeq(2)
  replaceAtNextRead('e2')
  const liveEnded = once(live, 'ended')
  record('a', some(1))
  await liveEnded
  t.same([live.ended, live.frames.map(({ data }) => data.seq)], ['replaced', [1, 2]])
  const behind = view('a')
  replaceAtNextRead('e3')
  await once(behind, 'ended')
  t.same([behind.ended, behind.frames.map(({ data }) => data.seq)], ['replaced', []])
})

t.test('a subscription to a log that was replaced ends once its owner has it', async (t) => {
  const { hub, record, view } = setUp(t)
  record('a', some(2))
  await view('a').untilSeq(2)
  const order: string[] = []
  const ended = new Promise<void>((resolve) => {
    hub.subscribe('a', {
      cursor: { seq: 1, epoch: 'e0' },
      epoch: 'e0',
      write: () => true,
      bufferedBytes: () => 0,
      onEnd: (reason) => { order.push(reason); resolve() }
    })
  })
  order.push('subscribed')
  await ended
  t.same(order, ['subscribed', 'replaced'])
})

t.test('who knows the new log before the tail has read of it is not sent away again and again', async (t) => {
  const { hub, record, view, reader } = setUp(t)
  record('a', some(2))
  await view('a').untilSeq(2)
  reader.logs.delete('a')
  reader.append('a', some(3))
  reader.logs.get('a')!.epoch = 'e2'
  let subscriptions = 0
  await new Promise<void>((resolve) => {
    function subscribe (): void {
      if (++subscriptions > 10) return resolve()
      hub.subscribe('a', {
        cursor: { seq: 0, epoch: 'e2' },
        epoch: 'e2',
        write: () => { resolve(); return true },
        bufferedBytes: () => 0,
        onEnd: () => queueMicrotask(subscribe)
      })
    }
    subscribe()
  })
  t.equal(subscriptions, 2, 'the old tail ends once it was read')
})

t.test('a database that cannot be read is waited for, and reported once', async (t) => {
  const { record, view, reader, warnings } = setUp(t)
  record('a', some(2))
  const peer = view('a')
  await peer.untilSeq(2)
  reader.fault = new Error('disk I/O error')
  record('a', some(2))
  const newcomer = view('a')
  await atLatest(300)
  t.same(warnings, ['The timeline cannot be read at the moment; streams wait'])
  reader.fault = undefined
  await Promise.all([peer.untilSeq(4), newcomer.untilSeq(4)])
  t.same(peer.seen(), upTo(4))
  t.same(newcomer.seen(), upTo(4))
})

t.test('a host row that is not believed yet is looked at again', async (t) => {
  const { view, reader } = setUp(t)
  reader.recheckMs = 50
  view('a')
  while (reader.imports.length < 3) await nextTurn()
  t.same(reader.imports[0], ['a'])
})

t.test('viewers that come, go and resume at random miss nothing and see nothing twice', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const { record, view, reader } = setUp(t)
  const last = 6000
  let written = 0
  const writer = (async () => {
    while (written < last) {
      written = record('a', some(1 + random.below(60))).at(-1) as number
      if (random.next() < 0.05) {
        const from = 1 + random.below(written)
        reader.remove('a', from, from + random.below(3))
      }
      for (let turn = random.next() * 4; turn > 0; turn--) await nextTurn()
    }
  })()
  const viewers = Array.from({ length: 12 }, async () => {
    const seen: number[] = []
    while ((seen.at(-1) ?? 0) < last || seen.at(-1) !== written) {
      const peer = new Peer(seen.length === 0 ? undefined : { seq: seen.at(-1) as number, epoch: 'e1' })
      view('a', peer)
      const patience = random.below(30)
      for (let turn = 0; turn < patience; turn++) {
        if (random.next() < 0.1) { peer.stop() } else if (random.next() < 0.3) peer.resume()
        await nextTurn()
      }
      peer.subscription?.close()
      for (const { data } of peer.frames) {
        const from = data.fromSeq ?? data.seq
        for (let seq = from; seq <= (data.toSeq ?? data.seq); seq++) seen.push(seq)
      }
    }
    return seen
  })
  await writer
  for (const seen of await Promise.all(viewers)) t.same(seen, upTo(written))
})

t.test('events() reads at the pace of its consumer and ends quietly', async (t) => {
  const { hub, record, reader, bus, view } = setUp(t)
  record('a', some(1100))
  const abort = new AbortController()
  const seen: number[] = []
  for await (const { seq } of follow(hub, reader, { taskId: 'a', after: 2, signal: abort.signal })) {
    seen.push(seq)
    if (seq === 3) t.equal(reader.pages, 1, 'only what was asked for was read')
    if (seq === 1100) setImmediate(() => record('a', some(2)))
    if (seq === 1102) abort.abort()
  }
  t.same(seen, upTo(1102).slice(2))
  const deleted = follow(hub, reader, { taskId: 'a', after: 1102 }).next()
  await view('a', new Peer({ seq: 1100 })).untilSeq(1102)
  reader.logs.delete('a')
  bus.ring(['a'])
  t.equal((await deleted).done, true)
  const waiting = follow(hub, reader, { taskId: 'b' }).next()
  hub.close()
  t.equal((await waiting).done, true)
  t.equal((await follow(hub, reader, { taskId: 'b' }).next()).done, true, 'a closed hub ends it at once')
})

t.test('the bell wakes another watcher of the same file, and its own', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bell-'))
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { rmSync(folder, { recursive: true }); clearInterval(alive) })
  const databasePath = join(folder, 'x.db')
  const mine = createBell({ databasePath, logger: silentLogger })
  const theirs = createBell({ databasePath, logger: silentLogger })
  t.teardown(() => { mine.close(); theirs.close() })
  const heard: Array<readonly string[] | '*'> = []
  mine.subscribe((taskIds) => heard.push(taskIds))
  const ring = () => new Promise<readonly string[] | '*'>((resolve) => {
    const stop = theirs.subscribe((taskIds) => { stop(); resolve(taskIds) })
    mine.ring(['a'])
  })
  t.equal(await ring(), '*')
  t.same(heard[0], ['a'])
  t.equal(statSync(databasePath + '-bell').size, 1)
  rmSync(databasePath + '-bell')
  t.equal(await ring(), '*')
  t.ok(existsSync(databasePath + '-bell'), 'a removed bell is hung again')
})

t.test('a bell that cannot be hung is reported once and breaks nothing', async (t) => {
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_details: object, message: string) => { warnings.push(message) } }
  const bell = createBell({ databasePath: '/nowhere/at/all.db', logger })
  t.teardown(() => bell.close())
  const heard: unknown[] = []
  bell.subscribe((taskIds) => heard.push(taskIds))
  bell.ring(['a'])
  bell.ring(['b'])
  t.same(heard, [['a'], ['b']])
  t.equal(warnings.length, 1)
})

t.test('a bell that is a link, a pipe or holds something is not rung: what it stands for stays as it is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bell-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const target = join(folder, 'target')
  for (const hang of [
    (path: string) => symlinkSync(target, path), (path: string) => linkSync(target, path),
    (path: string) => writeFileSync(path, 'secret'), (path: string) => { execFileSync('mkfifo', [path]) }
  ]) {
    const databasePath = join(folder, `${Math.random()}.db`)
    writeFileSync(target, 'secret')
    hang(`${databasePath}-bell`)
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (_: object, message: string) => { warnings.push(message) } }
    const bell = createBell({ databasePath, logger })
    t.teardown(() => bell.close())
    const heard: unknown[] = []
    bell.subscribe((taskIds) => heard.push(taskIds))
    bell.ring(['a'])
    t.same(heard, [['a']])
    t.equal(warnings.length, 1)
    t.equal(readFileSync(target, 'utf8'), 'secret')
  }
})

t.test('a database has one bell, by whatever name it is opened', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bell-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'x.db'), '')
  symlinkSync(join(folder, 'x.db'), join(folder, 'other.db'))
  const bell = createBell({ databasePath: join(folder, 'other.db'), logger: silentLogger })
  bell.ring(['a'])
  bell.close()
  t.same(readdirSync(folder).sort(), ['other.db', 'x.db', 'x.db-bell'])
  t.end()
})

t.test('hints are listened to only while somebody watches', async (t) => {
  const bus = createInProcessBus()
  let listeners = 0
  const { hub } = setUp(t, {
    ...bus,
    subscribe (onWake) {
      const stop = bus.subscribe(onWake)
      listeners++
      return () => { listeners--; stop() }
    }
  })
  t.equal(listeners, 0)
  const stop = hub.onWake(() => {})
  t.equal(listeners, 1)
  const watch = hub.watch('a', { onEnd () {} })
  await watch.opened
  stop()
  t.equal(listeners, 1)
  watch.close()
  t.equal(listeners, 0)
})
