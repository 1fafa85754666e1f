import type { ServerResponse } from 'node:http'
import { timelineError } from '../lib/errors.js'

/** A place among the open streams. */
export interface StreamPlace {
  /** The stream begins; it is closed when its response is, and before the server closes. */
  occupy (response: ServerResponse, close: () => void): void
  /** Gives the place back; harmless when it was given back. */
  free (): void
}

/** All open streams of the plugin, whatever their project: counted, pinged and ended together. */
export class OpenStreams {
  readonly #max: number
  readonly #open = new Map<ServerResponse, () => void>()
  #taken = 0
  #opened = 0
  #isEnding = false

  constructor (max: number) {
    this.#max = max
  }

  /** How many are open now. */
  get size (): number {
    return this.#open.size
  }

  /** How many were opened so far. */
  get opened (): number {
    return this.#opened
  }

  /** @throws AGENT_TIMELINE_CLOSED once the server closes: a stream that begins then would keep it open */
  checkOpen (): void {
    if (this.#isEnding) throw timelineError('AGENT_TIMELINE_CLOSED')
  }

  /** @throws AGENT_TIMELINE_TOO_MANY_STREAMS, AGENT_TIMELINE_CLOSED */
  take (): StreamPlace {
    this.checkOpen()
    if (this.#taken >= this.#max) throw timelineError('AGENT_TIMELINE_TOO_MANY_STREAMS')
    this.#taken++
    let isFree = false
    const free = (): void => {
      if (isFree) return
      isFree = true
      this.#taken--
    }
    return {
      free,
      occupy: (response, close) => {
        this.#open.set(response, close)
        this.#opened++
        // Of the response, not the request: the latter's fires as soon as its body was read.
        response.once('close', () => {
          this.#open.delete(response)
          free()
          close()
        })
      }
    }
  }

  /** Writes to everybody who keeps up: a ping for a full buffer would only make it fuller, one after the end throws. */
  ping (text: string): void {
    for (const response of this.#open.keys()) {
      if (!response.writableNeedDrain && !response.writableEnded) response.write(text)
    }
  }

  /** `server.close()` would wait for them for ever. */
  endAll (): void {
    this.#isEnding = true
    for (const [response, close] of this.#open) {
      close()
      // Whoever is behind would have to read everything first.
      if (response.writableNeedDrain) response.destroy()
      else response.end()
    }
  }
}
