import { EventEmitter, once } from 'node:events'
import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { decodeFrames, type WireFrame } from '../lib/live/peer.js'

/** A reader of server-sent events on a real socket. */
export class SseClient extends EventEmitter {
  readonly frames: WireFrame[] = []
  readonly response: IncomingMessage
  hasEnded = false
  #rest = ''

  static async open (app: FastifyInstance, path: string, headers: IncomingHttpHeaders = {}): Promise<SseClient> {
    const { port } = app.server.address() as AddressInfo
    return await SseClient.connect(`http://127.0.0.1:${port}${path}`, headers)
  }

  static async connect (url: string, headers: IncomingHttpHeaders = {}): Promise<SseClient> {
    const request = get(url, { headers: headers as Record<string, string>, agent: false })
    const [response] = await once(request, 'response') as [IncomingMessage]
    return new SseClient(response)
  }

  constructor (response: IncomingMessage) {
    super()
    this.setMaxListeners(0)
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#take(text))
    response.on('error', () => {})
    response.on('close', () => { this.hasEnded = true; this.emit('news') })
  }

  /** The numbers of the stored events seen so far. */
  get seqs (): number[] {
    return this.frames.flatMap(({ id, data }) => id === undefined ? [] : [data.seq])
  }

  get lastId (): string | undefined {
    return this.frames.findLast(({ id }) => id !== undefined)?.id
  }

  async until (isDone: (client: SseClient) => boolean): Promise<this> {
    while (!isDone(this)) {
      if (this.hasEnded) throw new Error(`The stream ended after ${JSON.stringify(this.frames.at(-1))}`)
      await once(this, 'news')
    }
    return this
  }

  async untilSeq (seq: number): Promise<this> {
    return this.until(() => this.frames.some(({ id, data }) => id !== undefined && data.seq === seq))
  }

  async untilEnd (): Promise<void> {
    while (!this.hasEnded) await once(this, 'news')
  }

  destroy (): void {
    this.response.destroy()
  }

  #take (text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.frames.push(...decodeFrames(block))
    this.emit('news')
  }
}
