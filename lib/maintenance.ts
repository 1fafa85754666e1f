import { timelineError } from './errors.js'
import { createAwakeClock } from './time/awake-clock.js'
import type { Clock } from './time/clock.js'
import type { Logger } from './logger.js'
import type { Meter } from './meter.js'
import { createHeartbeat } from './liveness/heartbeat.js'
import { endLostRuns } from './liveness/lost-runs.js'
import { createSilences } from './liveness/silences.js'
import { createTreeSampler } from './liveness/tree-sampler.js'
import type { Recorder } from './recorder/recorder.js'
import type { Upkeep } from './store/port.js'
import type { Troubles } from './store/troubles.js'
import { createSteadyClock } from './time/steady-clock.js'
import { clearInterval, setInterval } from './time/timers.js'

export interface MaintenanceOptions {
  readonly store: Upkeep
  readonly recorder: Pick<Recorder, 'running'>
  readonly writerId: string
  readonly troubles: Troubles
  readonly logger: Logger
  readonly meter: Meter
  readonly now: Clock
  readonly onCommit: (taskIds: readonly string[]) => void
  /** Another file is in the place of the one that was open. */
  readonly onReopened: () => void
  readonly activityLogRetention: number
  readonly maxDatabaseBytes: number | undefined
  readonly heartbeatIntervalMs: number
  readonly ownerLeaseMs: number
}

/** What goes on beside the runs: signs of life, runs of the dead, rows past their time. */
export interface Maintenance {
  /** How often the open runs were marked as alive. */
  readonly heartbeats: number
  /** A run begins. */
  runBegins (): void
  /** A batch is committed: it is a sign of life by itself. */
  batchCommitted (): void
  /** The first round: what opening a database owes. */
  readonly opened: Promise<void>
  /** Resolves when nothing of it touches the database any more. */
  stop (): Promise<void>
}

const UPKEEP_INTERVAL_MS = 10 * 60 * 1000

export function startMaintenance (options: MaintenanceOptions): Maintenance {
  const { store, troubles, now, heartbeatIntervalMs } = options
  const awake = createAwakeClock()
  const silences = createSilences(awake.now)
  /** What is deleted by its age cannot be brought back when the clock is set right. */
  let deletionClock: Clock | undefined
  let isStopped = false
  let isTooLarge = false
  let isFirstLook = true
  let reopenings = store.reopenings
  const heartbeat = createHeartbeat({
    intervalMs: heartbeatIntervalMs,
    logger: options.logger,
    beatHere: (trees) => store.beat(heartbeatIntervalMs, trees),
    startThread: store.startHeartbeat
  })

  const sampler = createTreeSampler({
    runs: () => options.recorder.running, now, onSample: (id, tree) => { heartbeat.note(id, tree) }
  })

  /** One after the other; what fails is tried again with the next round. */
  function createQueue () {
    let last: Promise<void> = Promise.resolve()
    return {
      idle: () => last,
      round (work: () => Promise<void>): Promise<void> {
        last = last.then(async () => {
          if (!isStopped) await work()
        }).catch((error) => {
          if (!isStopped) troubles.tell(error)
        })
        return last
      }
    }
  }

  // Two queues: a backfill that takes minutes must not keep the dead looking alive.
  const watch = createQueue()
  const chores = createQueue()
  let isWatching = false
  let isShared = false

  async function watchOver (): Promise<void> {
    if (isWatching) return
    isWatching = true
    for (const work of [lookAtTables, beat, bury, lookForAnother]) await watch.round(work)
    isWatching = false
  }

  /** The host has rebuilt a table, or added a column that we fill. */
  async function lookAtTables (): Promise<void> {
    if (await store.repairIfChanged()) void chores.round(upkeep)
    if (store.reopenings === reopenings) return
    reopenings = store.reopenings
    options.onReopened()
  }

  /** The host has loaded another copy of SQLite since, and opened the file with it. */
  async function lookForAnother (): Promise<void> {
    const err = isShared ? undefined : store.conflict()
    if (err === undefined) return
    isShared = true
    options.logger.error({ code: err.code, err },
      'another SQLite library has opened the database in this process: what is written now may be lost')
  }

  function beat (): Promise<void> {
    sampler.look()
    return heartbeat.round(options.recorder.running.size > 0)
  }

  async function bury (): Promise<void> {
    // Of a crowd of processes each would look at all others, in every round.
    const freshMs = isFirstLook ? 0 : Math.min(heartbeatIntervalMs * 1.25, heartbeatIntervalMs + 500)
    isFirstLook = false
    const taskIds = await endLostRuns({ ...options, silences, freshMs })
    if (taskIds.length > 0) options.onCommit(taskIds)
  }

  async function upkeep (): Promise<void> {
    const works: ReadonlyArray<() => Promise<unknown>> = [
      () => store.backfill(() => isStopped),
      () => store.refreshTasks(() => isStopped),
      async () => store.forgetWriters(await steadyNow()),
      () => store.sweepOrphans(),
      async () => store.prune({ ...options, now: await steadyNow(), isStopped: () => isStopped, onTooLarge })
    ]
    // What keeps one of them from its work need not keep the others.
    for (const work of works) {
      if (isStopped) return
      await work().catch((error) => { if (!isStopped) troubles.tell(error) })
    }
  }

  function onTooLarge (): void {
    if (isTooLarge) return
    isTooLarge = true
    const { code, message } = timelineError('AGENT_TIMELINE_DATABASE_TOO_LARGE')
    options.logger.warn({ code, maxDatabaseBytes: options.maxDatabaseBytes }, message)
  }

  async function steadyNow (): Promise<Clock> {
    deletionClock ??= createSteadyClock({ wall: now, awake: awake.now, startAt: await store.plausibleNow(options) })
    return deletionClock
  }

  const timers = [
    setInterval(() => { void watchOver() }, heartbeatIntervalMs).unref(),
    setInterval(() => { void chores.round(upkeep) }, UPKEEP_INTERVAL_MS).unref()
  ]
  void watchOver()
  const opened = chores.round(upkeep)

  return {
    get heartbeats () { return heartbeat.beats },
    runBegins: heartbeat.begin,
    batchCommitted () {
      heartbeat.written()
      sampler.look()
    },
    opened,
    async stop () {
      isStopped = true
      awake.stop()
      for (const timer of timers) clearInterval(timer)
      await Promise.all([watch.idle(), chores.idle(), heartbeat.stop()])
    }
  }
}
