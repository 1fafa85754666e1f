import { ServerResponse, type OutgoingHttpHeaders } from 'node:http'
import { constants, type Http2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { encodeRetry } from '../../lib/live/frames.js'
import type { ChunkCoding } from './chunk-coding.js'
import { clearTimeout, setImmediate, setTimeout } from '../../lib/time/timers.js'

const RETRY_MS = 1000
const END_PATIENCE_MS = 250

/**
 * A reply that carries server-sent events, on HTTP/1.1 or HTTP/2.
 *
 * It is hijacked rather than sent as a stream: a host's `handlerTimeout` would cut that, its buffer would come on top
 * of the socket's, and frames could not be shared between viewers.
 */
export class EventStream {
  readonly #response: ServerResponse
  readonly #onDrain = new Set<() => void>()
  readonly #onClose = new Set<() => void>()
  /** The compatible response of HTTP/2 has no `writableNeedDrain`. */
  #isBehind = false
  #isJoining = false
  #writtenBytes = 0
  readonly #coding: ChunkCoding
  /** Written to past the response, in chunks coded once for all viewers: half the work of a response's write. */
  #direct: Socket | undefined

  /**
   * @param response that of a hijacked reply
   * @param coding shared by all streams that are written the same
   */
  constructor (response: ServerResponse, coding: ChunkCoding) {
    this.#response = response
    this.#coding = coding
    response.on('drain', this.#tellDrained)
    this.#watchClose()
  }

  /** Whether the peer has left; the compatible response of HTTP/2 knows it only of its stream. */
  get isGone (): boolean {
    return this.#response.destroyed || this.#http2Stream?.destroyed === true || this.#socket?.destroyed === true
  }

  /** Sends the headers, those that other plugins set among them (CORS, rate limits), and the first frames. */
  begin (reply: FastifyReply, opening: string): void {
    const headers = { ...reply.getHeaders() as OutgoingHttpHeaders }
    // A hook for all answers may have said how long this one is, or how it is coded.
    for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) delete headers[name]
    this.#response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no'
    })
    // Newer Nodes keep what is written first until the next tick, unless it is let go: the head comes before the rest.
    this.#response.cork()
    this.write(encodeRetry(RETRY_MS) + opening)
    this.#response.uncork()
    this.#writeDirectly()
  }

  /** @returns false when the peer is behind; what was given to {@link onDrain} is called later */
  write (bytes: Uint8Array | string): boolean {
    // After the end, of which its followers hear later.
    if (this.#response.writableEnded) return true
    this.#writtenBytes += bytes.length
    const hasRoom = this.#direct === undefined
      ? this.#response.write(bytes)
      // A peer that has closed its side is still sent what was written before.
      : !this.#direct.writable || this.#direct.write(this.#coding.encode(bytes))
    if (!hasRoom) this.#isBehind = true
    return hasRoom
  }

  /** The same, but what is written in one turn of the event loop leaves together: a write costs more than its bytes. */
  writeJoined (bytes: Uint8Array | string): boolean {
    if (!this.#isJoining && !this.#response.writableEnded) {
      this.#isJoining = true
      const corked = this.#direct ?? this.#response
      corked.cork()
      setImmediate(() => this.#join())
    }
    return this.write(bytes)
  }

  /** Writes to a peer that keeps up: a ping for a full buffer would only make it fuller. */
  ping (text: string): void {
    if (!this.#isBehind) this.write(text)
  }

  /** What is written now has to wait, or goes nowhere any more. */
  get isBehind (): boolean {
    return this.#isBehind || this.#response.writableEnded
  }

  /** What was written and the peer has not taken. */
  bufferedBytes (): number {
    return this.#response.writableLength
  }

  /** What the peer has taken so far; only its growth means something. */
  takenBytes (): number {
    return this.#writtenBytes - this.bufferedBytes()
  }

  /** @returns how to be told no more */
  onDrain (drained: () => void): () => void {
    this.#onDrain.add(drained)
    return () => { this.#onDrain.delete(drained) }
  }

  /** Called once, after the peer has left or everything was sent; at once where it has. */
  onClose (closed: () => void): void {
    if (this.isGone) closed()
    else this.#onClose.add(closed)
  }

  /** For a server that closes: whoever is behind would have to read everything first. */
  endNow (): void {
    if (this.#isBehind) return this.destroy()
    this.end()
  }

  /** After what was written before, if the peer takes that soon. */
  end (): void {
    // Node would send what is held back after the end.
    this.#join()
    this.#response.end()
    // What the system has not taken by then, nobody reads.
    const timer = setTimeout(() => this.destroy(), END_PATIENCE_MS)
    this.onClose(() => clearTimeout(timer))
  }

  /**
   * Cuts it. On HTTP/2 as cancelled: after an end without an error a client keeps its connection until it has read
   * everything, and the server waits for the connection.
   */
  destroy (): void {
    const stream = this.#http2Stream
    if (stream === undefined) this.#response.destroy()
    else stream.close(constants.NGHTTP2_CANCEL)
  }

  #join (): void {
    if (!this.#isJoining) return
    this.#isJoining = false
    if (this.#direct !== undefined) return this.#direct.uncork()
    this.#response.uncork()
    // For what was held back Node counts its sum, and tells of no drain where the socket took each piece at once.
    const isTaken = this.#http2Stream === undefined && this.#response.socket?.writableNeedDrain === false
    if (this.#isBehind && isTaken) this.#tellDrained()
  }

  readonly #tellDrained = (): void => {
    this.#isBehind = false
    for (const drained of [...this.#onDrain]) drained()
  }

  #writeDirectly (): void {
    const direct = this.#findDirect()
    if (direct === undefined) return
    this.#direct = direct
    // The socket's event is that of the response, too: one of them is enough.
    this.#response.off('drain', this.#tellDrained)
    direct.on('drain', this.#tellDrained)
    this.#isBehind = direct.writableNeedDrain
  }

  /**
   * Not on HTTP/2 or 1.0, not while the response waits behind another one of its connection, and not where somebody has
   * put a `write` of their own in the place of Node's: they want to see what is written.
   */
  #findDirect (): Socket | undefined {
    const { chunkedEncoding, socket, write } = this.#response
    const isPlain = this.#http2Stream === undefined && write === ServerResponse.prototype.write
    return isPlain && chunkedEncoding ? socket ?? undefined : undefined
  }

  /** Of the response, not the request: the latter's close comes as soon as its body was read. */
  #watchClose (): void {
    const socket = this.#socket
    const tell = (): void => {
      this.#response.off('close', tell)
      this.#direct?.off('drain', this.#tellDrained)
      if (socket !== undefined) socket.off('close', tell).setMaxListeners(socket.getMaxListeners() - 1)
      for (const closed of [...this.#onClose]) closed()
    }
    this.#response.on('close', tell)
    // A response that waits behind another one of its connection (pipelining) hears nothing of that connection's end.
    socket?.setMaxListeners(socket.getMaxListeners() + 1).on('close', tell)
  }

  /** Of HTTP/1.1: that of HTTP/2 is shared by streams that end by themselves. */
  get #socket (): Socket | undefined {
    return this.#http2Stream === undefined ? this.#response.req?.socket : undefined
  }

  get #http2Stream (): Http2Stream | undefined {
    return (this.#response as ServerResponse & { readonly stream?: Http2Stream }).stream
  }
}
