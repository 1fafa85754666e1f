import type { Test } from 'tap'
import { openCore } from '../../lib/open-core.js'
import { openTimeline, type OpenOptions } from '../../lib/open-timeline.js'
import { silentLogger } from '../../lib/logger.js'
import { noMeter } from '../../lib/meter.js'
import { Logs } from './logs.js'

const MINUTE = 60_000

/** Makes rows in a database look as they would some time later. */
export interface Aging {
  /** The run fell silent so many minutes ago; its process has just given a sign. */
  silent (id: number, minutes: number): Promise<void>
}

/** A server of a database, somebody watching, and what it has counted. */
async function watch (t: Test, database: OpenOptions['database'], taskId: string) {
  const counted: string[] = []
  const logs = new Logs()
  const core = await openCore({ database, logger: logs, ownerLeaseMs: 3_600_000 }, {
    ...noMeter,
    advised: (state) => { counted.push(state) },
    advisedWrongly: (state) => { counted.push(`${state}, wrongly`) }
  })
  t.teardown(() => core.close())
  let states: string[] = []
  const stop = core.health.watchAll((runs) => {
    states = runs.filter((run) => run.taskId === taskId).map(({ health }) => health.state)
  })
  return {
    core,
    counted,
    stop,
    async until (state: string): Promise<void> {
      while (!states.includes(state)) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    async close (): Promise<void> {
      stop()
      await core.close()
      t.notOk(logs.mentions('cannot be stored'))
    }
  }
}

const says = { type: 'output', message: 'I go on.' } as const

/** What every engine keeps of the runs that were called stuck: once, whoever watches, and after a restart. */
export async function checkAdvice (t: Test, database: OpenOptions['database'], { silent }: Aging): Promise<void> {
  const timeline = await openTimeline({ database, logger: silentLogger, ownerLeaseMs: 3_600_000 })
  t.teardown(() => timeline.close())
  const begin = async (taskId: string) => {
    const run = await timeline.startInvocation({ taskId, role: 'coder', provider: 'claude' })
    return { ...run, id: run.id as number, goOn: () => { run.activity({ ...says, timestamp: new Date() }) } }
  }
  const run = await begin('a')
  run.goOn()
  await timeline.flush()
  await silent(run.id, 12)
  const [first, second] = [await watch(t, database, 'a'), await watch(t, database, 'a')]
  await Promise.all([first.until('stuck'), second.until('stuck')])
  t.match(await second.core.advice.report(), {
    stuck: { advised: 1, wrong: 0, ended: 0, open: 1 }, kinds: [{ kind: 'think', state: 'stuck', advised: 1 }]
  })
  run.goOn()
  await Promise.all([first.until('working'), second.until('working')])
  await first.core.advice.report()
  const { kinds, stuck, quiet, since } = await timeline.getVerdictReport()
  t.match({ stuck, quiet, since }, { stuck: { advised: 1, wrong: 1, open: 0 }, quiet: { advised: 0 }, since: /Z$/ })
  t.equal(kinds.length, 1)
  const [{ afterMs, longestWrongMs = 0, raisedToMs = 0 }] = kinds as [typeof kinds[number]]
  t.ok(afterMs.p50 >= 11 * MINUTE && longestWrongMs >= afterMs.p95 && longestWrongMs < 14 * MINUTE, `${longestWrongMs} ms`)
  t.ok(raisedToMs >= 1.49 * longestWrongMs, 'the next one has longer')
  await Promise.all([first.close(), second.close()])
  t.same([...first.counted, ...second.counted].sort(), ['stuck', 'stuck, wrongly'], 'counted by one of both')

  // It is called stuck again, by one that is gone before it goes on.
  await silent(run.id, 22)
  const third = await watch(t, database, 'a')
  await third.until('stuck')
  t.match((await third.core.advice.report()).stuck, { advised: 2, wrong: 1, open: 1 })
  await third.close()
  run.goOn()
  await run.complete('done')
  const other = await begin('b')
  await silent(other.id, 70)
  const fourth = await watch(t, database, 'b')
  await fourth.until('stuck')
  t.match((await fourth.core.advice.report()).stuck, { advised: 3, wrong: 2, open: 1 }, 'seen afterwards')
  await other.complete({ success: false, response: '', error: 'It hung' })
  t.match((await fourth.core.advice.report()).stuck, { advised: 3, wrong: 2, ended: 1, open: 0 })
  // All that come later know.
  const next = await begin('c')
  next.goOn()
  await timeline.flush()
  const health = (await fourth.core.timeline.getInvocation(next.id))?.health
  t.ok((health?.stuckAfterMs ?? 0) > 15 * MINUTE, `stuck after ${health?.stuckAfterMs} ms`)
  await timeline.deleteTask('a')
  t.match((await fourth.core.advice.report()).stuck, { advised: 1, ended: 1 }, 'it goes with its task')
  await fourth.close()
}
