import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { createRedactor } from '../../lib/intake/redact.js'
import agentTimeline from '../../plugins/agent-timeline.js'
import type { TimelineEvent } from '../../lib/model/events.js'
import { launchBrowser } from '../support/browser.js'
import { Random } from '../support/random.js'
import { makeSecrets } from '../support/secrets.js'
import { checkAccess } from './support/axe.js'
import { buildClient } from './support/build-client.js'
import { TITLE, TaskScript, runningFrames, sampleTask, type SampleEnd } from './support/sample-task.js'
import { sampleTasks } from './support/sample-list.js'
import { TimelineServer } from './support/timeline-server.js'

t.setTimeout(300_000)

/** Seconds of the fast stream; 100 makes it the 100,000 events that are promised. */
const FLOOD_SECONDS = Number(process.env.FLOOD_SECONDS ?? 8)
/** How many of them are looked at closely: traces are large. */
const TRACED_EVENTS = 7000
const TASK = '9cefe1b1'

let browser: Browser
let folder: string
let client: string

t.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-timeline-client-'))
  client = await buildClient(folder)
  browser = await launchBrowser()
})
t.teardown(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

interface Shown {
  readonly server: TimelineServer
  readonly page: Page
  readonly script: TaskScript
  /** What the page complained about; violations of the policy among it. */
  readonly complaints: string[]
}

interface ShowOptions {
  readonly end?: SampleEnd
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly prepare?: (server: TimelineServer, script: TaskScript) => void
}

/** The task page with a sample task, in a page of its own. */
async function show (t: Test, { end = 'running', scheme = 'light', width = 1280, prepare }: ShowOptions = {}): Promise<Shown> {
  const server = new TimelineServer(client)
  const origin = await server.listen()
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, reducedMotion: 'reduce' })
  const page = await context.newPage()
  t.teardown(async () => {
    await context.close()
    await server.close()
  })
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A refused request is what some of these tests are about.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) complaints.push(message.text())
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) => {
      console.error(`policy: ${violatedDirective} ${sample}`)
    })
  })
  const script = sampleTask(end, Date.now(), TASK)
  server.events = script.events
  server.running = runningFrames(script)
  server.task = { id: TASK, title: TITLE, status: end === 'completed' ? 'completed' : 'in_progress' }
  prepare?.(server, script)
  await page.goto(`${origin}/timeline/tasks/${TASK}`)
  return { server, page, script, complaints }
}

/** Appends events that were added to the script. */
function send (server: TimelineServer, script: TaskScript, add: (script: TaskScript) => void): void {
  const rest = new TaskScript(TASK, Date.now())
  for (const event of script.events) rest.events.push(event)
  add(rest)
  server.append(...rest.events.slice(script.events.length))
}

t.test('a task is shown with one page and one stream, and lives', async (t) => {
  const { server, page, script, complaints } = await show(t)
  await page.getByText('Live', { exact: true }).waitFor()
  t.equal(server.countOf('timeline'), 1)
  t.equal(server.countOf('stream'), 1)
  t.equal(await page.locator('.state').innerText(), 'Running')
  t.match(await page.locator('.evidence').innerText(), /^Running npm test -- --grep github for 2\d s · last activity \d s ago$/)
  t.same(await page.locator('dl').innerText().then((text) => text.split(/\s*\n\s*/).slice(2)), ['Runs', '3', 'Steps', '29', 'Cost', '$0.24'])
  const running = page.locator('article.running')
  t.match(await running.getAttribute('aria-label'), /npm test -- --grep github, running/)

  send(server, script, (script) => {
    const start = script.events.findLast((event) => event.type === 'invocation.activity' && event.activityType === 'tool_exec')
    const { callId } = (start as TimelineEvent & { metadata: { callId: string } }).metadata
    script.say(125, 'tool_exec', 'exec: npm test -- --grep github', { callId, phase: 'end', tool: 'shell', status: 'ok', durationMs: 26_000 })
    script.complete(125, 290_000)
    script.task('completed', 'Task completed')
  })
  await page.locator('.state').getByText('Completed').waitFor()
  t.equal(await running.count(), 0, 'the call is the same row, ended')
  await page.locator('article').getByText('Coder completed').last().waitFor()
  t.equal(await page.locator('.live-panel').count(), 0, 'nothing lives any more')
  t.match(await page.title(), /^✓ Verify social login/)
  t.same(complaints, [], 'no error and no violation of the policy')
})

