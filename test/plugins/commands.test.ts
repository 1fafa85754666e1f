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
    [['tail', 'more'], 2, /the commands are/],
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
  const lines = screen.lines.map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))
  t.same(lines.slice(0, -1), [
    'Task: a', ' ▶  Task started by orchestrator', ' ⟳  Coder started (codex, gpt-4o)', ' Looking', ' around',
    ' ⚡ exec: npm test', ' ✗  exec: npm test failed (exit 1)'
  ])
  t.same(screen.errors, [])
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
