import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { InvocationActivity } from '../../lib/model/activity.js'
import { exportFileName } from '../../lib/live/export-task.js'
import { USAGE_GROUPS } from '../../lib/model/answers.js'
import { pastimeOf } from '../../lib/insight/tally.js'
import { createProgress, followActivity } from '../../lib/insight/progress.js'
import type { InvocationHandle, Timeline } from '../../lib/open-timeline.js'
import { Random } from '../support/random.js'
import { makeApp, makeFolder } from './app.js'
import { SseClient } from './sse-client.js'

const KINDS = ['read', 'edit', 'shell', 'test', 'person', 'agent'] as const

interface Say { (type: InvocationActivity['type'], message: string, metadata?: Record<string, unknown>): void }

const sayOf = (run: InvocationHandle): Say => (type, message, metadata) =>
  run.activity({ type, message, timestamp: new Date(), ...(metadata === undefined ? {} : { metadata }) })

async function answerOf (app: FastifyInstance, url: string) {
  const response = await app.inject(url)
  return { status: response.statusCode, body: response.json() }
}

t.test('a summary, the calls and one of them', async (t) => {
  const { app, timeline } = await makeApp(t)
  const first = await timeline.startInvocation({ taskId: 'a', title: 'Fix it', role: 'coder', provider: 'claude', model: 'm1' })
  const say = sayOf(first)
  say('tool_exec', 'exec: npm test', { callId: '1', phase: 'start', tool: 'Bash', input: { command: 'npm test' } })
  say('progress', 'Bash: 12 of 40', { kind: 'tool', callId: '1', live: true })
  say('tool_exec', 'exec: npm test', { callId: '1', phase: 'end', tool: 'Bash', status: 'error', exitCode: 1, result: 'not ok 1 - adds' })
  say('tool_exec', 'Edit: a.ts', { callId: '2', phase: 'start', tool: 'Edit' })
  say('tool_exec', 'Edit: a.ts', { callId: '2', phase: 'end', tool: 'Edit', status: 'ok', files: [{ path: 'a.ts', added: 2, removed: 1 }] })
  say('progress', 'Plan', { kind: 'plan', entries: [{ content: 'mend', status: 'completed' }] })
  await first.complete({ success: true, response: 'done', usage: { inputTokens: 5, outputTokens: 7, costUsd: 0.25 } })
  const second = await timeline.startInvocation({ taskId: 'a', role: 'reviewer', provider: 'codex', model: 'm2' })
  sayOf(second)('tool_exec', 'exec: npm test', { callId: '1', phase: 'start', tool: 'Bash', input: { command: 'npm test' } })
  await timeline.flush()

  const { body: { summary } } = await answerOf(app, '/api/timeline/tasks/a/summary')
  t.match(summary, {
    task: { id: 'a', title: 'Fix it' },
    state: 'working',
    health: { state: 'in_tool', invocationId: 2 },
    runs: { total: 2, running: 1, completed: 1, failed: 0, timeout: 0 },
    usage: { inputTokens: 5, outputTokens: 7, costUsd: 0.25, isProvisional: true },
    calls: { total: 3, failed: 1, byKind: { test: { total: 2, failed: 1 }, edit: { total: 1, failed: 0 } } },
    files: [{ path: 'a.ts', edits: 1, added: 2, removed: 1 }],
    filesTotal: 1,
    plan: { done: 1, total: 1, entries: [{ text: 'mend', status: 'completed' }] }
  })
  t.same(await timeline.getSummary('a').then(({ calls, files }) => ({ calls, files })), { calls: summary.calls, files: summary.files })

  const { body: all } = await answerOf(app, '/api/timeline/tasks/a/calls')
  t.match(all.calls, [
    { seq: 2, endSeq: 4, kind: 'test', status: 'error', exitCode: 1, firstError: { message: 'not ok 1 - adds' } },
    { seq: 5, endSeq: 6, kind: 'edit', status: 'ok', file: { path: 'a.ts', added: 2, removed: 1 } },
    { seq: 10, kind: 'test', status: 'running', invocationId: 2 }
  ])
  t.same(all.page, { hasMore: false, nextAfter: null })
  for (const [query, seqs] of [
    ['limit=1', [2]], ['after=2&limit=1', [5]], ['kind=test', [2, 10]], ['failed=true', [2]], ['failed=false', [5, 10]],
    ['invocation=2', [10]], ['invocation=9', []], ['after=99', []]
  ] as const) {
    const { body } = await answerOf(app, `/api/timeline/tasks/a/calls?${query}`)
    t.same(body.calls.map(({ seq }: { seq: number }) => seq), seqs, query)
  }
  t.same((await answerOf(app, '/api/timeline/tasks/a/calls?limit=1')).body.page, { hasMore: true, nextAfter: 2 })

  const { body: { call } } = await answerOf(app, '/api/timeline/tasks/a/calls/10')
  t.match(call, { input: { command: 'npm test' }, beats: [], earlier: [{ taskId: 'a', seq: 2, status: 'error' }] })
  const { body: { call: before } } = await answerOf(app, '/api/timeline/tasks/a/calls/2')
  t.match(before, { result: 'not ok 1 - adds', beats: [{ seq: 3, message: 'Bash: 12 of 40' }], earlier: [] })
})