t.test('text of agents is text', async (t) => {
  const evil = '<img src=x onerror=alert(1)><script>alert(1)</script>\u202e\u001b]0;x\u0007\u001b[31mred\u001b[0m'
  const { page, complaints } = await show(t, {
    prepare (server, script) {
      script.say(125, 'output', evil).say(125, 'error', evil).call(125, evil, `${evil}: ${evil}`, 1, { result: evil, status: 'error' })
        .fail(125, 'failed', evil, 1).task('odd', evil, evil).start(126, evil, evil, evil)
      server.task = { id: TASK, title: evil, status: evil }
    }
  })
  await page.getByText('Live', { exact: true }).waitFor()
  t.equal(await page.locator('img, script', { has: page.locator(':scope') }).and(page.locator('agent-timeline *')).count(), 0)
  // eslint-disable-next-line no-control-regex
  t.notMatch(await page.locator('.root').innerText(), /[\u202e\u001b\u0007]/)
  t.ok(await page.locator('.fg2').count() > 0, 'colours are kept')
  t.same(complaints, [])
})

t.test('what folds opens, what failed says why and opens at its error, groups close', async (t) => {
  const { page } = await show(t, { end: 'completed' })
  const fold = page.getByRole('button', { name: /6 similar reads/ })
  await fold.waitFor()
  const hidden = page.getByText('API/tests/unit/case-3.test.ts')
  t.equal(await hidden.count(), 0)
  await fold.click()
  await hidden.waitFor()
  await page.getByRole('button', { name: 'Fold' }).click()
  await hidden.waitFor({ state: 'detached' })
  const complaint = page.locator('.excerpt').getByText('AssertionError: expected 200 to equal 403')
  await complaint.waitFor()
  await page.getByRole('button', { name: 'Show the output, 51 lines' }).click()
  const step = page.getByRole('complementary', { name: 'Step' })
  await step.getByText('Error 1 of 2').waitFor()
  await step.getByText('ok 40 - leaves account 40 alone').waitFor()
  t.equal(await step.locator('.current .n').innerText(), '7', 'it is open at the first error, numbered as printed')
  await step.getByRole('button', { name: 'Next error' }).click()
  t.match(await step.locator('.current').innerText(), /AssertionError/)
  await page.keyboard.press('Escape')
  await step.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: /^Failed/ }).click()
  await complaint.waitFor()
  t.equal(await page.locator('article').filter({ hasText: 'Edit' }).count(), 0, 'only failures are left')
  await page.getByRole('button', { name: 'Story' }).click()
  await page.locator('.list').evaluate((list) => { list.scrollTop = 0 })
  await page.locator('article').getByRole('button', { name: /Added a provider-verified check/ }).click()
  await page.getByText("rg -n 'verified email' src/").waitFor({ state: 'detached' })
})

t.test('older rows come in above without moving anything', async (t) => {
  const { server, page } = await show(t, {
    prepare (server) {
      const script = new TaskScript(TASK, Date.now() - 4_000_000).start(1, 'coder', 'codex', 'gpt')
      for (let i = 0; i < 2000; i++) script.say(1, 'output', i % 7 === 0 ? `row ${i}\nand a second line` : `row ${i}`).wait(1)
      server.events = script.events
      server.running = []
    }
  })
  await page.getByText('row 1999').first().waitFor()
  const place = async (): Promise<{ seq: number, top: number }> => page.locator('.list').evaluate((list) => {
    const { top } = list.getBoundingClientRect()
    const row = [...list.querySelectorAll('article')].find((row) => row.getBoundingClientRect().top >= top + 50)!
    return { seq: Number(row.getAttribute('aria-posinset')), top: row.getBoundingClientRect().top }
  })
  for (let pages = 0; pages < 3; pages++) {
    let open = (): void => {}
    server.gate = new Promise((resolve) => { open = resolve })
    await page.locator('.list').evaluate((list) => { list.scrollTop = 0 })
    await page.getByText('Loading older events').waitFor()
    const before = await place()
    open()
    await page.getByText('Loading older events').waitFor({ state: 'detached' })
    const after = await place()
    t.equal(after.seq, before.seq)
    t.ok(Math.abs(after.top - before.top) < 1, `row ${before.seq} moved ${after.top - before.top} px`)
  }
})

