import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { silentLogger } from '../../../lib/logger.js'
import { createNoticeMaker } from '../../../lib/live/notice-maker.js'
import type { Health, HealthState } from '../../../lib/model/events.js'
import type { Notice } from '../../../lib/model/notice.js'
import { startNotices } from '../../../lib/live/notices.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import type { EndedRun, NewNotice, StoredNotice } from '../../../lib/store/notices.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { checkWebhook, Receiver, waiting } from '../../support/notices.js'

t.test('each change arrives, though its receiver fails, hangs, answers late and restarts, once of two', async (t) => {
  await checkWebhook(t, join(temporaryDirectory(t), 'x.db'), { isLate: true })
})

t.test('a budget that is crossed is told once, and changes nothing of what is known of its run', async (t) => {
  const keepAlive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(keepAlive))
  const database = join(temporaryDirectory(t), 'x.db')
  const told: Notice[] = []
  let onTold = (): void => {}
  const has = async (count: number) => {
    while (told.length < count) await new Promise<void>((resolve) => { onTold = resolve })
  }
  const watch = () => openTimeline({
    database,
    publicUrl: 'https://agents.example/timeline',
    onNotice (notice) {
      told.push(notice)
      onTold()
    }
  })
  const recorder = await openTimeline({ database, budgetUsd: { task: 1 } })
  t.teardown(() => recorder.close())
  const run = await recorder.startInvocation({ taskId: 'a', title: 'Fix login', role: 'coder', provider: 'claude' })
  run.activity({ ...waiting, timestamp: new Date() })
  const first = await watch()
  await has(1)
  const usage = { inputTokens: 1, outputTokens: 1, costUsd: 1.5 }
  run.activity({ type: 'progress', message: '', timestamp: new Date(), metadata: { kind: 'usage', usage } })
  run.activity({ ...waiting, timestamp: new Date() })
  await has(2)
  await first.close()
  const second = await watch()
  t.teardown(() => second.close())
  await run.complete({ success: true, response: '', usage: { ...usage, costUsd: 3 } })
  await has(3)
  t.same(told.map(({ kind }) => kind), ['waiting', 'budget', 'ended'])
  t.match(told[1], {
    taskId: 'a',
    title: 'Fix login',
    invocationId: undefined,
    budget: { limitUsd: 1, spentUsd: 1.5, isExceeded: true },
    url: 'https://agents.example/timeline/tasks/a'
  })
})

t.test('a notice is told once while it cannot be stored that it was, and not by who has lost the lease', async (t) => {
  const told: string[] = []
  let [at, isLocked, tries] = [1_000_000, true, 0]
  let onTry = (): void => {}
  const left = [1, 2].map((id) => ({
    id, noticeId: `n${id}`, taskId: 'a', invocationId: undefined, kind: 'recovered' as const, data: '{"at":"2026-02-10T12:00:00.000Z"}'
  }))
  const tried = () => {
    tries++
    onTry()
    if (isLocked) throw new Error('the database is locked')
  }
  const until = async (count: number) => {
    await new Promise<void>((resolve) => { onTry = () => { if (tries >= count) resolve() } })
  }
  const stop = startNotices({
    onNotice: ({ id, project }) => { told.push(`${id} of ${project}`) },
    project: 'shop',
    store: {
      hold: async () => {
        if (at > 1_000_000) throw new Error('the database is locked')
        return true
      },
      release: async () => {},
      latest: async () => [],
      ends: async () => [],
      add: async () => true,
      last: async () => undefined,
      waiting: async () => {
        if (at > 1_000_000) tried()
        return left
      },
      async done (_channel, id) {
        tried()
        left.splice(0, left.findIndex((one) => one.id === id) + 1)
      },
      prune: async () => {}
    },
    reader: { getTask: async () => undefined },
    health: { watchAll: () => () => {} },
    idleTasks: async () => [],
    logger: silentLogger,
    now: () => at,
    intervalMs: 1
  })
  const alive = setInterval(() => {}, 1_000)
  t.teardown(async () => { clearInterval(alive); await stop() })
  await until(5)
  t.same(told, ['n1 of shop'])
  at += 40_000
  isLocked = false
  await until(tries + 5)
  t.same([told, left.length], [['n1 of shop'], 2], 'its time is over, and it could not be prolonged')
  at = 1_000_000
  while (left.length > 0) await until(tries + 1)
  t.same(told, ['n1 of shop', 'n2 of shop'])
})

