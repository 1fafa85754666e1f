/** Longest word that is given up so that none is cut in two, in characters. */
export const MAX_WORD_CHARS = 8_192

/**
 * The end of a text whose beginning no longer fits: whole lines, else whole words. Half a word might be half a secret,
 * which nobody would recognise.
 *
 * @param maxChars at most so many characters
 */
export function endOfText (text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const kept = text.slice(-maxChars)
  if (/\s/.test(text.charAt(text.length - maxChars - 1))) return kept
  const head = kept.slice(0, Math.min(MAX_WORD_CHARS, Math.ceil(maxChars / 2)))
  const line = head.indexOf('\n')
  const blank = line >= 0 ? line : head.search(/\s/)
  return kept.slice(blank >= 0 ? blank + 1 : head.length)
}
