import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { openTimeline } from '../../lib/open-timeline.js'
import { makeApp, makeFolder } from './app.js'

const MIB = 1024 * 1024
const TEXT = { ascii: 'x'.repeat(16_000), wide: '漢'.repeat(5_000), control: '\u0001"\\'.repeat(5_000) }

/** A task of long rows, written at once; every 100th is a short error. */
async function makeLongRows (t: Test, rows: number, text: string): Promise<{ database: string, invocationId: number }> {
  const database = join(makeFolder(t), 'long.db')
  const timeline = await openTimeline({ database, redact: false })
  const run = await timeline.startInvocation({ taskId: 'big', role: 'coder', provider: 'claude', prompt: TEXT.ascii })
  await timeline.close()
  const db = new Sqlite(database)
  const insert = db.prepare(`INSERT INTO invocation_activity (invocation_id, task_id, seq, activity_type, message)
    VALUES (?, 'big', ?, ?, ?)`)
  db.transaction(() => {
    const first = (db.prepare('SELECT last_seq FROM task_stream').pluck().get() as number) + 1
    for (let seq = first; seq < first + rows; seq++) {
      insert.run(run.id, seq, seq % 100 === 0 ? 'error' : 'output', seq % 100 === 0 ? 'short' : text)
    }
    db.prepare('UPDATE task_stream SET last_seq = ?').run(first + rows - 1)
  }).immediate()
  db.close()
  return { database, invocationId: run.id as number }
}

for (const [name, text] of Object.entries(TEXT)) {
  t.test(`a page has at most 4 MiB and says that there is more (${name})`, async (t) => {
    const { database, invocationId } = await makeLongRows(t, 300, text)
    const { app } = await makeApp(t, { plugin: { projects: { p: database } } })
    const get = async (path: string) => {
      const { body } = await app.inject(`/api/${path}${path.includes('?') ? '&' : '?'}project=p&limit=5000`)
      t.ok(Buffer.byteLength(body) <= 4 * MIB, `${path} has ${Buffer.byteLength(body)} bytes`)
      return JSON.parse(body)
    }
    const { page: { headSeq } } = await get('tasks/big/timeline?types=error')
    const all = Array.from({ length: headSeq }, (_, index) => index + 1)

    const walk = async (path: string, eventsOf: (answer: any) => { seq: number }[], isBackwards = false) => {
      const seqs: number[] = []
      for (let cursor = isBackwards ? 'before=end' : 'after=0', hasMore = true; hasMore;) {
        const answer = await get(`${path}${cursor}`)
        const page = answer.page ?? answer.invocation.page
        const found = eventsOf(answer).map(({ seq }) => seq)
        t.ok(found.length > 0, 'never empty while there is more')
        t.same(page.gaps, [], 'what did not fit is no gap')
        t.same([page.firstSeq, page.lastSeq], [found[0], found.at(-1)])
        if (isBackwards) seqs.unshift(...found)
        else seqs.push(...found)
        cursor = isBackwards ? `before=${found[0]}` : `after=${found.at(-1)}`
        hasMore = page.hasMore
      }
      return seqs
    }
    t.same(await walk('tasks/big/timeline?', ({ timeline }) => timeline), all)
    t.same(await walk('tasks/big/timeline?', ({ timeline }) => timeline, true), all)
    t.same(await walk('tasks/big/timeline?types=output,error&', ({ timeline }) => timeline), all.slice(2))
    const lines: number[] = []
    for (let url: string | undefined = '/api/tasks/big/timeline?project=p&limit=5000'; url !== undefined;) {
      const { body, headers }: LightMyRequestResponse =
        await app.inject({ url, headers: { accept: 'application/x-ndjson' } })
      lines.push(...body.split('\n').slice(0, -1).map((line: string) => JSON.parse(line).seq))
      const next: string | undefined = /^<(.*)>; rel="next"$/.exec(String(headers.link))?.[1]
      url = next && `/api/tasks/big/timeline${next}`
    }
    t.same(lines, all, 'lines of JSON')
    t.same(await walk(`invocations/${invocationId}?`, ({ invocation }) => invocation.activities), all.slice(2))
    t.same(await walk(`invocations/${invocationId}?`, ({ invocation }) => invocation.activities, true), all.slice(2))
  })
}

t.test('a page of one event that is longer than a page is that event', async (t) => {
  const { database } = await makeLongRows(t, 3, 'y'.repeat(5 * MIB))
  const { app } = await makeApp(t, { plugin: { projects: { p: database } } })
  const seen: number[] = []
  for (let after = 0, hasMore = true; hasMore; after = seen.at(-1)!) {
    const { timeline, page } = (await app.inject(`/api/tasks/big/timeline?project=p&after=${after}`)).json()
    t.ok(timeline.length >= 1)
    seen.push(...timeline.map(({ seq }: { seq: number }) => seq))
    hasMore = page.hasMore
  }
  t.same(seen, [1, 2, 3, 4, 5])
})

t.test('a list of invocations has at most 4 MiB, and its cursor goes on', async (t) => {
  const { app, timeline } = await makeApp(t)
  const names: number[] = []
  for (let i = 0; i < 400; i++) {
    const run = await timeline.startInvocation({ taskId: `t${i}`, role: 'coder', provider: 'claude' })
    run.fail(new Error('e'.repeat(15_000)))
    names.push(run.id as number)
  }
  await timeline.flush()
  const seen: number[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await app.inject(`/api/invocations?limit=1000&cursor=${cursor}`)
    t.ok(Buffer.byteLength(body) <= 4 * MIB, `${Buffer.byteLength(body)} bytes`)
    const { invocations, page } = JSON.parse(body)
    seen.push(...invocations.map(({ id }: { id: number }) => id))
    cursor = page.nextCursor
  }
  t.same(seen.toSorted((a, b) => a - b), names)
})

t.test('twelve requests of the largest page take the memory of one, and others are answered meanwhile', async (t) => {
  const { database, invocationId } = await makeLongRows(t, 5000, TEXT.ascii)
  const server = fork(new URL('../support/large-page-server.mjs', import.meta.url), [database], {
    execArgv: ['--max-old-space-size=256']
  })
  const exit = once(server, 'exit')
  t.teardown(async () => { server.disconnect(); await exit })
  const [port] = await once(server, 'message') as [number]
  const base = `http://127.0.0.1:${port}`
  const order: string[] = []
  const ask = async (path: string, accept = 'application/json') => {
    const response = await fetch(base + path, { headers: { accept } })
    const { length } = await response.text()
    order.push(path)
    return { status: response.status, length }
  }
  const large = [
    ...Array.from({ length: 12 }, (_, i) => ask(`/api/tasks/big/timeline?limit=5000&after=${i}`)),
    ...Array.from({ length: 4 }, () => ask(`/api/invocations/${invocationId}?limit=5000`)),
    ...Array.from({ length: 4 }, () => ask('/api/tasks/big/timeline?limit=5000', 'application/x-ndjson')),
    ...Array.from({ length: 4 }, () => ask('/api/tasks/big/timeline?limit=5000', 'text/plain'))
  ]
  t.match(await ask('/hello'), { status: 200 })
  for (const { status, length } of await Promise.all(large)) {
    t.ok(status === 200 || status === 503, `${status}`)
    t.ok(length <= 4 * MIB)
  }
  t.ok(order.indexOf('/hello') < 6, `answered after ${order.indexOf('/hello')} of them`)
  t.equal(server.exitCode, null)
})
