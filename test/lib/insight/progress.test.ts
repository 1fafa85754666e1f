import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import { systemClock } from '../../../lib/time/clock.js'
import { callsOf, copyProgress, createProgress, followActivity, type Progress } from '../../../lib/insight/progress.js'
import { MAX_STORED_CALLS, decodeProgress, encodeProgress } from '../../../lib/insight/stored-progress.js'
import { LIVE_OUTPUT_MS } from '../../../lib/insight/limits.js'
import { hostOpener } from '../../../lib/host/open-host.js'
import { createAuditSource } from '../../../lib/host/task-events.js'
import { activityOp } from '../../../lib/intake/prepare.js'
import { resolveCaps } from '../../../lib/options.js'
import type { Op } from '../../../lib/model/operations.js'
import { createRedactor } from '../../../lib/intake/redact.js'
import { createPieceStreams } from '../../../lib/intake/piece-streams.js'
import { createRun, type Run } from '../../../lib/recorder/run.js'
import { createBatchStatements } from '../../../lib/store/sql/batch-statements.js'
import { commitBatch } from '../../../lib/store/sql/commit-batch.js'
import { openDatabase } from '../../../lib/store/sqlite/database.js'
import { openTimeline, type InvocationHandle, type OpenOptions } from '../../../lib/open-timeline.js'
import { temporaryDirectory } from '../../support/host-database.js'

type Given = readonly [type: string, message: string, metadata?: Record<string, unknown>]

const start = (callId: string, tool = 'Bash', more: object = {}): Given =>
  ['tool_exec', `exec: ${callId}`, { callId, phase: 'start', tool, ...more }]
const end = (callId: string): Given => ['tool_exec', `exec: ${callId}`, { callId, phase: 'end', tool: 'Bash', status: 'ok' }]
const beat = (callId: string): Given => ['progress', 'Bash: running for 30 s', { kind: 'tool', callId, elapsedMs: 30_000 }]
const waiting = (what: string, more: object = {}): Given => ['progress', 'Waiting', { kind: 'waiting', what, ...more }]
const says = (message: string): Given => ['output', message]

const toActivity = ([type, message, metadata]: Given, at: number) =>
  ({ type, message, metadata: metadata === undefined ? null : JSON.stringify(metadata), at })

/** Activities a second apart, the first at 1,000. */
function follow (given: readonly Given[], progress = createProgress()): Progress {
  given.forEach((one, index) => { followActivity(progress, toActivity(one, 1_000 * (index + 1))) })
  return progress
}
const openCalls = ({ calls }: Progress) => [...calls.keys()]
/** As the store has it afterwards. */
const reread = (progress: Progress) => decodeProgress(encodeProgress(progress), progress.movedAt)

t.test('a call is open from its start to its end', async (t) => {
  t.same(openCalls(follow([start('a'), start('b'), end('a')])), ['b'])
  t.same(openCalls(follow([end('a'), ['tool_exec', 'no phase', { callId: 'x' }], ['tool_exec', 'no metadata']])), [])
  t.match(callsOf(follow([start('a', 'Task'), start('b', 'Bash', { parentCallId: 'a' })])), [
    { callId: 'a', name: 'Task', message: 'exec: a', startedAt: 1_000 }, { callId: 'b', parentCallId: 'a', startedAt: 2_000 }
  ])
  t.match(follow([start('a'), start('a')]).calls.get('a'), { startedAt: 1_000 }, 'a start that is told again is the same')
  const otherwise: Given = ['tool_exec', 'exec: x', { tool: 'Bash', phase: 'start', input: { callId: 'no' }, callId: 'x"' }]
  t.match(callsOf(follow([otherwise])), [{ callId: 'x"', name: 'Bash' }], 'written in another order')
  t.same(openCalls(follow([otherwise, ['tool_exec', '', { status: 'ok', callId: 'x"', phase: 'end' }]])), [])
})

t.test('what a tool does stays known, also in the background', async (t) => {
  const background: Given = ['progress', 'running in the background', { kind: 'tool', callId: 'a', background: true }]
  const told = start('a', 'Serve', { toolKind: 'test' })
  t.match(callsOf(reread(follow([told]))), [{ name: 'Serve', toolKind: 'test' }])
  t.match(callsOf(reread(follow([told, background]))), [{ toolKind: 'test', isBackground: true }])
  t.equal(callsOf(reread(follow([start('a')])))[0]!.toolKind, undefined)
  t.same(callsOf(decodeProgress('{"calls":[{"callId":"a","name":"x","message":"","startedAt":1,"toolKind":5}]}', 1)), [])
})