t.test('following 1,000 events a second makes no task of more than 50 ms', async (t) => {
  const { server, page } = await show(t)
  await page.getByText('Live', { exact: true }).waitFor()
  await page.evaluate(() => {
    const tasks: number[] = []
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
    observer.observe({ entryTypes: ['longtask'] })
    Object.assign(window, { tasks })
  })
  const hasShown = async (seq: number): Promise<void> => {
    await page.waitForFunction((seq) => {
      const list = document.querySelector('agent-timeline')!.shadowRoot!
      const rows = list.querySelectorAll('article')
      return Number(rows[rows.length - 1]?.getAttribute('aria-posinset')) >= seq
    }, seq, { timeout: FLOOD_SECONDS * 3000 + 10_000, polling: 250 })
  }
  const goal = server.events.length + FLOOD_SECONDS * 1000
  const stop = flood(server)
  // The end is where the list is longest.
  await hasShown(goal - TRACED_EVENTS)
  const start = performance.now()
  await browser.startTracing(page, { categories: ['toplevel'] })
  await hasShown(goal)
  const seconds = (performance.now() - start) / 1000
  stop()
  const work = mainThreadTasks(await browser.stopTracing())
  const seen = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks)
  const rows = await page.locator('article').count()
  const sum = work.reduce((total, ms) => total + ms, 0)
  t.comment(`${Math.round(Math.min(TRACED_EVENTS, FLOOD_SECONDS * 1000) / seconds)} events/s, main thread ${(sum / seconds / 10).toFixed(1)} % busy, ` +
    `longest task ${Math.max(...work).toFixed(1)} ms of work; by the wall clock over 50 ms: ${seen.map(Math.round).join(' ') || 'none'}`)
  // By the thread's own clock: what else runs on the machine is none of the page's doing.
  t.same(work.filter((ms) => ms > 50), [], 'no task over 50 ms')
  t.ok(rows < 80, `${rows} elements`)
})

t.test('every state of the connection has words', async (t) => {
  const { server, page, complaints } = await show(t)
  await page.getByText('Live', { exact: true }).waitFor()
  server.isRefusing = true
  server.refusals.stream.push({ status: 503, headers: { 'retry-after': '7' } })
  server.cut()
  await page.getByText(/^Reconnecting in \d s · It was refused for a test/).waitFor()
  await page.locator('.state').getByText('Connection lost').waitFor()
  await page.locator('.live-title').getByText('Last seen', { exact: true }).waitFor()
  server.isRefusing = false
  server.refusals.stream = []
  await page.context().setOffline(true)
  await page.getByText(/^Offline/).waitFor()
  await page.context().setOffline(false)
  await page.getByText('Live', { exact: true }).waitFor()
  await page.locator('.state.running').waitFor()
  t.same(complaints.filter((text) => !text.includes('net::ERR')), [])
})

t.test('a refusal is shown with its reason, and can be tried again', async (t) => {
  const { page } = await show(t, {
    prepare: (server) => server.refusals.timeline.push({ status: 403, body: { success: false, error: 'You need the role viewer.' } })
  })
  await page.locator('.notice').getByText('You need the role viewer.').waitFor()
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('.state.running').waitFor()
})

t.test('an empty task waits for its first event', async (t) => {
  const { server, page } = await show(t, {
    prepare (server) {
      server.events = []
      server.running = []
    }
  })
  await page.locator('.notice').getByText('No activity', { exact: true }).waitFor()
  await page.getByText('Live', { exact: true }).waitFor()
  server.append(...new TaskScript(TASK, Date.now()).start(1, 'coder', 'codex', 'gpt').events)
  await page.locator('article').getByText('Coder').waitFor()
})

