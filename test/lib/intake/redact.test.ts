import t from 'tap'
import { createRedactor } from '../../../lib/intake/redact.js'
import { REDACTED } from '../../../lib/intake/secret-spans.js'
import { Random } from '../../support/random.js'

const random = new Random()
t.comment(`SEED=${random.seed}`)

/** Letters and digits in turn: the part of a secret that nobody may see. */
function core (length: number, alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ'): string {
  return Array.from({ length }, (_, index) => index % 2 === 0 ? random.pick([...alphabet]) : String(random.below(10))).join('')
}

/** Every kind that is hidden by default: the text in which it stands, with the secret in its place. */
const KINDS: Readonly<Record<string, (secret: string) => string>> = {
  'Anthropic key': (secret) => `ANTHROPIC is sk-ant-api03-${secret} ok`,
  'OpenAI key': (secret) => `sk-proj-${secret} ok`,
  'Stripe key': (secret) => `(sk_live_${secret})`,
  'Google key': (secret) => `AIza${secret} ok`,
  'Google token': (secret) => `ya29.${secret} ok`,
  'GitHub token': (secret) => `remote ghp_${secret} ok`,
  'GitHub fine-grained token': (secret) => `github_pat_${secret} ok`,
  'GitLab token': (secret) => `glpat-${secret} ok`,
  'Slack token': (secret) => `xoxb-${secret} ok`,
  'npm token': (secret) => `npm_${secret} ok`,
  'Hugging Face token': (secret) => `hf_${secret} ok`,
  'Groq key': (secret) => `gsk_${secret} ok`,
  'xAI key': (secret) => `xai-${secret} ok`,
  'Perplexity key': (secret) => `pplx-${secret} ok`,
  'Replicate token': (secret) => `r8_${secret} ok`,
  JWT: (secret) => `jwt eyJhbGciOiJIUzI1NiJ9.eyJ${secret}.${secret} ok`,
  'Bearer header': (secret) => `curl -H "Authorization: Bearer ${secret}" x`,
  'Basic header': (secret) => `authorization: basic ${secret}`,
  'password in a URL': (secret) => `postgres://admin:${secret}@db.example:5432/app`,
  'assignment in a shell': (secret) => `export GITHUB_TOKEN=${secret} && run`,
  'password in JSON': (secret) => `{"db_password": "${secret}", "port": 1}`,
  'API key in YAML': (secret) => `  api_key: ${secret}\n  other: value`,
  'Stripe webhook secret': (secret) => `whsec_${secret} ok`,
  'AWS secret in a shell': (secret) => `AWS_SECRET_ACCESS_KEY=${secret} aws sts`,
  'AWS secret in a file': (secret) => `aws_secret_access_key = ${secret}\nregion = x`,
  'account key of a connection string': (secret) => `AccountName=x;AccountKey=${secret}==;EndpointSuffix=y`,
  'private key in JSON': (secret) => `{"private_key": "${secret}", "port": 1}`,
  'password in escaped JSON': (secret) => `{\\"password\\": \\"${secret}\\"}`,
  'password in JSON that was escaped twice': (secret) => `"{\\\\\\"password\\\\\\":\\\\\\"${secret}\\\\\\"}"`,
  'option of a command': (secret) => `deploy --token ${secret} --verbose`,
  'option with a longer name': (secret) => `deploy --stripe-api-key ${secret} --verbose`,
  'option with a quoted value': (secret) => `login --password '${secret} and more' --verbose`,
  'quoted passphrase with blanks': (secret) => `passphrase="open ${secret} sesame 99" x`,
  'cookie header': (secret) => `Cookie: theme=dark; session=${secret}\nAccept: */*`,
  'cookie that is set': (secret) => `< set-cookie: sid=${secret}; Path=/; HttpOnly`,
  'cookie of a command': (secret) => `curl --cookie "sid=${secret}" https://example.com`,
  'password with an @ in a URL': (secret) => `https://admin:p@${secret}@db.example/app`,
  'private key': (secret) => `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n${secret}\n-----END RSA PRIVATE KEY-----\nok`
}

