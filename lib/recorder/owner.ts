import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What identifies a process beyond its pid, which is used again. */
export interface Owner {
  readonly hostname: string
  readonly pid: number
  /** Random per boot of the machine. */
  readonly bootId?: string
  /** The pid namespace: the same pid in another container is another process. */
  readonly pidNamespace?: string
  /** Clock ticks between boot and start of the process. */
  readonly startTime?: string
}

/** This process. */
export function currentOwner (): Owner {
  return {
    hostname: hostname(),
    pid: process.pid,
    ...optional('bootId', bootId()),
    ...optional('pidNamespace', pidNamespace()),
    ...optional('startTime', startTimeOf(process.pid))
  }
}

/**
 * Whether a process is certainly gone: `dead` or `alive` only with proof, which needs the same boot and the same pid
 * namespace; `unknown` from anywhere else.
 */
export function judgeOwner (owner: Owner, self: Owner = currentOwner()): 'alive' | 'dead' | 'unknown' {
  if (owner.bootId === undefined || owner.pidNamespace === undefined) return judgeByHostname(owner, self)
  if (owner.hostname === self.hostname && owner.bootId !== self.bootId && self.bootId !== undefined) return 'dead'
  if (owner.bootId !== self.bootId || owner.pidNamespace !== self.pidNamespace) return 'unknown'
  const startTime = startTimeOf(owner.pid)
  return startTime !== undefined && startTime === owner.startTime ? 'alive' : 'dead'
}

/** Off Linux there is no /proc: a pid that is not in use on the same machine is proof enough. */
function judgeByHostname (owner: Owner, self: Owner): 'dead' | 'unknown' {
  if (owner.hostname !== self.hostname) return 'unknown'
  try {
    process.kill(owner.pid, 0)
    return 'unknown'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'dead' : 'unknown'
  }
}

function bootId (): string | undefined {
  return read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
}

function pidNamespace (): string | undefined {
  return read(() => readlinkSync('/proc/self/ns/pid'))
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and parentheses. A zombie counts as gone. */
function startTimeOf (pid: number): string | undefined {
  return read(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  })
}

function read (get: () => string | undefined): string | undefined {
  try {
    return get()
  } catch {
    return undefined
  }
}

function optional (name: string, value: string | undefined) {
  return value === undefined ? {} : { [name]: value }
}
