import t from 'tap'
import { createSteadyClock } from '../../../lib/time/steady-clock.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEAR = 365 * 24 * HOUR

/** A machine whose clock can be set. */
function makeMachine (startAt?: number) {
  const time = { wall: 1_700_000_000_000, awake: 0 }
  const clock = createSteadyClock({
    wall: () => time.wall, awake: () => time.awake, ...(startAt === undefined ? {} : { startAt })
  })
  return {
    clock,
    time,
    pass (ms: number) {
      time.wall += ms
      time.awake += ms
      return clock() - time.wall
    },
    set (ms: number) {
      time.wall += ms
      return clock() - time.wall
    }
  }
}

t.test('time that passes and small steps are believed at once', async (t) => {
  const { pass, set } = makeMachine()
  t.equal(pass(10 * MINUTE), 0)
  t.equal(set(30 * MINUTE), 0)
  t.equal(set(-10 * HOUR), 0, 'a step back keeps more')
})

t.test('a clock that jumps ahead and is set right again was never believed', async (t) => {
  const { pass, set } = makeMachine()
  t.equal(set(YEAR), -YEAR)
  for (let round = 0; round < 5; round++) t.equal(pass(10 * MINUTE), -YEAR)
  t.equal(set(-YEAR), 0)
  t.equal(set(YEAR), -YEAR, 'the next step is doubted for as long')
  for (let round = 0; round < 5; round++) t.equal(pass(10 * MINUTE), -YEAR)
})

t.test('a step that stands for an hour is believed', async (t) => {
  const { pass, set } = makeMachine()
  t.equal(set(9 * HOUR), -9 * HOUR, 'a machine that slept for the night')
  for (let round = 0; round < 5; round++) t.equal(pass(10 * MINUTE), -9 * HOUR)
  t.equal(pass(10 * MINUTE), 0)
  t.equal(pass(10 * MINUTE), 0)
})

t.test('a first time that is given is doubted like any other', async (t) => {
  const { clock, pass, time } = makeMachine(1_700_000_000_000 - 10 * 24 * HOUR)
  t.equal(clock(), time.wall - 10 * 24 * HOUR)
  t.equal(pass(30 * MINUTE), -10 * 24 * HOUR)
  t.equal(pass(30 * MINUTE), 0)
})
