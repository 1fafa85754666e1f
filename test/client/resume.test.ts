import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { openTimeline } from '../../lib/open-timeline.js'
import { launchBrowser } from '../support/browser.js'
import { Child } from '../support/children.js'
import { RawBrowser, type RawTab } from './support/raw-browser.js'
import { isLive } from './support/stage.js'
import { Wire } from './support/wire.js'

t.setTimeout(300_000)

let browser: Browser
t.before(async () => { browser = await launchBrowser() })
t.teardown(() => browser?.close())

interface Site {
  readonly url: string
  /** Address of the task's page. */
  readonly pageUrl: string
  readonly wire: Wire
  /** Stores the next events, `event 1`, `event 2`, … */
  readonly say: (count: number) => Promise<void>
  /** Kills the server with SIGKILL and starts another on the same database, at another port behind the same wire. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
}

/** A web server in a process of its own behind a wire, and a run that this process records. */
async function serve (t: Test, monitoring: object = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-timeline-resume-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const database = join(folder, 'x.db')
  const timeline = await openTimeline({ database, migrate: true })
  t.teardown(() => timeline.close())
  const runs = await Promise.all(['a', 'b'].map(async (taskId) => {
    return timeline.startInvocation({ taskId, role: 'coder', provider: 'codex', model: 'gpt' })
  }))
  const wire = new Wire()
  const url = await wire.listen()
  t.teardown(() => wire.close())
  let server: Child | undefined
  let said = 0
  const site: Site = {
    url,
    pageUrl: `${url}/timeline/tasks/a`,
    wire,
    async say (count) {
      for (const end = said + count; said < end;) {
        said++
        for (const run of runs) run.activity({ type: 'progress', message: `event ${said}`, timestamp: new Date() })
      }
      await timeline.flush()
    },
    async kill () {
      wire.target = undefined
      await server!.kill('SIGKILL')
      wire.cut()
    },
    async start () {
      server = new Child(t, 'serve', { database, monitoring: { streamHeartbeatInterval: 0.1, ...monitoring } })
      wire.target = await server.message<number>()
    }
  }
  await site.start()
  await site.say(10)
  return site
}

async function openPage (t: Test, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 4000 } })
  t.teardown(() => context.close())
  const page = await context.newPage()
  await page.goto(url)
  return page
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

/** Of the events that are shown, in their order. */
const NUMBERS = `[...document.querySelector('agent-timeline').shadowRoot.querySelectorAll('article')]
  .sort((a, b) => a.ariaPosInSet - b.ariaPosInSet)
  .map((row) => Number(/^event (\\d+)$/.exec(row.querySelector('.line')?.textContent ?? '')?.[1])).filter(Boolean)`
const hasShown = (count: number): string => `Math.max(...${NUMBERS}) >= ${count}`
const NEXT_FRAME = 'new Promise((resolve) => requestAnimationFrame(resolve))'
const IS_LIVE_NOW = "document.querySelector('agent-timeline').shadowRoot.querySelector('.connection.live') !== null"
const IS_LIVE = "document.querySelector('agent-timeline')?.shadowRoot?.querySelector('.connection.live')"

async function shows (t: Test, page: Page, count: number, what: string): Promise<void> {
  // As an expression: the page's policy forbids to evaluate strings inside.
  while (!await page.evaluate(hasShown(count))) await page.evaluate(NEXT_FRAME)
  t.strictSame(await page.evaluate(NUMBERS), upTo(count), what)
}

