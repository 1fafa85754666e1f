import t from 'tap'
import { createWordScan } from '../../../lib/intake/word-scan.js'
import { Random } from '../../support/random.js'

t.test('a scan says of which lists a text has a word, as if each was looked for', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const textOf = (alphabet: string, length: number) => Array.from({ length }, () => alphabet[random.below(alphabet.length)]).join('')
  for (let round = 0; round < 200; round++) {
    const lists = Array.from({ length: 1 + random.below(6) }, () =>
      Array.from({ length: 1 + random.below(5) }, () => textOf('ab-', 1 + random.below(5))))
    const scan = createWordScan(lists)
    const text = textOf('abAB-\u00e4\u212a ', random.below(30))
    const expected = lists.map((words) => words.some((word) => text.toLowerCase().includes(word)))
    t.same(lists.map((_, index) => (scan(text) & 1 << index) !== 0), expected, JSON.stringify({ lists, text }))
  }
})
