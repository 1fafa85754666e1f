import { execFile } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { nextTurn } from '../../time/timers.js'

/** One process at one moment. `pid` and `startTime` together name it: a pid alone is used again. */
export interface ProcessEntry {
  readonly pid: number
  readonly ppid: number
  readonly pgid: number
  /** The session on Linux, the process group elsewhere, where none is told. */
  readonly session: number
  /** Opaque; clock ticks since boot on Linux, `ps`'s date elsewhere. */
  readonly startTime: string
  /** The environment it was started with has the marker that was asked for. */
  readonly isMarked: boolean
}

const ENTRIES_PER_TURN = 50

/**
 * All living processes. Linux: /proc, giving the event loop back every 50 entries; elsewhere `ps`.
 * Zombies are left out: they have ended. Empty where neither works, and on Windows.
 *
 * @param marker name of an environment variable to look for (Linux only)
 */
export async function readProcessTable (marker?: string): Promise<ProcessEntry[]> {
  if (process.platform === 'win32') return []
  if (process.platform !== 'linux') return await readPs()
  const entries: ProcessEntry[] = []
  let seen = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    if (++seen % ENTRIES_PER_TURN === 0) await nextTurn()
    const entry = readProcess(Number(name), marker)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}

/** One living process by its pid (Linux), or undefined. */
export function readProcess (pid: number, marker?: string): ProcessEntry | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name in parentheses may itself contain spaces and parentheses (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return {
    pid,
    ppid: Number(fields[1]),
    pgid: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19] ?? '',
    isMarked: marker !== undefined && hasVariable(readText(`/proc/${pid}/environ`), marker)
  }
}

/** The pids of the children of a process, as far as the kernel tells (Linux, CONFIG_PROC_CHILDREN). */
export function readChildren (pid: number): number[] {
  const text = readText(`/proc/${pid}/task/${pid}/children`)
  return text === undefined || text === '' ? [] : text.trim().split(' ').map(Number)
}

/** What a file descriptor of a process leads to, for example `socket:[12345]` (Linux). */
export function readDescriptor (pid: number, fd: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`)
  } catch {
    return undefined
  }
}

/** Whether a process has one of these sockets or pipes open (Linux). */
export function holdsAny (pid: number, pipes: readonly string[]): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => pipes.includes(readDescriptor(pid, fd) ?? ''))
  } catch {
    return false
  }
}

/** Reads the answer of `ps -A -o pid=,ppid=,pgid=,stat=,lstart=`. */
export function parsePs (output: string): ProcessEntry[] {
  const entries: ProcessEntry[] = []
  for (const line of output.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line)
    if (match === null || match[4]!.startsWith('Z')) continue
    const [pid, ppid, pgid] = [Number(match[1]), Number(match[2]), Number(match[3])]
    entries.push({ pid, ppid, pgid, session: pgid, startTime: match[5]!, isMarked: false })
  }
  return entries
}

async function readPs (): Promise<ProcessEntry[]> {
  return await new Promise((resolve) => {
    execFile('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,lstart='], { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } },
      (error, stdout) => { resolve(error === null ? parsePs(stdout) : []) })
  })
}

function hasVariable (environ: string | undefined, name: string): boolean {
  return environ !== undefined && (environ.startsWith(`${name}=`) || environ.includes(`\0${name}=`))
}

function readText (path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined // gone meanwhile, or another user's
  }
}
