import { watchTree, encodeTree, type WatchedTree } from '../insight/process-tree.js'
import { callsOf, type Progress } from '../insight/progress.js'
import { toRunningCall } from '../insight/running-call.js'
import type { Clock } from '../time/clock.js'
import { readTree, type TreeReading } from './process-sample.js'

/** A run of this process, as far as its agent's processes are looked at. */
export interface SampledRun {
  /** Undefined while it is not stored. */
  readonly id: number | undefined
  /** The agent's; undefined where nobody has told it. */
  readonly agentPid: number | undefined
  readonly progress: Progress
}

export interface TreeSamplerOptions {
  /** Those that have not ended. */
  readonly runs: () => Iterable<SampledRun>
  /** The clock that the times of calls are of. */
  readonly now: Clock
  /** Given what is to be stored of a run. */
  readonly onSample: (invocationId: number, tree: string) => void
  /** For tests. Default: {@link readTree}. */
  readonly read?: typeof readTree
}

export interface TreeSampler {
  /** Looks at what is due; to be called after each commit, and every few seconds. Synchronous, never throws. */
  look (): void
}

/** Most commands are over by then; milliseconds. */
const FROM_MS = 30_000
const INTERVAL_MS = 10_000
/** Until it is known whether an agent's commands run below it at all. */
const EARLY_INTERVAL_MS = 2_000
/** An agent may have started a command a moment before it says so. */
const SLACK_MS = 2_000

interface Watch {
  /**
   * A process has begun below this agent while a command was open. One whose commands run elsewhere, by a shell on
   * another machine or by its client, never has any, and that says nothing.
   */
  spawnsHere: boolean
  /** When the newest of the open commands began. */
  newest: number
  lookedAt: number
  rootStart: string | undefined
  /** At the first look at this command. */
  reaped: number | undefined
  tree: WatchedTree | undefined
}

/**
 * Looks at the processes of agents while a command is open, sparingly: from 30 s on, every 10 s; earlier only until it
 * is known that commands run below the agent. On Linux alone: elsewhere nothing is looked at.
 */
export function createTreeSampler ({ runs, now, onSample, read = readTree }: TreeSamplerOptions): TreeSampler {
  const watches = new WeakMap<SampledRun, Watch>()

  function lookAt (run: SampledRun, id: number, pid: number): void {
    const starts = commandStarts(run.progress)
    if (starts.length === 0) return
    const [at, newest] = [now(), Math.max(...starts)]
    const watch = watchOf(run, newest)
    const isEarly = at - newest < FROM_MS
    if (isEarly && watch.spawnsHere) return
    if (Math.abs(at - watch.lookedAt) < (isEarly ? EARLY_INTERVAL_MS : INTERVAL_MS)) return
    watch.lookedAt = at
    const reading = read(pid, at - Math.min(...starts) + SLACK_MS)
    if (reading === null || !isKnown(watch, reading) || isEarly) return
    const isSame = reading?.rootStart === watch.rootStart
    const { started: processes, cpuMs, ioBytes } = reading === undefined || !isSame ? NOTHING_LEFT : reading
    watch.tree = watchTree(watch.tree, { processes, cpuMs, ioBytes, sampledAt: at })
    onSample(id, encodeTree(watch.tree))
  }

  function watchOf (run: SampledRun, newest: number): Watch {
    let watch = watches.get(run)
    if (watch === undefined) {
      watches.set(run, watch = { ...NEW_COMMAND, newest, spawnsHere: false, rootStart: undefined })
    } else if (watch.newest !== newest) {
      Object.assign(watch, NEW_COMMAND, { newest })
    }
    return watch
  }

  return {
    look () {
      if (process.platform !== 'linux') return
      for (const run of runs()) {
        const { id, agentPid, progress } = run
        if (id !== undefined && agentPid !== undefined && progress.calls.size > 0) lookAt(run, id, agentPid)
      }
    }
  }
}

const NEW_COMMAND = { lookedAt: -Infinity, reaped: undefined, tree: undefined }
const NOTHING_LEFT = { started: 0, cpuMs: 0, ioBytes: 0 }

/** When the commands began that the agent waits for, in milliseconds since the epoch. */
function commandStarts (progress: Progress): number[] {
  return callsOf(progress).flatMap((call) => {
    const { step, isBackground } = toRunningCall(call, call.startedAt, undefined)
    return (step === 'shell' || step === 'build') && !isBackground ? [call.startedAt] : []
  })
}

/** Whether a look says something of the command. */
function isKnown (watch: Watch, reading: TreeReading | undefined): boolean {
  // The agent itself is gone, or another process has its pid.
  if (reading === undefined || (watch.rootStart !== undefined && watch.rootStart !== reading.rootStart)) {
    return watch.rootStart !== undefined
  }
  watch.rootStart = reading.rootStart
  watch.spawnsHere ||= reading.started > 0 || (watch.reaped !== undefined && reading.reaped > watch.reaped)
  watch.reaped ??= reading.reaped
  return watch.spawnsHere
}
