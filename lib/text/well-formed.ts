/** A text that was cut to its cap, or not. */
export interface CappedText {
  readonly text: string
  /** Length before the cut, in bytes; undefined when nothing was cut. */
  readonly originalBytes?: number
}

/** NUL and lone surrogates can be stored in neither engine's JSON; they become U+FFFD. */
export function sanitise (text: string): string {
  const wellFormed = (text as unknown as { toWellFormed (): string }).toWellFormed()
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', '\uFFFD') : wellFormed
}

/**
 * Cuts a text to a number of UTF-8 bytes, at a whole character.
 *
 * The result holds no reference to the original, which may be megabytes.
 */
export function capText (text: string, maxBytes: number): CappedText {
  // A character takes at most three bytes for each of its code units.
  if (text.length * 3 <= maxBytes) return { text }
  const originalBytes = Buffer.byteLength(text)
  if (originalBytes <= maxBytes) return { text }
  const bytes = Buffer.from(text.slice(0, maxBytes))
  let end = Math.min(maxBytes, bytes.length)
  while (end > 0 && isContinuation(bytes[end])) end--
  return { text: bytes.toString('utf8', 0, end), originalBytes }
}

function isContinuation (byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xC0) === 0x80
}
