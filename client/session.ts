import type { StreamFrame } from '../lib/model/events.js'
import { TimelineConnection, type ConnectionOptions } from './connection/connection.js'
import type { ConnectionState } from './connection/connection-state.js'
import { reduce, type Action } from './store/reduce.js'
import { ServerClock } from './store/server-clock.js'
import { createState, type TimelineState } from './store/state.js'
import { FrameBatch } from './window/frame-batch.js'

export type SessionOptions = Omit<ConnectionOptions, 'onNewest' | 'onFrame' | 'onState' | 'onServerTime'> & {
  /** Something changed: paint. */
  readonly onChange: () => void
}

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
  readonly #connection: TimelineConnection
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
    this.#connection = new TimelineConnection({
      ...options,
      onNewest: (page) => {
        this.#batch.clear()
        this.dispatch({ type: 'newest', page })
      },
      onFrame: (frame) => {
        if (frame.type === 'timeline.snapshot') this.#headSeq = frame.headSeq
        // What a stream catches up with, and what it says about itself, is no news.
        this.#batch.push(frame, 'seq' in frame && frame.seq > this.#headSeq)
      },
      onServerTime: (time) => this.serverClock.anchor(time),
      onState: (state) => {
        this.connectionState = state
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

  /** Events that happened in the last second. */
  get rate (): number { return this.#batch.rate() }

  open (): void {
    this.#connection.open()
  }

  close (): void {
    this.#connection.close()
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
