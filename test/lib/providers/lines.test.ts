import t from 'tap'
import { createLineSplitter, type Line } from '../../../lib/providers/process/lines.js'

function split (bytes: Buffer, cuts: number[], maxLineBytes?: number): Line[] {
  const splitter = createLineSplitter(maxLineBytes === undefined ? {} : { maxLineBytes })
  const lines: Line[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    lines.push(...splitter.push(bytes.subarray(from, cut)))
    from = cut
  }
  const last = splitter.end()
  return last === undefined ? lines : [...lines, last]
}

const whole = (text: string): Line => ({ text, truncated: false, partial: false })

t.test('lines are the same wherever the bytes are cut', async (t) => {
  const text = 'grüße 世界\n👩‍👩‍👧‍👦🚀\n\n{"a":"\u2028 \u2029 \r"}\nrest 𝄞'
  const bytes = Buffer.from(text)
  const expected = [...text.split('\n').slice(0, -1).map(whole), { text: 'rest 𝄞', truncated: false, partial: true }]
  for (let a = 0; a <= bytes.length; a++) {
    for (let b = a; b <= bytes.length; b += 3) t.strictSame(split(bytes, [a, b]), expected)
  }
  t.strictSame(split(bytes, [...bytes.keys()]), expected, 'byte by byte')
})

t.test('only \\n ends a line', async (t) => {
  t.strictSame(split(Buffer.from('a\rb\u2028c\u2029d\u0085e\r\n'), []), [whole('a\rb\u2028c\u2029d\u0085e\r')])
})

t.test('a line beyond the cap is cut between characters and marked, the next one is whole', async (t) => {
  for (let cap = 1; cap < 20; cap++) {
    for (const cuts of [[], [3, 9, 14]]) {
      const [first, second] = split(Buffer.from('aé世🚀aé世🚀aé世🚀\nb\n'), cuts, cap)
      t.equal(first!.truncated, true)
      t.ok('aé世🚀aé世🚀aé世🚀'.startsWith(first!.text), first!.text)
      t.ok(Buffer.byteLength(first!.text) > cap - 4)
      t.strictSame(second, whole('b'))
    }
  }
})

t.test('a line of exactly the cap is whole', async (t) => {
  t.strictSame(split(Buffer.from('abcd\n'), [2], 4), [whole('abcd')])
})

t.test('an unfinished line is copied a bounded number of times, not once per chunk', async (t) => {
  const copy = Buffer.prototype.copy
  let copied = 0
  Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<typeof copy>) {
    const bytes = copy.apply(this, args)
    copied += bytes
    return bytes
  }
  t.teardown(() => { Buffer.prototype.copy = copy })
  const splitter = createLineSplitter()
  const chunk = Buffer.alloc(1_000, 'x')
  for (let i = 0; i < 5_000; i++) for (const line of splitter.push(chunk)) t.fail(line.text)
  const [line] = [...splitter.push(Buffer.from('\n'))]
  t.equal(line!.text.length, 5_000_000)
  t.ok(copied < 4 * 5_000_000, `${copied} bytes copied`)
})