t.test('a call that goes on in the background is known to', async (t) => {
  const background: Given = ['progress', 'running in the background', { kind: 'tool', callId: 'a', background: true }]
  t.match(callsOf(reread(follow([start('a'), background]))), [{ callId: 'a', name: 'Bash', isBackground: true }])
})

t.test('a wait ends with what the agent does next, and with nothing that is no doing of its own', async (t) => {
  t.match(follow([waiting('rate limit', { until: '2026-02-10T12:00:00.000Z' })]).waiting, {
    kind: 'rate_limit', what: 'rate limit', until: Date.parse('2026-02-10T12:00:00.000Z'), since: 1_000
  })
  t.match(follow([waiting('network'), waiting('network')]).waiting, { since: 1_000 }, 'told again')
  t.match(follow([waiting('network'), waiting('permission')]).waiting, { kind: 'person', since: 2_000 }, 'another one')
  t.match(follow([['progress', 'again', { kind: 'retry', what: 'API error 500' }]]).waiting, { kind: 'retry' })
  for (const next of [says('x'), start('a'), ['error', 'no'], ['progress', 'thinking', { kind: 'reasoning' }]] as const) {
    t.equal(follow([waiting('network'), next]).waiting, undefined, next[0])
  }
  t.ok(follow([start('a'), waiting('network'), beat('a')]).waiting, 'a sign of life')
  t.ok(follow([waiting('network'), ['progress', '5 pieces', { kind: 'dropped' }]]).waiting, 'the recorder\'s own words')
})

t.test('a wait with a call is not ended by other calls', async (t) => {
  const asked = [start('a'), start('b'), waiting('permission', { callId: 'a' })]
  t.ok(follow([...asked, end('b')]).waiting)
  t.notOk(follow([...asked, end('a')]).waiting)
  t.notOk(follow([...asked, ['progress', 'Permission given', { kind: 'notice', what: 'permission', callId: 'a' }]]).waiting)
  t.notOk(follow([...asked, says('I go on')]).waiting)
})

t.test('a sign of life moves nothing; output of a running tool does', async (t) => {
  t.match(follow([says('x'), start('a'), beat('a'), beat('a')]), { movedAt: 2_000, hasBeaten: true })
  t.match(follow([start('a'), beat('a'), ['progress', 'line', { kind: 'tool', callId: 'a', live: true }]]), { movedAt: 3_000, hasBeaten: false })
})

t.test('what a command prints is a sign of life only, once it has printed for long', async (t) => {
  const progress = follow([start('a')])
  const line = (at: number): void => {
    followActivity(progress, toActivity(['progress', 'line', { kind: 'tool', callId: 'a', live: true }], at))
  }
  line(LIVE_OUTPUT_MS)
  t.match(progress, { movedAt: LIVE_OUTPUT_MS, hasBeaten: false })
  line(LIVE_OUTPUT_MS + 1_000)
  t.match(progress, { movedAt: LIVE_OUTPUT_MS, hasBeaten: true })
})

t.test('an attempt that fails once more moves nothing', async (t) => {
  t.match(follow([says('x'), waiting('network'), waiting('rate limit')]), {
    movedAt: 2_000, hasBeaten: true, waiting: { kind: 'rate_limit', since: 2_000, toldAt: 3_000, times: 2 }
  })
  t.match(follow([waiting('network'), waiting('network'), says('x')]), { movedAt: 3_000, hasBeaten: false })
})

t.test('until the model has said something it is starting', async (t) => {
  const session = ['progress', 'session', { kind: 'session' }] as const
  t.match(reread(follow([session, session])), { hasTurn: false })
  for (const turn of [says('x'), start('a'), ['progress', 'hm', { kind: 'reasoning' }]] as const) {
    t.equal(reread(follow([session, turn])).hasTurn, true)
  }
})

t.test('an open call keeps the time that it asked for, and what its command sleeps', async (t) => {
  const asks = ['tool_exec', 'exec: sleep 90; make', {
    callId: 'a', phase: 'start', tool: 'Bash', input: { command: 'sleep 90; make', timeout: 600_000 }, background: true
  }] as const
  t.match(callsOf(reread(follow([asks]))), [{ timeoutMs: 600_000, sleepMs: 90_000, isBackground: true }])
})

