import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ActivityType } from '../../lib/model/activity.js'
import type { CurrentFrame, InvocationDetails, TaskInfo, TimelineEvent } from '../../lib/model/events.js'
import type {
  EventPage, InvocationList, PageQuery, RunningLook, StreamHead, TimelinePage, LogReader
} from '../../lib/store/port.js'

interface FakeLog {
  epoch: string
  lastSeq: number
  floorSeq: number
  events: TimelineEvent[]
}

/** A log in memory behind the interface that the tail reads, with the faults that tests need. */
export class FakeReader implements LogReader {
  readonly logs = new Map<string, FakeLog>()
  /** How many pages were read. */
  pages = 0
  /** How many rows they were asked to have. */
  limits: number[] = []
  /** How often somebody asked whether anything has changed. */
  looks = 0
  imports: string[][] = []
  recheckMs: number | undefined
  /** Thrown by every read while set. */
  fault: Error | undefined
  /** Something happens right before rows are read. */
  onRead: (() => void) | undefined
  /** Reads wait for it. */
  gate: Promise<void> | undefined
  #mark = 0

  /** Appends activities and returns their numbers. */
  append (taskId: string, messages: readonly string[], activityType: ActivityType = 'output'): number[] {
    const log = this.#log(taskId)
    this.#mark++
    return messages.map((activity) => {
      const seq = ++log.lastSeq
      log.events.push({
        seq,
        taskId,
        timestamp: '2026-02-10T12:49:05.120Z',
        type: 'invocation.activity',
        invocationId: 1,
        activity,
        activityType
      })
      return seq
    })
  }

  remove (taskId: string, fromSeq: number, toSeq: number): void {
    const log = this.#log(taskId)
    log.events = log.events.filter(({ seq }) => seq < fromSeq || seq > toSeq)
    this.#mark++
  }

  async heads (taskIds: readonly string[]): Promise<ReadonlyMap<string, StreamHead>> {
    await this.#pass()
    return new Map(taskIds.flatMap((taskId) => {
      const log = this.logs.get(taskId)
      return log === undefined ? [] : [[taskId, { lastSeq: log.lastSeq, epoch: log.epoch, floorSeq: log.floorSeq }]]
    }))
  }

  async readAfter (taskId: string, after: number, limit: number): Promise<EventPage> {
    await this.#pass()
    this.pages++
    this.limits.push(limit)
    this.onRead?.()
    const log = this.logs.get(taskId)
    const events = (log?.events ?? []).filter(({ seq }) => seq > after).slice(0, limit)
    return Object.assign(events, { epoch: log?.epoch })
  }

  async countBetween (taskId: string, after: number, through: number): Promise<number> {
    await this.#pass()
    return (this.logs.get(taskId)?.events ?? []).filter(({ seq }) => seq > after && seq <= through).length
  }

  async readPage (taskId: string, query: PageQuery): Promise<TimelinePage> {
    const timeline = await this.readAfter(taskId, query.after ?? 0, query.limit ?? 500)
    return { timeline, page: { headSeq: this.logs.get(taskId)?.lastSeq ?? 0, hasMore: false, gaps: [] } }
  }

  async running (): Promise<readonly CurrentFrame[]> {
    return []
  }

  async look (): Promise<RunningLook> {
    return { running: [], begun: [], lastInvocationId: 0 }
  }

  async taskOf (): Promise<string | undefined> {
    return undefined
  }

  async firstSeqOf (): Promise<number | undefined> {
    return undefined
  }

  async getTask (id: string): Promise<TaskInfo | undefined> {
    return { id }
  }

  async getInvocation (): Promise<InvocationDetails | undefined> {
    return undefined
  }

  async listInvocations (): Promise<InvocationList> {
    return { invocations: [], page: { nextCursor: null } }
  }

  async importHostRows (taskIds: readonly string[]): Promise<number | undefined> {
    await this.#pass()
    this.imports.push([...taskIds])
    return this.recheckMs
  }

  async changeMark (): Promise<number> {
    this.looks++
    await this.#pass()
    return this.#mark
  }

  #log (taskId: string): FakeLog {
    let log = this.logs.get(taskId)
    if (log === undefined) {
      log = { epoch: 'e1', lastSeq: 0, floorSeq: 0, events: [] }
      this.logs.set(taskId, log)
    }
    return log
  }

  async #pass (): Promise<void> {
    await nextTurn()
    await this.gate
    if (this.fault !== undefined) throw this.fault
  }
}
