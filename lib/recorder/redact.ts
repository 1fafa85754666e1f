import { checkList } from '../options.js'

/** What to hide in addition to the defaults. */
export interface RedactOptions {
  /** Whatever matches is replaced. A string is taken literally. */
  readonly patterns?: ReadonlyArray<RegExp | string>
  /** Values under these keys are replaced in metadata; case, `-` and `_` don't matter. */
  readonly keyNames?: readonly string[]
}

/** Hides secrets in everything that is stored. */
export interface Redactor {
  /** A text that stands for itself. */
  text (value: string): string
  /** Metadata as JSON text. */
  json (value: string): string
  /** A text that is the beginning of a longer one: what may be the beginning of a secret at its end is hidden, too. */
  beforeCut (value: string): string
  /** Follows a text that arrives in pieces, so that a secret cut in two is found; the pieces keep their number. */
  openStream (): PieceRedactor
}

export interface PieceRedactor {
  pieces (values: readonly string[]): string[]
}

/** What stands where a secret was. */
export const REDACTED = '[redacted]'

interface Rule {
  readonly pattern: RegExp
  /** Index of the group that is the secret; 0 for all of it. */
  readonly group: number
}

const TOKENS = [
  'sk-ant-[\\w-]{16,}', 'sk-[\\w-]{20,}', '[sr]k_(?:live|test)_[A-Za-z0-9]{16,}', 'AIza[\\w-]{30,}', 'ya29\\.[\\w-]{20,}',
  'gh[pousr]_[A-Za-z0-9]{30,}', 'github_pat_[A-Za-z0-9_]{30,}', 'glpat-[\\w-]{18,}', 'xox[abeoprs]-[\\w-]{10,}',
  '(?:AKIA|ASIA)[A-Z0-9]{16}', 'npm_[A-Za-z0-9]{30,}', 'hf_[A-Za-z0-9]{30,}', 'gsk_[A-Za-z0-9]{30,}',
  'xai-[A-Za-z0-9]{30,}', 'pplx-[A-Za-z0-9]{30,}', 'r8_[A-Za-z0-9]{30,}',
  'eyJ[\\w-]{8,512}\\.eyJ[\\w-]{8,}(?:\\.[\\w-]*)?'
]

const PRIVATE_KEY =
  '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)'

// Every repetition that other text may follow is bounded: a response of a megabyte must not cost its square.
const CREDENTIALS = '\\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\\s{1,9}'
const MIXED = '(?=[\\w.~+/-]{0,512}(?:\\d|=|[a-z][A-Z]))'
const URL_USER = "\\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^\\s:/@'\"]{0,256}:"
const ASSIGNMENT = '(?:api[_-]?key|secret|token|passw(?:or)?d|passphrase)(?:[_-]?(?:key|id))?["\']?\\s{0,9}[=:]\\s{0,9}["\']?'

const RULES: readonly Rule[] = [
  { pattern: new RegExp(PRIVATE_KEY, 'dg'), group: 0 },
  { pattern: new RegExp(`(?<![A-Za-z0-9])(?:${TOKENS.join('|')})`, 'dg'), group: 0 },
  // Prose goes on after `basic`, too; a credential has a digit, a capital inside or padding.
  { pattern: new RegExp(`${CREDENTIALS}(${MIXED}[\\w.~+/=-]{12,})`, 'dg'), group: 1 },
  { pattern: new RegExp(`${URL_USER}([^\\s@/'"]{1,512})@`, 'dg'), group: 1 },
  { pattern: new RegExp(`${ASSIGNMENT}([^\\s"',;&]{8,})`, 'dgi'), group: 1 }
]

