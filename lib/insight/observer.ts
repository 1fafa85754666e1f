import { toIso, type Clock } from '../time/clock.js'
import type { Health } from '../model/events.js'
import { keyOfUse } from '../model/open-uses.js'
import { adviceOf, canBeAdvised, type Advice } from './advice.js'
import type { ProcessSign, RunWait } from './evidence.js'
import type { KnownUsual } from './expected.js'
import { HEARTBEAT_FRESH_MS } from './limits.js'
import type { Loop } from './loops.js'
import { moveTree } from './process-tree.js'
import { callsOf, type OpenCall } from './progress.js'
import { toRunningCall, type CallKeys } from './running-call.js'
import type { RunningRow } from './running-row.js'
import { judgeRun } from './verdict.js'

/** What else is known of the runs, and of the project that they are in. */
export interface RunMemory {
  readonly usual: KnownUsual
  keysOf (row: RunningRow, call: OpenCall): CallKeys | undefined
  loopOf (row: RunningRow): Loop | undefined
}

export interface ObserverOptions {
  /** The server's wall clock. */
  readonly now: Clock
  /** Milliseconds in which this process was awake: see {@link createAwakeClock}. */
  readonly awake: Clock
  /** Looks at a run's process. */
  readonly lookAt: (row: RunningRow) => ProcessSign
  readonly memory: RunMemory
  /** A run is called quiet, looping or stuck. */
  readonly onAdvice?: (row: RunningRow, advice: Advice) => void
  /** It went on by itself, after so many milliseconds of silence or of its loop. */
  readonly onWentOn?: (row: RunningRow, advice: Advice, afterMs: number) => void
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

/** However little happens: what else is known of a run, its project's history among it, changes as well. */
const LONGEST_HOLD_MS = 30_000

/** What is remembered of a run between two looks. */
interface Sight {
  /** When it was seen or glanced at last. */
  lookedAt: number
  /** Without news the verdict is the same up to then, on the same clock. */
  readonly holdsUntil: number
  readonly process: ProcessSign
  readonly progress: RunningRow['progress']
  readonly activityCount: number
  readonly started: Moment
  readonly moved: Moment
  beat: Moment
  readonly calls: ReadonlyMap<string, Moment>
  readonly waited: Moment | undefined
  readonly told: Moment | undefined
  readonly until: Moment | undefined
  /** Of the silence, in milliseconds. */
  readonly pausedMs: number
  readonly tree: RunningRow['tree']
  /** When its last sample was taken. */
  readonly sampled: Moment | undefined
  readonly health: Health
  /** What it was called and has not been seen to be wrong. */
  readonly advised: readonly Advice[]
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

