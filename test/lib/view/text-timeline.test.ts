import t from 'tap'
import type { CurrentFrame, TimelineEvent } from '../../../lib/model/events.js'
import { formatDuration, toPlainLine } from '../../../lib/text/plain-text.js'
import { formatTimeline } from '../../../lib/view/text-timeline.js'

let seq = 0
const at = (time: string) => ({ seq: ++seq, taskId: '9cefe1b1', timestamp: `2026-02-10T${time}.000Z` })
const task = (time: string, type: `task.${string}`, actor = 'orchestrator', message = ''): TimelineEvent =>
  ({ ...at(time), type, actor, message })
const started = (time: string, invocationId: number, role: string, provider: string, model: string): TimelineEvent =>
  ({ ...at(time), type: 'invocation.started', invocationId, role, provider, model })
const activity = (
  time: string, invocationId: number, activityType: 'tool_exec' | 'output' | 'error' | 'progress', text: string,
  metadata: Record<string, unknown> = {}
): TimelineEvent => ({ ...at(time), type: 'invocation.activity', invocationId, activityType, activity: text, metadata })
const current = (invocationId: number, role: string): CurrentFrame => ({
  type: 'invocation.current',
  taskId: '9cefe1b1',
  invocationId,
  role,
  provider: 'claude',
  status: 'running',
  startedAt: '2026-02-10T12:53:10.000Z'
})
const now = Date.parse('2026-02-10T12:53:30.000Z')

t.test('a timeline looks as the design document shows it', async (t) => {
  const text = formatTimeline({
    task: { id: '9cefe1b1', title: 'Verify social login only accepts provider-verified emails', status: 'in_progress' },
    now,
    running: [current(3, 'tester')],
    events: [
      task('12:48:46', 'task.started'),
      started('12:49:00', 1, 'coder', 'codex', 'gpt-4o'),
      activity('12:49:05', 1, 'tool_exec', "exec: rg -n 'verified email' src/", { callId: 'c1', phase: 'start' }),
      activity('12:49:06', 1, 'tool_exec', "exec: rg -n 'verified email' src/", { callId: 'c1', phase: 'end', status: 'ok' }),
      activity('12:49:07', 1, 'output', 'I found it'),
      activity('12:49:10', 1, 'tool_exec', 'exec: cat API/src/services/social/google.service.ts'),
      { ...at('12:52:30'), type: 'invocation.completed', invocationId: 1, success: true, duration: 210_000 },
      started('12:52:31', 2, 'reviewer', 'claude', 'sonnet-4'),
      activity('12:52:45', 2, 'tool_exec', 'exec: git diff HEAD~1'),
      { ...at('12:53:00'), type: 'invocation.completed', invocationId: 2, success: true, duration: 29_000, outcome: 'approved' },
      task('12:53:01', 'task.completed'),
      activity('12:53:15', 3, 'output', 'Reading test file: API/tests/unit/google.service.test.ts'),
      activity('12:53:18', 3, 'progress', 'Analyzing test coverage...'),
      activity('12:53:21', 3, 'output', 'Checking for edge cases...')
    ]
  })
  t.equal(text, `Task: Verify social login only accepts provider-verified emails
Status: in_progress

Timeline:
─────────────────────────────────────────────────────────────
12:48:46  ▶  Task started by orchestrator
12:49:00  ⟳  Coder started (codex, gpt-4o)
12:49:05  ⚡ exec: rg -n 'verified email' src/
12:49:10  ⚡ exec: cat API/src/services/social/google.service.ts
12:52:30  ✓  Coder completed (3m 30s)
12:52:31  ⟳  Reviewer started (claude, sonnet-4)
12:52:45  ⚡ exec: git diff HEAD~1
12:53:00  ✓  Reviewer approved (29s)
12:53:01  ✓  Task completed
─────────────────────────────────────────────────────────────

Live Activity (streaming...):
  12:53:15  Reading test file: API/tests/unit/google.service.test.ts
  12:53:18  Analyzing test coverage...
  12:53:21  Checking for edge cases...
`)
})

