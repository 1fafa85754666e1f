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
  'eyJ[\\w-]{8,}\\.eyJ[\\w-]{8,}(?:\\.[\\w-]*)?'
]

const PRIVATE_KEY = '-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)'

const RULES: readonly Rule[] = [
  { pattern: new RegExp(PRIVATE_KEY, 'dg'), group: 0 },
  { pattern: new RegExp(`(?<![A-Za-z0-9])(?:${TOKENS.join('|')})`, 'dg'), group: 0 },
  { pattern: /\b(?:Bearer|Basic)\s+([\w.~+/=-]{12,})/dgi, group: 1 },
  { pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*:([^\s@/'"]+)@/dgi, group: 1 },
  {
    pattern: /(?:api[_-]?key|secret|token|passw(?:or)?d|passphrase)(?:[_-]?(?:key|id))?["']?\s*[=:]\s*["']?([^\s"',;&]{8,})/dgi,
    group: 1
  }
]

/** One cheap test says no for nearly every text; only the rest meets the rules. */
const TRIGGER = new RegExp([
  'sk-', 'k_live_', 'k_test_', 'AIza', 'ya29', 'gh[pousr]_', 'github_pat_', 'glpat-', 'xox', 'AKIA', 'ASIA', 'npm_', 'hf_',
  'gsk_', 'xai-', 'pplx-', 'r8_', 'eyJ', 'PRIVATE KEY', '[Bb]earer', 'BEARER', '[Bb]asic ', '://',
  '[Aa][Pp][Ii][_-]?[Kk][Ee][Yy]', '[Ss](?:ecret|ECRET)', '[Tt](?:oken|OKEN)', '[Pp](?:assw|ASSW|assphrase)'
].join('|'))

/** The beginning of a secret at the very end of a piece: the rest may come with the next one. */
const UNFINISHED = new RegExp('(?<![A-Za-z0-9])(?:sk-|[sr]k_(?:live|test)_|AIza|ya29\\.|gh[pousr]_|github_pat_|glpat-|' +
  'xox[abeoprs]-|AKIA|ASIA|npm_|hf_|gsk_|xai-|pplx-|r8_|eyJ|Bearer )[\\w.~+/=-]{4,}$')

const KEY_NAMES = [
  'password', 'passwd', 'passphrase', 'secret', 'clientsecret', 'secretkey', 'secretaccesskey', 'apikey', 'xapikey',
  'token', 'accesstoken', 'refreshtoken', 'idtoken', 'authtoken', 'sessiontoken', 'privatekey', 'authorization',
  'proxyauthorization', 'cookie', 'setcookie', 'credentials', 'connectionstring'
]

/** How much of the text before a piece is kept in memory to recognise a secret that began there, in characters. */
const CONTEXT_CHARS = 512

/** Makes the redactor for a timeline; `false` hides nothing. */
export function createRedactor (options: RedactOptions | false = {}): Redactor {
  if (options === false) return KEEP_ALL
  const extra = (options.patterns ?? []).map(toRule)
  const rules = [...RULES, ...extra]
  const keyNames = new Set([...KEY_NAMES, ...(options.keyNames ?? []).map(normaliseKey)])
  const mayHold = (text: string) => extra.length > 0 || TRIGGER.test(text)

  const text = (value: string) => mayHold(value) ? replaceRanges(value, findRanges(value, rules)) : value

  function walk (value: unknown): unknown {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => {
      const hides = keyNames.has(normaliseKey(key)) && (typeof inner === 'string' || typeof inner === 'number')
      return [key, hides ? REDACTED : walk(inner)]
    }))
  }

  const names = [...keyNames].map((name) => [...name].map(escapeRegExp).join('[-_ ]?')).join('|')
  const hasKey = new RegExp(`"(?:${names})"\\s*:`, 'i')

  return {
    text,
    json: (value) => mayHold(value) || hasKey.test(value) ? JSON.stringify(walk(JSON.parse(value))) : value,
    openStream: () => openPieces(rules, mayHold)
  }
}

const KEEP_ALL: Redactor = {
  text: (value) => value,
  json: (value) => value,
  openStream: () => ({ pieces: (values) => [...values] })
}

function openPieces (rules: readonly Rule[], mayHold: (text: string) => boolean): PieceRedactor {
  let context = ''
  let isInsideKey = false

  return {
    pieces (values) {
      // A private key is longer than the context: it goes on until its end line.
      const before = isInsideKey ? '-----BEGIN PRIVATE KEY-----' + context : context
      const joined = before + values.join('')
      const ranges = mayHold(joined) ? withUnfinished(joined, findRanges(joined, rules)) : []
      isInsideKey = ranges.some(([from, to]) => to === joined.length && joined.startsWith('-----BEGIN', from) &&
        !joined.slice(from).includes('-----END'))
      context = joined.slice(-CONTEXT_CHARS)
      if (ranges.length === 0) return [...values]
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

function withUnfinished (text: string, ranges: Span[]): Span[] {
  const match = UNFINISHED.exec(text.slice(-CONTEXT_CHARS))
  if (match === null) return ranges
  return merge([...ranges, [text.length - match[0].length, text.length]])
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
