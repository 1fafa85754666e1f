import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import type { Test } from 'tap'
import { Origin } from './origin.js'
import { TITLE, TaskScript, runningFrames, sampleTask, type SampleEnd } from './sample-task.js'
import { TimelineServer } from './timeline-server.js'

/** The task that {@link show} shows. */
export const TASK = '9cefe1b1'

/** A page and what is behind it. */
export interface Shown {
  readonly server: TimelineServer
  readonly origin: Origin
  readonly page: Page
  readonly list: Locator
  /** Violations of the policy, errors nobody caught, dialogs. */
  readonly complaints: string[]
}

export interface ShowOptions extends BrowserContextOptions {
  readonly end?: SampleEnd
  readonly width?: number
  readonly height?: number
  /** Changes what the server has before the page asks. */
  readonly prepare?: (server: TimelineServer, origin: Origin) => void | Promise<void>
  readonly path?: string
  /** By how much the browser's clock is wrong. */
  readonly offsetMs?: number
}

/** A server with the sample task. */
export async function serve (
  t: Test, taskId: string, end: SampleEnd
): Promise<{ server: TimelineServer, url: string }> {
  const server = new TimelineServer()
  const url = await server.listen()
  t.teardown(() => server.close())
  const script = sampleTask(end, Date.now(), taskId)
  server.events = script.events
  server.running = runningFrames(script)
  server.task = { id: taskId, title: TITLE, status: end === 'completed' || end === 'failed' ? end : 'in_progress' }
  return { server, url }
}

/** A page with one task, the task page by default, in a context of its own. */
export async function show (browser: Browser, t: Test, options: ShowOptions = {}): Promise<Shown> {
  const { end = 'running', width = 1280, height = 900, prepare, path = `/timeline/tasks/${TASK}`, offsetMs = 0, ...context } = options
  const { server, url } = await serve(t, TASK, end)
  const origin = new Origin()
  origin.mount('api', url)
  await prepare?.(server, origin)
  await origin.start()
  t.teardown(() => origin.stop())
  const window = await browser.newContext({ viewport: { width, height }, colorScheme: 'light', ...context })
  t.teardown(() => window.close())
  const page = await window.newPage()
  page.setDefaultTimeout(10_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    dialog.dismiss().catch(() => {})
  })
  page.on('console', (message) => {
    // That the server cannot be reached is what some of these tests are about.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource')) complaints.push(message.text())
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, sample }) => {
      console.error(`policy: ${violatedDirective} ${sample}`)
    })
  })
  if (offsetMs !== 0) {
    await page.addInitScript((offsetMs) => {
      const { now } = Date
      globalThis.Date = class extends Date {
        constructor (...parts: [number]) {
          super(...((parts as unknown[]).length === 0 ? [now() + offsetMs] as const : parts))
        }

        static override now (): number { return now() + offsetMs }
      } as DateConstructor
    }, offsetMs)
  }
  await page.goto(origin.url + path)
  return { server, origin, page, list: page.locator('.list').first(), complaints }
}

/** Resolves when the page says that its stream is open. */
export const isLive = async (page: Page): Promise<void> => page.getByText('Live', { exact: true }).first().waitFor()

/** Stores and sends what a script adds. */
export function tell (server: TimelineServer, add: (script: TaskScript) => void): void {
  const script = new TaskScript(TASK, Date.now())
  add(script)
  const first = server.events.length
  server.append(...script.events.map((event, i) => ({ ...event, seq: first + i + 1 })))
}
