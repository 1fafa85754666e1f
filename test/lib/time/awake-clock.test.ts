import t from 'tap'
import { createAwakeClock } from '../../../lib/time/awake-clock.js'

t.test('time that the process slept through is not counted', async (t) => {
  let ms = 1_000
  const clock = createAwakeClock({ tickMs: 500, monotonic: () => ms })
  t.teardown(() => clock.stop())
  t.equal(clock.now(), 0)
  ms += 400
  t.equal(clock.now(), 400)
  ms += 3_600_000
  t.equal(clock.now(), 1_400, 'an hour between two looks counts as two ticks')
  t.equal(clock.now(), 1_400)
  ms += 100
  t.equal(clock.now(), 1_500)
})

t.test('a clock below that goes back does not take it along', async (t) => {
  let ms = 10_000
  const clock = createAwakeClock({ monotonic: () => ms })
  t.teardown(() => clock.stop())
  ms = 5_000
  t.equal(clock.now(), 0)
  ms += 10
  t.equal(clock.now(), 10)
})

t.test('the clock ticks by itself, also when nobody looks', async (t) => {
  let looks = 0
  await new Promise<void>((resolve) => {
    const clock = createAwakeClock({ tickMs: 1, monotonic: () => { if (++looks === 5) resolve(); return looks } })
    const keepAlive = setInterval(() => {}, 1_000)
    t.teardown(() => { clock.stop(); clearInterval(keepAlive) })
  })
  t.pass('it looked at the time by itself')
})
