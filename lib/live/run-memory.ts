import { toEndedCall } from '../insight/ended-call.js'
import type { Step } from '../insight/limits.js'
import { RunLoops, type Loop } from '../insight/loops.js'
import type { RunMemory } from '../insight/observer.js'
import { callsOf, type OpenCall, type Progress } from '../insight/progress.js'
import { callKey, chainKey, toRunningCall, type CallKeys } from '../insight/running-call.js'
import type { RunningRow } from '../insight/running-row.js'
import { createUsual, usualTimes, type SilentState, type UsualTimes } from '../insight/usual.js'
import type { AdviceStore } from '../store/advice.js'
import type { CallHistory } from '../store/call-history.js'
import { toIso, type Clock } from '../time/clock.js'
import { performance } from '../time/timers.js'
import { REMEMBERED_MS } from './advice-keeper.js'

export interface StoredMemoryOptions {
  readonly history: CallHistory
  /** Silences that were called quiet or stuck and were no fault. */
  readonly advice: Pick<AdviceStore, 'longestWrong'>
  /** The server's wall clock. */
  readonly now: Clock
  /** Milliseconds that never jump. */
  readonly monotonic?: Clock
}

/** What is stored of calls that are over, as far as verdicts on those that run need it. */
export interface StoredMemory extends RunMemory {
  /** Reads what is new since the last time; to be called before these runs are judged. */
  load (rows: readonly RunningRow[]): Promise<void>
  wasFalse (step: Step, silentForMs: number, state: SilentState): void
  /** Forgets all runs but these. */
  keep (ids: ReadonlySet<number>): void
}

/** How long the history of a command is believed, in milliseconds. */
const FRESH_MS = 60_000
/** A run's calls are read at most so often, in milliseconds: a loop is one for minutes. */
const READ_CALLS_MS = 10_000
/** Most calls are over before their history could matter. */
const OPEN_FOR_MS = 2_000
/** Of a run that is seen for the first time so many calls are enough, unless they repeat from the first on. */
const LAST_CALLS = 200
const ALL_CALLS = 20_000
/** With fewer activities nothing has been repeated three times. */
const LEAST_ACTIVITIES = 6
const KEPT_HISTORIES = 2_000
const KEPT_RUNS = 10_000

/** The calls of one run, as far as they were read. */
interface RunCalls {
  readonly loops: RunLoops
  readonly keys: Map<number, CallKeys | undefined>
  /** The history of the calls that were open then is known, up to a time. */
  history: { readonly of: Progress, readonly freshUntil: number } | undefined
  activityCount: number
  readAt: number
  /** The next ones have started with this number or later, and ended after that one. */
  fromSeq: number
  afterEnd: number
}

interface Times {
  /** Undefined where none of these calls has ended. */
  readonly times: UsualTimes | undefined
  readonly readAt: number
}

export function createStoredMemory (options: StoredMemoryOptions): StoredMemory {
  return new Memory(options)
}

class Memory implements StoredMemory {
  readonly #options: StoredMemoryOptions
  readonly #monotonic: Clock
  readonly #runs = new Map<number, RunCalls>()
  readonly #times = new Map<string, Times>()
  readonly #alarms = createUsual()
  #alarmsReadAt = -Infinity
  #loading: Promise<unknown> = Promise.resolve()

  readonly usual = {
    timesOf: (key: string) => this.#times.get(key)?.times,
    patienceOf: (step: Step, state?: SilentState) => this.#alarms.patienceOf(step, state)
  }

  constructor (options: StoredMemoryOptions) {
    this.#options = options
    this.#monotonic = options.monotonic ?? (() => performance.now())
  }

  keysOf ({ invocationId }: RunningRow, { seq }: OpenCall): CallKeys | undefined {
    return seq === undefined ? undefined : this.#runs.get(invocationId)?.keys.get(seq)
  }

  loopOf ({ invocationId }: RunningRow): Loop | undefined {
    return this.#runs.get(invocationId)?.loops.find()
  }

  wasFalse (step: Step, silentForMs: number, state: SilentState): void {
    this.#alarms.wasFalse(step, silentForMs, state)
  }