t.test('the shape of a task: lanes, what is open, when nothing ran, and the calls of a time', async (t) => {
  const { app, timeline } = await makeApp(t)
  const first = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const say = sayOf(first)
  const use = (callId: string, toolKind: string, status: string) => {
    say('tool_exec', callId, { callId, phase: 'start', tool: 'T', toolKind })
    say('tool_exec', callId, { callId, phase: 'end', tool: 'T', toolKind, status, durationMs: 1_500 })
  }
  const shape = async (query = '') => (await answerOf(app, `/api/timeline/tasks/a/overview${query}`)).body.overview
  type Bins = ReadonlyArray<{ ms: Record<string, number>, calls?: number, failed?: number }>
  const total = (bins: Bins) => bins.reduce((sum, bin) => ({
    ms: sum.ms + Object.values(bin.ms).reduce((a, b) => a + b, 0),
    calls: sum.calls + (bin.calls ?? 0),
    failed: sum.failed + (bin.failed ?? 0)
  }), { ms: 0, calls: 0, failed: 0 })
  use('1', 'shell', 'ok')
  say('tool_exec', 'open', { callId: 'o', phase: 'start', tool: 'T', toolKind: 'test' })
  await timeline.flush()
  const begun = await shape()
  t.same(total(begun.lanes[0].bins), { ms: 1_500, calls: 1, failed: 0 })
  t.match(begun.lanes, [{ invocationId: 1, role: 'coder', status: 'running', binMs: 1_000, open: [{ kind: 'test', message: 'open' }] }])
  use('2', 'shell', 'error')
  say('tool_exec', 'open', { callId: 'o', phase: 'end', tool: 'T', toolKind: 'test', status: 'ok', durationMs: 600_000 })
  await first.complete('done')
  const later = await shape()
  t.same(total(later.lanes[0].bins), { ms: 603_000, calls: 3, failed: 1 }, 'a picture is gone on with, and each call counted once')
  t.same(total((await shape()).lanes[0].bins), total(later.lanes[0].bins))
  t.same(later.lanes[0].open, [])
  t.ok(later.lanes[0].bins.length <= 512)
  const around = await shape(`?from=${later.from}&to=${new Date(Date.parse(later.to) + 1_000).toISOString()}`)
  t.same(around.calls.map(({ kind }: { kind: string }) => kind), ['shell', 'test', 'shell'])
  t.same((await shape('?from=2001-01-01T00:00:00.000Z&to=2001-01-02T00:00:00.000Z')).lanes, [])
  t.equal((await answerOf(app, '/api/timeline/tasks/a/overview?from=2001-01-01T00:00:00.000Z')).status, 400)
  const zone = process.env.TZ
  t.teardown(() => {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  })
  process.env.TZ = 'America/New_York'
  t.match(await shape('?from=2001-01-01T06:00&to=2001-01-02'), { from: '2001-01-01T06:00:00.000Z', to: '2001-01-02T00:00:00.000Z' })
})

t.test('what is wrong with a request is said', async (t) => {
  const { app, timeline } = await makeApp(t)
  await (await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })).complete('done')
  for (const [url, status, code] of [
    ['/api/timeline/tasks/a/calls?kind=nonsense', 400, 'INVALID_KIND'],
    ['/api/timeline/tasks/a/calls?failed=yes', 400, 'INVALID_REQUEST'],
    ['/api/timeline/tasks/a/calls?limit=5000', 400, 'INVALID_LIMIT'],
    ['/api/timeline/tasks/a/calls?invocation=x', 400, 'INVALID_INVOCATION_ID'],
    ['/api/timeline/tasks/a/calls/x', 400, 'INVALID_CURSOR'],
    ['/api/timeline/tasks/a/calls/1', 404, 'UNKNOWN_CALL'],
    ['/api/timeline/tasks/%00/summary', 400, 'INVALID_TASK_ID'],
    ['/api/timeline/usage?by=week', 400, 'INVALID_REQUEST'],
    ['/api/timeline/usage?from=2026-02-30', 400, 'INVALID_REQUEST'],
    ['/api/timeline/usage?from=yesterday', 400, 'INVALID_REQUEST'],
    ['/api/timeline/usage?from=2026-02-10&to=2026-02-10', 400, 'INVALID_REQUEST'],
    ['/api/timeline/usage?by=day&by=task', 400, 'INVALID_REQUEST'],
    ['/api/tasks/a/timeline?around=1&after=1', 400, 'INVALID_CURSOR'],
    ['/api/tasks/a/timeline?around=1&q=x', 400, 'INVALID_CURSOR'],
    ['/api/tasks/a/timeline?around=x', 400, 'INVALID_CURSOR'],
    ['/api/tasks/a/timeline?q=x&before=end', 400, 'INVALID_CURSOR'],
    [`/api/tasks/a/timeline?q=${'x'.repeat(201)}`, 400, 'INVALID_QUERY'],
    ['/api/timeline/tasks/a/overview?from=1&to=2', 400, 'INVALID_REQUEST'],
    ['/api/timeline/tasks/a/overview?from=2026-01-02&to=2026-01-01', 400, 'INVALID_REQUEST'],
    ['/api/timeline/tasks/a/overview?from=2026-01-01&to=%2B010000-01-01T00:00:00Z', 400, 'INVALID_REQUEST'],
    ['/api/invocations/9007199254740991', 404, 'UNKNOWN_INVOCATION']
  ] as const) {
    const { status: answered, body } = await answerOf(app, url)
    t.match({ answered, body }, { answered: status, body: { success: false, code: `AGENT_TIMELINE_${code}` } }, url)
  }
})

