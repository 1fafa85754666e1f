import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isTimelineError, timelineError } from '../../lib/errors.js'
import { EventLines } from '../../lib/view/event-lines.js'
import type { Logger } from '../../lib/logger.js'
import { checkTaskId } from '../../lib/options.js'
import { toVisible } from '../../lib/text/plain-text.js'
import { MAX_LIST_LIMIT } from '../../lib/store/limits.js'
import type { Summaries } from '../../lib/live/summaries.js'
import type { TaskSummary } from '../../lib/model/answers.js'
import { openCore } from '../../lib/open-core.js'
import { systemClock } from '../../lib/time/clock.js'
import { formatState } from '../../lib/view/task-answer.js'
import { migrate, moveTimeline } from '../../lib/migrate.js'
import { isPostgresSource, placeOf } from '../../lib/store/engines.js'
import { printExport, tasks, why } from './answer-commands.js'
import { OPTIONS, allowedHosts, existing, given, limit, required, wholeNumber, type Values } from './arguments.js'
import { loadFormats } from './load-formats.js'
import { runRecorded, type RecordedCommand, type Exit } from './run-command.js'

/** Where a command writes, and how it is told to end. */
export interface Terminal {
  print (line: string): void
  printError (line: string): void
  /** Passes bytes on; resolves with false when nobody reads them any more. */
  write (stream: 'stdout' | 'stderr', chunk: Buffer): Promise<boolean>
  /** Aborted with the name of the signal that it comes from, or with an error of stdout. */
  readonly signal: AbortSignal
}

const HELP = `Usage: agent-timeline <command> [options]

  serve    --database FILE [--port 3000] [--host 127.0.0.1] [--allowed-host NAME]...
           serves the pages and the API of a database that a runner, or run, has made;
           under addresses, localhost and the names that are given, as those of a proxy
  run      --database FILE --task ID --role ROLE [--title TEXT] [--provider NAME] [--model NAME]
           [--timeout MS] [--silence-timeout MS] [--format-module FILE]... -- COMMAND [ARGUMENT]...
           runs a command and records it, also what Claude Code, Codex and Gemini CLI print as JSON;
           its input, output and exit code are the command's
           [--acp [--prompt TEXT] [--auth-method ID]]: an agent of the Agent Client Protocol; without --prompt it
           is given what comes in on stdin; prints what it says; exit code 0 when its turn ended well, else 1
  tail     TASK --database FILE [--after NUMBER]
           prints what a task's agents do while they do it, and each time its state changes, until it is interrupted
  why      TASK --database FILE [--json]
           stuck or not, on what, why it failed, what it cost, how far its plan is, which files: what is known of a task
  tasks    --database FILE [--state STATE,...] [--q TEXT] [--limit NUMBER] [--cursor CURSOR] [--json]
           the tasks, worst first; TEXT is looked for in their titles, ids, errors and commands
  export   TASK --database FILE [--format html|ndjson]
           prints a task as a file: a page that needs nothing else, with the answer and the whole log, or an event a line
  migrate  --database FILE
           adds what a database lacks; harmless when there is nothing to add
           --from FILE --to postgres://...: carries everything to PostgreSQL, numbers included, and compares it; stop
           what writes to FILE before. Where it was ended in the middle, the same again goes on
  demo     [--port 3000] [--allowed-host NAME]...
           plays a recorded session of a real agent, so that there is something to look at

  --help, --version

TASK may be given as --task TASK, too. --json prints one line of JSON. None of them deletes anything, however old.
Exit codes: 0 done or answered, whatever the answer is; 1 failed, with a code: no such file, unknown task; 2 not
understood; of run: those of the command, 127 where it was not found, 126 where it could not be started.`

interface Command {
  readonly options: ReadonlyArray<keyof typeof OPTIONS>
  /** Takes a command line behind `--`. */
  readonly takesWords?: boolean
  /** Takes the id of a task behind its name, as an option or without. */
  readonly takesTask?: boolean
  /** @returns how to end, where that is not 0 */
  run (values: Values, terminal: Terminal, words: readonly string[]): Promise<Exit | undefined>
}