/** The longest run of a secret's characters that a text shows. */
function shown (text: string, secret: string): number {
  for (let length = secret.length; length > 0; length--) {
    for (let from = 0; from + length <= secret.length; from++) {
      if (text.includes(secret.slice(from, from + length))) return length
    }
  }
  return 0
}

/** A few characters may have been stored before the text was recognised; no more. */
const MOST_SHOWN = 7

for (const [kind, inText] of Object.entries(KINDS)) {
  t.test(`a secret of the kind ${kind} is hidden, whole and cut in pieces anywhere`, async (t) => {
    const redactor = createRedactor()
    const secret = core(36)
    const text = `before\n${inText(secret)}\nafter`
    const clean = redactor.text(text)
    t.ok(shown(clean, secret) <= 1, clean)
    t.match(clean, /^before\n[^]*\[redacted\][^]*\nafter$/)
    t.equal(redactor.text(clean).replaceAll(REDACTED, ''), clean.replaceAll(REDACTED, ''), 'again changes nothing')

    const worst = { together: 0, apart: 0, many: 0 }
    for (let cut = 1; cut < text.length; cut++) {
      const pieces = [text.slice(0, cut), text.slice(cut)]
      const together = redactor.openStream().pieces(pieces)
      worst.together = Math.max(worst.together, shown(together.join(''), secret))
      const stream = redactor.openStream()
      const apart = pieces.flatMap((piece) => stream.pieces([piece]))
      worst.apart = Math.max(worst.apart, shown(apart.join(''), secret), shown(apart.join('').replaceAll(REDACTED, ''), secret))
    }
    for (let round = 0; round < 50; round++) {
      const stream = redactor.openStream()
      let result = ''
      for (let at = 0; at < text.length;) {
        const length = 1 + random.below(12)
        result += stream.pieces([text.slice(at, at + length)]).join('')
        at += length
      }
      worst.many = Math.max(worst.many, shown(result, secret))
    }
    t.ok(worst.together <= 1, `pieces of one batch show ${worst.together}`)
    t.ok(worst.apart <= MOST_SHOWN, `two batches show ${worst.apart}`)
    t.ok(worst.many <= MOST_SHOWN, `many batches show ${worst.many}`)
  })
}

t.test('of what stands around a secret as much stays as can be told from it', async (t) => {
  const redactor = createRedactor()
  for (const [given, kept] of [
    ['https://u:p@ssw0rd9@h/x', `https://u:${REDACTED}@h/x`],
    ['cat: {\\"password\\": \\"abcdefgh123\\"}', `cat: {\\"password\\": \\"${REDACTED}\\"}`],
    ['passphrase="open sesame 99" x', `passphrase="${REDACTED}" x`],
    ['deploy --token abcDEF123456789012 --password S3cretValue', `deploy --token ${REDACTED} --password ${REDACTED}`],
    ['curl -H "Cookie: a=b; session=s3cret" url', `curl -H "Cookie: ${REDACTED}" url`],
    ['PASSPHRASE=abcd1234', `PASSPHRASE=${REDACTED}`]
  ] as const) t.equal(redactor.text(given), kept)
})

t.test('a long secret that arrives in small pieces stays hidden to its end', async (t) => {
  const secret = core(3_000)
  for (const inText of [KINDS.JWT, KINDS['private key'], KINDS['assignment in a shell']] as Array<(secret: string) => string>) {
    const text = inText(secret)
    const stream = createRedactor().openStream()
    let result = ''
    for (let at = 0; at < text.length; at += 50) result += stream.pieces([text.slice(at, at + 50)]).join('')
    t.ok(shown(result.slice(0, 400) + result.slice(-400), secret.slice(0, 60) + secret.slice(-300)) <= MOST_SHOWN)
    t.ok(result.replaceAll(REDACTED, '').length < 200)
  }
})

