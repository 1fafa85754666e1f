import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from './random.mjs'

/** What a flood sends while a viewer does not read: more than the server (1 MiB) and the socket keep for it. */
const FLOOD_BYTES = 2 * 1024 * 1024
const RETRY_MS = 50

/**
 * One viewer of a feed: it comes, is cut, stops reading, comes back where it was, and keeps a list.
 *
 * | line of the list | |
 * |---|---|
 * | `C task cursor server` | it connects |
 * | `S task epoch head` | the snapshot says so |
 * | `E task epoch seq digest` | an event arrived |
 * | `G task epoch from to reason` | missing numbers were told |
 * | `U task` | its cursor was not known |
 * | `P task`, `R task how` | it stops reading, reads on: after a flood, or because something else came |
 * | `X task cause` | the connection is over |
 * | `! task what` | it was told what it must not be told |
 */
export class Viewer {
  #options
  #random
  #write
  #server = 0
  /** Called after every read. */
  #onRead = () => {}
  #request
  #response
  #isPaused = false

  /** @param {{ name: string, seed: string, feed: object, servers: Array<string | undefined>, phase: object,
   *   write: (line: string) => void, flood: (bytes: number) => Promise<void> }} options */
  constructor (options) {
    this.#options = options
    this.#random = createRandom(options.seed, options.name)
    this.#write = (...words) => options.write(`${words.join(' ')} ${Date.now()}`)
    this.#server = this.#random.integer(0, 1)
  }

  /** Comes and goes until the storm is over. */
  async roam () {
    const { phase } = this.#options
    while (!phase.isCalm) {
      const isOver = this.#connect()
      const left = this.#leave(isOver)
      await isOver
      await left
      if (phase.isCalm) return
      // Most come back at once; some stay away for so long that rows expire.
      await sleep(this.#random.chance(0.1) ? this.#random.integer(1_000, 6_000) : this.#random.exponential(150))
      if (this.#random.chance(0.5)) this.#server = 1 - this.#server
    }
  }

  /** Reads undisturbed until it has seen the heads; a task without a log has none. */
  async settle (heads) {
    const { feed } = this.#options
    const isThere = () => feed.tasks.every((taskId) => heads[taskId] === '' || feed.cursorOf(taskId) === heads[taskId])
    this.#onRead = () => { if (isThere()) this.#cut() }
    while (!isThere()) {
      await this.#connect()
      if (!isThere()) await sleep(RETRY_MS)
    }
  }

  /** Cuts the connection when its time has come, after a pause in the middle or without. */
  async #leave (isOver) {
    const random = this.#random
    const { feed, flood, phase } = this.#options
    const [taskId] = feed.tasks
    const stayMs = random.exponential(1_200)
    const [willPause, pauseMs] = [random.chance(0.06), random.pick([100, 500, 4_000])]
    if (await Promise.race([isOver.then(() => true), sleep(stayMs, false), phase.calm])) return this.#cut()
    // Whoever has seen nothing of a task yet does not know what it missed.
    if (willPause && this.#response !== undefined && feed.cursorOf(taskId) !== '-') {
      this.#write('P', taskId)
      this.#isPaused = true
      this.#response.pause()
      const flooded = flood(FLOOD_BYTES).then(() => sleep(pauseMs)).then(() => 'flooded')
      const how = await Promise.race([flooded, isOver.then(() => 'over'), phase.calm.then(() => 'calm')])
      this.#write('R', taskId, how)
      this.#isPaused = false
      this.#response?.resume()
      await Promise.race([isOver, sleep(stayMs), phase.calm])
    }
    this.#cut()
  }

  /** Whatever comes after it does not count: an EventSource that was closed hands out nothing. */
  #cut () {
    this.#response = undefined
    this.#request?.destroy()
  }

  /** Resolves when the connection is over. */
  #connect () {
    const { feed, servers } = this.#options
    const [taskId] = feed.tasks
    const socketPath = servers[this.#server] ?? servers[1 - this.#server]
    if (socketPath === undefined) return sleep(RETRY_MS)
    for (const id of feed.tasks) this.#write('C', id, feed.cursorOf(id), socketPath === servers[0] ? 0 : 1)
    return new Promise((resolve) => {
      let isOver = false
      const over = (cause) => {
        if (isOver) return
        isOver = true
        this.#write('X', taskId, this.#isPaused ? 'while-paused' : cause)
        this.#response = undefined
        resolve()
      }
      this.#request = get({ socketPath, ...feed.request(), agent: false }, (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          return over(`status-${response.statusCode}`)
        }
        this.#response = response
        response.setEncoding('utf8')
        let rest = ''
        response.on('data', (text) => {
          // What a reader has cut off is not its any more.
          if (this.#response !== response) return
          const blocks = (rest + text).split('\n\n')
          rest = blocks.pop()
          for (const block of blocks) this.#take(block)
          this.#onRead()
        })
        response.on('error', () => {})
      })
      // A request that was cut before it was answered has no response to close.
      this.#request.on('error', () => over('refused'))
      this.#request.on('close', () => over('closed'))
    })
  }

  /** One frame, read by the letter of the standard as far as it is used. */
  #take (block) {
    const fields = new Map(block.split('\n').filter((line) => !line.startsWith(':')).map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }))
    const data = fields.get('data')
    if (data === undefined || fields.has('event')) return
    this.#options.feed.take(JSON.parse(data), fields.get('id'), this.#write)
  }
}
