import { timelineError } from '../lib/errors.js'
import { groupOf } from './address-group.js'
import type { EventStream } from './event-stream.js'

/** A place among the open streams. */
export interface StreamPlace {
  /** The stream begins; `stop` is called when it is closed, and before the server closes. */
  occupy (stream: EventStream, stop: () => void): void
  /** Gives the place back; harmless when it was given back. */
  free (): void
}

export interface StreamLimits {
  readonly maxConcurrentStreams: number
  /** 0: no limit of its own. */
  readonly maxStreamsPerAddress: number
}

/** Numbers since the start; `open` is that of now. */
export interface StreamCounts {
  readonly open: number
  readonly opened: number
  /** Refused because all places were taken. */
  readonly rejectedByTotal: number
  /** Refused because the client's address had as many as it may. */
  readonly rejectedByAddress: number
  /** Disconnected because the viewer took nothing for too long. */
  readonly endedSlow: number
}

/** All open streams of the plugin, whatever their route and project: counted, limited, pinged and ended together. */
export class OpenStreams {
  readonly #limits: StreamLimits
  readonly #open = new Map<EventStream, () => void>()
  /** Places taken, by address. */
  readonly #addresses = new Map<string, number>()
  readonly #counts = { opened: 0, rejectedByTotal: 0, rejectedByAddress: 0, endedSlow: 0 }
  #taken = 0
  #isEnding = false

  constructor (limits: StreamLimits) {
    this.#limits = limits
  }

  get counts (): StreamCounts {
    return { open: this.#open.size, ...this.#counts }
  }

  /** @throws AGENT_TIMELINE_CLOSED once the server closes: a stream that begins then would keep it open */
  checkOpen (): void {
    if (this.#isEnding) throw timelineError('AGENT_TIMELINE_CLOSED')
  }

  /**
   * @param address the client's, as the server sees it; undefined on a Unix socket, where nobody has one of its own
   * @throws AGENT_TIMELINE_TOO_MANY_STREAMS, AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS, AGENT_TIMELINE_CLOSED
   */
  take (address: string | undefined): StreamPlace {
    this.checkOpen()
    const { maxConcurrentStreams, maxStreamsPerAddress } = this.#limits
    if (this.#taken >= maxConcurrentStreams) {
      this.#counts.rejectedByTotal++
      throw timelineError('AGENT_TIMELINE_TOO_MANY_STREAMS')
    }
    const group = address === undefined ? undefined : groupOf(address)
    const taken = group === undefined ? 0 : this.#addresses.get(group) ?? 0
    if (maxStreamsPerAddress > 0 && taken >= maxStreamsPerAddress) {
      this.#counts.rejectedByAddress++
      throw timelineError('AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS')
    }
    this.#taken++
    if (group !== undefined) this.#addresses.set(group, taken + 1)
    let isFree = false
    const free = (): void => {
      if (isFree) return
      isFree = true
      this.#giveBack(group)
    }
    return {
      free,
      occupy: (stream, stop) => {
        this.#counts.opened++
        this.#open.set(stream, stop)
        stream.onClose(() => {
          this.#open.delete(stream)
          free()
          stop()
        })
      }
    }
  }

  /** Cuts a viewer that takes nothing. */
  endSlow (stream: EventStream): void {
    this.#counts.endedSlow++
    stream.destroy()
  }

  /** Writes to everybody who keeps up. */
  ping (text: string): void {
    for (const stream of this.#open.keys()) stream.ping(text)
  }

  /** `server.close()` would wait for them for ever. */
  endAll (): void {
    this.#isEnding = true
    for (const [stream, stop] of this.#open) {
      stop()
      stream.endNow()
    }
  }

  #giveBack (group: string | undefined): void {
    this.#taken--
    if (group === undefined) return
    const taken = (this.#addresses.get(group) ?? 0) - 1
    if (taken > 0) this.#addresses.set(group, taken)
    else this.#addresses.delete(group)
  }
}
