import type { Span } from './secret-spans.js'

const BEGIN = /-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-Lines: \d{1,4}/g
const END = /-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-(?:MAC|Hash): ?/g
/** What follows the begin line of a private key where somebody only speaks of it. */
const PROSE = /\b[a-z]{1,15} [a-z]{1,15} [a-z]{1,15}\b/i
/** Where prose would be, in characters after the begin line. */
const PROSE_CHARS = 240
/** Longest key whose beginning is missing, in characters: RSA with 16,384 bits. */
const MAX_HEADLESS_CHARS = 16_384

/** What stands in every private key. */
export const PRIVATE_KEY_WORDS = ['private key', 'private-l', 'private-m', 'private-h']
/** Same, as it is written there. */
export const HAS_PRIVATE_KEY = /PRIVATE KEY|Private-(?:L|M|H)/

/**
 * Private keys from their begin line to their end line; to the end of the text where there is none, and from the first
 * line of their body where a cut took the beginning away.
 */
export function findPrivateKeys (text: string): Span[] {
  const spans: Span[] = []
  const begins = [...text.matchAll(BEGIN)]
  let done = 0
  let next = 0
  for (const end of text.matchAll(END)) {
    const after = end.index + end[0].length
    const begin = begins[next]
    if (begin !== undefined && begin.index < end.index) {
      spans.push([begin.index, after])
      while ((begins[next]?.index ?? Infinity) < after) next++
    } else {
      const from = bodyBefore(text, done, end.index)
      if (from < end.index) spans.push([from, end.index])
    }
    done = after
  }
  for (const begin of begins.slice(next)) {
    const after = begin.index + begin[0].length
    if (PROSE.test(text.slice(after, after + PROSE_CHARS).split('----')[0] as string)) continue
    spans.push([begin.index, text.length])
    break
  }
  return spans
}

/** Where the lines of a key begin that end at this place: lines of base64, with whatever `grep`, `diff` put before. */
function bodyBefore (text: string, from: number, to: number): number {
  const start = Math.max(from, to - MAX_HEADLESS_CHARS)
  const body = text.slice(start, to)
  const lines = body.split(/(?<=\n|\\n)/)
  let at = to
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index] as string
    const isEmpty = line.trim() === '' || /^\\+n$/.test(line.trim())
    if (!isEmpty && !/^[\s>+|-]{0,8}(?:\d{1,6}[:-]\s?)?["']?[A-Za-z0-9+/]{4,}={0,2}["']?(?:\\+[rn])*\s*,?\s*$/.test(line)) break
    at -= line.length
  }
  return at
}
