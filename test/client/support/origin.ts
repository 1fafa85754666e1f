import { readFile } from 'node:fs/promises'
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { POLICY } from './timeline-server.js'

const CLIENT = process.env.CLIENT_FOLDER ?? fileURLToPath(new URL('../../../dist/client/', import.meta.url))
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript', css: 'text/css', html: 'text/html; charset=utf-8'
}

/**
 * What a browser sees under one address: the built client, pages of one's own, and timeline servers behind prefixes,
 * which it can lose and get back without the address changing.
 */
export class Origin {
  /** Pages and style sheets by path, `.html` and `.css`. */
  readonly files = new Map<string, string>()
  readonly #servers = new Map<string, string>()
  readonly #sockets = new Set<Socket>()
  readonly #answers = new Map<IncomingMessage, ServerResponse>()
  #server: Server | undefined
  #port = 0
  /** Answers of the API wait for this. */
  gate: Promise<void> | undefined

  get url (): string { return `http://127.0.0.1:${this.#port}` }

  /** Puts a server's `/api/` behind `/<prefix>/`. */
  mount (prefix: string, url: string): void {
    this.#servers.set(prefix, url)
  }

  /** Listens, at the same port as before if there was one. */
  async start (): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
  }

  /** Is gone, as a crashed process is. */
  async stop (): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
  }

  /** Passes on nothing more of what is being answered and closes nothing, as a network that lost its state does. */
  freeze (): void {
    for (const [answer, response] of this.#answers) answer.unpipe(response)
  }

  async #handle (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url!, 'http://local')
    const [, prefix = ''] = pathname.split('/')
    const server = this.#servers.get(prefix)
    if (server !== undefined) {
      await this.gate
      return this.#forward(server + request.url!.replace(prefix, 'api'), request, response)
    }
    const isTask = pathname.startsWith('/timeline/tasks/')
    const name = isTask ? 'pages/task.html' : pathname.slice('/timeline/'.length) || 'pages/index.html'
    const base = isTask ? '../' : './'
    const text = this.files.get(pathname) ?? await readFile(CLIENT + name, 'utf8').catch(() => undefined)
    const type = TYPES[(this.files.has(pathname) ? pathname : name).split('.').pop()!] ?? 'text/plain'
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': type, 'content-security-policy': POLICY })
    response.end(text?.replaceAll('{{api}}', `${base}../api`).replaceAll('{{base}}', base))
  }

  #forward (url: string, { headers }: IncomingMessage, response: ServerResponse): void {
    const upstream = ask(url, { headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      this.#answers.set(answer, response)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
      answer.on('close', () => this.#answers.delete(answer))
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => upstream.destroy())
    upstream.end()
  }
}
