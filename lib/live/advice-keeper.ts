import { adviceOutcome } from '../insight/advice-outcome.js'
import type { Advice } from '../insight/advice.js'
import type { RunningRow } from '../insight/running-row.js'
import { createUsual } from '../insight/usual.js'
import type { Logger } from '../logger.js'
import type { Meter } from '../meter.js'
import type { VerdictReport } from '../model/answers.js'
import type { AdviceStore, GivenAdvice, SettledAdvice } from '../store/advice.js'
import { toIso, type Clock } from '../time/clock.js'
import { reportVerdicts } from '../view/verdict-report.js'

export interface AdviceKeeperOptions {
  readonly store: AdviceStore
  readonly meter: Pick<Meter, 'advised' | 'advisedWrongly'>
  readonly logger: Logger
  readonly now: Clock
}

/**
 * Keeps what runs were called that somebody should look at, and what became of it. Never throws, keeps nobody waiting.
 */
export interface AdviceKeeper {
  /** A run is called quiet, looping or stuck. */
  given (row: RunningRow, advice: Advice): void
  /** It went on by itself. */
  wentOn (row: RunningRow, advice: Advice, afterMs: number): void
  /** Finds out what became of runs that nobody watched, or that ended; to be called now and then. */
  look (): void
  /** How often runs were called what, and how often wrongly. */
  report (): Promise<VerdictReport>
  /** Resolves when nothing of it touches the database any more. */
  close (): Promise<void>
}

const LOOK_MS = 20_000
/** While the database cannot be written; older ones are forgotten. */
const MAX_WAITING = 1_000
/** A report is of so many; older ones say little of how good the rules are today. */
const REPORTED = 10_000
/** False alarms are remembered for so long, in milliseconds. */
export const REMEMBERED_MS = 90 * 24 * 3_600_000

export function createAdviceKeeper ({ store, meter, logger, now }: AdviceKeeperOptions): AdviceKeeper {
  let given: GivenAdvice[] = []
  let settled: SettledAdvice[] = []
  let work: Promise<void> = Promise.resolve()
  let isPlanned = false
  let isTroubled = false
  let isClosed = false
  let lookedAt = -Infinity

  async function write (): Promise<void> {
    isPlanned = false
    // In this order: what went on at once was called so before.
    for (const { state } of await take(given, store.add)) meter.advised(state)
    for (const { state, outcome } of await take(settled, store.settle)) if (outcome === 'went_on') meter.advisedWrongly(state)
    isTroubled = false
  }

  /** What cannot be stored is tried again with the next. */
  async function take<T> (waiting: T[], store: (taken: readonly T[]) => Promise<readonly T[]>): Promise<readonly T[]> {
    if (waiting.length === 0) return []
    const taken = [...waiting]
    const stored = await store(taken)
    waiting.splice(0, taken.length)
    return stored
  }

  async function settle (): Promise<void> {
    for (const open of await store.open()) {
      const outcome = adviceOutcome(open)
      if (outcome !== undefined) settled.push({ ...open, ...outcome })
    }
    await write()
  }

  function run (job: () => Promise<void>): void {
    if (isClosed) return
    work = work.then(job).catch((err) => {
      if (isTroubled || isClosed) return
      isTroubled = true
      logger.warn({ err }, 'what runs were called cannot be stored at the moment')
    })
  }

  function plan (): void {
    if (given.length > MAX_WAITING) given = given.slice(-MAX_WAITING)
    if (settled.length > MAX_WAITING) settled = settled.slice(-MAX_WAITING)
    if (isPlanned) return
    isPlanned = true
    run(write)
  }

  return {
    given ({ invocationId, taskId }, advice) {
      given.push({ ...advice, invocationId, taskId, at: toIso(now()) })
      plan()
    },
    wentOn ({ invocationId }, { state, step, mark }, afterMs) {
      settled.push({ invocationId, state, step, mark, outcome: 'went_on', outcomeMs: afterMs })
      plan()
    },
    look () {
      if (Math.abs(now() - lookedAt) < LOOK_MS) return
      lookedAt = now()
      run(settle)
    },
    async report () {
      run(settle)
      await work
      const usual = createUsual()
      for (const { step, state, silentForMs } of await store.longestWrong(toIso(now() - REMEMBERED_MS))) {
        if (state !== 'looping') usual.wasFalse(step, silentForMs, state)
      }
      return reportVerdicts(await store.newest(REPORTED), usual)
    },
    async close () {
      isClosed = true
      await work
    }
  }
}