t.test('the list is live from one stream, and its rows lead to their tasks', async (t) => {
  const { server, page, script, complaints } = await show(t)
  server.tasks = sampleTasks()
  await page.goto(new URL('/timeline/?project=%2Fsrv%2Fshop', page.url()).href)
  await page.getByText('8 running').waitFor()
  await page.getByText('Live', { exact: true }).waitFor()
  t.match(await page.title(), /^\(8\) Runs/)
  t.same(server.requests.findLast(({ url }) => url.pathname === '/api/stream')!.url.search, '?running=true&project=%2Fsrv%2Fshop')
  t.equal(server.streams.size, 1)
  t.equal(await page.locator('a.task').first().getAttribute('href'), './tasks/OPS-31?project=%2Fsrv%2Fshop')
  const asked = server.countOf('tasks')
  server.tasks = server.tasks.slice(1)
  send(server, script, (script) => script.say(125, 'output', 'What wakes the list'))
  await page.getByText('7 running').waitFor()
  t.ok(server.countOf('tasks') - asked <= 2, 'one event is one question')

  // Without a stream it is asked for again by itself, and says so.
  server.refusals.stream = [{ status: 404, body: { success: false, code: 'AGENT_TIMELINE_STREAMING_DISABLED', error: 'It is switched off.' } }]
  server.isRefusing = true
  server.cut()
  await page.getByText('Polling', { exact: true }).waitFor()
  server.tasks = server.tasks.slice(1)
  await page.getByText('6 running').waitFor()
  server.isRefusing = false
  t.same(complaints, [])
  const stream = page.waitForRequest((request) => /\/stream\?.*project=/.test(request.url()))
  await page.locator('a.task').first().click()
  await page.locator('.state').waitFor()
  t.equal(new URL((await stream).url()).pathname, '/api/tasks/SLOW-2/stream')
})

t.test('nothing scrolls sideways on a small screen', async (t) => {
  for (const width of [320, 360]) {
    const { server, page } = await show(t, { end: 'parallel', width })
    await page.getByText('Live', { exact: true }).waitFor()
    const overflow = async (): Promise<number> => page.evaluate(() => {
      const inside = [...document.querySelector('agent-timeline, agent-timeline-list')?.shadowRoot?.querySelectorAll('.root, .list, header, .live-output, .table, a.task') ?? []]
      return Math.max(...[document.documentElement, ...inside].map((box) => box.scrollWidth - box.clientWidth))
    })
    t.equal(await overflow(), 0, `task page, ${width} px`)
    server.tasks = sampleTasks()
    await page.goto(new URL('/timeline/', page.url()).href)
    await page.locator('a.task').first().waitFor()
    t.equal(await overflow(), 0, `list, ${width} px`)
  }
})

t.test('the keys are in view wherever they are shown, and lists keep to themselves in any direction and palette', async (t) => {
  const { server, page } = await show(t)
  server.tasks = sampleTasks()
  await page.getByText('Live', { exact: true }).waitFor()
  for (const width of [961, 1000, 1100, 1121, 1440]) {
    await page.setViewportSize({ width, height: 800 })
    const [right, edge] = await page.evaluate(() => {
      const root = document.querySelector('agent-timeline')!.shadowRoot!
      return ['.hints button', '.status-bar'].map((name) => root.querySelector(name)!.getBoundingClientRect().right)
    })
    t.ok(right! > 0 && right! <= edge!, `${width} px: ${right} of ${edge}`)
  }
  await page.goto(new URL('/timeline/', page.url()).href)
  await page.locator('a.task').first().waitFor()
  for (const width of [320, 1440]) {
    await page.setViewportSize({ width, height: 800 })
    for (const forcedColors of ['active', 'none'] as const) {
      await page.emulateMedia({ forcedColors })
      for (const dir of ['rtl', 'ltr']) {
        const seen = await page.evaluate((dir) => {
          document.documentElement.dir = dir
          const root = document.querySelector('agent-timeline-list')!.shadowRoot!
          const { scrollWidth, clientWidth } = document.documentElement
          const [name, time] = ['.name', '.time'].map((part) => root.querySelector(part)!.getBoundingClientRect().left)
          const pressed = getComputedStyle(root.querySelector('.chip[aria-pressed="true"]')!)
          return { overflow: scrollWidth - clientWidth, isMirrored: name! > time!, mark: pressed.outlineStyle }
        }, dir)
        const mark = forcedColors === 'active' ? 'solid' : 'none'
        t.same(seen, { overflow: 0, isMirrored: dir === 'rtl', mark }, `${width} px, ${dir}, forced colours ${forcedColors}`)
      }
      t.same((await checkAccess(page)).violations, [], `list, ${width} px, forced colours ${forcedColors}`)
    }
  }
  const moving = await page.evaluate(() => document.getAnimations().length)
  t.equal(moving, 0, 'nothing moves where motion is unwelcome')
  server.tasks = []
  server.append(...new TaskScript(TASK, Date.now()).start(9, 'coder', 'codex', 'gpt').events.map((event) => ({ ...event, seq: 999 })))
  await page.getByText('No agent has run yet').waitFor()
  t.same((await checkAccess(page)).violations, [], 'an empty list')
})

