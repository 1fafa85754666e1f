import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A TCP proxy between a browser and a server that comes and goes: the address stays, what is behind it does not. */
export class Wire {
  /** Port of the server; connections end at once while it is undefined. */
  target: number | undefined
  readonly #pairs = new Set<readonly [near: Socket, far: Socket]>()
  readonly #server: Server

  constructor () {
    this.#server = createServer((near) => {
      near.on('error', () => near.destroy())
      if (this.target === undefined) return near.destroy()
      const far = connect(this.target, '127.0.0.1')
      const pair = [near, far] as const
      this.#pairs.add(pair)
      near.pipe(far)
      far.pipe(near)
      for (const socket of pair) {
        socket.on('error', () => socket.destroy())
        socket.on('close', () => {
          this.#pairs.delete(pair)
          for (const each of pair) each.destroy()
        })
      }
    })
  }

  /** Connections that are open. */
  get count (): number { return this.#pairs.size }

  async listen (): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Cuts what is open. */
  cut (): void {
    for (const [near] of this.#pairs) near.destroy()
  }

  /** Passes on nothing more of what is open and closes nothing, as a network that lost its state does. */
  freeze (): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far)
      far.unpipe(near)
    }
  }

  async close (): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
