import { checkList } from '../options.js'
import { atOnce } from './slices.js'
import { openPieces, type PieceRedactor } from './redact-pieces.js'
import type { Rule } from './rule.js'
import { createSecretSearch } from './secret-search.js'
import { mergeSpans, REDACTED, replaceSpans, type Span } from './secret-spans.js'

/** What to hide in addition to the defaults. */
export interface RedactOptions {
  /**
   * Whatever matches is replaced. A string is taken literally. An expression gets texts of up to 17,408 characters:
   * longer ones in parts that overlap by 1,024.
   */
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
  /** The beginning of a text, at most so many characters of it; a secret that reaches beyond is hidden. */
  head (value: string, maxChars: number): string
  /** Same for a text of megabytes, in slices: each `yield` is a place to pause. */
  headSlowly (value: string, maxChars: number): Generator<void, string, void>
  /** Where the secrets of a text of megabytes are, found in slices: each `yield` is a place to pause. */
  findSlowly (value: string): Generator<void, readonly Span[], void>
  /** Follows a text that arrives in pieces, so that a secret cut in two is found; the pieces keep their number. */
  openStream (): PieceRedactor
}

const KEY_NAMES = [
  'password', 'passwd', 'passphrase', 'secret', 'clientsecret', 'secretkey', 'secretaccesskey', 'apikey', 'xapikey',
  'token', 'accesstoken', 'refreshtoken', 'idtoken', 'authtoken', 'sessiontoken', 'privatekey', 'authorization',
  'proxyauthorization', 'cookie', 'setcookie', 'credentials', 'connectionstring', 'pass', 'pwd', 'auth'
]

/** What names of secrets end with: ANTHROPIC_API_KEY, dbPassword. */
const KEY_ENDINGS = [
  'password', 'passwd', 'passphrase', 'secret', 'apikey', 'token', 'privatekey', 'accesskey', 'accountkey', 'secretkey',
  'signingkey', 'encryptionkey', 'sharedkey', 'authkey', 'masterkey', 'subscriptionkey'
]

/** How much behind a cut is searched as well, so that a secret that the cut goes through is seen whole. */
const MARGIN_CHARS = 4_096

/** Metadata that is nested deeper is not searched but hidden: the stack would end. */
const MAX_DEPTH = 200

/** Makes the redactor for a timeline; `false` hides nothing. @throws AGENT_TIMELINE_INVALID_OPTION */
export function createRedactor (options: RedactOptions | false = {}): Redactor {
  if (options === false) return KEEP_ALL
  checkList('redact.patterns', options.patterns, 'texts and regular expressions', (item) => isText(item) || item instanceof RegExp)
  checkList('redact.keyNames', options.keyNames, 'texts', isText)
  const extra = (options.patterns ?? []).map(toRule)
  const literals = (options.patterns ?? []).filter((pattern) => typeof pattern === 'string')
  const search = createSecretSearch(extra)
  const keyNames = new Set([...KEY_NAMES, ...(options.keyNames ?? []).map(normaliseKey)])

  function text (value: string): string {
    const spans = search.find(value)
    return spans.length > 0 ? replaceSpans(value, spans) : value
  }

  function * headSlowly (value: string, maxChars: number): Generator<void, string, void> {
    const near = value.slice(0, maxChars + MARGIN_CHARS)
    const spans = yield * search.findSlowly(near)
    if (value.length <= maxChars) return replaceSpans(value, spans)
    const cut = near.slice(0, maxChars)
    const from = Math.max(0, maxChars - MARGIN_CHARS)
    for (const [start, end] of search.findUnfinished(cut.slice(from))) spans.push([start + from, end + from])
    return replaceSpans(cut, mergeSpans(spans))
  }

  function walk (value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return text(value)
    if (typeof value !== 'object' || value === null) return value
    if (depth > MAX_DEPTH) return REDACTED
    if (Array.isArray(value)) return value.map((item) => walk(item, depth + 1))
    const members = new Map<string, unknown>()
    const { name, key: named = name } = value as { name?: unknown, key?: unknown }
    for (const [key, inner] of Object.entries(value)) {
      members.set(unusedName(text(key), members), hides(key, inner) || (key === 'value' && typeof named === 'string' && hides(named, inner)) ? REDACTED : walk(inner, depth + 1))
    }
    return Object.fromEntries(members)
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

  const openStream = () => openPieces(search, literals)

  return {
    text,
    head: (value, maxChars) => atOnce(headSlowly(value, maxChars)),
    headSlowly,
    findSlowly: search.findSlowly,
    json: (value) => search.mayHold(value) || hasKey.test(value) ? JSON.stringify(walk(JSON.parse(value))) : value,
    openStream
  }
}

function isText (value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

const KEEP_ALL: Redactor = {
  text: (value) => value,
  json: (value) => value,
  head: (value, maxChars) => value.slice(0, maxChars),
  * headSlowly (value, maxChars) { return value.slice(0, maxChars) },
  * findSlowly () { return [] },
  openStream: () => ({ pieces: (values, limits = []) => values.map((value, index) => value.slice(0, limits[index])) })
}

function toRule (pattern: RegExp | string): Rule {
  if (typeof pattern === 'string') return { pattern: new RegExp(escapeRegExp(pattern), 'dg'), group: 0 }
  return { pattern: new RegExp(pattern.source, [...new Set(pattern.flags + 'dg')].join('').replace('y', '')), group: 0 }
}

/** Two keys that were secrets are two keys still. */
function unusedName (name: string, used: ReadonlyMap<string, unknown>): string {
  if (!used.has(name)) return name
  let number = used.size
  while (used.has(`${name} ${number}`)) number++
  return `${name} ${number}`
}

function escapeRegExp (text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function normaliseKey (key: string): string {
  return key.toLowerCase().replace(/[-_ ]/g, '')
}
