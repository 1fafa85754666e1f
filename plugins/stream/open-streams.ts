import type { Http2Stream } from 'node:http2'
import type { FastifyRequest } from 'fastify'
import { timelineError } from '../../lib/errors.js'
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

/** What a request came on. */
export interface Connection {
  /** A socket, or a session of HTTP/2. */
  readonly key: object
  /** Carries several streams at a time; of others, a second one would wait until the first has ended. */
  readonly isShared: boolean
}

/** The connection of a request. */
export function connectionOf ({ raw }: FastifyRequest): Connection {
  const session = (raw as typeof raw & { readonly stream?: Http2Stream }).stream?.session
  return session === undefined ? { key: raw.socket, isShared: false } : { key: session, isShared: true }
}

/** Numbers since the start; `open` is that of now. */
export interface StreamCounts {
  readonly open: number
  readonly opened: number
  /** Refused because all places were taken. */
  readonly rejectedByTotal: number
  /** Refused because the client's address had as many as it may. */
  readonly rejectedByAddress: number
  /** Refused because the client's connection had as many as it may. */
  readonly rejectedByConnection: number
  /** Disconnected because the viewer took nothing for too long. */
  readonly endedSlow: number
}

interface OpenStream {
  readonly stop: () => void
  readonly free: () => void
  /** What it had taken at the last heartbeat, and for how many it has been so while more was waiting. */
  taken: number
  stalledFor: number
}

/** Heartbeats after which a viewer that takes nothing is cut, whatever it follows; its task's watch comes before. */
const MAX_STALLED = 3

/** All open streams of the plugin, whatever their route and project: counted, limited, pinged and ended together. */
export class OpenStreams {
  readonly #limits: StreamLimits
  readonly #open = new Map<EventStream, OpenStream>()
  /** Places taken, by address. */
  readonly #addresses = new Map<string, number>()
  readonly #connections = new WeakMap<object, number>()
  readonly #counts = { opened: 0, rejectedByTotal: 0, rejectedByAddress: 0, rejectedByConnection: 0, endedSlow: 0 }
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
   * @throws AGENT_TIMELINE_TOO_MANY_STREAMS, AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS,
   * AGENT_TIMELINE_TOO_MANY_STREAMS_PER_CONNECTION, AGENT_TIMELINE_CLOSED
   */
  take (address: string | undefined, { key, isShared }: Connection): StreamPlace {
    this.checkOpen()
    const { maxConcurrentStreams, maxStreamsPerAddress } = this.#limits
    const carried = this.#connections.get(key) ?? 0
    if (carried >= (isShared ? Math.ceil(maxConcurrentStreams / 2) : 1)) {
      this.#counts.rejectedByConnection++
      throw timelineError('AGENT_TIMELINE_TOO_MANY_STREAMS_PER_CONNECTION')
    }
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
    this.#connections.set(key, carried + 1)
    if (group !== undefined) this.#addresses.set(group, taken + 1)
    let isFree = false
    const free = (): void => {
      if (isFree) return
      isFree = true
      this.#connections.set(key, (this.#connections.get(key) ?? 1) - 1)
      this.#giveBack(group)
    }
    return {
      free,
      occupy: (stream, stop) => {
        this.#counts.opened++
        this.#open.set(stream, { stop, free, taken: -1, stalledFor: 0 })
        stream.onClose(() => this.#release(stream))
      }
    }
  }

  /** Ends it after what was written; its place is free at once. */
  end (stream: EventStream): void {
    this.#release(stream)
    stream.end()
  }

  /** Cuts a viewer that takes nothing. */
  endSlow (stream: EventStream): void {
    this.#counts.endedSlow++
    this.#release(stream)
    stream.destroy()
  }

  /** Writes to everybody who keeps up, and cuts those who have not taken anything for several heartbeats. */
  ping (text: string): void {
    for (const [stream, open] of this.#open) {
      stream.ping(text)
      const taken = stream.takenBytes()
      open.stalledFor = stream.isBehind && taken === open.taken ? open.stalledFor + 1 : 0
      open.taken = taken
      if (open.stalledFor >= MAX_STALLED) this.endSlow(stream)
    }
  }

  /** `server.close()` would wait for them for ever. */
  endAll (): void {
    this.#isEnding = true
    for (const stream of [...this.#open.keys()]) {
      this.#release(stream)
      stream.endNow()
    }
  }

  #release (stream: EventStream): void {
    const open = this.#open.get(stream)
    if (!this.#open.delete(stream)) return
    open?.free()
    open?.stop()
  }

  #giveBack (group: string | undefined): void {
    this.#taken--
    if (group === undefined) return
    const taken = (this.#addresses.get(group) ?? 0) - 1
    if (taken > 0) this.#addresses.set(group, taken)
    else this.#addresses.delete(group)
  }
}
