/** A piece of text with the classes that style it; never markup. */
export interface TextToken {
  readonly text: string
  readonly className: string
}

export interface TextLines {
  readonly lines: readonly (readonly TextToken[])[]
  /** Lines that were left out. */
  readonly hiddenLines: number
}

const ESCAPES = new RegExp([
  '\\x1b\\[(?<sgr>[\\d;:]*)m',
  // Every other control sequence, with its bounded parameters.
  '\\x1b\\[[0-?]{0,64}[ -/]{0,8}[@-~]?',
  // Operating system commands and strings: titles, links, the clipboard. What a link says stays.
  '\\x1b[\\]PX^_][^\\x07\\x1b\\n]*(?:\\x07|\\x1b\\\\)?',
  '\\x1b[ -/]{0,8}[0-~]?',
  '(?<control>[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]|[\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff])'
].join('|'), 'g')

const FLAGS = ['bold', 'dim', 'italic', 'underline'] as const
/** Characters of a line; one of more is shown in pieces, so that it folds: browsers lay out long ones slowly, too. */
const MAX_LINE_CHARS = 2000
const PIECES = /.{1,300}/gsu

interface Style { colour: number, flags: Set<string> }

/**
 * Takes program output apart into styled text, in linear time. Colours of text are kept, as one of sixteen of ours, so
 * that contrast stays ours too; backgrounds and every other sequence are dropped; characters that would hide something
 * or turn the direction of writing around are shown as what they are.
 */
export function toLines (text: string, maxLines: number): TextLines {
  const all = text.slice(0, endOf(text)).replace(/^\s*\n/, '').split('\n').map(lastState)
    .flatMap((line) => line.length > MAX_LINE_CHARS ? line.match(PIECES)! : line)
  const style: Style = { colour: 0, flags: new Set() }
  const lines = all.slice(0, maxLines).map((line) => toTokens(line, style))
  return { lines, hiddenLines: all.length - lines.length }
}

/** Where the blanks at the end begin. A mark of byte order is one to JavaScript, and would be hidden. */
function endOf (text: string): number {
  let end = text.length
  while (end > 0 && text[end - 1] !== '\ufeff' && text[end - 1]!.trim() === '') end--
  return end
}

/** One line of plain text that is safe to show, for labels; `…` stands for what is beyond `maxChars`. */
export function toPlainText (text: string, maxChars = 200): string {
  const line = text.slice(0, maxChars * 4).replace(/[^\S\ufeff]+/g, ' ').replace(/^ | $/g, '')
  const { lines } = toLines(line, 1)
  const plain = (lines[0] ?? []).map((token) => token.text).join('')
  return plain.length > maxChars ? `${plain.slice(0, Math.max(1, maxChars - 1))}…` : plain
}

/** What a terminal would still show of a line that a program wrote over, as progress bars do. */
function lastState (line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.slice(text.lastIndexOf('\r') + 1)
}

function toTokens (line: string, style: Style): TextToken[] {
  const tokens: TextToken[] = []
  const push = (text: string): void => {
    if (text !== '') tokens.push({ text, className: classOf(style) })
  }
  let end = 0
  for (const match of line.matchAll(ESCAPES)) {
    push(line.slice(end, match.index))
    end = match.index + match[0].length
    const { sgr, control } = match.groups!
    if (sgr !== undefined) applyStyle(style, sgr)
    else if (control !== undefined) tokens.push({ text: nameOf(control), className: 'mark' })
  }
  push(line.slice(end))
  return tokens
}

/** Unicode's pictures of the C0 characters, the number of all others. */
function nameOf (character: string): string {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

function classOf ({ colour, flags }: Style): string {
  return [...(colour === 0 ? [] : [`fg${colour}`]), ...flags].join(' ')
}

/** @see https://www.ecma-international.org/publications-and-standards/standards/ecma-48/ 8.3.117 */
function applyStyle (style: Style, parameters: string): void {
  const codes = parameters.split(/[;:]/).map(Number)
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i]!
    if (code === 0) Object.assign(style, { colour: 0, flags: new Set() })
    else if (code <= 4) style.flags.add(FLAGS[code - 1]!)
    else if (code === 22) for (const flag of ['bold', 'dim']) style.flags.delete(flag)
    else if (code === 23 || code === 24) style.flags.delete(FLAGS[code - 21]!)
    else if (code >= 30 && code <= 37) style.colour = code - 29
    else if (code >= 90 && code <= 97) style.colour = code - 81
    else if (code === 39) style.colour = 0
    else if (code === 38 || code === 48) {
      // Only the sixteen that have a name: the others could not be read on every background.
      const isIndexed = codes[i + 1] === 5
      if (code === 38) style.colour = isIndexed && codes[i + 2]! < 16 ? codes[i + 2]! + 1 : 0
      i += isIndexed ? 2 : 4
    }
  }
}
