import t from 'tap'
import { createRedactor, REDACTED } from '../../../lib/recorder/redact.js'
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
    'tokens: 4096', 'token: 4096', 'the password is short', 'risk-averse task-force', 'git@github.com:owner/repo.git', 'sk-learn'
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
  const harmless = { inputTokens: 5, maxToken: 6, token: null, hasPassword: true }
  t.same(json(harmless), harmless)
  const secret = core(36)
  t.notMatch(JSON.stringify(json({ command: `curl -H "Authorization: Bearer ${secret}"`, list: [[`ghp_${secret}`]] })), secret)
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
  const parts = ['a.b-', '://a:', 'eyJ', 'eyJ-', '-----BEGIN ', 'token ', 'token:', 'Bearer ', 'sk-', 'a:', '="', ' ', 'api_key']
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
    const short = ofLength(60_000)
    // Eight times the text: a search that looks at everything behind each match would take 64 times as long.
    const most = 24 * Math.max(short, 1)
    let long = ofLength(480_000)
    // Perhaps it was the tidying up of what had been before.
    for (let again = 0; again < 5 && long >= most; again++) long = Math.min(long, ofLength(480_000))
    t.ok(long < most, `${JSON.stringify(part)}: ${short.toFixed(1)} ms, eightfold ${long.toFixed(1)} ms`)
  }
})
