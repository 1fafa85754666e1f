import { lineBefore, QUOTE, type Rule, type RuleGroup } from './rule.js'
import { isPlaceholder, isRandom } from './secret-values.js'

// Every repetition that other text may follow is bounded, as in secret-rules.ts.

/** How a text may write blanks: also as JSON does. */
const BLANKS = '(?:\\s|\\\\[nrt]){1,18}'

const OPTION_WORDS = ['-p', '-a', '-w', '-k', '-n', '-t', '-b', '-u', '--cookie', '--proxy-user']
const HAS_OPTION = /(?:\s|\\[nrt])-(?:[pawPkNtbuU]|-(?:body|cookie|user|proxy-user|auth))/
const QUERY_WORDS = [
  '?code=', '&code=', 'key=', 'token=', 'auth=', 'secret=', 'password=', 'passwd=', 'credential=', 'signature=', 'sig=', 'pwd=', 'pass=', 'sid=',
  'session=', 'jwt=', 'otp=', 'ticket=', 'assertion='
]
const WEBHOOK_WORDS = ['hook.', 'hooks.', 'webhook', 'api.telegram', 'ifttt', '/bot/']
const COMMAND_WORDS = [
  'login', 'requirepass', 'masterauth', 'net user', 'authtoken', 'snyk', 'add_user', 'change_password', 'htpasswd', 'alias', 'http-basic', 'securestring',
  'setx', 'setenv', 'set -'
]

const WEBHOOK = '(?:hooks\\.slack(?:-gov)?\\.com/(?:services|workflows|triggers)/|discord(?:app)?\\.com/api/webhooks/\\d{1,24}/|hooks\\.zapier\\.com/hooks/catch/\\d{1,16}/|' +
  '\\.webhook\\.office\\.com/webhookb2/|api\\.telegram\\.org/bot|maker\\.ifttt\\.com/trigger/\\w{1,64}/with/key/|hook\\.(?:\\w{1,8}\\.)?(?:make|integromat)\\.com/|' +
  'open\\.(?:feishu|larksuite)\\.(?:cn|com)/open-apis/bot/v2/hook/)'

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

