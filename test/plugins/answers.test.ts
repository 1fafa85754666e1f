import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { InvocationActivity } from '../../lib/model/activity.js'
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
    ['/api/timeline/tasks/%00/summary', 400, 'INVALID_TASK_ID']
  ] as const) {
    const { status: answered, body } = await answerOf(app, url)
    t.match({ answered, body }, { answered: status, body: { success: false, code: `AGENT_TIMELINE_${code}` } }, url)
  }
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
})

async function recordAtRandom (timeline: Timeline, random: () => number): Promise<void> {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const handle = await timeline.startInvocation({ taskId: 'a', role: pick(['coder', 'reviewer']), provider: 'claude' })
  const say = sayOf(handle)
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
    else say('output', 'words')
    if (random() < 0.2) await timeline.flush()
  }
  const ending = random()
  if (ending < 0.4) await handle.complete('done')
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
