/**
 * The chunked coding of HTTP/1.1, made once for all viewers that are written the same.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding
 */
export class ChunkCoding {
  /** For as long as somebody keeps what was coded: viewers that are far behind one another share it, too. */
  readonly #coded = new WeakMap<Uint8Array, Buffer>()
  /** Of texts the last, which many viewers are written in a row: a ping. */
  #lastText = ''
  #lastCoded: Buffer = Buffer.alloc(0)

  /** @param bytes must not be changed afterwards; not empty, because an empty chunk ends the body */
  encode (bytes: Uint8Array | string): Buffer {
    if (typeof bytes === 'string') {
      if (bytes !== this.#lastText) this.#lastCoded = encode(Buffer.from(bytes))
      this.#lastText = bytes
      return this.#lastCoded
    }
    let coded = this.#coded.get(bytes)
    if (coded === undefined) this.#coded.set(bytes, coded = encode(bytes))
    return coded
  }
}

function encode (bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CHUNK_END])
}

const CHUNK_END = Buffer.from('\r\n')
