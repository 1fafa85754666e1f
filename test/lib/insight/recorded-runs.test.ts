import t from 'tap'
import { Random } from '../../support/random.js'
import { readRuns, replay } from './replay.js'

const HANGS = 400

function quantile (ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? NaN
}

t.test('recorded runs raise few false alarms, and hangs in them are found', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const runs = readRuns()
  t.ok(runs.length >= 200, 'enough runs to say something')
  const result = replay(runs, HANGS, () => random.next())
  const { hours, falseStuck, falseLoops, foundLoops, quiet, hangMinutes, knownMinutes, loopMinutes, alarms } = result
  const per100Hours = (count: number) => 100 * count / hours
  const [p50, p95] = [quantile(hangMinutes, 0.5), quantile(hangMinutes, 0.95)]
  t.comment(JSON.stringify({ hours, falseStuck, falseLoops, foundLoops, quiet, p50, p95 }))
  const known = { commands: knownMinutes.length, p50: quantile(knownMinutes, 0.5), p95: quantile(knownMinutes, 0.95) }
  t.comment(JSON.stringify({ known, loopMinutes, alarms }))
  t.ok(per100Hours(falseStuck) <= 4, 'called stuck and went on')
  t.ok(per100Hours(falseLoops) <= 1.3, 'called looping and did not')
  t.ok(per100Hours(quiet) <= 35, 'called quiet')
  t.ok(p50 <= 15.5, 'half of the hangs are found within a quarter of an hour')
  t.ok(p95 <= 30, 'nearly all within half an hour')
  t.ok(known.commands >= 3 && known.p50 <= 5, 'a command that is known is found sooner')
  t.ok(loopMinutes.every((minutes) => minutes <= 3), 'a loop is found within 3 minutes of its third repetition')
  t.equal(foundLoops, new Set(runs.filter(({ loops }) => loops).map(({ project }) => project)).size)
})
