import type { Clock } from '../time/clock.js'
import { timelineError, type TimelineError } from '../errors.js'
import { debug } from '../debug.js'
import type { Logger } from '../logger.js'
import type { Meter } from '../meter.js'
import type { Op } from '../model/operations.js'
import type { Prices } from '../model/prices.js'
import type { Caps } from '../options.js'
import type { BatchOutcome, LogWriter } from '../store/port.js'
import { codedError, kindOf, StoreError } from '../store/store-error.js'
import type { Troubles } from '../store/troubles.js'
import { prepareOps, tellDropped } from '../intake/prepare.js'
import type { Redactor } from '../intake/redact.js'
import { createBatchTimer } from './batch-timer.js'
import { createFlushes } from './flushes.js'
import { applyOutcome, publishCommit } from './outcome.js'
import { createQueue, type Entry } from './queue.js'
import type { Run } from './run.js'
import { afterOne, isRefused, type BatchMode, type UnsureBatch, type WriterHealth, type WriterLife } from './writer-state.js'
import { performance } from '../time/timers.js'

/** At most this many rows a transaction. */
const MAX_BATCH_ROWS = 500
const MAX_BATCH_BYTES = 4 * 1024 * 1024
/** Between batches; the first after idle goes at once. */
const BATCH_INTERVAL_MS = 25
/** Between attempts while the database is away for another reason than a lock, growing from the first to the second. */
const RETRY_MS = [5, 2_000] as const
/** A lock that lasts longer than this is worth a warning. */
const TELL_LOCKED_AFTER_MS = 1_000

export interface WriterOptions {
  readonly log: LogWriter
  /** Names this writer where its work is followed. */
  readonly writerId: string
  /** Names the database in the log. */
  readonly path: string
  readonly caps: Caps
  readonly redactor: Redactor
  readonly prices?: Prices | undefined
  readonly logger: Logger
  readonly troubles: Troubles
  readonly meter: Meter
  readonly now: Clock
  /** Another database was found in the place of the one that was written to. */
  readonly onReplaced: () => void
  /** After a commit, with the tasks that have new rows. */
  readonly onCommit: (taskIds: readonly string[]) => void
}

/** The one who writes: everything of a Timeline goes through it, in order. */
export interface Writer {
  /** Bytes that wait to be written. */
  readonly queueBytes: number
  /** Whether the queue is less than half full. */
  readonly hasRoom: boolean
  /** Queues an operation; never throws, never waits. `settle` is called once it is committed, or never will be. */
  push (op: Op<Run>, settle?: (error?: unknown) => void): void
  /** Resolves when all that is queued now is committed. @throws what kept it from it, after `timeoutMs` */
  flush (timeoutMs?: number): Promise<void>
  /** Another file can be used: writes what waits, and finds out whether it is still the one that was written to. */
  look (): void
  /**
   * Takes nothing more, and writes what is queued. What cannot be written in time is tried further, in the background
   * and for as long as the process lives: the end of a run is among it, and without it the run would look alive.
   *
   * @throws what kept it from it, after `timeoutMs`
   */
  close (timeoutMs?: number): Promise<void>
  /** After a close: undefined when nothing is left to write, or else resolves when that is so. */
  drained (): Promise<void> | undefined
}

