import { toIso, type Clock } from './clock.js'
import type { Logger } from './logger.js'
import type { Recorder } from './recorder/recorder.js'
import { backfill } from './store/backfill.js'
import type { Database } from './store/database.js'
import { sweepOrphans } from './store/orphans.js'
import { endLostRuns } from './store/reconcile.js'
import { pruneActivities } from './store/retention.js'

export interface MaintenanceOptions {
  readonly database: Database
  readonly recorder: Pick<Recorder, 'running'>
  readonly writerId: string
  readonly logger: Logger
  readonly now: Clock
  readonly onCommit: (taskIds: readonly string[]) => void
  readonly activityLogRetention: number
  readonly maxDatabaseBytes: number | undefined
  readonly heartbeatIntervalMs: number
  readonly ownerLeaseMs: number
}

/** What goes on beside the runs: signs of life, runs of the dead, rows past their time. */
export interface Maintenance {
  /** The first round: what opening a database owes. */
  readonly opened: Promise<void>
  /** Resolves when nothing of it touches the database any more. */
  stop (): Promise<void>
}

const UPKEEP_INTERVAL_MS = 10 * 60 * 1000

export function startMaintenance (options: MaintenanceOptions): Maintenance {
  const { database, logger, now } = options
  let isStopped = false
  let last: Promise<void> = Promise.resolve()
  const failed = new Set<string>()

  /** One after the other; a failure is logged once per kind and tried again with the next round. */
  function round (name: string, work: () => Promise<void>): Promise<void> {
    last = last.then(async () => {
      if (isStopped) return
      try {
        await work()
        failed.delete(name)
      } catch (err) {
        if (isStopped || failed.has(name)) return
        failed.add(name)
        logger.warn({ err, round: name }, 'upkeep of the timeline failed and is tried again')
      }
    })
    return last
  }

  async function beat (): Promise<void> {
    if (options.recorder.running.size === 0) return
    await database.write((trx) => trx.updateTable('invocation_run').set({ heartbeat_at: toIso(now()) })
      .where('owner', '=', options.writerId).where('status', '=', 'running').execute())
  }

  async function bury (): Promise<void> {
    const taskIds = await endLostRuns(database, options)
    if (taskIds.length > 0) options.onCommit(taskIds)
  }

  async function upkeep (): Promise<void> {
    await backfill(database, now)
    await sweepOrphans(database)
    await pruneActivities(database, { ...options, isStopped: () => isStopped })
  }

  const timers = [
    setInterval(() => { round('heartbeat', beat); round('lost runs', bury) }, options.heartbeatIntervalMs).unref(),
    setInterval(() => { round('upkeep', upkeep) }, UPKEEP_INTERVAL_MS).unref()
  ]
  round('lost runs', bury)
  const opened = round('upkeep', upkeep)

  return {
    opened,
    async stop () {
      isStopped = true
      for (const timer of timers) clearInterval(timer)
      await last
    }
  }
}