t.test('a page around a number has as many events before it as after it, and more where one side has fewer', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database } })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  for (let i = 2; i <= 20; i++) run.activity({ type: 'progress', message: `step ${i}`, timestamp: new Date() })
  await timeline.flush()
  const around = async (query: string) => {
    const { timeline: events, page } = (await answerOf(app, `/api/tasks/a/timeline?around=${query}`)).body
    const seqs = events.map(({ seq }: { seq: number }) => seq)
    return [seqs[0], seqs.at(-1), seqs.length, page.hasBefore, page.hasMore, page.gaps.length]
  }
  for (const [query, answer] of [
    ['10&limit=4', [8, 11, 4, true, true, 0]],
    ['10&limit=1', [10, 10, 1, true, true, 0]],
    ['1&limit=6', [1, 6, 6, false, true, 0]],
    ['2&limit=6', [1, 6, 6, false, true, 0]],
    ['0&limit=2', [1, 2, 2, false, true, 0]],
    ['20&limit=6', [15, 20, 6, true, false, 0]],
    ['99&limit=6', [15, 20, 6, true, false, 0]],
    ['10', [1, 20, 20, false, false, 0]],
    ['10.abcdef01&limit=2', [9, 10, 2, true, true, 0]],
    ['10&limit=3&types=invocation.started', [1, 1, 1, false, false, 0]]
  ] as const) t.same(await around(query), answer, query)
  t.same((await timeline.getTimeline('a', { around: 10, limit: 3 })).timeline.map(({ seq }) => seq), [9, 10, 11])
  const lines = await app.inject({ url: '/api/tasks/a/timeline?around=10&limit=2', headers: { accept: 'application/x-ndjson' } })
  t.equal(lines.headers.link, '<?limit=2&after=10>; rel="next"')
  const other = new Sqlite(database)
  other.prepare('DELETE FROM invocation_activity WHERE seq IN (9, 10)').run()
  other.close()
  const { body: { timeline: events, page } } = await answerOf(app, '/api/tasks/a/timeline?around=10&limit=4')
  t.same(events.map(({ seq }: { seq: number }) => seq), [7, 8, 11, 12])
  t.match(page.gaps, [{ fromSeq: 9, toSeq: 10 }])
})

