import type { Clock } from '../time/clock.js'
import { currentOwner, isSuspended, judgeOwner, parseOwner } from './owner.js'
import type { RunningRow } from '../insight/running-row.js'
import type { ProcessSign } from '../insight/evidence.js'
import { performance } from '../time/timers.js'

/** Runs of one process are looked at together: one look serves for so many milliseconds. */
const KEEP_MS = 500

const TIDY_MS = 60_000
/** A process that was alive when it was looked at and has given a sign since need not be looked at for so long. */
const HEARD_MS = 2_500

/** What is known of a writer's process. */
interface Look {
  readonly sign: ProcessSign
  /** The newest sign of life, in milliseconds since the epoch by its own clock. */
  heartbeatAt: number
  /** When the newest sign of life was first seen, by our clock. */
  heardAt: number
  readonly lookedAt: number
}

/**
 * Looks at the processes of runs: at one that gives signs of life hardly ever, at any other at most twice a second.
 *
 * @param writerId the writer of this process, whose runs need no looking at
 * @param monotonic milliseconds that never jump
 */
export function createProcessLook (
  writerId: string, monotonic: Clock = () => performance.now()
): (row: RunningRow) => ProcessSign {
  const self = currentOwner()
  const looks = new Map<string, Look>()
  let tidiedAt = -Infinity

  return (row) => {
    if (row.writerId === undefined) return 'unrecorded'
    if (row.writerId === writerId) return 'alive'
    const { writerId: id, heartbeatAt = -Infinity } = row
    const at = monotonic()
    const known = looks.get(id)
    if (known !== undefined) {
      if (known.sign === 'alive' && heartbeatAt > known.heartbeatAt) {
        known.heartbeatAt = heartbeatAt
        known.heardAt = at
      }
      if (at - known.lookedAt <= KEEP_MS || at - known.heardAt <= HEARD_MS) return known.sign
    }
    if (at - tidiedAt > TIDY_MS) tidy(at)
    const sign = look(row.owner)
    looks.set(id, { sign, heartbeatAt, heardAt: -Infinity, lookedAt: at })
    return sign
  }

  /** Of writers that are gone nobody asks. */
  function tidy (at: number): void {
    tidiedAt = at
    for (const [id, { heardAt, lookedAt }] of looks) {
      if (at - Math.max(heardAt, lookedAt) > TIDY_MS) looks.delete(id)
    }
  }

  function look (json: string | undefined): ProcessSign {
    const owner = parseOwner(json)
    const verdict = judgeOwner(owner, self)
    if (verdict !== 'alive') return verdict === 'dead' ? 'dead' : 'elsewhere'
    return isSuspended(owner) ? 'suspended' : 'alive'
  }
}
