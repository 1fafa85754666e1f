import t from 'tap'
import { toLines, toPlainText } from '../../client/view/ansi.js'
import { Random } from '../support/random.js'

const tokens = (text: string): string[][] => toLines(text, 100).lines.map((line) => line.map(({ text, className }) => className === '' ? text : `<${className}>${text}`))

t.test('colours become classes, everything else that controls is dropped or shown', async (t) => {
  const cases: Array<[name: string, text: string, lines: string[][]]> = [
    ['plain', 'a\nb', [['a'], ['b']]],
    ['a colour and its end', '\x1b[32mok\x1b[39m.', [['<fg3>ok', '.']]],
    ['a bright colour, bold', '\x1b[1;91mbad\x1b[0m', [['<fg10 bold>bad']]],
    ['a style runs over lines', '\x1b[31ma\nb\x1b[m c', [['<fg2>a'], ['<fg2>b', ' c']]],
    ['one of the sixteen of 256', '\x1b[38;5;2mok', [['<fg3>ok']]],
    ['other colours stay readable', '\x1b[38;5;200ma\x1b[38;2;1;2;3mb', [['a', 'b']]],
    ['backgrounds are dropped', '\x1b[41ma\x1b[48;5;3mb', [['a', 'b']]],
    ['hidden text is shown', '\x1b[8msecret', [['secret']]],
    ['cursor movements are dropped', 'a\x1b[2Kb\x1b[1;1Hc', [['a', 'b', 'c']]],
    ['a title is dropped', '\x1b]0;pwn\x07a', [['a']]],
    ['a link keeps its text', '\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\', [['click']]],
    ['markup is text', '<img src=x onerror=alert(1)>', [['<img src=x onerror=alert(1)>']]],
    ['a progress bar keeps its last state', '10 %\r50 %\r100 %', [['100 %']]],
    ['CRLF is a line end', 'a\r\nb', [['a'], ['b']]],
    ['bidi overrides are shown', 'a\u202eb', [['a', '<mark>U+202E', 'b']]],
    ['NUL and backspace are shown', 'a\0b\b', [['a', '<mark>␀', 'b', '<mark>␈']]],
    ['empty lines around are dropped', '\n\n a\n\n', [[' a']]]
  ]
  for (const [name, text, lines] of cases) t.same(tokens(text), lines, name)
})

t.test('what is too long is cut and said so', async (t) => {
  const { lines, hiddenLines } = toLines(Array.from({ length: 30 }, (_, i) => `${i}`).join('\n'), 12)
  t.equal(lines.length, 12)
  t.equal(hiddenLines, 18)
  t.same(tokens('x'.repeat(2000)), [['x'.repeat(2000)]])
  const long = `\x1b[31m${'x\u{1f600}'.repeat(1000)}`
  t.ok(tokens(long).length > 5, 'a long line in pieces, so that it folds')
  t.equal(toLines(long, 99).lines.flat().map(({ text }) => text).join(''), 'x\u{1f600}'.repeat(1000))
  t.equal(toPlainText(`  a \n b ${'c'.repeat(300)}`, 10), 'a b ccccc…')
})

t.test('no control, bidi or escape character survives, in linear time', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const parts = ['\x1b[', '\x1b]', '\x1b', '31m', ';', '38;5', '\x07', '\x9b', 'text', '\u202e', '\u2066', '\0', '\r', '\n', '\t', 'é', '\x7f', '\u200b', 'P', '?25h']
  // eslint-disable-next-line no-control-regex
  const forbidden = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: random.below(60) }, () => random.pick(parts)).join('')
    const shown = toLines(text, 1000).lines.flat().map((token) => token.text).join('') + toPlainText(text)
    if (forbidden.test(shown)) return t.fail(JSON.stringify(text))
  }
  t.pass('3,000 inputs')
  for (const unit of ['\x1b[', '\x1b]', '\x1b[38;5;', ' \n', ' ', '\r']) {
    const time = (size: number): number => {
      const text = unit.repeat(size) + 'x'
      // Of the CPU: on a busy machine the clock counts what others do.
      const start = process.cpuUsage()
      toLines(text, 1000)
      toPlainText(text)
      const { user, system } = process.cpuUsage(start)
      return user + system
    }
    time(1000)
    const best = (size: number): number => Math.min(...[1, 2, 3, 4, 5].map(() => time(size)))
    // Both beyond what fits into a cache: a text that does is read several times as fast.
    const [small, large] = [best(200_000), best(3_200_000)]
    // Between 16 and its square there is room for what a busy machine does to either.
    t.ok(large < 80 * small, `16 times as much of ${JSON.stringify(unit)} takes ${(large / small).toFixed(1)} times as long`)
  }
})