t.test('what only looks like a secret is left alone', async (t) => {
  const redactor = createRedactor()
  for (const text of [
    'adds basic functionality to the module', 'Bearer authentication is required', 'see http://localhost:3000/path and https://example.com',
    'tokens: 4096', 'token: 4096', 'the password is short', 'risk-averse task-force', 'git@github.com:owner/repo.git', 'sk-learn',
    'const token = getToken()', 'token: config.get(name)', 'password: string', 'the secret is to listen', 'tokens: 5000',
    'run --token-limit 500', 'max --token 500', 'pass --token together with --password, or --api-key instead', 'deploy --token "$TOKEN"',
    'deploy --token $GITHUB_TOKEN', 'use --token <yourToken2>', 'cookie: disabled', 'const cookie = a === b', 'accept the cookie: yes',
    'primary key: user_identifier', 'Unexpected token: name', 'invalid token: expired', 'token: "", name: "abcdefgh"', 'whsec_'
  ]) {
    t.equal(redactor.text(text), text)
    t.same(redactor.openStream().pieces([text + '\n']), [text + '\n'])
  }
  t.same(redactor.openStream().pieces(['Listening on http://localhost:3000']), ['Listening on http://localhost:3000'])
})

t.test('values under the names of secrets are hidden in metadata, and secrets by what they look like', async (t) => {
  const redactor = createRedactor({ keyNames: ['Geheim-Nummer'] })
  const json = (value: unknown) => JSON.parse(redactor.json(JSON.stringify(value)))
  t.same(json({
    tool: 'Bash', input: { password: 'x', 'API-Key': 'y', accessToken: 'z', geheim_nummer: 7, nested: [{ Cookie: ['a=b'] }] }
  }), {
    tool: 'Bash',
    input: { password: REDACTED, 'API-Key': REDACTED, accessToken: REDACTED, geheim_nummer: REDACTED, nested: [{ Cookie: REDACTED }] }
  })
  t.same(json({ env: { ANTHROPIC_API_KEY: 'abc', dbPassword: 'p', PATH: '/bin' } }),
    { env: { ANTHROPIC_API_KEY: REDACTED, dbPassword: REDACTED, PATH: '/bin' } })
  const deep = (depth: number): unknown => depth === 0 ? 'token' : [deep(depth - 1)]
  t.match(redactor.json(JSON.stringify({ deep: deep(2_000) })), /^\{"deep":\[{200}"\[redacted\]"\]{200}\}$/)
  const harmless = { inputTokens: 5, maxToken: 6, token: null, hasPassword: true }
  t.same(json(harmless), harmless)
  t.same(json({ AZURE_ACCOUNT_KEY: 'a', signingKey: 'b' }), { AZURE_ACCOUNT_KEY: REDACTED, signingKey: REDACTED })
  const secret = core(36)
  t.notMatch(JSON.stringify(json({ command: `curl -H "Authorization: Bearer ${secret}"`, list: [[`ghp_${secret}`]] })), secret)
})

t.test('secrets in the keys of metadata are hidden, and no value is lost where two become the same', async (t) => {
  const redactor = createRedactor()
  const json = (value: unknown) => redactor.json(JSON.stringify(value))
  const [one, two] = [`ghp_${core(36)}`, `ghp_${core(36)}`]
  t.equal(json({ [REDACTED]: 0, [one]: 1, nested: [{ [two]: { [one]: 'x' } }], [two]: 2 }),
    `{"${REDACTED}":0,"${REDACTED} 1":1,"nested":[{"${REDACTED}":{"${REDACTED}":"x"}}],"${REDACTED} 3":2}`)
  t.equal(json({ [one]: 1, [REDACTED]: 2, [`${REDACTED} 1`]: 3 }), `{"${REDACTED}":1,"${REDACTED} 1":2,"${REDACTED} 1 2":3}`)
  t.equal(redactor.json(`{"__proto__":{"${one}":1},"a":1}`), `{"__proto__":{"${REDACTED}":1},"a":1}`)
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`ghp_${core(36)}`, index]))
  t.same(Object.values(JSON.parse(json(many))), Object.values(many))
})

t.test('a piece that is a text of its own is searched by itself as well', async (t) => {
  const secret = core(36)
  const stream = createRedactor().openStream()
  const pieces = [...stream.pieces(['done', `ghp_${secret}`, ' found']), ...stream.pieces([`ghp_${secret}`])]
  t.same(pieces, ['done', REDACTED, ' found', REDACTED])
})

