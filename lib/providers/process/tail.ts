/** The end of a stream of bytes. */
export interface Tail {
  push (chunk: Uint8Array): void
  /** Bytes that are kept. */
  readonly size: number
  /** Without the piece of a character that its beginning may be cut in. */
  text (): string
}

/** Keeps the end of a stream; each byte is copied at most twice, however small the chunks. */
export function createTail (maxBytes: number): Tail {
  let kept = Buffer.alloc(0)
  let size = 0
  return {
    push (chunk) {
      const part = chunk.subarray(Math.max(0, chunk.length - maxBytes))
      if (size + part.length > kept.length) {
        const room = Math.min(2 * maxBytes, Math.max(1_024, 2 * (size + part.length)))
        const from = Math.max(0, size + part.length - maxBytes)
        const before = kept.subarray(Math.min(from, size), size)
        const grown = room === kept.length ? kept : Buffer.allocUnsafe(Math.max(room, before.length + part.length))
        before.copy(grown)
        kept = grown
        size = before.length
      }
      kept.set(part, size)
      size += part.length
    },
    get size () { return Math.min(size, maxBytes) },
    text () {
      let from = Math.max(0, size - maxBytes)
      const start = from
      while (from < Math.min(start + 3, size) && (kept[from]! & 0xc0) === 0x80) from++
      return kept.subarray(from, size).toString('utf8')
    }
  }
}
