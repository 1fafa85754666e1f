import type { Browser, Locator, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { TimelineEvent } from '../../lib/model/events.js'
import { launchBrowser } from '../support/browser.js'
import { checkAccess, looksAt } from './support/axe.js'
import type { Origin } from './support/origin.js'
import { TITLE, TaskScript } from './support/sample-task.js'
import { TASK, isLive, serve, show as showOn, tell, type ShowOptions, type Shown } from './support/stage.js'
import type { TimelineServer } from './support/timeline-server.js'

/** `FULL=1` is what is promised; the short form finds what breaks it. */
const FLOOD_EVENTS = process.env.FULL === '1' ? 100_000 : 10_000
const FLOOD_RATE = 1000
const FRAMES_MS = 3500

t.setTimeout(600_000)

let browser: Browser
t.before(async () => { browser = await launchBrowser() })
t.teardown(() => browser?.close())
const show = async (t: Test, options?: ShowOptions): Promise<Shown> => showOn(browser, t, options)

interface Figures {
  /** The tasks over 50 ms, as `91 ms at 62.1 s`. */
  readonly tasks: readonly string[]
  readonly fps: number
}

/** Sends messages, errors and tool calls at the rate promised. Resolves when `count` are sent or `stop` is called. */
function flood (server: TimelineServer, count = Infinity): { done: Promise<void>, stop: () => void } {
  const start = performance.now()
  let sent = 0
  let stop = (): void => {}
  const done = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor((performance.now() - start) * FLOOD_RATE / 1000)) - sent
      tell(server, (script) => {
        for (let n = sent; n < sent + due; n++) addFloodEvent(script, n)
      })
      sent += due
      if (sent >= count) stop()
    }, 20)
    stop = () => {
      clearInterval(timer)
      resolve()
    }
  })
  return { done, stop: () => stop() }
}

function addFloodEvent (script: TaskScript, n: number): void {
  const callId = `flood ${n - n % 10}`
  switch (n % 10) {
    case 7: script.say(125, 'tool_exec', `exec: npm test -- --shard ${n}`, { callId, phase: 'start', tool: 'shell' }); break
    case 8: script.say(125, 'tool_exec', `exec: npm test -- --shard ${n}`, {
      callId, phase: 'end', tool: 'shell', status: n % 100 === 8 ? 'error' : 'ok', durationMs: 4, exitCode: n % 100 === 8 ? 1 : 0, result: `line of ${n}\n\u001b[31mred\u001b[39m`
    }); break
    case 9: script.say(125, n % 50 === 9 ? 'error' : 'progress', `trouble ${n}`); break
    default: script.say(125, 'output', n % 40 === 0 ? `several\nlines\nof output ${n}` : `line ${n} of what an agent says`)
  }
}

/** `script` with `count` rows that differ in height. */
function longTask (count: number): TaskScript {
  const script = new TaskScript(TASK, Date.now() - count * 1000 - 10_000).start(125, 'coder', 'codex', 'gpt-4o')
  for (let i = 0; i < count; i++) script.say(125, 'output', i % 7 === 0 ? `row ${i}\nand a second line` : `row ${i}`).wait(1)
  return script
}

