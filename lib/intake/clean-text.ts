import { endOfText } from '../text/text-end.js'
import type { Redactor } from './redact.js'
import { capText, sanitise } from '../text/well-formed.js'

/**
 * A text as it may be stored: secrets hidden, at most so many bytes of UTF-8.
 *
 * It has no metadata beside it that could tell the cut, so its own end does.
 */
export function cleanText (redactor: Redactor, text: string, maxBytes: number): string {
  const head = redactor.head(sanitise(headOf(text, maxBytes)), maxBytes)
  if (text.length <= maxBytes && capText(head, maxBytes).originalBytes === undefined) return head
  const mark = `\n[truncated: ${Buffer.byteLength(text)} bytes]`
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
function headOf (text: string, maxBytes: number): string {
  return text.length > maxBytes + SEARCHED_BEHIND_CHARS ? text.slice(0, maxBytes + SEARCHED_BEHIND_CHARS) : text
}

const SEARCHED_BEHIND_CHARS = 8_192