/** One cheap test says no for nearly every text; only the rest meets the rules. */
const TRIGGER = new RegExp([
  'sk-', 'k_live_', 'k_test_', 'AIza', 'ya29', 'gh[pousr]_', 'github_pat_', 'glpat-', 'xox', 'AKIA', 'ASIA', 'npm_', 'hf_',
  'gsk_', 'xai-', 'pplx-', 'r8_', 'eyJ', 'PRIVATE KEY', '[Bb]earer', 'BEARER', '[Bb]asic ', '://',
  '[Aa][Pp][Ii][_-]?[Kk][Ee][Yy]', '[Ss](?:ecret|ECRET)', '[Tt](?:oken|OKEN)', '[Pp](?:assw|ASSW|assphrase)'
].join('|'))

/** The beginning of a secret at the very end of a piece: the rest may come with the next one. */
const UNFINISHED: readonly Rule[] = [
  {
    pattern: new RegExp('(?<![A-Za-z0-9])(?:sk-|[sr]k_(?:live|test)_|AIza|ya29\\.|gh[pousr]_|github_pat_|glpat-|' +
      'xox[abeoprs]-|AKIA|ASIA|npm_|hf_|gsk_|xai-|pplx-|r8_|eyJ)[\\w.~+/=-]{4,}$', 'd'),
    group: 0
  },
  { pattern: new RegExp(`${CREDENTIALS}(${MIXED}[\\w.~+/=-]{4,})$`, 'd'), group: 1 },
  // A number there is a port.
  { pattern: new RegExp(`${URL_USER}(?!\\d{1,5}$)([^\\s@/'"]{1,512})$`, 'd'), group: 1 },
  { pattern: new RegExp(`${ASSIGNMENT}(?!\\d+$)([^\\s"',;&]{4,})$`, 'di'), group: 1 }
]

const KEY_NAMES = [
  'password', 'passwd', 'passphrase', 'secret', 'clientsecret', 'secretkey', 'secretaccesskey', 'apikey', 'xapikey',
  'token', 'accesstoken', 'refreshtoken', 'idtoken', 'authtoken', 'sessiontoken', 'privatekey', 'authorization',
  'proxyauthorization', 'cookie', 'setcookie', 'credentials', 'connectionstring'
]

/** What names of secrets end with: ANTHROPIC_API_KEY, dbPassword. */
const KEY_ENDINGS = ['password', 'passwd', 'passphrase', 'secret', 'apikey', 'token', 'privatekey', 'accesskey', 'secretkey']

/** How much of the text before a piece is kept in memory to recognise a secret that began there, in characters. */
const CONTEXT_CHARS = 512
/** Same, while a secret goes on. */
const LONG_CONTEXT_CHARS = 8_192

/** Makes the redactor for a timeline; `false` hides nothing. @throws AGENT_TIMELINE_INVALID_OPTION */
export function createRedactor (options: RedactOptions | false = {}): Redactor {
  if (options === false) return KEEP_ALL
  checkList('redact.patterns', options.patterns, 'texts and regular expressions', (item) => isText(item) || item instanceof RegExp)
  checkList('redact.keyNames', options.keyNames, 'texts', isText)
  const extra = (options.patterns ?? []).map(toRule)
  const literals = (options.patterns ?? []).filter((pattern) => typeof pattern === 'string')
  const rules = [...RULES, ...extra]
  const keyNames = new Set([...KEY_NAMES, ...(options.keyNames ?? []).map(normaliseKey)])
  const mayHold = (text: string) => extra.length > 0 || TRIGGER.test(text)

  const text = (value: string) => mayHold(value) ? replaceRanges(value, findRanges(value, rules)) : value

  function walk (value: unknown): unknown {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, inner]) => [key, hides(key, inner) ? REDACTED : walk(inner)])
    return Object.fromEntries(entries)
  }

  function hides (key: string, value: unknown): boolean {
    if (value === null || typeof value === 'boolean') return false
    const name = normaliseKey(key)
    // Numbers under such endings are counts.
    return keyNames.has(name) || (typeof value !== 'number' && KEY_ENDINGS.some((ending) => name.endsWith(ending)))
  }

  const spaced = (name: string) => [...name].map(escapeRegExp).join('[-_ ]?')
  const exact = [...keyNames].map(spaced).join('|')
  const endings = KEY_ENDINGS.map(spaced).join('|')
  const hasKey = new RegExp(`"(?:${exact}|[^"]{0,64}(?:${endings}))"\\s*:`, 'i')

  const openStream = () => openPieces(rules, literals, mayHold)

  return {
    text,
    json: (value) => mayHold(value) || hasKey.test(value) ? JSON.stringify(walk(JSON.parse(value))) : value,
    beforeCut: (value) => openStream().pieces([value])[0] as string,
    openStream
  }
}