  /**
   * The verdict on a run that is looked at again and again: the one before, its durations included, as long as nothing
   * has come of the run and none of its limits was reached.
   */
  glance (row: RunningRow): Health {
    const before = this.#sights.get(row.invocationId)
    const process = this.#options.lookAt(row)
    const awakeAt = this.#options.awake()
    const isSame = before !== undefined && before.progress === row.progress &&
      before.activityCount === row.activityCount && before.tree === row.tree && before.process === process && process !== 'suspended' &&
      awakeAt <= before.holdsUntil
    if (!isSame) return this.see(row, process)
    const { heartbeatAt } = row
    if (heartbeatAt !== undefined && heartbeatAt !== before.beat.time) {
      const ageMs = Math.max(0, Math.min(this.#options.now() - heartbeatAt, awakeAt - before.lookedAt))
      before.beat = { time: heartbeatAt, awakeAt: awakeAt - ageMs }
    }
    before.lookedAt = awakeAt
    return before.health
  }

  /** The verdict on a run, by what is stored of it now. */
  see (row: RunningRow, process = this.#options.lookAt(row)): Health {
    const { now, awake, memory } = this.#options
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
    /** The wall clock as it would be, had nobody slept or set it. */
    const timeOf = (moment: Moment) => at + moment.awakeAt - awakeAt

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
    const told = waiting && momentOf(waiting.toldAt ?? waiting.since, before?.told)
    const until = waiting?.until === undefined ? undefined : dueAt(waiting.until)
    const isStill = before !== undefined && moved === before.moved
    // A process that was stopped by a signal is not silent.
    const pausedMs = isStill ? before.pausedMs + (before.process === 'suspended' ? awakeAt - before.lookedAt : 0) : 0
    const silentForMs = Math.max(0, Math.min(age(moved), age(started)) - pausedMs)
    const tree = treeOf(row, open)
    const sampled = tree && momentOf(tree.sample.sampledAt, before?.sampled, at)
    const loop = memory.loopOf(row)
    const advised: Advice[] = []
    // What was learnt from it counts for this verdict already.
    for (const advice of before?.advised ?? []) {
      if (advice.state === 'looping' ? loop !== undefined : isStill) advised.push(advice)
      else if (advice.state === 'looping') this.#options.onWentOn?.(row, advice, advice.afterMs)
      else this.#options.onWentOn?.(row, advice, moved.awakeAt - before!.moved.awakeAt - before!.pausedMs)
    }
    const { health, step, holdsForMs } = judgeRun({
      at,
      startedAt: timeOf(started),
      provider: row.provider,
      silentForMs,
      hasTurn: row.hasActivity && row.progress.hasTurn,
      calls: open.map((call) => toRunningCall(call, timeOf(calls.get(keyOf(call))!), memory.keysOf(row, call))),
      waiting: waiting && waited && told && toRunWait(waiting, timeOf(waited), timeOf(told), until && timeOf(until)),
      loop,
      tree: tree && sampled && moveTree(tree, timeOf(sampled) - tree.sample.sampledAt),
      evidence: { process, heartbeatAgeMs: age(beat) }
    }, memory.usual, before?.health)
    const loopMs = loop === undefined ? 0 : at - loop.since
    const advice = adviceOf(health, step, row.hasActivity ? movedAt : startedAt, loopMs)
    if (advice !== undefined && canBeAdvised({ process }) && !advised.some(({ state }) => state === advice.state)) {
      advised.push(advice)
      this.#options.onAdvice?.(row, advice)
    }
    this.#sights.set(row.invocationId, {
      lookedAt: awakeAt,
      holdsUntil: awakeAt + Math.min(LONGEST_HOLD_MS, holdsForMs),
      process,
      progress: row.progress,
      activityCount: row.activityCount,
      started,
      moved,
      beat,
      calls,
      waited,
      told,
      until,
      pausedMs,
      tree: row.tree,
      sampled,
      health,
      advised
    })
    return health
  }

  /** Forgets all runs but these. */
  keep (ids: ReadonlySet<number>): void {
    for (const id of this.#sights.keys()) if (!ids.has(id)) this.#sights.delete(id)
  }
}

/** What was seen before the newest call says nothing of it. */
function treeOf ({ tree }: RunningRow, open: readonly OpenCall[]): RunningRow['tree'] {
  return tree === undefined || open.some(({ startedAt }) => startedAt > tree.sample.sampledAt) ? undefined : tree
}

function toRunWait (
  { kind, what, until, times = 1 }: NonNullable<RunningRow['progress']['waiting']>,
  since: number, toldAt: number, dueAt: number | undefined
): RunWait {
  return { kind, what, until: dueAt, toldUntil: until === undefined ? undefined : toIso(until), since, toldAt, times }
}

/**
 * Up to when a run's silence counts at first sight. Its process was awake when it gave its last sign; whether it was
 * afterwards, or slept with the whole machine, nobody has seen.
 */
function horizonOf (row: RunningRow, at: number): number {
  if (row.writerId === undefined || row.heartbeatAt === undefined) return at
  return Math.min(at, row.heartbeatAt + HEARTBEAT_FRESH_MS)
}
