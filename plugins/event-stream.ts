import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { encodeRetry } from '../lib/tail/frames.js'

const RETRY_MS = 1000

/**
 * A reply that carries server-sent events.
 *
 * It is hijacked rather than sent as a stream: a host's `handlerTimeout` would cut that, its buffer would come on top
 * of the socket's, and frames could not be shared between viewers.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #onDrain = new Set<() => void>()

  /** Sends the headers, those that other plugins set among them (CORS, rate limits), and the first frames. */
  constructor (reply: FastifyReply, opening: string) {
    this.#response = reply.raw
    this.#response.writeHead(200, {
      ...reply.getHeaders() as OutgoingHttpHeaders,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no'
    })
    this.#response.on('drain', () => { for (const drained of this.#onDrain) drained() })
    this.write(encodeRetry(RETRY_MS) + opening)
  }

  /** @returns false when the peer is behind; what was given to {@link onDrain} is called later */
  write (bytes: Uint8Array | string): boolean {
    return this.#response.write(bytes)
  }

  /** What `write` took and the peer has not. */
  bufferedBytes (): number {
    return this.#response.writableLength
  }

  /** @returns how to be told no more */
  onDrain (drained: () => void): () => void {
    this.#onDrain.add(drained)
    return () => { this.#onDrain.delete(drained) }
  }

  end (): void {
    this.#response.end()
  }

  /** Ends it for a peer that would have to read everything first. */
  destroy (): void {
    this.#response.destroy()
  }
}