t.test('who speaks of a private key is not silenced for good', async (t) => {
  const stream = createRedactor().openStream()
  stream.pieces(['I look for -----BEGIN PRIVATE KEY----- in all of the files.'])
  t.same(stream.pieces(['There is none.']), ['There is none.'])
})

t.test("a user's patterns hide literal texts and matches, across pieces too; false hides nothing", async (t) => {
  const redactor = createRedactor({ patterns: ['ACME(internal)', /cust-\d{6}/, /order-\d+/y] })
  t.equal(redactor.text('ACME(internal) cust-123456 order-9 and cust-12'), `${REDACTED} ${REDACTED} ${REDACTED} and cust-12`)
  for (let cut = 1; cut < 14; cut++) {
    const stream = redactor.openStream()
    const pieces = ['ACME(internal)'.slice(0, cut), 'ACME(internal)'.slice(cut)].flatMap((piece) => stream.pieces([piece]))
    t.ok(shown(pieces.join(''), 'ACME(internal)') <= MOST_SHOWN, pieces.join('|'))
  }
  const none = createRedactor(false)
  const text = KINDS['Anthropic key']?.(core(36)) as string
  t.equal(none.text(text), text)
  t.equal(none.json(JSON.stringify({ password: text })), JSON.stringify({ password: text }))
  t.same(none.openStream().pieces([text]), [text])
})

t.test('texts made to be slow to search take time in proportion to their length', async (t) => {
  const redactor = createRedactor()
  const parts = ['a.b-', '://a:', 'eyJ', 'eyJ-', '-----BEGIN ', 'token ', 'token:', 'Bearer ', 'sk-', 'a:', '="', ' ', 'api_key',
    '@', 'token="', 'token=\\"', "password: '", 'token=\\', 'token=a(', ' --token', ' --token a1', ' --password "a', '-', 'a-', '\\',
    'cookie:', 'cookie: a=b', 'cookie: a', 'set-cookie: a=bcdef\n', 'access_key', 'whsec_']
  const fastest = (text: string) => Math.min(...[1, 2, 3].map(() => {
    // Not the clock's time: on a busy machine others have most of that.
    const before = process.cpuUsage()
    redactor.text(text)
    redactor.openStream().pieces([text])
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  }))
  for (const part of parts) {
    const ofLength = (length: number) => fastest('://' + part.repeat(Math.floor(length / part.length)))
    const short = ofLength(10_000)
    // Eight times the text: a search that looks at everything behind each match would take 64 times as long.
    const most = 24 * Math.max(short, 1)
    let long = ofLength(80_000)
    // Perhaps it was the tidying up of what had been before.
    for (let again = 0; again < 5 && long >= most; again++) long = Math.min(long, ofLength(80_000))
    t.ok(long < most, `${JSON.stringify(part)}: ${short.toFixed(1)} ms, eightfold ${long.toFixed(1)} ms`)
  }
})

t.test('a text that cannot be searched is hidden, and throws nothing', async (t) => {
  const { text } = createRedactor()
  // V8 keeps a state for each of these, and has no room for millions.
  const found = text(`token=${'\\a'.repeat(3_000_000)}`)
  t.ok(found.length < 100, `${found.length} characters`)
  t.match(found, /\[redacted\]$/)
})

t.test('a text of a megabyte is searched in slices, and no secret at their borders is missed', async (t) => {
  const redactor = createRedactor()
  const line = 'the session key and its token are read from the store before each request of this client\n'
  const secret = 'Bearer 4f9d2c71aa03bb8e6f1d'
  for (const at of [0, 65_530, 131_060, 1_000_000]) {
    const text = line.repeat(12_000).slice(0, at) + ` ${secret} ` + line.repeat(12_000).slice(0, 1_048_576 - at)
    const work = redactor.headSlowly(text, 2_000_000)
    let slices = 0
    let step = work.next()
    for (; step.done !== true; step = work.next()) slices++
    t.ok(slices >= 16, `${slices} places to pause`)
    t.notMatch(step.value, '4f9d2c71', `behind ${at} characters`)
    t.equal(step.value.length, text.length - secret.length + 'Bearer [redacted]'.length)
  }
})
