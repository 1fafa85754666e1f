import t from 'tap'
import { endOfText, oneLine, withoutCutWord } from '../../../lib/providers/caps.js'
import { toolMessage } from '../../../lib/providers/tool-message.js'

t.test('the end of a text begins with a whole line, else with a whole word', async (t) => {
  t.equal(endOfText('short', 10), 'short')
  t.equal(endOfText('one two\nthree four\nfive', 18), 'three four\nfive')
  t.equal(endOfText('one two three four', 12), 'three four')
  t.equal(endOfText('a'.repeat(100), 10), 'aaaaa', 'of a word without end half is given up')
})

t.test('where a text was cut the last word is given up', async (t) => {
  t.equal(withoutCutWord('one two thr'), 'one two ')
  t.equal(withoutCutWord('one two '), 'one two ')
  t.equal(withoutCutWord('a'.repeat(10_000)).length, 10_000 - 8_192)
})

t.test('a message is one line, however long and broken the text', async (t) => {
  t.equal(oneLine('  a \r\n\t b\n\nc '), 'a ↵ b ↵ c')
  t.equal(oneLine('x'.repeat(50_000)).length, 50_000, 'whole: who cuts it hides its secrets first')
})

t.test('a tool is shown with what it works on', async (t) => {
  const cases: Array<[string, unknown, string]> = [
    ['Read', { file_path: '/a/b.ts', limit: 3 }, 'Read: /a/b.ts'],
    ['Grep', { pattern: 'TODO', path: 'src' }, 'Grep: TODO'],
    ['WebFetch', { url: 'https://x.example' }, 'WebFetch: https://x.example'],
    ['demo.slow', { steps: 3, list: [] }, 'demo.slow: steps=3'],
    ['wait', {}, 'wait'],
    ['odd', null, 'odd'],
    ['Put', { size: 1, body: 'x'.repeat(61) }, 'Put: size=1 body=…'],
    ['Agent', { prompt: 'first\nsecond' }, 'Agent: first ↵ second']
  ]
  for (const [tool, input, message] of cases) t.equal(toolMessage(tool, input), message)
})
