/** A form that secrets have. */
export interface Rule {
  /** Says quickly that a text has none of the form. */
  readonly hint?: RegExp
  /** With the flags `d` and `g`; without `g` where it is about the end of a text. */
  readonly pattern: RegExp
  /** Index of the group that is the secret; 0 for all of it. */
  readonly group: number
}

const TOKENS = [
  'sk-ant-[\\w-]{16,}', 'sk-[\\w-]{20,}', '[sr]k_(?:live|test)_[A-Za-z0-9]{16,}', 'whsec_[A-Za-z0-9+/]{16,}={0,2}',
  'AIza[\\w-]{30,}', 'ya29\\.[\\w-]{20,}', 'gh[pousr]_[A-Za-z0-9]{30,}', 'github_pat_[A-Za-z0-9_]{30,}', 'glpat-[\\w-]{18,}',
  'xox[abeoprs]-[\\w-]{10,}', '(?:AKIA|ASIA)[A-Z0-9]{16}', 'npm_[A-Za-z0-9]{30,}', 'hf_[A-Za-z0-9]{30,}',
  'gsk_[A-Za-z0-9]{30,}', 'xai-[A-Za-z0-9]{30,}', 'pplx-[A-Za-z0-9]{30,}', 'r8_[A-Za-z0-9]{30,}',
  'eyJ[\\w-]{8,512}\\.eyJ[\\w-]{8,}(?:\\.[\\w-]*)?'
]

const PRIVATE_KEY =
  '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)'

// Every repetition that other text may follow is bounded: a response of a megabyte must not cost its square.
const CREDENTIALS = '\\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\\s{1,9}'
const MIXED = '(?=[\\w.~+/-]{0,512}(?:\\d|=|[a-z][A-Z]))'
const URL_USER = "://(?<=[a-zA-Z0-9]://)[^\\s:/@'\"]{0,256}:"

/** A quote, also where JSON stands in a text of JSON. */
const QUOTE = '\\\\{0,7}["\']'
/** What stands between quotes, blanks and all, where group 1 is the quote. */
const QUOTED = '(?:(?!\\1)(?:\\\\.|[^\\\\\\n]))'
/** Without quotes a value ends at a blank; a backslash is part of it unless it belongs to a quote. */
const UNQUOTED = '(?:[^\\s"\',;&\\\\]|\\\\+(?!["\'\\\\]))'

const KEY_PREFIXES = '(?:api|access|account|private|signing|encryption)'
const ASSIGNMENT = `(?:${KEY_PREFIXES}[_-]?key|secret|token|passw(?:or)?d|passphrase)(?:[_-]?(?:key|id))?` +
  `(?:${QUOTE})?\\s{0,9}[=:]\\s{0,9}`
/** What code assigns is often a call: `getToken()`. */
const NO_CALL = '(?![a-z_$][a-z_$.]{0,128}\\([^()\\n]{0,128}\\))'
/** A short word at the end of a piece: `invalid token: expired`. A number there is a count. */
const NO_WORD = '(?![a-z]{1,7}$|\\d+$)'

const FLAG = `(?<![\\w-])--?[\\w-]{0,64}?(?:${KEY_PREFIXES}-?[kK]ey|[sS]ecret|[tT]oken|[pP]assw(?:or)?d|[pP]assphrase)` +
  '(?:-(?:key|id))?\\s{1,9}'
/** `--token $TOKEN` and `--token <token>` are no secrets. */
const NO_VARIABLE = '(?!\\$\\{?[A-Z_]+\\}?(?:["\'\\\\\\s]|$)|\\$\\(|<)'
/** Prose goes on after `--token`, too. */
const MIXED_VALUE = '(?=[^\\s"\',;&]{0,512}(?:\\d|[a-z][A-Z]))'

const COOKIE = `(?:(?<![\\w-])(?:set-)?cookie(?:${QUOTE})?\\s{0,9}[=:]|--cookie\\s)\\s{0,9}(?:${QUOTE})?`
const COOKIE_NAME = '[^\\s=;,"\'\\\\]{1,128}=(?![=>])"?'

const HAS_TOKEN =
  /sk-|k_live_|k_test_|hsec_|AIza|ya29|gh[pousr]_|github_pat_|glpat-|xox|AKIA|ASIA|npm_|hf_|gsk_|xai-|pplx-|r8_|eyJ/
const HAS_PRIVATE_KEY = /PRIVATE KEY/
const HAS_CREDENTIALS = /[Bb]earer|BEARER|[Bb]asic|BASIC/
const HAS_URL = /:\/\//
const HAS_NAME = new RegExp('[Ss](?:ecret|ECRET)|[Tt](?:oken|OKEN)|[Pp](?:ass(?:w|phrase)|ASS(?:W|PHRASE))|' +
  '(?:[Aa][Pp][Ii]|ccess|CCESS|ccount|CCOUNT|rivate|RIVATE|igning|IGNING|ncryption|NCRYPTION)[_-]?(?:[Kk]ey|KEY)')
