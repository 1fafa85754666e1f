import t from 'tap'
import { alignedInterval, nextMultiple } from '../../../lib/time/aligned.js'

/** The timers themselves keep no process alive. */
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))

t.test('timers with the same period wake the process together, whenever they began', async (t) => {
  const PERIOD_MS = 40
  const TICKS = 12
  const turns = { a: new Set<number>(), b: new Set<number>() }
  const stops: Array<() => void> = []
  let turn = 0
  await new Promise<void>((resolve) => {
    const tick = (name: 'a' | 'b') => () => {
      turns[name].add(turn)
      setImmediate(() => turn++)
      if (turns.b.size === TICKS) resolve()
    }
    stops.push(alignedInterval(tick('a'), PERIOD_MS))
    const halfway = nextMultiple(PERIOD_MS) - performance.now() + PERIOD_MS / 2
    setTimeout(() => { stops.push(alignedInterval(tick('b'), PERIOD_MS)) }, halfway)
  })
  for (const stop of stops) stop()
  const together = [...turns.b].filter((one) => turns.a.has(one)).length
  // Begun half a period apart, they would never meet; on a busy machine they fall apart now and then.
  t.ok(together > TICKS / 4, `${together} of ${TICKS}`)
})

t.test('no period has two ticks, and none comes after the stop', async (t) => {
  const PERIOD_MS = 3
  let ticks = 0
  const first = nextMultiple(PERIOD_MS)
  await new Promise<void>((resolve) => {
    const stop = alignedInterval(() => {
      if (++ticks < 50) return
      stop()
      setTimeout(resolve, 5 * PERIOD_MS)
    }, PERIOD_MS)
  })
  t.equal(ticks, 50)
  t.ok(performance.now() >= first + 49 * PERIOD_MS, 'fifty ticks take forty-nine periods')
})

t.test('a time that is a multiple and far enough away', (t) => {
  for (const minDelayMs of [0, 10, 250]) {
    const before = performance.now()
    const at = nextMultiple(100, minDelayMs)
    t.equal(at % 100, 0)
    t.ok(at > before + minDelayMs && at <= performance.now() + minDelayMs + 100)
  }
  t.end()
})
