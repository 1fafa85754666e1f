import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A stored event as it came: its id and a digest of its bytes. */
export interface Seen {
  readonly id: string
  readonly digest: string
}

/**
 * A viewer that decides how fast it reads, to the byte: at most `bytesPerSecond` leave the socket. It resumes with the
 * last id when the server hangs up.
 *
 * HTTP/1.0, so that what follows the headers is the stream and nothing else.
 */
export class TrickleViewer extends EventEmitter {
  readonly seen: Seen[] = []
  connections = 0
  localPort = 0
  readonly #port: number
  readonly #path: string
  #bytesPerSecond: number
  #socket: Socket | undefined
  #rest: Buffer = Buffer.alloc(0)
  #hasHeaders = false
  #isClosed = false
  readonly #timer: NodeJS.Timeout

  /** @param bytesPerSecond Infinity for as fast as it comes, 0 for nothing at all; a second's worth is read at once */
  constructor (port: number, path: string, bytesPerSecond: number) {
    super()
    this.#port = port
    this.#path = path
    this.#bytesPerSecond = bytesPerSecond
    this.#timer = setInterval(() => { if (this.#bytesPerSecond > 0) this.#socket?.resume() }, 1_000)
    this.#connect()
  }

  get lastSeq (): number {
    return Number.parseInt(this.seen.at(-1)?.id ?? '0')
  }

  speedUp (): void {
    this.#bytesPerSecond = Infinity
    this.#socket?.resume()
  }

  async until (isDone: () => boolean): Promise<void> {
    while (!isDone()) await once(this, 'news')
  }

  close (): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#socket?.destroy()
  }

  #connect (): void {
    this.connections++
    this.#rest = Buffer.alloc(0)
    this.#hasHeaders = false
    const large = Buffer.alloc(256 * 1024)
    const small = Buffer.alloc(Math.max(1, Math.min(this.#bytesPerSecond, large.length)))
    const socket = connect({
      port: this.#port,
      host: '127.0.0.1',
      onread: {
        buffer: () => this.#bytesPerSecond === Infinity ? large : small,
        callback: (length, buffer) => {
          this.#take(Buffer.from((buffer as Buffer).subarray(0, length)))
          return this.#bytesPerSecond === Infinity
        }
      }
    })
    this.#socket = socket
    const last = this.seen.at(-1)
    const resume = last === undefined ? '' : `Last-Event-ID: ${last.id}\r\n`
    socket.write(`GET ${this.#path} HTTP/1.0\r\nHost: localhost\r\n${resume}\r\n`)
    socket.on('connect', () => { this.localPort = socket.localPort as number; this.emit('news') })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.emit('news')
      if (!this.#isClosed) this.#connect()
    })
  }

  #take (bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes])
    if (!this.#hasHeaders) {
      const end = rest.indexOf('\r\n\r\n')
      if (end === -1) { this.#rest = rest; return }
      rest = rest.subarray(end + 4)
      this.#hasHeaders = true
    }
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
      this.#takeFrame(rest.subarray(0, end))
      rest = rest.subarray(end + 2)
    }
    this.#rest = rest
    this.emit('news')
  }

  #takeFrame (frame: Buffer): void {
    if (!frame.subarray(0, 4).equals(ID)) return
    const end = frame.indexOf('\n')
    const data = frame.subarray(end + 1 + 'data: '.length)
    this.seen.push({ id: frame.toString('utf8', ID.length, end), digest: digestOf(data) })
  }
}

const ID = Buffer.from('id: ')

export function digestOf (data: Buffer | string): string {
  return createHash('sha1').update(data).digest('base64')
}