t.test('axe finds no violation of WCAG', async (t) => {
  const screens = [
    ['running', 'light', 1280], ['parallel', 'dark', 1280], ['failed', 'light', 390], ['failed', 'dark', 390]
  ] as const
  for (const [end, scheme, width] of screens) {
    const { server, page } = await show(t, { end, scheme, width })
    await page.getByText('Live', { exact: true }).waitFor()
    t.same((await checkAccess(page)).violations, [], `${end}, ${scheme}, ${width} px`)
    if (end !== 'failed') continue
    server.tasks = sampleTasks()
    await page.goto(new URL('/timeline/', page.url()).href)
    await page.locator('a.task').first().waitFor()
    t.same((await checkAccess(page)).violations, [], `list, ${scheme}, ${width} px`)
  }
})

t.test('the element is upgraded with what was set before, follows its attributes and cleans up', async (t) => {
  const { server, page, complaints } = await show(t)
  await page.getByText('Live', { exact: true }).waitFor()
  await page.evaluate(() => {
    document.querySelector('agent-timeline')!.remove()
    const early = document.createElement('early-timeline') as HTMLElement & { task?: string, headers?: object }
    early.task = 'b'
    early.headers = { 'x-token': 'secret' }
    early.setAttribute('src', '../../api')
    document.body.append(early)
  })
  await server.until(() => server.streams.size === 0)
  await page.evaluate(async () => {
    const url = new URL('../client.js', location.href).href
    const { define } = await import(url) as { define: (name: string) => void }
    define('early-timeline')
  })
  await server.until(() => server.streams.size === 1)
  const { url, headers } = server.requests.findLast(({ url }) => url.pathname.endsWith('/stream'))!
  t.equal(url.pathname, '/api/tasks/b/stream')
  t.equal(headers['x-token'], 'secret')
  await page.evaluate(() => document.querySelector('early-timeline')!.setAttribute('task', 'c'))
  await server.until(() => server.requests.some(({ url }) => url.pathname === '/api/tasks/c/stream') && server.streams.size === 1)
  t.same(complaints, [])
})

