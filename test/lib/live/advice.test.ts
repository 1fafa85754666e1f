import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { adviceOutcome } from '../../../lib/insight/advice-outcome.js'
import { createAdviceKeeper } from '../../../lib/live/advice-keeper.js'
import { noMeter } from '../../../lib/meter.js'
import { checkAdvice } from '../../support/advice.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'

t.test('what a run was called is kept once, whoever watches, and learnt from', async (t) => {
  const path = join(temporaryDirectory(t), 'x.db')
  await checkAdvice(t, path, {
    async silent (id, minutes) {
      const raw = new Sqlite(path)
      const at = new Date(Date.now() - minutes * 60_000).toISOString()
      raw.prepare('UPDATE invocation_run SET started_at = min(started_at, ?), last_activity_at = ?, heartbeat_at = ? WHERE invocation_id = ?')
        .run(at, at, new Date().toISOString(), id)
      raw.close()
    }
  })
})

t.test('a run that did something, or completed, went on by itself; one that failed without did not', async (t) => {
  const at = '2026-02-10T12:00:00.000Z'
  const ms = Date.parse(at)
  const minute = 60_000
  const stuck = {
    state: 'stuck', mark: ms - 10 * minute, afterMs: 10 * minute, at, status: 'running', movedAt: ms - 10 * minute, nextAt: undefined, completedAt: undefined
  } as const
  const ended = { ...stuck, movedAt: undefined, completedAt: ms + 5 * minute }
  const loop = { ...stuck, state: 'looping', mark: 7, afterMs: 3 * minute } as const
  for (const [run, expected] of [
    [stuck, undefined],
    [{ ...stuck, movedAt: ms + minute, nextAt: ms + minute }, ['went_on', 11]],
    // Long ago: when it first did something counts.
    [{ ...stuck, movedAt: ms + 90 * minute, nextAt: ms + 2 * minute }, ['went_on', 12]],
    [{ ...ended, status: 'completed' }, ['went_on', 15]],
    [{ ...ended, status: 'failed' }, ['ended', 15]],
    [{ ...ended, status: 'timeout' }, ['ended', 15]],
    [{ ...ended, status: 'failed', nextAt: ms + minute }, ['went_on', 11]],
    // Its last words, when it was ended.
    [{ ...ended, status: 'timeout', nextAt: ms + 5 * minute - 1_000 }, ['ended', 15]],
    [{ ...ended, status: undefined, completedAt: undefined }, ['ended', 10]],
    [{ ...loop, movedAt: ms + minute, nextAt: ms + minute }, undefined],
    [{ ...loop, status: 'completed', completedAt: ms + minute }, ['went_on', 4]],
    [{ ...loop, status: 'failed', nextAt: ms + 1, completedAt: ms + minute }, ['ended', 4]]
  ] as const) {
    const outcome = adviceOutcome(run)
    t.same(outcome && [outcome.outcome, outcome.outcomeMs / minute], expected)
  }
})

t.test('what cannot be stored is tried again, and keeps nobody waiting', async (t) => {
  const logs = new Logs()
  const stored: unknown[] = []
  let fault: Error | undefined = new Error('locked')
  const keep = async <T>(given: readonly T[]): Promise<readonly T[]> => {
    if (fault !== undefined) throw fault
    stored.push(...given)
    return given
  }
  const keeper = createAdviceKeeper({
    store: { add: keep, settle: keep, open: async () => [], longestWrong: async () => [], newest: async () => [] },
    meter: noMeter,
    logger: logs,
    now: () => 0
  })
  const run = { invocationId: 1, taskId: 'a' } as never
  const advice = { state: 'stuck', step: 'think', mark: 5, afterMs: 6 } as const
  keeper.given(run, advice)
  await keeper.report()
  t.ok(logs.mentions('cannot be stored'))
  fault = undefined
  keeper.wentOn(run, advice, 7)
  await keeper.close()
  t.match(stored, [{ invocationId: 1, state: 'stuck', mark: 5 }, { invocationId: 1, outcome: 'went_on', outcomeMs: 7 }])
})
