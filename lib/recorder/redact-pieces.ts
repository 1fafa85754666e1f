import { UNFINISHED, type Rule } from './secret-rules.js'
import { findSpans, mergeSpans, replaceSpans, type Span } from './secret-spans.js'

/** Follows a text that arrives in pieces. */
export interface PieceRedactor {
  /** The next pieces, with their secrets hidden: as many as were given, in their order. */
  pieces (values: readonly string[]): string[]
}

export interface PieceRedactorOptions {
  readonly rules: readonly Rule[]
  /** Texts that are secrets as they are. */
  readonly literals: readonly string[]
  /** False where no rule can find anything. */
  readonly mayHold: (text: string) => boolean
}

/** How much of the text before a piece is kept in memory to recognise a secret that began there, in characters. */
const CONTEXT_CHARS = 512
/** Same, while a secret goes on. */
const LONG_CONTEXT_CHARS = 8_192

const KEY_BEGIN_END = 'PRIVATE KEY-----'
/** What follows the begin line of a private key where somebody only speaks of it. */
const PROSE = /\b[a-z]{1,15} [a-z]{1,15} [a-z]{1,15}\b/i

/** Begins to follow a text. What is kept of it is bounded. */
export function openPieces ({ rules, literals, mayHold }: PieceRedactorOptions): PieceRedactor {
  let context = ''
  let isInsideKey = false

  return {
    pieces (values) {
      // A private key is longer than the context: it goes on until its end line.
      const before = isInsideKey ? `-----BEGIN ${KEY_BEGIN_END}${context}` : context
      const joined = before + values.join('')
      if (!mayHold(joined)) {
        context = endOf(joined, CONTEXT_CHARS)
        return [...values]
      }
      const unfinished = findUnfinished(joined, literals)
      const spans = mergeSpans([...findSpans(joined, rules), ...unfinished, ...findInEach(values, before.length)])
      const last = spans.at(-1)
      const goesOn = last !== undefined && last[1] === joined.length
      const keyStart = goesOn ? joined.indexOf(KEY_BEGIN_END, Math.max(last[0], joined.lastIndexOf('-----BEGIN'))) : -1
      const key = keyStart < 0 ? '' : joined.slice(keyStart + KEY_BEGIN_END.length)
      const isSpokenOf = PROSE.test(key)
      isInsideKey = keyStart >= 0 && !isSpokenOf && !key.includes('-----END')
      const isLong = goesOn && !isInsideKey && !isSpokenOf
      const kept = isLong ? Math.min(joined.length - last[0] + CONTEXT_CHARS, LONG_CONTEXT_CHARS) : CONTEXT_CHARS
      context = endOf(isSpokenOf ? key : joined, kept)
      let offset = before.length
      return values.map((value) => {
        const piece = replaceSpans(value, spans, offset)
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
      if (mayHold(head)) for (const [from, to] of findSpans(head, rules)) spans.push([from + start, to + start])
      start += value.length
    }
    return spans
  }
}

/** A copy: a slice would keep all of the text in memory. */
function endOf (text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(-length)).toString()
}

function findUnfinished (text: string, literals: readonly string[]): Span[] {
  const tail = text.slice(-LONG_CONTEXT_CHARS)
  const offset = text.length - tail.length
  const spans: Span[] = []
  for (const { hint, pattern, group } of UNFINISHED) {
    const span = hint?.test(tail) === false ? undefined : pattern.exec(tail)?.indices?.[group]
    if (span !== undefined) spans.push([span[0] + offset, span[1] + offset])
  }
  for (const literal of literals) {
    for (let length = Math.min(literal.length - 1, text.length); length >= 4; length--) {
      if (!text.endsWith(literal.slice(0, length))) continue
      spans.push([text.length - length, text.length])
      break
    }
  }
  return spans
}