t.test('what went wrong is told', async (t) => {
  const text = formatTimeline({
    task: { id: '9cefe1b1' },
    now,
    running: [],
    isCut: true,
    events: [
      started('12:49:00', 1, 'coder', 'codex', 'gpt-4o'),
      activity('12:49:05', 1, 'tool_exec', 'exec: npm test', { callId: 'c1', phase: 'start' }),
      activity('12:49:06', 1, 'error', 'API Error: 529'),
      activity('12:49:08', 1, 'tool_exec', 'exec: npm test', {
        callId: 'c1', phase: 'end', status: 'error', exitCode: 2, durationMs: 3000
      }),
      activity('12:49:09', 1, 'tool_exec', 'exec: rm', { callId: 'c2', phase: 'end', status: 'denied' }),
      { ...at('12:50:00'), type: 'invocation.failed', invocationId: 1, success: false, error: 'exit 1', duration: 60_000 },
      { ...at('12:51:00'), type: 'invocation.timeout', invocationId: 7, success: false, error: 'no answer' },
      { ...at('12:52:00'), type: 'invocation.completed', invocationId: 7, success: true, outcome: 'rejected', summary: 'No tests' },
      task('12:53:00', 'task.rejected', 'reviewer'),
      task('12:53:01', 'task.review', 'orchestrator', 'Task moved to review phase')
    ]
  })
  t.same(text.split('\n').slice(4, -2), [
    '…         earlier events are left out',
    '12:49:00  ⟳  Coder started (codex, gpt-4o)',
    '12:49:05  ⚡ exec: npm test',
    '12:49:06  ✗  API Error: 529',
    '12:49:08  ✗  exec: npm test failed (exit 2, 3s)',
    '12:49:09  ✗  exec: rm denied',
    '12:50:00  ✗  Coder failed (1m): exit 1',
    '12:51:00  ✗  Invocation 7 timed out: no answer',
    '12:52:00  ✗  Invocation 7 rejected: No tests',
    '12:53:00  ↩  Task rejected by reviewer',
    '12:53:01  •  Task moved to review phase'
  ])
})

t.test('a duration that is not known is left out, one of 0 is not', async (t) => {
  const text = formatTimeline({
    task: { id: 'a' },
    now,
    running: [],
    events: [
      { ...at('12:50:00'), type: 'invocation.completed', invocationId: 1, success: true },
      { ...at('12:51:00'), type: 'invocation.completed', invocationId: 2, success: true, duration: 0 }
    ]
  })
  t.match(text, /^12:50:00 {2}✓ {2}Invocation 1 completed\n12:51:00 {2}✓ {2}Invocation 2 completed \(0ms\)$/m)
})

t.test('the last ten lines of what runs, or for how long it has been running', async (t) => {
  const words = activity('12:53:15', 3, 'output', Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n'))
  const ended = activity('12:53:16', 1, 'output', 'from before')
  const lines = (events: TimelineEvent[]) =>
    formatTimeline({ task: { id: 'a' }, now, running: [current(3, 'coder')], events }).split('\n').slice(7, -1)
  t.same(lines([words, ended]), Array.from({ length: 10 }, (_, line) => `  12:53:15  line ${line + 20}`))
  t.same(lines([ended]), ['  12:53:30  Coder (claude) has been running for 20s'])
})

t.test('the state of the task comes before its events', async (t) => {
  const text = formatTimeline({ task: { id: 'a', status: 'review' }, state: 'Working for 3s. It thinks.', now, running: [], events: [] })
  t.match(text, /^Task: a\nStatus: review\nState: Working for 3s\. It thinks\.\n\nTimeline:/)
})

t.test('text cannot steer the terminal', async (t) => {
  t.equal(toPlainLine('\u001b[31mred\u001b[0m \u001b]0;title\u0007 a\r\n\tb \u202egnp.exe\u0000\u007f\u009b'),
    'red \u241b]0;title\u2407 a b <U+202E>gnp.exe\u2400\u2421<U+009B>')
  t.equal(toPlainLine('x'.repeat(300)).length, 200)
  const text = formatTimeline({
    task: { id: 'a', title: 'x\u001b[2J', status: 'y\nz' }, now, running: [], events: []
  })
  t.match(text, /^Task: x\u241b\[2J\nStatus: y z\n/)
})

t.test('durations as people say them', async (t) => {
  const cases: Array<[number, string]> = [
    [0, '0ms'], [999, '999ms'], [1000, '1s'], [29_499, '29s'], [59_999, '1m'], [210_000, '3m 30s'], [3_600_000, '1h'],
    [3_900_000, '1h 5m'], [-5, '0ms']
  ]
  for (const [ms, text] of cases) t.equal(formatDuration(ms), text)
})