export function createWriter (options: WriterOptions): Writer {
  const { log, caps, logger, now } = options
  const queue = createQueue(caps.queueBytes, options.meter)
  const flushes = createFlushes()
  const timer = createBatchTimer(run)
  /** Of the last batch that was committed; 0 before the first. */
  let batch = 0
  let generation = 0
  let life: WriterLife = 'open'
  let health: WriterHealth = { name: 'well' }
  let mode: BatchMode = { name: 'many' }
  let unsure: UnsureBatch | undefined
  let isWriting = false
  /** Somebody wants to know whether the database is still the same. */
  let mustLook = false
  let lastBatchAt = -Infinity
  let hasToldImport = false
  let onDrained: (() => void) | undefined

  function schedule (): void {
    if (isWriting || life === 'closed' || queue.size === 0 || timer.isSet) return
    const isFailing = health.name === 'failing'
    const wait = health.name === 'failing' ? health.retryInMs : lastBatchAt + BATCH_INTERVAL_MS - performance.now()
    const isFull = !isFailing && (queue.size >= MAX_BATCH_ROWS || mode.name === 'single')
    if (wait <= 0 || isFull) timer.soon()
    else timer.after(wait)
    if (life !== 'open') timer.unref()
  }

  function run (): void {
    timer.clear()
    if (isWriting || life === 'closed' || (queue.size === 0 && !mustLook)) return
    isWriting = true
    writeBatch().catch((error) => { options.troubles.tell(error) }).finally(() => {
      isWriting = false
      lastBatchAt = performance.now()
      flushes.check()
      if (queue.size === 0) onDrained?.()
      schedule()
    })
  }

  async function writeBatch (): Promise<void> {
    const before = unsure
    const entries = before?.entries ?? queue.peek(mode.name === 'single' ? 1 : MAX_BATCH_ROWS, MAX_BATCH_BYTES)
    try {
      const given = entries.map((entry) => entry.op)
      const ops = await prepareOps(given, options)
      if (ops.length === 0 && !mustLook) return finish(entries)
      const startedAt = performance.now()
      const withoutHost = mode.name === 'single' && mode.withoutHost
      const committed = await log.commit({ number: batch + 1, ops, generation, withoutHost })
      const seconds = (performance.now() - startedAt) / 1000
      options.meter.batchWritten(ops.length, seconds)
      // What the first attempt stored is what counts: the ids of its runs, for one.
      const outcome = committed.wasCommitted && before !== undefined ? before.outcome : committed
      acknowledge(outcome, entries)
      debug.recorder('batch %d of writer %s: %d operations, %d tasks, %d ms%s', batch, options.writerId, ops.length,
        outcome.taskIds.length, Math.round(seconds * 1000), outcome.wasCommitted ? ', had been committed before' : '')
      publishCommit(ops, outcome, seconds)
      options.onCommit(outcome.taskIds)
      if (outcome.generation > generation) tellReplaced(outcome.generation)
    } catch (error) {
      // What is refused is not stored. An attempt that did not get to its commit says nothing of the one before.
      if (isRefused(error)) unsure = undefined
      else if (error instanceof StoreError && error.outcome?.wasCommitted === false) {
        unsure = { entries, outcome: error.outcome as BatchOutcome as BatchOutcome<Run> }
      }
      await afterFailure(error, entries)
    }
  }

  function acknowledge (outcome: BatchOutcome<Run>, entries: readonly Entry[]): void {
    unsure = undefined
    batch++
    health = { name: 'well' }
    mustLook = false
    options.troubles.over()
    for (const cause of outcome.importErrors) tellImport(cause)
    mode = afterOne(mode)
    applyOutcome(outcome, logger)
    finish(entries)
  }

  /** These have left the queue, stored or for good. */
  function finish (entries: readonly Entry[], error?: unknown): void {
    if (mode.name === 'single') mode = { ...mode, withoutHost: false }
    queue.remove(entries.length)
    flushes.left(entries.length)
    for (const { op, settle } of entries) {
      const isLost = 'run' in op && op.run.isUnrecorded
      settle?.(error ?? (isLost ? op.run.unrecordedFor ?? timelineError('AGENT_TIMELINE_UNKNOWN_TASK') : undefined))
    }
  }

  async function afterFailure (error: unknown, entries: readonly Entry[]): Promise<void> {
    if (isRefused(error)) return refuse(error, entries)
    const kind = kindOf(error)
    if (kind === 'lasting' && batch === 0) return giveUp(codedError(error), entries)
    const { failures, sinceMs } = health.name === 'failing' ? health : { failures: 0, sinceMs: performance.now() }
    const retryInMs = kind === 'busy'
      ? await log.lockPause()
      : Math.min(RETRY_MS[0] * 2 ** Math.min(failures, 12), RETRY_MS[1]) * (0.5 + Math.random())
    let cause = codedError(error)
    health = { name: 'failing', failures: failures + 1, sinceMs, retryInMs, error: cause }
    if (kind === 'schema_changed') {
      try {
        await log.repair()
        if (failures === 0) return
      } catch (err) {
        cause = codedError(err)
        health = { ...health, error: cause }
      }
    }
    debug.recorder('batch %d of writer %s failed for the %d. time: %s; again in %d ms', batch + 1, options.writerId,
      failures + 1, cause.code, Math.round(retryInMs))
    // Another process that writes is no trouble, one that keeps the lock is.
    options.troubles.tell(cause, performance.now() - sinceMs > TELL_LOCKED_AFTER_MS)
  }

  /** One operation spoils the batch: alone it is dropped, with others it is looked for. */
  function refuse (error: unknown, entries: readonly Entry[]): void {
    const [entry] = entries
    if (entries.length > 1 || entry === undefined) {
      mode = entries.length > 1 ? { name: 'single', left: entries.length, withoutHost: false } : { name: 'many' }
      return
    }
    const withoutHost = mode.name === 'single' && mode.withoutHost
    if (kindOf(error) === 'undone' && !withoutHost) {
      mode = { name: 'single', left: mode.name === 'single' ? mode.left : 1, withoutHost: true }
      return
    }
    mode = afterOne(mode)
    const { op } = entry
    const isUnknownTask = 'run' in op && kindOf(error) === 'unknown_task'
    const coded = isUnknownTask ? timelineError('AGENT_TIMELINE_UNKNOWN_TASK', [], error) : codedError(error)
    if ('run' in op && (op.kind === 'start' || isUnknownTask)) op.run.isUnrecorded = true
    const taskId = op.kind === 'task' ? op.taskId : op.run.taskId
    const message = isUnknownTask ? `the task ${taskId} is unknown: its invocation is not recorded` : 'the database refused a row'
    options.meter.troubled(coded.code)
    logger.warn({ code: coded.code, taskId }, message)
    finish(entries, coded)
  }

  /** Nothing of these will ever be written: whoever waits for it is told, and no memory is kept for it. */
  function giveUp (error: TimelineError, entries: readonly Entry[]): void {
    for (const { op } of entries) {
      if (!('run' in op)) continue
      op.run.isUnrecorded = true
      op.run.unrecordedFor = error
    }
    health = { name: 'given_up', error }
    options.troubles.tell(error)
    finish(entries, error)
  }

  function tellReplaced (found: number): void {
    generation = found
    const { code, message } = timelineError('AGENT_TIMELINE_DATABASE_REPLACED')
    options.meter.troubled(code)
    logger.warn({ code, path: options.path }, `${message} What was written to the one before is not in it; runs that go on are recorded into it.`)
    options.onReplaced()
  }

  function tellImport (error: unknown): void {
    if (hasToldImport) return
    hasToldImport = true
    logger.warn({ code: 'AGENT_TIMELINE_INTERNAL', err: error }, 'rows that the host wrote could not be brought into the timeline')
  }

  function push (op: Op<Run>, settle?: (error?: unknown) => void): void {
    if (life !== 'open') {
      settle?.(timelineError('AGENT_TIMELINE_CLOSED'))
      return
    }
    if ('run' in op && op.run.droppedPieces > 0 && (op.kind !== 'activity' || queue.hasRoom)) {
      queue.push(tellDropped(op.run, now()))
    }
    queue.push(op, settle)
    // Somebody waits for this one: the batch that is forming goes now.
    if (settle !== undefined && health.name !== 'failing' && !isWriting) timer.soon()
    else schedule()
  }

  async function flush (timeoutMs = 5_000): Promise<void> {
    if (queue.size > 0) {
      const emptied = flushes.wait(queue.size, timeoutMs, () => health.name === 'failing' ? health.error : undefined)
      run()
      await emptied
    }
    if (health.name === 'given_up') throw health.error
  }

  return {
    get queueBytes () { return queue.bytes },
    get hasRoom () { return queue.hasRoom },
    push,
    flush,
    look () {
      if (life !== 'open') return
      mustLook = batch > 0
      if (health.name !== 'failing' || batch === 0) run()
    },
    async close (timeoutMs = 5_000) {
      if (life !== 'open') return
      try {
        await flush(timeoutMs)
      } finally {
        life = 'closed'
        if (queue.size === 0) timer.clear()
      }
    },
    drained () {
      if (queue.size === 0) return undefined
      return new Promise((resolve) => {
        life = 'draining'
        onDrained = resolve
        timer.unref()
        schedule()
      })
    }
  }
}
