import { nextMultiple } from '../time/aligned.js'
import { createAwakeClock, type AwakeClock } from '../time/awake-clock.js'
import type { Clock } from '../time/clock.js'
import { HEALTH_STATES, type CurrentFrame, type Health, type HealthState } from '../model/events.js'
import type { WakeBus } from '../store/port.js'
import type { RunningRow } from '../insight/running-row.js'
import type { AdviceKeeper } from './advice-keeper.js'
import { encodeData } from './frames.js'
import { ReadTrouble } from './read-trouble.js'
import type { StoredMemory } from './run-memory.js'
import type { ProcessSign } from '../insight/evidence.js'
import { Observer } from '../insight/observer.js'
import { clearTimeout, performance, setTimeout } from '../time/timers.js'

export interface HealthMonitorOptions {
  /** The running invocations, all or those of these ids. */
  readonly readRunning: (ids?: readonly number[]) => Promise<readonly RunningRow[]>
  /** What is stored of calls that are over. */
  readonly memory: StoredMemory
  readonly lookAt: (row: RunningRow) => ProcessSign
  /** Told what runs are called that somebody should look at, and when it was wrong. */
  readonly advice: Pick<AdviceKeeper, 'given' | 'wentOn' | 'look'>
  readonly bus: Pick<WakeBus, 'subscribe'>
  readonly now: Clock
  /** Told of what can and cannot be read; by default nobody is. */
  readonly trouble?: ReadTrouble
  /** Between two rounds while somebody watches, in milliseconds. Default 1,000. */
  readonly intervalMs?: number
  /** For tests. Default: {@link createAwakeClock}. */
  readonly createClock?: () => AwakeClock
}

/** A viewer's part of the verdicts: those of one task. */
export interface HealthWatch {
  /** The verdicts that are not what this viewer was told last, each once and as it is now, as encoded frames. */
  take (): string
  close (): void
}

/** Judges what runs, while somebody watches or when asked; one per database. */
export interface HealthMonitor {
  /** The verdicts on those of these invocations that run. */
  healthOf (ids: readonly number[]): Promise<ReadonlyMap<number, Health>>
  /**
   * Follows a task's verdicts.
   *
   * @param told the frames that the viewer was given already
   * @param onChange called when there is something to {@link HealthWatch.take}
   */
  watch (taskId: string, told: readonly CurrentFrame[], onChange: () => void): HealthWatch
  /** Follows the verdicts on all that runs: told of them after each round in which the database could be read. */
  watchAll (onRound: (runs: ReadonlyArray<Pick<Verdict, 'id' | 'taskId' | 'health'>>) => void): () => void
  /** How many running invocations are in which state: of the last round, or of a look made for it. */
  counts (): Promise<Readonly<Record<HealthState, number>>>
  close (): void
}

/** What was seen is remembered for so many milliseconds after the last viewer left: pages reconnect. */
const LINGER_MS = 15_000

/** Opens the monitor of one database. Nothing runs until somebody watches. */
export function createHealthMonitor (options: HealthMonitorOptions): HealthMonitor {
  return new Monitor(options)
}

/** The verdict on a run in the last round. */
interface Verdict {
  readonly id: number
  readonly taskId: string
  readonly health: Health
  readonly key: string
  /** What it was made of; undefined where nothing can be read. */
  readonly row: RunningRow | undefined
  /** Its frame, made when the first viewer takes it in a round. */
  frame: { readonly text: string, readonly round: number } | undefined
}

interface Watcher {
  readonly taskId: string
  /** What it was told last, by invocation. */
  readonly told: Map<number, string>
  /** What it was given when it came. */
  readonly given: readonly CurrentFrame[]
  /** A round has begun since it came: what it was told at first may be newer than the round before. */
  isReady: boolean
  readonly onChange: () => void
}

class Monitor implements HealthMonitor {
  readonly #options: HealthMonitorOptions
  readonly #intervalMs: number
  readonly #trouble: ReadTrouble
  readonly #watchers = new Set<Watcher>()
  readonly #followers = new Set<Parameters<HealthMonitor['watchAll']>[0]>()
  #verdicts: ReadonlyMap<string, readonly Verdict[]> = new Map()
  #observer: Observer | undefined
  #clock: AwakeClock | undefined
  #unsubscribe: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #rounds = 0
  #roundAt = -Infinity
  /** When the timer is due. */
  #plannedAt = 0
  #isClosed = false

  constructor (options: HealthMonitorOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs ?? 1_000
    this.#trouble = options.trouble ?? new ReadTrouble(options.now)
    // Somebody else could not read, or can again.
    this.#trouble.onChange(() => { if (this.#watchers.size > 0) this.#plan(performance.now()) })
  }

