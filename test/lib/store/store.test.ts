import { join } from 'node:path'
import Sqlite, { type Database as Raw } from 'better-sqlite3'
import { sql, type Compilable, type Kysely } from 'kysely'
import pg from 'pg'
import t, { type Test } from 'tap'
import { systemClock } from '../../../lib/time/clock.js'
import type { Gap, TimelineEvent } from '../../../lib/model/events.js'
import { hostOpener } from '../../../lib/host/open-host.js'
import { createAuditSource } from '../../../lib/host/task-events.js'
import { silentLogger } from '../../../lib/logger.js'
import type { Database } from '../../../lib/store/sql/database.js'
import { openDatabase } from '../../../lib/store/sqlite/database.js'
import { openPostgresDatabase } from '../../../lib/store/postgres/open-store.js'
import { TYPES } from '../../../lib/store/postgres/values.js'
import { OF_TASK } from '../../../migrations/statements.js'
import { parseTypes, selectEvents, type TypeFilter } from '../../../lib/store/sql/event-rows.js'
import { overviewOf } from '../../../lib/live/overview.js'
import { findGaps } from '../../../lib/model/gaps.js'
import { createAnswerReader } from '../../../lib/store/sql/answers.js'
import { selectInvocations, selectRunningOf } from '../../../lib/store/sql/invocation-rows.js'
import { pruneActivities } from '../../../lib/store/sql/retention.js'
import type { Tables } from '../../../lib/store/tables.js'
import { openTimeline, type OpenOptions, type Timeline } from '../../../lib/open-timeline.js'
import { Child } from '../../support/children.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Random } from '../../support/random.js'
import { startPostgres } from '../../support/postgres.js'

/** One engine that the store runs on; every test below runs on each. */
interface Engine {
  readonly name: string
  /** A new, empty database; where processes can reach it. */
  create (t: Test): Promise<Store>
}

interface Store {
  readonly source: string
  open (options?: Partial<OpenOptions>): Promise<Timeline>
  /** The layer below, for what no timeline offers. */
  openDatabase (): Promise<Database>
  /** Rows as they are, through a connection that has nothing to do with ours. */
  all (sql: string, ...parameters: unknown[]): Promise<any[]>
  run (sql: string): Promise<void>
  /** The plan of a query, one line a step. */
  explain (query: (db: Kysely<Tables>) => Compilable): Promise<string>
}

const openHost = hostOpener({ taskEvents: createAuditSource(systemClock), now: systemClock, clean: (text) => text })

const sqlite: Engine = {
  name: 'sqlite',
  async create (t) {
    const source = join(temporaryDirectory(t), 'store.db')
    let raw: Raw | undefined
    t.teardown(() => { raw?.close() })
    const connection = () => {
      raw ??= new Sqlite(source, { timeout: 5_000 })
      return raw
    }
    const openBelow = async () => {
      const database = await openDatabase({
        database: source,
        migrate: true,
        create: true,
        openHost
      })
      t.teardown(() => database.close())
      return database
    }
    return {
      source,
      async open (options = {}) {
        const timeline = await openTimeline({ database: source, logger: silentLogger, ...options })
        t.teardown(() => timeline.close())
        return timeline
      },
      openDatabase: openBelow,
      all: async (text, ...parameters) => connection().prepare(text).all(...parameters),
      run: async (text) => { connection().exec(text) },
      async explain (query) {
        const database = await openBelow()
        return database.read(async (db) => {
          const { sql: text, parameters } = query(db).compile()
          return connection().prepare(`EXPLAIN QUERY PLAN ${text}`).all(...parameters).map((row: any) => row.detail).join('\n')
        })
      }
    }
  }
}

const server = await startPostgres(t)

const postgres: Engine = {
  name: 'postgres',
  async create (t) {
    const source = await server.createDatabase()
    const client = new pg.Client({ connectionString: source })
    await client.connect()
    t.teardown(() => client.end())
    const query = async (text: string, values: readonly unknown[]) => {
      let at = 0
      const numbered = text.replaceAll('?', () => `$${++at}`)
      return (await client.query({ text: numbered, values: [...values], types: TYPES as pg.CustomTypesConfig })).rows
    }
    return {
      source,
      async open (options = {}) {
        const timeline = await openTimeline({ database: source, logger: silentLogger, ...options })
        t.teardown(() => timeline.close())
        return timeline
      },
      async openDatabase () {
        const database = await openPostgresDatabase(source, { migrate: true, openHost })
        t.teardown(() => database.close())
        return database
      },
      all: async (text, ...parameters) => query(text, parameters),
      run: async (text) => { await query(text, []) },
      async explain () { throw new Error('its plans depend on what is stored') }
    }
  }
}

