import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What identifies a process beyond its pid, which is used again. */
export interface Owner {
  readonly hostname: string
  readonly pid: number
  /** Random per installation of the system; many containers have none. */
  readonly machineId?: string
  /** Random per boot of the machine. */
  readonly bootId?: string
  /** The pid namespace: the same pid in another container is another process. */
  readonly pidNamespace?: string
  /** Clock ticks between boot and start of the process. */
  readonly startTime?: string
}

const NOBODY: Owner = Object.freeze({ hostname: '', pid: 0 })

/** An owner as it is stored. One that cannot be read cannot be judged either. */
export function parseOwner (json: string | null | undefined): Owner {
  try {
    const owner = JSON.parse(json ?? '') as Owner | null
    return typeof owner?.hostname === 'string' && Number.isSafeInteger(owner.pid) ? owner : NOBODY
  } catch {
    return NOBODY
  }
}

/** This process. */
export function currentOwner (): Owner {
  return {
    hostname: hostname(),
    pid: process.pid,
    ...optional('machineId', machineId()),
    ...optional('bootId', bootId()),
    ...optional('pidNamespace', pidNamespace()),
    ...optional('startTime', statOf(process.pid).startTime)
  }
}

/**
 * Whether a process is certainly gone: `dead` or `alive` only with proof, which needs the same boot and the same pid
 * namespace; `unknown` from anywhere else, and where /proc hides the processes of others.
 */
export function judgeOwner (owner: Owner, self: Owner = currentOwner()): 'alive' | 'dead' | 'unknown' {
  if (owner.bootId === undefined || owner.pidNamespace === undefined) return judgeByHostname(owner, self)
  if (isRebooted(owner, self)) return 'dead'
  if (owner.bootId !== self.bootId || owner.pidNamespace !== self.pidNamespace) return 'unknown'
  const { state, startTime } = statOf(owner.pid)
  // What is left of a process until its parent looks is no process any more.
  if (state === 'Z' || state === 'X') return 'dead'
  if (startTime === undefined || owner.startTime === undefined) return isInUse(owner.pid) ? 'unknown' : 'dead'
  return startTime === owner.startTime ? 'alive' : 'dead'
}

/** Whether a process of this machine, known to be alive, was stopped by a signal. False where nobody can know. */
export function isSuspended ({ pid }: Owner): boolean {
  const { state } = statOf(pid)
  return state === 'T' || state === 't'
}

/** The same machine, after a boot. Two machines may go by one name; their ids, where they have them, decide. */
function isRebooted (owner: Owner, self: Owner): boolean {
  if (self.bootId === undefined || owner.bootId === self.bootId || owner.hostname !== self.hostname) return false
  return owner.machineId === undefined || self.machineId === undefined || owner.machineId === self.machineId
}

/**
 * Off Linux there is no /proc: a pid that is not in use on the same machine is proof enough. Whoever has a /proc looks
 * at another system here, whatever its name: a container's host, for example.
 */
function judgeByHostname (owner: Owner, self: Owner): 'dead' | 'unknown' {
  if (owner.hostname !== self.hostname || self.bootId !== undefined) return 'unknown'
  return isInUse(owner.pid) ? 'unknown' : 'dead'
}

/** Also true for a process of another user, which may not be signalled. */
function isInUse (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function machineId (): string | undefined {
  return read(() => readFileSync('/etc/machine-id', 'utf8').trim() || undefined)
}

function bootId (): string | undefined {
  return read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
}

function pidNamespace (): string | undefined {
  return read(() => readlinkSync('/proc/self/ns/pid'))
}

/** Fields 3 and 22 of /proc/PID/stat; the name in field 2 may hold blanks and parentheses. */
function statOf (pid: number): { readonly state?: string, readonly startTime?: string } {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === undefined) return {}
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { ...optional('state', fields[0]), ...optional('startTime', fields[19]) }
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
