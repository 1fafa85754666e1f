import type { ActivityType, Usage } from '../../../lib/model/activity.js'
import type { CurrentFrame, Health, HealthState, InvocationSummary, TimelineEvent } from '../../../lib/model/events.js'

/** Distributes over the union, which `Omit` does not. */
type Unplaced<T> = T extends unknown ? Omit<T, 'seq' | 'taskId' | 'timestamp'> : never

export const TITLE = 'Verify social login only accepts provider-verified emails'

/** Writes the events of one task one after the other, numbered and timed. */
export class TaskScript {
  readonly events: TimelineEvent[] = []
  readonly taskId: string
  #atMs: number
  #calls = 0

  constructor (taskId: string, startMs: number) {
    this.taskId = taskId
    this.#atMs = startMs
  }

  get nowMs (): number { return this.#atMs }

  /** Lets time pass; seconds. */
  wait (seconds: number): this {
    this.#atMs += seconds * 1000
    return this
  }

  add (event: Unplaced<TimelineEvent>): this {
    const place = { seq: this.events.length + 1, taskId: this.taskId, timestamp: new Date(this.#atMs).toISOString() }
    this.events.push({ ...place, ...event } as TimelineEvent)
    return this
  }

  task (change: string, message = '', actor = 'orchestrator'): this {
    return this.add({ type: `task.${change}`, actor, message })
  }

  start (invocationId: number, role: string, provider: string, model: string): this {
    return this.add({ type: 'invocation.started', invocationId, role, provider, model })
  }

  say (invocationId: number, activityType: ActivityType, activity: string, metadata?: Record<string, unknown>): this {
    return this.add({
      type: 'invocation.activity', invocationId, activity, activityType, ...(metadata === undefined ? {} : { metadata })
    })
  }

  /** Opens a tool call and returns what ends it. */
  open (invocationId: number, tool: string, message: string, input?: unknown): (end: Record<string, unknown>) => this {
    const callId = `call_${++this.#calls}`
    const startMs = this.#atMs
    this.say(invocationId, 'tool_exec', message, { callId, phase: 'start', tool, ...(input === undefined ? {} : { input }) })
    return (end) => this.say(invocationId, 'tool_exec', message, {
      callId, phase: 'end', tool, status: 'ok', durationMs: this.#atMs - startMs, ...end
    })
  }

  /** A whole tool call that takes some seconds. */
  call (invocationId: number, tool: string, message: string, seconds: number, end: Record<string, unknown> = {}): this {
    const finish = this.open(invocationId, tool, message)
    this.wait(seconds)
    return finish(end)
  }

  complete (invocationId: number, duration: number, more: Partial<{
    usage: Usage, outcome: 'approved' | 'rejected', summary: string
  }> = {}): this {
    return this.add({ type: 'invocation.completed', invocationId, success: true, duration, ...more })
  }

  fail (invocationId: number, type: 'failed' | 'timeout', error: string, duration: number, exitCode?: number): this {
    return this.add({
      type: `invocation.${type}`, invocationId, success: false, error, duration, ...(exitCode === undefined ? {} : { exitCode })
    })
  }
}

const TEST_OUTPUT = [
  '',
  '> api@4.2.0 test',
  '> tap --grep github',
  '',
  '  GithubService',
  '    \u001b[32m✔ accepts a verified primary address (8 ms)\u001b[39m',
  '    \u001b[31m1) rejects an account without a verified address\u001b[39m',
  '',
  '  \u001b[31mAssertionError: expected 200 to equal 403\u001b[39m',
  '      \u001b[90mat Context.<anonymous> (API/tests/unit/github.service.test.ts:112:31)\u001b[39m',
  '      \u001b[90mat process.processTicksAndRejections (node:internal/process/task_queues:95:5)\u001b[39m',
  ...Array.from({ length: 40 }, (_, i) => `    ok ${i + 1} - leaves account ${i + 1} alone`)
].join('\n')

function fileOf (lines: number): string {
  return Array.from({ length: lines }, (_, i) => `${String(i + 1).padStart(4)}  export const line${i + 1} = ${i}`).join('\n')
}

/** How far the sample task has come. */
export type SampleEnd = 'running' | 'between' | 'completed' | 'failed' | 'timeout' | 'waiting' | 'parallel'

/** The document's example task, told in the words of real agents. `nowMs` is the moment it has come to. */
export function sampleTask (end: SampleEnd, nowMs: number, taskId = '9cefe1b1-677f-4816-b47a-23b17e65f531'): TaskScript {
  const script = new TaskScript(taskId, nowMs - 574_000)
  const google = 'API/src/services/social/google.service.ts'
  const github = 'API/src/services/social/github.service.ts'
  script.task('started', 'Task marked in_progress').wait(14)
    .start(123, 'coder', 'codex', 'gpt-4o').wait(2)
    .say(123, 'progress', 'I should find out where addresses are checked before changing anything.', { kind: 'reasoning' }).wait(3)
    .call(123, 'shell', "exec: rg -n 'verified email' src/", 0.41, { exitCode: 0, result: fileOf(12) }).wait(4)
    .call(123, 'Read', `Read: ${google}`, 0.038, { result: fileOf(214) }).wait(6)
    .call(123, 'Read', `Read: ${github}`, 0.041, { result: fileOf(188) }).wait(3)
  for (let i = 0; i < 9; i++) script.call(123, 'Read', `Read: API/src/services/social/part-${i}.ts`, 0.2, { result: fileOf(20 + i) }).wait(2)
  script.wait(4)
    .say(123, 'output', 'Google returns email_verified in the ID token, GitHub needs a second call to /user/emails. ' +
      'I will reject the login when neither says “verified”.').wait(20)
    .call(123, 'Edit', `Edit: ${google}`, 0.095, { files: [{ path: google }] }).wait(20)
    .call(123, 'Edit', `Edit: ${github}`, 0.088, { files: [{ path: github }] }).wait(30)
    .call(123, 'shell', 'exec: npm test -- --grep social', 38.1, { exitCode: 0, result: '\u001b[32m41 passed\u001b[39m' }).wait(12)
    .complete(123, 210_000, {
      summary: 'Added a provider-verified check to both social services',
      usage: { inputTokens: 48_211, outputTokens: 3_902, costUsd: 0.18 }
    }).wait(1)
    .task('review', 'Task moved to review phase').wait(1)
    .start(124, 'reviewer', 'claude', 'sonnet-4').wait(14)
    .call(124, 'Bash', 'exec: git diff HEAD~1', 0.12, { exitCode: 0, result: fileOf(44) }).wait(21)
    .call(124, 'Read', 'Read: API/tests/unit/google.service.test.ts', 0.036, { result: fileOf(164) }).wait(30)
    .complete(124, 77_000, {
      outcome: 'rejected',
      summary: 'GitHub’s e-mail list may be empty; no test covers it.\ngithub.service.ts:71: `emails.find(e => e.primary)` is undefined when the scope user:email is missing.',
      usage: { inputTokens: 21_004, outputTokens: 812, costUsd: 0.06 }
    }).wait(1)
    .task('rejected', 'Task moved back to in_progress').wait(5)
  if (end === 'between') return script
  script.start(125, 'coder', 'codex', 'gpt-4o').wait(7)
    .call(125, 'Read', `Read: ${github}`, 0.04, { result: fileOf(205) }).wait(20)
  for (let i = 0; i < 6; i++) script.call(125, 'Read', `Read: API/tests/unit/case-${i}.test.ts`, 0.22, { result: fileOf(30) }).wait(1)
  script.wait(10)
    .call(125, 'Edit', `Edit: ${github}`, 0.092, { files: [{ path: github }] }).wait(20)
    .call(125, 'Edit', 'Edit: API/tests/unit/github.service.test.ts', 0.081, { files: [{ path: 'x' }] }).wait(18)
    .call(125, 'shell', 'exec: npm test -- --grep github', 21.5, { status: 'error', exitCode: 1, result: TEST_OUTPUT }).wait(18)
    .say(125, 'output', 'The handler swallows the rejection. Moving the check before the session is created.').wait(18)
    .call(125, 'Edit', `Edit: ${github}`, 0.077, { files: [{ path: github }] })
  const restSeconds = (nowMs - script.nowMs) / 1000
  if (end === 'running' || end === 'parallel') {
    if (end === 'parallel') {
      script.wait(4).start(126, 'reviewer', 'claude', 'sonnet-4').wait(2)
        .call(126, 'Bash', 'exec: git diff HEAD~2', 0.2, { exitCode: 0 })
        .say(125, 'output', 'Now the tests again.')
        .call(126, 'Read', `Read: ${google}`, 0.05, { result: fileOf(60) })
    }
    script.wait((nowMs - script.nowMs) / 1000 - 24)
    script.open(125, 'shell', 'exec: npm test -- --grep github')
    script.wait(22).say(125, 'progress', 'Running npm test for 22 s', { kind: 'tool' }).wait(2)
  } else if (end === 'waiting') {
    script.wait(restSeconds - 6).say(125, 'progress', 'Rate limited by the provider; trying again', {
      kind: 'waiting', what: 'rate limit', until: new Date(nowMs + 42_000).toISOString()
    }).wait(6)
  } else {
    script.wait(10).call(125, 'shell', 'exec: npm test -- --grep github', 24, { exitCode: 0, result: '43 passed' }).wait(3)
    if (end === 'failed') {
      script.say(125, 'error', 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n' +
        'The provider refused ten attempts over four minutes.')
        .fail(125, 'failed', 'API Error: 529 Overloaded', 180_000, 1)
    } else if (end === 'timeout') {
      script.fail(125, 'timeout', 'The run took longer than 15 minutes and was ended', 900_000)
    } else {
      script.complete(125, 180_000, { usage: { inputTokens: 40_000, outputTokens: 2_000, costUsd: 0.18 } })
        .wait(1).task('completed', 'Task completed')
    }
  }
  return script
}

/** The frames that a stream begins with for what the script has running. */
export function runningFrames ({ events, taskId }: TaskScript): CurrentFrame[] {
  const open = new Map<number, CurrentFrame>()
  for (const event of events) {
    if (event.type === 'invocation.started') {
      const { invocationId, role, provider, model, timestamp } = event
      open.set(invocationId, {
        type: 'invocation.current', taskId, invocationId, role, provider, status: 'running', startedAt: timestamp, ...(model === undefined ? {} : { model })
      })
    } else if (event.type.startsWith('invocation.') && event.type !== 'invocation.activity') {
      open.delete((event as { invocationId: number }).invocationId)
    }
  }
  return [...open.values()]
}

/** Rows for the list of runs. */
export function sampleInvocations (nowMs: number): InvocationSummary[] {
  const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString()
  const base = { provider: 'claude', model: 'sonnet-4', timedOut: false }
  return [
    { ...base, id: 9, taskId: '9cefe1b1', title: TITLE, role: 'coder', provider: 'codex', model: 'gpt-4o', status: 'running', startedAt: ago(266) },
    { ...base, id: 8, taskId: '7712aa0c', title: 'Page the invoice list', role: 'reviewer', status: 'running', startedAt: ago(4100) },
    { ...base, id: 7, taskId: '9cefe1b1', title: TITLE, role: 'reviewer', status: 'completed', outcome: 'rejected', summary: 'GitHub’s e-mail list may be empty; no test covers it', startedAt: ago(600), duration: 77_000, success: true, usage: { inputTokens: 1, outputTokens: 1, costUsd: 0.06 } },
    { ...base, id: 6, taskId: '9cefe1b1', title: TITLE, role: 'coder', provider: 'codex', model: 'gpt-4o', status: 'completed', summary: 'Added a provider-verified check to both social services', startedAt: ago(900), duration: 210_000, success: true, usage: { inputTokens: 1, outputTokens: 1, costUsd: 0.18 } },
    { ...base, id: 5, taskId: '55', role: 'coder', provider: 'gemini', model: 'gemini-3-pro', status: 'failed', error: 'API Error: 529 Overloaded', startedAt: ago(7200), duration: 41_000, success: false },
    { ...base, id: 4, taskId: '54', title: 'Upgrade the build to Node 24', role: 'coder', status: 'timeout', timedOut: true, error: 'The run took longer than 15 minutes and was ended', startedAt: ago(90_000), duration: 900_000, success: false }
  ]
}

/** A verdict as a server gives it on an invocation that has been so for some seconds. */
export function sampleHealth (state: HealthState, nowMs: number, seconds = 70, more: Partial<Health> = {}): Health {
  const because: Readonly<Record<HealthState, string>> = {
    starting: 'It started 20 s ago; the first activity usually takes up to 1 min.',
    working: 'Its last activity was 4 s ago; up to 5 min are usual while it thinks.',
    in_tool: 'shell has been running for 24 s; up to 20 min are usual for it.',
    waiting: 'It has been waiting for a rate limit to pass for 6 s, and will for another 42 s.',
    quiet: 'No activity for 6 min 10 s; 5 min are usual while it thinks.',
    looping: 'The same call has had the same result 5 times, for 4 min.',
    stuck: 'No activity for 26 min; 5 min are usual while it thinks.',
    lost: 'Its last activity was 4 s ago; up to 5 min are usual while it thinks.',
    unknown: 'Its last activity was 4 s ago; up to 5 min are usual while it thinks.'
  }
  const process: Partial<Record<HealthState, string>> = {
    lost: 'Its process is gone.',
    unknown: 'Its process cannot be looked at from here, and last gave a sign 41 s ago.'
  }
  return {
    state,
    since: new Date(nowMs - seconds * 1000).toISOString(),
    because: [because[state], process[state] ?? 'Its process is alive.'],
    silentForMs: 4_000,
    expectedSilenceMs: 300_000,
    heartbeatAgeMs: 900,
    ...more
  }
}
