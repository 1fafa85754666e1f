import t from 'tap'
import { encodeChunks } from '../../../lib/live/chunks.js'
import { parseCursor } from '../../../lib/model/cursor.js'
import { encodeData, encodePing, encodeRetry, encodeUnknownCursor } from '../../../lib/live/frames.js'
import { fillHoles, hasHoles } from '../../../lib/live/gap-finder.js'
import { ChunkRing } from '../../../lib/live/chunk-ring.js'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { decodeFrames } from './peer.js'

function output (seq: number, activity = 'x'): TimelineEvent {
  return {
    seq,
    taskId: 'a',
    timestamp: '2026-02-10T12:49:05.120Z',
    type: 'invocation.activity',
    invocationId: 1,
    activity,
    activityType: 'output'
  }
}

t.test('an event is one id line and one data line, whatever its text', async (t) => {
  const [chunk] = encodeChunks('a', 'x9', 16, [{ event: output(17, 'a\r\nb\rdata: x\n\nid: 99\u2028\u0000') }])
  const text = String(chunk?.bytes)
  t.match(text, /^id: 17\.x9\ndata: [^\r\n]+\n\n$/)
  t.equal(decodeFrames(text)[0]?.data.activity, 'a\r\nb\rdata: x\n\nid: 99\u2028\u0000')
})

t.test('only what belongs to the log carries an id', async (t) => {
  const [chunk] = encodeChunks('a', 'x9', 2, [{ gap: { fromSeq: 3, toSeq: 5, reason: 'removed' } }])
  t.match(String(chunk?.bytes), /^id: 5\.x9\ndata: /)
  t.match(encodeUnknownCursor('a'), /^data: /)
  t.match(encodeData({
    type: 'timeline.snapshot', taskId: 'a', task: { id: 'a' }, headSeq: 5, epoch: 'x9', serverTime: 'now'
  }), /^data: .*\n\n$/)
  t.equal(encodePing(Date.UTC(2026, 1, 10), 30_000),
    ': ping\nevent: ping\ndata: {"serverTime":"2026-02-10T00:00:00.000Z","intervalMs":30000}\n\n')
  t.equal(encodeRetry(1000), 'retry: 1000\n\n')
})

t.test('a cursor is a number, or a number and an epoch', async (t) => {
  t.same(parseCursor('17'), { seq: 17 })
  t.same(parseCursor('0'), { seq: 0 })
  t.same(parseCursor('17.x-9_Z'), { seq: 17, epoch: 'x-9_Z' })
  t.equal(parseCursor(undefined), undefined)
  t.equal(parseCursor(''), undefined)
  for (const text of ['-1', '1.', '.x', '1e3', ' 1', '1.5.x', 'x', '9007199254740993', '1.é', 'a'.repeat(500)]) {
    t.throws(() => parseCursor(text), { code: 'AGENT_TIMELINE_INVALID_CURSOR', statusCode: 400 }, text)
  }
})

t.test('every missing number is told in its place', async (t) => {
  const plain = (span: Parameters<typeof fillHoles>[0]) => fillHoles(span).map((item) =>
    'event' in item ? item.event.seq : `${item.gap.fromSeq}-${item.gap.toSeq} ${item.gap.reason}`)
  const cases = [
    { span: { after: 0, events: [output(1), output(2)], floorSeq: 0 }, is: [1, 2] },
    { span: { after: 0, events: [output(3)], floorSeq: 2 }, is: ['1-2 expired', 3] },
    { span: { after: 0, events: [output(3)], floorSeq: 1 }, is: ['1-2 removed', 3] },
    { span: { after: 2, events: [output(3), output(6)], floorSeq: 0 }, is: [3, '4-5 removed', 6] },
    { span: { after: 2, events: [], floorSeq: 9, through: 8 }, is: ['3-8 expired'] },
    { span: { after: 2, events: [output(3)], floorSeq: 0, through: 3 }, is: [3] },
    { span: { after: 2, events: [output(3), output(4)], floorSeq: 0, through: 3 }, is: [3, 4] }
  ]
  for (const { span, is } of cases) {
    t.same(plain(span), is)
    t.equal(hasHoles(span), is.some((item) => typeof item === 'string'))
  }
})

t.test('frames travel together, up to a size', async (t) => {
  const small = encodeChunks('a', 'x', 0, [1, 2, 3].map((seq) => ({ event: output(seq) })))
  t.match(small, [{ after: 0, through: 3 }])
  const large = encodeChunks('a', 'x', 4, [5, 6, 7].map((seq) => ({ event: output(seq, 'y'.repeat(200_000)) })))
  t.match(large, [{ after: 4, through: 6, events: 2, gaps: 0 }, { after: 6, through: 7, events: 1, gaps: 0 }])
  t.same(encodeChunks('a', 'x', 4, []), [])
})

t.test('the ring forgets what is old or too much', async (t) => {
  let nowMs = 0
  const ring = new ChunkRing(() => nowMs)
  const push = (after: number, size = 1) => {
    const bytes = Buffer.alloc(size)
    ring.push({ after, through: after + 1, bytes, bytesWithoutIds: bytes, events: 1, gaps: 0 })
  }
  push(0)
  t.match(ring.after(0), { through: 1 })
  t.equal(ring.after(1), undefined)
  nowMs = 10_001
  t.equal(ring.after(0), undefined)
  push(1, 300_000)
  push(2, 300_000)
  t.equal(ring.after(1), undefined, 'the older one gave way')
  t.match(ring.after(2), { through: 3 })
  nowMs = -60_000
  t.equal(ring.after(2), undefined, 'a clock that was set back keeps nothing alive')
})