/** Follows a row over animation frames: how far it moved, at most, from where it was. */
async function watchRow (page: Page, seq: number): Promise<() => Promise<{ movedPx: number, frames: number }>> {
  const handle = await page.evaluateHandle((seq) => {
    const root = document.querySelector('agent-timeline')!.shadowRoot!
    const top = (): number | undefined => root.querySelector(`[aria-posinset="${seq}"]`)?.getBoundingClientRect().top
    const before = top()!
    const seen = { movedPx: 0, frames: 0 }
    const look = (): void => {
      seen.movedPx = Math.max(seen.movedPx, Math.abs((top() ?? Infinity) - before))
      seen.frames++
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
    return seen
  }, seq)
  return () => handle.jsonValue()
}

/** The number of the first row that begins at least so many pixels below the list's upper edge. */
async function rowAt (list: Locator, pixels: number): Promise<number> {
  return list.evaluate((list, pixels) => {
    const { top } = list.getBoundingClientRect()
    const rows = [...list.querySelectorAll('article')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    return Number(rows.find((row) => row.getBoundingClientRect().top >= top + pixels)!.getAttribute('aria-posinset'))
  }, pixels)
}

/** Scrolls with the wheel and waits until the list stands still for some frames. */
async function wheel (page: Page, list: Locator, pixels: number): Promise<void> {
  await list.hover({ position: { x: 300, y: 200 } })
  await page.mouse.wheel(0, pixels)
  await rest(list)
}

async function rest (list: Locator, frames = 10): Promise<void> {
  await list.evaluate(async (list, frames) => {
    let still = 0
    let before = NaN
    while (still < frames) {
      await new Promise((resolve) => requestAnimationFrame(resolve))
      still = list.scrollTop === before ? still + 1 : 0
      before = list.scrollTop
    }
  }, frames)
}

/** Whether a row lies wholly in the visible part of the list. */
async function isInView (list: Locator, seq: number): Promise<boolean> {
  return list.evaluate((list, seq) => {
    const row = list.querySelector(`[aria-posinset="${seq}"]`)?.getBoundingClientRect()
    const box = list.getBoundingClientRect()
    return row !== undefined && row.height > 0 && row.top >= box.top - 1 && row.bottom <= box.bottom + 1
  }, seq)
}

async function seqIsInView (page: Page, seq: number): Promise<void> {
  await page.waitForFunction((seq) => {
    const list = document.querySelector('agent-timeline')!.shadowRoot!.querySelector('.list')!
    const row = list.querySelector(`[aria-posinset="${seq}"]`)?.getBoundingClientRect()
    return row !== undefined && row.bottom <= list.getBoundingClientRect().bottom + 1
  }, seq, { timeout: 60_000 })
}

// By the wall clock a task is as long as the machine is busy elsewhere: that is told, and browser.test.ts holds the
// time that the page itself takes.
t.test(`${FLOOD_EVENTS} events at 1,000 a second are followed in little memory`, async (t) => {
  const { server, page, list, complaints } = await show(t)
  await isLive(page)
  const session = await page.context().newCDPSession(page)
  await page.evaluate(async () => {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => requestAnimationFrame(resolve))
    const seen = { tasks: [] as string[], frames: 0, startMs: performance.now() }
    const note = (entries: PerformanceEntryList): void => {
      seen.tasks.push(...entries.map(({ duration, startTime }) => {
        return `${Math.round(duration)} ms at ${((startTime - seen.startMs) / 1000).toFixed(1)} s`
      }))
    }
    const observer = new PerformanceObserver((entries) => note(entries.getEntries()))
    observer.observe({ entryTypes: ['longtask'] })
    const count = (): void => {
      seen.frames++
      requestAnimationFrame(count)
    }
    requestAnimationFrame(count)
    const readFigures = (): Figures => {
      note(observer.takeRecords())
      return { tasks: seen.tasks, fps: seen.frames / (performance.now() - seen.startMs) * 1000 }
    }
    Object.assign(window, { readFigures })
  })
  const startMs = performance.now()
  await flood(server, FLOOD_EVENTS).done
  tell(server, (script) => script.say(125, 'output', 'the very last word'))
  const last = server.events.length
  await seqIsInView(page, last)
  const seconds = (performance.now() - startMs) / 1000
  const { tasks, fps } = await page.evaluate(() => (window as unknown as { readFigures: () => Figures }).readFigures())
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const heapMb = usedSize / 2 ** 20
  t.comment(`${(FLOOD_EVENTS / seconds).toFixed(0)} events/s, ${fps.toFixed(1)} fps, heap ${heapMb.toFixed(1)} MB`)
  t.comment(`tasks over 50 ms: ${tasks.length === 0 ? 'none' : tasks.join(', ')}`)
  t.ok(await isInView(list, last), 'the newest row is in view')
  t.ok(await list.getByText('the very last word').isVisible())
  t.ok(await list.getByRole('article').count() < 80, 'only rows in view exist')
  t.ok(heapMb < 40, `heap of ${heapMb.toFixed(1)} MB`)
  t.strictSame(complaints, [])
})

t.test('a reader’s row stays where it is while 1,000 events a second arrive', async (t) => {
  const { server, page, list } = await show(t, { prepare: (server) => { server.events = longTask(400).events } })
  await isLive(page)
  await wheel(page, list, -2000)
  const stopped = await page.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed')
  t.equal(stopped, 'false', 'scrolling up stops following')
  const seq = await rowAt(list, 100)
  const read = await watchRow(page, seq)
  const { stop } = flood(server)
  await page.waitForFunction((ms) => {
    const seen = window as unknown as { since?: number }
    seen.since ??= performance.now()
    return performance.now() - seen.since > ms
  }, FRAMES_MS, { polling: 'raf' })
  const { movedPx, frames } = await read()
  t.comment(`moved at most ${movedPx} px in ${frames} frames`)
  t.ok(frames > 20, `${frames} frames`)
  t.ok(movedPx <= 1, `moved ${movedPx} px`)
  t.match(await page.getByRole('button', { name: /new events/ }).innerText(), /^[\d,]+ new events$/)

  await page.getByRole('button', { name: /new events/ }).click()
  await page.locator('[part=follow][aria-pressed=true]').waitFor()
  t.equal(await page.getByRole('button', { name: /new events/ }).count(), 0)
  stop()
  tell(server, (script) => script.say(125, 'output', 'the very last word'))
  await seqIsInView(page, server.events.length)
})

t.test('the key End follows again, also while 1,000 events a second arrive', async (t) => {
  for (const rate of ['none', 'many']) {
    const { server, page, list } = await show(t, { prepare: (server) => { server.events = longTask(400).events } })
    await isLive(page)
    await wheel(page, list, -2000)
    const { stop } = rate === 'none' ? { stop: () => {} } : flood(server)
    t.teardown(stop)
    if (rate === 'many') await page.getByRole('button', { name: /\d{3} new events/ }).waitFor()
    await list.focus()
    await page.keyboard.press('End')
    await page.locator('[part=follow][aria-pressed=true]').waitFor()
    t.pass(`while ${rate} arrive`)
    stop()
    tell(server, (script) => script.say(125, 'output', 'the very last word'))
    await seqIsInView(page, server.events.length)
  }
})

t.test('the key Home shows the oldest row, and End goes back', async (t) => {
  const { server, page, list } = await show(t, { prepare: (server) => { server.events = longTask(180).events } })
  await isLive(page)
  await list.focus()
  await page.keyboard.press('Home')
  await seqIsInView(page, 1)
  await page.keyboard.press('End')
  await page.locator('[part=follow][aria-pressed=true]').waitFor()
  await seqIsInView(page, server.events.length)
})

t.test('a reader’s row stays where it is while older rows come in above it', async (t) => {
  const { page, list, origin } = await show(t, { prepare: (server) => { server.events = longTask(2000).events } })
  await isLive(page)
  for (let pages = 0; pages < 3; pages++) {
    let open = (): void => {}
    origin.gate = new Promise((resolve) => { open = resolve })
    await list.evaluate((list) => { list.scrollTop = 300 })
    await page.getByText('Loading older events').waitFor()
    await rest(list)
    const seq = await rowAt(list, 60)
    const read = await watchRow(page, seq)
    open()
    await page.getByText('Loading older events').waitFor({ state: 'detached' })
    await rest(list)
    const { movedPx } = await read()
    t.ok(movedPx <= 1, `row ${seq} moved ${movedPx} px`)
  }
  t.equal(await list.evaluate((list) => list.scrollTop > 10_000), true, 'the pages are above')
})

t.test('a reader’s row stays where it is while a row above it grows', async (t) => {
  const { server, page, list } = await show(t, {
    prepare (server) {
      const script = longTask(200)
      script.say(125, 'tool_exec', 'exec: npm test', { callId: 'growing', phase: 'start', tool: 'shell' })
      for (let i = 0; i < 200; i++) script.say(125, 'output', `later ${i}`).wait(1)
      server.events = script.events
    }
  })
  await isLive(page)
  const grown = list.locator('[aria-posinset="202"]')
  // Just above the upper edge, where it exists as an element.
  await wheel(page, list, -1000)
  await list.evaluate(async (list) => {
    const row = (): DOMRect | undefined => list.querySelector('[aria-posinset="202"]')?.getBoundingClientRect()
    for (let tries = 0; tries < 200; tries++) {
      const bottom = row()?.bottom
      const past = bottom === undefined ? 200 : bottom - list.getBoundingClientRect().top
      if (Math.abs(past + 40) < 2) return
      list.scrollTop += bottom === undefined ? -200 : past + 40
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    }
    throw new Error('The row was not found')
  })
  await rest(list)
  const seq = await rowAt(list, 30)
  const heightBefore = (await grown.boundingBox())!.height
  const read = await watchRow(page, seq)
  tell(server, (script) => script.say(125, 'tool_exec', 'exec: npm test', {
    callId: 'growing', phase: 'end', tool: 'shell', status: 'error', exitCode: 1, durationMs: 9000, result: Array.from({ length: 12 }, (_, i) => `line ${i}`).join('\n')
  }))
  await page.getByRole('button', { name: '1 new event' }).waitFor()
  await rest(list)
  const { movedPx } = await read()
  t.ok(movedPx <= 1, `moved ${movedPx} px`)
  await wheel(page, list, -200)
  t.ok((await grown.boundingBox())!.height > heightBefore + 40, 'it did grow')
})

const LINK = 'javascript:alert(document.domain)'
const HOSTILE: ReadonlyArray<readonly [name: string, text: string, shown: string]> = [
  ['HTML', '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>', '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'],
  ['markup of ours', '</article></div><style>*{display:none}</style>&lt;b&gt;', '</article></div><style>*{display:none}</style>&lt;b&gt;'],
  ['a link', `[click](${LINK}) ${LINK}`, `[click](${LINK}) ${LINK}`],
  ['ANSI', '\u001b[31mred\u001b[0m \u001b]8;;https://evil.example\u0007here\u001b]8;;\u0007 \u001b[2J\u001b[?1049h.', 'red here .'],
  ['bidi', 'access = "\u202euser\u2066 // admin\u2069"', 'access = "U+202EuserU+2066 // adminU+2069"'],
  ['control characters', 'a\u0000b\u0007c\u0008d\u007fe\u009bf', 'a␀b␇c␈d␡eU+009Bf'],
  ['zero width', 'pay\u200bpal\ufeff', 'payU+200BpalU+FEFF'],
  ['a template', '{{constructor.constructor("window.pwned=1")()}}', '{{constructor.constructor("window.pwned=1")()}}']
]
const ALLOWED_TAGS = new Set((
  'SECTION HEADER NAV UL LI KBD A BDI CODE H2 H3 H4 I SPAN BUTTON svg path P B I DL DIV DT DD ARTICLE TIME SMALL FOOTER ASIDE'
).split(' '))

t.test('hostile texts show as text and break no policy, running, failed and paused', async (t) => {
  const all = HOSTILE.map(([, text]) => text).join(' ')
  for (const end of ['running', 'failed', 'paused'] as const) {
    const { server, page, list, complaints } = await show(t, {
      end: end === 'failed' ? 'failed' : 'running',
      height: 3000,
      prepare (server) {
        const script = new TaskScript(TASK, Date.now() - 500_000)
        script.events.push(...server.events)
        for (const [, text] of HOSTILE) {
          script.say(125, 'output', text).say(125, 'progress', text, { kind: text, what: text }).wait(1)
        }
        script.say(125, 'error', `${'x'.repeat(1_000_000)}${all}`).wait(1)
        script.say(125, 'output', `head ${'<b>y</b>'.repeat(130_000)}`).wait(1)
        for (const [i, [, text]] of HOSTILE.entries()) {
          script.say(125, 'tool_exec', `${text}: ${text}`, { callId: text, phase: 'start', tool: text, input: { [text]: text } })
          script.say(125, 'tool_exec', `${text}: ${text}`, {
            callId: text, phase: 'end', tool: text, status: i % 2 === 0 ? 'error' : 'ok', exitCode: 1, durationMs: 5, result: `${text}\n${all}`, files: [{ path: text }, { path: all }]
          })
        }
        script.start(126, all, all, all).add({ type: 'invocation.completed', invocationId: 126, success: true, duration: 5, summary: all })
        script.task('started', all, all).task(LINK, LINK, LINK)
        if (end === 'failed') script.start(127, 'coder', 'codex', 'gpt').fail(127, 'failed', all, 1000, 1)
        server.events = script.events
        server.task = { id: TASK, title: all, status: end === 'failed' ? 'failed' : all }
      }
    })
    await isLive(page)
    if (end === 'paused') await wheel(page, list, -1200)
    else t.equal(await page.locator('.state').innerText(), end === 'failed' ? 'Failed' : 'Running')
    const texts = new Set<string>()
    for (let position = 0, isEnd = false; !isEnd; position += 600) {
      isEnd = await list.evaluate((list, position) => {
        list.scrollTop = position
        return list.scrollTop + list.clientHeight >= list.scrollHeight - 2
      }, position)
      await rest(list)
      for (const text of await list.locator('.line').evaluateAll((lines) => lines.map((line) => line.textContent ?? ''))) texts.add(text)
    }
    for (const [name, , shown] of HOSTILE) t.ok(texts.has(shown), `${end}: ${name} shows as text`)
    t.ok(texts.has('x'.repeat(300)), `${end}: a line of a megabyte is in pieces`)
    const { tags, attributes, pwned } = await page.evaluate(() => {
      const elements = [...document.querySelector('agent-timeline')!.shadowRoot!.querySelectorAll('*')]
      return {
        tags: [...new Set(elements.map(({ tagName }) => tagName))],
        attributes: [...new Set(elements.flatMap((element) => element.getAttributeNames()))],
        pwned: 'pwned' in window || 'pwned' in Object.prototype
      }
    })
    t.strictSame(tags.filter((tag) => !ALLOWED_TAGS.has(tag)), [], `${end}: no element was injected`)
    t.strictSame(attributes.filter((name) => /^on|^src|^href|^srcdoc/.test(name)), [], `${end}: no attribute was injected`)
    t.equal(pwned, false, `${end}: nothing ran`)
    // eslint-disable-next-line no-control-regex
    t.notMatch(await page.locator('.root').innerText(), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\ufeff]/)
    t.strictSame(complaints, [], `${end}: no violation, no error`)
    if (end !== 'paused') continue
    await wheel(page, list, -1200)
    tell(server, (script) => script.say(125, 'output', all))
    await page.getByRole('button', { name: /new event/ }).click()
    await seqIsInView(page, server.events.length)
    t.strictSame(complaints, [], 'nor when following again')
  }
})

