import { replaceSpans, type Span } from './secret-spans.js'
import { capText } from '../text/well-formed.js'

/** Lines shown around a failure, it included. */
const LINES_AROUND = 20
/** So many failures have their surroundings shown; what follows is mostly their consequence. */
const MAX_FAILURES = 3
/** Text that is searched in one go, in characters. */
const SLICE_CHARS = 262_144

const FAILURE = /(?:^|[^\w-])(?:errors?|err!|fail(?:ed|ures?|s)?|fatal|panic(?:ked)?|traceback|not ok)(?![\w-])|\w(?:Error|Exception)\b|[✗✘✖✕]/gi
/** `0 errors`, `no failures`: none is meant. */
const NONE = /(?:\b0|\bno|\bwithout)\s{0,3}$/i

type Range = [from: number, to: number]

/**
 * What is kept of a long text: its beginning, the lines around the first failures, its end; between them what is left
 * out, with the numbers of the lines in the whole text. Works in slices: each `yield` is a place to pause.
 *
 * @param spans the secrets in it, which are replaced
 */
export function * excerpt (text: string, maxBytes: number, spans: readonly Span[]): Generator<void, string, void> {
  const failures = yield * findFailures(text)
  let room = Math.max(64, Math.floor(maxBytes * Math.min(1, text.length / Buffer.byteLength(text))) - 512)
  for (;;) {
    const kept = show(text, rangesOf(text, failures, room), spans)
    yield
    if (Buffer.byteLength(kept) <= maxBytes) return kept
    if (room <= 64) return capText(kept, maxBytes).text
    room = Math.floor(room * 0.7)
  }
}

/** Where the first failures are, apart by more than what is shown around one. */
function * findFailures (text: string): Generator<void, number[], void> {
  const found: number[] = []
  let until = 0
  for (let from = 0; from < text.length; from += SLICE_CHARS) {
    for (const { index } of text.slice(from, from + SLICE_CHARS).matchAll(FAILURE)) {
      const at = from + index
      if (at < until || NONE.test(text.slice(Math.max(0, at - 12), at + 1))) continue
      found.push(at)
      if (found.length === MAX_FAILURES) return found
      until = lineAfter(text, at, LINES_AROUND / 2)
    }
    yield
  }
  return found
}

/** A quarter for the beginning, an eighth for each failure, the rest for the end; whole lines where it can be. */
function rangesOf (text: string, failures: readonly number[], room: number): Range[] {
  const each = Math.floor(room / 8)
  const ranges: Range[] = [[0, startOfLine(text, 2 * each, each)]]
  for (const at of failures) {
    const from = Math.max(lineBefore(text, at, LINES_AROUND / 2), at - Math.floor(each / 2))
    ranges.push([from, Math.min(lineAfter(text, at, LINES_AROUND / 2), from + each)])
  }
  const tail = room - (2 + failures.length) * each
  ranges.push([endOfLine(text, text.length - tail, each), text.length])
  ranges.sort((a, b) => a[0] - b[0])
  const merged: Range[] = []
  for (const range of ranges) {
    const last = merged.at(-1)
    if (last !== undefined && range[0] <= last[1]) last[1] = Math.max(last[1], range[1])
    else merged.push(range)
  }
  return merged
}

function show (text: string, ranges: readonly Range[], spans: readonly Span[]): string {
  const lines = countLines(text, 0, text.length)
  let result = ''
  let done = 0
  let line = 1
  for (const [from, to] of ranges) {
    if (from > done) {
      const last = line + countLines(text, done, from) - (text.charAt(from - 1) === '\n' ? 1 : 0)
      result += `${result === '' || result.endsWith('\n') ? '' : '\n'}[… ${from - done} characters left out: lines ${line} to ${last} of ${lines + 1} …]\n`
      line += countLines(text, done, from)
    }
    result += replaceSpans(text.slice(from, to), spans, from)
    line += countLines(text, from, to)
    done = to
  }
  return result
}

function countLines (text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++
  return count
}

function startOfLine (text: string, at: number, slack: number): number {
  const line = text.lastIndexOf('\n', at - 1) + 1
  return line > at - slack ? line : wholeCharacter(text, at)
}

function endOfLine (text: string, at: number, slack: number): number {
  const line = text.indexOf('\n', at - 1) + 1
  return line > 0 && line < at + slack ? line : wholeCharacter(text, at)
}

function wholeCharacter (text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at
}

function lineBefore (text: string, at: number, lines: number): number {
  let from = at
  for (let count = 0; count <= lines && from > 0; count++) from = text.lastIndexOf('\n', from - 1)
  return Math.max(0, from + (from > 0 ? 1 : 0))
}

function lineAfter (text: string, at: number, lines: number): number {
  let to = at
  for (let count = 0; count < lines; count++) {
    to = text.indexOf('\n', to) + 1
    if (to === 0) return text.length
  }
  return to
}
