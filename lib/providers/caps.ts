/** Longest JSON of a tool's input, in bytes. */
export const INPUT_BYTES = 2_048
/** Longest excerpt of a tool's result, in bytes. */
export const RESULT_BYTES = 4_096
/** Longest message of a tool or a progress, in characters. */
export const MESSAGE_CHARS = 4_000

/** A value that may have been made smaller. */
export interface Capped<T> {
  readonly value: T
  readonly truncated: boolean
}

/** The beginning of a text, at most this many bytes of UTF-8, never ending inside a character. */
export function cutText (text: string, maxBytes: number): Capped<string> {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return { value: text, truncated: false }
  const bytes = Buffer.from(text.slice(0, maxBytes))
  let end = Math.min(maxBytes, bytes.length)
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return { value: bytes.subarray(0, end).toString('utf8'), truncated: true }
}

/** Beginning and end of a text: what went wrong stands at the end, what was done at the beginning. */
export function excerpt (text: string, maxBytes: number = RESULT_BYTES): Capped<string> {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return { value: text, truncated: false }
  const room = maxBytes - 64
  const head = cutText(text, Math.floor(room / 3)).value
  const last = Buffer.from(text.slice(-room))
  let from = Math.max(0, last.length - (room - Buffer.byteLength(head)))
  while (from < last.length && (last[from]! & 0xc0) === 0x80) from++
  const tail = last.subarray(from).toString('utf8')
  return { value: `${head}\n[… ${text.length - head.length - tail.length} characters …]\n${tail}`, truncated: true }
}

/** A text on one line. Line breaks are shown as ↵: in a shell they separate commands. */
export function oneLine (text: string, maxChars: number = MESSAGE_CHARS): string {
  const line = text.slice(0, maxChars * 2).trim().replace(/[ \t]*[\r\n]+[ \t]*/g, ' ↵ ')
  if (line.length <= maxChars) return line
  return `${line.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/**
 * Makes a JSON value small enough: strings are cut, what does not fit any more is left out. Costs as much as the result
 * is large, not the input.
 *
 * @param maxBytes of its JSON
 */
export function capValue (value: unknown, maxBytes: number = INPUT_BYTES): Capped<unknown> {
  let left = maxBytes
  let truncated = false

  function text (value: string): string {
    const room = Math.max(0, left - 2)
    let kept = cutText(value.slice(0, room + 1), room).value
    truncated ||= kept.length < value.length
    // JSON escapes need more room than the characters themselves.
    while (jsonBytes(kept) > left && kept !== '') {
      kept = kept.slice(0, Math.floor(kept.length * 0.8)).replace(/[\ud800-\udbff]$/, '')
      truncated = true
    }
    left -= jsonBytes(kept)
    return kept
  }

  function visit (value: unknown, depth: number): unknown {
    if (typeof value === 'string') return text(value)
    if (typeof value !== 'object' || value === null) {
      left -= String(value).length
      return value
    }
    left -= 2
    if (depth === 0) {
      truncated = true
      return Array.isArray(value) ? [] : {}
    }
    return Array.isArray(value) ? list(value, depth) : members(value, depth)
  }

  function list (values: readonly unknown[], depth: number): unknown[] {
    const kept: unknown[] = []
    for (const value of values) {
      if (left < 8) {
        truncated = true
        break
      }
      left -= 1
      kept.push(visit(value, depth - 1))
    }
    return kept
  }

  function members (value: object, depth: number): Record<string, unknown> {
    const kept: Array<[string, unknown]> = []
    for (const [key, member] of Object.entries(value)) {
      if (left < jsonBytes(key) + 8) {
        truncated = true
        break
      }
      left -= jsonBytes(key) + 2
      kept.push([key, visit(member, depth - 1)])
    }
    return Object.fromEntries(kept)
  }

  const capped = visit(value, 6)
  return { value: capped, truncated }
}

function jsonBytes (text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}
