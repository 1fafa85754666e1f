import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock, toIso } from '../../../lib/time/clock.js'
import { hostOpener } from '../../../lib/host/open-host.js'
import { createAuditSource } from '../../../lib/host/task-events.js'
import { silentLogger } from '../../../lib/logger.js'
import { startMaintenance } from '../../../lib/maintenance.js'
import { noMeter } from '../../../lib/meter.js'
import { createSteadyClock } from '../../../lib/time/steady-clock.js'
import { openDatabase } from '../../../lib/store/sqlite/database.js'
import { plausibleNow, pruneActivities } from '../../../lib/store/sql/retention.js'
import { createUpkeep } from '../../../lib/store/sql/upkeep.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { createTroubles } from '../../../lib/store/troubles.js'
import { temporaryDirectory } from '../../support/host-database.js'

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR

/** A log with three activities of this moment. */
async function setUp (t: Test) {
  const path = join(temporaryDirectory(t), 'x.db')
  const timeline = await openTimeline({ database: path, logger: silentLogger })
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async ({ onActivity }) => {
    for (let index = 0; index < 3; index++) onActivity({ type: 'progress', message: `${index}`, timestamp: new Date() })
  })
  await timeline.close()
  const database = await openDatabase({
    database: path,
    migrate: false,
    create: false,
    openHost: hostOpener({ taskEvents: createAuditSource(systemClock), now: systemClock, clean: (text) => text })
  })
  t.teardown(() => database.close())
  const count = async () => (await database.read((db) => db.selectFrom('invocation_activity').selectAll().execute())).length
  return { database, count }
}

t.test('a clock that is a year ahead when a database is opened deletes only what has expired anyway', async (t) => {
  const { database, count } = await setUp(t)
  await database.write((trx) => trx.updateTable('invocation_activity').set({ created_at: toIso(Date.now() - YEAR) })
    .where('message', '=', '0').execute())
  for (const [aheadMs, left] of [[-2 * YEAR, 3], [YEAR, 2], [0, 2]] as const) {
    const maintenance = startMaintenance({
      store: createUpkeep(database, {
        writerId: 'w',
        now: () => Date.now() + aheadMs,
        onImported () {},
        conflict: () => undefined,
        startHeartbeat: () => undefined
      }),
      recorder: { running: new Set() },
      writerId: 'w',
      troubles: createTroubles(silentLogger, noMeter),
      logger: silentLogger,
      meter: noMeter,
      now: () => Date.now() + aheadMs,
      onCommit: () => {},
      onReopened: () => {},
      activityLogRetention: 7,
      maxDatabaseBytes: undefined,
      heartbeatIntervalMs: 60_000,
      ownerLeaseMs: 600_000
    })
    await maintenance.opened
    await maintenance.stop()
    t.equal(await count(), left, `the clock is ${aheadMs / YEAR} years ahead`)
  }
})

t.test('a clock that jumps ahead while a server runs deletes nothing until it has stood for an hour', async (t) => {
  const { database, count } = await setUp(t)
  const time = { wall: Date.now(), awake: 0 }
  const pass = (ms: number) => { time.wall += ms; time.awake += ms }
  const options = { activityLogRetention: 7, now: () => time.wall }
  const now = createSteadyClock({
    wall: options.now, awake: () => time.awake, startAt: await plausibleNow(database, options)
  })
  const prune = () => pruneActivities(database, { ...options, now })
  t.equal(await prune(), 0)
  time.wall += YEAR
  t.equal(await prune(), 0)
  pass(HOUR - 1)
  t.equal(await prune(), 0)
  time.wall -= YEAR
  t.equal(await prune(), 0, 'set right again')
  t.equal(await count(), 3)
  time.wall += YEAR
  t.equal(await prune(), 0)
  pass(HOUR)
  t.equal(await prune(), 3)
})

t.test('the log of a project where nobody works any more expires as well', async (t) => {
  const { database, count } = await setUp(t)
  const inTenDays = Date.now() + 240 * HOUR
  const time = { wall: inTenDays, awake: 0 }
  const options = { activityLogRetention: 7, now: () => time.wall }
  const startAt = await plausibleNow(database, options)
  t.ok(startAt < inTenDays - 239 * HOUR, toIso(startAt))
  const now = createSteadyClock({ wall: options.now, awake: () => time.awake, startAt })
  t.equal(await pruneActivities(database, { ...options, now }), 0)
  time.wall += HOUR
  time.awake += HOUR
  t.equal(await pruneActivities(database, { ...options, now }), 3, 'an hour after it was opened')
  t.equal(await count(), 0)
})
