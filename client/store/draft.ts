import type { GapFrame, Health, InvocationActivityEvent, StreamFrame, TaskEvent, TimelineEvent } from '../../lib/model/events.js'
import { foldInto } from './folding.js'
import {
  createInvocation, describeRunning, endInvocation, noteActivity, startInvocation
} from './invocations.js'
import { indexOfSeq, timeOf, type Foldable, type Row, type ToolRow } from './rows.js'
import { MAX_ROWS, type Invocation, type TimelineState } from './state.js'
import { createTextRow } from './text-row.js'
import { callKey, createToolRow, endStatus, endToolRow } from './tool-row.js'

/** Rows that go at once when the list is full, so that it is not cut at every event. */
const TRIM_STEP = 1024

/** A state that its owner may change; what is shared with the state before is copied. */
type NextState = { -readonly [Name in keyof TimelineState]: TimelineState[Name] } & {
  rows: Row[]
  runsById: Map<number, Invocation>
  openCalls: Map<string, number>
  headless: Map<string, number>
}

/** A state being changed by one batch of events; the state it came from stays as it was. */
export class Draft {
  /** The new state, once the batch is done. */
  readonly next: NextState
  #running = 0
  readonly #nowMs: number | undefined

  /** @param nowMs the server's time at which the batch was heard; what shows times by it is left out without */
  constructor (state: TimelineState, nowMs?: number) {
    this.#nowMs = nowMs
    this.next = {
      ...state,
      rows: [...state.rows],
      runsById: new Map(state.runsById),
      openCalls: new Map(state.openCalls),
      headless: new Map(state.headless)
    }
    for (const { status } of state.runsById.values()) if (status === 'running') this.#running++
  }

  /** Takes in one frame. What was taken in before is recognised by its number. */
  take (frame: StreamFrame): void {
    const { next } = this
    if (frame.type === 'timeline.snapshot') next.task = { ...next.task, ...frame.task }
    else if (frame.type === 'timeline.health') this.#hear(frame.invocationId, frame.health)
    else if (frame.type === 'invocation.current') {
      this.#update(frame.invocationId, (known) => describeRunning(known, frame))
      this.#hear(frame.invocationId, frame.health)
    } else if (frame.type === 'timeline.gap') this.#takeGap(frame)
    else if ('seq' in frame && frame.seq > next.lastSeq) this.#takeEvent(frame)
  }

  /**
   * Keeps the list within {@link MAX_ROWS}: drops the oldest rows, or takes no more while somebody reads them.
   *
   * @param isPinned the rows on the screen must stay
   */
  limit (isPinned: boolean): void {
    const { next } = this
    const { rows } = next
    const excess = rows.length - MAX_ROWS
    if (excess <= 0) return
    if (isPinned) {
      next.isDetached = true
      rows.length = MAX_ROWS
      return
    }
    let count = excess + TRIM_STEP
    // A run of folded rows is not cut behind the row that stands for it.
    while ((rows[count] as Foldable).nth !== undefined && count < rows.length - 1) count++
    rows.splice(0, count)
    next.firstSeq = rows[0]!.seq
    next.hasOlder = true
  }