const COMMANDS = new Map<string, Command>([
  ['serve', { options: ['database', 'port', 'host', 'allowed-host'], run: serve }],
  ['run', {
    options: [
      'database', 'task', 'role', 'title', 'provider', 'model', 'timeout', 'silence-timeout', 'format-module', 'acp', 'prompt',
      'auth-method'
    ],
    takesWords: true,
    run: record
  }],
  ['tail', { options: ['database', 'task', 'after'], takesTask: true, run: tail }],
  ['migrate', { options: ['database', 'from', 'to'], run: runMigration }],
  ['demo', { options: ['port', 'allowed-host'], run: demo }],
  ['why', { options: ['database', 'task', 'json'], takesTask: true, run: (values, terminal) => why(values, answering(terminal)) }],
  ['tasks', {
    options: ['database', 'state', 'q', 'limit', 'cursor', 'json'], run: (values, terminal) => tasks(values, answering(terminal))
  }],
  ['export', {
    options: ['database', 'task', 'format'],
    takesTask: true,
    run: (values, terminal) => printExport(values, answering(terminal))
  }]
])

/** Runs one command of the command line. @returns its exit code, or the signal to end by */
export async function runCommand (args: readonly string[], given: Terminal): Promise<Exit> {
  // Titles, names and messages are shown, not obeyed, whoever prints them; a recorded command's own words pass.
  const terminal: Terminal = {
    ...given,
    signal: given.signal,
    print: (line) => { given.print(toVisible(line)) },
    printError: (line) => { given.printError(toVisible(line)) }
  }
  try {
    const end = args.indexOf('--')
    const words = end === -1 ? [] : args.slice(end + 1)
    const before = end === -1 ? args : args.slice(0, end)
    const { values: options, positionals } = parse(before)
    if (options.help === true || positionals.join() === 'help') {
      given.print(HELP)
      return 0
    }
    const [name, ...rest] = positionals
    const command = COMMANDS.get(name ?? '')
    if (options.version === true) {
      terminal.print(await version())
      return 0
    }
    const hasTask = command?.takesTask === true && rest.length === 1 && options.task === undefined
    const values = hasTask ? { ...options, task: rest[0] as string } : options
    if (command === undefined || (rest.length > 0 && !hasTask)) {
      if (name === undefined) given.printError(HELP)
      const known = `the commands are ${[...COMMANDS.keys()].join(', ')}`
      throw usageError(name === undefined ? known : `there is no ${positionals.join(' ')}; ${known}`)
    }
    if (words.length > 0 && command.takesWords !== true) throw usageError(`${name} runs no command`)
    for (const option of Object.keys(values)) {
      if (!(command.options as readonly string[]).includes(option)) {
        const known = command.options.map((one) => `--${one}`).join(', ')
        throw timelineError('AGENT_TIMELINE_UNKNOWN_OPTION', [`--${option}`, known])
      }
    }
    return await command.run(values, terminal, words) ?? 0
  } catch (err) {
    return report(err, terminal)
  }
}

async function serve (values: Values, terminal: Terminal): Promise<undefined> {
  const database = existing(values)
  const port = values.port === undefined ? 3000 : wholeNumber('--port', values.port, 65_535)
  const host = values.host === undefined ? '127.0.0.1' : required('--host', values.host)
  const names = allowedHosts(values)
  const [{ default: fastify }, { default: agentTimeline }] = await Promise.all([
    import('fastify'), import('../agent-timeline.js')
  ])
  const app = fastify({ logger: { level: 'warn', stream: { write: (line: string) => terminal.printError(line.trimEnd()) } } })
  try {
    await app.register(agentTimeline, { database, allowedHosts: names, monitoring: { activityLogRetention: 0 } })
    app.get('/', async (_request, reply) => reply.redirect('/timeline/'))
    await app.listen({ port, host })
    const { port: actual } = app.server.address() as AddressInfo
    terminal.print(`http://${host.includes(':') ? `[${host}]` : host}:${actual}/timeline/`)
    if (!terminal.signal.aborted) await once(terminal.signal, 'abort')
  } finally {
    await app.close()
  }
}

