import t from 'tap'
import { createState } from '../../client/store/state.js'
import { reduce, isHidden, type PageOfEvents } from '../../client/store/reduce.js'
import type { TextRow } from '../../client/store/rows.js'
import { FrameBatch } from '../../client/window/frame-batch.js'
import { Heights } from '../../client/window/heights.js'
import { ListHeights } from '../../client/window/list-heights.js'
import { RowSlots } from '../../client/window/row-slots.js'
import { Viewport } from '../../client/window/viewport.js'
import { Random } from '../support/random.js'
import { TaskScript } from './support/sample-task.js'

t.test('heights agree with a plain array after any changes', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  const heights = new Heights()
  let plain: number[] = []
  for (let round = 0; round < 3000; round++) {
    const kind = random.below(5)
    const value = random.below(4) === 0 ? 0 : random.below(100) / 2
    if (kind === 0 && plain.length > 0) {
      const index = random.below(plain.length)
      heights.set(index, value)
      plain[index] = value
    } else if (kind === 1 && random.below(10) === 0) {
      heights.prepend(new Array<number>(7).fill(value))
      plain = [...new Array<number>(7).fill(value), ...plain]
    } else if (kind === 2 && random.below(10) === 0) {
      heights.drop(0, 5)
      plain.splice(0, 5)
    } else if (kind === 3 && random.below(20) === 0) {
      heights.drop(Math.max(0, plain.length - 5))
      plain.length = Math.max(0, plain.length - 5)
    } else {
      heights.append(value)
      plain.push(value)
    }
    const total = plain.reduce((a, b) => a + b, 0)
    if (heights.count !== plain.length || heights.total !== total) return t.fail(`round ${round}`)
    const at = random.next() * total
    const { index, offset } = heights.find(at)
    if (plain.length > 0 && Math.abs(heights.top(index) + offset - at) > 0.001) return t.fail(`find in round ${round}`)
  }
  t.pass('3,000 changes')
})

function viewportOf (count: number, max?: number): Viewport {
  const viewport = new Viewport(max)
  viewport.height = 500
  for (let i = 0; i < count; i++) viewport.heights.append(30)
  return viewport
}

t.test('a view follows until the reader scrolls up, and again from the end', async (t) => {
  const viewport = viewportOf(100)
  t.equal(viewport.top, 2500)
  viewport.heights.append(30)
  t.equal(viewport.top, 2530, 'it stays at the end')
  viewport.scrollFrom(2530, 2400)
  t.notOk(viewport.isFollowing)
  viewport.heights.append(30)
  t.equal(viewport.top, 2400, 'what comes below does not move it')
  viewport.scrollFrom(2400, 2560)
  t.ok(viewport.isFollowing)
})

t.test('a paused view does not move whatever happens above it', async (t) => {
  for (const max of [undefined, 1000]) {
    const viewport = viewportOf(1000, max)
    viewport.pause()
    viewport.scrollFrom(viewport.scrollTop, viewport.scrollTop - 400)
    const seen = (): { index: number, into: number } => {
      const index = viewport.firstIndex
      return { index, into: viewport.top - viewport.heights.top(index) }
    }
    const before = seen()
    viewport.heights.set(3, 300)
    t.same(seen(), before, 'a row above grew')
    viewport.heights.prepend(new Array<number>(200).fill(28))
    viewport.prepended(200)
    t.same(seen(), { ...before, index: before.index + 200 }, 'older rows were put in')
    viewport.heights.drop(0, 150)
    viewport.dropped(150)
    t.same(seen(), { ...before, index: before.index + 50 }, 'the oldest rows went')
  }
})

t.test('a list too high for an element is scrolled in scale', async (t) => {
  const viewport = viewportOf(100_000, 8_000)
  t.equal(viewport.scrollHeight, 8_000)
  viewport.scrollFrom(7_500, 7_400)
  t.equal(viewport.top, 3_000_000 - 500 - 100, 'a small step is a step of as many pixels')
  viewport.scrollFrom(viewport.scrollTop, 3_750)
  t.ok(Math.abs(viewport.top - (3_000_000 - 500) / 2) < 1, 'a jump goes to the place')
  viewport.scrollFrom(3_750, 0)
  t.equal(viewport.top, 0)
})

