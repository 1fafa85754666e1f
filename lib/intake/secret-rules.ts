import { QUOTE, type Rule, type RuleGroup } from './rule.js'
import { isBegunToken, isFilled, isIdentifier, isPlaceholder, isRandom, isSecretValue } from './secret-values.js'
import { OTHER_TOKEN_BEGUN, TOKEN_BEGUN, TOKEN_PREFIX } from './vendor-tokens.js'

// Every repetition that other text may follow is bounded: a response of a megabyte must not cost its square.

/** What stands between quotes, blanks and all, where group 1 is the quote. */
const QUOTED = '(?:(?!\\1)(?:\\\\.|[^\\\\\\n]))'
/** Without quotes a value ends at a blank; a backslash is part of it unless it belongs to a quote. */
const UNQUOTED = '(?:[^\\s"\'`,;&<>\\\\]|&(?![\\w.-]{1,64}=)|\\\\+(?!["\'`\\\\]))'

const KEYS = '(?:api|access|account|private|signing|encryption|secret|auth|master|shared|storage|licen[cs]e|service|app(?:lication)?|session|hmac|jwt|' +
  'cookie|subscription|root|admin|client|consumer|deploy|webhook|functions?|write|ingest|integration|pre-?shared)[ _.-]?key'
const NAMES = `(?:${KEYS}|passw(?:or)?d|passphrase|passcode|passwort|secret|token|credentials?|connection[_-]?string)` +
  '(?:[_-]?(?:key|id|base|value|data|hash))?'
/** Short names, which are parts of other words: what they name must look the part. */
const WEAK_NAMES = '(?:(?<![A-Za-z])(?:pass|[Pp]wd|psk|key|auth|sig|pin|creds?|sid|session|result)|(?<=[a-z0-9])(?:Pass|Pwd|Psk|Key|Auth)|PASS|PWD|PSK|KEY|AUTH|SALT|CREDS?|SID)'

/** `:`, `=`, `:=`, `=>`, not `==`; in shells also `:-`. */
const ASSIGNS = `(?:${QUOTE})?\\]?(?: \\[[^\\]\\n]{0,32}\\])?\\s{0,9}(?::=|=>|:-|[=:](?![=:]))\\s{0,9}`
const FLAG = `(?<![\\w-])--?[\\w-]{0,64}?(?:${NAMES}|pass)\\s{1,9}`

const NAME_WORDS = ['secret', 'token', 'pass', 'key', 'credential', 'connection']
const WEAK_WORDS = ['pass', 'pwd', 'psk', 'key', 'auth', 'sig', 'pin', 'cred', 'sid', 'session', 'result', 'salt']
const HAS_WEAK_NAME = new RegExp(`(?:pass|pwd|psk|key|auth|sig|pin|creds?|sid|session|result|salt)(?:${ASSIGNS}|\\s{0,9}\\\\)`, 'i')
const HAS_FLAG = /-(?<![\w-]-)[\w-]/
const URL_WORDS = ['://']
const COOKIE_WORDS = ['cookie']
const AUTHORIZATION_WORDS = ['authorization', 'bearer', 'basic']

const HAS_PORT = /:(?:\d{2,5}|\*):[A-Za-z*][\w*-]{0,64}:/

const CREDENTIALS = '\\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\\s{1,9}'
const MIXED = '(?=[\\w.~+/-]{0,512}(?:\\d|=|[a-z][A-Z]))'
const URL_USER = "://(?<=[a-zA-Z0-9]://)[^\\s:/@'\"`<>]{0,256}:"
const STORES = '(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\\+srv)?|rediss?|amqps?|mssql|sqlserver|cockroachdb|clickhouse|ldaps?|smtps?|s?ftp)(?:\\+\\w{1,16})?'