const META = { role: 'coder', provider: 'claude' }

/** An invocation with `count` activities named by their index; its id. */
async function log (timeline: Timeline, taskId: string, count: number, more: object = {}): Promise<number> {
  const id = await timeline.logInvocation({ ...META, taskId }, async ({ onActivity, invocationId }) => {
    for (let index = 0; index < count; index++) {
      onActivity({ type: 'progress', message: `${index}`, timestamp: new Date(), ...more })
    }
    return invocationId as number
  })
  // A run's end waits for its commit no longer than an agent may be kept.
  await timeline.flush()
  return id
}

const seqs = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq)
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index)
const activities = (events: readonly TimelineEvent[]) => events.flatMap((event) => event.type === 'invocation.activity' ? [event] : [])

/** Every page of a task, in either direction, with the gaps they told. */
async function readAll (timeline: Timeline, taskId: string, limit: number, isBackwards = false) {
  const events: TimelineEvent[] = []
  const gaps: Gap[] = []
  let query: object = isBackwards ? { before: 'end' } : {}
  for (;;) {
    const { timeline: part, page } = await timeline.getTimeline(taskId, { ...query, limit })
    if (isBackwards) events.unshift(...part)
    else events.push(...part)
    if (isBackwards) gaps.unshift(...page.gaps)
    else gaps.push(...page.gaps)
    if (!page.hasMore) return { events, gaps, headSeq: page.headSeq }
    query = isBackwards ? { before: page.firstSeq } : { after: page.lastSeq }
  }
}

