import { eachMatch } from './each-match.js'
import type { Span } from './secret-spans.js'

/** A text as a person would read it, and the way back to the text itself. */
export interface PlainView {
  readonly text: string
  /** The part of the original that a part of the view stands for. */
  toSource (span: Span): Span
}

// eslint-disable-next-line no-control-regex
const HAS_ESCAPES = /[\x1b\x9b\u200b-\u200d\u2060\ufeff\u00ad]|\\["'/nrtbfuxe0-7]|%[0-9a-fA-F]{2}|&[a-z#]|\^\[\[/

/** Escapes that may stand inside of a word and hide it; line breaks and quotes of JSON stand between words. */
// eslint-disable-next-line no-control-regex
export const HIDES_WORDS = /[\x1b\x9b\u200b-\u200d\u2060\ufeff\u00ad]|\\[/uxe0-7]|%[0-9a-fA-F]{2}|&(?:#|[a-z]{2,6};)|\^\[\[/

/** How the escape character is written: itself, as JSON, shells, C and URLs have it, and as `cat -v` shows it. */
const ESC = '(?:\\x1b|\\\\{1,32}(?:u001[bB]|x1[bB]|033|e)|%1[bB]|\\^\\[)'
const COLOUR = `${ESC}(?:\\[|%5[bB])[0-9;:?]{0,64}[A-Za-z]|\\x9b[0-9;:?]{0,64}[A-Za-z]`
const LINK = `${ESC}\\][^\\x07\\x1b\\n]{0,2048}(?:\\x07|${ESC}\\\\)`
const INVISIBLE = '[\\u200b-\\u200d\\u2060\\ufeff\\u00ad]'
/** Any number of backslashes: JSON inside JSON doubles them. */
const BACKSLASH = '\\\\{1,64}(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|(["\'/nrtbf]))'
/** `%253D` is a `%3D` that was escaped again. */
const PERCENT = '%(?:25){0,4}([0-9a-fA-F]{2})'
const ENTITY = '&(?:amp;){0,4}(?:#x0{0,4}([0-9a-fA-F]{2})|#0{0,4}([0-9]{2,3})|(quot|apos|lt|gt|nbsp|amp|equals|colon));'

const ESCAPES = new RegExp(`${COLOUR}|${LINK}|${INVISIBLE}|${BACKSLASH}|${PERCENT}|${ENTITY}`, 'g')

const LETTERS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
const NAMES: Readonly<Record<string, string>> = {
  quot: '"', apos: "'", lt: '<', gt: '>', nbsp: ' ', amp: '&', equals: '=', colon: ':'
}

/**
 * Takes colours and invisible characters out of a text, and reads what JSON, URLs and HTML escape, however often: what
 * stands before a secret must not disguise it. Costs linear time.
 *
 * @returns undefined for a text that has nothing of the kind
 */
export function plainView (text: string): PlainView | undefined {
  if (!HAS_ESCAPES.test(text)) return undefined
  /** Parts of the view: where each begins there and in the text, and where the text of an escape ends. */
  const viewAt: number[] = [0]
  const sourceAt: number[] = [0]
  const escapeEnd: number[] = [-1]
  let view = ''
  let done = 0

  eachMatch(ESCAPES, text, (match) => {
    const [whole, json, hex, letter, percent, entityHex, entityNumber, entity] = match
    const end = match.index + whole.length
    view += text.slice(done, match.index)
    const code = json ?? hex ?? percent ?? entityHex
    let read = ''
    if (code !== undefined) read = String.fromCharCode(Number.parseInt(code, 16))
    else if (letter !== undefined) read = LETTERS[letter] ?? letter
    else if (entityNumber !== undefined) read = String.fromCharCode(Number(entityNumber))
    else if (entity !== undefined) read = NAMES[entity] ?? ''
    if (read !== '') {
      viewAt.push(view.length)
      sourceAt.push(match.index)
      escapeEnd.push(end)
      view += read
    }
    viewAt.push(view.length)
    sourceAt.push(end)
    escapeEnd.push(-1)
    done = end
  })
  if (done === 0) return undefined
  view += text.slice(done)

  /** The part that a place of the view is in: the last that begins there or before. */
  function partAt (place: number): number {
    let low = 0
    let high = viewAt.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((viewAt[middle] as number) <= place) low = middle
      else high = middle - 1
    }
    return low
  }

  return {
    text: view,
    toSource ([from, to]) {
      const first = partAt(from)
      const last = partAt(to - 1)
      const start = (sourceAt[first] as number) + (escapeEnd[first] === -1 ? from - (viewAt[first] as number) : 0)
      const end = escapeEnd[last] as number
      return [start, end === -1 ? (sourceAt[last] as number) + to - (viewAt[last] as number) : end]
    }
  }
}
