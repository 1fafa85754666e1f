import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { HEALTH_STATES, type HealthState, type InvocationActivityEvent } from '../../lib/model/events.js'
import type { TaskState } from '../../lib/model/answers.js'
import { launchBrowser } from '../support/browser.js'
import { checkAccess, looksAt } from './support/axe.js'
import { sampleTasks } from './support/sample-list.js'
import { TITLE, TaskScript, sampleHealth, sampleInvocations, sampleTask } from './support/sample-task.js'
import { sampleCalls, sampleSummary } from './support/sample-answers.js'
import { TASK, isLive, show as showOn, tell, type ShowOptions, type Shown } from './support/stage.js'

t.setTimeout(600_000)

let browser: Browser
t.before(async () => { browser = await launchBrowser() })
t.teardown(() => browser?.close())
const show = async (t: Test, options?: ShowOptions): Promise<Shown> => showOn(browser, t, options)

const WORDS: Readonly<Record<HealthState, string>> = {
  starting: 'Starting',
  working: 'Working',
  in_tool: 'Working',
  waiting: 'Waiting',
  quiet: 'Quiet',
  looping: 'Going in circles',
  stuck: 'Probably stuck',
  lost: 'Process gone',
  unknown: 'Unknown'
}

const BUSY: readonly HealthState[] = ['starting', 'working', 'in_tool']

/** What the header says: the word with its time, the clauses, and the reasons where they are shown. */
async function readHeader (page: Page): Promise<{ state: string, evidence: string, reasons: string, look: string }> {
  return page.evaluate(() => {
    const root = document.querySelector('agent-timeline')!.shadowRoot!
    const state = root.querySelector<HTMLElement>('.state')!
    const { color, backgroundColor } = getComputedStyle(state)
    const sign = state.querySelector('path')?.getAttribute('d') ?? 'dot'
    return {
      state: state.innerText.replace(/\s+/g, ' '),
      evidence: root.querySelector<HTMLElement>('.evidence')!.innerText,
      reasons: root.querySelector<HTMLElement>('.evidence small')?.innerText ?? '',
      look: `${sign} ${color} ${backgroundColor}`
    }
  })
}

t.test('each verdict has its word, sign, colour, time and evidence', async (t) => {
  const { server, page, complaints } = await show(t, { height: 3000 })
  await isLive(page)
  t.match(await readHeader(page), { state: 'Running', reasons: '' }, 'no verdict, no word of it')
  const looks = new Set<string>()
  for (const state of HEALTH_STATES) {
    const waitingFor = { kind: 'rate_limit', what: 'the hourly limit', until: new Date(Date.now() + 42_000).toISOString() }
    server.judge(125, sampleHealth(state, Date.now(), 70, state === 'waiting' ? { waitingFor } : {}))
    await page.locator('.state').getByText(WORDS[state]).waitFor()
    const header = await readHeader(page)
    const isBusy = BUSY.includes(state)
    t.match(header.state, new RegExp(`^${WORDS[state]}${isBusy ? '' : ' 1m (?:09|1\\d)s'}$`), 'of what goes well nobody asks since when')
    t.match(header.evidence, state === 'waiting'
      ? /^Coder waits for the hourly limit · 4[0-2] s left · last activity \d+ s ago$/
      : /^(?:Was r|R)unning npm test -- --grep github for \d+ s · last activity \d+ s ago(?:$|\nAt )/)
    const isShown = ['quiet', 'looping', 'stuck', 'lost', 'unknown'].includes(state)
    t.equal(header.reasons !== '', isShown, 'reasons are told where somebody should look')
    t.equal(header.reasons.includes('advice'), ['quiet', 'looping', 'stuck'].includes(state), 'advice is called advice')
    if (isShown) t.match(header.reasons, /^At \d\d:\d\d:\d\d: .*\. Its process /)
    looks.add(header.look)
    t.equal(await page.locator('article .group .badge').last().innerText(), state === 'in_tool' ? 'in a tool' : WORDS[state].toLowerCase(), 'the run’s heading says the same')
  }
  const others = HEALTH_STATES.length - BUSY.length
  t.equal(new Set([...looks].map((look) => look.split(' rgb')[0])).size, others + 1, 'no two have the same sign, but those that need nobody')
  const label = page.locator('.state')
  t.match(await label.getAttribute('title'), /Its process cannot be looked at/)
  tell(server, (script) => script.complete(125, 290_000).task('completed', 'Task completed'))
  server.task = { ...server.task, status: 'completed' }
  await page.locator('.state').getByText('Completed').waitFor()
  t.strictSame(complaints, [])
})