const HAS_COOKIE = /[Cc](?:ookie|OOKIE)/

/** One cheap test says no for nearly every text; only the rest meets the rules. */
export const TRIGGER = new RegExp([
  HAS_TOKEN.source, HAS_PRIVATE_KEY.source, '[Bb]earer', 'BEARER', '[Bb]asic\\s', 'BASIC\\s', HAS_URL.source,
  '[Ss](?:ecret|ECRET)', '[Tt](?:oken|OKEN)', '[Pp](?:assw|ASSW|assphrase|ASSPHRASE)', '[Kk](?:ey|EY|ie|IE)'
].join('|'))

/** What is hidden by default. */
export const RULES: readonly Rule[] = [
  { hint: HAS_PRIVATE_KEY, pattern: new RegExp(PRIVATE_KEY, 'dg'), group: 0 },
  { hint: HAS_TOKEN, pattern: new RegExp(`(?<![A-Za-z0-9])(?:${TOKENS.join('|')})`, 'dg'), group: 0 },
  // Prose goes on after `basic`, too; a credential has a digit, a capital inside or padding.
  { hint: HAS_CREDENTIALS, pattern: new RegExp(`${CREDENTIALS}(${MIXED}[\\w.~+/=-]{12,})`, 'dg'), group: 1 },
  // A password may hold an @: the last one ends it.
  { hint: HAS_URL, pattern: new RegExp(`${URL_USER}([^\\s/'"]{1,512})@`, 'dg'), group: 1 },
  { hint: HAS_NAME, pattern: new RegExp(`${ASSIGNMENT}(?:${QUOTE})?${NO_CALL}(${UNQUOTED}{8,})`, 'dgi'), group: 1 },
  { hint: HAS_NAME, pattern: new RegExp(`${ASSIGNMENT}(${QUOTE})(${QUOTED}{8,1024})\\1`, 'dgi'), group: 2 },
  { hint: HAS_NAME, pattern: new RegExp(`${FLAG}${NO_VARIABLE}(${MIXED_VALUE}${UNQUOTED}{8,})`, 'dg'), group: 1 },
  { hint: HAS_NAME, pattern: new RegExp(`${FLAG}(${QUOTE})${NO_VARIABLE}(${QUOTED}{8,1024})\\1`, 'dg'), group: 2 },
  { hint: HAS_COOKIE, pattern: new RegExp(`${COOKIE}(${COOKIE_NAME}[^\\r\\n"'\\\\]{4,})`, 'dgi'), group: 1 }
]

/** The beginning of a secret at the very end of a piece: the rest may come with the next one. */
export const UNFINISHED: readonly Rule[] = [
  {
    hint: HAS_TOKEN,
    pattern: new RegExp('(?<![A-Za-z0-9])(?:sk-|[sr]k_(?:live|test)_|whsec_|AIza|ya29\\.|gh[pousr]_|github_pat_|glpat-|' +
      'xox[abeoprs]-|AKIA|ASIA|npm_|hf_|gsk_|xai-|pplx-|r8_|eyJ)[\\w.~+/=-]{4,}$', 'd'),
    group: 0
  },
  { hint: HAS_CREDENTIALS, pattern: new RegExp(`${CREDENTIALS}(${MIXED}[\\w.~+/=-]{4,})$`, 'd'), group: 1 },
  // A number there is a port.
  { hint: HAS_URL, pattern: new RegExp(`${URL_USER}(?!\\d{1,5}$)([^\\s/'"]{1,512})$`, 'd'), group: 1 },
  { hint: HAS_NAME, pattern: new RegExp(`${ASSIGNMENT}(?:${QUOTE})?${NO_WORD}(${UNQUOTED}{4,})$`, 'di'), group: 1 },
  { hint: HAS_NAME, pattern: new RegExp(`${ASSIGNMENT}(${QUOTE})${NO_WORD}(${QUOTED}{4,1024})\\\\?$`, 'di'), group: 2 },
  { hint: HAS_NAME, pattern: new RegExp(`${FLAG}(${MIXED_VALUE}${UNQUOTED}{4,})$`, 'd'), group: 1 },
  { hint: HAS_NAME, pattern: new RegExp(`${FLAG}(${QUOTE})(${QUOTED}{4,1024})\\\\?$`, 'd'), group: 2 },
  { hint: HAS_COOKIE, pattern: new RegExp(`${COOKIE}(${COOKIE_NAME}[^\\r\\n"'\\\\]+)$`, 'di'), group: 1 }
]
