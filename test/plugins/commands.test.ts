import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { timelineError } from '../../lib/errors.js'
import { createSafeLogger, processLogger } from '../../lib/logger.js'
import { openTimeline } from '../../lib/open-timeline.js'
import { runCommand } from '../../plugins/cli/commands.js'
import { makeFolder, recordCoder } from './app.js'

/** A terminal in memory. */
class Screen extends EventEmitter {
  readonly lines: string[] = []
  readonly errors: string[] = []
  readonly #ending = new AbortController()
  readonly signal = this.#ending.signal
  print = (line: string): void => { this.lines.push(line); this.emit('line') }
  printError = (line: string): void => { this.errors.push(line) }
  write = async (): Promise<boolean> => true

  end (): void {
    this.#ending.abort()
  }

  async until (pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line))
      if (found !== undefined) return found
      await once(this, 'line')
    }
  }
}

t.test('commands that are not understood say so and exit with 2, others with 1', async (t) => {
  const missing = join(makeFolder(t), 'none.db')
  const cases: Array<[args: string[], exitCode: number, words: RegExp]> = [
    [[], 2, /AGENT_TIMELINE_INVALID_COMMAND_LINE: .*the commands are serve, run, tail, migrate/],
    [['dance'], 2, /the commands are/],
    [['migrate', 'more'], 2, /the commands are/],
    [['why', 'a', 'b', '--database', missing], 2, /the commands are/],
    [['why', 'a', '--task', 'a', '--database', missing], 2, /the commands are/],
    [['why', '--database', missing], 1, /AGENT_TIMELINE_DATABASE_MISSING/],
    [['why', 'a'], 2, /--database is missing/],
    [['why', 'a', '--database', missing, '--state', 'done'], 2, /AGENT_TIMELINE_UNKNOWN_OPTION/],
    [['why', 'a', '--json=yes', '--database', missing], 2, /--json takes no value/],
    [['why', 'a', '--database', makeFolder(t)], 1, /AGENT_TIMELINE_NOT_A_DATABASE/],
    [['tasks', 'a', '--database', missing], 2, /the commands are/],
    [['tasks', '--database', missing, '--limit', '1'], 1, /AGENT_TIMELINE_DATABASE_MISSING/],
    [['tail', '--', 'ls'], 2, /tail runs no command/],
    [['run', '--database', missing, '--task', 'a', '--role', 'r'], 2, /and a command behind it are missing/],
    [['run', '--database', missing, '--task', 'a', '--', 'ls'], 2, /--role is missing/],
    [['run', '--database', missing, '--task', '', '--role', 'r', '--', 'ls'], 2, /--task is missing/],
    [['run', '--database', missing, '--task', 'a', '--role', 'r', '--timeout', '0', '--', 'ls'], 2, /--timeout/],
    [['tail', '--nonsense'], 2, /AGENT_TIMELINE_UNKNOWN_OPTION: There is no option --nonsense/],
    [['tail', '--database'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --database needs a value/],
    [['tail', '--task', '-1'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --task needs a value/],
    [['serve', '--help=no'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --help takes no value/],
    [['serve', '-x'], 2, /AGENT_TIMELINE_UNKNOWN_OPTION: There is no option -x/],
    [['demo', '--allowed-host', 'http://x'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --allowed-host is a name/],
    [['demo', '--port', '70000'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --port/],
    [['migrate', '--task', 'a'], 2, /AGENT_TIMELINE_UNKNOWN_OPTION: There is no option --task/],
    [['migrate'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --database is missing/],
    [['migrate', '--database', missing], 1, /AGENT_TIMELINE_DATABASE_MISSING/],
    [['migrate', '--from', missing], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --to is missing/],
    [['migrate', '--to', 'postgres://127.0.0.1/x'], 2, /AGENT_TIMELINE_INVALID_OPTION: The option --from is missing/],
    [['migrate', '--from', missing, '--to', 'postgres://127.0.0.1/x'], 1, /AGENT_TIMELINE_DATABASE_MISSING/],
    [['migrate', '--database', missing, '--from', missing, '--to', 'x'], 2, /--database is not given with --from and --to/],
    [['tail', '--database', missing, '--task', 'a'], 1, /AGENT_TIMELINE_DATABASE_MISSING/]
  ]
  for (const [args, exitCode, words] of cases) {
    const screen = new Screen()
    t.equal(await runCommand(args, screen), exitCode, args.join(' '))
    t.match(screen.errors.join('\n'), words)
    t.equal(/--help/.test(screen.errors.join('\n')), exitCode === 2)
  }
  t.notOk(existsSync(missing), 'no file is made by mistake')
  const screen = new Screen()
  t.equal(await runCommand(['--help'], screen), 0)
  t.match(screen.lines[0], /^Usage: agent-timeline/)
})

t.test('tail prints what is stored, then what comes, and ends when told', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.started', actor: 'orchestrator' })
  const screen = new Screen()
  const code = runCommand(['tail', '--database', database, '--task', 'a'], screen)
  await screen.until(/▶ {2}Task started by orchestrator/)
  await recordCoder(timeline, 'a', ['Looking\naround'])
  await screen.until(/Coder completed/)
  screen.end()
  t.equal(await code, 0)
  const lines = screen.lines.filter((line, index) => index < 2 || !line.startsWith('State:'))
    .map((line) => line.replace(/^\d\d:\d\d:\d\d /, '').replace(/ for \d+m?s/, ''))
  t.same(lines.slice(0, -1), [
    'Task: a', 'State: Working. Nothing runs at the moment, and its status is in_progress.', ' ▶  Task started by orchestrator', ' ⟳  Coder started (codex, gpt-4o)', ' Looking', ' around',
    ' ⚡ exec: npm test', ' ✗  exec: npm test failed (exit 1)'
  ])
  t.same(screen.errors, [])
})

t.test('why says of ten prepared tasks what is right, in one go each', async (t) => {
  const folder = makeFolder(t)
  const tasks = new URL('../prepared/tasks.mjs', import.meta.url)
  const { TASKS } = await import(tasks.href) as { TASKS: Readonly<Record<string, { readonly expected: object }>> }
  const child = fork(new URL('./index.mjs', tasks), [folder], { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' }, silent: true })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  t.equal(Object.keys(TASKS).length, 10)
  for (const [task, { expected }] of Object.entries(TASKS)) {
    const screen = new Screen()
    t.equal(await runCommand(['why', task, '--json', '--database', join(folder, `${task}.db`)], screen), 0)
    t.match(JSON.parse(screen.lines.join('')), expected, task)
  }
})

t.test('why answers in one go whether a task is stuck, why it failed, what it cost, its plan and files', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  const ask = async (...args: string[]) => {
    const screen = new Screen()
    const code = await runCommand([...args, '--database', database], screen)
    return { code, lines: screen.lines, text: screen.lines.join('\n'), errors: screen.errors.join('\n') }
  }
  const run = await timeline.startInvocation({ taskId: 'a', title: 'Fix it', role: 'coder', provider: 'claude', model: 'm1' })
  const say = (type: 'tool_exec' | 'progress' | 'output', message: string, metadata?: Record<string, unknown>) =>
    run.activity({ type, message, timestamp: new Date(), ...(metadata && { metadata }) })
  const call = { callId: '1', tool: 'Bash', input: { command: 'npm test' } }
  say('tool_exec', 'exec: npm test', { ...call, phase: 'start' })
  say('progress', 'Plan', {
    kind: 'plan', entries: [{ content: 'read', status: 'completed' }, { content: 'mend', status: 'in_progress' }]
  })
  await timeline.flush()
  t.match((await ask('why', 'a')).text, /^State: {2}Working for .*npm test/m, 'while it is written')
  say('tool_exec', 'exec: npm test', { ...call, phase: 'end', status: 'error', exitCode: 1, result: 'not ok 1 - adds' })
  say('tool_exec', 'Edit: a.ts', { callId: '2', phase: 'start', tool: 'Edit' })
  say('tool_exec', 'Edit: a.ts', { callId: '2', phase: 'end', tool: 'Edit', status: 'ok', files: [{ path: 'a.ts', added: 2, removed: 1 }] })
  say('output', 'I could not do it.')
  await run.complete({ success: false, error: 'exit 1', exitCode: 1, usage: { inputTokens: 81_200, outputTokens: 7, costUsd: 0.25 } })

  const { code, text, lines } = await ask('why', 'a')
  t.equal(code, 0)
  for (const line of [
    /^Task: {3}Fix it \(a\)$/m, /^State: {2}Failed \S+ ago\. .*: not ok 1 - adds/m, /^Why: {4}tests_failed \(tool, by \S+\) in run 1; /m,
    /First error, event 2: not ok 1 - adds/, /Last word: I could not do it\./, /What to do: \S+/,
    /^Cost: {3}\$0\.25; tokens: 81,200 in, 7 out$/m, /^Plan: {3}1 of 2 done\n {10}✓ read\n {10}▸ mend$/m,
    /^Files: {2}1 file edited\n {10}a\.ts \+2 -1$/m, /^Calls: {2}2 \(1 failed\): /m, /^Time: {3}\S+ in all/m,
    /^Runs: {3}1: 1 failed\n {10}1 Coder \(claude, m1\) failed after \S+: exit 1$/m
  ]) t.match(text, line)
  t.ok(lines.every((line) => line === line.trimEnd()))
  t.same((await ask('why', '--task', 'a')).lines.slice(0, 1), lines.slice(0, 1))
  t.match(JSON.parse((await ask('why', 'a', '--json')).text), { state: 'failed', failure: { code: 'tests_failed' }, calls: { total: 2 } })

  const unknown = await ask('why', 'b')
  t.match(unknown, { code: 1, lines: [], errors: /AGENT_TIMELINE_UNKNOWN_TASK/ })
  t.match(await ask('why', 'b', '--json'), { code: 1, lines: [], errors: /AGENT_TIMELINE_UNKNOWN_TASK/ })

  await timeline.startInvocation({ taskId: 'b', title: 'Ask \u202e', role: 'coder', provider: 'claude' }).then((run) => run.activity({
    type: 'progress', message: 'May I?', timestamp: new Date(), metadata: { kind: 'waiting', waitKind: 'person', what: 'permission to delete' }
  }))
  await timeline.flush()
  t.match((await ask('why', 'b')).text, /^State: {2}Needs you for .*permission to delete/m)
  const listed = await ask('tasks')
  t.match(listed.text, /^Needs you\n {2}b {2}Ask <U\+202E> {2}coder \(claude\) .*permission to delete.*\n\nFailed\n {2}a {2}Fix it {2}.*\$0\.25 · .*not ok 1 - adds\n\n2 tasks: 1 needs you, 1 failed$/)
  t.equal((JSON.parse((await ask('tasks', '--json')).text) as { tasks: Array<{ title: string }> }).tasks[0]?.title, 'Ask \u202e', 'JSON is exact')
  t.match((await ask('tasks', '--state', 'failed', '--limit', '1')).text, /^Failed\n {2}a/)
  t.match((await ask('tasks', '--q', 'nothing like it')).text, /^No task\.$/)
  const pieces: string[] = []
  const write = async (_stream: string, piece: Buffer) => pieces.push(String(piece)) > 0
  const screen = Object.assign(new Screen(), { write })
  t.equal(await runCommand(['export', 'a', '--database', database, '--format', 'ndjson'], screen), 0)
  t.same(pieces.join('').trimEnd().split('\n').map((line) => JSON.parse(line)), (await timeline.getTimeline('a')).timeline)
  t.match(await ask('export', 'c'), { code: 1, lines: [], errors: /AGENT_TIMELINE_UNKNOWN_TASK/ })
  t.match(await ask('export', 'a', '--format', 'pdf'), { code: 2, errors: /--format is 'html' or 'ndjson'/ })
  t.match(await ask('tasks', '--state', 'tired'), { code: 2, errors: /AGENT_TIMELINE_INVALID_STATE/ })
})

t.test('tail says when the state changes', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  const screen = new Screen()
  const code = runCommand(['tail', 'a', '--database', database], screen)
  await screen.until(/^State: Working/)
  run.activity({
    type: 'progress', message: 'May I?', timestamp: new Date(), metadata: { kind: 'waiting', waitKind: 'person', what: 'permission' }
  })
  await screen.until(/^State: Needs you for .*permission/)
  await run.fail(new Error('spawn claude ENOENT'))
  await screen.until(/^State: Failed/)
  screen.end()
  t.equal(await code, 0)
})

t.test('what controls a terminal is shown, whoever wrote it', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  // The clipboard, a link, a cleared screen, a line written over, C1, and text turned around.
  const hostile = 'a\u001b]52;c;eA==\u0007\u001b]8;;http://x\u001b\\\u001b[2Jb\rc\u009b2J\u202ed\u2066\u001b[31me'
  const shown = 'a\u241b]52;c;eA==\u2407\u241b]8;;http://x\u241b\\\u241b[2Jb c<U+009B>2J<U+202E>d<U+2066>e'
  await timeline.logInvocation({
    taskId: 'a', title: hostile, role: hostile, provider: hostile, model: hostile
  }, async (run) => {
    for (const type of ['output', 'error', 'progress', 'tool_exec'] as const) {
      run.onActivity({ type, message: hostile, timestamp: new Date() })
    }
    throw new Error(hostile)
  }).catch(() => {})
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.failed', actor: hostile, message: hostile })
  await timeline.recordTaskEvent({ taskId: 'a', type: 'task.rejected', actor: hostile })
  const screen = new Screen()
  const code = runCommand(['tail', '--database', database, '--task', 'a'], screen)
  await screen.until(/Task rejected/)
  screen.end()
  t.equal(await code, 0)
  t.equal(screen.lines[0], `Task: ${shown}`)
  t.ok(screen.lines.length >= 8)
  for (const args of [[hostile], ['tail', `--${hostile}`], ['tail', '--database', hostile, '--task', 'a'],
    ['run', '--database', database, '--task', 'a', '--role', 'r', '--', hostile]]) await runCommand(args, screen)
  t.ok(screen.errors.length >= 4)
  const warned = once(process, 'warning')
  const logged: string[] = []
  const log = (_details: object, message: string): void => { logged.push(message) }
  createSafeLogger({ error: log, warn: log, info: log, debug: log }).warn({}, hostile)
  createSafeLogger(processLogger).warn({ err: timelineError('AGENT_TIMELINE_NOT_A_DATABASE', [hostile]) }, hostile)
  const [warning] = await warned as [Error]
  t.same(logged, [shown])
  // eslint-disable-next-line no-control-regex
  const obeyed = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
  for (const line of [...screen.lines, ...screen.errors, warning.message]) t.notMatch(line, obeyed)
})

t.test('migrate may run twice; serve answers until it is told to end', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const timeline = await openTimeline({ database })
  await recordCoder(timeline)
  await timeline.close()
  for (let i = 0; i < 2; i++) {
    const screen = new Screen()
    t.equal(await runCommand(['migrate', '--database', database], screen), 0)
    await screen.until(/ had nothing to add: it has everything that migration 010 adds$/)
  }
  const screen = new Screen()
  const code = runCommand(['serve', '--database', database, '--port', '0'], screen)
  const url = await screen.until(/^http:\/\/127\.0\.0\.1:\d+\/timeline\/$/)
  const response = await fetch(new URL('/api/tasks/a/timeline', url))
  t.equal((await response.json() as { timeline: object[] }).timeline.length, 5)
  t.equal((await fetch(new URL('/', url))).url, url)
  screen.end()
  t.equal(await code, 0)
})