t.test('a text is found in the whole log as it is shown, whatever its capitals, and as it is', async (t) => {
  const { app, timeline } = await makeApp(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude', model: 'Sonnet-4' })
  const say = sayOf(run)
  say('output', '100%_sure of GRÜSSE, 日本語 and \u202eturned')
  say('tool_exec', 'exec: npm test', {
    callId: 'needle-id', phase: 'start', tool: 'Bash', input: { command: 'npm test', old_string: 'say "hi"\n\tC:\\new' }
  })
  say('tool_exec', 'exec: npm test', { callId: 'needle-id', phase: 'end', tool: 'Bash', status: 'error', result: 'line 1\nnot ok 7 - adds' })
  say('progress', 'Plan', { kind: 'plan', entries: [{ content: 'Mend the PARSER', status: 'completed' }] })
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.review', actor: 'Ann', message: 'Please look' })
  await run.fail(new Error('Gave up.'))
  const find = async (q: string, more = '') => {
    const { body } = await answerOf(app, `/api/tasks/a/timeline?q=${encodeURIComponent(q)}${more}`)
    return body.timeline.map(({ seq }: { seq: number }) => seq)
  }
  for (const [q, seqs] of [
    ['NPM TEST', [3, 4]], ['not OK 7', [4]], ['line 1\nnot', [4]], ['say "hi"', [3]], ['c:\\NEW', [3]], ['old_string', [3]],
    ['parser', [5]], ['grüsse', [2]], ['Grüße', []], ['日本', [2]], ['üSSE', [2]], ['Ü', [2]], ['語 AND', [2]], ['100%_', [2]], ['1%0', []], ['\u202eturned', [2]],
    ['sonnet', [1]], ['ann', [6]], ['please', [6]], ['gave UP', [7]],
    // Names of calls and kinds are not shown; neither is how a row is stored.
    ['needle-id', []], ['"phase":"start"', []], ['\\t', []], ['%', [2]], ['.*', []], ["'; DROP TABLE tool_call; --", []], ['\0', []]
  ] as const) t.same(await find(q), seqs, JSON.stringify(q))
  t.same(await find('npm', '&after=3'), [4])
  t.same(await find('npm', '&types=progress'), [])
  const first = (await answerOf(app, '/api/tasks/a/timeline?q=npm&limit=1')).body.page
  t.match(first, { firstSeq: 3, lastSeq: 3, headSeq: 7, hasMore: true, nextAfter: 3, gaps: [] })
  const last = (await answerOf(app, '/api/tasks/a/timeline?q=npm&limit=1&after=3')).body.page
  t.match(last, { lastSeq: 4, hasMore: false })
  t.equal(last.nextAfter, undefined)
  t.equal((await answerOf(app, '/api/tasks/a/timeline?q=')).body.timeline.length, 7, 'an empty one is none')
  t.same((await timeline.getTimeline('a', { q: 'mend' })).timeline.map(({ seq }) => seq), [5])
  t.same((await timeline.getTimeline('a', { q: '\ud800' })).timeline, [])
  await t.rejects(timeline.getTimeline('a', { q: '' }), { code: 'AGENT_TIMELINE_INVALID_QUERY' })
  t.match((await app.inject({ url: '/api/tasks/a/timeline?q=npm', headers: { accept: 'text/plain' } })).body, /exec: npm test\n/)
})

t.test('a long search answers with what it has, says where it goes on, and lets others have their turn', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database } })
  await (await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })).complete('done')
  const other = new Sqlite(database)
  other.prepare(`INSERT INTO invocation_activity (invocation_id, activity_type, message, task_id, seq)
    WITH RECURSIVE numbers (value) AS (SELECT 3 UNION ALL SELECT value + 1 FROM numbers WHERE value < 20000)
    SELECT 1, 'output', 'words ' || printf('%.*c', 2000, 'x') || value, 'a', value FROM numbers`).run()
  other.prepare("UPDATE invocation_activity SET message = 'die Nadel Ö' WHERE seq IN (100, 19999)").run()
  // Between the two logs everything was deleted.
  other.prepare('UPDATE invocation_activity SET seq = seq + 1000000 WHERE seq > 15000').run()
  other.prepare("UPDATE task_stream SET last_seq = 1020000 WHERE task_id = 'a'").run()
  other.close()
  let turns = 0
  const timer = setInterval(() => { turns++ }, 1)
  t.teardown(() => clearInterval(timer))
  // Of the first SQLite knows the capitals by itself.
  for (const q of ['NADEL ö', 'ö']) {
    const seqs: number[] = []
    for (let from: number | undefined = 0; from !== undefined;) {
      const { body }: { body: { timeline: Array<{ seq: number }>, page: { hasMore: boolean, nextAfter?: number } } } =
        await answerOf(app, `/api/tasks/a/timeline?q=${encodeURIComponent(q)}&after=${from}`)
      const { hasMore, nextAfter } = body.page
      t.equal(hasMore, nextAfter !== undefined)
      t.ok(nextAfter === undefined || nextAfter > from, 'it gets on')
      seqs.push(...body.timeline.map(({ seq }) => seq))
      from = nextAfter
    }
    t.same(seqs, [100, 1_019_999], q)
  }
  t.ok(turns > 5, String(turns))
})

