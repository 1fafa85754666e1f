import {
  holdsAny, readChildren, readDescriptor, readProcess, readProcessTable, type ProcessEntry
} from './process-table.js'
import { nextTurn } from '../../time/timers.js'

/** What belongs to one run: the process that was started and everything that it started. */
export interface ProcessTree {
  /** Remembers what lives now, so that it is still known when its parent is gone. Cheap. */
  note (): Promise<void>
  /** Every living process of the tree, found by parentage, process group, environment marker and earlier notes. */
  collect (): Promise<readonly ProcessEntry[]>
  /** Signals, without waiting for anything, what is known: all that can be done while this process exits. */
  signalKnown (signal: NodeJS.Signals): void
  /** From now on whoever holds the run's pipes belongs to the tree, too (Linux). Costs a look at every open file. */
  includePipeHolders (): void
  /**
   * From now on what was detached on purpose is none of the tree: what is in a session of its own, or has sent its
   * output to a file or a device and holds none of the run's pipes (the latter on Linux).
   *
   * @returns whether any of these holds the pipes
   */
  leaveDetached (): Promise<boolean>
}

/** How a tree is recognised. */
export interface ProcessTreeOptions {
  readonly pid: number
  /** The root leads a process group of its own (it was started `detached`). */
  readonly ownsGroup: boolean
  /** Descriptors of the root that lead to pipes of ours. */
  readonly pipes: readonly number[]
  /** Environment variable that only this run's processes have. */
  readonly marker?: string
}

/**
 * Watches the processes of one run.
 *
 * Parentage alone is not enough: agents run tools in sessions of their own, and what outlives its parent is adopted by
 * pid 1. Hence a marker in the environment (as build servers do it), notes taken while the run goes on and, in the end,
 * a look at who still holds the pipes.
 */
export function createProcessTree ({ pid: rootPid, ownsGroup, pipes, marker }: ProcessTreeOptions): ProcessTree {
  const known = new Map<number, string>()
  const root = process.platform === 'linux' ? readProcess(rootPid) : undefined
  let rootStart = root?.startTime
  const rootSession = root?.session ?? rootPid
  const pipeNames = pipes.map((fd) => readDescriptor(rootPid, fd) ?? '').filter((name) => /^(socket|pipe):/.test(name))
  let isHolderIncluded = false
  let isDetachedLeft = false
  if (rootStart !== undefined) known.set(rootPid, rootStart)

  function remember (entry: ProcessEntry): void {
    if (entry.pid === rootPid) rootStart ??= entry.startTime
    known.set(entry.pid, entry.startTime)
  }

  function noteKnown (pid: number): void {
    if (readProcess(pid)?.startTime !== known.get(pid)) known.delete(pid)
    else noteChildren(pid)
  }

  function noteChildren (pid: number): void {
    for (const child of readChildren(pid)) {
      if (known.has(child)) continue // walked from the list of known ones
      const entry = readProcess(child)
      if (entry === undefined) continue
      remember(entry)
      noteChildren(child)
    }
  }

  async function rememberHolders (table: readonly ProcessEntry[]): Promise<void> {
    for (const [index, entry] of table.entries()) {
      if (index % 20 === 0) await nextTurn()
      if (entry.pid !== process.pid && holdsAny(entry.pid, pipeNames)) remember(entry)
    }
  }

  function isDetached ({ pid, session }: ProcessEntry): boolean {
    // A pipe leads to somebody of the tree, as with a tool's server that waits for its client.
    const isRedirected = (): boolean => /^\//.test(readDescriptor(pid, 1) ?? '') && !holdsAny(pid, pipeNames)
    return session !== rootSession || isRedirected()
  }

  function select (table: readonly ProcessEntry[]): Map<number, ProcessEntry> {
    const current = table.find((entry) => entry.pid === rootPid)
    const isRootReused = current !== undefined && rootStart !== undefined && current.startTime !== rootStart
    const selected = new Map<number, ProcessEntry>()
    for (const entry of table) {
      const isRoot = entry.pid === rootPid && !isRootReused
      const isInGroup = ownsGroup && entry.pgid === rootPid && !isRootReused
      const isKnown = known.get(entry.pid) === entry.startTime
      if (isRoot || isInGroup || isKnown || entry.isMarked) selected.set(entry.pid, entry)
    }
    for (let grown = true; grown;) {
      grown = false
      for (const entry of table) {
        if (selected.has(entry.pid) || !selected.has(entry.ppid)) continue
        selected.set(entry.pid, entry)
        grown = true
      }
    }
    selected.delete(process.pid)
    selected.delete(1)
    if (isDetachedLeft) for (const entry of selected.values()) if (isDetached(entry)) selected.delete(entry.pid)
    return selected
  }

  return {
    async note () {
      if (process.platform === 'linux') for (const pid of [...known.keys()]) noteKnown(pid)
      else for (const entry of select(await readProcessTable()).values()) remember(entry)
    },
    async collect () {
      const table = await readProcessTable(marker)
      if (isHolderIncluded) await rememberHolders(table)
      const entries = [...select(table).values()]
      for (const entry of entries) remember(entry)
      return entries
    },
    signalKnown (signal) {
      if (process.platform === 'linux') for (const pid of [...known.keys()]) noteKnown(pid)
      const entries = [...known].map(([pid, startTime]) => ({ pid, startTime }))
      signalProcesses(entries.length > 0 ? entries : [{ pid: rootPid, startTime: '' }], signal)
    },
    async leaveDetached () {
      const table = await readProcessTable(marker)
      const left = [...select(table).values()].filter(isDetached)
      isDetachedLeft = true
      return left.some(({ pid }) => holdsAny(pid, pipeNames))
    },
    includePipeHolders () { isHolderIncluded = process.platform === 'linux' && pipeNames.length > 0 }
  }
}

/** Those of the processes that still run; a reused pid does not count. */
export async function stillRunning (entries: readonly ProcessEntry[]): Promise<ProcessEntry[]> {
  if (process.platform === 'linux') return entries.filter((entry) => readProcess(entry.pid)?.startTime === entry.startTime)
  const table = new Map((await readProcessTable()).map(({ pid, startTime }) => [pid, startTime]))
  return entries.filter(({ pid, startTime }) => table.get(pid) === startTime)
}

/** Sends a signal to each, unless its pid has gone to another process meanwhile. */
export function signalProcesses (
  entries: ReadonlyArray<Pick<ProcessEntry, 'pid' | 'startTime'>>, signal: NodeJS.Signals
): void {
  for (const entry of entries) {
    if (process.platform === 'linux' && readProcess(entry.pid)?.startTime !== entry.startTime) continue
    try {
      process.kill(entry.pid, signal)
    } catch {} // ended meanwhile, or not ours to signal
  }
}