t.test('any EventSource gets everything once and in order through cuts and a killed server, whatever pings come', async (t) => {
  const site = await serve(t)
  const page = await openPage(t, `${site.url}/timeline/`)
  await page.evaluate(() => {
    const seen = { seqs: [] as number[], ids: [] as string[], pings: 0, opens: 0, other: [] as string[] }
    Object.assign(window, { seen })
    const source = new EventSource('/api/tasks/a/stream')
    source.onopen = () => { seen.opens++ }
    source.addEventListener('ping', () => { seen.pings++ })
    source.onmessage = ({ data, lastEventId }) => {
      const { seq, type } = JSON.parse(data) as { seq?: number, type: string }
      if (seq === undefined) return seen.other.push(type)
      seen.seqs.push(seq)
      seen.ids.push(lastEventId)
    }
  })
  type Seen = { seqs: number[], ids: string[], pings: number, opens: number, other: string[] }
  const read = async (): Promise<Seen> => page.evaluate(() => (window as unknown as { seen: Seen }).seen)
  // The start of the run is an event too.
  const has = async (count: number): Promise<void> => {
    await page.waitForFunction((count) => {
      return (window as unknown as { seen: Seen }).seen.seqs.length >= count
    }, count + 1, { polling: 50, timeout: 60_000 })
  }
  await has(10)
  for (let cuts = 1; cuts <= 3; cuts++) {
    const { pings } = await read()
    await page.waitForFunction((pings) => (window as unknown as { seen: Seen }).seen.pings > pings + 1, pings)
    site.wire.cut()
    await site.say(5)
    await has(10 + cuts * 5)
  }
  await site.kill()
  await site.say(5)
  await site.start()
  await has(30)
  const { seqs, ids, pings, opens, other } = await read()
  t.strictSame(seqs, upTo(31))
  t.match(ids, seqs.map((seq) => new RegExp(`^${seq}\\.\\w+$`)), 'each with its id')
  t.equal(opens, 5)
  t.ok(pings >= 6, `${pings} pings came and were no messages`)
  t.strictSame([...new Set(other)].sort(), ['invocation.current', 'timeline.health', 'timeline.snapshot'].filter((type) => other.includes(type)))
})

t.test('a server that is killed and started anew costs no event and doubles none', async (t) => {
  const site = await serve(t)
  const page = await openPage(t, site.pageUrl)
  await isLive(page)
  for (let kills = 1; kills <= 2; kills++) {
    await site.kill()
    await page.getByText(/^Reconnecting/).waitFor()
    await site.say(10)
    await site.start()
    await isLive(page)
    await site.say(5)
    await shows(t, page, 10 + kills * 15, `after ${kills} kills`)
  }
})

t.test('a connection that is open on one side only is left after two heartbeats and five seconds', async (t) => {
  const site = await serve(t)
  const page = await openPage(t, site.pageUrl)
  await isLive(page)
  await site.say(5)
  await shows(t, page, 15, 'before')
  // A browser would ask over each of the connections that it keeps: those of the page end first.
  while (site.wire.count > 1) await page.evaluate(NEXT_FRAME)
  // A browser would ask over each of the connections that it keeps: those of the page end first.
  while (site.wire.count > 1) await page.evaluate(NEXT_FRAME)
  site.wire.freeze()
  const frozenMs = performance.now()
  await site.say(5)
  await page.getByText(/Nothing has come from the server for too long/).waitFor()
  const noticedMs = performance.now() - frozenMs
  t.ok(noticedMs >= 5000, `noticed after ${Math.round(noticedMs)} ms`)
  await shows(t, page, 20, 'after')
})

t.test('a device that is offline says so, and goes on where it was', async (t) => {
  const site = await serve(t)
  const page = await openPage(t, site.pageUrl)
  await isLive(page)
  await page.context().setOffline(true)
  await page.getByText(/^Offline/).waitFor()
  await site.say(5)
  await page.context().setOffline(false)
  await isLive(page)
  await site.say(5)
  await shows(t, page, 20, 'nothing is missing')
})

t.test('a viewer over the limit polls, says so, and streams when a place is free', async (t) => {
  const site = await serve(t, { maxConcurrentStreams: 1 })
  const first = await openPage(t, site.pageUrl)
  await isLive(first)
  const page = await openPage(t, site.pageUrl)
  await page.getByText('Polling because the server has no free stream').waitFor()
  await page.locator('.state').getByText('Working').waitFor()
  await site.say(5)
  await shows(t, page, 15, 'while it polls')
  await first.context().close()
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 30_000 })
  await site.say(5)
  await shows(t, page, 20, 'and after')
})

