import type { Kysely } from 'kysely'
import type { Clock } from '../time/clock.js'
import { timelineError, type TimelineError } from '../errors.js'
import { debug } from '../debug.js'
import { publish } from '../lifecycle.js'
import type { Logger } from '../logger.js'
import type { Meter } from '../meter.js'
import type { Caps } from '../options.js'
import { createBatchStatements } from '../store/sqlite/batch-statements.js'
import { commitBatch, type BatchOutcome } from '../store/sqlite/commit-batch.js'
import type { Database } from '../store/sqlite/database.js'
import { databaseError, isBusy, isLasting, isRefusal, isSchemaChange } from '../store/sqlite/sqlite.js'
import { TransactionGone } from '../store/sqlite/savepoint.js'
import type { Tables } from '../store/tables.js'
import type { Troubles } from '../store/troubles.js'
import { prepareOps, prepareResults, tellDropped } from '../intake/prepare.js'
import { createQueue, type Entry, type Op } from './queue.js'
import type { Redactor } from '../intake/redact.js'
import { clearImmediate, clearTimeout, performance, setImmediate, setTimeout } from '../time/timers.js'

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
  readonly database: Database
  readonly writerId: string
  /** This process, as JSON: see {@link Owner}. */
  readonly owner: string
  readonly caps: Caps
  readonly redactor: Redactor
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
  push (op: Op, settle?: (error?: unknown) => void): void
  /** Resolves when all that is queued now is committed. @throws what kept it from it, after `timeoutMs` */
  flush (timeoutMs?: number): Promise<void>
  /** Another file can be used: writes what waits, and finds out whether it is still the one that was written to. */
  look (): void
  /** Runs something else in a transaction of its own, between two batches. */
  transaction<T> (work: (trx: Kysely<Tables>) => Promise<T>): Promise<T>
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
  const { database, caps, logger, now } = options
  const queue = createQueue(caps.queueBytes, options.meter)
  const statements = createBatchStatements()
  let batch = 0
  let generation = 0
  /** Somebody wants to know whether the database is still the same. */
  let mustLook = false
  let isBusyWriting = false
  let isClosed = false
  /** What is left in the queue is written after all: nothing is stopped before that. */
  let onDrained: (() => void) | undefined
  let lastBatchAt = -Infinity
  let failures = 0
  /** How long to wait after the last failure. */
  let retryInMs = 0
  /** Operations that left the queue so far. */
  let finished = 0
  let lastError: TimelineError | undefined
  /** Why what was reported last is not written, nor will be. */
  let givenUp: TimelineError | undefined
  /** While above 0, operations are written one by one, to find the one that the database refuses. */
  let singles = 0
  /** The first operation was undone together with its transaction, and is tried again without the host's rows. */
  let isWithoutHost = false
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  const waiting = new Set<() => void>()
  let hasToldImport = false
  let failingSince = 0
  /** The batch whose commit failed: it may be stored all the same, and is tried again as it was until that is known. */
  let unsure: { readonly entries: readonly Entry[], readonly outcome: BatchOutcome } | undefined

  function schedule (): void {
    if (isBusyWriting || isStopped() || queue.size === 0 || timer !== undefined || immediate !== undefined) return
    const wait = failures > 0 ? retryInMs : lastBatchAt + BATCH_INTERVAL_MS - performance.now()
    const isFull = failures === 0 && (queue.size >= MAX_BATCH_ROWS || singles > 0)
    if (wait <= 0 || isFull) immediate = setImmediate(run)
    else timer = setTimeout(run, wait)
    // After a close nobody waits any more: the process may end.
    if (isClosed) timer?.unref()
  }

  function isStopped (): boolean {
    return isClosed && onDrained === undefined
  }

  function run (): void {
    clearTimeout(timer)
    clearImmediate(immediate)
    timer = immediate = undefined
    if (isBusyWriting || isStopped() || (queue.size === 0 && !mustLook)) return
    isBusyWriting = true
    writeBatch().catch((error) => { options.troubles.tell(error) }).finally(() => {
      isBusyWriting = false
      lastBatchAt = performance.now()
      for (const check of [...waiting]) check()
      if (queue.size === 0) onDrained?.()
      schedule()
    })
  }

  async function writeBatch (): Promise<void> {
    const before = unsure
    const entries = before?.entries ?? queue.peek(singles > 0 ? 1 : MAX_BATCH_ROWS, MAX_BATCH_BYTES)
    let written: BatchOutcome | undefined
    try {
      const given = entries.map((entry) => entry.op)
      await prepareResults(given, options)
      const ops = prepareOps(given, options)
      if (ops.length === 0 && !mustLook) return finish(entries)
      const startedAt = performance.now()
      const committed = await database.write(async (trx, host) => {
        written = await commitBatch(trx, {
          host,
          writerId: options.writerId,
          owner: options.owner,
          batch: batch + 1,
          generation,
          now: now(),
          activitiesPerInvocation: caps.activitiesPerInvocation,
          withoutHost: isWithoutHost,
          statements
        }, ops)
        return written
      })
      const seconds = (performance.now() - startedAt) / 1000
      options.meter.batchWritten(ops.length, seconds)
      unsure = undefined
      // What the first attempt stored is what counts: the ids of its runs, for one.
      const outcome = committed.wasCommitted && before !== undefined ? before.outcome : committed
      batch++
      failures = 0
      mustLook = false
      lastError = givenUp = undefined
      options.troubles.over()
      for (const cause of outcome.importErrors) tellImport(cause)
      if (singles > 0) singles--
      applyOutcome(outcome)
      finish(entries)
      reportCommit(ops, outcome, seconds)
      options.onCommit(outcome.taskIds)
      if (outcome.generation > generation) tellReplaced(outcome.generation)
    } catch (error) {
      // What is refused is not stored. An attempt that did not get to its commit says nothing of the one before.
      if (isRefusal(error)) unsure = undefined
      else if (written?.wasCommitted === false) unsure = { entries, outcome: written }
      await afterFailure(error, entries)
    }
  }

  function reportCommit (ops: readonly Op[], { ids, taskIds, wasCommitted }: BatchOutcome, seconds: number): void {
    debug.recorder('batch %d of writer %s: %d operations, %d tasks, %d ms%s', batch, options.writerId, ops.length,
      taskIds.length, Math.round(seconds * 1000), wasCommitted ? ', had been committed before' : '')
    publish('batch.committed', () => ({ operations: ops.length, tasks: taskIds.length, seconds }))
    for (const [{ taskId }, invocationId] of ids) publish('invocation.started', () => ({ taskId, invocationId }))
    for (const op of ops) {
      if (op.kind !== 'end' || op.run.id === undefined || op.run.isUnrecorded) continue
      const { taskId, id: invocationId } = op.run
      publish('invocation.ended', () => ({ taskId, invocationId }))
    }
  }

  function applyOutcome (outcome: BatchOutcome): void {
    for (const [run, id] of outcome.ids) run.id = id
    for (const run of [...outcome.ids.keys(), ...outcome.logs.keys()]) run.generation = outcome.generation
    for (const run of outcome.vanished) {
      run.isUnrecorded = true
      logger.info({ taskId: run.taskId, invocationId: run.id }, 'an invocation was deleted while it ran; the rest of it is not recorded')
    }
    for (const [run, { count, lastHeadSeq, progress, tally }] of outcome.logs) {
      run.activityCount = count
      run.lastHeadSeq = lastHeadSeq
      run.progress = progress
      run.tally = tally
    }
  }

  function finish (entries: readonly Entry[], error?: unknown): void {
    isWithoutHost = false
    queue.remove(entries.length)
    finished += entries.length
    for (const { op, settle } of entries) {
      const isLost = 'run' in op && op.run.isUnrecorded
      settle?.(error ?? (isLost ? op.run.unrecordedFor ?? timelineError('AGENT_TIMELINE_UNKNOWN_TASK') : undefined))
    }
  }

  async function afterFailure (error: unknown, entries: readonly Entry[]): Promise<void> {
    if (isRefusal(error)) return refuse(error, entries)
    if (isLasting(error) && batch === 0) return giveUp(databaseError(error), entries)
    if (failures++ === 0) failingSince = performance.now()
    lastError = databaseError(error, database.path)
    retryInMs = isBusy(error)
      ? await database.lockPause()
      : Math.min(RETRY_MS[0] * 2 ** Math.min(failures - 1, 12), RETRY_MS[1]) * (0.5 + Math.random())
    if (isSchemaChange(error)) {
      const isRepaired = await database.repair().then(() => true, (cause) => {
        lastError = databaseError(cause, database.path)
        return false
      })
      if (isRepaired && failures === 1) return
    }
    debug.recorder('batch %d of writer %s failed for the %d. time: %s; again in %d ms', batch + 1, options.writerId,
      failures, lastError.code, Math.round(retryInMs))
    // Another process that writes is no trouble, one that keeps the lock is.
    options.troubles.tell(isBusy(error) ? error : lastError, performance.now() - failingSince > TELL_LOCKED_AFTER_MS)
  }

  /** One operation spoils the batch: alone it is dropped, with others it is looked for. */
  function refuse (error: unknown, entries: readonly Entry[]): void {
    const [entry] = entries
    if (entries.length > 1 || entry === undefined) {
      singles = entries.length
      return
    }
    if (error instanceof TransactionGone && !isWithoutHost) {
      isWithoutHost = true
      singles = Math.max(1, singles)
      return
    }
    singles = Math.max(0, singles - 1)
    const { op } = entry
    // Ours refer to nothing: it is the row of an invocation, which a database that was put in its place may want, too.
    const isUnknownTask = 'run' in op && (error as { code?: string }).code === 'SQLITE_CONSTRAINT_FOREIGNKEY'
    const coded = isUnknownTask ? timelineError('AGENT_TIMELINE_UNKNOWN_TASK', [], error) : databaseError(error)
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
    givenUp = error
    options.troubles.tell(error)
    finish(entries, error)
  }

  function tellReplaced (found: number): void {
    generation = found
    const { code, message } = timelineError('AGENT_TIMELINE_DATABASE_REPLACED')
    options.meter.troubled(code)
    logger.warn({ code, path: database.path }, `${message} What was written to the one before is not in it; runs that go on are recorded into it.`)
    options.onReplaced()
  }

  function tellImport (error: unknown): void {
    if (hasToldImport) return
    hasToldImport = true
    logger.warn({ code: 'AGENT_TIMELINE_INTERNAL', err: error }, 'rows that the host wrote could not be brought into the timeline')
  }

  function push (op: Op, settle?: (error?: unknown) => void): void {
    if (isClosed) {
      settle?.(timelineError('AGENT_TIMELINE_CLOSED'))
      return
    }
    if ('run' in op && op.run.droppedPieces > 0 && (op.kind !== 'activity' || queue.hasRoom)) {
      queue.push(tellDropped(op.run, now()))
    }
    queue.push(op, settle)
    // Somebody waits for this one: the batch that is forming goes now.
    if (settle !== undefined && failures === 0 && !isBusyWriting) immediate ??= setImmediate(run)
    else schedule()
  }

  function flush (timeoutMs = 5_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => givenUp === undefined ? resolve() : reject(givenUp)
      if (queue.size === 0) return end()
      const target = finished + queue.size
      let seen = finished
      const deadline = setTimeout(() => {
        waiting.delete(check)
        reject(lastError ?? timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE'))
      }, timeoutMs)
      function check () {
        // As long as batches are written, there is only much to write.
        if (finished > seen) deadline.refresh()
        seen = finished
        if (finished < target) return
        clearTimeout(deadline)
        waiting.delete(check)
        end()
      }
      waiting.add(check)
      run()
    })
  }

  return {
    get queueBytes () { return queue.bytes },
    get hasRoom () { return queue.hasRoom },
    push,
    flush,
    look () {
      if (isClosed) return
      mustLook = batch > 0
      if (failures === 0 || batch === 0) run()
    },
    transaction: (work) => database.write(work),
    async close (timeoutMs = 5_000) {
      if (isClosed) return
      try {
        await flush(timeoutMs)
      } finally {
        isClosed = true
        if (queue.size === 0) {
          clearTimeout(timer)
          clearImmediate(immediate)
        }
      }
    },
    drained () {
      if (queue.size === 0) return undefined
      return new Promise((resolve) => {
        onDrained = resolve
        timer?.unref()
        schedule()
      })
    }
  }
}