for (const engine of [sqlite, postgres]) {
  t.test(engine.name, async (t) => {
    t.test('a text is found, a page lies around a number, and what runs used is added up', async (t) => {
      const timeline = await (await engine.create(t)).open()
      const texts = ['plain words', 'GRÜSSE', 'Ö', 'a "quoted" path C:\\new']
      await timeline.logInvocation({ ...META, taskId: 'a', model: 'm' }, async ({ onActivity }) => {
        for (const message of texts) onActivity({ type: 'progress', message, timestamp: new Date(), metadata: { note: `${message}\nX` } })
        return { success: true, response: '', usage: { inputTokens: 3, outputTokens: 4, costUsd: 0.5 } }
      })
      await log(timeline, 'b', 1)
      for (const [q, found] of [
        ['WORDS', [2]], ['grüsse', [3]], ['ö', [4]], ['"QUOTED"', [5]], ['c:\\NEW', [5]], ['words\nx', [2]], ['claude', [1]], ['%', []],
        ['note', []], ['\0', []]
      ] as const) t.same(seqs((await timeline.getTimeline('a', { q })).timeline), found, JSON.stringify(q))
      const { timeline: around, page } = await timeline.getTimeline('a', { around: 3, limit: 2 })
      t.same([seqs(around), page.hasBefore, page.hasMore], [[2, 3], true, true])
      t.match(await timeline.getUsage({ by: 'task' }), {
        total: { runs: 2, inputTokens: 3, costUsd: 0.5, isProvisional: false },
        groups: [{ key: 'a', runs: 1, outputTokens: 4 }, { key: 'b', runs: 1 }],
        groupsTotal: 2
      })
    })

    t.test('numbers are dense over activities and events, and every page has its part', async (t) => {
      const timeline = await (await engine.create(t)).open()
      await log(timeline, 'a', 7)
      await timeline.recordTaskEvent({ taskId: 'a', type: 'task.review', actor: 'me', message: 'have a look' })
      await log(timeline, 'b', 3)
      await log(timeline, 'a', 5)
      const all = (await timeline.getTimeline('a')).timeline
      t.same(seqs(all), upTo(17))
      t.same(all.filter(({ type }) => type !== 'invocation.activity').map(({ seq, type }) => [seq, type]), [
        [1, 'invocation.started'], [9, 'invocation.completed'], [10, 'task.review'], [11, 'invocation.started'],
        [17, 'invocation.completed']
      ])
      for (const limit of [1, 2, 3, 7, 16, 17, 18]) {
        t.same(await readAll(timeline, 'a', limit), { events: all, gaps: [], headSeq: 17 }, `forwards by ${limit}`)
        t.same(await readAll(timeline, 'a', limit, true), { events: all, gaps: [], headSeq: 17 }, `backwards by ${limit}`)
      }
      t.match(await timeline.getTimeline('a', { after: 17 }), { timeline: [], page: { headSeq: 17, hasMore: false, gaps: [] } })
      t.match(await timeline.getTimeline('a', { after: 99 }), { timeline: [], page: { headSeq: 17, hasMore: false, gaps: [] } })
      t.same(seqs((await timeline.getTimeline('a', { before: 4, limit: 2 })).timeline), [2, 3])
      t.match(await timeline.getTimeline('a', { before: 1 }), { timeline: [], page: { headSeq: 17, hasMore: false, gaps: [] } })
      t.match(await timeline.getTimeline('unknown'), { task: { id: 'unknown' }, timeline: [], page: { headSeq: 0 } })
    })

    t.test('types filter both tables, and no hole is told where rows were left out on purpose', async (t) => {
      const timeline = await (await engine.create(t)).open()
      await timeline.logInvocation({ ...META, taskId: 'a' }, async ({ onActivity }) => {
        for (const type of ['tool_exec', 'output', 'error', 'progress'] as const) onActivity({ type, message: type, timestamp: new Date() })
      })
      await timeline.recordTaskEvent({ taskId: 'a', type: 'task.review', actor: 'me' })
      const kinds = async (types: string[]) => {
        const { timeline: events, page } = await timeline.getTimeline('a', { types })
        t.same(page.gaps, [])
        return events.map((event) => event.type === 'invocation.activity' ? event.activityType : event.type)
      }
      t.same(await kinds(['error', 'tool_exec']), ['tool_exec', 'error'])
      t.same(await kinds(['invocation.activity']), ['tool_exec', 'output', 'error', 'progress'])
      t.same(await kinds(['task.*', 'invocation.started']), ['invocation.started', 'task.review'])
      t.same(await kinds(['task.review', 'output']), ['output', 'task.review'])
      t.same(await kinds(['task.completed']), [])
      await t.rejects(timeline.getTimeline('a', { types: ['output', 'nonsense'] }), { code: 'AGENT_TIMELINE_INVALID_TYPES' })
    })

    t.test('a deleted invocation leaves a hole that is told as removed, also to who resumes in its middle', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open()
      await log(timeline, 'a', 3)
      const id = await log(timeline, 'a', 4)
      await log(timeline, 'a', 2)
      await store.run(`DELETE FROM task_invocations WHERE id = ${id}`)
      const { timeline: events, page } = await timeline.getTimeline('a')
      t.same(seqs(events), [...upTo(5), ...upTo(15, 12)])
      t.same(page.gaps, [{ fromSeq: 6, toSeq: 11, reason: 'removed' }])
      t.same((await timeline.getTimeline('a', { after: 8 })).page.gaps, [{ fromSeq: 9, toSeq: 11, reason: 'removed' }])
      t.same((await timeline.getTimeline('a', { before: 10 })).page.gaps, [{ fromSeq: 6, toSeq: 9, reason: 'removed' }])
      for (const limit of [1, 4, 5, 6, 9]) {
        for (const isBackwards of [false, true]) {
          const { gaps } = await readAll(timeline, 'a', limit, isBackwards)
          const missing = gaps.flatMap(({ fromSeq, toSeq }) => upTo(toSeq, fromSeq))
          t.same(missing, upTo(11, 6), `by ${limit}${isBackwards ? ' backwards' : ''}`)
        }
      }
      t.equal(await timeline.getInvocation(id), undefined)
    })

    t.test('gaps', async (t) => {
      t.same(findGaps([], 1, 0, 0), [])
      t.same(findGaps([], 1, 3, 0), [{ fromSeq: 1, toSeq: 3, reason: 'removed' }])
      t.same(findGaps([3, 4, 7], 1, 9, 5), [
        { fromSeq: 1, toSeq: 2, reason: 'expired' }, { fromSeq: 5, toSeq: 6, reason: 'removed' }, { fromSeq: 8, toSeq: 9, reason: 'removed' }
      ])
    })

    t.test('activities expire by the time of their insertion; lifecycle stays, and the hole says why', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open({ activityLogRetention: 0 })
      // Said to be of long ago: the row is new, and its time within the run.
      const begun = new Date().toISOString()
      await log(timeline, 'a', 3, { timestamp: new Date('2020-01-01T00:00:00Z') })
      await log(timeline, 'a', 2)
      const database = await store.openDatabase()
      const prune = (activityLogRetention: number, now: number) =>
        pruneActivities(database, { activityLogRetention, now: () => now })
      t.equal(await prune(7, Date.now()), 0)
      t.ok(activities((await timeline.getTimeline('a')).timeline)[0]!.timestamp >= begun)
      const week = 7 * 86_400_000
      t.equal(await prune(7, Date.now() + week + 60_000), 5)
      const { timeline: events, page } = await timeline.getTimeline('a')
      t.same(events.map(({ seq, type }) => [seq, type]), [
        [1, 'invocation.started'], [5, 'invocation.completed'], [6, 'invocation.started'], [9, 'invocation.completed']
      ])
      t.same(page.gaps, [{ fromSeq: 2, toSeq: 4, reason: 'expired' }, { fromSeq: 7, toSeq: 8, reason: 'expired' }])
      t.same(await store.all('SELECT floor_seq FROM task_stream'), [{ floor_seq: 8 }])
      const id = await log(timeline, 'a', 1)
      t.equal(await prune(0, Date.now() + 10 * week), 0, '0 keeps for ever')
      t.match((await timeline.getInvocation(id))?.activities, [{ seq: 11 }], 'no number is used again')
    })

    t.test('texts are cut to their caps and marked', async (t) => {
      const store = await engine.create(t)
      const caps = { messageBytes: 300, metadataBytes: 256, promptBytes: 100, responseBytes: 50 }
      const timeline = await store.open({ caps })
      const meta = { ...META, taskId: 'a', prompt: 'ü'.repeat(500) }
      const id = await timeline.logInvocation(meta, async ({ onActivity, invocationId }) => {
        onActivity({ type: 'error', message: '€'.repeat(10_000), timestamp: new Date(), metadata: { callId: 'c', phase: 'end', text: 'y'.repeat(5_000) } })
        onActivity({ type: 'error', message: 'z'.repeat(310), timestamp: new Date() })
        return { response: 'r'.repeat(60), success: true, invocationId }
      }).then(({ invocationId }) => invocationId as number)
      const details = await timeline.getInvocation(id)
      const [cut, barely] = details?.activities ?? []
      t.equal(cut?.message, '€'.repeat(100))
      t.same(cut?.metadata, { callId: 'c', phase: 'end', truncated: true, originalBytes: 30_000 })
      t.equal(barely?.message, 'z'.repeat(300))
      t.equal(barely?.metadata?.truncated, true)
      t.equal(details?.prompt, `${'ü'.repeat(38)}\n[truncated: 1000 bytes]`, 'within 100 bytes, and it says so')
      t.equal(details?.response, `${'r'.repeat(28)}\n[truncated: 60 bytes]`, 'within 50 bytes')
    })

    t.test('of an invocation that is too long the middle goes, and what is left is as it was', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open({ caps: { activitiesPerInvocation: 100 } })
      const id = await timeline.logInvocation({ ...META, taskId: 'a' }, async ({ onActivity, invocationId }) => {
        for (let index = 0; index < 730; index++) {
          onActivity({ type: 'progress', message: `${index}`, timestamp: new Date() })
          if (index % 37 === 0) await timeline.flush()
        }
        return invocationId as number
      })
      const { timeline: events, page } = await timeline.getTimeline('a')
      const messages = activities(events).map(({ activity }) => Number(activity))
      t.same(messages, [...upTo(49, 0), ...upTo(729, 680)])
      t.same(page.gaps, [{ fromSeq: 52, toSeq: 681, reason: 'removed' }])
      t.same(events.at(-1)?.type, 'invocation.completed')
      t.equal((await store.all('SELECT activity_count FROM invocation_run WHERE invocation_id = ?', id))[0].activity_count, 730)
    })

    t.test('a row that is stored never changes', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open({ redact: false })
      const run = await timeline.startInvocation({ ...META, taskId: 'a' })
      const rows = () => store.all('SELECT * FROM invocation_activity ORDER BY id')
      const say = (message: string) => run.activity({ type: 'output', message, timestamp: new Date() })
      say('one ')
      say('piece')
      await timeline.flush()
      const first = await rows()
      t.match(first, [{ message: 'one piece' }])
      say(' and more')
      await run.complete()
      await log(timeline, 'a', 3)
      t.same((await rows()).slice(0, 1), first)
    })

    t.test('there is one terminal event, after all activities; what comes later is kept and marked', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open()
      const run = await timeline.startInvocation({ ...META, taskId: 'a' })
      const say = (message: string) => run.activity({ type: 'output', message, timestamp: new Date() })
      say('in time')
      const ends = [run.complete('done'), run.fail(new Error('no')), run.timedOut()]
      say('late')
      await Promise.all(ends)
      run.activity({ type: 'progress', message: 'very late', timestamp: new Date(), metadata: { kind: 'notice' } })
      await timeline.flush()
      const { timeline: events } = await timeline.getTimeline('a')
      t.match(events, [
        { type: 'invocation.started' }, { activity: 'in time' }, { type: 'invocation.completed' },
        { activity: 'late', metadata: { late: true } }, { activity: 'very late', metadata: { kind: 'notice', late: true } }
      ])
      t.equal(events.length, 5)
      t.match(await timeline.getInvocation(run.id as number), { status: 'completed', response: 'done', error: undefined })
    })

    t.test('a deleted task is gone for running invocations too, and comes back as another stream', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open()
      const id = await log(timeline, 'a', 1_200)
      const run = await timeline.startInvocation({ ...META, taskId: 'a' })
      const epoch = async () => (await store.all("SELECT epoch FROM task_stream WHERE task_id = 'a'"))[0]?.epoch
      const before = await epoch()
      // Whoever waits to be told of its changes is not told any more.
      const database = await store.openDatabase()
      await database.write((trx) => sql`INSERT INTO timeline_notice (notice_id, task_id, invocation_id, kind, data, created_at)
        VALUES ('n', 'a', ${id}, 'failed', '{"title":"secret"}', '2026-02-10T12:00:00.000Z')`.execute(trx))
      await timeline.deleteTask('a')
      t.equal(await epoch(), undefined)
      for (const table of OF_TASK.filter((table) => table !== 'task_entry')) {
        t.same(await store.all(`SELECT * FROM ${table} WHERE task_id = 'a'`), [], table)
      }
      run.activity({ type: 'progress', message: 'anybody there?', timestamp: new Date() })
      await t.rejects(run.complete('done'), { code: 'AGENT_TIMELINE_UNKNOWN_TASK' })
      t.equal(await epoch(), undefined, 'no stream is made for what is not stored')
      for (const table of ['invocation_activity', 'timeline_event', 'invocation_run', 'task_invocations']) {
        t.same(await store.all(`SELECT * FROM ${table}`), [], table)
      }
      const again = await log(timeline, 'a', 1)
      t.ok(again > id, 'no id is used again')
      t.not(await epoch(), before)
      t.same(seqs((await timeline.getTimeline('a')).timeline), [1, 2, 3])
    })

    t.test('the list is newest first and its cursor misses nothing and repeats nothing', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open()
      const ids = await Promise.all(upTo(25).map((index) => log(timeline, `task-${index % 4}`, 0)))
      const running = await timeline.startInvocation({ ...META, taskId: 'task-1', model: 'm', title: 'One' })
      for (const limit of [1, 7, 26, 100]) {
        const seen: number[] = []
        let cursor: string | null = null
        do {
          const query = { limit, ...(cursor === null ? {} : { cursor }) }
          const { invocations, page } = await timeline.listInvocations(query)
          seen.push(...invocations.map(({ id }) => id))
          cursor = page.nextCursor
        } while (cursor !== null)
        t.same([...seen].sort((a, b) => a - b), [...ids, running.id as number].sort((a, b) => a - b), `by ${limit}`)
      }
      const only = async (filter: object) => (await timeline.listInvocations(filter)).invocations
      t.match(await only({ status: 'running' }), [{ id: running.id, title: 'One', model: 'm', status: 'running' }])
      t.equal((await only({ taskId: 'task-2' })).length, 6)
      t.equal((await only({ taskId: 'task-1', status: 'completed' })).length, 7)
      await t.rejects(timeline.listInvocations({ status: 'nonsense' as 'running' }), { code: 'AGENT_TIMELINE_INVALID_STATUS' })
      await t.rejects(timeline.listInvocations({ cursor: 'nonsense' }), { code: 'AGENT_TIMELINE_INVALID_CURSOR' })
    })

    t.test('pages of an invocation hold its activities only', async (t) => {
      const timeline = await (await engine.create(t)).open()
      const one = await timeline.startInvocation({ ...META, taskId: 'a' })
      const two = await timeline.startInvocation({ ...META, taskId: 'a' })
      for (let index = 0; index < 10; index++) {
        for (const run of [one, two]) run.activity({ type: 'progress', message: `${run.id}:${index}`, timestamp: new Date() })
      }
      await Promise.all([one.complete('1'), two.complete('2')])
      const first = await timeline.getInvocation(one.id as number, { limit: 4 })
      t.match(first, { response: '1', page: { hasMore: true } })
      const second = await timeline.getInvocation(one.id as number, { after: first?.page.lastSeq as number })
      const last = await timeline.getInvocation(one.id as number, { before: 'end', limit: 2 })
      t.same([...first?.activities ?? [], ...second?.activities ?? []].map(({ message }) => message), upTo(9, 0).map((index) => `${one.id}:${index}`))
      t.same(last?.activities.map(({ message }) => message), [`${one.id}:8`, `${one.id}:9`])
    })

    t.test('four processes that write to tasks of their own and to one they share lose and double nothing', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open()
      const count = engine === sqlite ? 1_000 : 300
      const children = upTo(4).map((index) => new Child(t, 'write', {
        database: store.source, tasks: [`own-${index}-a`, `own-${index}-b`], shared: 'shared', count
      }))
      await Promise.all(children.map((child) => child.message()))
      const started = performance.now()
      for (const child of children) child.tell('go')
      const follower = (async () => {
        const followed: number[] = []
        for await (const event of timeline.events({ taskId: 'shared' })) {
          followed.push(event.seq)
          if (followed.length === 4 * (count + 2)) return followed
        }
      })()
      await Promise.all(children.map((child) => child.message()))
      t.comment(`${Math.round(12 * count / (performance.now() - started) * 1_000)} rows/s by four processes`)
      for (const [index, child] of children.entries()) {
        for (const name of ['a', 'b']) {
          const { events } = await readAll(timeline, `own-${index + 1}-${name}`, 5_000)
          t.same(seqs(events), upTo(count + 2))
          t.same(activities(events).map(({ activity }) => activity),
            upTo(count - 1, 0).map((at) => `${child.process.pid}:own-${index + 1}-${name}:${at}`))
        }
      }
      const { events, gaps } = await readAll(timeline, 'shared', 5_000)
      t.same(seqs(events), upTo(4 * (count + 2)))
      t.same(gaps, [])
      for (const child of children) {
        const mine = activities(events).filter(({ activity }) => activity.startsWith(`${child.process.pid}:`))
        t.same(mine.map(({ activity }) => Number(activity.split(':')[2])), upTo(count - 1, 0), 'in order, each once')
      }
      t.same(await follower, upTo(4 * (count + 2)), 'a follower in another process sees the same')
    })

    t.test('a run or a task that costs more than it may is noticed once for each limit, whoever writes', async (t) => {
      const store = await engine.create(t)
      const [one, other] = [await store.open({ budgetUsd: { invocation: 1 } }), await store.open()]
      const noticed = async () => (await store.all('SELECT kind, invocation_id, data FROM timeline_notice ORDER BY id'))
        .map(({ kind, invocation_id: id, data }) => [kind, id === null ? null : Number(id), JSON.parse(data).budget])
      const first = await one.startInvocation({ ...META, taskId: 'a', title: 'Dear', budgetUsd: { task: 1.3 } })
      const costs = async (timeline: Timeline, run: typeof first, costUsd: number) => {
        const usage = { inputTokens: 1, outputTokens: 1, costUsd }
        run.activity({ type: 'progress', message: '', timestamp: new Date(), metadata: { kind: 'usage', usage } })
        await timeline.flush()
      }
      await costs(one, first, 1)
      t.same(await noticed(), [], 'what it may cost is not too much')
      await costs(one, first, 1.1)
      await costs(one, first, 1.2)
      const ofRun = ['budget', first.id, { limitUsd: 1, spentUsd: 1.1, isExceeded: true }]
      t.same(await noticed(), [ofRun])

      const second = await other.startInvocation({ ...META, taskId: 'a' })
      await second.complete({ success: true, response: '', usage: { inputTokens: 1, outputTokens: 1, costUsd: 0.2 } })
      const ofTask = ['budget', null, { limitUsd: 1.3, spentUsd: 1.4, isExceeded: true }]
      t.same(await noticed(), [ofRun, ofTask])
      t.match((await store.all('SELECT data FROM timeline_notice ORDER BY id'))[1].data, /"title":"Dear"/)
      t.same((await one.getSummary('a')).budget, {
        limitUsd: 1.3,
        spentUsd: 1.4,
        isExceeded: true,
        invocations: [{ invocationId: first.id, limitUsd: 1, spentUsd: 1.2, isExceeded: true }]
      })
      t.same((await one.getInvocation(first.id as number))?.budget, { limitUsd: 1, spentUsd: 1.2, isExceeded: true })

      const soFar = { inputTokens: 1, outputTokens: 1, costUsd: 1.2, isProvisional: true }
      t.same((await one.getInvocation(first.id as number))?.usage, soFar)
      t.same((await one.getInvocation(second.id as number))?.usage, { inputTokens: 1, outputTokens: 1, costUsd: 0.2 })

      // A higher limit is another one; one that is over already is noticed when it is given.
      const third = await other.startInvocation({ ...META, taskId: 'a', budgetUsd: { task: 2 } })
      await costs(other, third, 0.5)
      t.equal((await noticed()).length, 2)
      await costs(other, third, 0.7)
      t.same((await noticed()).slice(2), [['budget', null, { limitUsd: 2, spentUsd: 2.1, isExceeded: true }]])
      await other.startInvocation({ ...META, taskId: 'a', budgetUsd: { task: 1.5 } })
      t.equal((await noticed()).length, 3, 'a lower one says nothing new')
      t.same((await other.getSummary('a')).budget?.limitUsd, 1.5)
      t.equal((await other.getSummary('b').catch(() => undefined))?.budget, undefined)
      for (const budgetUsd of [0, -1, NaN, '5', { invocation: 0 }, { tasks: 1 }, null] as never[]) {
        await t.rejects(other.startInvocation({ ...META, taskId: 'c', budgetUsd }), { code: /^AGENT_TIMELINE_(?:INVALID|UNKNOWN)_OPTION$/ })
        await t.rejects(store.open({ budgetUsd }), { code: /^AGENT_TIMELINE_(?:INVALID|UNKNOWN)_OPTION$/ })
      }
    })

    t.test('the shape of a task equals a recount of its calls, whatever their lengths, and goes with its runs', async (t) => {
      const random = new Random()
      t.comment(`SEED=${random.seed}`)
      const store = await engine.create(t)
      const timeline = await store.open()
      const answers = createAnswerReader((await store.openDatabase()).read)
      const runs = [await timeline.startInvocation({ ...META, taskId: 'a' }), await timeline.startInvocation({ ...META, taskId: 'a' })]
      for (let call = 0; call < 120; call++) {
        const run = runs[random.below(2)] as typeof runs[number]
        const about = { callId: `c${call}`, tool: 'T', toolKind: ['shell', 'test', 'edit'][random.below(3)] }
        const say = (details: object) => run.activity({ type: 'tool_exec', message: 'x', timestamp: new Date(), metadata: { ...about, ...details } })
        say({ phase: 'start' })
        if (random.below(8) === 0) continue
        if (random.below(3) === 0) await timeline.flush()
        const durationMs = random.below(10 ** (1 + random.below(8)))
        say({ phase: 'end', status: ['ok', 'error', 'denied'][random.below(3)], durationMs })
      }
      await runs[0]?.complete()
      await timeline.flush()
      const overview = await overviewOf(answers, 'a', undefined, systemClock)
      const rows = await store.all('SELECT invocation_id, kind, status, seq, started_at, duration_ms FROM tool_call')
      for (const [index, lane] of overview.lanes.entries()) {
        const [run] = await store.all(`SELECT started_at FROM invocation_run WHERE invocation_id = ${lane.invocationId}`)
        const calls = rows.filter((row) => Number(row.invocation_id) === lane.invocationId)
        const spans = calls.filter(({ status }) => status !== 'running').map(({ kind, status, ...row }) => {
          const from = Math.max(0, +new Date(row.started_at) - +new Date(run.started_at))
          return { kind: kind as string, isFailed: status === 'error' || status === 'denied', from, to: from + Number(row.duration_ms) }
        })
        let width = 1_000
        while (spans.some(({ to }) => to >= 512 * width)) width *= 2
        t.equal(lane.binMs, width, 'as wide as it must be')
        const bins = Array.from({ length: 512 }, (_, at) => {
          const began = spans.filter(({ from }) => Math.floor(from / width) === at).length
          const failed = spans.filter(({ isFailed, to }) => isFailed && Math.floor(to / width) === at).length
          const ms: Record<string, number> = {}
          for (const { kind, from, to } of spans) {
            const within = Math.min(to, (at + 1) * width) - Math.max(from, at * width)
            if (within > 0) ms[kind] = (ms[kind] ?? 0) + within
          }
          return { at, ms, ...(began > 0 && { calls: began }), ...(failed > 0 && { failed }) }
        }).filter(({ ms, calls, failed }) => Object.keys(ms).length > 0 || calls !== undefined || failed !== undefined)
        const withTime = lane.bins.map(({ ms, ...bin }) =>
          ({ ...bin, ms: Object.fromEntries(Object.entries(ms).filter(([, spent]) => spent > 0)) }))
        t.same(withTime, bins)
        const open = calls.filter(({ status }) => status === 'running').map(({ seq }) => Number(seq))
        t.same(lane.open.map(({ seq }) => seq), open.sort((a, b) => a - b), `open in run ${index}`)
      }
      await timeline.deleteTask('a')
      t.same(await store.all('SELECT * FROM run_bin'), [])
    })

    t.test('a backup that is put back while a run goes on is written to', async (t) => {
      const store = await engine.create(t)
      const timeline = await store.open()
      const run = await timeline.startInvocation({ ...META, taskId: 'a' })
      const database = await store.openDatabase()
      const say = async (message: string) => {
        run.activity({ type: 'progress', message, timestamp: new Date() })
        await timeline.flush()
      }
      await say('kept')
      const [{ batch }] = await store.all('SELECT batch FROM timeline_writer')
      await say('lost with the backup')
      await database.write(async (trx) => {
        await sql`DELETE FROM invocation_activity WHERE message LIKE 'lost%'`.execute(trx)
        await sql`UPDATE task_stream SET last_seq = 2`.execute(trx)
        await sql`UPDATE timeline_writer SET batch = ${batch}`.execute(trx)
      })
      await say('after')
      await run.complete()
      const said = activities((await timeline.getTimeline('a')).timeline)
      t.same(said.map(({ activity, metadata }) => metadata?.kind ?? activity), ['kept', 'after', 'database_replaced'])
    })
  })
}