t.test('whoever is told from now on is not told what was noticed for others before', async (t) => {
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const database = join(temporaryDirectory(t), 'x.db')
  const receiver = await new Receiver().open(t)
  const webhook = { url: `http://127.0.0.1:${receiver.port}` }
  const first = await openTimeline({ database, webhook })
  const run = await first.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  run.activity({ ...waiting, timestamp: new Date() })
  await receiver.has(1)
  const told: string[] = []
  let onTold = (): void => {}
  const second = await openTimeline({
    database,
    onNotice ({ kind }) {
      told.push(kind)
      onTold()
    }
  })
  t.teardown(() => Promise.all([first.close(), second.close()]))
  const rows = new Sqlite(database, { readonly: true })
  t.teardown(() => rows.close())
  const isHeld = rows.prepare("SELECT 1 FROM timeline_lease WHERE name = 'callback'")
  while (isHeld.get() === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
  await run.complete('done')
  while (told.length === 0) await new Promise<void>((resolve) => { onTold = resolve })
  t.same(told, ['ended'])
})

t.test('what is no webhook is refused, without repeating it', async (t) => {
  const database = join(temporaryDirectory(t), 'x.db')
  for (const webhook of [
    { url: 'ftp://example.com' }, { url: 'nothing' }, { url: 'https://user:pass@example.com' },
    { url: 'https://example.com', secret: '' }, { url: 'https://example.com', headers: { 'a b': 'c' } },
    { url: 'https://example.com', events: ['exploded'] }, { url: 'https://example.com', secrets: 'x' }
  ] as never[]) {
    const error = await openTimeline({ database, webhook }).then(() => undefined, (thrown) => thrown)
    t.match(error?.code, /^AGENT_TIMELINE_(?:INVALID|UNKNOWN)_OPTION$/)
    t.notMatch(error?.message, 'pass@')
  }
  await t.rejects(openTimeline({ database, publicUrl: 'here' }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(openTimeline({ database, onNotice: 1 as never }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})

/** A maker, and a store that remembers what it made. */
class Making {
  readonly stored: StoredNotice[] = []
  ended: EndedRun[] = []
  isHolder = true
  maker = this.another()

  another () {
    return createNoticeMaker({
      store: {
        latest: async () => [...new Map(this.stored.map((notice) => [`${notice.taskId} ${notice.invocationId}`, notice])).values()],
        ends: async () => this.ended,
        add: async (_holder, notices: readonly NewNotice[]) => {
          if (!this.isHolder) return false
          for (const notice of notices) this.stored.push({ id: this.stored.length, ...notice })
          this.ended = []
          return true
        }
      },
      reader: { getTask: async () => undefined },
      holder: 'w',
      now: () => Date.parse('2026-02-10T12:00:00.000Z')
    })
  }

  /** @returns what was made of it */
  async look (state: HealthState | undefined, idle?: string[], waitsFor = 'person'): Promise<string[]> {
    const before = this.stored.length
    const health = { state, since: '', because: [], ...(state === 'waiting' && { waitingFor: { kind: waitsFor, what: '' } }) }
    const runs = state === undefined ? [] : [{ id: 1, taskId: 'a', health: health as unknown as Health }]
    await this.maker.look(runs, idle?.map((id) => ({ id, since: '' })))
    return this.stored.slice(before).map(({ kind, taskId }) => `${kind} ${taskId}`)
  }

  end (reason?: string): void {
    this.ended.push({ eventId: 1, taskId: 'a', invocationId: 1, status: 'failed', payload: JSON.stringify({ reason, duration: 5 }) })
  }
}

t.test('a notice is made once per change, whoever makes it', async (t) => {
  const world = new Making()
  t.same(await world.look('working'), [])
  t.same(await world.look('quiet'), [])
  t.same(await world.look('stuck'), ['stuck a'])
  t.same(await world.look('stuck'), [])
  t.same(await world.look('unknown'), [], 'what is not known is no change')
  world.maker = world.another()
  await world.maker.begin()
  t.same(await world.look('stuck'), [], 'the one before has noticed it')
  t.same(await world.look('looping'), ['looping a'])
  t.same(await world.look('in_tool'), ['recovered a'])
  t.same(await world.look('waiting', [], 'rate_limit'), [], 'only a person is asked for anything')
  t.same(await world.look('waiting'), ['waiting a'])
  world.end()
  t.same(await world.look(undefined), ['ended a'], 'an end is no recovery')
  world.end('lost')
  t.same(await world.look(undefined), ['lost a'])
  t.match(JSON.parse(world.stored.at(-1)!.data), { status: 'failed', reason: 'lost', durationMs: 5 })
  t.same(await world.look(undefined, ['b']), ['not_running b'])
  t.same(await world.look(undefined), [], 'not looked for')
  t.same(await world.look(undefined, ['b']), [])
  world.isHolder = false
  t.same(await world.look('stuck', []), [])
  world.isHolder = true
  t.same(await world.look('stuck', []), ['stuck a', 'recovered b'], 'what was not stored is made again')
})
