import { isBegunToken, isFilled, isIdentifier, isPlaceholder, isRandom, isSecretValue } from './secret-values.js'
import { OTHER_TOKEN_BEGUN, TOKEN_BEGUN, TOKEN_PREFIX } from './vendor-tokens.js'

/** A form that secrets have. */
export interface Rule {
  /** Says quickly that a text has none of the form. */
  readonly hint?: RegExp
  /** With the flags `d` and `g`; `y` for `g` where its group has `starts`; neither where it is about the end. */
  readonly pattern: RegExp
  /** Index of the group that is the secret; 0 for all of it. */
  readonly group: number
  /** What stands before the secret has other uses, too: the secret must look the part. */
  readonly isGuess?: boolean
  /** Has the last word about what the pattern found. */
  readonly accepts?: (value: string, match: RegExpExecArray) => boolean
}

// Every repetition that other text may follow is bounded: a response of a megabyte must not cost its square.

/** A quote, also where JSON stands in a text of JSON. */
const QUOTE = '\\\\{0,15}["\'`]'
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
const OPTION_WORDS = ['-p', '-a', '-w', '-k', '-n', '-t', '-b', '-u', '--cookie', '--proxy-user']
const HAS_OPTION = /(?:\s|\\[nrt])-(?:[pawPkNtbuU]|-(?:body|cookie|user|proxy-user|auth))/
const URL_WORDS = ['://']
const COOKIE_WORDS = ['cookie']
const AUTHORIZATION_WORDS = ['authorization', 'bearer', 'basic']

/** What the rules of many tools and services have. */
const OTHER_WORDS = [
  'signature=', 'response="', 'jdbc:oracle', '?code=', '&code=', 'key=', 'token=', 'auth=', 'secret=', 'password=', 'passwd=', 'credential=',
  'sig=', 'pwd=', 'pass=', 'sid=', 'session=', 'jwt=', 'otp=', 'ticket=', 'assertion=', 'hook.', 'hooks.', 'webhook', 'api.telegram', 'ifttt',
  'identified', 'password', 'pass:', '-stdin', 'with-token', 'secret', 'sudo', 'passwd', 'passphrase-fd', 'cryptsetup', '<<<', 'login',
  'authtoken', 'requirepass', 'masterauth', 'net user', 'snyk', 'add_user', 'change_password', 'htpasswd', 'alias', 'access_token$', 'bundle',
  'http-basic', 'securestring', 'setx', 'setenv', 'set -', 'auth(', 'client(', '$1$', '$5$', '$6$', '$7$', '$y$', '$2a$', '$2b$', '$2x$', '$2y$', '$apr1',
  '$argon2', '$pbkdf2', '$gy$', '$sha1', '$scrypt', 'ls0tls1crudjti', '"kty"'
]
const HAS_PORT = /:(?:\d{2,5}|\*):[A-Za-z*][\w*-]{0,64}:/

const CREDENTIALS = '\\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)\\s{1,9}'
const MIXED = '(?=[\\w.~+/-]{0,512}(?:\\d|=|[a-z][A-Z]))'
const URL_USER = "://(?<=[a-zA-Z0-9]://)[^\\s:/@'\"`<>]{0,256}:"
const STORES = '(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\\+srv)?|rediss?|amqps?|mssql|sqlserver|cockroachdb|clickhouse|ldaps?|smtps?|s?ftp)(?:\\+\\w{1,16})?'

const COOKIE = `(?:(?<![\\w-])(?:set-)?cookie(?:${QUOTE})?\\s{0,9}[=:]|--cookie\\s)\\s{0,9}(?:${QUOTE})?`
const COOKIE_NAME = '[^\\s=;,"\'\\\\]{1,128}=(?![=>])"?'

/** A choice or an attribute: `theme=dark; Path=/`. */
const PLAIN_COOKIE = /^\s*(?:[\w-]{1,32}=(?:[a-z-]{0,12}|\/)|secure|httponly|partitioned|(?:path|domain|expires|max-age|samesite)=.*)?$/i

const WEBHOOK = '(?:hooks\\.slack(?:-gov)?\\.com/(?:services|workflows|triggers)/|discord(?:app)?\\.com/api/webhooks/\\d{1,24}/|hooks\\.zapier\\.com/hooks/catch/\\d{1,16}/|' +
  '\\.webhook\\.office\\.com/webhookb2/|api\\.telegram\\.org/bot|maker\\.ifttt\\.com/trigger/\\w{1,64}/with/key/|hook\\.(?:\\w{1,8}\\.)?(?:make|integromat)\\.com/|' +
  'open\\.(?:feishu|larksuite)\\.(?:cn|com)/open-apis/bot/v2/hook/)'

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

/** The words of the line before a match. */
const lineBefore = (match: RegExpExecArray) =>
  match.input.slice(Math.max(0, match.index - 400), match.index).split('\n').at(-1) as string