  async healthOf (ids: readonly number[]): Promise<ReadonlyMap<number, Health>> {
    if (ids.length === 0) return new Map()
    const rows = await this.#options.readRunning(ids)
    await this.#options.memory.load(rows)
    const observer = this.#observer ?? this.#stranger()
    return new Map(rows.map((row) => [row.invocationId, observer.see(row)]))
  }

  async counts (): Promise<Record<HealthState, number>> {
    const counts = Object.fromEntries(HEALTH_STATES.map((state) => [state, 0])) as Record<HealthState, number>
    for (const { state } of await this.#latest()) counts[state]++
    return counts
  }

  watch (taskId: string, told: readonly CurrentFrame[], onChange: () => void): HealthWatch {
    const watcher: Watcher = {
      taskId,
      told: new Map(told.flatMap(({ invocationId: id, health }) => health === undefined ? [] : [[id, keyOf(health)]])),
      given: told,
      isReady: false,
      onChange
    }
    if (!this.#isClosed) {
      this.#watchers.add(watcher)
      this.#start()
    }
    return {
      take: () => this.#take(watcher),
      close: () => {
        if (this.#watchers.delete(watcher) && !this.#isWatched) this.#pause()
      }
    }
  }

  watchAll (onRound: Parameters<HealthMonitor['watchAll']>[0]): () => void {
    if (!this.#isClosed) {
      this.#followers.add(onRound)
      this.#start()
    }
    return () => {
      if (this.#followers.delete(onRound) && !this.#isWatched) this.#pause()
    }
  }

  get #isWatched (): boolean {
    return this.#watchers.size + this.#followers.size > 0
  }

  close (): void {
    this.#isClosed = true
    this.#watchers.clear()
    this.#followers.clear()
    this.#pause()
    this.#forget()
  }

  #start (): void {
    clearTimeout(this.#linger)
    const { advice, memory } = this.#options
    if (this.#observer === undefined) {
      const clock = this.#clock = (this.#options.createClock ?? createAwakeClock)()
      this.#observer = new Observer({
        ...this.#options,
        awake: () => clock.now(),
        onAdvice: advice.given,
        onWentOn: (row, given, afterMs) => {
          if (given.state !== 'looping') memory.wasFalse(given.step, afterMs, given.state)
          advice.wentOn(row, given, afterMs)
        }
      })
    }
    this.#unsubscribe ??= this.#options.bus.subscribe((taskIds) => this.#wake(taskIds))
    // Whoever comes waits for the round that is planned: many who come must not put it off.
    this.#plan(nextMultiple(this.#intervalMs))
  }