t.test('it is written only when it says something else', async (t) => {
  const progress = createProgress()
  const given = [says('x'), start('a'), says('y'), beat('a'), beat('a'), says('z'), end('a'), says('z')]
  const changes = given.map((one) => followActivity(progress, toActivity(one, 1)))
  t.same(changes, [false, true, false, true, false, true, true, false])
})

t.test('what is written can be read, and copies go their own way', async (t) => {
  t.equal(encodeProgress(follow([says('x')])), null)
  t.same(decodeProgress(null, 5), { calls: new Map(), waiting: undefined, movedAt: 5, hasBeaten: false, hasTurn: true })
  const progress = follow([start('a'), waiting('network', { until: '2026-02-10T12:00:00Z' }), beat('a')])
  t.same(reread(progress), progress)
  t.same(decodeProgress('not json', 5).calls.size, 0)
  const copy = copyProgress(progress)
  follow([end('a'), says('x')], copy)
  t.same([openCalls(progress), openCalls(copy)], [['a'], []])
  t.ok(progress.waiting)
})

t.test('what somebody else wrote there is taken as far as it can be understood', async (t) => {
  const call = { callId: 'c', name: 'Bash', message: 'exec: ls', startedAt: 5 }
  const wait = { kind: 'person', what: 'permission', since: 7 }
  const nothing = ['null', '5', '"x"', '[]', '{', '', '{"calls":{}}', '{"calls":"abc"}', '{"movedAt":"x"}', '{"waiting":5}']
  const calls = [null, 5, {}, { ...call, startedAt: 'x' }, { ...call, startedAt: 1e20 }, { ...call, name: undefined },
    { ...call, message: null }, { ...call, callId: 1 }, { ...call, parentCallId: 1 }]
  const waits = [{}, { ...wait, kind: 'constructor' }, { ...wait, what: 1 }, { ...wait, since: 'x' }, { ...wait, until: 1e20 },
    { ...wait, callId: 1 }]
  const spoiled = [...calls.map((one) => ({ calls: [one] })), ...waits.map((one) => ({ waiting: one }))]
  for (const json of [...nothing, ...spoiled.map((one) => JSON.stringify(one))]) {
    const empty = { calls: new Map(), waiting: undefined, movedAt: 9, hasBeaten: false, hasTurn: true }
    t.same(decodeProgress(json, 9), empty, json)
  }
  const rest = decodeProgress(JSON.stringify({ calls: [null, call], waiting: wait, movedAt: 8 }), 9)
  t.same(rest, { calls: new Map([['c', call]]), waiting: wait, movedAt: 8, hasBeaten: true, hasTurn: true })
})

t.test('it is bounded, whatever agents say', async (t) => {
  const many = follow(Array.from({ length: 1_000 }, (_, index) => start(`${index}`)))
  t.same(openCalls(reread(many)), Array.from({ length: MAX_STORED_CALLS }, (_, index) => `${index}`), 'the oldest')
  const huge = 'ü'.repeat(100_000)
  const long = follow(Array.from({ length: 16 }, (_, index) => start(`${index}${huge}`, huge)).concat([waiting(huge)]))
  t.ok(Buffer.byteLength(encodeProgress(long)!) <= 8_192)
  const [first] = callsOf(reread(follow([['tool_exec', `x${'😀'.repeat(200)}`, { callId: 'a', phase: 'start', tool: `x${'😀'.repeat(99)}` }]])))
  t.ok(!/[\ud800-\udbff](?![\udc00-\udfff])/.test(first!.message + first!.name), 'no half of a character')
  t.equal(first!.message.length, 199)
})

/** A timeline on a file, and what its runs' rows say. */
async function open (t: Test, options: Partial<OpenOptions> = {}) {
  const path = join(temporaryDirectory(t), 'x.db')
  const timeline = await openTimeline({ database: path, ...options })
  t.teardown(() => timeline.close())
  const raw = new Sqlite(path)
  t.teardown(() => { raw.close() })
  const stored = () => (raw.prepare('SELECT progress FROM invocation_run ORDER BY invocation_id DESC').get() as { progress: string | null }).progress
  return { path, timeline, stored }
}
const say = (run: InvocationHandle, ...given: readonly Given[]) => {
  for (const [type, message, metadata] of given) {
    run.activity({ type: type as 'output', message, timestamp: new Date(), ...(metadata === undefined ? {} : { metadata }) })
  }
}

