import type { Redactor } from './redact.js'
import { capText, sanitise } from './text.js'

/** How much more than its cap of a text is kept until it is redacted, in bytes, so that no secret is cut in two. */
export const MARGIN_BYTES = 4_096

/**
 * A text as it may be stored: secrets hidden, at most so many bytes of UTF-8.
 *
 * It has no metadata beside it that could tell the cut, so its own end does.
 */
export function cleanText (redactor: Redactor, text: string, maxBytes: number): string {
  const near = capText(sanitise(text), maxBytes + MARGIN_BYTES)
  const hidden = redactor.text(near.text)
  const cut = capText(hidden, maxBytes)
  const originalBytes = near.originalBytes ?? cut.originalBytes
  if (originalBytes === undefined) return cut.text
  const mark = `\n[truncated: ${originalBytes} bytes]`
  return capText(hidden, Math.max(0, maxBytes - mark.length)).text + mark.slice(0, maxBytes)
}