  /** Nobody watches. */
  #pause (): void {
    this.#trouble.worked(this)
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#verdicts = new Map()
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => this.#forget(), LINGER_MS).unref()
  }

  #forget (): void {
    clearTimeout(this.#linger)
    this.#clock?.stop()
    this.#clock = this.#observer = undefined
  }

  /** A commit: what it changed is judged soon, but not more often than twice an interval. */
  #wake (taskIds: readonly string[] | '*'): void {
    if (taskIds !== '*' && !this.#isOfInterest(taskIds)) return
    this.#plan(this.#roundAt + this.#intervalMs / 2)
  }

  #isOfInterest (taskIds: readonly string[]): boolean {
    for (const { taskId } of this.#watchers) if (taskIds.includes(taskId)) return true
    return false
  }

  /** A round at that time, unless one is under way, or planned for then or before. */
  #plan (at: number): void {
    if (this.#round !== undefined || (this.#timer !== undefined && this.#plannedAt <= at)) return
    this.#plannedAt = at
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#round = this.#look().finally(() => {
        this.#round = undefined
        if (this.#isWatched) this.#plan(nextMultiple(this.#intervalMs, this.#intervalMs / 2))
      })
    }, Math.max(0, at - performance.now())).unref()
  }

  /** One query for everybody. While that cannot be read, what was judged before is not known any more. */
  async #look (): Promise<void> {
    this.#roundAt = performance.now()
    this.#rounds++
    const ready = [...this.#watchers]
    const rows = await this.#read()
    if (this.#observer === undefined || !this.#isWatched) return
    if (rows === undefined && this.#trouble.current === undefined) return
    this.#verdicts = rows === undefined ? this.#forgetVerdicts(ready) : this.#judge(rows, this.#observer)
    if (rows !== undefined) {
      this.#options.advice.look()
      const verdicts = [...this.#verdicts.values()].flat()
      for (const onRound of this.#followers) onRound(verdicts)
    }
    for (const watcher of ready) {
      watcher.isReady = true
      if (this.#watchers.has(watcher) && this.#hasNews(watcher)) watcher.onChange()
    }
  }

  async #read (): Promise<readonly RunningRow[] | undefined> {
    try {
      const rows = await this.#options.readRunning()
      await this.#options.memory.load(rows)
      this.#trouble.worked(this)
      return rows
    } catch (error) {
      if (this.#isWatched) this.#trouble.failed(this, error)
      return undefined
    }
  }

  #judge (rows: readonly RunningRow[], observer: Observer): ReadonlyMap<string, readonly Verdict[]> {
    const before = new Map([...this.#verdicts.values()].flat().map((verdict) => [verdict.id, verdict]))
    const verdicts = rows.map((row) => {
      const health = observer.glance(row)
      const known = before.get(row.invocationId)
      return known?.health === health ? known : createVerdict(row.invocationId, row.taskId, health, row)
    })
    const ids = new Set(rows.map(({ invocationId }) => invocationId))
    observer.keep(ids)
    this.#options.memory.keep(ids)
    return groupByTask(verdicts)
  }

  /** The same runs, of which nothing is known now. */
  #forgetVerdicts (watchers: readonly Watcher[]): ReadonlyMap<string, readonly Verdict[]> {
    const known = [...this.#verdicts.values()].flat()
    const runs = new Map(known.map(({ id, taskId, health }) => [id, { taskId, health }]))
    for (const { isReady, given } of watchers) {
      for (const { invocationId, taskId, health } of isReady ? [] : given) {
        if (health !== undefined && !runs.has(invocationId)) runs.set(invocationId, { taskId, health })
      }
    }
    const since = this.#trouble.current?.since ?? ''
    return groupByTask([...runs].map(([id, { taskId, health: { silentForMs, expectedSilenceMs, heartbeatAgeMs } }]) =>
      createVerdict(id, taskId, {
        state: 'unknown',
        since,
        because: ['The database cannot be read: what the agent does now is not known.'],
        silentForMs,
        expectedSilenceMs,
        heartbeatAgeMs
      })))
  }

  #hasNews ({ taskId, told }: Watcher): boolean {
    return this.#verdicts.get(taskId)?.some(({ id, key }) => told.get(id) !== key) ?? false
  }

  #take ({ taskId, told, isReady }: Watcher): string {
    let text = ''
    if (!isReady) return text
    const verdicts = this.#verdicts.get(taskId) ?? []
    for (const verdict of verdicts) {
      if (told.get(verdict.id) === verdict.key) continue
      told.set(verdict.id, verdict.key)
      text += this.#frameOf(verdict)
    }
    if (told.size > verdicts.length) {
      const ids = new Set(verdicts.map(({ id }) => id))
      for (const id of told.keys()) if (!ids.has(id)) told.delete(id)
    }
    return text
  }

  /** Its durations are those of now, not those of the moment when it became what it is. */
  #frameOf (verdict: Verdict): string {
    const round = this.#rounds
    if (verdict.frame?.round !== round) {
      const { id, taskId, row } = verdict
      const health = row === undefined ? verdict.health : this.#observer?.see(row) ?? verdict.health
      const text = encodeData({ type: 'timeline.health', taskId, invocationId: id, health })
      verdict.frame = { text, round }
    }
    return verdict.frame.text
  }

  async #latest (): Promise<readonly Health[]> {
    const isFresh = performance.now() - this.#roundAt < 2 * this.#intervalMs && this.#round === undefined
    if (this.#isWatched && isFresh) {
      return [...this.#verdicts.values()].flat().map(({ health }) => health)
    }
    const rows = await this.#options.readRunning()
    await this.#options.memory.load(rows)
    const observer = this.#observer ?? this.#stranger()
    return rows.map((row) => observer.see(row))
  }

  /** Sees everything for the first time. */
  #stranger (): Observer {
    return new Observer({ ...this.#options, awake: () => 0 })
  }
}

function createVerdict (id: number, taskId: string, health: Health, row?: RunningRow): Verdict {
  return { id, taskId, health, key: keyOf(health), row, frame: undefined }
}

function groupByTask (verdicts: readonly Verdict[]): ReadonlyMap<string, readonly Verdict[]> {
  const byTask = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const ofTask = byTask.get(verdict.taskId)
    if (ofTask === undefined) byTask.set(verdict.taskId, [verdict])
    else ofTask.push(verdict)
  }
  return byTask
}

/** What makes a verdict another one: a state, a call, a wait or a loop; not the time that passes in it. */
function keyOf ({ state, tool, waitingFor, loop }: Health): string {
  return JSON.stringify([state, tool?.callId, waitingFor, loop?.sinceSeq])
}