t.test('names that every object has are names like others', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const { server, page, list, complaints } = await show(t)
    await isLive(page)
    tell(server, (script) => {
      script.say(125, 'progress', `progress ${name}`, { kind: name, what: name })
        .call(125, name, `${name}: ${name}`, 1, { status: name }).task(name, `task ${name}`).start(126, name, name, name)
        .say(125, 'output', 'after it')
    })
    await list.getByText('after it').waitFor().catch(() => t.fail(`${name}: nothing is shown any more`))
    t.strictSame([...new Set(complaints)], [], name)
    t.equal(await page.locator('.connection').innerText(), 'Live', name)
  }
})

t.test('axe finds no violation of WCAG 2 A and AA, and nothing scrolls sideways at 360 px', async (t) => {
  for (const [index, state] of (['running', 'completed', 'failed', 'denied'] as const).entries()) {
    const { page } = await show(t, {
      end: state === 'denied' ? 'running' : state,
      reducedMotion: 'reduce',
      prepare (server) {
        if (state !== 'denied') return
        server.isRefusing = true
        server.refusals.timeline.push({ status: 403, body: { success: false, error: 'You need the role viewer.' } })
      }
    })
    if (state === 'denied') await page.getByRole('button', { name: 'Try again' }).waitFor()
    else await isLive(page)
    for (const { width, colorScheme } of looksAt(index)) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme })
      const { passes, violations } = await checkAccess(page)
      t.ok(passes > 10, `${passes} rules applied`)
      t.strictSame(violations, [], `${state}, ${colorScheme}, ${width} px`)
      const wide = await page.evaluate(() => {
        const inside = [...document.querySelector('agent-timeline')!.shadowRoot!.querySelectorAll('.root, .list, .live-output, header')]
        return [document.documentElement, ...inside].filter((box) => box.scrollWidth > box.clientWidth).map((box) => `${box.tagName}.${box.className}`)
      })
      t.strictSame(wide, [], `${state}, ${width} px: nothing scrolls sideways`)
    }
  }
})

