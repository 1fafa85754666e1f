import { setImmediate } from 'node:timers/promises'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import { createRedactor } from '../../dist/lib/intake/redact.js'
import { alternate, isSmoke } from './measure.mjs'

const TEXTS = isSmoke ? 10 : 20_000
/** Its calls take so much longer that fewer say as much. */
const LINTED_TEXTS = isSmoke ? 2 : 500
const CHARS = 200

const fill = (text) => text.repeat(Math.ceil(CHARS / text.length)).slice(0, CHARS)

/** What agents report, a kind each. */
const KINDS = {
  'a sentence': fill('I looked at the login page and found that the form is sent twice when its button is pressed quickly. '),
  'a sentence about tokens and keys': fill('The session key comes from a cookie, its token is passed to the secret store, so no password is asked. '),
  'a command': fill('git diff --stat HEAD~3 && rg -n "createServer" src -g "*.ts" | head -40 && npm test -- --grep "login form" && '),
  'output of tests': fill('✔ login form > sends once (14 ms)\n✖ login form > is disabled (31 ms)\n  AssertionError: 1 !== 2\n    at run (login.ts:4:12)\n'),
  'the same, coloured': fill('\x1b[32m✔\x1b[39m login form > sends once \x1b[2m(14 ms)\x1b[22m\n'),
  JSON: fill('{"name":"shop","version":"5.6.1","main":"index.js","type":"module","engines":{"node":">=20"},"license":"MIT"},'),
  code: fill('export function createReader (db: Db, options = {}): Reader {\n  const { maxRows = 500 } = options\n  return read(db)\n}\n'),
  'an address': fill('GET https://registry.example.com/@types%2fnode/-/node-22.18.0.tgz?state=opened&order_by=updated_at 200 in 143 ms '),
  'one long line': fill('a1b2c3d4e5f60718293a4b5c6d7e8f90aabbccdd'),
  'a command with a secret': fill('curl -H "Authorization: Bearer sk-ant-api03-Zk3vQ9xT1mWc7RbY5nLd2HfJ8gPs4KuA" https://api.example.com/v1/messages -d @body.json -o out && ')
}

/**
 * CPU of hiding secrets in a text. `BENCH_BASE=/path/to/redact.js` measures another version's compiled module as well,
 * which may cost no less than a third of ours.
 */
export async function redaction () {
  const { BENCH_BASE } = process.env
  const base = BENCH_BASE === undefined ? undefined : (await import(BENCH_BASE)).createRedactor()
  const ours = createRedactor()
  const lint = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] }
  const tables = []
  for (const [kind, text] of Object.entries(KINDS)) {
    const contenders = { 'Redactor: text()': () => measure(TEXTS, () => ours.text(text)) }
    if (base !== undefined) contenders['BENCH_BASE: text()'] = () => measure(TEXTS, () => base.text(text))
    const source = { content: text, filePath: 'output.txt', contentType: 'text' }
    const options = { config: lint, noPhysicFilePath: true }
    contenders["secretlint's recommended rules"] = () => measure(LINTED_TEXTS, () => lintSource({ source, options }))
    tables.push({
      title: `Redaction of ${kind}, ${CHARS} characters`,
      metric: 'CPU',
      unit: 'µs',
      figures: await alternate(contenders),
      isHigherBetter: false,
      ...(base !== undefined && {
        target: { text: '<= 3 x the base', isMet: ({ ratios }) => ratios['BENCH_BASE: text()'] >= 1 / 3 }
      })
    })
  }
  return tables
}

async function measure (times, call) {
  const before = process.cpuUsage()
  for (let index = 0; index < times; index++) {
    const result = call()
    if (typeof result !== 'string') await result
  }
  const { user, system } = process.cpuUsage(before)
  // Its profiler's, which would grow with each call; it reads them a turn later.
  for (let turns = 0; turns < 3; turns++) await setImmediate()
  performance.clearMarks()
  performance.clearMeasures()
  return (user + system) / times
}
