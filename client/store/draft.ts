import type { GapFrame, InvocationActivityEvent, StreamFrame, TaskEvent, TimelineEvent } from '../../lib/events.js'
import { foldInto } from './folding.js'
import {
  createInvocation, describeRunning, endInvocation, noteActivity, startInvocation
} from './invocations.js'
import type { RowDraft } from './row-list.js'
import { timeOf, type Foldable, type Row, type ToolRow } from './rows.js'
import { MAX_ROWS, type Invocation, type TimelineState } from './state.js'
import { createTextRow } from './text-row.js'
import { callKey, createToolRow, endToolRow } from './tool-row.js'

/** Rows that go at once when the list is full, so that it is not cut at every event. */
const TRIM_STEP = 1024

/** A state being changed by one batch of events; the state it came from stays as it was. */
export class Draft {
  readonly rows: RowDraft
  readonly #base: TimelineState
  readonly #invocations: Map<number, Invocation>
  readonly #openCalls: Map<string, number>
  readonly #headless: Map<string, number>
  #task: TimelineState['task']
  #running = 0
  #isLayoutChanged = false
  #isDetached: boolean
  #hasOlder: boolean
  #firstSeq: number
  #lastSeq: number
  #toolCalls: number
  #errors: number
  #lastActivityAtMs: number

  constructor (state: TimelineState) {
    this.#base = state
    this.rows = state.rows.edit()
    this.#invocations = new Map(state.invocations)
    this.#openCalls = new Map(state.openCalls)
    this.#headless = new Map(state.headless)
    this.#task = state.task
    this.#isDetached = state.isDetached
    this.#hasOlder = state.hasOlder
    this.#firstSeq = state.firstSeq
    this.#lastSeq = state.lastSeq
    this.#toolCalls = state.toolCalls
    this.#errors = state.errors
    this.#lastActivityAtMs = state.lastActivityAtMs
    for (const { status } of state.invocations.values()) if (status === 'running') this.#running++
  }