t.test('nothing moves by itself where motion is unwelcome', async (t) => {
  for (const reducedMotion of ['no-preference', 'reduce'] as const) {
    const { page } = await show(t, { reducedMotion })
    await isLive(page)
    const count = await page.evaluate(() => document.querySelector('agent-timeline')!.shadowRoot!.getAnimations().length)
    if (reducedMotion === 'reduce') t.equal(count, 0)
    else t.ok(count > 0, 'what runs turns otherwise')
  }
})

/** What is seen of the rows in view, by number: markup, icon and computed colours. */
async function looks (list: Locator): Promise<Array<[seq: string, look: string]>> {
  return list.evaluate((list) => {
    const box = list.getBoundingClientRect()
    return [...list.querySelectorAll('article')].filter((row) => {
      const { top, bottom, height } = row.getBoundingClientRect()
      return height > 0 && bottom > box.top && top < box.bottom
    }).map((row) => {
      const lines = [row, ...row.querySelectorAll('*')].map((element) => {
        const { color, backgroundColor, backgroundImage, stroke, display, fontWeight } = getComputedStyle(element)
        const attributes = [...element.attributes].map(({ name, value }) => `${name}=${value.trim()}`).sort()
        return [
          element.tagName, ...attributes.filter((text) => text !== 'class='), color, backgroundColor, backgroundImage,
          stroke, display, fontWeight
        ].join('|')
      })
      return [row.getAttribute('aria-posinset')!, [row.textContent, ...lines].join('\n')]
    })
  })
}

