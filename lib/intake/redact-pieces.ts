import { HAS_PRIVATE_KEY } from './private-keys.js'
import type { SecretSearch } from './secret-search.js'
import { mergeSpans, replaceSpans, type Span } from './secret-spans.js'

/** Follows a text that arrives in pieces. */
export interface PieceRedactor {
  /**
   * The next pieces, with their secrets hidden: as many as were given, in their order.
   *
   * @param limits so many characters of each are wanted; a secret that reaches beyond is hidden
   */
  pieces (values: readonly string[], limits?: readonly (number | undefined)[]): string[]
}

/** How much of the text before a piece is kept in memory to recognise a secret that began there, in characters. */
const CONTEXT_CHARS = 512
/** Same, while a secret goes on. */
const LONG_CONTEXT_CHARS = 8_192

/** What has only begun is shorter; what is longer is recognised as it is. */
const BEGUN_CHARS = 1_024

const KEY_BEGIN = '-----BEGIN PRIVATE KEY-----'
const KEY_MARK = 'PRIVATE KEY'

/**
 * Begins to follow a text. What is kept of it is bounded.
 *
 * @param literals texts that are secrets as they are
 */
export function openPieces (search: SecretSearch, literals: readonly string[]): PieceRedactor {
  let context = ''
  let isInsideKey = false

  return {
    pieces (values, limits = []) {
      // A private key is longer than the context: it goes on until its end line.
      const before = isInsideKey ? KEY_BEGIN + context : context
      const joined = before + values.join('')
      const cut = (value: string, index: number) => value.slice(0, limits[index])
      if (!search.mayHold(joined) && !search.mayGoOn(joined.slice(-BEGUN_CHARS))) {
        context = endOf(joined, CONTEXT_CHARS)
        return values.map(cut)
      }
      const inEach = findInEach(values, before.length)
      const spans = mergeSpans([...search.find(joined), ...findUnfinished(joined), ...inEach])
      const last = spans.at(-1)
      const goesOn = last !== undefined && last[1] === joined.length
      const hidden = goesOn ? joined.slice(last[0]) : ''
      isInsideKey = goesOn && isOpenKey(hidden)
      if (isInsideKey) context = endOf(afterBegin(hidden), CONTEXT_CHARS)
      else context = endOf(joined, goesOn ? Math.min(hidden.length + CONTEXT_CHARS, LONG_CONTEXT_CHARS) : CONTEXT_CHARS)
      let offset = before.length
      return values.map((value, index) => {
        const piece = replaceSpans(cut(value, index), spans, offset)
        offset += value.length
        return piece
      })
    }
  }

  /** A piece may be a text of its own: what comes right before a secret at its start must not disguise it. */
  function findInEach (values: readonly string[], offset: number): Span[] {
    if (offset === 0 && values.length === 1) return []
    const spans: Span[] = []
    let start = offset
    for (const value of values) {
      const head = value.slice(0, LONG_CONTEXT_CHARS)
      for (const [from, to] of search.find(head)) spans.push([from + start, to + start])
      start += value.length
    }
    return spans
  }

  function findUnfinished (text: string): Span[] {
    const tail = text.slice(-BEGUN_CHARS)
    const offset = text.length - tail.length
    const line = tail.slice(tail.lastIndexOf('\n', tail.length - 2) + 1)
    const inLine = tail.length - line.length
    const begun: Span[] = search.findBegun(line).map(([from, to]) => [from + inLine, to + inLine])
    const inTail = [...search.findUnfinished(tail), ...begun]
    const spans: Span[] = inTail.map(([from, to]) => [from + offset, to + offset])
    for (const literal of literals) {
      for (let length = Math.min(literal.length - 1, text.length); length >= 4; length--) {
        if (!text.endsWith(literal.slice(0, length))) continue
        spans.push([text.length - length, text.length])
        break
      }
    }
    return spans
  }
}

/** Whether what is hidden at the end is a private key without its end line. */
function isOpenKey (hidden: string): boolean {
  if (!HAS_PRIVATE_KEY.test(hidden)) return false
  const begin = Math.max(hidden.lastIndexOf(`BEGIN ${KEY_MARK}`), hidden.lastIndexOf(KEY_MARK), hidden.lastIndexOf('Private-Lines'))
  return !/-----END|---- END|Private-MAC/.test(hidden.slice(begin))
}

/** The body of a key: half of its begin line would read as prose behind the line that is put before it. */
function afterBegin (hidden: string): string {
  const begin = hidden.lastIndexOf('PRIVATE KEY')
  const end = begin < 0 ? -1 : hidden.indexOf('---', begin)
  return end < 0 ? hidden : hidden.slice(end).replace(/^-+/, '')
}

/** A copy: a slice would keep all of the text in memory. */
function endOf (text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(-length)).toString()
}