  /** Takes in one frame. What was taken in before is recognised by its number. */
  take (frame: StreamFrame): void {
    if (frame.type === 'timeline.snapshot') this.#task = { ...this.#task, ...frame.task }
    else if (frame.type === 'invocation.current') this.#update(frame.invocationId, (known) => describeRunning(known, frame))
    else if (frame.type === 'timeline.gap') this.#takeGap(frame)
    else if (typeof frame.seq === 'number' && frame.seq > this.#lastSeq) this.#takeEvent(frame)
  }

  /**
   * Keeps the list within {@link MAX_ROWS}: drops the oldest rows, or takes no more while somebody reads them.
   *
   * @param isPinned the rows on the screen must stay
   */
  limit (isPinned: boolean): void {
    const excess = this.rows.length - MAX_ROWS
    if (excess <= 0) return
    if (isPinned) {
      this.#isDetached = true
      this.rows.dropLast(excess)
      return
    }
    let count = excess + TRIM_STEP
    // A run of folded rows is not cut behind the row that stands for it.
    const isInRun = (index: number): boolean => (this.rows.at(index) as Foldable | undefined)?.nth !== undefined
    while (isInRun(count) && count < this.rows.length - 1) count++
    this.rows.dropFirst(count)
    this.#firstSeq = this.rows.at(0)?.seq ?? this.#firstSeq
    this.#hasOlder = true
  }

  /** The new state. */
  finish (changes: Partial<TimelineState> = {}): TimelineState {
    return {
      ...this.#base,
      isLoaded: true,
      task: this.#task,
      rows: this.rows,
      invocations: this.#invocations,
      openCalls: this.#openCalls,
      headless: this.#headless,
      isDetached: this.#isDetached,
      hasOlder: this.#hasOlder,
      firstSeq: this.#firstSeq,
      lastSeq: this.#lastSeq,
      toolCalls: this.#toolCalls,
      errors: this.#errors,
      lastActivityAtMs: this.#lastActivityAtMs,
      layout: this.#base.layout + (this.#isLayoutChanged ? 1 : 0),
      ...changes
    }
  }

  #takeEvent (event: TimelineEvent): void {
    this.#lastSeq = event.seq
    if (this.#firstSeq === 0) this.#firstSeq = event.seq
    this.#lastActivityAtMs = Math.max(this.#lastActivityAtMs, timeOf(event))
    switch (event.type) {
      case 'invocation.activity': return this.#takeActivity(event)
      case 'invocation.started': {
        if (!this.#isRunning(event.invocationId)) this.#running++
        this.#update(event.invocationId, (known) => startInvocation(known, event))
        return this.#push({ kind: 'start', ...this.#place(event) })
      }
      case 'invocation.completed':
      case 'invocation.failed':
      case 'invocation.timeout': {
        this.#closeCalls(event.invocationId)
        this.#push({ kind: 'end', ...this.#place(event) })
        if (this.#isRunning(event.invocationId)) this.#running--
        if (event.type !== 'invocation.completed') this.#errors++
        return this.#update(event.invocationId, (known) => endInvocation(known, event))
      }
      default: return this.#takeTaskEvent(event)
    }
  }

  #takeTaskEvent (event: TaskEvent): void {
    const change = event.type.slice('task.'.length)
    const status = change === 'started' || change === 'rejected' ? 'in_progress' : change
    this.#task = { ...this.#task, status }
    this.#push({ kind: 'task', seq: event.seq, atMs: timeOf(event), change, actor: event.actor, message: event.message })
  }

  #takeActivity (event: InvocationActivityEvent): void {
    const { invocationId, activityType, metadata } = event
    if (!this.#invocations.has(invocationId)) this.#running++
    const isTool = activityType === 'tool_exec'
    const isEnd = isTool && metadata?.phase === 'end'
    this.#update(invocationId, (known) => noteActivity(known, event, isTool && !isEnd))
    if (isTool && !isEnd) this.#toolCalls++
    if (activityType === 'error' || (isEnd && metadata?.status === 'error')) this.#errors++
    if (isEnd && this.#endCall(event)) return
    const { isParallel } = this.#place(event)
    if (!isTool) return this.#push(createTextRow(event, isParallel))
    const row = createToolRow(event, isParallel)
    if (row.callId !== undefined) {
      const calls = isEnd ? this.#headless : this.#openCalls
      calls.set(callKey(invocationId, row.callId), row.seq)
    }
    this.#push(row)
  }

  /** Joins the second half of a call to its first, if that is here. */
  #endCall (event: InvocationActivityEvent): boolean {
    const key = callKey(event.invocationId, String(event.metadata?.callId))
    const seq = this.#openCalls.get(key)
    this.#openCalls.delete(key)
    const index = seq === undefined ? -1 : this.rows.indexOf(seq)
    if (index === -1) return false
    this.#settle(index, endToolRow(this.rows.at(index) as ToolRow, event))
    return true
  }

  /** No call outlives its invocation, even where the log lacks its end. */
  #closeCalls (invocationId: number): void {
    for (const [key, seq] of this.#openCalls) {
      if (!key.startsWith(`${invocationId} `)) continue
      this.#openCalls.delete(key)
      const index = this.rows.indexOf(seq)
      if (index !== -1) this.#settle(index, { ...this.rows.at(index) as ToolRow, status: 'aborted' })
    }
  }

  #takeGap ({ fromSeq, toSeq, reason }: GapFrame): void {
    if (fromSeq === undefined || toSeq === undefined || reason === 'unknown-cursor' || toSeq <= this.#lastSeq) return
    this.#lastSeq = toSeq
    this.#push({ kind: 'gap', seq: toSeq, fromSeq, reason, atMs: this.#lastActivityAtMs })
  }

  #push (row: Row): void {
    if (this.#isDetached) return
    this.rows.push(row)
    if (foldInto(this.rows, this.rows.length - 1)) this.#isLayoutChanged = true
  }

  #settle (index: number, row: ToolRow): void {
    this.rows.set(index, row)
    if (foldInto(this.rows, index)) this.#isLayoutChanged = true
  }

  #update (id: number, change: (known: Invocation) => Invocation): void {
    this.#invocations.set(id, change(this.#invocations.get(id) ?? createInvocation(id)))
  }

  #isRunning (id: number): boolean {
    return this.#invocations.get(id)?.status === 'running'
  }

  #place (event: TimelineEvent & { readonly invocationId: number }): {
    seq: number, atMs: number, invocationId: number, isParallel: boolean
  } {
    const { seq, invocationId } = event
    return { seq, atMs: timeOf(event), invocationId, isParallel: this.#running > 1 }
  }
}