async function version (): Promise<string> {
  const file = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { version: string }).version
}

/** The example, as a process of its own: it is an orchestrator like any other. */
async function demo (values: Values, { signal }: Terminal): Promise<Exit> {
  const port = values.port === undefined ? 3000 : wholeNumber('--port', values.port, 65_535)
  const example = fileURLToPath(new URL('../../examples/orchestrator.js', import.meta.url))
  const allowed = allowedHosts(values).flatMap((name) => ['--allowed-host', name])
  const child = spawn(process.execPath, [example, '--port', String(port), ...allowed], { stdio: 'inherit' })
  signal.addEventListener('abort', () => child.kill('SIGTERM'))
  const [code, ended] = await once(child, 'close') as [number | null, NodeJS.Signals | null]
  return ended ?? code ?? 1
}

function answering (terminal: Terminal): Parameters<typeof why>[1] {
  return { print: terminal.print, write: terminal.write, logger: loggerOf(terminal) }
}

async function tail (values: Values, terminal: Terminal): Promise<undefined> {
  const { print, signal } = terminal
  const database = existing(values)
  const taskId = checkTaskId(required('TASK', values.task))
  const after = values.after === undefined ? 0 : wholeNumber('--after', values.after, Number.MAX_SAFE_INTEGER)
  const logger = loggerOf(terminal)
  // A reader must not apply its own idea of how long to keep things.
  const { timeline, summaries } = await openCore({ database, create: false, activityLogRetention: 0, logger })
  let stop = (): void => {}
  try {
    const summary = await summaries.of(taskId)
    print(`Task: ${summary.task.title ?? taskId}`)
    stop = sayStates(summary, summaries, print)
    const { invocations } = await timeline.listInvocations({ taskId, limit: MAX_LIST_LIMIT })
    const lines = new EventLines(invocations)
    for await (const event of timeline.events({ taskId, after, signal })) {
      const line = lines.format(event)
      if (line !== undefined) print(line)
      else if (event.type === 'invocation.activity' && event.activityType !== 'tool_exec') {
        for (const word of lines.formatOutput(event)) print(word)
      }
    }
  } finally {
    stop()
    await timeline.close()
  }
}

/** The state of a task, and each that it comes into: no event says that it is stuck. @returns how to stop */
function sayStates (
  told: TaskSummary, summaries: Summaries, print: Terminal['print']
): () => void {
  let { state } = told
  const say = (summary: TaskSummary): void => { print(`State: ${formatState(summary, systemClock())}`) }
  say(told)
  return summaries.watch(told, (_frame, summary) => {
    if (summary.state === state) return
    state = summary.state
    say(summary)
  })
}

async function record (values: Values, terminal: Terminal, words: readonly string[]): Promise<Exit> {
  const database = required('--database', values.database)
  const [taskId, role] = [checkTaskId(required('--task', values.task)), required('--role', values.role)]
  if (words.length === 0) throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['--', 'and a command behind it are missing'])
  const meta = { taskId, role, ...given(values, ['title', 'provider', 'model']) }
  const formats = await loadFormats(values['format-module'] ?? [])
  const ending = new AbortController()
  // What is wrong with our own stdout is told to the command, by its own.
  const end = (): void => { if (typeof terminal.signal.reason === 'string') ending.abort(terminal.signal.reason) }
  if (terminal.signal.aborted) end()
  terminal.signal.addEventListener('abort', end)
  return await runRecorded({
    words,
    database,
    meta,
    formats,
    ...limit('timeout', '--timeout', values.timeout),
    ...limit('silenceTimeout', '--silence-timeout', values['silence-timeout']),
    signal: ending.signal,
    passOn: terminal.write,
    ...(values.acp === true && { acp: acpOptions(values) }),
    logger: loggerOf({ ...terminal, printError: (line) => { terminal.printError(`agent-timeline: ${line}`) } })
  })
}