const COOKIE = `(?:(?<![\\w-])(?:set-)?cookie(?:${QUOTE})?\\s{0,9}[=:]|--cookie\\s)\\s{0,9}(?:${QUOTE})?`
const COOKIE_NAME = '[^\\s=;,"\'\\\\]{1,128}=(?![=>])"?'

/** A choice or an attribute: `theme=dark; Path=/`. */
const PLAIN_COOKIE = /^\s*(?:[\w-]{1,32}=(?:[a-z-]{0,12}|\/)|secure|httponly|partitioned|(?:path|domain|expires|max-age|samesite)=.*)?$/i

/** The whole of a name that the match is the end of. */
function nameOf (match: RegExpExecArray): string {
  const before = /[\w.-]*$/.exec(match.input.slice(Math.max(0, match.index - 64), match.index))?.[0] ?? ''
  return before + (/^[\w.-]{0,64}/.exec(match[0])?.[0] ?? '')
}

const isPasswordName = (match: RegExpExecArray) => /pass|pwd|phrase/i.test(nameOf(match))
/** `NAME=value` with nothing between, as shells and .env files have it. */
const isEnvironment = (match: RegExpExecArray) => /^[\w.-]{1,64}=["'`]?[^\s=>]/.test(match[0]) && /^(?:[A-Z0-9_]+|--?[\w-]+)$/.test(nameOf(match))

const assigned = (isQuoted: boolean, isPrefix = false) => (value: string, match: RegExpExecArray) =>
  isSecretValue(value, { isPassword: isPasswordName(match), isEnvironment: isEnvironment(match), isQuoted, isPrefix })

/** A random value, where nothing else tells that it is a secret. */
const isLikely = (value: string) => value.length >= 8 && !isIdentifier(value) && isRandom(value)

/** What a name, a header or an address says is secret. */
export const NAME_RULES: readonly RuleGroup[] = [
  {
    words: NAME_WORDS,
    starts: new RegExp(NAMES, 'gi'),
    rules: [
      { pattern: new RegExp(`${NAMES}${ASSIGNS}(?:${QUOTE})?(${UNQUOTED}{4,})`, 'dyi'), group: 1, accepts: assigned(false) },
      { pattern: new RegExp(`${NAMES}${ASSIGNS}(${QUOTE})(${QUOTED}{4,1024})\\1`, 'dyi'), group: 2, accepts: assigned(true) },
      // `ENV API_KEY value`, `password value`, `config set token value`: only what is random.
      { pattern: new RegExp(`${NAMES}(?:\\s{1,9}(?:is|was))?:?\\s{1,9}(?:-b\\s|--body\\s)?(?:${QUOTE})?([\\w+/=.~!@#%^*-]{8,})`, 'dyi'), group: 1, isGuess: true, accepts: isLikely },
      // A fallback for what is not set, an argument, an element, an attribute.
      { pattern: new RegExp(`${NAMES}["'\`)\\]]{0,3}\\s{0,4}(?:\\|\\||\\?\\?|\\?:|,|\\bor\\b|\\()\\s{0,4}(${QUOTE})(${QUOTED}{4,512})\\1`, 'dyi'), group: 2, accepts: assigned(true) },
      { pattern: new RegExp(`${NAMES}>\\s{0,9}([^<>\\s]{4,512})\\s{0,9}</`, 'dyi'), group: 1, accepts: assigned(true) },
      { hint: /default|value/, pattern: new RegExp(`${NAMES}"\\s{0,9}:?\\s{0,9}\\{[^{}]{0,200}?\\b(?:default|value)"?\\s{0,9}[=:]\\s{0,9}(")([^"\\n]{4,512})\\1`, 'dyi'), group: 2, accepts: assigned(true) },
      { hint: /value/i, pattern: new RegExp(`(?:key|name)=(?:${QUOTE})[^"'\\n]{0,64}?${NAMES}(?:${QUOTE})\\s{1,9}value=(${QUOTE})(${QUOTED}{4,512})\\1`, 'dgi'), group: 2, accepts: assigned(true) },
      // A list of names and values; the default of a variable.
      { hint: /value/i, pattern: new RegExp(`\\b(?:key|name)(?:${QUOTE})?\\s{0,9}[:=]\\s{0,9}(?:${QUOTE})?[\\w.-]{0,64}?${NAMES}(?:${QUOTE})?[ \\t]{0,9},?\\s{1,64}(?:-\\s)?(?:${QUOTE})?value(?:${QUOTE})?\\s{0,9}[:=]\\s{0,9}(?:${QUOTE})?(${UNQUOTED}{4,})`, 'dgi'), group: 1, accepts: assigned(true) },
      { hint: /value/i, pattern: new RegExp(`(?:key|name)(?:${QUOTE})\\s{0,9}:\\s{0,9}(?:${QUOTE})[\\w.-]{0,64}?${NAMES}(?:${QUOTE}),\\s{0,64}(?:${QUOTE})value(?:${QUOTE})\\s{0,9}:\\s{0,9}(${QUOTE})(${QUOTED}{4,512})\\1`, 'dgi'), group: 2, accepts: assigned(true) },
      { hint: HAS_FLAG, pattern: new RegExp(`${FLAG}(${UNQUOTED}{4,})`, 'dgi'), group: 1, accepts: (value, match) => isSecretValue(value, { isPassword: isPasswordName(match), isEnvironment: false, isQuoted: false }) },
      { hint: HAS_FLAG, pattern: new RegExp(`${FLAG}(${QUOTE})(${QUOTED}{4,1024})\\1`, 'dgi'), group: 2, accepts: assigned(true) }
    ]
  },
  {
    words: WEAK_WORDS,
    hint: HAS_WEAK_NAME,
    rules: [
      { pattern: new RegExp(`${WEAK_NAMES}${ASSIGNS}(?:${QUOTE})?(${UNQUOTED}{8,})`, 'dg'), group: 1, isGuess: true, accepts: isLikely }
    ]
  },
  {
    words: URL_WORDS,
    hint: new RegExp(`://(?:[^\\s:/@'"\`<>]{0,256}:[^\\s/'"\`<>]{1,512}|[\\w.~+=-]{16,512})@|${STORES}://`),
    rules: [
      // A password may hold an @: the last one ends it.
      { pattern: new RegExp(`${URL_USER}([^\\s/'"\`<>]{1,512})@`, 'dg'), group: 1, accepts: (value) => !isPlaceholder(value) },
      { pattern: new RegExp(`\\b${STORES}${URL_USER}([^\\s'"\`<>]{1,512})@(?=[\\w.[-])`, 'dg'), group: 1, accepts: (value) => !isPlaceholder(value) },
      { pattern: /:\/\/(?<=[a-zA-Z0-9]:\/\/)([\w.~+=-]{16,512})@/dg, group: 1, accepts: (value) => isRandom(value) }
    ]
  },
  {
    words: AUTHORIZATION_WORDS,
    rules: [
      // Prose goes on after `basic`, too; a credential has a digit, a capital inside or padding.
      { pattern: new RegExp(`${CREDENTIALS}(${MIXED}[\\w.~+/=-]{12,})`, 'dg'), group: 1, accepts: (value) => !isPlaceholder(value) && !/^[A-Za-z]+(?:[-./][A-Za-z]+)*\.?$/.test(value.slice(0, 512)) },
      {
        pattern: new RegExp(`authorization(?:${QUOTE})?\\s{0,9}(?:=>|[:=])\\s{0,9}(?:${QUOTE})?(?!(?:bearer|basic)\\s)(?:[a-z][\\w-]{1,30}\\s{1,9})?([^\\s"'\`,;\\\\<>$]{8,})`, 'dgi'),
        group: 1,
        accepts: (value) => !isPlaceholder(value) && (isRandom(value) || /^[0-9a-f]{16,}$/i.test(value))
      }
    ]
  },
  {
    words: COOKIE_WORDS,
    rules: [
      { pattern: new RegExp(`${COOKIE}(${COOKIE_NAME}[^\\r\\n"'\\\\]{4,})`, 'dgi'), group: 1, accepts: (value) => !isPlaceholder(value.slice(value.indexOf('=') + 1)) && !value.split(';').every((part) => PLAIN_COOKIE.test(part)) }
    ]
  },
  {
    // The line of a .pgpass.
    hint: HAS_PORT,
    rules: [
      { pattern: /(?<=^|\n)[\w.*-]{1,256}:(?:\d{2,5}|\*):[A-Za-z*][\w*-]{0,64}:[\w*.@-]{1,64}:(\S{4,256})(?=\r?\n|$)/dg, group: 1, accepts: (value) => isRandom(value) }
    ]
  }
]

/** A token that was broken into lines: the rest of it stands alone at the beginning of the next ones. */
export const WRAPPED = {
  hint: /(?:\n|\\n)[ \t]{0,32}(?=[\w-]{0,64}\d|[\w-]{0,64}[a-z][A-Z])[\w-]{8,512}(?![\w=:(./-])/,
  pattern: new RegExp(`${TOKEN_PREFIX}(?=[\\w-]{0,128}\\d)[\\w-]{6,512}(?:\\r?\\n[ \\t]{0,32}(?=[\\w-]{0,64}\\d|[\\w-]{0,64}[a-z][A-Z])[\\w-]{8,512}(?![\\w=:(./-])){1,8}`, 'dg'),
  group: 0
} satisfies Rule

/** The beginning of a secret at the very end of a piece, by what stands before it: the rest may come in the next. */
export const UNFINISHED: readonly RuleGroup[] = [
  {
    words: AUTHORIZATION_WORDS,
    rules: [{ pattern: new RegExp(`${CREDENTIALS}(${MIXED}[\\w.~+/=-]{4,1024})$`, 'd'), group: 1, accepts: (value) => !isPlaceholder(value) }]
  },
  {
    words: URL_WORDS,
    // A number there is a port.
    rules: [{ pattern: new RegExp(`${URL_USER}(?!\\d{1,5}(?:[/?#]|$))([^\\s/'"\`<>]{1,512})$`, 'd'), group: 1, accepts: (value) => !isPlaceholder(value) }]
  },
  {
    words: NAME_WORDS,
    rules: [
      { pattern: new RegExp(`${NAMES}${ASSIGNS}(?:${QUOTE})?(${UNQUOTED}{2,1024})$`, 'di'), group: 1, accepts: assigned(false, true) },
      { pattern: new RegExp(`${NAMES}${ASSIGNS}(${QUOTE})(${QUOTED}{3,1024})\\\\?$`, 'di'), group: 2, accepts: assigned(true, true) },
      { pattern: new RegExp(`${FLAG}(${UNQUOTED}{4,1024})$`, 'di'), group: 1, accepts: assigned(false, true) },
      { pattern: new RegExp(`${FLAG}(${QUOTE})(${QUOTED}{4,1024})\\\\?$`, 'di'), group: 2, accepts: assigned(true, true) }
    ]
  },
  {
    words: COOKIE_WORDS,
    rules: [{ pattern: new RegExp(`${COOKIE}(${COOKIE_NAME}[^\\r\\n"'\\\\]{1,1024})$`, 'di'), group: 1 }]
  }
]

/** The beginning of a token at the end of the characters that tokens are made of. */
export const UNFINISHED_TOKENS: readonly Rule[] = [
  { pattern: new RegExp(TOKEN_BEGUN, 'd'), group: 0, accepts: (token) => !/EXAMPLE|\.\.\.$/.test(token) && !isFilled(token) },
  { pattern: new RegExp(OTHER_TOKEN_BEGUN, 'd'), group: 0, accepts: (token, match) => isBegunToken(token, match[1] as string) && !isFilled(token) }
]