t.test('an exported task is read from its file without a network: answer and log, no secret, text as text', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const directory = await mkdtemp(join(tmpdir(), 'agent-timeline-export-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(agentTimeline, { database: join(directory, 'x.db') })
  const timeline = await app.agentTimeline.for()
  const title = 'Fix <img src=x onerror=alert(1)> & "login"'
  const run = await timeline.startInvocation({ taskId: 'a', title, role: 'coder', provider: 'claude', model: 'm', prompt: 'x' })
  const say = (type: 'output' | 'progress' | 'tool_exec' | 'error', message: string, metadata?: Record<string, unknown>) =>
    run.activity({ type, message, timestamp: new Date(), ...(metadata && { metadata }) })
  const hostile = [
    '<script>document.title = "owned"</script>', '</pre></li></ol><h1 id="owned">owned</h1>', '<svg onload=alert(1)>', '&lt;b&gt;',
    '<link rel=stylesheet href=http://127.0.0.1:9/x.css>', '<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/">', ']]><!-- \u202egnp.exe'
  ]
  for (const text of hostile) say('output', text)
  say('progress', 'Plan', { kind: 'plan', entries: [{ content: 'look <b>closely</b>', status: 'completed' }, { content: 'mend', status: 'pending' }] })
  const redactor = createRedactor()
  const secrets = makeSecrets(random).filter(({ text, secret }) => !redactor.text(`exec: ${text}`).includes(secret))
  t.ok(secrets.length > 100)
  for (const { text, id } of secrets) {
    const about = { callId: id, tool: 'Bash', toolKind: 'shell' }
    say('tool_exec', `exec: ${text}`, { ...about, phase: 'start', input: { command: text } })
    say('tool_exec', `exec: ${text}`, { ...about, phase: 'end', status: 'ok', result: text })
  }
  say('tool_exec', 'Edit: src/a.ts', { callId: 'e', tool: 'Edit', phase: 'start' })
  say('tool_exec', 'Edit: src/a.ts', { callId: 'e', tool: 'Edit', phase: 'end', status: 'ok', files: [{ path: 'src/a.ts', added: 3, removed: 1 }] })
  say('tool_exec', 'exec: npm test', { callId: 't', tool: 'Bash', phase: 'start' })
  say('tool_exec', 'exec: npm test', { callId: 't', tool: 'Bash', phase: 'end', status: 'error', exitCode: 1, result: 'not ok 1 - <i>adds</i>' })
  await run.complete({ success: false, response: '', error: 'It ends here', exitCode: 1, usage: { inputTokens: 5, outputTokens: 7, costUsd: 1.25 } })
  const html = (await app.inject('/api/timeline/tasks/a/export')).body
  const { summary } = (await app.inject('/api/timeline/tasks/a/summary')).json()
  const file = join(directory, 'task.html')
  await writeFile(file, html)

  const context = await browser.newContext({ offline: true, javaScriptEnabled: true })
  t.teardown(() => context.close())
  const page = await context.newPage()
  const requests: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('dialog', (dialog) => { t.fail(dialog.message()) })
  await page.goto(pathToFileURL(file).href)
  t.same(requests, [pathToFileURL(file).href], 'nothing else is asked for')
  const shown = await page.evaluate(() => ({
    title: document.title,
    text: document.body.innerText,
    rows: document.querySelectorAll('ol.log > li').length,
    active: document.querySelectorAll('script, img, svg, link, iframe, object, form, #owned').length,
    loaded: performance.getEntriesByType('resource').length
  }))
  t.equal(shown.title, title)
  t.match(shown, { rows: summary.headSeq, active: 0, loaded: 0 })
  for (const text of [
    'Failed', summary.failure.summary, summary.failure.code, '$1.25', '1 of 2 done', 'look <b>closely</b>', 'src/a.ts', '+3', '-1', 'not ok 1 - <i>adds</i>',
    ...hostile.slice(0, -1)
  ]) t.ok(shown.text.includes(text), text)
  t.ok(shown.text.includes('gnp.exe') && !shown.text.includes('\u202e'), 'what turns text round is shown, not obeyed')
  const leaked = secrets.filter(({ secret }) => html.includes(secret) || shown.text.includes(secret))
  t.same(leaked.map(({ id }) => id), [])
})

t.test('the module can be imported where there is no browser', async (t) => {
  const code = `import { define } from ${JSON.stringify(`${client}client.js`)}; define(); console.log('imported')`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  t.equal(stdout, 'imported\n')
})

/** Milliseconds of processor time of each task on the main threads of a trace's pages. */
function mainThreadTasks (trace: Buffer): number[] {
  const { traceEvents } = JSON.parse(trace.toString()) as {
    traceEvents: Array<{ name: string, pid: number, tid: number, tdur?: number, args: { name?: string } }>
  }
  const threads = new Set(traceEvents
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map(({ pid, tid }) => `${pid} ${tid}`))
  return traceEvents
    .filter(({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && threads.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000)
}

/** A thousand events a second: messages, reads and calls that end. Returns what stops it. */
function flood (server: TimelineServer): () => void {
  const start = performance.now()
  const first = server.events.length
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(performance.now() - start) - sent
    sent += due
    const script = new TaskScript(TASK, Date.now())
    for (let i = 0; i < due; i++) {
      const n = first + sent - due + i
      if (n % 10 < 6) script.say(125, 'output', n % 40 === 0 ? `several\nlines\nof output ${n}` : `line ${n} of what an agent says`)
      else if (n % 10 === 6) script.say(125, 'error', `error ${n}`)
      else if (n % 10 === 7) script.say(125, 'tool_exec', `Read: src/${n}.ts`, { callId: `f${n}`, phase: 'start', tool: 'Read' })
      else if (n % 10 === 8) script.say(125, 'tool_exec', 'Read: x', { callId: `f${n - 1}`, phase: 'end', tool: 'Read', status: 'ok', durationMs: 4 })
      else script.say(125, 'progress', 'thinking', { kind: 'usage' })
    }
    server.append(...script.events.map((event, i) => ({ ...event, seq: first + sent - due + i + 1 })))
  }, 20)
  return () => clearInterval(timer)
}
