import t from 'tap'
import { encodeMetadata } from '../../../lib/intake/metadata.js'
import { createRedactor } from '../../../lib/intake/redact.js'

const CAPS = { metadataBytes: 8_192, inputBytes: 16_384, resultBytes: 16_384 }
const cut = (text: string, maxChars: number) => text.slice(0, maxChars)
const encode = (metadata: unknown, head = createRedactor().head) =>
  JSON.parse(encodeMetadata(metadata, CAPS, head).json ?? 'null')

t.test('metadata that fits is stored as JSON has it', async (t) => {
  const shared = { a: 1 }
  for (const metadata of [
    { list: [1, undefined, () => {}, [new Date(0)]], left: undefined, out: Symbol('x'), nan: NaN, twice: [shared, shared] },
    { boxed: [Object('a'), Object(1), Object(false)], map: new Map([[1, 2]]), bytes: Buffer.from('ab'), view: new Uint8Array(2) },
    JSON.parse('{"__proto__":{"a":1},"2":0,"1":0}'), Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true } })
  ]) t.equal(encodeMetadata(metadata, CAPS, cut).json, JSON.stringify(metadata))
  t.equal(encodeMetadata({ n: 10n, none: {} }, CAPS, cut).json, '{"n":"10","none":{}}')
  t.equal(encodeMetadata({ left: undefined }, CAPS, cut).json, null)
})

t.test('what is too large is cut, then reduced to what explains the activity', async (t) => {
  const text = 'ab c'.repeat(3_000)
  t.same(encode({ callId: 'c', text, list: Array(100).fill(1) }),
    { callId: 'c', text: text.slice(0, 4_096) + '…', list: Array(20).fill(1), truncated: true })
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => ['k' + index, index]))
  t.same(encode({ ...many, callId: 'c', phase: 'end' }), { callId: 'c', phase: 'end', truncated: true })
  const circular: Record<string, unknown> = { callId: 'c' }
  circular.self = circular
  t.same(encode(circular), { truncated: true })
})

t.test('of what is too large no more is read than can be kept', async (t) => {
  const keys = Array.from({ length: 100_000 }, (_, index) => 'k' + index)
  let reads = 0
  const metadata = new Proxy(Object.fromEntries(keys.map((key) => [key, 1])), {
    get (target, key) {
      reads++
      return target[key as string]
    }
  })
  const list = new Proxy(keys, {
    get (target, key) {
      reads++
      return Reflect.get(target, key)
    }
  })
  t.same(encode(metadata), { truncated: true })
  t.match(encode({ list }), { list: keys.slice(0, 20), truncated: true })
  t.ok(reads < 2 * 8_192, `${reads} reads`)
  let longest = 0
  encode({ text: 'x'.repeat(10_000_000), bytes: new Uint8Array(10_000_000) }, (text, maxChars) => {
    longest = Math.max(longest, maxChars)
    return text.slice(0, maxChars)
  })
  t.ok(longest > 1_024 && longest <= 4_096, `${longest} characters are searched for secrets`)
})

t.test('a secret where a long text is cut is hidden', async (t) => {
  const redactor = createRedactor({ patterns: [/cust-\d{12}/] })
  for (const secret of ['ghp_' + 'a1B2'.repeat(9), 'cust-123456789012']) {
    for (let before = 4_096 - secret.length; before <= 4_096; before++) {
      const { text } = encode({ text: '.'.repeat(before) + secret + ' '.repeat(20_000) }, redactor.head)
      if (/ghp_|cust-/.test(text)) t.fail(`shown after ${before} characters`)
    }
  }
  const key = `-----BEGIN PRIVATE KEY-----\n${'k'.repeat(4_900)}\n-----END PRIVATE KEY-----\n`
  const { text } = encode({ text: key + 'ghp_' + 'a1B2'.repeat(5_000) }, redactor.head)
  t.notMatch(text, /ghp_a1B2/, 'nor one that comes near because another is hidden')
})

t.test('the input and the result of a tool have caps of their own, and a long result waits for its excerpt', async (t) => {
  const input = { command: 'c'.repeat(10_000) }
  t.same(encode({ callId: 'c', input, result: 'r'.repeat(16_000) }), { callId: 'c', input, result: 'r'.repeat(16_000) })
  const long = encodeMetadata({ callId: 'c', result: 'r'.repeat(20_000) }, CAPS, cut)
  t.same([long.json, long.result?.length], ['{"callId":"c","truncated":true}', 20_000])
  t.same(encode({ callId: 'c', input: { command: 'c'.repeat(20_000), list: [1] } }),
    { callId: 'c', truncated: true, input: { command: 'c'.repeat(4_096) + '…', list: [1] } })
  t.same(encode({ input: 'x'.repeat(9_000), result: { a: 1 } }), { input: 'x'.repeat(9_000), result: { a: 1 } })
})

t.test('metadata of JSON.rawJSON is an object like any other', {
  skip: 'rawJSON' in JSON ? false : 'from Node 22 on there is JSON.rawJSON'
}, async (t) => {
  const { rawJSON } = JSON as unknown as { rawJSON (text: string): unknown }
  for (const text of ['null', '5', '"a"']) t.equal(typeof JSON.parse(encodeMetadata(rawJSON(text), CAPS, cut).json ?? '{}'), 'object')
})

t.test('the keys of an object that is too large are listed once, wherever it stands', async (t) => {
  for (const place of ['metadata', 'input', 'result', 'other']) {
    let listed = 0
    const many = new Proxy(Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, index])), {
      ownKeys (target) {
        listed++
        return Reflect.ownKeys(target)
      }
    })
    const { json } = encodeMetadata(place === 'metadata' ? many : { callId: 'c', [place]: many }, CAPS, cut)
    t.equal(listed, 1, place)
    t.match(json, /"truncated":true/)
  }
})
