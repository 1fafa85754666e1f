import { createHash } from 'node:crypto'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { openTimeline, type OpenOptions, type Timeline } from '../../../lib/open-timeline.js'
import { HostDatabase, temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'

interface Setup {
  readonly timeline: Timeline
  readonly logs: Logs
  readonly path: string
  events (taskId?: string): Promise<readonly TimelineEvent[]>
}

async function setUp (t: Test, options: Partial<OpenOptions> = {}): Promise<Setup> {
  const path = typeof options.database === 'string' ? options.database : join(temporaryDirectory(t), 'timeline.db')
  const logs = new Logs()
  const timeline = await openTimeline({ database: path, logger: logs, ...options })
  t.teardown(() => timeline.close())
  return {
    timeline, logs, path, events: async (taskId = 'a') => (await timeline.getTimeline(taskId, { limit: 5_000 })).timeline
  }
}

const META = { taskId: 'a', role: 'coder', provider: 'claude' }

function activity (message: string, more: Partial<InvocationActivity> = {}): InvocationActivity {
  return { type: 'progress', message, timestamp: new Date(), ...more }
}

t.test('whatever an agent returns or throws comes out of logInvocation, and its end is recorded for what it was', async (t) => {
  const { timeline } = await setUp(t, { mapResult: (value) => value as object })
  const aborted = new DOMException('stopped', 'AbortError')
  const faulty = new Error('ENOENT: no claude')
  Object.assign(faulty, { code: 'ENOENT', exitCode: 127 })
  type Given = { readonly returns: unknown } | { readonly throws: unknown }
  const cases: ReadonlyArray<readonly [name: string, given: Given, expected: object]> = [
    ['a text', { returns: 'done' }, { status: 'completed', success: true, response: 'done', exitCode: undefined, error: undefined }],
    ['nothing', { returns: undefined }, { status: 'completed', response: undefined }],
    ['a number', { returns: 42 }, { status: 'completed', response: undefined }],
    ['a result', {
      returns: {
        success: true,
        response: 'ok',
        exitCode: 0,
        durationMs: 1_234,
        sessionId: 's-1',
        usage: { inputTokens: 5, outputTokens: 7, costUsd: 0.25 },
        outcome: 'approved',
        summary: 'looks good'
      }
    }, {
      status: 'completed',
      response: 'ok',
      exitCode: 0,
      duration: 1_234,
      sessionId: 's-1',
      outcome: 'approved',
      summary: 'looks good',
      usage: { inputTokens: 5, outputTokens: 7, costUsd: 0.25 }
    }],
    ['a result without success', { returns: { success: false, response: 'partly', exitCode: 2, error: 'no tests' } },
      { status: 'failed', success: false, response: 'partly', exitCode: 2, error: 'no tests', timedOut: false }],
    ['a result that was killed', { returns: { success: false, exitCode: null, signal: 'SIGKILL' } },
      { status: 'failed', error: 'Ended by SIGKILL', signal: 'SIGKILL' }],
    ['a result that ran out of time', { returns: { success: false, timedOut: true, exitCode: 143, response: 'so far' } },
      { status: 'timeout', timedOut: true, error: 'Timed out', reason: 'timeout', response: 'so far' }],
    ["another orchestrator's result", { returns: { success: false, stdout: 'out', stderr: 'first\nlast line\n', duration: 77 } },
      { status: 'failed', response: 'out', error: 'last line', duration: 77, stderrTail: 'first\nlast line\n' }],
    ['an error', { throws: faulty }, { status: 'failed', error: 'ENOENT: no claude', exitCode: 127, reason: 'ENOENT' }],
    ['a TimeoutError', { throws: new DOMException('took too long', 'TimeoutError') }, { status: 'timeout', error: 'took too long', timedOut: true }],
    ['an error with timedOut', { throws: Object.assign(new Error('slow'), { timedOut: true }) }, { status: 'timeout', error: 'slow' }],
    ['an AbortError', { throws: aborted }, { status: 'failed', error: 'stopped', reason: 'aborted' }],
    ['a text that is thrown', { throws: 'broken' }, { status: 'failed', error: 'broken' }],
    ['an object that cannot be shown', { throws: Object.create(null) }, { status: 'failed', error: '{}' }],
    ['nothing, thrown', { throws: undefined }, { status: 'failed', error: 'undefined' }]
  ]
  for (const [name, given, expected] of cases) {
    let id: number | undefined
    const outcome = await timeline.logInvocation({ ...META, prompt: 'p' }, async (run) => {
      id = run.invocationId
      if ('throws' in given) throw given.throws
      return given.returns
    }).then((value) => ({ returns: value }), (error) => ({ throws: error }))
    if ('throws' in given) t.equal((outcome as { throws: unknown }).throws, given.throws, name)
    else t.equal((outcome as { returns: unknown }).returns, given.returns, name)
    t.match(await timeline.getInvocation(id as number), { prompt: 'p', ...expected }, name)
  }
})

t.test("the host's own columns are filled with what the record says", async (t) => {
  const host = new HostDatabase(t, { version: 'head' })
  host.addTask('a')
  const { timeline } = await setUp(t, { database: host.path, migrate: true })
  const row = (id: number | undefined) => host.get('SELECT * FROM task_invocations WHERE id = ?', id)
  let started: any
  const good = await timeline.logInvocation({ ...META, model: 'm', prompt: 'p' }, async (run) => {
    started = row(run.invocationId)
    return run.invocationId
  })
  t.match(started, { status: 'running', success: 0, completed_at_ms: null, model: 'm', prompt: 'p', started_at_ms: Number })
  t.equal(started.started_at, new Date(started.started_at_ms).toISOString())
  t.equal(started.created_at, started.started_at.slice(0, 19).replace('T', ' '))
  const ended = row(good)
  t.match(ended, { status: 'completed', success: 1, timed_out: 0, exit_code: 0, completed_at_ms: Number, last_activity_at_ms: Number })
  t.equal(ended.completed_at, new Date(ended.completed_at_ms).toISOString())
  t.equal(ended.created_at, started.created_at)
  const run = await timeline.startInvocation(META)
  await run.timedOut({ signal: 'SIGTERM', exitCode: null, response: 'half' })
  t.match(row(run.id), { status: 'timeout', timed_out: 1, success: 0, exit_code: 143, response: 'half', error: 'Timed out' })
})

t.test('parallel runs of one task keep their activities apart and in order', async (t) => {
  const { timeline, events } = await setUp(t)
  const ids = await Promise.all(Array.from({ length: 8 }, (_, name) => timeline.logInvocation({ ...META, role: 'reviewer' }, async (run) => {
    for (let index = 0; index < 50; index++) {
      run.onActivity(activity(`${name}:${index}`))
      if (index % 10 === 0) await new Promise(setImmediate)
    }
    return run.invocationId as number
  })))
  const all = await events()
  t.same(all.map(({ seq }) => seq), all.map((_, index) => index + 1))
  for (const [name, id] of ids.entries()) {
    const own = all.filter((event) => 'invocationId' in event && event.invocationId === id)
    t.same(own.map((event) => event.type === 'invocation.activity' ? event.activity : event.type),
      ['invocation.started', ...Array.from({ length: 50 }, (_, index) => `${name}:${index}`), 'invocation.completed'])
  }
})

t.test('100,000 activities of 200 bytes in one synchronous loop are all stored', async (t) => {
  const { timeline, path, logs } = await setUp(t)
  const produced = createHash('sha256')
  const id = await timeline.logInvocation(META, async ({ onActivity, invocationId }) => {
    const started = performance.now()
    for (let index = 0; index < 100_000; index++) {
      const message = `${index} `.padEnd(200, 'äbc')
      produced.update(message)
      onActivity(activity(message, { type: 'output' }))
    }
    t.comment(`the loop took ${Math.round(performance.now() - started)} ms`)
    return invocationId as number
  })
  const started = performance.now()
  await timeline.flush()
  t.comment(`written ${Math.round(performance.now() - started)} ms after the run's end`)
  const raw = new Sqlite(path, { readonly: true })
  t.teardown(() => { raw.close() })
  const stored = createHash('sha256')
  let count = 0
  for (const row of raw.prepare('SELECT message FROM invocation_activity WHERE invocation_id = ? ORDER BY seq').iterate(id)) {
    stored.update((row as { message: string }).message)
    count++
  }
  t.equal(count, 100_000)
  t.equal(stored.digest('hex'), produced.digest('hex'))
  const { created_at: first, last } = raw.prepare('SELECT min(created_at) AS created_at, max(created_at) AS last FROM invocation_activity').get() as any
  t.comment(`${Math.round(100_000 / (Date.parse(last) - Date.parse(first)) * 1_000)} rows/s`)
  t.same(logs.lines, [])
})

t.test('ten megabytes in one message are cut, marked, and cost no more than a message', async (t) => {
  const { timeline, events } = await setUp(t)
  await timeline.logInvocation(META, async ({ onActivity }) => {
    onActivity(activity('x'.repeat(10 * 1024 * 1024), { type: 'output' }))
    onActivity(activity('next'))
  })
  const [, cut, next] = await events()
  t.match(cut, { activity: /^x{16384}$/, metadata: { truncated: true, originalBytes: 10 * 1024 * 1024 } })
  t.match(next, { activity: 'next' })
})

t.test('whole messages stay apart; pieces that say so, and what has a space between, are one text', async (t) => {
  const { timeline, events } = await setUp(t)
  const stored = async (taskId: string, messages: readonly string[], metadata?: Record<string, unknown>) => {
    await timeline.logInvocation({ ...META, taskId }, async ({ onActivity }) => {
      for (const message of messages) onActivity(activity(message, { type: 'output', ...(metadata === undefined ? {} : { metadata }) }))
    })
    return (await events(taskId)).slice(1, -1).map((event) => event as { activity?: string, metadata?: object })
  }
  const whole = ['I found the bug.', 'Now I fix it.', '# Summary', 'done', 'step 2']
  t.same((await stored('whole', whole)).map((event) => event.activity), whole)
  t.match(await stored('deltas', ['get', 'User', ' is', ' "', 'fine', '".'], { delta: true }),
    [{ activity: 'getUser is "fine".', metadata: { pieces: 6, delta: undefined } }])
  t.same((await stored('lines', ['one\n', 'two\n', 'three'])).map((event) => event.activity), ['one\ntwo\nthree'])
  t.match(await stored('other', ['a', 'b'], { delta: true, parentCallId: 'c' }),
    [{ activity: 'a', metadata: { parentCallId: 'c', delta: undefined } }, { activity: 'b' }])
})

t.test('small pieces of output share a row, whole lines and other kinds do not', async (t) => {
  const { timeline, events } = await setUp(t)
  await timeline.logInvocation(META, async ({ onActivity }) => {
    for (const piece of ['The ', 'answer ', 'is ', '42.']) onActivity(activity(piece, { type: 'output' }))
    onActivity(activity('a tool', { type: 'tool_exec' }))
    onActivity(activity('marked', { type: 'output', metadata: { parentCallId: 'c' } }))
    onActivity(activity('y'.repeat(500), { type: 'output' }))
    onActivity(activity('z'.repeat(500), { type: 'output' }))
  })
  t.match((await events()).slice(1, -1), [
    { activity: 'The answer is 42.', metadata: { pieces: 4 } }, { activity: 'a tool' },
    { activity: 'marked', metadata: { parentCallId: 'c' } }, { activity: /^y+$/ }, { activity: /^z+$/ }
  ])
})

t.test('activities of other vocabularies and with faulty metadata are kept as far as they can be read', async (t) => {
  const { timeline, events, logs } = await setUp(t)
  const circular: Record<string, unknown> = { name: 'loop' }
  circular.self = circular
  const throwing = { get callId (): string { throw new Error('no') }, phase: 'start' }
  const value = await timeline.logInvocation(META, async ({ onActivity }) => {
    const call = onActivity as (given: unknown) => void
    call(activity('thought', { type: 'thinking' as 'progress', metadata: { depth: 1 } }))
    call(activity('thought again', { type: 'thinking' as 'progress' }))
    call(activity('circular', { metadata: circular }))
    call(activity('throwing', { type: 'tool_exec', metadata: throwing }))
    call(activity('throwing and foreign', { type: 'odd' as 'progress', metadata: throwing }))
    call(activity('big', { metadata: { count: 10n ** 20n } }))
    call(activity('a date', { metadata: new Date(0) as never }))
    call(activity('a list', { metadata: [1, 2] as never }))
    call(activity('nul \0 and \ud800 half', { metadata: { text: 'nul \0 and \udc00', literal: '\\u0000' } }))
    call({ type: 'error', message: 404 })
    for (const nothing of [undefined, null, 7, 'text']) call(nothing)
    return 'fine'
  })
  t.equal(value, 'fine')
  t.equal((await events()).length, 12)
  t.match((await events()).slice(1, -1), [
    { activity: 'thought', activityType: 'progress', metadata: { kind: 'unknown', rawType: 'thinking', depth: 1 } },
    { activity: 'thought again', metadata: { kind: 'unknown', rawType: 'thinking' } },
    { activity: 'circular', metadata: { truncated: true } },
    { activity: 'throwing', activityType: 'tool_exec', metadata: { truncated: true } },
    { activity: 'throwing and foreign', metadata: { rawType: 'odd' } },
    { activity: 'big', metadata: { count: '100000000000000000000' } },
    { activity: 'a date', metadata: { value: '1970-01-01T00:00:00.000Z' } },
    { activity: 'a list', metadata: { value: [1, 2] } },
    { activity: 'nul \ufffd and \ufffd half', metadata: { text: 'nul \ufffd and \ufffd', literal: '\\u0000' } },
    { activity: '404', activityType: 'error' }
  ])
  t.equal(logs.warnings.filter(({ message }) => message.includes('unknown type')).length, 1, 'once, without the text')
  t.equal(logs.warnings.filter(({ message }) => message.includes('could not be recorded')).length, 1)
})

t.test("callbacks of the host's that throw do not reach the agent", async (t) => {
  const { timeline, events, logs } = await setUp(t, {
    mapActivity: (given: { text: string }) => {
      if (given.text === 'bad') throw new Error('mapActivity')
      return given.text === 'skip' ? undefined : activity(given.text)
    },
    mapResult: () => { throw new Error('mapResult') }
  })
  const value = await timeline.logInvocation(META, async ({ onActivity }) => {
    for (const text of ['one', 'bad', 'skip', 'bad', 'two']) (onActivity as (given: unknown) => void)({ text })
    return 'fine'
  })
  t.equal(value, 'fine')
  t.match(await events(), [{}, { activity: 'one' }, { activity: 'two' }, { type: 'invocation.completed' }])
  t.equal(logs.warnings.length, 2, 'one warning per cause')
  await timeline.logInvocation(META, async () => ({ success: false, error: 'it said so itself' }))
  t.match((await events()).at(-1), { type: 'invocation.failed', error: 'it said so itself' })
  const handle = await timeline.startInvocation(META)
  await handle.complete({ success: false, error: 'this one, too' })
  t.match((await events()).at(-1), { type: 'invocation.failed', error: 'this one, too' })
})

t.test('tool calls that are open when the run ends are closed as aborted', async (t) => {
  const { timeline, events } = await setUp(t)
  const start = (callId: string, more = {}) => activity(`exec: ${callId}`, { type: 'tool_exec', metadata: { callId, phase: 'start', tool: 'Bash', ...more } })
  await timeline.logInvocation(META, async ({ onActivity }) => {
    onActivity(start('one'))
    onActivity(start('two', { parentCallId: 'zero' }))
    onActivity(activity('exec: one', { type: 'tool_exec', metadata: { callId: 'one', phase: 'end', status: 'ok' } }))
    throw new Error('crash')
  }).catch(() => {})
  t.match((await events()).slice(-2), [
    { activity: 'exec: two', metadata: { callId: 'two', phase: 'end', status: 'aborted', tool: 'Bash', parentCallId: 'zero', durationMs: Number } },
    { type: 'invocation.failed', error: 'crash' }
  ])
})

t.test('times are the ones the host gave, within the run, and last_activity_at never goes back', async (t) => {
  const { timeline, events } = await setUp(t)
  const run = await timeline.startInvocation(META)
  const lastActivity = async () => (await timeline.listInvocations()).invocations[0]?.lastActivityAt as string
  const recent = new Date(Date.now() + 1)
  for (const [message, timestamp] of [['future', new Date(Date.now() + 3_600_000)], ['past', new Date('2026-01-01T00:00:00.123Z')]] as const) {
    run.activity(activity(message, { timestamp }))
    await timeline.flush()
    t.ok(await lastActivity() >= recent.toISOString().slice(0, 19), message)
  }
  const beforeMs = Date.now()
  run.activity(activity('none', { timestamp: 'rubbish' as unknown as Date }))
  await run.complete()
  const [, future, past, none] = await events()
  t.ok(Date.parse(future?.timestamp as string) <= Date.now())
  t.ok(past?.timestamp as string >= (await timeline.getInvocation(run.id!))!.startedAt!, 'not before the run began')
  t.ok(Date.parse(none?.timestamp as string) >= beforeMs)
})

t.test("an agent's clock that is behind, or tells seconds, moves its calls into the run and makes none longer", async (t) => {
  const { timeline, events } = await setUp(t)
  for (const [taskId, tell] of [
    ['behind', (at: number) => new Date(at - 900_000)], ['in seconds', (at: number) => at / 1000 as unknown as Date],
    ['ahead', (at: number) => new Date(at + 604_800_000)], ['of no date', () => new Date(NaN)]
  ] as const) {
    const run = await timeline.startInvocation({ ...META, taskId })
    const { startedAt } = (await timeline.getInvocation(run.id!))!
    const startedMs = Date.parse(startedAt!)
    const tool = (phase: string, timestamp: Date) =>
      run.activity(activity('exec: npm test', { type: 'tool_exec', timestamp, metadata: { callId: 'c', phase, tool: 'Bash' } }))
    tool('start', tell(Date.now()))
    await timeline.flush()
    const running = (await timeline.listInvocations({ taskId })).invocations[0]!
    t.ok(running.lastActivityAt! >= startedAt!, taskId)
    t.ok(running.health!.tool!.elapsedMs <= Date.now() - startedMs, `${taskId}: the call began within the run`)
    tool('end', tell(Date.now()))
    await run.complete()
    const times = (await events(taskId)).map(({ timestamp }) => timestamp)
    t.same(times, [...times].sort(), `${taskId}: in order`)
    t.ok(times.every((time) => time >= startedAt! && Date.parse(time) <= Date.now()), `${taskId}: within the run`)
  }
})

t.test('what is thrown is read only as far as it is stored, and bytes are text', async (t) => {
  const { timeline } = await setUp(t)
  const thrown: ReadonlyArray<readonly [unknown, RegExp]> = [
    [new Uint8Array(10_000_000).fill(120), /^x+/], [Buffer.from('not found\n'), /^not found/], [new ArrayBuffer(0), /^Failed without a message$/],
    [{ output: Buffer.alloc(5_000_000) }, /^\{"output":\{.*\}$/], [{ code: 5 }, /^\{"code":5\}$/], [['a'], /^\["a"\]$/]
  ]
  for (const [error, expected] of thrown) {
    const run = await timeline.startInvocation(META)
    await run.fail(error)
    const { error: stored, status } = (await timeline.getInvocation(run.id!))!
    t.equal(status, 'failed')
    t.match(stored, expected)
    t.ok(stored!.length <= 16_384)
  }
})

t.test('a task that the database refuses is told once and leaves everybody else alone', async (t) => {
  const host = new HostDatabase(t)
  host.addTask('known')
  const { timeline, logs, events } = await setUp(t, { database: host.path, migrate: true })
  const run = async (taskId: string) => timeline.logInvocation({ ...META, taskId, prompt: 'PROMPT-TEXT' }, async ({ onActivity }) => {
    for (let index = 0; index < 20; index++) onActivity(activity(`ACTIVITY-TEXT ${index}`))
    return `value of ${taskId}`
  })
  const values = await Promise.all(['known', 'unknown', 'known', 'other', 'known'].map(run))
  t.same(values, ['known', 'unknown', 'known', 'other', 'known'].map((taskId) => `value of ${taskId}`))
  t.equal((await events('known')).length, 3 * 22)
  t.same(logs.warnings.map(({ code }) => code), ['AGENT_TIMELINE_UNKNOWN_TASK', 'AGENT_TIMELINE_UNKNOWN_TASK'])
  t.notOk(logs.mentions('PROMPT-TEXT') || logs.mentions('ACTIVITY-TEXT'))
  await t.rejects(timeline.startInvocation({ ...META, taskId: 'third' }), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
  await t.rejects(timeline.recordTaskEvent({ taskId: 'third', type: 'task.started', actor: 'me' }), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
  t.same(host.all("SELECT * FROM invocation_run WHERE task_id <> 'known'"), [])
})

t.test('the signal that a run is handed follows the one that the host gave', async (t) => {
  const { timeline } = await setUp(t)
  const controller = new AbortController()
  await t.rejects(timeline.logInvocation({ ...META, signal: controller.signal }, async ({ signal }) => {
    controller.abort(new Error('enough'))
    signal.throwIfAborted()
  }), { message: 'enough' })
  t.equal(await timeline.logInvocation({ ...META, signal: 'nonsense' as never }, async ({ signal }) => signal.aborted), false)
})

t.test('an invocation that is described badly runs all the same, unrecorded', async (t) => {
  const { timeline, logs } = await setUp(t)
  for (const meta of [{ ...META, taskId: '' }, { ...META, taskId: 'a\nb' }, { ...META, role: 7 }, {}, undefined]) {
    t.equal(await timeline.logInvocation(meta as never, async ({ onActivity }) => {
      onActivity(activity('lost'))
      return 'fine'
    }), 'fine')
  }
  t.ok(logs.warnings.every(({ message }) => message === 'an invocation is not recorded'))
  t.same((await timeline.listInvocations()).invocations, [])
  await t.rejects(timeline.startInvocation({ ...META, taskId: {} as never }), { code: 'AGENT_TIMELINE_INVALID_TASK_ID' })
})

t.test('closing ends what still runs, and nothing works afterwards but agents', async (t) => {
  const { timeline, path, logs } = await setUp(t)
  const run = await timeline.startInvocation(META)
  run.activity(activity('last words'))
  await timeline.close()
  await timeline.close()
  const again = await openTimeline({ database: path })
  t.teardown(() => again.close())
  t.match((await again.getTimeline('a')).timeline, [{}, { activity: 'last words' }, { type: 'invocation.failed', reason: 'closed' }])
  run.activity(activity('too late'))
  t.equal(await timeline.logInvocation(META, async () => 'fine'), 'fine')
  const calls: Array<() => Promise<unknown>> = [
    () => timeline.startInvocation(META), () => timeline.getTimeline('a'), () => timeline.listInvocations(),
    () => timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'me' })
  ]
  for (const call of calls) await t.rejects(call() as Promise<void>, { code: 'AGENT_TIMELINE_CLOSED' })
  t.same(logs.warnings.map(({ code }) => code), ['AGENT_TIMELINE_CLOSED'])
})

t.test('whoever ends a run again waits for the same commit', async (t) => {
  const { timeline, path } = await setUp(t)
  const handle = await timeline.startInvocation(META)
  const raw = new Sqlite(path)
  t.teardown(() => raw.close())
  raw.exec('BEGIN IMMEDIATE')
  const first = handle.complete('done')
  const second = handle.fail('too late')
  let isSettled = false
  second.then(() => { isSettled = true }, () => {})
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(isSettled, false)
  raw.exec('COMMIT')
  await Promise.all([first, second])
  t.match(await timeline.getInvocation(handle.id as number), { status: 'completed', response: 'done' })
})

t.test('a logger that throws, a description that throws and an error that throws reach nobody', async (t) => {
  const fail = () => { throw new Error('the logger') }
  const { timeline } = await setUp(t, { logger: { error: fail, warn: fail, info: fail, debug: fail } })
  for (const name of ['model', 'signal', 'role']) {
    const meta = { ...META }
    Object.defineProperty(meta, name, { enumerable: true, get () { throw new Error(name) } })
    t.equal(await timeline.logInvocation(meta, async ({ onActivity }) => {
      (onActivity as (given: unknown) => void)({ type: 'odd', message: 'x' })
      return 'fine'
    }), 'fine', name)
  }
  const thrown = [
    new Proxy(new Error('x'), { get () { throw new Error('get') } }),
    Object.defineProperty(new Error('x'), 'message', { get () { throw new Error('message') } }),
    Object.assign(new Error('x'), { message: {} }), ''
  ]
  for (const error of thrown) {
    let id: number | undefined
    let isSame = false
    await timeline.logInvocation(META, async (run) => {
      id = run.invocationId
      throw error
    }).catch((given) => { isSame = given === error })
    t.ok(isSame, 'the error itself comes out')
    t.match(await timeline.getInvocation(id as number), { status: 'failed', success: false, error: String })
  }
})

t.test('a run that fails with something that cannot be read has failed', async (t) => {
  const { timeline } = await setUp(t)
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const odd = [
    { success: false, get response () { throw new Error('hidden') } }, revoked.proxy,
    new Proxy({}, { has () { throw new Error('has') }, ownKeys () { throw new Error('keys') } })
  ]
  for (const given of odd) {
    const run = await timeline.startInvocation(META)
    await run.fail(given)
    t.match(await timeline.getInvocation(run.id as number), { status: 'failed', error: 'Failed without a message' })
  }
})

t.test('nothing, where something is to be described, is told with a code', async (t) => {
  const { timeline } = await setUp(t)
  const none = null as never
  await t.rejects(timeline.startInvocation(none), { code: 'AGENT_TIMELINE_INVALID_TASK_ID' })
  await t.rejects(timeline.recordTaskEvent(none), { code: 'AGENT_TIMELINE_INVALID_TASK_ID' })
  await t.rejects(timeline.getTimeline('a', none), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(timeline.getInvocation(1, none), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(timeline.listInvocations(none), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})

t.test('a mapResult that is async is told once, and the result counts as it is', async (t) => {
  const { timeline, events, logs } = await setUp(t, { mapResult: (async () => { throw new Error('late') }) as never })
  for (let round = 0; round < 2; round++) await timeline.logInvocation(META, async () => ({ success: false, error: 'no' }))
  t.match((await events()).at(-1), { type: 'invocation.failed', error: 'no' })
  t.equal(logs.warnings.length, 1)
})

t.test('numbers that mean nothing are left out, and an empty error is told as one without a message', async (t) => {
  const { timeline } = await setUp(t)
  const cases = [
    [{ success: false, error: '', durationMs: -1, exitCode: 2 ** 40 }, { exitCode: undefined }],
    [{ success: false, error: '', durationMs: 1e300, exitCode: 1e300 }, { exitCode: undefined }],
    [{ success: false, error: '', durationMs: NaN, exitCode: 3.7 }, { exitCode: 3 }]
  ] as const
  for (const [result, expected] of cases) {
    let id: number | undefined
    await timeline.logInvocation(META, async (run) => { id = run.invocationId; return result })
    const shown = await timeline.getInvocation(id as number)
    t.match(shown, { status: 'failed', error: /^(Exited with code|Failed without)/, ...expected })
    t.ok(Number(shown?.duration) >= 0 && Number(shown?.duration) < 10_000)
  }
})

t.test('an activity with an odd time or message is kept, and its unknown type is in no log', async (t) => {
  const { timeline, events, logs } = await setUp(t)
  await timeline.logInvocation(META, async ({ onActivity }) => {
    onActivity(activity('odd time', { timestamp: Object.create(null) }))
    onActivity(activity('', { message: Object.create(null), metadata: { tool: 'x' } }))
    onActivity(activity('typed', { type: 'sk-ant-secret' as never }))
  })
  t.match((await events()).slice(1, -1), [
    { activity: 'odd time', timestamp: String }, { activity: '', metadata: { tool: 'x', truncated: true } }, { activity: 'typed' }
  ])
  t.equal(logs.warnings.length, 1)
  t.notOk(logs.mentions('sk-ant-secret'))
})

t.test("a host's column that takes no NULL, or a trigger that refuses, keeps no run from its end", async (t) => {
  const host = new HostDatabase(t)
  host.raw.exec("ALTER TABLE task_invocations ADD COLUMN extra TEXT; DROP TABLE task_invocations; CREATE TABLE task_invocations (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, role TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, response TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '')")
  host.addTask('a')
  const { timeline, events } = await setUp(t, { database: host.path, migrate: true })
  await timeline.logInvocation(META, async () => undefined)
  t.match(host.get('SELECT status, response, error FROM task_invocations'), { status: 'completed', response: '', error: '' })
  host.raw.exec("CREATE TRIGGER refuse BEFORE UPDATE OF response ON task_invocations BEGIN SELECT RAISE(ABORT, 'no'); END")
  await timeline.logInvocation(META, async () => 'done')
  t.match((await events()).at(-1), { type: 'invocation.completed' })
  t.match(host.get('SELECT status FROM task_invocations ORDER BY id DESC'), { status: 'completed' })
})

t.test("a host's trigger that rolls the whole transaction back costs its own rows only, and nothing is stored twice", async (t) => {
  const host = new HostDatabase(t)
  for (const task of ['bad', 'good', 'late']) host.addTask(task)
  host.raw.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON task_invocations WHEN NEW.task_id = 'bad'
    BEGIN SELECT RAISE(ROLLBACK, 'no'); END`)
  const { timeline, events } = await setUp(t, { database: host.path, migrate: true })
  const told = async (taskId: string) => (await events(taskId))
    .map((event) => 'activity' in event ? event.activity : event.type)
  const good = await timeline.startInvocation({ ...META, taskId: 'good' })
  const bad = await timeline.startInvocation({ ...META, taskId: 'bad' })
  good.activity(activity('one'))
  bad.activity(activity('refused'))
  good.activity(activity('two'))
  await Promise.all([bad.complete('x'), good.complete('y')])
  t.same(await told('good'), ['invocation.started', 'one', 'two', 'invocation.completed'])
  t.same(await told('bad'), ['invocation.started', 'invocation.completed'], 'the run has ended all the same')
  await timeline.logInvocation({ ...META, taskId: 'late' }, async ({ onActivity }) => { onActivity(activity('three')) })
  await timeline.flush()
  t.same(await told('late'), ['invocation.started', 'three', 'invocation.completed'])
})

t.test('what could not be written while closing is written once the lock is gone', async (t) => {
  const { timeline, path } = await setUp(t)
  await timeline.startInvocation(META)
  const raw = new Sqlite(path)
  t.teardown(() => raw.close())
  raw.exec('BEGIN IMMEDIATE')
  await timeline.close()
  await t.rejects(timeline.getTimeline('a'), { code: 'AGENT_TIMELINE_CLOSED' })
  raw.exec('COMMIT')
  const status = () => (raw.prepare('SELECT status, reason FROM invocation_run').get() as { status: string })
  while (status().status === 'running') await new Promise((resolve) => setTimeout(resolve, 20))
  t.match(status(), { status: 'failed', reason: 'closed' })
})

t.test('options are checked when the timeline is opened', async (t) => {
  const database = join(temporaryDirectory(t), 'timeline.db')
  const cases: ReadonlyArray<readonly [options: object, code: string]> = [
    [{}, 'AGENT_TIMELINE_NO_DATABASE'],
    [{ database: '' }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database: 7 }, 'AGENT_TIMELINE_UNSUPPORTED_DATABASE'],
    [{ database: 'file:x.db?mode=ro' }, 'AGENT_TIMELINE_UNSUPPORTED_DATABASE'],
    [{ database: 'mysql://localhost/x' }, 'AGENT_TIMELINE_UNSUPPORTED_DATABASE'],
    [{ database, migrat: true }, 'AGENT_TIMELINE_UNKNOWN_OPTION'],
    [{ database, caps: { messageByte: 5 } }, 'AGENT_TIMELINE_UNKNOWN_OPTION'],
    [{ database, caps: { messageBytes: 5 } }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, caps: { messageBytes: '16' } }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, redact: true }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, redact: { pattern: [] } }, 'AGENT_TIMELINE_UNKNOWN_OPTION'],
    [{ database, redact: { patterns: [7] } }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, redact: { patterns: [''] } }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, redact: { keyNames: 'password' } }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, activityLogRetention: -1 }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, runnerHeartbeatIntervalMs: 1 }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, ownerLeaseMs: 1.5 }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, migrate: 'yes' }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, mapResult: 'x' }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, logger: {} }, 'AGENT_TIMELINE_INVALID_OPTION'],
    [{ database, taskEvents: {} }, 'AGENT_TIMELINE_INVALID_OPTION']
  ]
  for (const [options, code] of cases) await t.rejects(openTimeline(options as never), { code }, `${JSON.stringify(options)}: ${code}`)
  await t.rejects(openTimeline(undefined as never), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(openTimeline({ database, caps: [] } as never), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  const { timeline } = await setUp(t)
  for (const [query, code] of [
    [{ after: 1, before: 2 }, 'AGENT_TIMELINE_INVALID_CURSOR'], [{ after: -1 }, 'AGENT_TIMELINE_INVALID_CURSOR'],
    [{ before: 1.5 }, 'AGENT_TIMELINE_INVALID_CURSOR'], [{ limit: 0 }, 'AGENT_TIMELINE_INVALID_LIMIT'],
    [{ limit: 5_001 }, 'AGENT_TIMELINE_INVALID_LIMIT']
  ] as const) await t.rejects(timeline.getTimeline('a', query), { code })
  for (const after of [Number.NaN, -1, 1.5, '5', '5.x9', {}]) {
    t.throws(() => timeline.events({ taskId: 'a', after: after as never }), { code: 'AGENT_TIMELINE_INVALID_CURSOR' }, String(after))
  }
  t.throws(() => timeline.events(undefined as never), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  for (const event of [
    { type: 'started' }, { type: 'task.' }, { actor: 7 }, { message: 5 }, { timestamp: 'nope' }, { timestamp: new Date(Number.NaN) }
  ]) {
    await t.rejects(timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'me', ...event } as never), { code: 'AGENT_TIMELINE_INVALID_EVENT' })
  }
})

t.test('of a usage the numbers that have a name are kept, and a signal is as long as one', async (t) => {
  const { timeline } = await setUp(t)
  const handle = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'x' })
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`sk-ant-${'x'.repeat(20)}${index}`, index]))
  await handle.complete({
    success: false, signal: `SIGTERM${'x'.repeat(100_000)}` as never, usage: { ...many, inputTokens: 5, outputTokens: Number.NaN, costUsd: 0.5 }
  })
  const invocation = await timeline.getInvocation(handle.id as number)
  t.strictSame(invocation?.usage, { inputTokens: 5, costUsd: 0.5 })
  t.ok((invocation?.signal?.length ?? 0) < 200)
})
