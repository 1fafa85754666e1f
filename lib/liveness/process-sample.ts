import { readFileSync, readdirSync } from 'node:fs'

/** What the processes below one have done so far. */
export interface TreeReading {
  /** What tells the process itself from a later one with the same pid. */
  readonly rootStart: string
  /** The living descendants that started after the moment that was asked for. */
  readonly started: number
  /** Processor time of all living descendants, and of what they have waited for, in milliseconds. */
  readonly cpuMs: number
  /** What they have read and written, in bytes. */
  readonly ioBytes: number
  /** Grows whenever the process or a descendant has waited for the end of a child, and never otherwise. */
  readonly reaped: number
}

/** Clock ticks a second in /proc, whatever those of the kernel are: see sysconf(3), USER_HZ. */
const TICKS_A_SECOND = 100
/** Whoever has more starts them faster than anybody can look. */
const MAX_PROCESSES = 2_000

/**
 * Looks at the descendants of a process, by the children of its threads: never at all of /proc. Some 50 µs a process.
 *
 * @param sinceMs how many milliseconds ago a descendant must have started at most to count as started
 * @returns undefined where the process is gone; null where nobody can know: there is no such /proc, or it is hidden
 */
export function readTree (pid: number, sinceMs: number): TreeReading | null | undefined {
  const root = readStat(pid)
  if (root === undefined) return undefined
  const uptime = Number(read('/proc/uptime')?.split(' ')[0])
  const direct = readChildren(pid)
  if (direct === undefined || !Number.isFinite(uptime)) return readStat(pid) === undefined ? undefined : null
  const since = (uptime - sinceMs / 1000) * TICKS_A_SECOND
  let started = 0
  let ticks = 0
  let ioBytes = 0
  let { reaped } = root
  const waiting = [...direct]
  const seen = new Set(waiting)
  while (waiting.length > 0 && seen.size <= MAX_PROCESSES) {
    const child = waiting.pop() as number
    const stat = readStat(child)
    if (stat === undefined) continue
    if (Number(stat.start) >= since) started++
    ticks += stat.ticks
    reaped += stat.reaped
    ioBytes += readIo(child)
    for (const next of readChildren(child) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      waiting.push(next)
    }
  }
  return { rootStart: root.start, started, cpuMs: ticks * 1000 / TICKS_A_SECOND, ioBytes, reaped }
}

/** Undefined for one that is gone, a zombie included. */
function readStat (pid: number): { start: string, ticks: number, reaped: number } | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // Field 3 on; the name in field 2 may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  // utime, stime, cutime, cstime
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  // cminflt: whatever has run has touched some pages.
  return { start: fields[19] ?? '', ticks, reaped: Number(fields[8]) }
}

/** Of all of its threads; undefined where the kernel does not tell. */
function readChildren (pid: number): number[] | undefined {
  const first = read(`/proc/${pid}/task/${pid}/children`)
  if (first === undefined) return undefined
  const others = threadsOf(pid).filter((thread) => thread !== String(pid))
    .map((thread) => read(`/proc/${pid}/task/${thread}/children`) ?? '')
  return [first, ...others].flatMap((pids) => pids.split(' ').filter(Boolean).map(Number))
}

function threadsOf (pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** 0 where it may not be known, as of another user's process. */
function readIo (pid: number): number {
  const lines = read(`/proc/${pid}/io`) ?? ''
  return Number(/^rchar: (\d+)/m.exec(lines)?.[1] ?? 0) + Number(/^wchar: (\d+)/m.exec(lines)?.[1] ?? 0)
}

function read (path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