t.test('a run\'s row tells what it is in the middle of, until it ends', async (t) => {
  const { timeline, stored } = await open(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  t.equal(stored(), null)
  say(run, says('hello'), start('a'), start('b'))
  await timeline.flush()
  t.match(JSON.parse(stored()!), { calls: [{ callId: 'a' }, { callId: 'b' }] })
  say(run, end('a'), waiting('permission', { callId: 'b' }))
  await timeline.flush()
  t.match(JSON.parse(stored()!), { calls: [{ callId: 'b' }], waiting: { kind: 'person' } })
  say(run, start('c'))
  const done = run.complete()
  say(run, start('late'))
  await done
  say(run, start('very late'))
  await timeline.flush()
  t.equal(stored(), null, 'an end clears it, and what is late stays out of it')
})

t.test('no secret gets into it', async (t) => {
  const secret = `ghp_${'aB3dE5fG7h'.repeat(4)}`.slice(0, 40)
  const { timeline, stored } = await open(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  say(run, ['tool_exec', `exec: curl -H "Authorization: Bearer ${secret}"`, { callId: 'a', phase: 'start', tool: `Bash ${secret}` }],
    waiting(`permission for ${secret}`, { callId: 'a' }))
  await timeline.flush()
  t.match(JSON.parse(stored()!), { calls: [{ callId: 'a' }], waiting: { kind: 'person' } })
  t.notMatch(stored(), secret)
})

t.test('the run of a process that died has nothing open when it is ended for it', async (t) => {
  const { path, timeline, stored } = await open(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  say(run, start('a'))
  await timeline.flush()
  t.ok(stored())
  const raw = new Sqlite(path)
  t.teardown(() => { raw.close() })
  raw.exec(`INSERT INTO timeline_writer (writer_id, batch, owner, heartbeat_at) VALUES ('gone', 1,
    json_set((SELECT owner FROM timeline_writer), '$.pid', 4194304), '2026-01-01T00:00:00.000Z');
    UPDATE invocation_run SET owner = 'gone'`)
  const other = await openTimeline({ database: path, runnerHeartbeatIntervalMs: 100 })
  t.teardown(() => other.close())
  const ac = new AbortController()
  for await (const event of other.events({ taskId: 'a', signal: ac.signal })) if (event.type === 'invocation.failed') break
  t.equal(stored(), null)
})

t.test('a batch that is tried again makes the same of it, and one that was committed already is not made twice', async (t) => {
  const database = await openDatabase({
    database: join(temporaryDirectory(t), 'x.db'),
    migrate: true,
    create: true,
    openHost: hostOpener({ taskEvents: createAuditSource(systemClock), now: systemClock, clean: (text) => text })
  })
  t.teardown(() => database.close())
  const redactor = createRedactor()
  const caps = resolveCaps(undefined)
  const streams = createPieceStreams(redactor.openStream)
  const run: Run = createRun('a', { taskId: 'a', role: 'coder', provider: 'claude' }, systemClock, streams)
  const op = ([type, message, metadata]: Given) => activityOp(run, type as 'output', message, metadata, 1_000, { caps, redactor })
  const commit = (number: number, ops: ReadonlyArray<Op<Run>>, fault?: Error) => database.write(async (trx, host) => {
    const outcome = await commitBatch(trx, {
      host,
      writerId: 'w',
      owner: '{}',
      now: Date.now(),
      activitiesPerInvocation: 1_000,
      statements: createBatchStatements()
    }, { number, ops, generation: 0, withoutHost: false })
    if (fault !== undefined) throw fault
    return outcome
  })
  const { ids } = await commit(1, [{ kind: 'start', run }])
  run.id = ids.get(run)
  const ops = [op(start('a')), op(start('b')), op(end('a')), op(waiting('network'))]
  await t.rejects(commit(2, ops, new Error('the disk is full')), { message: 'the disk is full' })
  t.equal(run.progress.calls.size, 0, 'nothing is believed before it is committed')
  const outcome = await commit(2, ops)
  t.match(outcome.logs.get(run), { activityCount: 4, progress: { waiting: { kind: 'network' } } })
  t.same(openCalls(outcome.logs.get(run)!.progress), ['b'])
  const again = await commit(2, ops)
  t.equal(again.wasCommitted, true)
  t.match(again.logs.get(run), { activityCount: 4, progress: { waiting: { kind: 'network' } } }, 'read from its row')
  t.same(openCalls(again.logs.get(run)!.progress), ['b'])
})
