import { systemClock, type Clock } from '../time/clock.js'
import { debug } from '../debug.js'
import { publish } from '../lifecycle.js'
import type { Logger } from '../logger.js'
import { noMeter, type Meter } from '../meter.js'
import type { LogReader, WakeBus } from '../store/port.js'
import { DrainSchedule } from './drain-schedule.js'
import { ReadTrouble } from './read-trouble.js'
import { SafetyPoll } from './safety-poll.js'
import { TaskTail, type TailMember } from './task-tail.js'
import { ViewerSession, type Subscription, type Viewer } from './viewer-session.js'
import { clearTimeout, setTimeout } from '../time/timers.js'

export interface HubOptions {
  readonly reader: LogReader
  readonly bus: WakeBus
  readonly logger: Logger
  readonly clock?: Clock
  /** Told of what can and cannot be read; by default nobody is. */
  readonly trouble?: ReadTrouble
  /** Told of deliveries and wake-ups; counts nothing by default. */
  readonly meter?: Meter
  /** For tests: the polling interval depends on it. */
  readonly platform?: NodeJS.Platform
}

/** A look at a task's head that moves by itself. */
export interface TailWatch {
  /** Resolves when the head was read after the call. */
  readonly opened: Promise<void>
  /** Everything up to here can be read. */
  headSeq (): number
  /** Which log that is; undefined while the task has none. */
  epoch (): string | undefined
  close (): void
}

/** Reads what is new once for everybody who watches; one per database. */
export interface Hub {
  /** Streams a task's log to a viewer: what it has not seen, then what comes, each event exactly once and in order. */
  subscribe (taskId: string, viewer: Viewer): Subscription
  /** Tells when a task's head has moved, for those who read by themselves. */
  watch (taskId: string, member: TailMember): TailWatch
  /** Tells of every hint, and of every change that the poll sees, whatever the task. @returns how to stop */
  onWake (listener: () => void): () => void
  /** A hint that there is something new; costs nothing where nobody watches. */
  wake (taskIds: readonly string[] | '*'): void
  /** Ends all subscriptions. */
  close (): void
}

const IMPORT_RETRY_MS = 1000
const MIN_RECHECK_MS = 25

/** Opens the hub of one database. */
export function createHub (options: HubOptions): Hub {
  return new TailHub(options)
}

/** Somebody who waits for a drain of this tail. */
interface Waiting {
  readonly tail: TaskTail
  readonly resolve: () => void
}

class TailHub implements Hub {
  readonly #options: HubOptions
  readonly #meter: Meter
  readonly #trouble: ReadTrouble
  readonly #tails = new Map<string, TaskTail>()
  readonly #wakeListeners = new Set<() => void>()
  readonly #schedule = new DrainSchedule(() => this.#drain())
  readonly #poll: SafetyPoll
  #unsubscribe: (() => void) | undefined
  #dirty = new Set<TaskTail>()
  #toImport = new Set<string>()
  #waiting: Waiting[] = []
  #recheck: NodeJS.Timeout | undefined
  #isFaulty = false
  #isClosed = false

  constructor (options: HubOptions) {
    this.#options = options
    this.#meter = options.meter ?? noMeter
    this.#trouble = options.trouble ?? new ReadTrouble(options.clock ?? systemClock)
    this.#poll = new SafetyPoll({
      changeMark: () => options.reader.changeMark(),
      onChange: () => {
        debug.live('the poll has seen a change')
        this.#meter.woken('poll')
        this.#wakeAndImport()
      },
      onFault: (err) => this.#onFault(err, this.#poll),
      onRead: () => this.#trouble.worked(this.#poll),
      onTurn: () => { for (const tail of this.#tails.values()) tail.ring.sweep() },
      ...(options.platform === undefined ? {} : { platform: options.platform })
    })
  }

  subscribe (taskId: string, viewer: Viewer): Subscription {
    const tail = this.#enter(taskId)
    const session: ViewerSession = new ViewerSession(tail, viewer, {
      refresh: (of) => this.#refresh(of),
      leave: (of, who) => this.#leave(of, who),
      onFault: (err) => this.#onFault(err, session),
      onRead: () => this.#trouble.worked(session),
      meter: this.#meter
    })
    this.#join(tail, session)
    publish('viewer.connected', () => ({ taskId }))
    void session.start()
    return session
  }

  watch (taskId: string, member: TailMember): TailWatch {
    const tail = this.#enter(taskId)
    this.#join(tail, member)
    return {
      opened: this.#refresh(tail),
      headSeq: () => tail.cursor,
      epoch: () => tail.epoch,
      close: () => this.#leave(tail, member)
    }
  }

  onWake (listener: () => void): () => void {
    this.#wakeListeners.add(listener)
    this.#listen()
    return () => {
      this.#wakeListeners.delete(listener)
      this.#restIfAlone()
    }
  }

