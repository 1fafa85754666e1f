import { toPlainText } from './ansi.js'

/** Words with which programs begin to complain, and marks of test runners. */
const COMPLAINT = /\b(?:[A-Z]\w*(?:Error|Exception)|error|fatal|panic(?:ked)?|FAIL(?:ED|URE)?|Traceback|Segmentation fault|not ok \d|undefined reference|command not found|No such file|Permission denied|Killed|out of memory)\b|^\s*(?:[×✕✖✗]|\d+\) )|^E\s{2,}/i
/** Words that contain the others and complain of nothing. */
const CALM = /\b0 (?:errors?|failed|failures)\b|\bno errors?\b|error(?:s)?[-_]?(?:handler|handling|page|boundary|rate|lines?)\b|^\s*(?:✓|✔|ok \d)/i
/** Frames of a stack, which follow the complaint. */
const FRAME = /^\s*at\s|^\s*\^+\s*$/
/** What the recorder writes in the place of what it cut. */
const CUT = /^\[… \d+ characters left out: lines \d+ to (\d+) of \d+ …\]$/

export interface OutputLine {
  /** Number in the output as the program printed it. */
  readonly number: number
  readonly text: string
  readonly isError: boolean
  /** Stands for lines that were not stored. */
  readonly isCut: boolean
}

/** The lines of an output, numbered as the program printed them, and which of them complain. */
export function outputLines (output: string): OutputLine[] {
  let number = 0
  return output.replace(/\n+$/, '').split('\n').map((text) => {
    const cut = CUT.exec(text)
    number = cut === null ? number + 1 : Number(cut[1])
    // eslint-disable-next-line no-control-regex
    const plain = text.length > 2000 ? text.slice(0, 2000) : text.replace(/\x1b\[[\d;]*m/g, '')
    const isError = cut === null && COMPLAINT.test(plain) && !CALM.test(plain) && !FRAME.test(plain)
    return { number, text, isError, isCut: cut !== null }
  })
}

/** The first lines of neighbouring complaints: where errors begin. */
export function errorStarts (lines: readonly OutputLine[]): number[] {
  return lines.flatMap(({ isError }, i) => isError && !lines[i - 1]?.isError ? [i] : [])
}

/** The two or three lines that say best what went wrong, and how many there are in all. */
export function excerptOf (output: string): { lines: Array<{ text: string, isError: boolean }>, total: number } {
  const lines = outputLines(output)
  const last = lines.findLastIndex(({ text }) => text.trim() !== '')
  const first = lines.findIndex(({ isError }) => isError)
  const from = first === -1 ? Math.max(0, last - 1) : first
  const picked = lines.slice(from, Math.min(from + 3, last + 1)).filter(({ text }) => text.trim() !== '')
  return { lines: picked.map(({ text, isError }) => ({ text: toPlainText(text, 240), isError })), total: last + 1 }
}