t.test('the rows to render cover the view', async (t) => {
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  for (let round = 0; round < 300; round++) {
    const viewport = new Viewport()
    viewport.height = 400
    viewport.isFollowing = false
    for (let i = 0; i < 200; i++) viewport.heights.append(random.below(3) === 0 ? 0 : random.below(90))
    viewport.scrollFrom(0, random.below(viewport.heights.total))
    const { from, to, offset } = viewport.range()
    let bottom = offset
    for (let i = from; i < to; i++) bottom += viewport.heights.get(i)
    const end = Math.min(viewport.height, viewport.heights.total - viewport.top)
    if (offset > 0 || bottom < end) return t.fail(`round ${round}: ${offset} to ${bottom} of ${end}`)
  }
  t.pass('300 lists')
})

t.test('an element is used again, and a row keeps its own', async (t) => {
  const slots = new RowSlots()
  t.same(slots.assign([1, 2, 3]), [0, 1, 2])
  const moved = slots.assign([2, 3, 4])
  t.same(moved, [1, 2, 0])
  const random = new Random()
  t.comment(`SEED=${random.seed}`)
  let highest = 0
  for (let round = 0; round < 500; round++) {
    const first = random.below(1000)
    const keys = Array.from({ length: 1 + random.below(30) }, (_, i) => first + i)
    const given = slots.assign(keys)
    if (new Set(given).size !== keys.length) return t.fail('two rows in one slot')
    highest = Math.max(highest, ...given)
  }
  t.ok(highest < 64, `${highest} elements for 30 rows`)
})

t.test('heights follow a list that is folded, paged, closed and replaced', async (t) => {
  const viewport = new Viewport()
  viewport.height = 400
  const listHeights = new ListHeights(viewport)
  const script = new TaskScript('a', 0).start(1, 'coder', 'codex', 'gpt')
  for (let i = 0; i < 50; i++) script.say(1, 'output', `line ${i}`)
  const page = (timeline: typeof script.events, hasMore: boolean): PageOfEvents => {
    return { task: { id: 'a' }, timeline, page: { hasMore, gaps: [] } }
  }
  let state = reduce(createState('a'), { type: 'newest', page: page(script.events.slice(20), true) })
  const sync = (): void => listHeights.sync(state, (row) => isHidden(state, row))
  sync()
  t.equal(viewport.heights.count, 31)
  state = reduce(state, { type: 'older', page: page(script.events.slice(0, 20), false) })
  sync()
  t.equal(viewport.heights.count, 51)
  t.equal(viewport.heights.get(0), 40, 'a heading is measured as one')
  state = reduce(state, { type: 'toggle-invocation', id: 1 })
  sync()
  t.equal(viewport.heights.total, 40, 'only the heading of a closed group is left')
  state = reduce(state, { type: 'toggle-invocation', id: 1 })
  sync()
  t.equal(viewport.heights.total, 40 + 50 * 28)
  state = reduce(state, { type: 'newest', page: page(script.events.slice(45), true) })
  sync()
  t.equal(viewport.heights.count, 6)
  t.equal((state.rows[0] as TextRow).text, 'line 44')
})

t.test('only news count for the rate that is shown', async (t) => {
  const page = globalThis as unknown as Record<'requestAnimationFrame' | 'cancelAnimationFrame' | 'document', unknown>
  page.requestAnimationFrame = (paint: () => void) => setImmediate(paint)
  page.cancelAnimationFrame = (frame: NodeJS.Immediate | 0) => clearImmediate(frame === 0 ? undefined : frame)
  page.document = { visibilityState: 'visible' }
  t.teardown(() => {
    for (const name of ['requestAnimationFrame', 'cancelAnimationFrame', 'document'] as const) delete page[name]
  })
  const items = await new Promise<readonly number[]>((resolve) => {
    const batch = new FrameBatch<number>((items) => {
      t.equal(batch.rate(), 1)
      t.equal(batch.rate('count'), 3)
      t.equal(batch.rate('news', performance.now() + 1001), 0)
      resolve(items)
    })
    batch.push(1, false)
    batch.push(2, false)
    batch.push(3)
  })
  t.same(items, [1, 2, 3])
})