  #takeEvent (event: TimelineEvent): void {
    const { next } = this
    const { type, seq } = event
    next.lastSeq = seq
    next.firstSeq ||= seq
    next.lastActivityAtMs = Math.max(next.lastActivityAtMs, timeOf(event))
    if (type === 'invocation.activity') return this.#takeActivity(event)
    if (!('invocationId' in event)) return this.#takeTaskEvent(event)
    const { invocationId } = event
    const isRunning = next.runsById.get(invocationId)?.status === 'running'
    if (type === 'invocation.started') {
      if (!isRunning) this.#running++
      this.#update(invocationId, (known) => startInvocation(known, event))
      // A page that was opened before the task began has no title otherwise.
      if (event.title !== undefined) next.task = { title: event.title, ...next.task }
      return this.#push({ kind: 'start', ...this.#place(event) })
    }
    this.#closeCalls(invocationId)
    this.#push({ kind: 'end', ...this.#place(event) })
    if (isRunning) this.#running--
    if (type !== 'invocation.completed') next.errors++
    this.#update(invocationId, (known) => endInvocation(known, event))
  }

  #takeTaskEvent (event: TaskEvent): void {
    const { seq, actor, message } = event
    const change = event.type.slice('task.'.length)
    const status = change === 'started' || change === 'rejected' ? 'in_progress' : change
    this.next.task = { ...this.next.task, status }
    this.#push({ kind: 'task', seq, atMs: timeOf(event), change, actor, message })
  }

  #takeActivity (event: InvocationActivityEvent): void {
    const { next } = this
    const { invocationId, activityType, metadata } = event
    if (!next.runsById.has(invocationId)) this.#running++
    const isTool = activityType === 'tool_exec'
    const isEnd = isTool && metadata?.phase === 'end'
    const isNewCall = isTool && !isEnd
    this.#update(invocationId, (known) => noteActivity(known, event, isNewCall))
    if (isNewCall) next.toolCalls++
    if (activityType === 'error' || (isEnd && endStatus(event) === 'error')) next.errors++
    if (isEnd && this.#endCall(event)) return
    const { isParallel } = this.#place(event)
    if (!isTool) return this.#push(createTextRow(event, isParallel))
    const row = createToolRow(event, isParallel)
    if (row.callId !== undefined) {
      const key = callKey(invocationId, row.callId, metadata?.use)
      // Of ends without a start only the first can belong to what came before.
      if (!isEnd) next.openCalls.set(freeKey(next.openCalls, key), row.seq)
      else if (!next.headless.has(key)) next.headless.set(key, row.seq)
    }
    this.#push(row)
  }

  /** Joins the second half of a call to its first, if that is here. */
  #endCall (event: InvocationActivityEvent): boolean {
    const { openCalls } = this.next
    const key = oldestKey(openCalls, callKey(event.invocationId, String(event.metadata?.callId), event.metadata?.use))
    const seq = openCalls.get(key)
    openCalls.delete(key)
    return seq !== undefined && this.#settle(seq, (row) => endToolRow(row, event))
  }

  /** No call outlives its invocation, even where the log lacks its end. */
  #closeCalls (invocationId: number): void {
    const { openCalls } = this.next
    for (const [key, seq] of openCalls) {
      if (!key.startsWith(callKey(invocationId, ''))) continue
      openCalls.delete(key)
      this.#settle(seq, (row) => ({ ...row, status: 'aborted' }))
    }
  }

  #takeGap ({ fromSeq, toSeq, reason }: GapFrame): void {
    const { next } = this
    if (fromSeq === undefined || toSeq === undefined || reason === 'unknown-cursor' || toSeq <= next.lastSeq) return
    next.lastSeq = toSeq
    this.#push({ kind: 'gap', seq: toSeq, fromSeq, reason, atMs: next.lastActivityAtMs })
  }

  #push (row: Row): void {
    const { rows, isDetached } = this.next
    if (isDetached) return
    rows.push(row)
    this.#fold(rows.length - 1)
  }

  /** @returns whether the row is here */
  #settle (seq: number, change: (row: ToolRow) => ToolRow): boolean {
    const { rows } = this.next
    const index = indexOfSeq(rows, seq)
    if (index === -1) return false
    rows[index] = change(rows[index] as ToolRow)
    if (this.next.filter === 'failed') this.next.layout++
    this.#fold(index)
    return true
  }

  #fold (index: number): void {
    if (foldInto(this.next.rows, index)) this.next.layout++
  }

  #hear (id: number, health: Health | undefined): void {
    this.#update(id, (known) => ({ ...known, health, healthAtMs: this.#nowMs }))
  }

  #update (id: number, change: (known: Invocation) => Invocation): void {
    const { runsById } = this.next
    runsById.set(id, change(runsById.get(id) ?? createInvocation(id)))
  }

  #place (event: TimelineEvent & { readonly invocationId: number }): {
    seq: number, atMs: number, invocationId: number, isParallel: boolean
  } {
    const { seq, invocationId } = event
    return { seq, atMs: timeOf(event), invocationId, isParallel: this.#running > 1 }
  }
}

/** A key of its own for a call whose id is in use already, where who reports it does not count the uses. */
function freeKey (calls: ReadonlyMap<string, number>, key: string): string {
  let free = key
  for (let more = 2; calls.has(free); more++) free = `${key}\0\0${more}`
  return free
}

/** An end goes to the oldest. */
function oldestKey (calls: ReadonlyMap<string, number>, key: string): string {
  if (calls.has(key)) return key
  for (const other of calls.keys()) if (other.startsWith(`${key}\0\0`)) return other
  return key
}