function acpOptions (values: Values): NonNullable<RecordedCommand['acp']> {
  const { prompt, 'auth-method': authMethod } = given(values, ['prompt', 'auth-method'])
  return { ...(prompt !== undefined && { prompt }), ...(authMethod !== undefined && { authMethod }) }
}

async function runMigration (values: Values, terminal: Terminal): Promise<Exit | undefined> {
  if (values.from !== undefined || values.to !== undefined) return move(values, terminal)
  const database = existing(values)
  const { wasApplied } = await migrate(database)
  // An address may hold a password.
  const name = isPostgresSource(database) ? await placeOf(database) : database
  terminal.print(`${name} ${wasApplied ? 'was migrated: it has' : 'had nothing to add: it has'} everything that migration 010 adds`)
}

/** Between two words of how far it has come, in milliseconds. */
const PROGRESS_MS = 2_000

async function move (values: Values, { print, printError, signal }: Terminal): Promise<Exit | undefined> {
  if (values.database !== undefined) throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['--database', 'is not given with --from and --to'])
  const to = required('--to', values.to)
  const from = existing(values, 'from')
  let saidAt = systemClock()
  try {
    const { rows, sha256 } = await moveTimeline({
      from,
      to,
      signal,
      onProgress (table, count) {
        if (systemClock() - saidAt < PROGRESS_MS) return
        saidAt = systemClock()
        printError(`${table}: ${count}`)
      }
    })
    print(`${from} was carried to ${await placeOf(to)}: ${Object.entries(rows).map(([table, count]) => `${table} ${count}`).join(', ')}`)
    print(`Both have the same rows: sha256 ${sha256}`)
  } catch (err) {
    if (!signal.aborted || typeof signal.reason !== 'string') throw err
    printError('Not done yet: the same command goes on where this one was ended')
    return signal.reason as NodeJS.Signals
  }
}

/** @throws AGENT_TIMELINE_UNKNOWN_OPTION, AGENT_TIMELINE_INVALID_OPTION */
function parse (args: readonly string[]): { readonly values: Values, readonly positionals: string[] } {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (err) {
    const { code, message } = err as NodeJS.ErrnoException
    const option = /--[\w-]+|-\w/.exec(message.replace(/-\w, /, ''))?.[0] ?? message
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const known = Object.keys(OPTIONS).map((name) => `--${name}`).join(', ')
      throw timelineError('AGENT_TIMELINE_UNKNOWN_OPTION', [option, known], err)
    }
    const problem = /does not take/.test(message)
      ? 'takes no value'
      : `needs a value; one that begins with a dash is given as ${option}=-1`
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [option, problem], err)
  }
}

function usageError (problem: string): Error {
  return timelineError('AGENT_TIMELINE_INVALID_COMMAND_LINE', [problem])
}

function report (err: unknown, { printError }: Terminal): number {
  const { code = '', message } = err as { code?: string, message: string }
  const isUsage = /_(OPTION|TASK_ID|COMMAND_LINE|INVALID_STATE|INVALID_QUERY|INVALID_LIMIT|INVALID_CURSOR|INVALID_REQUEST)$/.test(code)
  printError(isTimelineError(err) ? `${code}: ${message}` : message)
  if (isUsage) printError('Try agent-timeline --help')
  if (code === 'AGENT_TIMELINE_NOT_MIGRATED') printError('Try agent-timeline migrate --database FILE')
  return isUsage ? 2 : 1
}

/** Warnings and errors as one line each. */
function loggerOf ({ printError }: Terminal): Logger {
  const show = (details: object, message?: string): void => {
    const { err } = details as { err?: Error }
    printError([message ?? String(details), err?.message].filter((part) => part !== undefined).join(': '))
  }
  return { error: show, warn: show, info () {}, debug () {} }
}
