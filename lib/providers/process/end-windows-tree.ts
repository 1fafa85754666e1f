import { execFile, spawnSync, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { TreeEnd } from './end-tree.js'
import { performance, sleep } from '../../time/timers.js'

const TASKKILL_MS = 5_000
const AT_EXIT_MS = 2_000
/** How long what was told to end may take until it is gone. */
const GONE_MS = 1_000
const POLL_MS = 25

/**
 * Ends a process and all that it started, on Windows: there are no signals there, and no list of processes without a
 * program that makes one. `taskkill /T` follows parentage; where it cannot be had, the process alone is ended.
 *
 * Does nothing once the process has ended: its number may be another one's by then.
 *
 * @see https://learn.microsoft.com/windows-server/administration/windows-commands/taskkill
 */
export async function endWindowsTree (child: ChildProcess): Promise<TreeEnd> {
  if (hasEnded(child)) return { signalled: 0, survivors: [] }
  const isDone = await new Promise<boolean>((resolve) => {
    const options = { windowsHide: true, timeout: TASKKILL_MS }
    execFile(taskkill(), commandLine(child), options, (error) => { resolve(error === null) })
  })
  if (!isDone && !hasEnded(child)) kill(child)
  for (const until = performance.now() + GONE_MS; !hasEnded(child) && performance.now() < until;) await sleep(POLL_MS)
  return { signalled: 1, survivors: hasEnded(child) ? [] : [child.pid!] }
}

/** The same while this process exits, when nothing can be waited for but a program. */
export function endWindowsTreeAtExit (child: ChildProcess): void {
  if (hasEnded(child)) return
  const { status } = spawnSync(taskkill(), commandLine(child), {
    windowsHide: true, stdio: 'ignore', timeout: AT_EXIT_MS
  })
  if (status !== 0) kill(child)
}

/** By its whole path: the working directory, where agents write, is searched before PATH. */
function taskkill (): string {
  const { SystemRoot } = process.env
  return SystemRoot === undefined ? 'taskkill' : join(SystemRoot, 'System32', 'taskkill.exe')
}

function commandLine ({ pid }: ChildProcess): string[] {
  return ['/pid', String(pid), '/T', '/F']
}

function kill ({ pid }: ChildProcess): void {
  try {
    process.kill(pid!, 'SIGKILL')
  } catch {} // ended meanwhile
}

function hasEnded ({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