/** What tools and services have of their own: options of their commands, their files, their addresses. */
export const TOOL_RULES: readonly RuleGroup[] = [
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
  { words: ['signature=', 'response='], rules: [{ pattern: /(?:Signature=|response=")([0-9a-f]{32,128})/dg, group: 1 }] },
  { words: ['jdbc:oracle'], rules: [{ pattern: /jdbc:oracle:thin:\w{1,64}\/([^\s@"']{1,128})@/dg, group: 1 }] },
  {
    words: QUERY_WORDS,
    hint: /[?&][\w.-]{1,48}=[^\s&"'`<>#]{8}/,
    rules: [{
      pattern: /[?&](?:[\w.-]{0,32}(?:key|token|signature|auth|secret|password|passwd|credential)|code|sig|pwd|pass|sid|session|jwt|otp|ticket|assertion)=([^\s&"'`<>#]{8,})/dgi,
      group: 1,
      accepts: (value) => isRandom(value)
    }]
  },
  { words: WEBHOOK_WORDS, rules: [{ pattern: new RegExp(`${WEBHOOK}([\\w/:@.-]{8,512})`, 'dg'), group: 1 }] },
  {
    words: ['identified', 'password'],
    hint: new RegExp(`(?:by|password)${BLANKS}'`, 'i'),
    rules: [{ pattern: /\b(?:identified\s{1,9}(?:with\s{1,9}\w{1,32}\s{1,9})?by|password)\s{1,9}'([^'\n]{4,256})'/dgi, group: 1, accepts: (value) => !isPlaceholder(value) }]
  },
  { words: ['pass:'], rules: [{ pattern: /-(?:pass(?:in|out|word)?|k|ks-pass|key-pass)\s{1,4}pass:([^\s"']{4,512})/dg, group: 1, accepts: (value) => !isPlaceholder(value) }] },
  {
    words: ['echo', 'printf'],
    hint: /-stdin|with-token|secret|sudo|passwd|login|passphrase-fd|cryptsetup/,
    rules: [{
      pattern: /\b(?:echo|printf)\s{1,4}(?:-[neE]{1,3}\s{1,4})?(?:["']%s(?:\\n)?["']\s{1,4})?["']?([^\s"'|$]{6,512})["']?\s{0,4}\|\s{0,4}[^\n|]{0,200}(?:--password-stdin|--with-token|secrets?\s{1,4}(?:put|set|create)|sudo\s{1,4}-S|chpasswd|passwd|\blogin|--passphrase-fd|cryptsetup)/dg,
      group: 1
    }]
  },
  {
    words: ['<<<'],
    rules: [{ pattern: /<<<\s{0,4}["']?([^\s"'$]{6,512})/dg, group: 1, accepts: (value, match) => isRandom(value) && /password-stdin|with-token|chpasswd|sudo|login|passwd|secret/.test(lineBefore(match)) }]
  },
  {
    words: COMMAND_WORDS,
    hint: new RegExp(`(?:vault|cargo|wandb|railway)${BLANKS}login|requirepass|masterauth|net${BLANKS}user|authtoken|snyk|_user|_password|htpasswd|alias${BLANKS}set|http-basic|SecureString|set(?:x|env)|set${BLANKS}-`),
    rules: [{
      pattern: /\b(?:(?:vault|cargo|wandb|railway)\s{1,4}login|(?:requirepass|masterauth)|net\s{1,4}user\s{1,4}\S{1,128}|ngrok\s{1,4}(?:config\s{1,4})?(?:add-)?authtoken|snyk\s{1,4}auth|rabbitmqctl\s{1,4}(?:add_user|change_password)\s{1,4}\S{1,128}|htpasswd\s{1,4}-\w{0,8}b\w{0,8}(?:\s{1,4}\S{1,256}){1,2}?|(?:mc|mcli)\s{1,4}alias\s{1,4}set(?:\s{1,4}\S{1,256}){3}|poetry\s{1,4}config\s{1,4}http-basic\.\S{1,128}\s{1,4}\S{1,128}|ConvertTo-SecureString(?:\s{1,4}-String)?|set(?:x|env|\s{1,4}-[gUx]{1,3})\s{1,4}\w{0,64}(?:PASS|PWD|KEY|AUTH|PSK))\s{1,4}["']?([^\s"']{6,512})/dg,
      group: 1,
      accepts: (value) => isRandom(value)
    }]
  },
  {
    words: ['password'],
    hint: new RegExp(`\\blogin${BLANKS}`),
    rules: [{ pattern: /\blogin\s{1,9}\S{1,128}(?:\s{1,9}|\s{0,2}\n[^\n]{0,80}?)\bpassword\s{1,9}(\S{4,256})/dg, group: 1, accepts: (value) => !isPlaceholder(value) }]
  },
  {
    words: ['bundle'],
    hint: new RegExp(`bundle${BLANKS}config`),
    rules: [{ pattern: /\bbundle\s{1,4}config\s{1,4}[^\n:]{1,256}\s[^\s:]{1,128}:([^\s"']{4,256})/dg, group: 1, accepts: (value) => !isPlaceholder(value) }]
  },
  {
    words: ['auth(', 'auth=(', 'client('],
    rules: [
      // A name and its secret as arguments: `auth=("me", "…")`, `HTTPBasicAuth('me', '…')`, `Client("AC…", "…")`.
      {
        pattern: /(?:auth=|BasicAuth|\bClient)\(\s{0,9}["'][^"'\n]{1,128}["']\s{0,4},\s{0,9}(["'])([^"'\n]{8,256})\1/dg,
        group: 2,
        accepts: (value) => isRandom(value)
      }
    ]
  },
  { words: ['access_token$'], rules: [{ pattern: /access_token\$\w{4,16}\$[a-z0-9]{8,32}\$[0-9a-f]{24,64}/dg, group: 0 }] },
  {
    words: ['$1$', '$5$', '$6$', '$7$', '$y$', '$2a$', '$2b$', '$2x$', '$2y$', '$apr1', '$argon2', '$pbkdf2', '$gy$', '$sha1', '$scrypt'],
    rules: [{ pattern: /\$(?:[1567y]|2[abxy]|apr1|argon2(?:id|i|d)|pbkdf2[\w-]{0,16}|gy|sha1|scrypt)\$[\w./+=$,-]{16,}/dg, group: 0 }]
  },
  { words: ['ls0tls1crudjti'], rules: [{ pattern: /LS0tLS1CRUdJTi(?:BQUklW|BSU0|BFQ|BPUEVO|BFTkNS|BQR1A|BEU0)[A-Za-z0-9+/=]{16,}/dg, group: 0 }] },
  { words: ['"kty'], rules: [{ pattern: /"(?:d|p|q|dp|dq|qi|k)"\s{0,4}:\s{0,4}"([\w-]{16,})"/dg, group: 1 }] }
]
