import t from 'tap'
import type { ActivityType } from '../../../lib/model/activity.js'
import { systemClock } from '../../../lib/time/clock.js'
import { resolveCaps } from '../../../lib/options.js'
import { createPieceStreams } from '../../../lib/intake/piece-streams.js'
import { activityOp, prepareOps } from '../../../lib/intake/prepare.js'
import type { ActivityOp } from '../../../lib/model/operations.js'
import { createRedactor } from '../../../lib/intake/redact.js'
import { createRun } from '../../../lib/recorder/run.js'

const REDACTED = '[redacted]'
const [HEAD, TAIL] = ['ghp_abcdefghijklmnop', 'qrstuvwxyz0123456789']

type Given = readonly [type: ActivityType, message: string, metadata?: unknown]

/** A run and what is stored of its activities, batch by batch. */
function setUp () {
  const redactor = createRedactor()
  const options = { caps: resolveCaps(undefined), redactor }
  const streams = createPieceStreams(redactor.openStream)
  const run = createRun('a', { taskId: 'a', role: 'coder', provider: 'claude' }, systemClock, streams)
  return async (...batches: ReadonlyArray<readonly Given[]>) => {
    const messages: string[] = []
    for (const batch of batches) {
      const ops = batch.map(([type, message, metadata]) => activityOp(run, type, message, metadata, 1_000, options))
      for (const op of await prepareOps(ops, options)) messages.push((op as ActivityOp).message)
    }
    return messages
  }
}

t.test('a secret cut in two is hidden in every stream of a run, in one batch and in two', async (t) => {
  for (const [type, metadata] of [
    ['output', undefined], ['output', { parentCallId: 'x' }], ['output', { callId: 'y' }], ['error', undefined],
    ['progress', { kind: 'reasoning' }], ['progress', { kind: 'tool', callId: 'x', live: true }], ['progress', undefined]
  ] as const) {
    const pieces = [[type, HEAD, metadata], [type, TAIL, metadata]] as const
    t.same(await setUp()(pieces), [REDACTED, REDACTED])
    t.same(await setUp()([pieces[0]], [pieces[1]]), [REDACTED, REDACTED])
    const between: Given = ['tool_exec', 'exec: ls', { callId: 'z', phase: 'start' }]
    t.same(await setUp()([pieces[0], between, pieces[1]]), [REDACTED, 'exec: ls', REDACTED])
  }
})

t.test('streams are told apart by type and source, and what else the metadata says does not matter', async (t) => {
  const store = setUp()
  t.same(await store([
    ['output', 'ghp_abcdefghijklmnop', { parentCallId: 'x', index: 1 }], ['output', 'of the other', { parentCallId: 'y' }],
    ['progress', 'of a thought', { kind: 'reasoning' }], ['output', TAIL, { parentCallId: 'x', index: 2, truncated: true }]
  ]), [REDACTED, 'of the other', 'of a thought', REDACTED])
})

t.test('tool calls stand for themselves', async (t) => {
  t.same(await setUp()([
    ['tool_exec', 'exec: a --token', { callId: 'x' }], ['tool_exec', 'exec: b0123456789 c', { callId: 'x' }],
    ['tool_exec', 'token: ', { callId: 'x' }], ['tool_exec', 'abcdefgh', { callId: 'x' }]
  ]), ['exec: a --token', 'exec: b0123456789 c', 'token: ', 'abcdefgh'])
})

t.test('a run follows only so many streams, those that had a piece last', async (t) => {
  const redactor = createRedactor()
  let opened = 0
  const streams = createPieceStreams(() => {
    opened++
    return redactor.openStream()
  })
  const find = (callId: number) => streams.find('output', JSON.stringify({ callId: String(callId) }))
  const plain = streams.find('output', null)
  for (let callId = 0; callId < 1_000; callId++) {
    find(callId)
    if (streams.find('output', null) !== plain) t.fail('the one that is used is forgotten')
  }
  t.equal(opened, 1_001)
  for (let callId = 999; callId >= 969; callId--) find(callId)
  t.equal(opened, 1_001, 'the last ones are known')
  find(0)
  t.equal(opened, 1_002)
})

t.test('whatever the metadata is, the rows keep their number and nothing throws', async (t) => {
  let deep: unknown = 'x'
  for (let depth = 0; depth < 3_000; depth++) deep = [deep]
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const given = [
    null, [], ['token'], 'token', 7, {}, circular, deep, { callId: deep }, { kind: {}, parentCallId: [1] }, { password: deep },
    { token: 'x', deep }, { get kind () { throw new Error('no') } }, { __proto__: null, kind: '\0\ud800' }, { text: 'x'.repeat(50_000) }
  ].flatMap((metadata) => (['output', 'progress', 'error', 'tool_exec'] as const).map((type) => [type, 'm', metadata] as const))
  t.equal((await setUp()(given)).length, given.length)
})
