import type { Logger } from '../logger.js'
import type { HeartbeatThread, Upkeep } from '../store/port.js'
import { clearImmediate, setImmediate } from '../time/timers.js'

export interface HeartbeatOptions {
  readonly intervalMs: number
  readonly logger: Logger
  /** Marks the open runs as alive from this event loop, and stores what was seen of their processes, by invocation. */
  readonly beatHere: (trees: ReadonlyMap<number, string>) => Promise<void>
  readonly startThread: Upkeep['startHeartbeat']
}

/** Says that this process lives as long as it has open runs. */
export interface Heartbeat {
  /** How often the open runs were marked as alive. */
  readonly beats: number
  /** A run begins: from now on nothing that blocks the event loop makes the process look absent. */
  begin (): void
  /** Something of this process was committed, which shows that it lives: the next beat has time. */
  written (): void
  /** Something was seen of a run's processes: it is stored with the next beat. */
  note (invocationId: number, tree: string): void
  /** To be called once per interval. Beats here where no thread does. */
  round (hasRuns: boolean): Promise<void>
  /** Resolves when nothing of it touches the database any more. */
  stop (): Promise<void>
}

/** A thread without runs is kept this long, in milliseconds: the next run is often near. */
const GRACE_MS = 30_000

/**
 * Beats from a thread of its own, with a connection of its own: an agent's host that blocks its event loop for a
 * minute is alive. Where there can be no thread, the event loop beats as well as it can.
 */
export function createHeartbeat (options: HeartbeatOptions): Heartbeat {
  const { intervalMs, logger, startThread } = options
  let thread: HeartbeatThread | undefined
  let isReady = false
  let canThread = true
  let isStopped = false
  let launch: NodeJS.Immediate | undefined
  let idleMs = 0
  /** What no thread has been given. */
  const trees = new Map<number, string>()
  /** Milliseconds since the epoch. */
  let writtenAt = 0
  /** Beats of this loop and of threads that have ended. */
  let earlier = 0

  function start (): void {
    launch = undefined
    if (thread !== undefined || !canThread || isStopped) return
    try {
      const onReady = (): void => {
        isReady = true
        for (const [id, tree] of trees) thread?.note(id, tree)
        trees.clear()
      }
      thread = startThread({ intervalMs, onReady, onFailure: giveUp })
    } catch (error) {
      giveUp(error)
    }
  }

  function giveUp (err: unknown): void {
    canThread = false
    forget()
    logger.debug({ err }, 'heartbeats come from the event loop: there is no thread for them')
  }

  function forget (): void {
    earlier += thread?.beats ?? 0
    thread = undefined
    isReady = false
  }

  async function stopThread (): Promise<void> {
    const stopping = thread?.stop()
    forget()
    await stopping
  }

  return {
    get beats () { return earlier + (thread?.beats ?? 0) },

    begin () {
      idleMs = 0
      // In this turn the start of the run is queued; an agent that is run synchronously comes after its commit.
      if (thread === undefined && canThread && !isStopped) launch ??= setImmediate(start)
    },

    written () {
      writtenAt = Date.now()
      thread?.written(writtenAt)
    },

    note (invocationId, tree) {
      if (isReady && thread !== undefined) thread.note(invocationId, tree)
      else trees.set(invocationId, tree)
    },

    async round (hasRuns) {
      idleMs = hasRuns ? 0 : idleMs + intervalMs
      if (idleMs > GRACE_MS) await stopThread()
      if (!hasRuns || isReady) return
      // The database may have been opened only after the run had begun.
      start()
      const age = Date.now() - writtenAt
      // The next round is an interval away.
      if (trees.size === 0 && age >= 0 && age < intervalMs / 2) return
      const carried = new Map(trees)
      await options.beatHere(carried)
      for (const [id, tree] of carried) if (trees.get(id) === tree) trees.delete(id)
      earlier++
    },

    async stop () {
      isStopped = true
      clearImmediate(launch)
      await stopThread()
    }
  }
}