  wake (taskIds: readonly string[] | '*'): void {
    for (const listener of this.#wakeListeners) listener()
    if (taskIds === '*') {
      for (const tail of this.#tails.values()) this.#dirty.add(tail)
    } else {
      for (const taskId of taskIds) {
        const tail = this.#tails.get(taskId)
        if (tail !== undefined) this.#dirty.add(tail)
      }
    }
    if (this.#dirty.size > 0) this.#schedule.request()
  }

  close (): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#unsubscribe?.()
    this.#poll.stop()
    this.#schedule.close()
    clearTimeout(this.#recheck)
    for (const tail of [...this.#tails.values()]) tail.end('closed')
    this.#tails.clear()
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  /** The task's tail; a new one first takes in what the host wrote by itself. */
  #enter (taskId: string): TaskTail {
    let tail = this.#tails.get(taskId)
    if (tail === undefined || tail.hasEnded) {
      tail = new TaskTail(taskId, this.#options.reader, this.#options.clock ?? systemClock, this.#meter)
      this.#tails.set(taskId, tail)
      this.#toImport.add(taskId)
      this.#listen()
    }
    return tail
  }

  #join (tail: TaskTail, member: TailMember): void {
    tail.members.add(member)
    if (this.#isClosed) queueMicrotask(() => tail.end('closed'))
  }

  #leave (tail: TaskTail, member: TailMember | ViewerSession): void {
    tail.members.delete(member)
    this.#trouble.worked(member)
    if (member instanceof ViewerSession) tail.live.delete(member)
    if (tail.members.size > 0 || this.#tails.get(tail.taskId) !== tail) return
    this.#tails.delete(tail.taskId)
    this.#restIfAlone()
  }

  /** Somebody watches: hints are for us from now on. */
  #listen (): void {
    if (this.#isClosed) return
    this.#unsubscribe ??= this.#options.bus.subscribe((taskIds) => {
      debug.live('woken by a hint of %s', taskIds === '*' ? 'some task' : `${taskIds.length} tasks`)
      this.#meter.woken('hint')
      this.wake(taskIds)
    })
    this.#poll.start()
  }

  /** Where nobody watches, the commits of others must not wake us: of a crowd of runners each would wake all. */
  #restIfAlone (): void {
    if (this.#tails.size > 0 || this.#wakeListeners.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    this.#poll.stop()
    this.#trouble.worked(this.#poll)
  }

  #refresh (tail: TaskTail): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push({ tail, resolve })
      this.#dirty.add(tail)
      this.#schedule.request()
    })
  }

  #wakeAndImport (): void {
    for (const taskId of this.#tails.keys()) this.#toImport.add(taskId)
    this.wake('*')
  }

  /** @returns false when something failed: then that is to be done again */
  async #drain (): Promise<boolean> {
    const tails = [...this.#dirty]
    const waiting = this.#waiting
    this.#dirty = new Set()
    this.#waiting = []
    await this.#import()
    const failed = new Set(await this.#advance(tails))
    debug.live('drained %d tasks, %d of them failed', tails.length, failed.size)
    for (const tail of failed) if (this.#tails.get(tail.taskId) === tail) this.#dirty.add(tail)
    for (const one of waiting) {
      if (this.#dirty.has(one.tail) && failed.has(one.tail)) this.#waiting.push(one)
      else one.resolve()
    }
    if (failed.size > 0) return false
    this.#isFaulty = false
    this.#trouble.worked(this.#schedule)
    return true
  }

  /** One task that cannot be read does not hold up the others. @returns the tails that failed */
  async #advance (tails: readonly TaskTail[]): Promise<readonly TaskTail[]> {
    const failed: TaskTail[] = []
    try {
      const heads = await this.#options.reader.heads(tails.map((tail) => tail.taskId))
      for (const tail of tails) {
        if (this.#isClosed) return []
        await tail.advance(heads.get(tail.taskId)).catch((err) => {
          failed.push(tail)
          this.#onFault(err, this.#schedule)
        })
      }
      return failed
    } catch (err) {
      this.#onFault(err, this.#schedule)
      return tails
    }
  }

  /** What the host wrote can be shown late, but must not keep our own rows from being shown. */
  async #import (): Promise<void> {
    const taskIds = [...this.#toImport].filter((taskId) => this.#tails.has(taskId))
    this.#toImport = new Set()
    if (taskIds.length === 0) return
    let recheckMs: number | undefined
    try {
      recheckMs = await this.#options.reader.importHostRows(taskIds)
    } catch (err) {
      this.#onFault(err)
      recheckMs = IMPORT_RETRY_MS
    }
    if (recheckMs === undefined || this.#isClosed) return
    clearTimeout(this.#recheck)
    this.#recheck = setTimeout(() => this.#wakeAndImport(), Math.max(MIN_RECHECK_MS, recheckMs)).unref()
  }

  /**
   * Logged once, until a drain succeeds again.
   *
   * @param reader who could not read
   */
  #onFault (err: unknown, reader?: object): void {
    if (this.#isClosed) return
    if (reader !== undefined) this.#trouble.failed(reader, err)
    if (!this.#isFaulty) this.#options.logger.warn({ err }, 'The timeline cannot be read at the moment; streams wait')
    this.#isFaulty = true
  }
}