/** The commands for which an option of a letter says a password: with a blank behind it, and without. */
const LETTER_OPTIONS: Readonly<Record<string, RegExp>> = {
  '-p ': /\b(?:sshpass|(?:docker|podman|az|oc|twine|cf|nerdctl|skopeo|helm registry|buildah)\b.{0,80}\blogin|mongo\w*|twine|ansible|mosquitto_\w+|impala-shell|influx|cqlsh|security\b.{0,80}keychain)\b/,
  '-p': /\b(?:sshpass|mysql\w*|mariadb\w*|mytop|7z\w?|rar|unrar|beeline)\b/,
  '-a ': /\bredis-cli\b/,
  '-w ': /\bldap\w+\b/,
  '-P ': /\b(?:sqlcmd|zip|unzip|bcp|isql|osql|mosquitto_\w+)\b/,
  '-P': /\b(?:sqlcmd|zip|unzip|bcp)\b/,
  '-k ': /\bopenssl\s+enc\b|\bsecurity\s+set-key-partition-list\b/,
  '-N ': /\bssh-keygen\b/,
  '-b ': /\b(?:gh|glab)\s+(?:secret|variable)\s+set\b/,
  '--body ': /\b(?:gh|glab)\s+(?:secret|variable)\s+set\b/,
  '-t ': /\b(?:doctl|surge)\b/
}

const letterRule: Rule = {
  pattern: new RegExp(`(?<=\\s)(-[pawPkNbt]|--body)([\\s=]{1,4})?(?:${QUOTE})?([^\\s"'\`\\\\|]{4,512})`, 'dg'),
  group: 3,
  accepts: (value, match) => {
    const [, option, blank] = match
    const commands = LETTER_OPTIONS[blank === undefined ? option as string : `${option} `]
    return commands !== undefined && !isPlaceholder(value) && commands.test(lineBefore(match))
  }
}

const cookieRule: Rule = {
  pattern: new RegExp(`(?<=\\s)(?:-b|--cookie)\\s{1,4}['"]?[\\w.-]{1,64}=(?:${QUOTE})?([^\\s"'\`\\\\|]{4,512})`, 'dg'),
  group: 1,
  accepts: (value, match) => !isPlaceholder(value) && /\b(?:curl|http|https|wget)\b/.test(lineBefore(match))
}

/** Rules whose secrets something has in common, by which most texts are seen to have none of them. */
export interface RuleGroup {
  /** No text without one of these has such a secret, in capitals or not; all groups' are looked for in one pass. */
  readonly words?: readonly string[]
  /** Nor one without this. */
  readonly hint?: RegExp
  /** Where matches of those begin whose patterns have the flag `y`. */
  readonly starts?: RegExp
  readonly rules: readonly Rule[]
}

