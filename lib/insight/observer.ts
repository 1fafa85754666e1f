import { toIso, type Clock } from '../time/clock.js'
import type { Health } from '../model/events.js'
import { keyOfUse } from '../model/open-uses.js'
import type { RunningRow } from './running-row.js'
import type { ProcessSign } from './evidence.js'
import { HEARTBEAT_FRESH_MS } from './floors.js'
import { callsOf, type OpenCall } from './progress.js'
import { judge } from './verdict.js'

export interface ObserverOptions {
  /** The server's wall clock. */
  readonly now: Clock
  /** Milliseconds in which this process was awake: see {@link createAwakeClock}. */
  readonly awake: Clock
  /** Looks at a run's process. */
  readonly lookAt: (row: RunningRow) => ProcessSign
}

/** Something that happened once, on the clock that counts only what was watched. */
interface Moment {
  /** The time it is stored with, in milliseconds since the epoch: another time is another happening. */
  readonly time: number
  readonly awakeAt: number
}

/** An id alone may be that of several calls that are open. */
function keyOf (call: OpenCall): string {
  return `${keyOfUse(call)} ${call.startedAt}`
}

/** What is remembered of a run between two looks. */
interface Sight {
  readonly lookedAt: number
  readonly activityCount: number
  readonly started: Moment
  readonly moved: Moment
  readonly beat: Moment
  readonly calls: ReadonlyMap<string, Moment>
  readonly waited: Moment | undefined
  readonly until: Moment | undefined
  readonly health: Health
}

/**
 * Turns what the store knows into verdicts, one run after the other.
 *
 * Stored times are compared with the wall clock once, when a run is seen for the first time. From then on only the time
 * counts in which this process was awake and watched: a machine that sleeps and a clock that is set change nothing.
 * What is new at a later look happened since the look before.
 */
export class Observer {
  readonly #options: ObserverOptions
  readonly #sights = new Map<number, Sight>()

  constructor (options: ObserverOptions) {
    this.#options = options
  }

  /** The verdict on a run, by what is stored of it now. */
  see (row: RunningRow): Health {
    const { now, awake, lookAt } = this.#options
    const before = this.#sights.get(row.invocationId)
    const at = now()
    const awakeAt = awake()
    const horizon = horizonOf(row, at)

    function momentOf (time: number, known: Moment | undefined, upTo = horizon): Moment {
      if (known?.time === time) return known
      const ageMs = Math.max(0, upTo - time)
      return { time, awakeAt: awakeAt - (before === undefined ? ageMs : Math.min(ageMs, awakeAt - before.lookedAt)) }
    }
    function dueAt (time: number): Moment {
      return before?.until?.time === time ? before.until : { time, awakeAt: awakeAt + time - at }
    }
    const age = (moment: Moment) => Math.max(0, awakeAt - moment.awakeAt)

    const { waiting, movedAt } = row.progress
    const open = callsOf(row.progress)
    const startedAt = row.startedAt ?? row.heartbeatAt ?? at
    const started = before?.started ?? momentOf(startedAt, undefined)
    // Its clock may have been set back: then only the number of activities tells that there was another one.
    const hasMoved = !row.progress.hasBeaten && row.activityCount !== before?.activityCount
    const moved = momentOf(row.hasActivity ? movedAt : startedAt, hasMoved ? undefined : before?.moved)
    // Whatever time another machine's clock puts on it: a sign of life that is new came since the last look.
    const beat = momentOf(row.heartbeatAt ?? row.lastActivityAt ?? startedAt, before?.beat, at)
    const calls = new Map(open.map((call) => [keyOf(call), momentOf(call.startedAt, before?.calls.get(keyOf(call)))]))
    const waited = waiting && momentOf(waiting.since, before?.waited)
    const until = waiting?.until === undefined ? undefined : dueAt(waiting.until)
    const health = judge({
      at,
      provider: row.provider,
      runForMs: age(started),
      silentForMs: Math.min(age(moved), age(started)),
      hasActivity: row.hasActivity,
      calls: open.map((call) => ({ ...call, elapsedMs: age(calls.get(keyOf(call))!) })),
      ...(waiting && waited && {
        waiting: {
          kind: waiting.kind,
          what: waiting.what,
          elapsedMs: age(waited),
          ...(until && { until: toIso(until.time), remainingMs: until.awakeAt - awakeAt })
        }
      }),
      process: lookAt(row),
      heartbeatAgeMs: age(beat)
    }, before?.health)
    const { activityCount } = row
    this.#sights.set(row.invocationId, {
      lookedAt: awakeAt, activityCount, started, moved, beat, calls, waited, until, health
    })
    return health
  }

  /** Forgets all runs but these. */
  keep (ids: ReadonlySet<number>): void {
    for (const id of this.#sights.keys()) if (!ids.has(id)) this.#sights.delete(id)
  }
}

/**
 * Up to when a run's silence counts at first sight. Its process was awake when it gave its last sign; whether it was
 * afterwards, or slept with the whole machine, nobody has seen.
 */
function horizonOf (row: RunningRow, at: number): number {
  if (row.writerId === undefined || row.heartbeatAt === undefined) return at
  return Math.min(at, row.heartbeatAt + HEARTBEAT_FRESH_MS)
}