t.test('a row that is used again looks as if it had been made for what it shows', async (t) => {
  const prepare = (server: TimelineServer): void => {
    const script = new TaskScript(TASK, Date.parse('2026-02-10T12:00:00Z'))
    for (let i = 1; i <= 12; i++) {
      script.start(i, i % 2 === 0 ? 'reviewer' : 'coder', 'codex', 'gpt-4o').wait(3)
      for (let n = 0; n < 4; n++) {
        script.say(i, 'output', `message ${i}.${n}${n % 2 === 0 ? '\nof two lines' : ''}`).wait(1)
          .call(i, 'shell', `exec: npm run step-${i}-${n}`, 2, n === 2 ? { status: 'error', exitCode: 1, result: 'it\nbroke' } : { exitCode: 0, result: 'fine' })
          .call(i, 'Edit', `Edit: src/${i}-${n}.ts`, 1, { status: n === 1 ? 'denied' : 'ok' })
        if (n === 3) script.say(i, 'error', `error ${i}`).say(i, 'progress', 'Rate limited', { kind: 'waiting', what: 'rate limit' })
      }
      if (i % 5 === 0) script.fail(i, 'failed', 'API Error: 529 Overloaded', 41_000, 1)
      else if (i % 5 === 3) script.fail(i, 'timeout', 'It took too long', 900_000)
      else if (i % 2 === 0) script.complete(i, 9000, { outcome: i % 4 === 0 ? 'approved' : 'rejected', summary: `verdict ${i}` })
      else script.complete(i, 9000, { summary: `done ${i}` })
      script.task(i % 3 === 0 ? 'rejected' : 'review', `Task went on ${i}`).wait(2)
    }
    script.task('completed', 'Task completed')
    server.events = script.events.slice(-500)
    server.running = []
    server.task = { id: TASK, title: TITLE, status: 'completed' }
  }
  for (const [width, up, down] of [[360, -250, 1300], [1280, -1900, 400]] as const) {
    const fresh = await show(t, { width, height: 30_000, prepare })
    await isLive(fresh.page)
    await rest(fresh.list)
    await fresh.page.mouse.move(0, 0)
    const expected = new Map(await looks(fresh.list))
    const { page, list } = await show(t, { width, height: 800, prepare })
    await isLive(page)
    await page.mouse.move(0, 0)
    const seen = new Set<string>()
    const wrong = new Map<string, string>()
    const compare = async (): Promise<void> => {
      for (const [seq, look] of await looks(list)) {
        seen.add(seq)
        const wanted = expected.get(seq)?.split('\n') ?? []
        const differing = look.split('\n').findIndex((line, i) => line !== wanted[i])
        if (differing !== -1) wrong.set(seq, `${look.split('\n')[differing]} instead of ${wanted[differing]}`)
      }
    }
    for (const step of [up, down]) {
      for (let isOver = false; !isOver;) {
        isOver = await list.evaluate((list, step) => {
          const before = list.scrollTop
          list.scrollTop += step
          return list.scrollTop === before
        }, step)
        await rest(list, 3)
        await compare()
      }
    }
    t.comment(`${seen.size} rows of ${expected.size} were seen at ${width} px`)
    t.ok(expected.size > 150, `${expected.size} rows fit`)
    t.equal(seen.size, expected.size, 'every row came into view')
    t.strictSame([...wrong].slice(0, 10), [], `at ${width} px, ${wrong.size} rows look otherwise`)
  }
})

const REFUSAL = { success: false, code: 'REFUSED', error: 'The server is being changed.' }

interface Numbered extends Shown {
  /** Sends the next messages. */
  readonly add: (count: number) => void
  /** Of the messages that are shown, in order. */
  readonly numbers: () => Promise<number[]>
}

