import t from 'tap'
import { createSseParser, type SseMessage } from '../../client/connection/sse-parser.js'
import { Random } from '../support/random.js'

function parse (pieces: readonly string[]): { messages: SseMessage[], retries: number[] } {
  const messages: SseMessage[] = []
  const retries: number[] = []
  const feed = createSseParser({ onMessage: (message) => messages.push(message), onRetry: (ms) => retries.push(ms) })
  for (const piece of pieces) feed(piece)
  return { messages, retries }
}

const message = (data: string, more: Partial<SseMessage> = {}): SseMessage => ({ event: 'message', data, id: '', ...more })

t.test('fields are read as the standard says', async (t) => {
  const cases: Array<[name: string, text: string, messages: SseMessage[], retries?: number[]]> = [
    ['data', 'data: a\n\n', [message('a')]],
    ['no space after the colon', 'data:a\n\n', [message('a')]],
    ['only one space is taken', 'data:  a\n\n', [message(' a')]],
    ['several lines of data', 'data: a\ndata\ndata: b\n\n', [message('a\n\nb')]],
    ['an id stays for later messages', 'id: 7.x\ndata: a\n\ndata: b\n\n', [message('a', { id: '7.x' }), message('b', { id: '7.x' })]],
    ['an id with NUL is ignored', 'id: 7\0\ndata: a\n\n', [message('a')]],
    ['an event name lasts one message', 'event: ping\ndata: a\n\ndata: b\n\n', [message('a', { event: 'ping' }), message('b')]],
    ['a name without data is nothing', 'event: ping\n\ndata: b\n\n', [message('b')]],
    ['comments are dropped', ': hello\ndata: a\n: x\n\n', [message('a')]],
    ['unknown fields are dropped', 'foo: 1\ndata: a\n\n', [message('a')]],
    ['retry', 'retry: 250\n\nretry: soon\n\n', [], [250]],
    ['what no empty line ends is not dispatched', 'data: a\n', []],
    ['CRLF', 'data: a\r\ndata: b\r\n\r\n', [message('a\nb')]],
    ['CR', 'data: a\rdata: b\r\r', [message('a\nb')]],
    ['mixed line ends', 'data: a\r\ndata: b\rdata: c\n\r\n', [message('a\nb\nc')]]
  ]
  for (const [name, text, messages, retries = []] of cases) {
    t.same(parse([text]), { messages, retries }, name)
    t.same(parse([...text]), { messages, retries }, `${name}, character by character`)
  }
})

t.test('pieces of any size give the same messages', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const parts = ['data: ', 'data', 'id: 4.e', 'event: ping', 'retry: 5', ':', ': c', '\n', '\n\n', '\r\n', '\r', 'x', ' ', 'é😀', '\0']
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: random.below(40) }, () => random.pick(parts)).join('')
    const whole = parse([text])
    const pieces = random.split(text, 1 + random.below(8))
    t.strictSame(parse(pieces), whole) || t.comment(JSON.stringify(pieces))
    if (!t.passing()) break
  }
})
