import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { command } from '../../../lib/providers/index.js'
import { openTimeline } from '../../../lib/open-timeline.js'

/** What Jest and Vitest replace by default, with what never happens by itself. */
function replaceGlobals (): () => void {
  const at = Date.now()
  const never = (): object => ({ ref: () => {}, unref: () => {}, hasRef: () => true })
  const fakes = {
    setTimeout: never,
    setInterval: never,
    setImmediate: never,
    clearTimeout: () => {},
    clearInterval: () => {},
    clearImmediate: () => {},
    queueMicrotask: () => {},
    performance: { now: () => 0, timeOrigin: at },
    Date: class extends Date {
      constructor (...args: []) { super(...(args.length === 0 ? [at] as never : args)) }
      static override now (): number { return at }
    }
  }
  const undo = Object.entries(fakes).map(([name, value]) => {
    const real = Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    return () => Object.defineProperty(globalThis, name, real)
  })
  return () => { for (const one of undo) one() }
}

const FAKES: Readonly<Record<string, () => () => void>> = {
  'mock.timers of node:test': () => {
    mock.timers.enable()
    return () => mock.timers.reset()
  },
  'those that Jest and Vitest replace': replaceGlobals
}

for (const [name, fake] of Object.entries(FAKES)) {
  t.test(`a host's tests may fake their timers: ${name}`, async (t) => {
    const restore = fake()
    t.teardown(restore)
    const timeline = await openTimeline({ database: join(t.testdir({}), 'timeline.db') })
    const seen: string[] = []
    const following = (async () => {
      for await (const { type } of timeline.events({ taskId: '42' })) {
        seen.push(type)
        if (type === 'invocation.completed') return
      }
    })()
    const meta = { taskId: '42', role: 'coder', provider: 'echo', prompt: 'hello' }
    const agent = command({ command: process.execPath, args: ['-e', 'console.log("hello")'] })
    const result = await timeline.logInvocation(meta, (run) => agent.invoke('', { ...run, timeout: 60_000 }))
    t.equal(result.response.trim(), 'hello')

    const run = await timeline.startInvocation({ ...meta, role: 'reviewer' })
    run.activity({ type: 'output', message: 'Looks good.', timestamp: new Date() })
    await timeline.flush()
    await run.complete('Looks good.')
    await following
    t.match(seen, ['invocation.started', 'invocation.activity', 'invocation.completed'], 'live')
    const { timeline: events } = await timeline.getTimeline('42')
    t.equal(events.filter(({ type }) => type === 'invocation.completed').length, 2, 'stored')
    await timeline.close()
    restore()
  })
}
