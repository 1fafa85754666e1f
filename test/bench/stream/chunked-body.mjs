const HEAD_END = Buffer.from('\r\n\r\n')

/** Takes the chunked coding off an HTTP/1.1 reply, slice by slice, without copying. */
export class ChunkedBody {
  /** Called once, with the status. */
  onHead = () => {}
  #onBody
  #head = Buffer.alloc(0)
  #isPastHead = false
  /** Of the chunk at hand: bytes of the body, then two that end it. */
  #remaining = 0
  #sizeLine = ''

  constructor (onBody) {
    this.#onBody = onBody
  }

  push (bytes) {
    if (!this.#isPastHead) {
      this.#head = Buffer.concat([this.#head, bytes])
      const end = this.#head.indexOf(HEAD_END)
      if (end < 0) return
      this.#isPastHead = true
      this.onHead(Number(this.#head.toString('latin1', 9, 12)))
      bytes = this.#head.subarray(end + 4)
    }
    for (let at = 0; at < bytes.length;) {
      at = this.#remaining > 0 ? this.#takeBody(bytes, at) : this.#takeSize(bytes, at)
    }
  }

  #takeBody (bytes, at) {
    const body = this.#remaining - 2
    const end = Math.min(bytes.length, at + this.#remaining)
    if (body > 0) this.#onBody(bytes.subarray(at, Math.min(end, at + body)))
    this.#remaining -= end - at
    return end
  }

  #takeSize (bytes, at) {
    const end = bytes.indexOf(10, at)
    this.#sizeLine += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
    if (end < 0) return bytes.length
    const size = Number.parseInt(this.#sizeLine, 16)
    if (Number.isNaN(size)) throw new Error(`a chunk begins with ${JSON.stringify(this.#sizeLine)}`)
    this.#sizeLine = ''
    this.#remaining = size + 2
    return end + 1
  }
}