/** A server with `count` messages `event 1`, `event 2`, … that all fit on the page. */
async function showNumbered (t: Test, count: number): Promise<Numbered> {
  let next = 1
  const shown = await show(t, {
    height: 6000,
    prepare (server) {
      server.events = []
      tell(server, (script) => {
        script.start(125, 'coder', 'codex', 'gpt-4o')
        for (; next <= count; next++) script.say(125, 'output', `event ${next}`)
      })
    }
  })
  const add = (count: number): void => tell(shown.server, (script) => {
    for (let i = 0; i < count; i++) script.say(125, 'output', `event ${next++}`)
  })
  const numbers = async (): Promise<number[]> => {
    const lines = await shown.list.getByRole('article').locator('.line').allInnerTexts()
    return lines.map((line) => Number(/^event (\d+)$/.exec(line)?.[1])).sort((a, b) => a - b)
  }
  await isLive(shown.page)
  return { ...shown, add, numbers }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

async function comesTo (list: Locator, number: number): Promise<void> {
  await list.getByText(`event ${number}`, { exact: true }).waitFor({ timeout: 20_000 })
}

t.test('a server that restarts costs no event', async (t) => {
  const { server, origin, page, list, add, numbers } = await showNumbered(t, 20)
  await origin.stop()
  await page.getByText(/^Reconnecting in \d+ s · The server cannot be reached$|^Reconnecting · The server cannot be reached$/).waitFor()
  add(10)
  await origin.start()
  await isLive(page)
  add(5)
  await comesTo(list, 35)
  t.strictSame(await numbers(), upTo(35))
  t.equal(server.countOf('timeline'), 1, 'the stream went on where it was')
})

t.test('a stream that is cut in the middle of an event costs none and doubles none', async (t) => {
  const { server, page, list, numbers } = await showNumbered(t, 20)
  for (let cuts = 1; cuts <= 5; cuts++) {
    const [stream] = server.streams
    const event = { ...server.events.at(-1)!, seq: server.events.length + 1, activity: `event ${20 + cuts}` } as TimelineEvent
    const frame = server.encode(event)
    server.events.push(event)
    await new Promise((resolve) => stream!.write(frame.slice(0, Math.floor(frame.length * cuts / 6)), resolve))
    server.cut()
    await server.until(() => server.countOf('stream') === cuts + 1 && server.streams.size === 1)
    await comesTo(list, 20 + cuts)
  }
  await isLive(page)
  t.strictSame(await numbers(), upTo(25))
})

t.test('events that come again show once', async (t) => {
  const { server, list, add, numbers } = await showNumbered(t, 20)
  const [stream] = server.streams
  const all = server.events.map((event) => server.encode(event)).join('')
  stream!.write(all + all)
  tell(server, (script) => script.say(125, 'tool_exec', 'exec: npm test', { callId: 'again', phase: 'start', tool: 'shell' }))
  tell(server, (script) => script.say(125, 'tool_exec', 'exec: npm test', { callId: 'again', phase: 'end', tool: 'shell', status: 'ok', durationMs: 5 }))
  stream!.write(server.events.map((event) => server.encode(event)).join(''))
  add(5)
  await comesTo(list, 25)
  t.strictSame(await numbers(), upTo(25))
  t.equal(await list.getByRole('article').filter({ hasText: 'npm test' }).count(), 1, 'a call is one row')
  t.equal(await list.getByRole('article', { name: /^Coder/ }).count(), 1, 'so is the heading')
})

t.test('a busy server is asked again when it says, and the page says so', async (t) => {
  const { server, page, list, add, numbers } = await showNumbered(t, 20)
  server.refusals.stream.push({ status: 503, headers: { 'retry-after': '2' }, body: REFUSAL })
  server.cut()
  await server.until(() => server.countOf('stream') === 2)
  const refusedMs = performance.now()
  add(5)
  await page.getByText(/^Reconnecting in \d s · The server is being changed\.$/).waitFor()
  await server.until(() => server.countOf('stream') === 3)
  const waitedMs = performance.now() - refusedMs
  t.ok(waitedMs >= 1900, `it waited ${Math.round(waitedMs)} ms`)
  await isLive(page)
  await comesTo(list, 25)
  t.strictSame(await numbers(), upTo(25))
})

t.test('a server without a free stream is polled until it has one, and the page says so', async (t) => {
  const { server, page, list, add, numbers } = await showNumbered(t, 20)
  server.refusals.stream.push({ status: 429, headers: { 'retry-after': '10' }, body: REFUSAL })
  server.cut()
  await page.getByText('Polling because the server has no free stream').waitFor()
  add(5)
  await comesTo(list, 25)
  t.equal(server.streams.size, 0, 'that came without a stream')
  add(5)
  await isLive(page)
  add(5)
  await comesTo(list, 35)
  t.strictSame(await numbers(), upTo(35))
})

t.test('a server whose streaming is switched off is polled, and the page says so', async (t) => {
  const { server, page, list, add, numbers } = await showNumbered(t, 20)
  server.isRefusing = true
  server.refusals.stream.push({ status: 404, body: { success: false, code: 'AGENT_TIMELINE_STREAMING_DISABLED', error: 'Live streaming is switched off.' } })
  server.cut()
  await page.getByText('Polling because live streaming is switched off').waitFor()
  for (let polls = 1; polls <= 2; polls++) {
    add(5)
    await comesTo(list, 20 + polls * 5)
  }
  t.strictSame(await numbers(), upTo(30))
  t.equal(server.countOf('stream'), 2, 'the stream is not asked for again')
})

t.test('a connection that is open on one side only is noticed and made anew', async (t) => {
  const { server, origin, page, list, add, numbers } = await showNumbered(t, 20)
  const [stream] = server.streams
  const ping = `event: ping\ndata: ${JSON.stringify({ serverTime: new Date().toISOString(), intervalMs: 100 })}\n\n`
  stream!.write(ping)
  for (let sent = 1; sent <= 5; sent++) {
    add(1)
    await comesTo(list, 20 + sent)
  }
  origin.freeze()
  const frozenMs = performance.now()
  add(5)
  await comesTo(list, 30)
  const waitedMs = performance.now() - frozenMs
  t.ok(waitedMs > 4500, `noticed after ${Math.round(waitedMs)} ms, not at the first silence`)
  await isLive(page)
  t.strictSame(await numbers(), upTo(30))
})

t.test('the interval that the last ping before a silence told is the one that counts', async (t) => {
  const { server, origin, list } = await showNumbered(t, 20)
  const [stream] = server.streams
  const ping = { serverTime: new Date().toISOString(), intervalMs: 100 }
  const event = { ...server.events.at(-1)!, seq: server.events.length + 1, activity: 'event 21' } as TimelineEvent
  server.events.push(event)
  stream!.write(`event: ping\ndata: ${JSON.stringify(ping)}\n\n${server.encode(event)}`)
  await comesTo(list, 21)
  origin.freeze()
  tell(server, (script) => script.say(125, 'output', 'event 22'))
  await comesTo(list, 22)
})

t.test('a refusal is shown in the server’s words, before and after the first page', async (t) => {
  for (const [status, title] of [[401, 'Sign in to see this task'], [404, 'This task cannot be shown']] as const) {
    const error = `The answer is ${status} for a test.`
    const refusal = { status, body: { success: false, code: 'REFUSED', error } }
    const { page, server } = await show(t, { prepare: (server) => { server.refusals.timeline.push(refusal) } })
    await page.getByText(title).waitFor()
    await page.locator('[part=notice]').getByText(error).waitFor()
    t.equal(server.countOf('stream'), 0)
    await page.getByRole('button', { name: 'Try again' }).click()
    await isLive(page)

    const rows = await page.getByRole('article').count()
    server.refusals.stream.push(refusal)
    server.cut()
    await page.getByText(`Refused: ${error}`).waitFor()
    t.equal(await page.getByRole('article').count(), rows, 'what was shown stays')
  }
})

/** Rules that match by name what is inside as well. */
const HOST_CSS = `
  body { margin: 20px; color: rebeccapurple; font: 30px/3 serif; text-align: center; cursor: wait }
  div, span, article, header, h2, p { border: 7px solid lime; padding: 33px }
  button, time, svg { display: none !important }
  .row, .root, .list, .state, .badge { background: orange !important; position: fixed }
  agent-timeline { border: 3px solid navy }
`
/** What every element inherits unless it says otherwise. */
const INHERITED_CSS = `body {
  letter-spacing: .3em; text-transform: uppercase; white-space: pre; text-indent: 40px; word-spacing: 20px; font-style: italic
}`
const HOST_BODY = '<h2 class="title">Host</h2><p class="row quiet">A row of the host</p><div class="badge state running">of the host</div>'

function hostPage (elements: string, script = '<script type="module" src="/timeline/client.js"></script>', css = '/host.css'): string {
  return `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,"><link rel="stylesheet" href="${css}">${script}</head><body>${HOST_BODY}${elements}</body></html>`
}

const ELEMENT = `<agent-timeline src="/api" task="${TASK}"></agent-timeline>`

/** Computed styles of some of the element's parts, and of the host's own elements. */
async function styles (page: Page, isInside: boolean): Promise<string[]> {
  return page.evaluate((isInside) => {
    const elements = isInside
      ? ['.root', 'h2', '.state', '.row.running', '.row.running time', '.row.running .message', '.button'].map((name) => document.querySelector('agent-timeline')!.shadowRoot!.querySelector(name)!)
      : [...document.querySelectorAll('body, body > :not(agent-timeline)')]
    const names = [
      'color', 'backgroundColor', 'fontFamily', 'fontSize', 'lineHeight', 'textAlign', 'letterSpacing', 'wordSpacing', 'textTransform', 'whiteSpace', 'textIndent', 'borderTopWidth', 'paddingTop', 'display', 'position', 'margin'
    ] as const
    return elements.flatMap((element, i) => names.map((name) => `${i} ${element.tagName} ${name}: ${getComputedStyle(element)[name]}`))
  }, isInside)
}

t.test('no style of the page leaks in, none leaks out', async (t) => {
  const host = (css: string) => (_server: TimelineServer, origin: Origin): void => {
    origin.files.set('/host.css', css).set('/host.html', hostPage(ELEMENT)).set('/bare.html', hostPage(ELEMENT, ''))
  }
  const plain = await show(t, { path: '/host.html', reducedMotion: 'reduce', prepare: host('') })
  await isLive(plain.page)
  const wanted = await styles(plain.page, true)
  for (const [name, css] of [['named', HOST_CSS], ['inherited', INHERITED_CSS]] as const) {
    const { page, origin, complaints } = await show(t, { path: '/host.html', reducedMotion: 'reduce', prepare: host(css) })
    await isLive(page)
    const found = await styles(page, true)
    t.strictSame(found.filter((style) => !wanted.includes(style)), [], `no ${name} style applies inside`)
    const outside = await styles(page, false)
    await page.goto(`${origin.url}/bare.html`)
    t.strictSame(outside, await styles(page, false), 'the page looks as it does without the element')
    t.strictSame(complaints, [])
  }
})

t.test('the element is 70 % of the window high by default and as high as the page says otherwise', async (t) => {
  const { page } = await show(t, {
    path: '/host.html',
    prepare: (_server, origin) => { origin.files.set('/host.html', hostPage(ELEMENT)).set('/host.css', '.short { height: 333px }') }
  })
  await isLive(page)
  const height = async (): Promise<number> => page.locator('agent-timeline').evaluate((element) => element.getBoundingClientRect().height)
  t.equal(await height(), 630)
  await page.locator('agent-timeline').evaluate((element) => element.classList.add('short'))
  t.equal(await height(), 333)
})

t.test('the attribute theme outweighs the colours of a page that follows the system', async (t) => {
  const { page } = await show(t, {
    path: '/host.html',
    prepare: (_server, origin) => {
      origin.files.set('/host.html', hostPage(ELEMENT)).set('/host.css', ':root { color-scheme: light dark }')
    }
  })
  await isLive(page)
  const colours: Record<string, string> = {}
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    for (const theme of ['', 'light', 'dark']) {
      await page.locator('agent-timeline').evaluate((element, theme) => element.setAttribute('theme', theme), theme)
      colours[`${colorScheme} ${theme}`.trim()] = await page.locator('.root').evaluate((root) => getComputedStyle(root).backgroundColor)
    }
  }
  const [light, dark] = ['rgb(255, 255, 255)', 'rgb(12, 13, 15)']
  t.strictSame(colours, { light, 'light light': light, 'light dark': dark, dark, 'dark light': light, 'dark dark': dark })
})

