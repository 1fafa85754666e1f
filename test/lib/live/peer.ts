import { EventEmitter, once } from 'node:events'
import type { Cursor } from '../../../lib/model/cursor.js'
import type { EndReason } from '../../../lib/live/task-tail.js'
import type { Subscription, Viewer } from '../../../lib/live/viewer-session.js'

/** One frame as it was decoded from the wire. */
export interface WireFrame {
  readonly id?: string
  readonly event?: string
  readonly data: any
}

/** Decodes whole server-sent events out of text. */
export function decodeFrames (text: string): WireFrame[] {
  return text.split('\n\n').flatMap((block) => {
    const fields = new Map(block.split('\n').filter((line) => line !== '' && !line.startsWith(':')).map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 2)] as const
    }))
    const data = fields.get('data')
    if (data === undefined) return []
    return [{
      data: JSON.parse(data),
      ...(fields.has('id') ? { id: fields.get('id') as string } : {}),
      ...(fields.has('event') ? { event: fields.get('event') as string } : {})
    }]
  })
}

/** A viewer in memory, whose socket can be stopped. */
export class Peer extends EventEmitter implements Viewer {
  readonly cursor?: Cursor
  readonly maxBufferedBytes = 4096
  readonly drainTimeoutMs: number
  readonly frames: WireFrame[] = []
  readonly chunks: Uint8Array[] = []
  ended: EndReason | undefined
  subscription: Subscription | undefined
  mostBuffered = 0
  #buffer: Uint8Array[] = []
  #isStopped = false

  constructor (cursor?: Cursor, drainTimeoutMs = 60_000) {
    super()
    this.drainTimeoutMs = drainTimeoutMs
    if (cursor !== undefined) this.cursor = cursor
  }

  write (chunk: Uint8Array): boolean {
    this.chunks.push(chunk)
    if (this.#isStopped) {
      this.#buffer.push(chunk)
      this.mostBuffered = Math.max(this.mostBuffered, this.bufferedBytes())
      return false
    }
    this.#take(chunk)
    return true
  }

  bufferedBytes (): number {
    return this.#buffer.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  onEnd (reason: EndReason): void {
    this.ended = reason
    this.emit('ended')
  }

  stop (): void {
    this.#isStopped = true
  }

  resume (): void {
    this.#isStopped = false
    for (const chunk of this.#buffer.splice(0)) this.#take(chunk)
    this.subscription?.drained()
  }

  /** The numbers seen so far, gaps as `from-to`. */
  seen (): Array<number | string> {
    return this.frames.map(({ data }) => data.type === 'timeline.gap' ? `${data.fromSeq}-${data.toSeq} ${data.reason}` : data.seq)
  }

  async until (isDone: (peer: Peer) => boolean): Promise<void> {
    while (!isDone(this)) await once(this, 'frames')
  }

  async untilSeq (seq: number): Promise<void> {
    await this.until(() => this.frames.some(({ data }) => data.seq === seq || data.toSeq === seq))
  }

  #take (chunk: Uint8Array): void {
    this.frames.push(...decodeFrames(Buffer.from(chunk).toString()))
    this.emit('frames')
  }
}
