import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { timelineError } from '../../errors.js'
import { startDeadlines, type DeadlineOptions, type StopReason } from './deadlines.js'
import { endTree, type TreeEnd } from './end-tree.js'
import { endWindowsTree, endWindowsTreeAtExit } from './end-windows-tree.js'
import { onHostExit } from './host-exit.js'
import type { Line } from './lines.js'
import { readProcess } from './process-table.js'
import { createProcessTree, type ProcessTree } from './process-tree.js'
import { readLines } from './read-lines.js'
import { spawnCommand } from './spawn-command.js'
import { spawnError } from './spawn-errors.js'
import { endOfText } from '../caps.js'
import { createTail, type Tail } from './tail.js'
import { clearInterval, performance, setInterval, sleep } from '../../time/timers.js'

/** How a process is watched. */
export interface WatchOptions extends DeadlineOptions {
  /** Milliseconds between SIGTERM and SIGKILL; 5,000 by default. */
  readonly killGraceMs?: number
  /** Cap of one line in bytes; 8 MiB by default. What is beyond is dropped and the line marked. */
  readonly maxLineBytes?: number
  readonly onLine: (line: Line) => void
  readonly onErrorLine?: (line: Line) => void
  /** Given the pid once the process has started. */
  readonly onProcess?: (pid: number) => void
  /** Gets every byte before it is read as lines; see {@link PassOn}. */
  readonly passOn?: PassOn
  /** Ends the process as soon as this settles: for servers that do not end by themselves. */
  readonly until?: Promise<unknown>
  /**
   * After an exit by itself, leaves alone what the program detached on purpose; see {@link ProcessTree.leaveDetached}.
   * By default all is ended that it leaves behind.
   */
  readonly leaveDetached?: boolean
  /** Called before the process is ended from outside: {@link until} then gets a moment to settle. */
  readonly askToEnd?: () => void
}

/**
 * Hands on what a program prints. The program waits while the promise is pending; its pipe is closed when it resolves
 * with false.
 */
export type PassOn = (stream: 'stdout' | 'stderr', chunk: Buffer) => Promise<boolean>

/** A program to run. */
export interface RunOptions extends WatchOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Written to stdin, which is then ended; a function that gets the open stdin; or null: that of this process. */
  readonly stdin: string | ((stdin: Writable) => void) | null
}

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly durationMs: number
  /** Present when the run was ended from outside. */
  readonly stopReason?: StopReason
  /** The last 64 KiB of stderr, whole lines. */
  readonly stderrTail: string
  /** Processes of this run that could not be ended; normally empty. */
  readonly survivors: readonly number[]
}

const STDERR_TAIL_BYTES = 65_536
const MAX_ERROR_LINE_BYTES = 16_384
const NOTE_INTERVAL_MS = process.platform === 'linux' ? 1_000 : 5_000
const IDLE_PIPE_MS = 200
/** For what a detached process, which may go on for ever, still prints into the pipes of the run. */
const HELD_PIPE_MS = 1_000
const SETTLE_MS = 100
const ASK_MS = 1_000

/**
 * Runs a program without a shell, in a process group of its own, and settles when its whole process tree is gone.
 *
 * On timeout, silence or abort all processes get SIGTERM and, after the grace, SIGKILL; the promise settles at most one
 * second after the grace, whoever still holds the pipes. What the program leaves behind at its end is ended too.
 *
 * @throws AGENT_TIMELINE_COMMAND_NOT_FOUND, AGENT_TIMELINE_CWD_NOT_FOUND, AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE,
 *   AGENT_TIMELINE_SPAWN_FAILED when it cannot be started
 */