  keep (ids: ReadonlySet<number>): void {
    for (const id of this.#runs.keys()) if (!ids.has(id)) this.#runs.delete(id)
  }

  /** One after the other: what two read at once would count twice. */
  async load (rows: readonly RunningRow[]): Promise<void> {
    const loading = this.#loading.then(() => this.#load(rows))
    this.#loading = loading.catch(() => {})
    await loading
  }

  async #load (rows: readonly RunningRow[]): Promise<void> {
    if (rows.length > 0) await this.#loadAlarms()
    if (this.#runs.size > KEPT_RUNS) this.#runs.clear()
    for (const row of rows) {
      // What the host wrote has no calls.
      if (row.writerId === undefined) continue
      if (this.#hasNewCalls(row)) await this.#loadCalls(row)
      if (!this.#isHistoryFresh(row)) await this.#loadHistory(row)
    }
  }

  /** Those that were seen before this process began, or by another one. */
  async #loadAlarms (): Promise<void> {
    const at = this.#monotonic()
    if (at - this.#alarmsReadAt < FRESH_MS) return
    const { advice, now } = this.#options
    for (const { step, state, silentForMs } of await advice.longestWrong(toIso(now() - REMEMBERED_MS))) {
      if (state !== 'looping') this.#alarms.wasFalse(step, silentForMs, state)
    }
    this.#alarmsReadAt = at
  }

  #hasNewCalls ({ invocationId, activityCount }: RunningRow): boolean {
    if (activityCount < LEAST_ACTIVITIES) return false
    const known = this.#runs.get(invocationId)
    if (known === undefined) return true
    return known.activityCount !== activityCount && this.#monotonic() - known.readAt >= READ_CALLS_MS
  }

  async #loadCalls (row: RunningRow): Promise<void> {
    const { invocationId, taskId, activityCount } = row
    const run = this.#runs.get(invocationId) ?? createRunCalls()
    const { history } = this.#options
    const limit = run.afterEnd === 0 ? LAST_CALLS : ALL_CALLS
    const query = { taskId, invocationId, fromSeq: run.fromSeq, afterEnd: run.afterEnd, limit }
    let calls = await history.endedCalls(query)
    let loops = run.loops
    for (const call of calls) addTo(loops, call)
    const early = Math.max(...calls.slice(0, MOST_LEVELS).map(({ seq }) => seq))
    if (calls.length === limit && limit === LAST_CALLS && (loops.find()?.sinceSeq ?? Infinity) <= early) {
      calls = await history.endedCalls({ ...query, limit: ALL_CALLS })
      loops = new RunLoops()
      for (const call of calls) addTo(loops, call)
    }
    // A call may have started since the row was read.
    const open = callsOf(row.progress).flatMap(({ seq }) => seq === undefined ? [] : [seq])
    this.#runs.set(invocationId, {
      loops,
      keys: run.keys,
      history: run.history,
      activityCount,
      readAt: this.#monotonic(),
      fromSeq: Math.min(run.afterEnd + 1, ...open),
      afterEnd: calls.at(-1)?.endSeq ?? run.afterEnd
    })
  }

  #isHistoryFresh ({ invocationId, progress }: RunningRow): boolean {
    if (progress.calls.size === 0) return true
    const known = this.#runs.get(invocationId)?.history
    return known?.of === progress && this.#monotonic() < known.freshUntil
  }

  async #loadHistory (row: RunningRow): Promise<void> {
    const { history, now } = this.#options
    const run = this.#runs.get(row.invocationId) ?? { ...createRunCalls(), readAt: -Infinity }
    this.#runs.set(row.invocationId, run)
    const at = this.#monotonic()
    let freshUntil = at + FRESH_MS
    for (const call of callsOf(row.progress)) {
      const { seq } = call
      if (seq === undefined || toRunningCall(call, 0, NO_KEYS).callKey === undefined) continue
      const openForMs = Math.abs(now() - call.startedAt)
      if (openForMs < OPEN_FOR_MS) {
        freshUntil = Math.min(freshUntil, at + OPEN_FOR_MS - openForMs)
        continue
      }
      if (!run.keys.has(seq)) {
        if (run.keys.size >= KEPT_KEYS) run.keys.clear()
        run.keys.set(seq, await history.keysOf(row.taskId, seq))
      }
      const keys = run.keys.get(seq)
      if (keys === undefined) continue
      await this.#loadTimes(callKey(keys.hash), 'hash', keys.hash)
      if (keys.chain !== null) await this.#loadTimes(chainKey(keys.chain), 'chain', keys.chain)
    }
    run.history = { of: row.progress, freshUntil }
  }

  async #loadTimes (key: string, by: 'hash' | 'chain', value: string): Promise<void> {
    const at = this.#monotonic()
    const known = this.#times.get(key)
    if (known !== undefined && at - known.readAt < FRESH_MS) return
    const durations = await this.#options.history.durationsOf(by, value)
    this.#times.delete(key)
    this.#times.set(key, { times: durations.length === 0 ? undefined : usualTimes(durations), readAt: at })
    const oldest = this.#times.keys().next().value
    if (this.#times.size > KEPT_HISTORIES && oldest !== undefined) this.#times.delete(oldest)
  }
}

const NO_KEYS: CallKeys = { hash: '', chain: null }
/** Of one run; more calls are not open at once. */
const KEPT_KEYS = 256
/** Where sub-agents work side by side, each one's first call is among so many. */
const MOST_LEVELS = 20

function createRunCalls (): RunCalls {
  return {
    loops: new RunLoops(),
    keys: new Map(),
    history: undefined,
    activityCount: -1,
    readAt: -Infinity,
    fromSeq: 0,
    afterEnd: 0
  }
}

function addTo (loops: RunLoops, stored: Parameters<typeof toEndedCall>[0]): void {
  const call = toEndedCall(stored)
  if (call !== undefined) loops.add(call)
}
