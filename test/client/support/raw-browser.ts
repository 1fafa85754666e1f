import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { ARGS, findBrowser } from '../../support/browser.js'

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/**
 * A Chromium that is told what to do by its own protocol, over a pipe: Playwright switches the back/forward cache off
 * and cannot follow a page that comes out of it.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export class RawBrowser {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #calls = new Map<number, (answer: Answer) => void>()
  #count = 0

  constructor (process: ChildProcess, folder: string) {
    this.#process = process
    this.#folder = folder
    let rest = ''
    const output = process.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0')
      rest = messages.pop()!
      for (const message of messages) {
        const answer = JSON.parse(message) as Answer
        if (answer.id !== undefined) this.#calls.get(answer.id)?.(answer)
      }
    })
  }

  static async launch (): Promise<RawBrowser> {
    const { executablePath, args = [], env = process.env } = await findBrowser()
    const folder = await mkdtemp(join(tmpdir(), 'agent-timeline-browser-'))
    const all = [...ARGS, ...args, '--headless', `--user-data-dir=${folder}`, '--remote-debugging-pipe', 'about:blank']
    const child = spawn(executablePath!, all, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: env as NodeJS.ProcessEnv
    })
    return new RawBrowser(child, folder)
  }

  /** Sends a command and resolves with its result. */
  async send<Result> (method: string, params: object = {}, sessionId?: string): Promise<Result> {
    const id = ++this.#count
    const answered = new Promise<Answer>((resolve) => this.#calls.set(id, resolve))
    const input = this.#process.stdio[3] as Writable
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const { result, error } = await answered
    this.#calls.delete(id)
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result as Result
  }

  /** Opens a page in a tab of its own, so high that lists show all they have. */
  async open (url: string): Promise<RawTab> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true })
    const size = { width: 1280, height: 4000, deviceScaleFactor: 1, mobile: false }
    await this.send('Emulation.setDeviceMetricsOverride', size, sessionId)
    const tab = new RawTab(this, targetId, sessionId)
    await tab.goTo(url)
    return tab
  }

  async close (): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** One tab. */
export class RawTab {
  readonly #browser: RawBrowser
  readonly #targetId: string
  readonly #sessionId: string

  constructor (browser: RawBrowser, targetId: string, sessionId: string) {
    this.#browser = browser
    this.#targetId = targetId
    this.#sessionId = sessionId
  }

  /** Begins to load a page; resolves when its first bytes have come, not before. */
  async goTo (url: string): Promise<void> {
    await this.#browser.send('Page.navigate', { url }, this.#sessionId)
  }

  /** The value of an expression in the page; what it promises is waited for. */
  async read<Value> (expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#browser.send<{
      result: { value: Value }, exceptionDetails?: { text: string, exception?: { description?: string } }
    }>('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }, this.#sessionId)
    const { exception, text } = exceptionDetails ?? {}
    if (text !== undefined) throw new Error(exception?.description ?? text)
    return result.value
  }

  /** Resolves when an expression is true in whatever page the tab shows; it is asked again every 50 ms. */
  async until (expression: string): Promise<void> {
    for (;;) {
      // A page that leaves takes the question with it.
      const isTrue = await this.read<boolean>(`!!(${expression})`).catch(() => false)
      if (isTrue) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Ends its process, as a browser does that runs out of memory; the page learns nothing of it. */
  crash (): void {
    // A page that is gone does not answer.
    this.#browser.send('Page.crash', {}, this.#sessionId).catch(() => {})
  }

  async close (): Promise<void> {
    await this.#browser.send('Target.closeTarget', { targetId: this.#targetId })
  }
}
