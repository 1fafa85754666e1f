/** Line ends by Unicode that JSON leaves as they are; many readers of lines end one there, Python's among them. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** A value as JSON in one line, whatever the reader takes for the end of one. */
export function toJsonLine (value: unknown): string {
  return JSON.stringify(value).replace(LINE_ENDS, escape)
}

/** What a terminal might obey, or show otherwise than it is; JSON has its own escapes for the rest of these. */
const OBEYED = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** The same for a terminal: the value is exact, and steers nothing. */
export function toTerminalJson (value: unknown): string {
  return JSON.stringify(value).replace(OBEYED, escape)
}

function escape (character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
