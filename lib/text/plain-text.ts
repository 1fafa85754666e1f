import { shortenText } from './cut.js'

// eslint-disable-next-line no-control-regex -- colours are dropped, everything else that controls is made visible
const COLOURS = /\u001b\[[\d;:]*m/g
/**
 * C0 and C1, and what turns the direction of writing, hides, or breaks a line: not the joiners, which emoji and scripts
 * are made with.
 */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/**
 * A text as it may be printed on a terminal or put into a log, in one line: line breaks and tabs become spaces, colours
 * are dropped, and characters that would move the cursor, set a title or the clipboard, or turn the direction of
 * writing around are shown instead of obeyed.
 */
export function toVisible (text: string): string {
  return text.replace(COLOURS, '').replace(/[\r\n\t]+/g, ' ').replace(CONTROLS, showControl)
}

/** The same for a text of many lines, which stay lines, with their tabs. */
export function toVisibleBlock (text: string): string {
  return text.replace(COLOURS, '').replace(/\r\n?/g, '\n').replace(CONTROLS, (character) =>
    character === '\n' || character === '\t' ? character : showControl(character))
}

/** The same without blanks around it, and no longer than `maxLength` characters before controls are shown. */
export function toPlainLine (text: string, maxLength = 200): string {
  const line = text.slice(0, maxLength * 4).replace(COLOURS, '').replace(/[\r\n\t]+/g, ' ').trim()
  return toVisible(shortenText(line, maxLength))
}

/** The lines of a text, those without content left out. */
export function toPlainLines (text: string, maxLength?: number): string[] {
  return text.split(/\r\n|[\r\n]/).map((line) => toPlainLine(line, maxLength)).filter((line) => line !== '')
}

/** `29s`, `3m 30s`, `1h 5m`: what a person wants to know of a duration. */
export function formatDuration (ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return join(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  return join(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
}

function join (large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`
}

function showControl (character: string): string {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
}
