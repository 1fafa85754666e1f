import { createTail } from './tail.js'

/** One line of a program's output, without its `\n`. */
export interface Line {
  readonly text: string
  /** The line was longer than the cap; `text` is its beginning. */
  readonly truncated: boolean
  /** The end of a line that was longer than the cap: at most 64 KiB of what `text` lacks. */
  readonly tail?: string
  /** How many bytes stood between `text` and `tail`. */
  readonly missingBytes?: number
  /** The stream ended before the line's `\n` came. */
  readonly partial: boolean
}

/** Turns chunks of bytes into whole lines. */
export interface LineSplitter {
  /** The lines that this chunk completes, one at a time: take them all before the next chunk. */
  push (chunk: Uint8Array): Generator<Line, void, undefined>
  /** The last line, where the stream ended without `\n`. */
  end (): Line | undefined
}

const NEWLINE = 0x0a
const SMALL_BUFFER_BYTES = 4_096
const KEPT_BUFFER_BYTES = 65_536
const TAIL_BYTES = 65_536

/**
 * Splits on `\n` only: JSON strings may hold raw U+2028 and U+2029 (Codex and Gemini print them), on which `readline`
 * of Node 24 breaks. A `\n` byte is never part of a longer UTF-8 sequence, so that whole lines decode without state.
 *
 * Costs linear time however the chunks are cut: an unfinished line is copied into a buffer that doubles.
 *
 * @param options.maxLineBytes cap of one line; 8 MiB by default. Of what is beyond only the end is kept, and the line
 *   marked.
 */
export function createLineSplitter ({ maxLineBytes = 8 * 1024 * 1024 }: { maxLineBytes?: number } = {}): LineSplitter {
  let pending = Buffer.alloc(0)
  let pendingBytes = 0
  let lineBytes = 0
  let tail = createTail(TAIL_BYTES)

  function keep (part: Buffer): void {
    lineBytes += part.length
    const kept = part.subarray(0, Math.max(0, maxLineBytes - pendingBytes))
    if (pendingBytes + kept.length > pending.length) {
      const grown = Buffer.allocUnsafe(Math.max(SMALL_BUFFER_BYTES, pending.length * 2, pendingBytes + kept.length))
      pending.copy(grown, 0, 0, pendingBytes)
      pending = grown
    }
    kept.copy(pending, pendingBytes)
    pendingBytes += kept.length
    if (kept.length < part.length) tail.push(part.subarray(kept.length))
  }

  function take (partial: boolean): Line {
    const truncated = lineBytes > maxLineBytes
    const text = decode(pending.subarray(0, pendingBytes), truncated)
    const missingBytes = lineBytes - pendingBytes - tail.size
    pendingBytes = lineBytes = 0
    if (pending.length > KEPT_BUFFER_BYTES) pending = Buffer.alloc(0)
    if (!truncated) return { text, truncated, partial }
    const end = tail.text()
    tail = createTail(TAIL_BYTES)
    return { text, truncated, partial, tail: end, missingBytes }
  }

  return {
    * push (bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      let from = 0
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        const part = chunk.subarray(from, at)
        from = at + 1
        if (lineBytes === 0 && part.length <= maxLineBytes) {
          yield { text: part.toString('utf8'), truncated: false, partial: false }
        } else {
          keep(part)
          yield take(false)
        }
      }
      if (from < chunk.length) keep(chunk.subarray(from))
    },
    end () {
      return lineBytes === 0 ? undefined : take(true)
    }
  }
}

/** A cut line may end inside a character: drop the piece of it instead of showing U+FFFD. */
function decode (bytes: Buffer, cut: boolean): string {
  if (!cut) return bytes.toString('utf8')
  let end = bytes.length
  while (end > 0 && end > bytes.length - 4 && (bytes[end - 1]! & 0xc0) === 0x80) end--
  const lead = bytes[end - 1] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  const whole = end - 1 + length <= bytes.length ? bytes.length : end - 1
  return bytes.subarray(0, Math.max(0, whole)).toString('utf8')
}