export async function runProcess (options: RunOptions): Promise<ProcessEnd> {
  const { command, args, env, cwd, stdin } = options
  const startedAt = performance.now()
  if (options.signal?.aborted === true) return endOf(startedAt, { stopReason: 'aborted' })
  const marker = `AGENT_TIMELINE_RUN_${randomUUID().replaceAll('-', '')}`
  const isPosix = process.platform !== 'win32'
  let child: ChildProcess
  try {
    child = await spawnCommand(command, args, {
      cwd,
      env: { ...process.env, ...placeOf(cwd), ...env, [marker]: '1' },
      detached: isPosix,
      windowsHide: true,
      stdio: [stdin === null ? 'inherit' : 'pipe', 'pipe', 'pipe']
    })
  } catch (error) {
    throw await spawnError(error, command, cwd)
  }
  child.stdin?.on('error', () => {}) // EPIPE: it ended, or closed its stdin, before it read the prompt
  if (typeof stdin === 'string') child.stdin!.end(stdin)
  else stdin?.(child.stdin!)
  const tree = createProcessTree({ pid: child.pid!, ownsGroup: isPosix, pipes: [1, 2], marker })
  // What cmd.exe could not find is told late.
  let missing: Error | undefined
  child.on('error', (error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') missing = error })
  const end = await watch(child, tree, options, startedAt)
  if (missing !== undefined) throw await spawnError(missing, command, cwd)
  return end
}

/** Programs believe `PWD` before they ask the system; a shell's `cd` sets it, a spawn does not. */
function placeOf (cwd: string | undefined): { PWD?: string } {
  return cwd === undefined || process.platform === 'win32' ? {} : { PWD: resolve(cwd) }
}

/**
 * Watches a process that somebody else started, just as {@link runProcess} does. Its stdin is left alone.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION without a piped stdout; the errors of {@link runProcess} if it never started
 */
export async function watchProcess (child: ChildProcess, options: WatchOptions): Promise<ProcessEnd> {
  if (child.stdout === null) throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['childProcess', 'needs stdio: pipe'])
  const startedAt = performance.now()
  if (child.pid === undefined) {
    const [error] = await once(child, 'error') as [Error]
    throw await spawnError(error, child.spawnfile, undefined)
  }
  const ownsGroup = process.platform === 'linux' && readProcess(child.pid)?.pgid === child.pid
  const tree = createProcessTree({ pid: child.pid, ownsGroup, pipes: child.stderr === null ? [1] : [1, 2] })
  return await watch(child, tree, options, startedAt)
}

async function watch (
  child: ChildProcess, tree: ProcessTree, options: WatchOptions, startedAt: number
): Promise<ProcessEnd> {
  const { killGraceMs = 5_000, maxLineBytes, onLine, onErrorLine, passOn, until, askToEnd } = options
  const isWindows = process.platform === 'win32'
  const endAll = async (graceMs: number, first?: NodeJS.Signals): Promise<TreeEnd> =>
    isWindows ? await endWindowsTree(child) : await endTree(tree, graceMs, first)
  child.on('error', () => {}) // a signal that could not be sent; the tree is signalled by other means
  options.onProcess?.(child.pid as number)
  const deadlines = startDeadlines(options)
  const tail = createTail(STDERR_TAIL_BYTES)
  let heardAt = performance.now()
  const heard = (): void => {
    heardAt = performance.now()
    deadlines.heard()
  }
  const pass = (stream: 'stdout' | 'stderr', keep?: (chunk: Buffer) => void) => (chunk: Buffer): unknown => {
    heard()
    keep?.(chunk)
    return passOn?.(stream, chunk)
  }
  const reading = Promise.all([
    readLines(child.stdout!, { ...(maxLineBytes !== undefined && { maxLineBytes }), onLine, onChunk: pass('stdout') }),
    child.stderr !== null && readLines(child.stderr, {
      maxLineBytes: MAX_ERROR_LINE_BYTES,
      ...(onErrorLine !== undefined && { onLine: onErrorLine }),
      onChunk: pass('stderr', tail.push)
    })
  ]).then(() => 'read' as const)
  const endWithHost = onHostExit(() => {
    if (isWindows) endWindowsTreeAtExit(child)
    else tree.signalKnown('SIGTERM')
  })
  const noting = setInterval(() => { tree.note().catch(() => {}) }, NOTE_INTERVAL_MS)

  const causes: Array<Promise<StopReason | undefined>> = [exited(child), deadlines.reached]
  if (until !== undefined) causes.push(until.then(ended, ended))
  const stopReason = await Promise.race(causes)
  deadlines.clear()
  const graceEndsAt = performance.now() + killGraceMs
  if (stopReason !== undefined && askToEnd !== undefined) {
    askToEnd()
    await Promise.race([until, exited(child), sleep(Math.min(ASK_MS, killGraceMs / 4))])
  }
  clearInterval(noting)
  const graceMs = Math.max(0, graceEndsAt - performance.now())
  // Whoever was ended by a signal had no say in what is to outlive it.
  const isLeaving = options.leaveDetached === true && !isWindows &&
    stopReason === undefined && child.signalCode === null
  const isHeld = isLeaving && await tree.leaveDetached()
  const first = stopReason === 'aborted' ? signalOf(options.signal) : 'SIGTERM'
  let { survivors } = await endAll(graceMs, first)

  // Nobody of the tree holds the pipes any more: what is in them still counts. Somebody who escaped may hold them.
  const drainFrom = performance.now()
  const mayDrain = (): boolean => {
    const idleSince = stopReason === undefined ? Math.max(heardAt, drainFrom) : drainFrom
    const isOver = isHeld && performance.now() - drainFrom > HELD_PIPE_MS
    return !isOver && performance.now() - idleSince < IDLE_PIPE_MS
  }
  let state: 'read' | 'open' = 'open'
  while (state === 'open' && mayDrain()) state = await Promise.race([reading, sleep(20, 'open' as const)])
  if (state === 'open') {
    tree.includePipeHolders()
    survivors = (await endAll(Math.max(0, graceEndsAt - performance.now()))).survivors
  }
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.stderr?.destroy()
  endWithHost()
  await Promise.race([Promise.all([reading, exited(child)]), sleep(SETTLE_MS)])
  return endOf(startedAt, {
    exitCode: child.exitCode,
    signal: child.signalCode,
    ...(stopReason !== undefined && { stopReason }),
    stderrTail: wholeLines(tail),
    survivors
  })
}

/** Where something is gone already, the first word may be half of one. */
function wholeLines (tail: Tail): string {
  const text = tail.text()
  return tail.size < STDERR_TAIL_BYTES ? text : endOfText(`…${text}`, text.length)
}

const ended = (): undefined => undefined

/** An abort may name the signal that it comes from: that is then what the tree gets first. */
function signalOf (signal: AbortSignal | undefined): NodeJS.Signals {
  const reason: unknown = signal?.reason
  return typeof reason === 'string' && reason in constants.signals ? reason as NodeJS.Signals : 'SIGTERM'
}

async function exited (child: ChildProcess): Promise<undefined> {
  if (child.exitCode !== null || child.signalCode !== null) return undefined
  // Where cmd.exe did not find a command, there is an error in the place of `exit`.
  return await new Promise((resolve) => {
    for (const event of ['exit', 'close']) child.once(event, () => { resolve(undefined) })
  })
}

function endOf (startedAt: number, end: Partial<ProcessEnd>): ProcessEnd {
  const durationMs = Math.round(performance.now() - startedAt)
  return { exitCode: null, signal: null, stderrTail: '', survivors: [], ...end, durationMs }
}
