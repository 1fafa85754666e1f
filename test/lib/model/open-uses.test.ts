import { join } from 'node:path'
import t from 'tap'
import { Draft } from '../../../client/store/draft.js'
import { createState } from '../../../client/store/state.js'
import type { InvocationActivityEvent } from '../../../lib/model/events.js'
import { callsOf, createProgress, followActivity } from '../../../lib/insight/progress.js'
import { decodeProgress, encodeProgress } from '../../../lib/insight/stored-progress.js'
import { OpenUses } from '../../../lib/model/open-uses.js'
import { openTimeline } from '../../../lib/open-timeline.js'

const start = (message: string, more: object = {}): object => ({ message, metadata: { callId: 'call_0', phase: 'start', tool: 'T', ...more } })
const end = (status = 'ok', more: object = {}): object => ({ message: 'end', metadata: { callId: 'call_0', phase: 'end', tool: 'T', status, ...more } })

/** Agents that count the uses of an id, and those of one's own that do not. */
const stories: ReadonlyArray<{ name: string, activities: object[], statuses: string[], open: string[] }> = [
  {
    name: 'an id used again after its call is over',
    activities: [start('one'), end('ok'), start('two', { use: 2 }), end('error', { use: 2 }), start('three', { use: 3 })],
    statuses: ['one: ok', 'two: error', 'three: running'],
    open: ['three']
  },
  {
    name: 'the same without counting',
    activities: [start('one'), end('ok'), start('two'), end('error'), start('three')],
    statuses: ['one: ok', 'two: error', 'three: running'],
    open: ['three']
  },
  {
    name: 'two uses at the same time, of which the younger ends first',
    activities: [start('one'), start('two', { use: 2 }), end('error', { use: 2 })],
    statuses: ['one: running', 'two: error'],
    open: ['one']
  },
  {
    name: 'two at the same time without counting: the older ends first',
    activities: [start('one'), start('two'), end('error'), end('ok')],
    statuses: ['one: error', 'two: ok'],
    open: []
  }
]

for (const { name, activities, statuses, open } of stories) {
  t.test(`${name}: health, page and recorder pair alike`, async (t) => {
    let progress = createProgress()
    const draft = new Draft(createState('a'))
    draft.take({ type: 'invocation.started', seq: 1, taskId: 'a', timestamp: new Date(0).toISOString(), invocationId: 1, role: 'r', provider: 'p' } as never)
    for (const [at, activity] of activities.entries()) {
      const { message, metadata } = activity as { message: string, metadata: object }
      followActivity(progress, { type: 'tool_exec', message, metadata: JSON.stringify(metadata), at })
      // As another process reads it.
      progress = decodeProgress(encodeProgress(progress), at)
      draft.take({
        type: 'invocation.activity',
        seq: at + 2,
        taskId: 'a',
        timestamp: new Date(at).toISOString(),
        invocationId: 1,
        activity: message,
        activityType: 'tool_exec',
        metadata
      } as never)
    }
    t.strictSame(callsOf(progress).map(({ message }) => message), open)
    t.strictSame(draft.next.rows.flatMap((row) => row.kind === 'tool' ? [`${row.target}: ${row.status}`] : []), statuses)

    const timeline = await openTimeline({ database: join(t.testdir(), 'x.db'), migrate: true })
    await timeline.logInvocation({ taskId: 'a', role: 'r', provider: 'mine' }, async ({ onActivity }) => {
      for (const activity of activities) onActivity({ type: 'tool_exec', timestamp: new Date(), ...activity } as never)
    })
    const { timeline: events } = await timeline.getTimeline('a')
    await timeline.close()
    const aborted = events.filter((event) => 'metadata' in event && event.metadata?.status === 'aborted')
    t.strictSame(aborted.map((event) => (event as InvocationActivityEvent).activity), open, 'those that are open are aborted at the end')
  })
}

t.test('a start told twice is one call, and the parent decides where an id is used on both levels', async (t) => {
  const uses = new OpenUses<{ callId: string, message: string, parentCallId?: string }>()
  t.equal(uses.start({ callId: 'a', message: 'Agent' }), true)
  t.equal(uses.start({ callId: 'a', message: 'Agent' }), false)
  t.equal(uses.start({ callId: 'a', message: 'Read', parentCallId: 'a' }), true)
  t.match(uses.end({ callId: 'a', parentCallId: 'a' }), { message: 'Read' })
  t.match(uses.end({ callId: 'a' }), { message: 'Agent' })
  t.equal(uses.end({ callId: 'a' }), undefined)
  t.equal(uses.size, 0)
})