/** What is hidden by default, besides private keys and tokens of vendors. */
export const RULE_GROUPS: readonly RuleGroup[] = [
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
    words: OPTION_WORDS,
    hint: HAS_OPTION,
    rules: [
      {
        hint: /\s(?:-u|--user|--proxy-user|-U|-a|--auth)/,
        pattern: /(?<=\s)(?:-u|--user|--proxy-user|-U|-a|--auth)[\s=]{0,4}["']?[^\s:,"']{1,128}[:%,]([^\s"']{4,512})/dg,
        group: 1,
        accepts: (value, match) => !isPlaceholder(value) && !/^\d+$/.test(value) && (isRandom(value) || /\b(?:curl|wget|https?|xh|smbclient|lftp)\b/.test(lineBefore(match)))
      },
      letterRule,
      cookieRule
    ]
  },
  {
    words: OTHER_WORDS,
    rules: [
      { hint: /Signature=|response="/, pattern: /(?:Signature=|response=")([0-9a-f]{32,128})/dg, group: 1 },
      { hint: /jdbc:oracle/, pattern: /jdbc:oracle:thin:\w{1,64}\/([^\s@"']{1,128})@/dg, group: 1 },
      {
        hint: /[?&][\w.-]{1,48}=[^\s&"'`<>#]{8}/,
        pattern: /[?&](?:[\w.-]{0,32}(?:key|token|signature|auth|secret|password|passwd|credential)|code|sig|pwd|pass|sid|session|jwt|otp|ticket|assertion)=([^\s&"'`<>#]{8,})/dgi,
        group: 1,
        accepts: (value) => isRandom(value)
      },
      { hint: /hooks?\.|webhooks|webhookb2|api\.telegram|ifttt/, pattern: new RegExp(`${WEBHOOK}([\\w/:@.-]{8,512})`, 'dg'), group: 1 },
      { hint: /IDENTIFIED|identified|PASSWORD|password/, pattern: /\b(?:identified\s{1,9}(?:with\s{1,9}\w{1,32}\s{1,9})?by|password)\s{1,9}'([^'\n]{4,256})'/dgi, group: 1, accepts: (value) => !isPlaceholder(value) },
      { hint: /pass:/, pattern: /-(?:pass(?:in|out|word)?|k|ks-pass|key-pass)\s{1,4}pass:([^\s"']{4,512})/dg, group: 1, accepts: (value) => !isPlaceholder(value) },
      {
        hint: /-stdin|with-token|secret|sudo\s{1,4}-S|passwd|\blogin|passphrase-fd|cryptsetup/,
        pattern: /\b(?:echo|printf)\s{1,4}(?:-[neE]{1,3}\s{1,4})?(?:["']%s(?:\\n)?["']\s{1,4})?["']?([^\s"'|$]{6,512})["']?\s{0,4}\|\s{0,4}[^\n|]{0,200}(?:--password-stdin|--with-token|secrets?\s{1,4}(?:put|set|create)|sudo\s{1,4}-S|chpasswd|passwd|\blogin|--passphrase-fd|cryptsetup)/dg,
        group: 1
      },
      { hint: /<<</, pattern: /<<<\s{0,4}["']?([^\s"'$]{6,512})/dg, group: 1, accepts: (value, match) => isRandom(value) && /password-stdin|with-token|chpasswd|sudo|login|passwd|secret/.test(lineBefore(match)) },
      {
        hint: /login|authtoken|requirepass|masterauth|net user|\bauth\b|add_user|change_password|htpasswd|alias|bundle|http-basic|SecureString|setx?\b|setenv/i,
        pattern: /\b(?:(?:vault|cargo|wandb|railway)\s{1,4}login|(?:requirepass|masterauth)|net\s{1,4}user\s{1,4}\S{1,128}|ngrok\s{1,4}(?:config\s{1,4})?(?:add-)?authtoken|snyk\s{1,4}auth|rabbitmqctl\s{1,4}(?:add_user|change_password)\s{1,4}\S{1,128}|htpasswd\s{1,4}-\w{0,8}b\w{0,8}(?:\s{1,4}\S{1,256}){1,2}?|(?:mc|mcli)\s{1,4}alias\s{1,4}set(?:\s{1,4}\S{1,256}){3}|poetry\s{1,4}config\s{1,4}http-basic\.\S{1,128}\s{1,4}\S{1,128}|ConvertTo-SecureString(?:\s{1,4}-String)?|set(?:x|env|\s{1,4}-[gUx]{1,3})\s{1,4}\w{0,64}(?:PASS|PWD|KEY|AUTH|PSK))\s{1,4}["']?([^\s"']{6,512})/dg,
        group: 1,
        accepts: (value) => isRandom(value)
      },
      { hint: /\blogin\s/, pattern: /\blogin\s{1,9}\S{1,128}(?:\s{1,9}|\s{0,2}\n[^\n]{0,80}?)\bpassword\s{1,9}(\S{4,256})/dg, group: 1, accepts: (value) => !isPlaceholder(value) },
      { hint: /bundle/, pattern: /\bbundle\s{1,4}config\s{1,4}[^\n:]{1,256}\s[^\s:]{1,128}:([^\s"']{4,256})/dg, group: 1, accepts: (value) => !isPlaceholder(value) },
      // A name and its secret as arguments: `auth=("me", "…")`, `HTTPBasicAuth('me', '…')`, `Client("AC…", "…")`.
      {
        hint: /(?:auth|Client)=?\(/i,
        pattern: /(?:auth=|BasicAuth|\bClient)\(\s{0,9}["'][^"'\n]{1,128}["']\s{0,4},\s{0,9}(["'])([^"'\n]{8,256})\1/dg,
        group: 2,
        accepts: (value) => isRandom(value)
      },
      { hint: /access_token\$/, pattern: /access_token\$\w{4,16}\$[a-z0-9]{8,32}\$[0-9a-f]{24,64}/dg, group: 0 },
      { hint: /\$(?:[1567y]|2[abxy]|apr1|argon2|pbkdf2|gy|sha1|scrypt)/, pattern: /\$(?:[1567y]|2[abxy]|apr1|argon2(?:id|i|d)|pbkdf2[\w-]{0,16}|gy|sha1|scrypt)\$[\w./+=$,-]{16,}/dg, group: 0 },
      { hint: /LS0t/, pattern: /LS0tLS1CRUdJTi(?:BQUklW|BSU0|BFQ|BPUEVO|BFTkNS|BQR1A|BEU0)[A-Za-z0-9+/=]{16,}/dg, group: 0 },
      { hint: /"kty"/, pattern: /"(?:d|p|q|dp|dq|qi|k)"\s{0,4}:\s{0,4}"([\w-]{16,})"/dg, group: 1 }
    ]
  },
  {
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
