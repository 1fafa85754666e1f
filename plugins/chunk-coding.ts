/**
 * The chunked coding of HTTP/1.1, made once for all viewers that are written the same bytes in a row.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding
 */
export class ChunkCoding {
  #last: Uint8Array | string | undefined
  #coded = Buffer.alloc(0)

  /** @param bytes must not be changed afterwards; not empty, because an empty chunk ends the body */
  encode (bytes: Uint8Array | string): Buffer {
    if (bytes === this.#last) return this.#coded
    const head = `${Buffer.byteLength(bytes).toString(16)}\r\n`
    this.#coded = typeof bytes === 'string'
      ? Buffer.from(`${head}${bytes}\r\n`)
      : Buffer.concat([Buffer.from(head), bytes, CHUNK_END])
    this.#last = bytes
    return this.#coded
  }
}

const CHUNK_END = Buffer.from('\r\n')
