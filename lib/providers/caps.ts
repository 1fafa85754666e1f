import { endOfText, MAX_WORD_CHARS } from '../text/text-end.js'

export { endOfText }

/** A text on one line, whole. Line breaks are shown as ↵: in a shell they separate commands. */
export function oneLine (text: string): string {
  return text.split(/[\r\n]+/).map((line) => line.trim()).filter((line) => line !== '').join(' ↵ ')
}

/** The beginning of a text that was cut somewhere: without the word that the cut went through. */
export function withoutCutWord (text: string): string {
  const tail = text.slice(-MAX_WORD_CHARS)
  const end = Math.max(...[' ', '\t', '\n'].map((blank) => tail.lastIndexOf(blank)))
  return text.slice(0, text.length - tail.length + end + 1)
}