function isText (value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

const KEEP_ALL: Redactor = {
  text: (value) => value,
  json: (value) => value,
  beforeCut: (value) => value,
  openStream: () => ({ pieces: (values) => [...values] })
}

function openPieces (
  rules: readonly Rule[], literals: readonly string[], mayHold: (text: string) => boolean
): PieceRedactor {
  let context = ''
  let isInsideKey = false

  return {
    pieces (values) {
      // A private key is longer than the context: it goes on until its end line.
      const before = isInsideKey ? '-----BEGIN PRIVATE KEY-----' + context : context
      const joined = before + values.join('')
      if (!mayHold(joined)) {
        context = joined.slice(-CONTEXT_CHARS)
        return [...values]
      }
      const unfinished = findUnfinished(joined, literals)
      const ranges = merge([...findRanges(joined, rules), ...unfinished])
      const keyStart = joined.lastIndexOf('-----BEGIN')
      isInsideKey = keyStart >= 0 && ranges.some(([from, to]) => from <= keyStart && to === joined.length) &&
        !joined.includes('-----END', keyStart)
      const last = ranges.at(-1)
      const goesOn = last !== undefined && last[1] === joined.length && !isInsideKey
      const kept = goesOn ? Math.min(joined.length - last[0] + CONTEXT_CHARS, LONG_CONTEXT_CHARS) : CONTEXT_CHARS
      context = joined.slice(-kept)
      let offset = before.length
      return values.map((value) => {
        const piece = replaceRanges(value, ranges, offset)
        offset += value.length
        return piece
      })
    }
  }
}

type Span = readonly [from: number, to: number]

function findUnfinished (text: string, literals: readonly string[]): Span[] {
  const tail = text.slice(-LONG_CONTEXT_CHARS)
  const offset = text.length - tail.length
  const spans: Span[] = []
  for (const { pattern, group } of UNFINISHED) {
    const span = pattern.exec(tail)?.indices?.[group]
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

function findRanges (text: string, rules: readonly Rule[]): Span[] {
  const spans: Span[] = []
  for (const { pattern, group } of rules) {
    for (const match of text.matchAll(pattern)) {
      const span = match.indices?.[group]
      if (span !== undefined && span[1] > span[0]) spans.push(span)
    }
  }
  return merge(spans)
}

function merge (spans: Span[]): Span[] {
  spans.sort((a, b) => a[0] - b[0])
  const merged: Span[] = []
  for (const span of spans) {
    const last = merged.at(-1)
    if (last !== undefined && span[0] <= last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], span[1])]
    else merged.push(span)
  }
  return merged
}

/** Replaces the ranges of a longer text that reach into this part of it, which begins at `offset`. */
function replaceRanges (text: string, ranges: readonly Span[], offset = 0): string {
  let result = ''
  let done = 0
  for (const [from, to] of ranges) {
    const start = Math.max(from - offset, 0)
    const end = Math.min(to - offset, text.length)
    if (end <= start) continue
    result += text.slice(done, start) + (from >= offset || start === 0 ? REDACTED : '')
    done = end
  }
  return result + text.slice(done)
}

function toRule (pattern: RegExp | string): Rule {
  if (typeof pattern === 'string') return { pattern: new RegExp(escapeRegExp(pattern), 'dg'), group: 0 }
  return { pattern: new RegExp(pattern.source, [...new Set(pattern.flags + 'dg')].join('').replace('y', '')), group: 0 }
}

function escapeRegExp (text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function normaliseKey (key: string): string {
  return key.toLowerCase().replace(/[-_ ]/g, '')
}