// Plans of PostgreSQL depend on what is stored, and its files do not tell how much of them is in use.
t.test('sqlite alone', async (t) => {
  t.test('a page is read through the indexes of both tables, without sorting', async (t) => {
    const store = await sqlite.create(t)
    const timeline = await store.open()
    await log(timeline, 'a', 3)
    const filter = parseTypes(['output', 'task.*', 'invocation.failed']) as TypeFilter
    for (const [name, range] of Object.entries({
      after: { after: 1, order: 'asc' }, before: { before: 5, order: 'desc' }, end: { order: 'desc' }, types: { filter, order: 'asc' }
    } as const)) {
      const plan = await store.explain((db) => selectEvents(db, { taskId: 'a', limit: 10, ...range }))
      t.notMatch(plan, /TEMP B-TREE|SCAN /, name)
      t.equal(plan.match(/SEARCH /g)?.length, 2, name)
    }
  })

  t.test('lists of a status come from its index in their order; what runs in a task is not looked for in all it ran', async (t) => {
    const store = await sqlite.create(t)
    await store.open()
    const byStatus = /SEARCH invocation_run USING INDEX idx_invocation_run_status_started \(status=\?\)/
    for (const cursor of [undefined, '2026-01-01T00:00:00.000Z_5']) {
      const plan = await store.explain((db) => selectInvocations(db, { status: 'completed', ...(cursor === undefined ? {} : { cursor }) }))
      t.match(plan, byStatus)
      t.notMatch(plan, /TEMP B-TREE/)
    }
    t.match(await store.explain((db) => selectInvocations(db, { status: 'completed', taskId: 'a' })), /idx_invocation_run_task/)
    t.match(await store.explain((db) => selectRunningOf(db, 'a')), byStatus)
  })

  t.test('above its bytes the database gives up its oldest activities, whatever their age', async (t) => {
    const store = await sqlite.create(t)
    const timeline = await store.open()
    await log(timeline, 'a', 1_500, { message: 'x'.repeat(2_000) })
    const database = await store.openDatabase()
    const options = { activityLogRetention: 0, maxDatabaseBytes: 3 * 1024 * 1024, now: systemClock }
    const pruned = await pruneActivities(database, options)
    t.ok(pruned >= 500 && pruned < 1_500, `${pruned} of 1,500 went`)
    const [first] = activities((await timeline.getTimeline('a', { limit: 5 })).timeline)
    t.equal(first?.seq, pruned + 2, 'the oldest')
  })

  t.test('above its bytes a database keeps what runs, its newest activities, and all where others fill it', async (t) => {
    const store = await sqlite.create(t)
    const timeline = await store.open()
    const running = await timeline.startInvocation({ taskId: 'b', role: 'coder', provider: 'claude' })
    for (let i = 0; i < 300; i++) running.activity({ type: 'output', message: `${i} ${'x'.repeat(2_000)}`, timestamp: new Date() })
    await timeline.flush()
    await log(timeline, 'a', 2_000, { message: 'x'.repeat(2_000) })
    const database = await store.openDatabase()
    const count = async (taskId: string) => Number((await database.read((db) => db.selectFrom('invocation_activity')
      .select((eb) => eb.fn.countAll<number>().as('rows')).where('task_id', '=', taskId).executeTakeFirstOrThrow())).rows)
    let warnings = 0
    const prune = (maxDatabaseBytes: number) => pruneActivities(database, {
      activityLogRetention: 0, maxDatabaseBytes, now: systemClock, onTooLarge: () => { warnings++ }
    })
    const used = await database.usedBytes()
    await store.run('CREATE TABLE blobs AS SELECT zeroblob(30000000) AS bytes')
    t.equal(await prune(used), 0, 'nothing goes where that would not help')
    t.equal(warnings, 1)
    await store.run('DROP TABLE blobs')
    const pruned = await prune(used - 1_000_000)
    t.ok(pruned > 0 && pruned < 1_000, `${pruned} went`)
    t.equal(warnings, 1)
    t.equal(await prune(2 * 1024 * 1024), 1_000 - pruned)
    t.equal(warnings, 2)
    t.same([await count('a'), await count('b')], [1_000, 300], 'the newest, and the run that goes on')
  })
})