t.test('a task is exported whole: as a page in which text is text, or as lines', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database } })
  const hostile = '</title></pre><script>alert(1)</script><img src="//x" onerror=\'a\'>\u202eb\u001b[2Jc\u001b[31md\u0007'
  const run = await timeline.startInvocation({ taskId: 'a/../"b"\u202e', title: hostile, role: hostile, provider: hostile, model: hostile })
  const say = sayOf(run)
  for (const type of ['output', 'error', 'progress'] as const) say(type, `${hostile}\n\tsecond line`)
  say('tool_exec', hostile, { callId: '1', phase: 'start', tool: hostile, input: { path: hostile, old: 'a\nb' } })
  say('tool_exec', hostile, { callId: '1', phase: 'end', tool: hostile, status: 'error', exitCode: 3, durationMs: 1_500, result: hostile })
  say('progress', 'Plan', { kind: 'plan', entries: [{ content: hostile, status: 'completed' }] })
  say('output', 'key sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKl-1AbCdAA')
  for (let i = 0; i < 100; i++) say('progress', `step ${i}`)
  await run.fail(new Error(hostile))
  const url = `/api/timeline/tasks/${encodeURIComponent('a/../"b"\u202e')}/export`
  const page = await app.inject(url)
  t.equal(page.statusCode, 200)
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-disposition': 'attachment; filename="task-a-..-b.html"',
    'content-security-policy': /sandbox/,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store'
  })
  const tags = new Set([...page.body.matchAll(/<\/?([a-z0-9!]+)/g)].map(([, name]) => name))
  t.same([...tags].sort(), ['!doctype', 'a', 'body', 'div', 'h1', 'h2', 'head', 'header', 'html', 'li', 'main', 'meta', 'ol', 'p', 'pre',
    'section', 'span', 'style', 'time', 'title', 'ul'])
  // eslint-disable-next-line no-control-regex
  t.notMatch(page.body, /[\u0000-\u0008\u000b-\u001f\u202a-\u202e]|sk-ant-api03-AbCd|(?:src|href)="[^#]/)
  t.match(page.body, /<pre>&lt;\/title&gt;/)
  t.match(page.body, /second line/)
  t.match(page.body, /<h2>Why<\/h2>[^]*<h2>Cost<\/h2>[^]*<h2>Plan<\/h2>[^]*<h2>Files<\/h2>[^]*<h2>Runs<\/h2>/)
  t.equal([...page.body.matchAll(/<li id="e\d+"/g)].length, 109)
  t.ok(page.body.endsWith('</html>\n'))

  const lines = await app.inject(`${url}?format=ndjson`)
  t.match(lines.headers, {
    'content-type': 'application/x-ndjson; charset=utf-8', 'content-disposition': 'attachment; filename="task-a-..-b.ndjson"'
  })
  const events = lines.body.trimEnd().split('\n').map((line) => JSON.parse(line))
  t.same(events, (await timeline.getTimeline('a/../"b"\u202e')).timeline)
  const other = new Sqlite(database)
  other.prepare('DELETE FROM invocation_activity WHERE seq IN (9, 20, 21, 22, 40)').run()
  other.close()
  t.match((await app.inject(url)).body, /Event 9 is not there: deleted\.[^]*Events 20 to 22 are not there[^]*Event 40 is not there/)
  t.equal((await answerOf(app, `${url}?format=pdf`)).body.code, 'AGENT_TIMELINE_INVALID_REQUEST')
  for (const [taskId, name] of [['日本', 'task-log.html'], ['..', 'task-log.html'], ['x'.repeat(200), `task-${'x'.repeat(100)}.html`]] as const) {
    t.equal(exportFileName(taskId, 'html'), name)
  }
  t.match((await app.inject('/api/timeline/tasks/nothing/export')).body, /Nothing has run yet/)
  const breaking = new Sqlite(database)
  breaking.exec("UPDATE invocation_run SET failure = '{'")
  breaking.close()
  // Each is counted out again: there are more of them than may be open.
  for (let i = 0; i < 20; i++) {
    const broken = await app.inject(url)
    t.match(broken.json(), { success: false, code: 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' })
    t.equal(broken.headers['content-disposition'], undefined, 'an error is no file')
  }
})

t.test('exports that nobody reads keep no place, and their number has a bound', async (t) => {
  let isReplacing = true
  const { app, timeline } = await makeApp(t, {
    before: (host) => host.addHook('onSend', async (_request, _reply, payload) => {
      if (isReplacing) (payload as Readable).destroy()
      return isReplacing ? 'mine' : payload
    })
  })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  await run.complete('done')
  for (let i = 0; i < 20; i++) t.equal((await app.inject('/api/timeline/tasks/a/export')).statusCode, 200)
  isReplacing = false
  const all = await Promise.all(Array.from({ length: 40 }, async () => app.inject('/api/timeline/tasks/a/export')))
  const busy = all.filter(({ statusCode }) => statusCode === 503)
  t.ok(all.some(({ statusCode }) => statusCode === 200))
  for (const one of busy) t.equal(one.headers['content-disposition'], undefined)
  t.equal((await app.inject('/api/timeline/tasks/a/export')).statusCode, 200)
})

t.test('a reader that takes nothing keeps no server from closing', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  for (let i = 0; i < 1_000; i++) sayOf(run)('output', `${i} ${'x'.repeat(10_000)}`)
  await run.complete('done')
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.write('GET /api/timeline/tasks/a/export HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'readable')
  await app.close()
  t.pass('closed')
})

t.test('what was told of use last counts where the end tells none, and is no activity after a wait', async (t) => {
  const { timeline } = await makeApp(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const say = sayOf(run)
  say('progress', 'rate limit', { kind: 'waiting', waitKind: 'rate_limit', what: 'rate limit' })
  say('progress', 'usage', { kind: 'usage', usage: { inputTokens: 5, outputTokens: 7 } })
  await run.timedOut()
  t.match(await timeline.getSummary('a'), {
    usage: { inputTokens: 5, outputTokens: 7, isProvisional: true }, failure: { code: 'rate_limit' }
  })
})

t.test('what comes after the end of a run is kept in the log and changes nothing that is said of the run', async (t) => {
  const { app, timeline } = await makeApp(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const say = sayOf(run)
  say('tool_exec', 'exec: ls', { callId: '1', phase: 'start', tool: 'Bash' })
  await run.fail(new Error('given up'))
  const before = await timeline.getSummary('a')
  say('tool_exec', 'exec: ls', { callId: '1', phase: 'end', tool: 'Bash', status: 'ok' })
  say('tool_exec', 'exec: pwd', { callId: '2', phase: 'start', tool: 'Bash' })
  say('progress', 'usage', { kind: 'usage', usage: { inputTokens: 5, outputTokens: 7 } })
  await timeline.flush()
  const { timeline: events } = await timeline.getTimeline('a')
  t.equal(events.filter((event) => 'metadata' in event && event.metadata?.late === true).length, 3)
  const { headSeq, ...after } = await timeline.getSummary('a')
  t.match(after, { calls: before.calls, usage: before.usage, time: before.time, failure: before.failure })
  const { body } = await answerOf(app, '/api/timeline/tasks/a/calls')
  t.match(body.calls, [{ message: 'exec: ls', status: 'aborted' }])
  t.equal(body.calls.length, 1)
})

t.test('prices give a cost to what an agent does not tell, while it runs and at its end', async (t) => {
  const prices = { m1: { inputTokens: 2, outputTokens: 10, cacheReadTokens: 0.5 } }
  const { app, timeline } = await makeApp(t, { plugin: { prices } })
  const costOf = async (taskId: string) => (await timeline.getSummary(taskId)).usage
  const usage = { inputTokens: 1_000_000, outputTokens: 100_000, cacheReadTokens: 400_000 }
  const run = async (taskId: string, provider: string, model: string | undefined, told: object = usage) => {
    const handle = await timeline.startInvocation({ taskId, role: 'coder', provider, ...(model && { model }) })
    sayOf(handle)('progress', 'usage', { kind: 'usage', usage: told })
    await timeline.flush()
    return handle
  }
  const codex = await run('a', 'codex', 'm1')
  t.match(await costOf('a'), { costUsd: 2.4, isProvisional: true }, 'what is read from the cache is among the input')
  await codex.complete({ success: true, response: '', usage })
  t.match(await costOf('a'), { costUsd: 2.4, isProvisional: false })
  t.equal((await costOf('a')).unpriced, undefined)
  await (await run('b', 'claude', 'm1')).complete({ success: true, response: '', usage })
  t.match(await costOf('b'), { costUsd: 3.2 }, 'or beside it')
  await (await run('c', 'claude', 'm1')).complete({ success: true, response: '', usage: { ...usage, costUsd: 9 } })
  t.match(await costOf('c'), { costUsd: 9 }, 'what is told counts')
  await (await run('d', 'claude', 'other')).complete({ success: true, response: '', usage })
  t.match(await costOf('d'), { costUsd: undefined, unpriced: ['other'] })
  await (await run('e', 'claude', undefined)).complete({ success: true, response: '', usage, model: 'm1' })
  t.match(await costOf('e'), { costUsd: 3.2 })
  t.match((await answerOf(app, '/api/timeline/usage?by=model')).body.usage, {
    by: 'model',
    total: { runs: 5, costUsd: 17.8, inputTokens: 5_000_000, isProvisional: false, unpriced: ['other'] },
    groups: [{ key: 'm1', runs: 4, costUsd: 17.8 }, { key: 'other', runs: 1, unpriced: ['other'] }],
    groupsTotal: 2
  })
  for (const [wrong, words] of [
    [{ m1: { inputTokens: -1 } }, /from 0/], [{ m1: { input: 1 } }, /There is no option/], [[], /is an object/], [{ m1: 3 }, /is an object/]
  ] as const) await t.rejects(makeApp(t, { plugin: { prices: wrong as never } }), words)
})

t.test('a summary equals a slow recount of the log, after histories made at random', async (t) => {
  const numbers = new Random()
  t.comment(`SEED=${numbers.seed}`)
  const random = () => numbers.next()
  const database = join(makeFolder(t), 'x.db')
  const { app, timeline } = await makeApp(t, { plugin: { database } })
  for (let run = 0; run < 6; run++) await recordAtRandom(timeline, random)
  await timeline.flush()
  const { body: { summary } } = await answerOf(app, '/api/timeline/tasks/a/summary')
  t.match(summary, recount(t, database))

  for (let run = 0; run < 6; run++) await recordAtRandom(timeline, random, `b${run % 2}`)
  await timeline.startInvocation({ taskId: 'b0', role: 'coder', provider: 'claude' }).then((run) =>
    sayOf(run)('progress', 'usage', { kind: 'usage', usage: { inputTokens: 5 } }))
  await timeline.flush()
  const other = new Sqlite(database)
  t.teardown(() => { other.close() })
  // Days apart, one of them at midnight; one was written by a host's own logger, without a time.
  const ended = other.prepare("SELECT invocation_id AS id FROM invocation_run WHERE status <> 'running'").pluck().all()
  ended.forEach((id, index) => other.prepare('UPDATE invocation_run SET completed_at = ? WHERE invocation_id = ?')
    .run(index === 0 ? '2026-02-03T00:00:00.000Z' : `2026-02-0${1 + index % 5}T23:59:59.999Z`, id))
  await timeline.deleteTask('b1')
  for (const by of USAGE_GROUPS) {
    for (const [query, from, to] of [
      ['', '', '~'], ['&from=2026-02-02&to=2026-02-04', '2026-02-02', '2026-02-04'], ['&to=2026-02-03', '', '2026-02-03'],
      ['&from=2026-02-03T00:00:00.000Z', '2026-02-03T00:00:00.000Z', '~'], ['&from=2027-01-01', '2027', '~']
    ] as const) {
      const { usage } = (await answerOf(app, `/api/timeline/usage?by=${by}${query}`)).body
      t.same({ total: usage.total, groups: usage.groups }, recountUsage(other, by, from, to), `${by} ${query}`)
      t.same(usage.groupsTotal, usage.groups.length)
    }
  }
  t.same((await timeline.getUsage()).groups.map(({ key }) => key), ['2026-02-01', '2026-02-02', '2026-02-03', '2026-02-04', '2026-02-05']
    .filter((day) => other.prepare('SELECT 1 FROM invocation_run WHERE completed_at LIKE ?').get(`${day}%`) !== undefined))
})

/** What was said of use in the log: at the end of a run, or last before it. */
function recountUsage (db: Sqlite.Database, by: typeof USAGE_GROUPS[number], from: string, to: string) {
  const empty = { runs: 0, isProvisional: false } as Record<string, any>
  const groups = new Map<string, Record<string, any>>()
  const total = { ...empty }
  for (const run of db.prepare('SELECT * FROM invocation_run').all() as Array<Record<string, any>>) {
    if (run.status === 'running' || run.completed_at < from || run.completed_at >= to) continue
    const payloads = db.prepare("SELECT payload FROM timeline_event WHERE invocation_id = ? AND type <> 'invocation.started'").pluck().all(run.invocation_id)
    const told = db.prepare("SELECT metadata FROM invocation_activity WHERE invocation_id = ? AND metadata LIKE '%\"kind\":\"usage\"%' ORDER BY seq").pluck().all(run.invocation_id)
    const final = JSON.parse(payloads[0] as string).usage
    const usage = final ?? (told.length === 0 ? undefined : JSON.parse(told.at(-1) as string).usage)
    const model = run.model || 'unknown'
    const day = run.completed_at.slice(0, 10)
    const key = { task: run.task_id, role: run.role, provider: run.provider, model, day }[by]
    if (!groups.has(key)) groups.set(key, { key, ...empty })
    for (const sum of [total, groups.get(key)!]) {
      sum.runs++
      for (const [name, value] of Object.entries(usage ?? {}) as Array<[string, number]>) {
        sum[name] = Math.round(((sum[name] ?? 0) + value) * 1e9) / 1e9
      }
      if (usage !== undefined && final === undefined) sum.isProvisional = true
      if (usage === undefined || usage.costUsd !== undefined) continue
      sum.unpriced = [...new Set([...sum.unpriced ?? [], model])].sort()
    }
  }
  const byKey = [...groups.values()].sort((a, b) => a.key < b.key ? -1 : 1)
  const tokens = (sum: Record<string, any>) => (sum.inputTokens ?? 0) + (sum.outputTokens ?? 0)
  return {
    total,
    groups: by === 'day' ? byKey : byKey.sort((a, b) => (b.costUsd ?? 0) - (a.costUsd ?? 0) || tokens(b) - tokens(a))
  }
}

async function recordAtRandom (timeline: Timeline, random: () => number, taskId = 'a'): Promise<void> {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const handle = await timeline.startInvocation({
    taskId, role: pick(['coder', 'reviewer']), provider: pick(['claude', 'codex']), ...(random() < 0.7 && { model: pick(['m1', 'm2']) })
  })
  const say = sayOf(handle)
  const use = () => ({
    inputTokens: Math.floor(random() * 1e6),
    outputTokens: Math.floor(random() * 1e4),
    ...(random() < 0.6 && { costUsd: Math.floor(random() * 1e6) / 1e6 })
  })
  const open: string[] = []
  for (let step = 0; step < 60; step++) {
    const what = random()
    if (what < 0.4) {
      const callId = String(Math.floor(random() * 8))
      open.push(callId)
      say('tool_exec', `do ${step}`, { callId, phase: 'start', tool: 'T', toolKind: pick(KINDS), input: { step } })
    } else if (what < 0.7 && open.length > 0) {
      const [callId] = open.splice(Math.floor(random() * open.length), 1)
      const files = random() < 0.5 ? [{ path: pick(['a.ts', 'b.ts']), added: Math.floor(random() * 5) }] : undefined
      say('tool_exec', 'end', { callId, phase: 'end', tool: 'T', status: pick(['ok', 'ok', 'error', 'denied']), files })
    } else if (what < 0.8) say('progress', 'waiting', { kind: 'waiting', waitKind: pick(['person', 'network']), what: 'x' })
    else if (what < 0.83) say('progress', 'usage', { kind: 'usage', usage: use() })
    else say('output', 'words')
    if (random() < 0.2) await timeline.flush()
  }
  const ending = random()
  if (ending < 0.2) await handle.complete('done')
  else if (ending < 0.4) await handle.complete({ success: random() < 0.5, response: '', usage: use() })
  else if (ending < 0.8) await handle.fail(new Error('no'))
  else await handle.timedOut()
}

/** From the rows of the log alone, as somebody would count who has nothing else. */
function recount (t: Test, database: string) {
  const db = new Sqlite(database, { readonly: true })
  t.teardown(() => { db.close() })
  const runs = { total: 0, running: 0, completed: 0, failed: 0, timeout: 0 } as Record<string, number>
  const byKind: Record<string, { total: number, failed: number }> = {}
  const kindMs: Record<string, number> = {}
  const time = { thinking: 0, waiting: 0, person: 0 }
  const files = new Map<string, { path: string, edits: number, added: number }>()
  for (const run of db.prepare('SELECT * FROM invocation_run ORDER BY invocation_id').all() as Array<Record<string, any>>) {
    runs.total!++
    runs[run.status]!++
    const progress = createProgress()
    let at = Date.parse(run.started_at)
    const spend = (until: number) => {
      const pastime = pastimeOf(progress)
      const ms = Math.max(0, until - at)
      at = Math.max(at, until)
      if (typeof pastime === 'object') kindMs[pastime.tool] = (kindMs[pastime.tool] ?? 0) + ms
      else time[pastime] += ms
    }
    const rows = db.prepare('SELECT * FROM invocation_activity WHERE invocation_id = ? ORDER BY seq').all(run.invocation_id)
    for (const row of rows as Array<Record<string, any>>) {
      const activityAt = Date.parse(row.created_at) - row.lag_ms
      const details = JSON.parse(row.metadata ?? '{}')
      spend(activityAt)
      let startedKind: string | undefined
      let hasEnded = false
      followActivity(progress, {
        type: row.activity_type,
        message: row.message,
        metadata: row.metadata,
        at: activityAt,
        seq: row.seq,
        callKind: details.toolKind
      }, {
        started: () => { startedKind = details.toolKind },
        ended: ({ kind = 'other' }) => {
          hasEnded = true
          if (details.status === 'error' || details.status === 'denied') byKind[kind]!.failed++
        },
        movedToBackground: () => {}
      })
      if (startedKind !== undefined) (byKind[startedKind] ??= { total: 0, failed: 0 }).total++
      for (const file of hasEnded && details.status === 'ok' ? details.files ?? [] : []) {
        const known = files.get(file.path) ?? { path: file.path, edits: 0, added: 0 }
        files.set(file.path, { ...known, edits: known.edits + 1, added: known.added + file.added })
      }
    }
    spend(Date.parse(run.completed_at))
  }
  const all = Object.values(byKind)
  return {
    runs,
    calls: {
      total: all.reduce((sum, { total }) => sum + total, 0),
      failed: all.reduce((sum, { failed }) => sum + failed, 0),
      byKind
    },
    time: {
      thinkingMs: time.thinking,
      waitingMs: time.waiting,
      personMs: time.person,
      toolMs: Object.values(kindMs).reduce((sum, ms) => sum + ms, 0)
    },
    files: [...files.values()].sort((a, b) => b.edits - a.edits || (a.path < b.path ? -1 : 1))
  }
}

t.test('the status says how large the database is, what waits, what was lost and how far viewers are behind', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const first = (await answerOf(app, '/api/timeline/status')).body.status
  t.match(first, { databaseBytes: Number, queueBytes: 0, droppedPieces: 0, lockRetries: 0 })
  t.ok(first.databaseBytes > 10_000)
  t.notOk('deliveryLagMs' in first || 'trouble' in first || 'lastNotice' in first)
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  t.teardown(() => client.destroy())
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  sayOf(run)('output', 'words')
  await run.complete('done')
  await client.until(() => client.frames.some(({ data }) => data.type === 'invocation.completed'))
  const dear = await timeline.startInvocation({ taskId: 'b', role: 'coder', provider: 'claude', budgetUsd: 1 })
  await dear.complete({ success: true, response: '', usage: { inputTokens: 1, outputTokens: 1, costUsd: 2 } })
  const { deliveryLagMs, lastNotice } = (await answerOf(app, '/api/timeline/status')).body.status
  t.match(lastNotice, { kind: 'budget', taskId: 'b', invocationId: dear.id, isTold: false })
  t.ok(Number.isInteger(deliveryLagMs) && deliveryLagMs >= 0, String(deliveryLagMs))
})

t.test('a stream begins with what is known of its task, and says it again when that has changed', async (t) => {
  const { app, timeline } = await makeApp(t, { listen: true })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const client = await SseClient.open(app, '/api/tasks/a/stream')
  t.teardown(() => client.destroy())
  const summaries = () => client.frames.flatMap(({ data }) =>
    data.type === 'timeline.snapshot' || data.type === 'timeline.summary' ? [data.summary] : [])
  await client.until(() => summaries().length === 1)
  t.match(summaries()[0], { state: 'working', calls: { total: 0 }, runs: { running: 1 } })
  sayOf(run)('tool_exec', 'exec: ls', { callId: '1', phase: 'start', tool: 'Bash', input: { command: 'ls' } })
  await client.until(() => summaries().some(({ calls }) => calls.total === 1))
  await run.fail(new Error('spawn claude ENOENT'))
  await client.until(() => summaries().at(-1)?.state === 'failed')
  t.match(summaries().at(-1), { calls: { total: 1, failed: 0 }, runs: { failed: 1 }, failure: { code: 'cli_missing' } })
  t.ok(client.frames.every(({ id, data }) => id === undefined || !String(data.type).startsWith('timeline.su')), 'without an id')
})
