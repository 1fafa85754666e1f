import t from 'tap'
import { excerpt } from '../../../lib/intake/excerpt.js'
import { createRedactor } from '../../../lib/intake/redact.js'
import { REDACTED, type Span } from '../../../lib/intake/secret-spans.js'

function done<T> (work: Generator<void, T, void>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
const excerptOf = (text: string, maxBytes = 16_384, spans: readonly Span[] = []) => done(excerpt(text, maxBytes, spans))

t.test('of a long result stay beginning, first failures and end, with the numbers of the lines left out', async (t) => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `ok ${index + 1} - does what it should`)
  for (const at of [5_000, 9_000, 13_000, 17_000]) lines[at - 1] = `AssertionError: line ${at}`
  const kept = excerptOf(lines.join('\n'))
  t.ok(Buffer.byteLength(kept) <= 16_384 && kept.length > 10_000, `${kept.length} characters`)
  t.ok(kept.startsWith(lines.slice(0, 20).join('\n')) && kept.endsWith(lines.slice(-20).join('\n')))
  for (const at of [5_000, 9_000, 13_000]) t.ok(kept.includes(lines.slice(at - 10, at + 8).join('\n')), `around line ${at}`)
  t.notMatch(kept, 'line 17000', 'the fourth is left out')
  const shown = kept.split('\n').flatMap((line) => {
    const [, from, to] = /left out: lines (\d+) to (\d+) of 20000/.exec(line) ?? []
    return from === undefined ? [line] : lines.slice(Number(from) - 1, Number(to))
  })
  t.same(shown, lines, 'what is said to be left out is what is missing')
})

t.test('a line of megabytes, and characters of several bytes, stay within the cap and whole', async (t) => {
  for (const text of ['x'.repeat(2_000_000), '世🚀'.repeat(100_000), '\n'.repeat(100_000), 'error\n'.repeat(50_000)]) {
    const kept = excerptOf(text, 4_096)
    t.ok(Buffer.byteLength(kept) <= 4_096, `${Buffer.byteLength(kept)} bytes`)
    t.notMatch(kept, /\ufffd/)
    t.equal(Buffer.from(kept).toString(), kept)
  }
})

t.test('a secret is hidden wherever the cuts go through it', async (t) => {
  const redactor = createRedactor()
  const secret = `ghp_${'a1B2c3D4e'.repeat(4)}`
  for (const length of [1_000, 1_010, 1_020, 1_030, 1_500, 2_500, 60_000, 66_000]) {
    const text = `${'lorem ipsum '.repeat(length / 4).slice(0, length)} ${secret} ${'dolor sit '.repeat(7_000)}`
    for (const whole of [text, [...text.split(' ')].reverse().join(' ')]) {
      const kept = excerptOf(whole, 4_096, done(redactor.findSlowly(whole)))
      t.notMatch(kept.replaceAll(REDACTED, ''), /ghp_|[a-e]\d[A-E]/)
    }
  }
  const key = `-----BEGIN PRIVATE KEY-----\n${'abCD1234\n'.repeat(20_000)}-----END PRIVATE KEY-----\n`
  const kept = excerptOf(key, 4_096, done(redactor.findSlowly(key)))
  t.notMatch(kept, 'abCD1234', 'a key that is longer than all that is kept')
})
