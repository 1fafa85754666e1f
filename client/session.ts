import type { ToolCallDetails } from '../lib/model/answers.js'
import type { StreamFrame } from '../lib/model/events.js'
import { AnswersLoader, type Answers } from './connection/answers.js'
import { TimelineConnection, type ConnectionOptions, type TimelinePage } from './connection/connection.js'
import type { ConnectionState } from './connection/connection-state.js'
import { reduce, type Action } from './store/reduce.js'
import { ServerClock } from './store/server-clock.js'
import { indexOfSeq, lowerBound, type Row } from './store/rows.js'
import { createState, type TimelineState } from './store/state.js'
import { FrameBatch } from './window/frame-batch.js'

export type SessionOptions = Omit<ConnectionOptions, 'onNewest' | 'onFrame' | 'onState' | 'onServerTime'> & {
  /** Something changed: paint. */
  readonly onChange: () => void
}

/** Rows before one that is looked for. */
const AROUND_ROWS = 100
/** A cut shorter than this is none of the reader's concern; the status bar shows it at once. */
const LOST_AFTER_MS = 5_000

/** One task being watched: connection, store and clock together. */
export class TimelineSession {
  readonly serverClock = new ServerClock()
  state: TimelineState
  connectionState: ConnectionState = { name: 'idle' }
  /** A person reads further up: what is on the screen must stay. */
  isPinned = false
  isLoadingOlder = false
  /** Called with the times of the rows in view, whenever others are. */
  onView: ((fromMs: number, toMs: number) => void) | undefined
  readonly #connection: TimelineConnection
  readonly #answers: AnswersLoader
  readonly #batch: FrameBatch<StreamFrame>
  /** Number of the last event that was there before the stream began. */
  #headSeq = 0
  readonly #onChange: () => void

  constructor ({ onChange, ...options }: SessionOptions) {
    this.state = createState(options.task)
    this.#onChange = onChange
    this.#batch = new FrameBatch((frames) => this.dispatch({
      type: 'frames', frames, isPinned: this.isPinned, nowMs: this.serverClock.now()
    }))
    this.#answers = new AnswersLoader({ ...options, onChange, now: () => this.serverClock.now() })
    this.#connection = new TimelineConnection({
      ...options,
      onNewest: (page) => {
        this.#batch.clear()
        this.dispatch({ type: 'newest', page })
        this.#answers.open()
      },
      onFrame: (frame) => {
        if (frame.type === 'timeline.snapshot') this.#headSeq = frame.headSeq
        this.#noteAnswers(frame)
        // What a stream catches up with, and what it says about itself, is no news.
        this.#batch.push(frame, 'seq' in frame && frame.seq > this.#headSeq)
      },
      onServerTime: (time) => this.serverClock.anchor(time),
      onState: (state) => {
        this.connectionState = state
        if (state.name !== 'live') this.#answers.lose()
        onChange()
      }
    })
  }

  /** The server's time up to which anything is known: it stands still while the server cannot be heard. */
  now (): number {
    return this.serverClock.now() - this.lostForMs
  }

  /** Nothing has been heard for so long that what was heard last is no news. */
  get isLost (): boolean { return this.lostForMs >= LOST_AFTER_MS }

  /** For how long the server has not been heard; 0 while it is. */
  get lostForMs (): number {
    const state = this.connectionState
    return 'sinceMs' in state ? Date.now() - state.sinceMs : 0
  }

  /** Something runs. */
  get isBusy (): boolean {
    for (const { status } of this.state.runsById.values()) if (status === 'running') return true
    return false
  }

  /** What the server says about the whole task. */
  get answers (): Answers { return this.#answers.answers }

  /** One call with its input, its result and its signs of life. @throws ApiError */
  async call (seq: number, signal: AbortSignal): Promise<ToolCallDetails> {
    return this.#answers.call(seq, signal)
  }

  /** Events after a number that have a text in them, as far as the server looked. @throws ApiError */
  async find (q: string, after: number, limit: number, signal: AbortSignal): Promise<TimelinePage> {
    return this.#connection.find({ q, after, limit }, signal)
  }

  /** Events that happened in the last second. */
  get rate (): number { return this.#batch.rate() }

  open (): void {
    this.#connection.open()
  }

  close (): void {
    this.#connection.close()
    this.#answers.close()
    this.#batch.clear()
  }

  /** Starts over with the newest events, also after the server refused. */
  reload (): void {
    this.isPinned = false
    this.#connection.reload()
  }

  dispatch (action: Action): void {
    this.state = reduce(this.state, action)
    this.#onChange()
  }

  /**
   * Makes sure that the row of an event is here, with what surrounds it; the newest rows may leave for it.
   *
   * @returns the row that shows it, or the one before where it has none; undefined where the task has not come so far
   */
  async bring (seq: number): Promise<Row | undefined> {
    const { rows, lastSeq } = this.state
    if (!(seq >= 0 && seq <= lastSeq)) return undefined
    const isNear = rows.length > 0 && seq >= rows[0]!.seq && (seq <= rows.at(-1)!.seq || !this.state.isDetached)
    if (!isNear) {
      const page = await this.#connection.loadFrom(Math.max(0, seq - AROUND_ROWS))
      this.isPinned = true
      this.state = reduce(this.state, { type: 'elsewhere', page })
    }
    const row = this.#rowOf(seq)
    if (row !== undefined) this.dispatch({ type: 'uncover', seq: row.seq })
    return row
  }

  /** What ended a call shows in the row of its start. */
  #rowOf (seq: number): Row | undefined {
    const { rows } = this.state
    const exact = rows[indexOfSeq(rows, seq)]
    if (exact !== undefined) return exact
    const call = [...this.answers.calls.values()].find(({ endSeq }) => endSeq === seq)
    return rows[indexOfSeq(rows, call?.seq)] ?? rows[Math.max(0, lowerBound(rows, seq) - 1)]
  }

  /** Newer servers send the summary with the stream; others are asked for it when there is news. */
  #noteAnswers (frame: StreamFrame): void {
    const { type } = frame
    const isSummary = type === 'timeline.snapshot' || type === 'timeline.summary'
    if (isSummary && frame.summary !== undefined) this.#answers.take(frame.summary)
    // A stream of several tasks brings none.
    else if (type === 'timeline.snapshot') this.#answers.lose()
    if (type === 'timeline.health' || type === 'timeline.summary') return
    this.#answers.note(type !== 'invocation.activity' && type !== 'invocation.current')
  }

  /** Puts the page before the first row in front; does nothing while one is under way or none is left. */
  async loadOlder (): Promise<void> {
    if (this.isLoadingOlder || !this.state.hasOlder) return
    this.isLoadingOlder = true
    this.#onChange()
    const before = this.state.firstSeq
    try {
      const page = await this.#connection.loadOlder(before)
      // The list may have been cut or replaced meanwhile.
      if (this.state.firstSeq === before) this.state = reduce(this.state, { type: 'older', page })
    } catch {
      // The stream notices a server that is gone; the reader scrolls again.
    } finally {
      this.isLoadingOlder = false
      this.#onChange()
    }
  }
}