t.test('a page that comes out of the back/forward cache closed its stream meanwhile and misses nothing', async (t) => {
  const site = await serve(t)
  const raw = await RawBrowser.launch()
  t.teardown(() => raw.close())
  const tab = await raw.open(site.pageUrl)
  await tab.until(IS_LIVE)
  await tab.until(hasShown(10))
  await tab.read("{ window.kept = 'kept'; addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted }) }")
  await tab.goTo('about:blank')
  await tab.until("location.href === 'about:blank'")
  while (await openStreams(site) > 0) t.comment('the stream is being closed')
  await site.say(20)
  await tab.read('history.back()').catch(() => {})
  await tab.until("window.kept === 'kept' && window.persisted !== undefined")
  t.equal(await tab.read('window.persisted'), true, 'the page comes out of the cache')
  await tab.until(IS_LIVE)
  await site.say(5)
  await tab.until(hasShown(35))
  t.strictSame(await tab.read(NUMBERS), upTo(35))
})

/** Streams that the server has open, by its metrics. */
async function openStreams ({ url }: Site): Promise<number> {
  const text = await fetch(`${url}/api/timeline/metrics`, { headers: { connection: 'close' } }).then((response) => response.text())
  const [, viewers] = /^agent_timeline_viewers(?:\{[^}]*\})? (\d+)$/m.exec(text) ?? []
  if (viewers === undefined) throw new Error(`There is no count of viewers in ${text}`)
  return Number(viewers)
}

t.test('eight tabs share one connection, and show exactly the log though the tab that holds it is killed', async (t) => {
  const site = await serve(t)
  const raw = await RawBrowser.launch()
  t.teardown(() => raw.close())
  const tabs: RawTab[] = []
  // More than a browser opens connections to an origin on HTTP/1.1.
  for (let i = 0; i < 8; i++) {
    const tab = await raw.open(i < 6 ? site.pageUrl : `${site.url}/timeline/tasks/b`)
    await tab.until(IS_LIVE)
    tabs.push(tab)
  }
  await site.say(10)
  const check = async (count: number, what: string): Promise<void> => {
    for (const tab of tabs) {
      await tab.until(hasShown(count))
      t.strictSame(await tab.read(NUMBERS), upTo(count), what)
      t.ok(await tab.read(IS_LIVE_NOW), `${what}: it is live`)
    }
    // A stream that was left counts until the server has heard of it.
    let streams = await openStreams(site)
    for (let looks = 0; streams !== 1 && looks < 50; looks++) {
      await tabs[0]!.read('new Promise((resolve) => setTimeout(resolve, 100))')
      streams = await openStreams(site)
    }
    t.equal(streams, 1, `${what}: one stream for all of them`)
  }
  await check(20, 'in eight tabs of two tasks')
  const isLeader = `navigator.locks.query().then(async ({ held }) => {
    const [mine] = await new Promise((resolve) => navigator.locks.request('who', async () => resolve([(await navigator.locks.query()).held.find(({ name }) => name === 'who').clientId])))
    return held.some(({ name, clientId }) => name.startsWith('agent-timeline ') && clientId === mine)
  })`
  for (const kills of [1, 2]) {
    let leader = 0
    while (!await tabs[leader]!.read<boolean>(isLeader)) leader++
    const [tab] = tabs.splice(leader, 1)
    if (kills === 1) tab!.crash()
    else await tab!.close()
    await site.say(10)
    await check(20 + kills * 10, kills === 1 ? 'after its process was killed' : 'after it was closed')
  }
  await site.kill()
  await site.say(5)
  await site.start()
  await site.say(5)
  for (const tab of tabs) await tab.until(IS_LIVE)
  await check(50, 'after the server was killed')
})
