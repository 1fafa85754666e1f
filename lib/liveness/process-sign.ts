import type { Clock } from '../time/clock.js'
import { currentOwner, isSuspended, judgeOwner, parseOwner } from './owner.js'
import type { RunningRow } from '../insight/running-row.js'
import type { ProcessSign } from '../insight/evidence.js'
import { performance } from '../time/timers.js'

/** Runs of one process are looked at together: one look serves for so many milliseconds. */
const KEEP_MS = 500

/**
 * Looks at the processes of runs, at each at most twice a second.
 *
 * @param writerId the writer of this process, whose runs need no looking at
 * @param monotonic milliseconds that never jump
 */
export function createProcessLook (
  writerId: string, monotonic: Clock = () => performance.now()
): (row: RunningRow) => ProcessSign {
  const self = currentOwner()
  const looks = new Map<string, ProcessSign>()
  let lookedAt = -Infinity

  return (row) => {
    if (row.writerId === undefined) return 'unrecorded'
    if (row.writerId === writerId) return 'alive'
    const at = monotonic()
    if (at - lookedAt > KEEP_MS) {
      looks.clear()
      lookedAt = at
    }
    let sign = looks.get(row.writerId)
    if (sign === undefined) looks.set(row.writerId, sign = look(row.owner))
    return sign
  }

  function look (json: string | undefined): ProcessSign {
    const owner = parseOwner(json)
    const verdict = judgeOwner(owner, self)
    if (verdict !== 'alive') return verdict === 'dead' ? 'dead' : 'elsewhere'
    return isSuspended(owner) ? 'suspended' : 'alive'
  }
}
