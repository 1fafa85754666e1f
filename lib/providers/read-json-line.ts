import { object, type JsonObject } from './json.js'
import type { Line } from './process/lines.js'

/** What stands on a line, in its order: objects, and text between them. */
export type LinePart = JsonObject | string

/**
 * The JSON objects of a line. A line should be one; but programs print others' words before it without a line break,
 * two objects on one line, colours, or a list of objects. What is in the text between comes as text.
 *
 * A line that was longer than the cap is read by its beginning and its end, where what is missing lay inside of one
 * string, and else by its beginning alone: names and ids stand there.
 *
 * Takes linear time, whatever is on the line.
 */
export function readJsonLine (line: Line): LinePart[] {
  if (line.truncated) return readCut(line)
  const { text } = line
  const whole = parse(text)
  if (isObject(whole)) return [whole]
  if (Array.isArray(whole) && whole.length > 0 && whole.every(isObject)) return whole
  return text.includes('{') ? findObjects(clean(text)) : text.trim() === '' ? [] : [text]
}

/** A part that is an object. */
export function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Terminal sequences: CSI, OSC (ended by BEL or ST), and those of two characters. */
// eslint-disable-next-line no-control-regex
const SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[@-Z\\^_=>])/g
/** JSON has none of these inside a string, and needs none outside. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f\ufeff]/g

function clean (text: string): string {
  return text.replace(SEQUENCES, '').replace(CONTROLS, '')
}

/** Attempts at an object that turned out to be none; each may cost a walk to the end of the line. */
const MAX_ATTEMPTS = 16

function findObjects (text: string): LinePart[] {
  const parts: LinePart[] = []
  let from = 0
  const tellText = (end: number): void => {
    const between = text.slice(from, end).trim()
    if (between !== '') parts.push(between)
  }
  for (let attempts = 0, at = nextStart(text, 0); at !== -1 && attempts < MAX_ATTEMPTS;) {
    const end = endOf(text, at)
    const value = end === -1 ? undefined : parse(text.slice(at, end))
    if (isObject(value)) {
      tellText(at)
      parts.push(value)
      from = end
      at = nextStart(text, end)
      continue
    }
    attempts++
    at = nextStart(text, at + 1)
  }
  tellText(text.length)
  return parts
}

const START = /\{\s*"/g

function nextStart (text: string, from: number): number {
  START.lastIndex = from
  return START.exec(text)?.index ?? -1
}

const MARKS = /["{}]/g

/** Behind the bracket that closes the one at `start`; -1 where none does. */
function endOf (text: string, start: number): number {
  let depth = 0
  MARKS.lastIndex = start
  for (let mark = MARKS.exec(text); mark !== null; mark = MARKS.exec(text)) {
    if (mark[0] === '{') depth++
    else if (mark[0] === '}' && --depth === 0) return mark.index + 1
    else if (mark[0] === '"') {
      const close = endOfString(text, mark.index + 1)
      if (close === -1) return -1
      MARKS.lastIndex = close
    }
  }
  return -1
}

function endOfString (text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return -1
}

/** What is read of the beginning of a line that is longer than the cap, in characters: the rest of it is one value. */
const HEAD_CHARS = 65_536

function readCut ({ text, tail = '', missingBytes = 0 }: Line): LinePart[] {
  const head = clean(text.slice(0, HEAD_CHARS))
  const start = nextStart(head, 0)
  const cut = text.slice(0, 200)
  if (start === -1) return [cut]
  const before = head.slice(0, start).trim()
  const begun = head.slice(start).replace(/\\(?:u[0-9a-fA-F]{0,3})?$/, '')
  const omitted = Math.max(0, text.length - HEAD_CHARS) + missingBytes
  const joined = `${begun}[… about ${omitted} characters …]`
  const value = parse(joined + tail) ?? parse(joined + tail.slice(1)) ?? parse(closed(begun))
  const parts = isObject(value) ? [object(value)] : [cut]
  return before === '' || !isObject(value) ? parts : [before, ...parts]
}

/** A beginning of JSON with all that is open in it closed. */
function closed (begun: string): string {
  const open: string[] = []
  let complete = ''
  let isKey = true
  const closing = (): string => open.toReversed().map((bracket) => bracket === '{' ? '}' : ']').join('')
  for (let at = 0; at < begun.length; at++) {
    const mark = begun[at]!
    if (mark === '{' || mark === '[') {
      open.push(mark)
      isKey = mark === '{'
      complete = begun.slice(0, at + 1) + closing()
    } else if (mark === '}' || mark === ']') {
      open.pop()
      isKey = false
      complete = begun.slice(0, at + 1) + closing()
    } else if (mark === ',') {
      complete = begun.slice(0, at) + closing()
      isKey = open.at(-1) === '{'
    } else if (mark === ':') isKey = false
    else if (mark === '"') {
      const end = endOfString(begun, at + 1)
      if (end === -1) return isKey ? complete : `${begun}"${closing()}`
      at = end - 1
    }
  }
  return complete
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
