/** Line ends by Unicode that JSON leaves as they are; many readers of lines end one there, Python's among them. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** A value as JSON in one line, whatever the reader takes for the end of one. */
export function toJsonLine (value: unknown): string {
  return JSON.stringify(value).replace(LINE_ENDS, escape)
}

function escape (character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
