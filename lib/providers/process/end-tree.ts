import type { ProcessEntry } from './process-table.js'
import { signalProcesses, stillRunning, type ProcessTree } from './process-tree.js'
import { performance, sleep } from '../../time/timers.js'

/** How a tree was ended. */
export interface TreeEnd {
  /** How many processes were signalled. */
  readonly signalled: number
  /** What could not be ended: another user's, or stuck in the kernel. */
  readonly survivors: readonly number[]
}

const POLL_MS = 25
/** How long to go on sending SIGKILL to what appears meanwhile. */
const KILL_MS = 300

/**
 * Ends every process of a tree: SIGTERM (or what is given as `first`) to all, `graceMs`, SIGKILL to what is left and to
 * what came after.
 *
 * Settles as soon as nothing lives, at the latest 0.3 s after the grace. Nothing is sent to a tree that is
 * gone already.
 */
export async function endTree (
  tree: ProcessTree, graceMs: number, first: NodeJS.Signals = 'SIGTERM'
): Promise<TreeEnd> {
  const signalled = new Set<number>()
  const now = (): number => performance.now()
  const killAt = now() + graceMs
  const giveUpAt = killAt + KILL_MS
  let living = await signalNew(tree, signalled, first)
  while (living.length > 0 && now() < killAt) {
    await sleep(Math.min(POLL_MS, Math.max(1, killAt - now())))
    living = await stillRunning(living)
    // What a dying parent still started is only seen by looking again.
    if (living.length === 0) living = await signalNew(tree, signalled, 'SIGTERM')
  }
  while (living.length > 0) {
    living = [...await tree.collect()]
    for (const { pid } of living) signalled.add(pid)
    signalProcesses(living, 'SIGKILL')
    if (now() >= giveUpAt) break
    await sleep(POLL_MS)
    living = await stillRunning(living)
    if (living.length === 0) living = [...await tree.collect()]
  }
  return { signalled: signalled.size, survivors: (await stillRunning(living)).map(({ pid }) => pid) }
}

async function signalNew (tree: ProcessTree, signalled: Set<number>, signal: NodeJS.Signals): Promise<ProcessEntry[]> {
  const entries = [...await tree.collect()]
  signalProcesses(entries, signal)
  for (const { pid } of entries) signalled.add(pid)
  return entries
}
