import { isTimelineError, timelineError, type ErrorCode, type TimelineError } from '../../errors.js'
import { clearTimeout, setTimeout } from '../../time/timers.js'
import { codedError } from '../store-error.js'
import type { Database, OpeningLimits } from './database.js'

export interface LateDatabaseOptions<Opened extends Database> {
  /** Names it until it is open. */
  readonly path: string
  /** @throws a coded error */
  readonly open: (opening: OpeningLimits) => Promise<Opened>
  readonly opening: OpeningLimits | undefined
  /** Told of each attempt that failed. */
  readonly onFailure: (error: TimelineError) => void
  /** Told when it can be used, unless that was so in time. */
  readonly onOpened: (database: Opened) => void
}

/** A database that may not be usable yet. */
export interface LateDatabase<Opened extends Database> extends Database {
  /** Undefined until it can be used. */
  readonly opened: Opened | undefined
}

/** How long whoever opens it waits for the first attempt, in milliseconds. */
const FIRST_ATTEMPT_MS = 2_000
/** How long an attempt waits for a lock at each of its steps, in milliseconds. */
const PATIENCE_MS = 1_000
/** Between two attempts, in milliseconds, growing from the first to the second. */
const PAUSE_MS = [100, 2_000] as const

/** No database, but a mistake in the options, which nothing that happens later mends. */
const MISTAKES: ReadonlySet<ErrorCode> = new Set(['AGENT_TIMELINE_INVALID_OPTION', 'AGENT_TIMELINE_UNSUPPORTED_DATABASE'])

/**
 * Opens a database that may not be usable yet: until it is, everything about it fails with the reason, and it is tried
 * again with pauses. Resolves after the first attempt, or after {@link FIRST_ATTEMPT_MS}.
 *
 * @throws AGENT_TIMELINE_UNSUPPORTED_DATABASE, AGENT_TIMELINE_INVALID_OPTION
 */
export async function openLateDatabase<Opened extends Database> (
  options: LateDatabaseOptions<Opened>
): Promise<LateDatabase<Opened>> {
  const ending = new AbortController()
  let database: Opened | undefined
  let problem = timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE')
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let attempt: Promise<void> = Promise.resolve()
  let isClosing = false
  /** Whoever opened it goes on without it. */
  let isLate = false
  /** What a database is owed when it is opened was tried in vain until now. */
  let owesUpkeep = false

  async function open (): Promise<void> {
    const opening = { patienceMs: PATIENCE_MS, signal: ending.signal }
    try {
      const opened = await options.open(opening)
      if (ending.signal.aborted) return await opened.close()
      database = opened
      owesUpkeep = isLate
      if (isLate) options.onOpened(opened)
    } catch (error) {
      problem = codedError(error)
      if (ending.signal.aborted) return
      if (failures++ === 0 && MISTAKES.has(problem.code)) throw problem
      options.onFailure(problem)
      const pauseMs = Math.min(PAUSE_MS[0] * 2 ** Math.min(failures - 1, 10), PAUSE_MS[1]) * (0.75 + Math.random() / 2)
      timer = setTimeout(() => { attempt = open() }, pauseMs).unref()
    }
  }

  function present (): Opened {
    if (isClosing) throw timelineError('AGENT_TIMELINE_CLOSED')
    if (database === undefined) throw problem
    return database
  }

  async function release (): Promise<void> {
    ending.abort()
    clearTimeout(timer)
    await attempt.catch(() => {})
    await database?.close()
  }

  attempt = open()
  await firstOf(attempt, FIRST_ATTEMPT_MS, options.opening?.signal)
  isLate = database === undefined

  return {
    get opened () { return database },
    get path () { return database?.path ?? options.path },
    get host () { return present().host },
    get lockRetries () { return database?.lockRetries ?? 0 },
    get reopenings () { return database?.reopenings ?? 0 },
    get wasMigrated () { return database?.wasMigrated ?? false },
    write: async (work, patienceMs) => present().write(work, patienceMs),
    lockPause: async () => present().lockPause(),
    read: async (query) => present().read(query),
    repair: async () => present().repair(),
    usedBytes: async () => present().usedBytes(),
    isBusy: (error) => database?.isBusy(error) ?? false,
    isOfDatabase: (error) => database?.isOfDatabase(error) ?? isTimelineError(error),
    storeError: (error, outcome) => database?.storeError(error, outcome) ?? codedError(error),

    async repairIfChanged () {
      const wasRepaired = await present().repairIfChanged()
      const isDue = owesUpkeep
      owesUpkeep = false
      return wasRepaired || isDue
    },

    async close (written) {
      if (database !== undefined) return database.close(written)
      isClosing = written === undefined
      if (written === undefined) await release()
      else written.then(release).catch(() => {})
    }
  }
}

/** Waits for work that goes on, if need be, when nobody waits for it any more. @throws what the work throws in time */
async function firstOf (work: Promise<void>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => resolve(), { once: true })
  })
  work.catch(() => {})
  try {
    await Promise.race([work, enough])
  } finally {
    clearTimeout(timer)
  }
}
