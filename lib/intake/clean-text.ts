import type { LongText } from '../model/operations.js'
import { endOfText } from '../text/text-end.js'
import type { Redactor } from './redact.js'
import { atOnce } from './slices.js'
import { capText, sanitise } from '../text/well-formed.js'

/**
 * A text as it may be stored: secrets hidden, at most so many bytes of UTF-8.
 *
 * It has no metadata beside it that could tell the cut, so its own end does.
 */
export function cleanText (redactor: Redactor, text: string, maxBytes: number): string {
  return atOnce(cleanSlowly(redactor, headOf(text, maxBytes), maxBytes))
}

/** Same in slices, for a text of megabytes: each `yield` is a place to pause. */
export function * cleanSlowly (
  redactor: Redactor, { text, chars, bytes }: LongText, maxBytes: number
): Generator<void, string, void> {
  const head = yield * redactor.headSlowly(sanitise(text), maxBytes)
  if (chars <= maxBytes && capText(head, maxBytes).originalBytes === undefined) return head
  const mark = `\n[truncated: ${bytes} bytes]`
  return capText(head, Math.max(0, maxBytes - mark.length)).text + mark.slice(0, maxBytes)
}

/** Same for a text whose end matters most: whole lines of that. */
export function cleanTail (redactor: Redactor, text: string, maxBytes: number): string {
  const clean = redactor.text(sanitise(endOfText(text, 8 * maxBytes)))
  let tail = clean.slice(-maxBytes)
  while (Buffer.byteLength(tail) > maxBytes) tail = tail.slice(Math.ceil((Buffer.byteLength(tail) - maxBytes) / 3))
  const line = tail.indexOf('\n') + 1
  return sanitise(tail.length < clean.length && line < tail.length / 2 ? tail.slice(line) : tail)
}

/** More than is kept: what follows may end a secret. The rest is not worth a look. */
export function headOf (text: string, maxBytes: number): LongText {
  const wanted = maxBytes + SEARCHED_BEHIND_CHARS
  // A slice would keep all of the text in memory.
  const head = text.length > wanted ? Buffer.from(text.slice(0, wanted), 'utf16le').toString('utf16le') : text
  return { text: head, chars: text.length, bytes: Buffer.byteLength(text) }
}

const SEARCHED_BEHIND_CHARS = 8_192
