import t from 'tap'
import { capValue, cutText, excerpt, oneLine } from '../../../lib/providers/caps.js'
import { toolMessage } from '../../../lib/providers/tool-message.js'

const text = 'aé世🚀'.repeat(50)
const isWhole = (value: string): boolean => !/\ufffd/.test(value) && Buffer.from(value).toString() === value

t.test('a text is cut between characters, at the cap or a little before', async (t) => {
  t.strictSame(cutText(text, 10_000), { value: text, truncated: false })
  for (let max = 0; max < 60; max++) {
    const { value, truncated } = cutText(text, max)
    t.ok(truncated && isWhole(value) && text.startsWith(value), `${max}`)
    t.ok(Buffer.byteLength(value) <= max && Buffer.byteLength(value) > max - 4, `${max} bytes`)
  }
})

t.test('an excerpt keeps beginning and end and says how much is missing', async (t) => {
  t.strictSame(excerpt('short'), { value: 'short', truncated: false })
  for (let max = 100; max < 140; max++) {
    const { value, truncated } = excerpt(text, max)
    t.ok(truncated && isWhole(value), `${max}`)
    t.ok(Buffer.byteLength(value) <= max, `${max}: ${Buffer.byteLength(value)} bytes`)
    const [, head, missing, tail] = /^([\s\S]*)\n\[… (\d+) characters …\]\n([\s\S]*)$/.exec(value)!
    t.ok(text.startsWith(head!) && text.endsWith(tail!))
    t.equal(head!.length + tail!.length + Number(missing), text.length)
  }
})

t.test('a value becomes as small as asked, and stays what it was where it fits', async (t) => {
  const small = { a: [1, 'x', null, true], b: { c: 'é' } }
  t.strictSame(capValue(small), { value: small, truncated: false })
  const cases: unknown[] = [
    'x'.repeat(9_999), '\u0000'.repeat(9_999), '"'.repeat(9_999), text.repeat(99), Array(9_999).fill('abc'),
    { content: text.repeat(99), after: 1 }, Object.fromEntries(Array.from({ length: 999 }, (_, i) => [`key${i}`, i])),
    [[[[[[[['deep']]]]]]]], { ['k'.repeat(9_999)]: 1 }, Array(5_000).fill(123456789.123)
  ]
  for (const value of cases) {
    const capped = capValue(value)
    t.ok(capped.truncated)
    t.ok(Buffer.byteLength(JSON.stringify(capped.value)) <= 2_048, JSON.stringify(capped.value).slice(0, 60))
  }
})

t.test('a message is one line, however long and broken the text', async (t) => {
  t.equal(oneLine('  a \r\n\t b\n\nc '), 'a ↵ b ↵ c')
  t.equal(oneLine('x'.repeat(50), 10), 'xxxxxxxxx…')
  t.ok(isWhole(oneLine(`${'x'.repeat(8)}🚀🚀`, 10)))
})

t.test('a tool is shown with what it works on', async (t) => {
  const cases: Array<[string, unknown, string]> = [
    ['Read', { file_path: '/a/b.ts', limit: 3 }, 'Read: /a/b.ts'],
    ['Grep', { pattern: 'TODO', path: 'src' }, 'Grep: TODO'],
    ['WebFetch', { url: 'https://x.example' }, 'WebFetch: https://x.example'],
    ['demo.slow', { steps: 3, list: [] }, 'demo.slow: steps=3'],
    ['wait', {}, 'wait'],
    ['odd', null, 'odd'],
    ['Agent', { prompt: 'first\nsecond' }, 'Agent: first ↵ second']
  ]
  for (const [tool, input, message] of cases) t.equal(toolMessage(tool, input), message)
})
