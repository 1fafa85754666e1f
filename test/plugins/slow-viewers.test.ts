import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLogger } from '../../lib/logger.js'
import { openTimeline } from '../../lib/open-timeline.js'
import { Child } from '../support/children.js'
import { makeFolder } from './app.js'
import { digestOf, TrickleViewer, type Seen } from './trickle.js'

t.setTimeout(300_000)

const MIB = 1024 * 1024
const BYTES = 8 * 1024
/** 100 MiB. */
const COUNT = 100 * MIB / BYTES
/** Its end, its start, and what is between. */
const HEAD = COUNT + 2
/** Twice as long a viewer may take nothing, in seconds; longer than the flood on a machine that is not too slow. */
const HEARTBEAT_S = 4

interface Flood {
  /** The most that a sample after a garbage collection found, in bytes. */
  readonly used: number
  readonly rss: number
  readonly log: readonly Seen[]
  readonly fast: TrickleViewer
  readonly slow: TrickleViewer | undefined
  /** Resolves when the server has closed its end of the stopped viewer's connection. */
  untilDisconnected (): Promise<void>
}

/** 100 MB of events, through a server process that somebody reads at full speed. */
async function flood (t: Test, isHindered: boolean): Promise<Flood> {
  const database = join(makeFolder(t), 'x.db')
  const serve = new Child(t, 'serve', { database, streamHeartbeatInterval: HEARTBEAT_S }, {}, [], 'flood.mjs')
  const port = await serve.message<number>()
  const run = new Child(t, 'run', { database, count: COUNT, bytes: BYTES }, {}, [], 'flood.mjs')
  t.equal(await run.message(), 'started')
  const view = (bytesPerSecond: number) => {
    const viewer = new TrickleViewer(port, '/api/tasks/a/stream', bytesPerSecond)
    t.teardown(() => { viewer.close() })
    return viewer
  }
  const fast = view(Infinity)
  const slow = isHindered ? view(1_000) : undefined
  const stopped = isHindered ? view(0) : undefined
  await fast.until(() => fast.lastSeq === 1)
  if (stopped !== undefined) await stopped.until(() => stopped.localPort > 0)
  const closed = new Set<number>()
  const messages: unknown[] = []
  serve.process.on('message', (message: any) => {
    if (message?.closed !== undefined) closed.add(message.closed)
    else messages.push(message)
  })
  run.tell('go')
  t.equal(await run.message(), 'written')
  await fast.until(() => fast.lastSeq === HEAD)
  serve.tell('report')
  while (messages.length === 0) await once(serve.process, 'message')
  const { used, rss } = messages[0] as { used: number, rss: number }
  if (slow !== undefined) {
    t.comment(`the slow viewer had seen ${slow.lastSeq} of ${HEAD} events, over ${slow.connections} connections`)
    t.ok(slow.lastSeq < HEAD / 2, 'it was slow')
    slow.speedUp()
    await slow.until(() => slow.lastSeq === HEAD)
  }
  const timeline = await openTimeline({ database, logger: silentLogger })
  const log: Seen[] = []
  for await (const event of timeline.events({ taskId: 'a' })) {
    log.push({ id: String(event.seq), digest: digestOf(JSON.stringify(event)) })
    if (event.seq === HEAD) break
  }
  await timeline.close()
  return {
    used,
    rss,
    log,
    fast,
    slow,
    async untilDisconnected () {
      while (!closed.has(stopped?.localPort ?? 0)) await once(serve.process, 'message')
    }
  }
}

/** The first place where a viewer's list is not the log; undefined where they are the same. */
function missed (viewer: TrickleViewer | undefined, log: readonly Seen[]): number | undefined {
  const seen = viewer?.seen ?? []
  for (let index = 0; index < Math.max(seen.length, log.length); index++) {
    const [theirs, ours] = [seen[index], log[index]]
    if (theirs?.id.split('.')[0] !== ours?.id || theirs?.digest !== ours?.digest) return index
  }
  return undefined
}

t.test('a viewer of 1 kB/s and one that stopped cost a server no memory during 100 MB of events, and the slow one misses nothing', async (t) => {
  const alone = await flood(t, false)
  const hindered = await flood(t, true)
  for (const [name, { used, rss }] of Object.entries({ alone, hindered })) {
    t.comment(`${name}: at most ${(used / MIB).toFixed(1)} MiB of heap and buffers, ${(rss / MIB).toFixed(1)} MiB resident`)
  }
  const differenceMiB = (hindered.used - alone.used) / MIB
  t.ok(differenceMiB < 8, `${differenceMiB.toFixed(1)} MiB more`)
  t.equal(hindered.log.length, HEAD)
  t.equal(missed(hindered.slow, hindered.log), undefined)
  t.equal(missed(hindered.fast, hindered.log), undefined)
  await hindered.untilDisconnected()
})