t.test('headers that were set before the element was defined go with every request', async (t) => {
  const { server, page } = await show(t, {
    path: '/host.html',
    prepare (_server, origin) {
      const early = '<script src="/early.js"></script>'
      origin.files.set('/host.css', '').set('/host.html', hostPage(ELEMENT, '') + early)
        .set('/early.js', "document.querySelector('agent-timeline').headers = { authorization: 'Bearer early' }")
    }
  })
  t.equal(server.requests.length, 0, 'nothing is asked for before')
  await page.evaluate(async () => { await import(new URL('/timeline/client.js', location.href).href) })
  await isLive(page)
  t.ok(server.requests.length >= 2)
  t.strictSame([...new Set(server.requests.map(({ headers }) => headers.authorization))], ['Bearer early'])
})

t.test('two elements on a page keep to themselves', async (t) => {
  const other = await serve(t, 'other', 'completed')
  other.server.task = { id: 'other', title: 'Another task', status: 'completed' }
  const { server, page, complaints } = await show(t, {
    path: '/host.html',
    prepare (_server, origin) {
      origin.mount('other', other.url)
      origin.files.set('/host.css', '').set('/host.html', hostPage(`${ELEMENT}<agent-timeline src="/other" task="other"></agent-timeline>`))
    }
  })
  const [first, second] = [page.locator('agent-timeline').first(), page.locator('agent-timeline').last()]
  await first.locator('.state').getByText('Running').waitFor()
  await second.locator('.state').getByText('Completed').waitFor()
  tell(server, (script) => script.say(125, 'output', 'for the first one'))
  await first.getByRole('feed').getByText('for the first one').waitFor()
  t.equal(await second.getByText('for the first one').count(), 0)
  t.equal(await second.getByRole('heading', { name: 'Another task' }).count(), 1)
  t.equal(await first.getByRole('heading', { name: TITLE }).count(), 1)
  other.server.cut()
  await other.server.until(() => other.server.countOf('stream') === 2)
  t.equal(server.countOf('stream'), 1, 'the other’s stream goes on')
  t.strictSame(complaints, [])
})

t.test('an element that is taken out lets go, and goes on when it is put back', async (t) => {
  const { server, page, list, complaints } = await show(t)
  await isLive(page)
  await page.evaluate(() => {
    const element = document.querySelector('agent-timeline')!
    Object.assign(window, { element })
    element.remove()
  })
  await server.until(() => server.streams.size === 0)
  tell(server, (script) => script.say(125, 'output', 'said meanwhile'))
  await page.evaluate(() => document.querySelector('main')!.append((window as unknown as { element: Element }).element))
  await isLive(page)
  await list.getByText('said meanwhile').waitFor()
  tell(server, (script) => script.say(125, 'output', 'said afterwards'))
  await list.getByText('said afterwards').waitFor()
  t.equal(await list.getByText('said meanwhile').count(), 1)
  t.equal(server.streams.size, 1)
  t.strictSame(complaints, [])
})