t.test('the answer counts the whole task, says why it failed, and leads to the step', async (t) => {
  const { server, page, list, complaints } = await show(t, {
    end: 'failed',
    width: 1440,
    prepare (server) {
      server.calls = sampleCalls(server.events)
      const failing = server.calls.find(({ status }) => status === 'error')!
      server.summary = sampleSummary(server.events, Date.now(), {
        state: 'failed',
        calls: { total: 3_041, failed: 2, byKind: {} },
        failure: {
          invocationId: 125,
          summary: 'One test failed',
          code: 'tests_failed',
          class: 'tool',
          rule: 'tests',
          retryable: false,
          attempts: 5,
          exitCode: 1,
          signal: null,
          stderrTail: null,
          lastWord: 'Somebody has to look at it.',
          firstError: { seq: failing.seq, message: 'expected 200 to equal 403', location: { file: 'github.service.test.ts', line: 112 } }
        }
      })
      server.invocations = sampleInvocations(Date.now()).filter(({ taskId }) => taskId === TASK)
    }
  })
  await page.locator('dl').getByText('3,041').waitFor()
  t.match((await page.locator('dl').innerText()).replaceAll(/\s+/g, ' '), /Steps 3,041 2 failed Cost \$0.42 112k tokens Files 3 \+72 −3 Plan 4 of 6/)
  const card = page.getByRole('region', { name: 'Why it failed' })
  t.match(await card.innerText(), /expected 200 to equal 403 in github.service.test.ts:112/)
  t.match(await card.innerText(), /tests failed One test failed Tried 5 times. Mend what the command found. The agent’s last word: “Somebody/)
  t.match(await card.getByRole('link').getAttribute('href'), /^https:.*failures\.md#tests_failed$/)
  const outline = page.getByRole('navigation', { name: 'Outline' })
  t.match(await outline.innerText(), /4 of 6[^]*Update CHANGELOG[^]*Reviewer #7[^]*google.service.ts[^]*npm test -- --grep github/)
  t.match(await page.locator('.split-bar').getAttribute('aria-label'), /Tests \d+ %.*Between runs \d+ %/)
  await list.evaluate((list) => { list.scrollTop = 0 })
  await card.getByRole('button', { name: /Show the step/ }).click()
  const step = list.locator(`[aria-posinset="${server.calls.find(({ status }) => status === 'error')!.seq}"]`)
  await step.and(page.locator(':focus')).waitFor()
  t.equal(await page.locator('[part=follow]').getAttribute('aria-pressed'), 'false')
  await outline.getByRole('button', { name: /google/ }).click()
  await list.locator('article:focus').filter({ hasText: 'google.service.ts' }).waitFor()
  t.strictSame(complaints, [])
})

t.test('keys lead to the failing line and back, and the strip is the list’s window', async (t) => {
  const { server, page, list, complaints } = await show(t, {
    width: 1440,
    prepare (server) {
      server.calls = sampleCalls(server.events)
      server.summary = sampleSummary(server.events, Date.now())
      const failing = server.calls.find(({ status }) => status === 'error')!
      const { metadata } = server.events.find(({ seq }) => seq === failing.endSeq) as InvocationActivityEvent
      server.details = { input: { command: 'npm test -- --grep github' }, result: metadata?.result }
      const starts = server.events.filter((event) => event.type === 'invocation.started')
      server.invocations = starts.map(({ invocationId, timestamp }, i) => ({
        ...sampleInvocations(Date.now())[0]!,
        id: invocationId,
        taskId: TASK,
        startedAt: timestamp,
        ...(i < starts.length - 1 ? { status: 'completed' as const, duration: 200_000 } : {})
      }))
    }
  })
  await page.locator('.brush').waitFor()
  const step = page.getByRole('complementary', { name: 'Step' })
  await page.keyboard.press('e')
  await step.locator('.current').getByText('rejects an account').waitFor()
  await step.getByRole('button', { name: 'Input' }).click()
  await step.getByText('npm test -- --grep github').last().waitFor()
  await page.keyboard.press('j')
  await step.locator('.command-full').getByText('github.service.ts').waitFor()
  await page.keyboard.press('Escape')
  await step.waitFor({ state: 'detached' })
  await list.locator('article:focus').filter({ hasText: 'github.service.ts' }).waitFor()
  await page.keyboard.press('k')
  await list.locator('article:focus').filter({ hasText: 'npm test' }).waitFor()
  await page.keyboard.press('Enter')
  await step.getByText('Error 1 of 2').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('f')
  await page.locator('[part=follow][aria-pressed=true]').waitFor()

  const plot = page.getByRole('slider', { name: 'Time in view' })
  const box = (await plot.boundingBox())!
  await page.mouse.click(box.x + box.width * 0.05, box.y + 10)
  await list.getByText('google.service.ts').first().waitFor()
  t.equal(await page.locator('[part=follow]').getAttribute('aria-pressed'), 'false')
  const left = (await page.locator('.brush').boundingBox())!.x
  t.ok(left < box.x + box.width * 0.1, 'the window went along')
  await page.mouse.click(box.x + box.width - 1, box.y + 10)
  await page.locator('[part=follow][aria-pressed=true]').waitFor()
  t.equal(await plot.locator('.seg.bad').count(), 1)
  tell(server, (script) => script.say(125, 'output', 'the strip lets the list live'))
  await list.getByText('the strip lets the list live').waitFor()
  t.strictSame(complaints, [])
})

t.test('an address names an event, whose step opens in the middle; it can be copied and gone back to', async (t) => {
  const calls = sampleCalls(sampleTask('running', Date.now(), TASK).events)
  const edit = calls.find(({ kind }) => kind === 'edit')!
  const failing = calls.find(({ status }) => status === 'error')!
  const path = `/timeline/tasks/${TASK}`
  const { page, list, origin, complaints } = await show(t, {
    path: `${path}?event=${edit.seq}`,
    height: 640,
    permissions: ['clipboard-read', 'clipboard-write'],
    prepare (server) {
      server.calls = sampleCalls(server.events)
      server.summary = sampleSummary(server.events, Date.now())
    }
  })
  const step = page.getByRole('complementary', { name: 'Step' })
  const row = list.locator('article.is-cursor')
  await step.locator('.command-full').getByText('google.service.ts').waitFor()
  t.equal(await row.getAttribute('aria-posinset'), String(edit.seq))
  // Its heights are measured as it comes into view.
  await page.waitForFunction(() => {
    const boxOf = (selector: string): DOMRect => document.querySelector('agent-timeline')!.shadowRoot!.querySelector(selector)!.getBoundingClientRect()
    const [row, list] = [boxOf('.is-cursor'), boxOf('.list')]
    return Math.abs(row.top + row.height / 2 - list.top - list.height / 2) < 40
  })
  t.equal(await page.evaluate(() => document.activeElement?.tagName), 'BODY', 'the focus is left where it was')

  await page.keyboard.press('e')
  await step.locator('.command-full').getByText('--grep github').waitFor()
  t.equal(page.url(), `${origin.url}${path}?event=${failing.seq}`, 'the address goes along')
  await step.getByRole('link', { name: 'Copy link' }).click()
  await step.getByRole('link', { name: 'Copied' }).waitFor()
  t.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url())
  await page.keyboard.press('Escape')
  await step.waitFor({ state: 'detached' })
  t.equal(page.url(), origin.url + path)
  await page.keyboard.press('Enter')
  await step.waitFor()
  await page.goBack()
  await step.waitFor({ state: 'detached' })
  await page.goForward()
  await step.waitFor()
  t.equal(page.url(), `${origin.url}${path}?event=${failing.seq}`)
  await page.keyboard.press('Escape')
  await page.waitForURL(origin.url + path)

  await page.getByRole('button', { name: 'Next failure' }).click()
  await page.waitForURL(`**?event=${failing.seq}`)
  const ask = (event: string): Promise<void> => page.evaluate((event) => { document.querySelector('agent-timeline')!.event = event }, event)
  await ask(String(edit.endSeq))
  await step.locator('.command-full').getByText('google.service.ts').waitFor()
  await page.waitForURL(`**?event=${edit.seq}`)
  for (const nowhere of ['99999', '-4', 'x']) await ask(nowhere)
  await ask('1')
  await step.waitFor({ state: 'detached' })
  await list.locator('article.is-cursor').filter({ hasText: 'Task started' }).waitFor()
  t.strictSame(complaints, [])
})

t.test('find goes through the whole task, loaded or not, outputs included', async (t) => {
  const { server, page, list, complaints } = await show(t, {
    prepare (server) {
      const script = new TaskScript(TASK, Date.now() - 3_000_000).start(125, 'coder', 'codex', 'gpt-4o')
        .call(125, 'shell', 'exec: make everything', 2, { result: 'first\nthe Needle (1) lies in an output\nlast' })
      for (let i = 0; i < 1200; i++) script.say(125, 'output', i === 900 ? 'one more NEEDLE (2), said' : `row ${i}`).wait(1)
      script.say(125, 'progress', 'needle of a murmur', { kind: 'usage' })
        .call(125, 'shell', 'exec: grep "needle (3)"', 2, { result: 'needle (3)' })
      server.events = script.events
    }
  })
  await isLive(page)
  await page.keyboard.press('/')
  const field = page.getByRole('textbox', { name: 'Find in the whole task' })
  t.equal(await field.inputValue(), '', 'the key opens the field and is not typed into it')
  await field.fill('needle (')
  const count = page.locator('.find [role=status]')
  await count.getByText(/^\s*3 of 3$/).waitFor()
  await list.locator('article.is-cursor').filter({ hasText: 'grep "needle (3)"' }).waitFor()
  await page.keyboard.press('Enter')
  await count.getByText('1 of 3').waitFor()
  await list.locator('article.is-cursor').filter({ hasText: 'make everything' }).waitFor()
  t.equal(await page.locator('.find mark').innerText(), 'Needle (', 'what is not in the row is shown beside the field')
  await page.keyboard.press('Enter')
  await list.locator('article.is-cursor').filter({ hasText: 'one more NEEDLE' }).waitFor()
  await page.keyboard.press('Shift+Enter')
  await count.getByText('1 of 3').waitFor()
  t.equal(await page.evaluate(() => document.querySelector('agent-timeline')!.shadowRoot!.activeElement?.tagName), 'INPUT')
  await page.getByRole('button', { name: 'Next find' }).click()
  await count.getByText('2 of 3').waitFor()
  await field.focus()
  await page.keyboard.press('Escape')
  await page.locator('.find').waitFor({ state: 'detached' })
  await list.locator('article:focus').filter({ hasText: 'one more NEEDLE' }).waitFor()

  await page.keyboard.press('End')
  await page.locator('[part=follow][aria-pressed=true]').waitFor()
  await page.getByRole('button', { name: 'Find in the whole task' }).click()
  await field.fill('arrives later')
  await count.getByText('Nothing found').waitFor()
  tell(server, (script) => script.say(125, 'output', 'what arrives later is found, too'))
  await count.getByText(/^1 of 1$/).waitFor()
  server.searchBudget = 0
  await field.fill('needle (')
  await count.getByText('2 of 2+').waitFor()
  t.strictSame(complaints, [])
})

t.test('a task with more calls than are listed has its shape from the server, and its story has no ids of sessions', async (t) => {
  const { server, page, list, complaints } = await show(t, {
    prepare (server) {
      const [first] = sampleCalls(server.events)
      server.calls = Array.from({ length: 5001 }, (_, i) => ({ ...first!, seq: i + 1 }))
      server.summary = sampleSummary(server.events, Date.now())
      const { timestamp } = server.events.find((event) => event.type === 'invocation.started')!
      server.invocations = [{ ...sampleInvocations(Date.now())[0]!, id: 123, taskId: TASK, startedAt: timestamp }]
      server.overview = {
        lanes: [{
          invocationId: 123,
          role: 'coder',
          provider: 'codex',
          status: 'running',
          startedAt: timestamp,
          binMs: 1000,
          bins: [
            { at: 0, ms: { read: 400 }, calls: 3 }, { at: 5, ms: {} },
            { at: 60, ms: { test: 900 }, calls: 1, failed: 1 },
            { at: 200, ms: { edit: 300, read: 10 }, calls: 2 }
          ],
          open: [{ seq: 99, kind: 'test', message: 'exec: npm test', startedAt: new Date().toISOString() }]
        }],
        gaps: []
      }
    }
  })
  await page.locator('.seg.bad').waitFor()
  const looks = page.locator('.lane i').evaluateAll((segments) => segments.map(({ className }) => className))
  t.same(await looks, ['seg call', 'seg bad', 'seg edit', 'seg live'])
  tell(server, (script) => script.say(125, 'progress', 'Session 3437ea63', { kind: 'session' })
    .say(125, 'output', 'said after it'))
  await list.getByText('said after it').waitFor()
  t.equal(await list.getByText('Session 3437ea63').count(), 0)
  await page.getByRole('button', { name: 'Everything' }).click()
  await list.getByText('Session 3437ea63').waitFor()
  t.strictSame(complaints, [])
})

t.test('a tool whose start is not loaded is counted from what the verdict tells', async (t) => {
  const { server, page } = await show(t, {
    prepare (server) {
      server.events = new TaskScript(TASK, Date.now() - 60_000).start(125, 'coder', 'codex', 'gpt').events
    }
  })
  await isLive(page)
  server.judge(125, sampleHealth('in_tool', Date.now(), 70, { tool: { name: 'Bash', message: 'exec: make', elapsedMs: 125_000, callId: 'x' } as never }))
  await page.locator('.evidence').getByText(/^Running exec: make for 2m 0[5-7]s/).waitFor()
  await page.locator('.evidence').getByText(/^Running exec: make for 2m 0[89]s/).waitFor()
  t.pass('and counts on')
})

t.test('times are the server’s though the browser’s clock is ten minutes off', async (t) => {
  for (const minutes of [-10, 10]) {
    const nowMs = Date.now()
    const { server, page } = await show(t, { offsetMs: minutes * 60_000 })
    server.health.set(125, sampleHealth('in_tool', nowMs))
    server.cut()
    await page.locator('.state').getByText('Working').waitFor()
    await isLive(page)
    t.ok(Math.abs(await page.evaluate(() => Date.now()) - Date.now() - minutes * 60_000) < 5000, 'the browser’s clock is off')
    /** What is shown at the moment at which it changes, and the true time of that moment. */
    type Change = { text: string, atMs: number }
    const nextChange = async (selector: string): Promise<Change> => page.evaluate(async ({ selector, offsetMs }) => {
      const root = document.querySelector('agent-timeline')!.shadowRoot!
      const read = (): string => root.querySelector<HTMLElement>(selector)!.innerText
      const before = read()
      return new Promise((resolve) => {
        const observer = new MutationObserver(() => {
          const atMs = Date.now() - offsetMs
          const text = read()
          if (text === before) return
          observer.disconnect()
          resolve({ text, atMs })
        })
        observer.observe(root, { childList: true, characterData: true, subtree: true })
      })
    }, { selector, offsetMs: minutes * 60_000 })
    for (const [selector, sinceMs] of [['.evidence b', server.events.findLast((event) => 'activityType' in event && event.activityType === 'tool_exec')!.timestamp], ['.live-title .duration', nowMs - 24_000]] as const) {
      const { text, atMs } = await nextChange(selector)
      const [, m = '0', s] = /(?:(\d+)m )?(\d+) ?s/.exec(text)!
      const lateMs = atMs - new Date(sinceMs).getTime() - (Number(m) * 60 + Number(s)) * 1000
      // Whole seconds are shown, and the server's word and the paint take their time; ahead it can never be.
      t.ok(lateMs > -100 && lateMs < 1500, `${selector} ${minutes} min: ${text} ${lateMs} ms after its second began`)
    }
  }
})

t.test('a verdict is announced once, however often tools come and go', async (t) => {
  const { server, page } = await show(t, { prepare: (server) => { server.health.set(125, sampleHealth('starting', Date.now())) } })
  await isLive(page)
  await page.locator('.state').getByText('Starting').waitFor()
  const said = await page.evaluateHandle(() => {
    const said: string[] = []
    const status = document.querySelector('agent-timeline')!.shadowRoot!.querySelector('[role=status]')!
    new MutationObserver(() => said.push(status.textContent ?? '')).observe(status, { childList: true, characterData: true, subtree: true })
    return said
  })
  for (let turn = 0; turn < 3; turn++) {
    for (const state of ['in_tool', 'working'] as const) {
      server.judge(125, sampleHealth(state, Date.now()))
      await page.locator('.state').getByText(WORDS[state]).waitFor()
    }
  }
  for (const seconds of [1, 100]) {
    server.judge(125, sampleHealth('quiet', Date.now(), seconds))
    await page.locator('.state').getByText(seconds === 1 ? /^Quiet ?\d s/ : /^Quiet ?1m/).waitFor()
  }
  t.strictSame((await said.jsonValue()).filter((text) => !text.includes('new event')), ['Quiet'])
})

t.test('a verdict that was heard before a cut is not shown as current, and comes back with the stream', async (t) => {
  const { server, origin, page } = await show(t, { height: 3000, prepare: (server) => { server.health.set(125, sampleHealth('stuck', Date.now())) } })
  await page.locator('.state').getByText('Probably stuck').waitFor()
  await origin.stop()
  await page.locator('.state').getByText('Connection lost').waitFor()
  t.equal((await readHeader(page)).reasons, '')
  await page.locator('article .group .badge', { hasText: /^running$/ }).waitFor()
  server.health.set(125, sampleHealth('working', Date.now()))
  await origin.start()
  await page.locator('.state').getByText('Working').waitFor()
})

t.test('a page that polls asks for the verdicts too', async (t) => {
  const { server, page } = await show(t, {
    prepare (server) {
      server.isRefusing = true
      server.refusals.stream.push({ status: 404, body: { success: false, code: 'AGENT_TIMELINE_STREAMING_DISABLED', error: 'Live streaming is switched off.' } })
      server.health.set(125, sampleHealth('quiet', Date.now()))
    }
  })
  await page.locator('.state').getByText('Quiet').waitFor()
  t.equal(server.streams.size, 0)
  const { url } = server.requests.find(({ url }) => url.pathname === '/api/invocations')!
  t.equal(url.search, `?task=${TASK}&status=running`)
  server.health.set(125, sampleHealth('working', Date.now()))
  await page.locator('.state').getByText('Working').waitFor()
  server.health.clear()
  await page.locator('.state').getByText('Running').waitFor()
  t.pass('without a verdict none is kept')
})

async function showList (t: Test, options: ShowOptions = {}): Promise<Shown> {
  return show(t, { path: '/timeline/', ...options, prepare (server) { server.tasks = sampleTasks() } })
}

t.test('what the list cannot ask for it does not claim', async (t) => {
  const { origin, page, complaints } = await showList(t)
  await page.getByText('8 running').waitFor()
  const signs = async (): Promise<string[]> => page.locator('.sign .unseen').allTextContents()
  t.strictSame((await signs()).slice(0, 6), ['needs you: ', 'needs you: ', 'probably stuck: ', 'not running: ', 'quiet: ', 'working: '])
  await origin.stop()
  await page.locator('.problem').waitFor()
  t.strictSame([...new Set(await signs())], ['not known: ', 'failed: ', 'done: '])
  await origin.start()
  await page.getByText('Live', { exact: true }).waitFor()
  await page.locator('.problem').waitFor({ state: 'detached' })
  t.equal((await signs())[0], 'needs you: ')
  t.strictSame(complaints, [])
})

t.test('a server with a list of tasks shows a row a task, in sections, to be filtered, searched and walked by keys', async (t) => {
  const task = (id: string, state: TaskState, more: object = {}): { state: string } => {
    const row = { id, title: `Task of ${id}`, who: [{ role: 'coder', provider: 'claude' }], runs: 2, elapsedMs: 611_000 }
    const now = { text: `what ${id} does`, elapsedMs: 1 }
    return { ...row, now, state, usage: { costUsd: 0.42 }, recent: [0, 3, 9], outcomes: ['completed', 'failed'], ...more } as { state: string }
  }
  const { server, page, complaints } = await show(t, {
    path: '/timeline/',
    prepare (server) {
      server.tasks = [
        task('a', 'needs_you'), task('b', 'stuck'), task('c', 'not_running'), task('d', 'quiet'), task('e', 'working'),
        task('f', 'failed', { now: undefined, failure: { summary: '<b>the tests failed</b>' } }), task('g', 'done')
      ]
    }
  })
  await page.getByText('4 running').waitFor()
  const titles = await page.locator('h3').allInnerTexts()
  t.strictSame(titles.map((title) => title.replaceAll(/\s+/g, ' ')), ['Needs you 1', 'Probably stuck 2', 'Working 2', 'Ended 2'])
  t.equal(await page.locator('a.task').count(), 7)
  await page.getByText('<b>the tests failed</b>').waitFor()
  t.match((await page.locator('a.task').first().innerText()).replaceAll(/\s+/g, ' '), /needs you: a Task of a 2 runs what a does coder · claude 10m 1\ds \$0\.42/)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  t.equal(await page.locator('a.task:focus .id').innerText(), 'b')
  await page.keyboard.press('/')
  await page.keyboard.type('import')
  await server.until(() => server.requests.some(({ url }) => url.searchParams.get('q') === 'import'))
  await page.getByRole('button', { name: /Failed/ }).click()
  await page.waitForFunction(() => document.querySelector('agent-timeline-list')!.shadowRoot!.querySelectorAll('a.task').length === 1)
  t.equal(server.countOf('invocations'), 0, 'the list of runs is not asked for')
  t.strictSame(complaints, [])
})

t.test('who looks elsewhere is called when a task needs a person or has ended, where that was asked for', async (t) => {
  const { server, page, complaints } = await show(t, {
    permissions: ['notifications'], prepare: (server) => { server.tasks = sampleTasks() }
  })
  const listen = async (): Promise<void> => page.evaluate(() => {
    const told: string[] = []
    // Without names of its own: they would be those of the test's compiler.
    Object.assign(window, {
      told,
      Notification: Object.assign(function (title: string, { body }: { body: string }) { told.push(`${title} | ${body}`) }, {
        permission: 'granted', requestPermission: async () => 'granted'
      })
    })
    Object.assign(document, { hasFocus: () => false })
  })
  const told = async (): Promise<string[]> => page.evaluate(() => (window as unknown as { told: string[] }).told)
  const judge = async (state: HealthState, word: string): Promise<void> => {
    server.judge(125, sampleHealth(state, Date.now()))
    await page.locator('.state').getByText(word).waitFor()
  }
  await isLive(page)
  await listen()
  await judge('stuck', 'Probably stuck')
  t.strictSame(await told(), [], 'nobody asked')
  await page.getByRole('button', { name: 'Notify me' }).click()
  await page.getByRole('button', { name: 'Notifying', pressed: true }).waitFor()
  await judge('working', 'Working')
  await judge('looping', 'Going in circles')
  await page.waitForFunction(() => (window as unknown as { told: string[] }).told.length > 0)
  server.cut()
  await server.until(() => server.streams.size === 1)
  await isLive(page)
  t.strictSame(await told(), [`${TITLE} | Going in circles`], 'a cut is no news')
  t.equal(await page.getByRole('link', { name: 'Export' }).getAttribute('href'), `../../api/timeline/tasks/${TASK}/export`)

  await page.goto(new URL('/timeline/', page.url()).href)
  await page.getByRole('button', { name: 'Notifying', pressed: true }).waitFor()
  await page.getByText('8 running').waitFor()
  await listen()
  server.tasks = sampleTasks().map((task) => task.id === 'SOC-121' ? { ...task, state: 'needs_you' } : task)
  tell(server, (script) => script.say(125, 'output', 'what wakes the list'))
  await page.waitForFunction(() => (window as unknown as { told: string[] }).told.length > 0)
  t.match(await told(), [/^Verify social login.* \| Needs you$/])
  t.strictSame(complaints, [])
})

t.test('axe finds no violation of WCAG 2 A and AA in any verdict, nor does anything scroll sideways', async (t) => {
  const check = async (page: Page, name: string, index: number): Promise<void> => {
    for (const { width, colorScheme } of looksAt(index)) {
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme })
      const { violations } = await checkAccess(page)
      t.strictSame(violations, [], `${name}, ${colorScheme}, ${width} px`)
      const overflow = await page.evaluate(() => {
        const inside = [...document.querySelector('agent-timeline')?.shadowRoot?.querySelectorAll('.root, header') ?? []]
        return [document.documentElement, ...inside].filter((box) => box.scrollWidth > box.clientWidth).length
      })
      t.equal(overflow, 0, `${name}, ${width} px`)
      const isCovered = await page.evaluate(() => {
        const root = document.querySelector('agent-timeline')?.shadowRoot
        const { left, bottom } = root?.querySelector('dl')?.getBoundingClientRect() ?? { left: 0, bottom: 0 }
        return root?.elementFromPoint(left + 2, bottom - 1)?.closest('header') === null
      })
      t.equal(isCovered, false, `${name}, ${width} px: no heading of a run lies over the header`)
    }
  }
  const { server, page } = await show(t, { reducedMotion: 'reduce', end: 'parallel' })
  await isLive(page)
  for (const [index, state] of HEALTH_STATES.entries()) {
    server.judge(125, sampleHealth(state, Date.now(), 70, state === 'waiting'
      ? { waitingFor: { kind: 'person', what: 'permission to run rm -rf build' } }
      : {}))
    await page.locator('.state').getByText(state === 'waiting' ? 'Needs you' : WORDS[state]).waitFor()
    await check(page, state, index)
  }
  const list = await showList(t, { reducedMotion: 'reduce' })
  await list.page.getByText('8 running').waitFor()
  await check(list.page, 'list', 0)
})
