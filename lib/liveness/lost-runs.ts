import { debug } from '../debug.js'
import { publish } from '../lifecycle.js'
import type { Meter } from '../meter.js'
import type { OwnedRun, Upkeep } from '../store/port.js'
import { kindOf } from '../store/store-error.js'
import type { Troubles } from '../store/troubles.js'
import { currentOwner, judgeOwner, parseOwner } from './owner.js'
import type { Silences } from './silences.js'

export interface LostRunsOptions {
  readonly store: Pick<Upkeep, 'ownedRuns' | 'endLostRun'>
  /** The writer of this process, whose runs are known to live. */
  readonly writerId: string
  /** A run whose owner cannot be judged from here is given up after so long without a heartbeat. */
  readonly ownerLeaseMs: number
  /** By invocation: how long the owners that cannot be judged have been silent. */
  readonly silences: Silences
  /** Whose sign of life is younger than this, in milliseconds, is not looked at. Default 0: everybody is. */
  readonly freshMs?: number
  readonly troubles: Pick<Troubles, 'tell'>
  /** Told of each run that is ended. */
  readonly meter: Pick<Meter, 'lostRunEnded'>
}

/**
 * Ends the runs whose process is gone: failed, with reason `lost`.
 *
 * Death is proven by process, start time, boot and pid namespace together. A missed heartbeat proves nothing where the
 * process can be looked at; where it cannot, the lease decides, counted from when we saw the last heartbeat come.
 *
 * @returns the tasks of the runs that were ended
 */
export async function endLostRuns (options: LostRunsOptions): Promise<readonly string[]> {
  const { store, meter, troubles, freshMs = 0 } = options
  const lost = findLost(await store.ownedRuns(freshMs), options)
  for (const run of lost) {
    try {
      if (!(await store.endLostRun(run))) continue
      meter.lostRunEnded()
      const { taskId, invocationId } = run
      debug.liveness('run %d of task %s is ended as lost', invocationId, taskId)
      publish('invocation.lost', () => ({ taskId, invocationId }))
    } catch (error) {
      // A lock is everybody's; anything else is the matter of this run, and keeps no other from its end.
      if (kindOf(error) === 'busy') throw error
      troubles.tell(error)
    }
  }
  return [...new Set(lost.map((run) => run.taskId))]
}

function findLost (
  runs: readonly OwnedRun[], { writerId, ownerLeaseMs, silences }: LostRunsOptions
): readonly OwnedRun[] {
  const self = currentOwner()
  const verdicts = new Map<string, ReturnType<typeof judgeOwner>>()
  silences.keep(new Set(runs.map((run) => run.invocationId)))
  return runs.filter((run) => {
    if (run.writerId === writerId) return false
    let verdict = verdicts.get(run.writerId)
    if (verdict === undefined) {
      verdicts.set(run.writerId, verdict = judgeOwner(parseOwner(run.owner), self))
      debug.liveness('writer %s: %s', run.writerId, verdict)
    }
    if (verdict !== 'unknown') return verdict === 'dead'
    return silences.since(run.invocationId, run.sign) > ownerLeaseMs
  })
}
