import { randomBytes } from 'node:crypto'
import { parseTime, systemClock, toIso } from './time/clock.js'
import { isTimelineError, timelineError } from './errors.js'
import { INVOCATION_STATUSES } from './model/events.js'
import { createAuditSource, type TaskEventSource } from './host/task-events.js'
import { createSafeLogger, processLogger, type Logger } from './logger.js'
import { noMeter, type Meter } from './meter.js'
import {
  checkBoolean, checkFunction, checkInteger, checkInvocationId, checkKnown, checkMethods, checkObject, checkOneOf,
  checkTaskId, resolveCaps,
  type Caps
} from './options.js'
import { startMaintenance } from './maintenance.js'
import { currentOwner } from './liveness/owner.js'
import { createRecorder, withinPatience, type RecorderOptions } from './recorder/recorder.js'
import { resolveRecord, type RecordOptions } from './intake/record-options.js'
import { createRedactor, type RedactOptions } from './intake/redact.js'
import { cleanText } from './intake/clean-text.js'
import { createWriter } from './recorder/writer.js'
import { createHealthMonitor, type HealthMonitor } from './live/health-monitor.js'
import { createProcessLook } from './liveness/process-sign.js'
import { withHealth } from './live/with-health.js'
import type { TextCap } from './host/host.js'
import type { TimelineReader } from './store/port.js'
import { adoptNewInvocations } from './store/sqlite/adopt.js'
import { openDatabase, type DatabaseOptions, type OpeningLimits } from './store/sqlite/database.js'
import { deleteTask } from './store/sqlite/delete-task.js'
import { openLateDatabase } from './store/sqlite/late-database.js'
import { createAnswerReader } from './store/sqlite/answers.js'
import type { AnswerReader } from './store/answers.js'
import { summarise } from './live/summarise.js'
import { createReader, MAX_LIST_LIMIT, MAX_PAGE_LIMIT } from './store/sqlite/reader.js'
import { createReadRunning } from './store/sqlite/running.js'
import { withScope } from './store/scoped-reader.js'
import type { TaskScope } from './store/task-scope.js'
import { databaseError, isLasting, sqliteCode } from './store/sqlite/sqlite.js'
import type { DatabaseSource } from './store/sqlite/source.js'
import { canonicalPath } from './store/sqlite/canonical-path.js'
import { warnOfOldSqlite } from './store/sqlite/old-sqlite.js'
import { createBell } from './store/sqlite/bell.js'
import { follow } from './live/follow.js'
import { createHub, type Hub } from './live/hub.js'
import { createInProcessBus } from './live/in-process-bus.js'
import { ReadTrouble } from './live/read-trouble.js'
import { RunningTasks } from './live/running-tasks.js'
import { closeOnSignals } from './recorder/close-on-signals.js'
import { createTroubles } from './store/troubles.js'
import type { Timeline } from './timeline.js'
import { clearTimeout, setTimeout } from './time/timers.js'

/** Options of `openTimeline`. */
export interface OpenOptions {
  /**
   * Path of an SQLite file, or an open handle: a better-sqlite3 `Database`, a `DatabaseSync` of `node:sqlite`, or a
   * `Kysely` on one. Where the process has the file open itself, pass its handle: two SQLite libraries on one file of
   * one process lose data.
   */
  readonly database: DatabaseSource
  /** Apply migration 010 to a database that lacks it. Default false: only a new, empty one is set up. */
  readonly migrate?: boolean
  /** Make the file if it is missing. Default true. */
  readonly create?: boolean
  /** On SIGTERM and SIGINT: abort the runs, write what is queued, close. Default false. */
  readonly closeOnSignal?: boolean
  /** Default: warnings become process warnings. */
  readonly logger?: Logger
  /** What to hide besides the defaults; false hides nothing. */
  readonly redact?: RedactOptions | false
  /** What may be stored of the texts of a run. Default: all. */
  readonly record?: RecordOptions
  readonly caps?: Partial<Caps>
  /** Days that activities are kept, 0 for ever. Default 0: it is the plugin's `monitoring` that decides, 7 there. */
  readonly activityLogRetention?: number
  /** Above so many bytes in use the oldest activities go. None by default. */
  readonly maxDatabaseBytes?: number
  /** How often this process says that it lives, in milliseconds; 100 to 60,000. Default 2,000. */
  readonly runnerHeartbeatIntervalMs?: number
  /**
   * After how long without a sign a run is given up whose process cannot be looked at from here, in milliseconds in
   * which this process was awake; 1,000 to 7 days. Default 600,000.
   */
  readonly ownerLeaseMs?: number
  /** Where the host keeps its tasks' changes. Default: the `audit` table, where there is one. */
  readonly taskEvents?: TaskEventSource
  /** Tells whether a task exists, for hosts whose tasks are elsewhere. */
  readonly taskExists?: (taskId: string) => boolean | Promise<boolean>
  readonly mapResult?: RecorderOptions['mapResult']
  readonly mapActivity?: RecorderOptions['mapActivity']
  /**
   * What a database means that cannot be used when it is opened. Default `'throw'`: it is refused. `'warn'`: it is
   * logged, and tried again until it can be used; runs go on, and what they report waits in memory within `queueBytes`.
   */
  readonly onUnavailable?: 'throw' | 'warn'
}

const KNOWN_OPTIONS = [
  'database', 'migrate', 'create', 'closeOnSignal', 'logger', 'redact', 'record', 'caps', 'activityLogRetention',
  'maxDatabaseBytes', 'runnerHeartbeatIntervalMs', 'ownerLeaseMs', 'taskEvents', 'taskExists', 'mapResult', 'mapActivity',
  'onUnavailable'
]

/** A timeline with the parts that serve it to others. */
export interface TimelineCore {
  readonly timeline: Timeline
  readonly reader: TimelineReader
  readonly answers: AnswerReader
  /** Which tasks are seen; undefined for all. */
  readonly scope?: TaskScope
  readonly hub: Hub
  readonly running: RunningTasks
  readonly health: HealthMonitor
  /** Whether the database can be read. */
  readonly trouble: ReadTrouble
  /** The same for those who may see some tasks; `timeline` sees all. */
  within (scope: TaskScope): TimelineCore
  close (): Promise<void>
}

/**
 * Opens a database and puts reader, writer, hub and upkeep together.
 *
 * @param meter told of what happens; counts nothing by default
 */
export async function openCore (
  options: OpenOptions, meter: Meter = noMeter, opening: OpeningLimits = {}
): Promise<TimelineCore> {
  checkOptions(options)
  const now = systemClock
  const logger = createSafeLogger(options.logger ?? processLogger)
  const caps = resolveCaps(options.caps)
  const redactor = createRedactor(options.redact)
  const record = resolveRecord(options.record)
  const clean = (text: string, cap: TextCap = 'messageBytes') => cleanText(redactor, text, caps[cap])
  const source: DatabaseOptions = {
    database: options.database,
    migrate: options.migrate ?? false,
    create: options.create ?? true,
    taskEvents: options.taskEvents ?? createAuditSource(now),
    hostOptions: { now, clean },
    meter,
    opening
  }
  let path = ''
  const troubles = createTroubles(logger, () => path, meter)
  const database = options.onUnavailable === 'warn'
    ? await openLateDatabase({
      ...source,
      onFailure: (error) => troubles.tell(error, true),
      onOpened (opened) {
        troubles.over()
        logger.info({ path }, 'the database can be used now')
        warnOfOldSqlite(opened.library, logger)
        writer.look()
      }
    })
    : await openDatabase(source)
  path = database.path
  warnOfOldSqlite(database.library, logger)
  // One bell for a file, whatever links lead to it.
  const bus = path === '' ? createInProcessBus() : createBell({ databasePath: canonicalPath(path), logger })
  const ending = new AbortController()
  const writerId = randomBytes(8).toString('hex')
  let isReleased = false
  const onCommit = (taskIds: readonly string[]) => { if (!isReleased) bus.ring(taskIds) }
  const writer = createWriter({
    database,
    writerId,
    owner: JSON.stringify(currentOwner()),
    caps,
    redactor,
    logger,
    troubles,
    meter,
    now,
    onReplaced: () => recorder.noteReplaced(),
    onCommit (taskIds) {
      maintenance.batchCommitted()
      onCommit(taskIds)
    }
  })
  const recorder = createRecorder({
    writer,
    caps,
    redactor,
    record,
    logger,
    now,
    onRun: () => maintenance.runBegins(),
    signal: ending.signal,
    mapResult: options.mapResult,
    mapActivity: options.mapActivity
  })
  const warnOfImport = warnOnceEach(logger)
  const stored = createReader({
    read: database.read,
    async importPending (taskId) {
      const { imported, recheckInMs } = await database.write(
        (trx, host) => host.importPending(trx, taskId), IMPORT_PATIENCE_MS)
      if (imported > 0) onCommit([taskId])
      return recheckInMs
    },
    adoptNew: async () => adoptNewInvocations(database),
    // A database that is away is told of as such, what a host's own source threw is not.
    onImportError: (error) => isOfDatabase(error) ? troubles.tell(error) : warnOfImport(error)
  })
  const answers = createAnswerReader((query) => database.read((db) => query(db)))
  const readRunning = createReadRunning()
  const trouble = new ReadTrouble(now)
  const health = createHealthMonitor({
    readRunning: (ids) => database.read((db) => readRunning(db, ids)),
    lookAt: createProcessLook(writerId),
    bus,
    now,
    trouble
  })
  const known = options.taskExists === undefined ? stored : withTaskExists(stored, options.taskExists)
  const reader = withHealth(known, health)
  const hub = createHub({ reader, bus, logger, meter, trouble })
  const running = new RunningTasks({ reader, hub, logger })
  /** Those of viewers who see the same look together. */
  const runningByScope = new Map<string, RunningTasks>()
  function runningWithin (scope: TaskScope, scoped: TimelineReader): RunningTasks {
    const key = JSON.stringify('ids' in scope ? [...scope.ids] : scope.prefix)
    let shared = runningByScope.get(key)
    if (shared === undefined) {
      shared = new RunningTasks({ reader: scoped, hub, logger, onRest: () => { runningByScope.delete(key) } })
      runningByScope.set(key, shared)
    }
    return shared
  }
  const maintenance = startMaintenance({
    database,
    recorder,
    writerId,
    troubles,
    logger,
    meter,
    now,
    onCommit,
    onReopened: writer.look,
    activityLogRetention: options.activityLogRetention ?? 0,
    maxDatabaseBytes: options.maxDatabaseBytes,
    heartbeatIntervalMs: options.runnerHeartbeatIntervalMs ?? 2_000,
    ownerLeaseMs: options.ownerLeaseMs ?? 600_000
  })
  const detach = meter.attach(() => ({
    queueBytes: writer.queueBytes, heartbeats: maintenance.heartbeats, verdicts: () => health.counts()
  }))
  let taskEvents = 0
  let closing: Promise<void> | undefined

  async function close (): Promise<void> {
    hub.close()
    for (const one of [running, ...runningByScope.values()]) one.close()
    health.close()
    await maintenance.stop()
    try {
      recorder.abandon()
      await writer.close()
    } catch (error) {
      if (!isLasting(error)) {
        logger.error({ err: error },
          'the timeline was closed before everything was written; it is tried further while the process lives')
      }
    } finally {
      isReleased = true
      detach()
      bus.close()
      await database.close(writer.drained())
      stopListening()
    }
  }

  const timeline: Timeline = {
    logInvocation: recorder.logInvocation,
    startInvocation: recorder.startInvocation,

    async recordTaskEvent (event) {
      const op = {
        kind: 'task' as const,
        taskId: checkTaskId(event?.taskId),
        ...checkTaskEvent(event),
        actor: clean(event.actor),
        message: clean(event.message ?? ''),
        timestamp: toIso(Math.min(parseTime(event.timestamp) ?? now(), now())),
        sourceId: String(taskEvents++)
      }
      if (await reader.getTask(op.taskId) === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
      await withinPatience(new Promise<void>((resolve, reject) => {
        writer.push(op, (error) => error === undefined ? resolve() : reject(error))
      }), true)
    },

    async getTimeline (taskId, query = {}) {
      const id = checkTaskId(taskId)
      checkPage(query)
      const task = await reader.getTask(id)
      if (task === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
      const page = await reader.readPage(id, query)
      return { task, ...page }
    },

    async getInvocation (id, query = {}) {
      checkPage(query)
      return reader.getInvocation(checkInvocationId(id), query)
    },

    async listInvocations (filter = {}) {
      checkObject('filter', filter)
      if (filter.status !== undefined && !INVOCATION_STATUSES.includes(filter.status)) {
        throw timelineError('AGENT_TIMELINE_INVALID_STATUS')
      }
      if (filter.limit !== undefined) checkLimit(filter.limit, MAX_LIST_LIMIT)
      const { taskId, ...rest } = filter
      return reader.listInvocations(taskId === undefined ? rest : { ...rest, taskId: checkTaskId(taskId) })
    },

    async getSummary (taskId) {
      return summarise(reader, answers, checkTaskId(taskId), now)
    },

    events (options) {
      checkObject('options', options)
      const { taskId, after, ...rest } = options
      checkNumber('after', after)
      return follow(hub, reader, { ...rest, ...(after === undefined ? {} : { after }), taskId: checkTaskId(taskId) })
    },

    async deleteTask (taskId) {
      const id = checkTaskId(taskId)
      if (isReleased) throw timelineError('AGENT_TIMELINE_CLOSED')
      await deleteTask(database, id)
      onCommit([id])
    },

    flush: async () => writer.flush(),
    close: async () => {
      closing ??= close()
      return closing
    }
  }

  const stopListening = options.closeOnSignal === true
    ? closeOnSignals({ recorder, abort: () => ending.abort(), close: timeline.close })
    : () => {}

  await within(OPENING_MS, maintenance.opened)
  const core: TimelineCore = {
    timeline,
    reader,
    answers,
    hub,
    running,
    health,
    trouble,
    within (scope) {
      const scoped = withScope(reader, scope)
      return { ...core, reader: scoped, scope, get running () { return runningWithin(scope, scoped) } }
    },
    close: timeline.close
  }
  return core
}

/** What is stored can be read while somebody keeps the lock; the host's newest rows come later then. */
const IMPORT_PATIENCE_MS = 250

function isOfDatabase (error: unknown): boolean {
  return isTimelineError(error) && (error.code !== 'AGENT_TIMELINE_DATABASE_UNAVAILABLE' || sqliteCode(error.cause) !== '')
}

function warnOnceEach (logger: Logger): (error: unknown) => void {
  const warned = new Set<string>()
  return (error) => {
    const { code, message } = databaseError(error)
    if (warned.has(code)) return
    warned.add(code)
    logger.warn({ code, err: error, reason: message }, 'rows that the host wrote could not be brought into the timeline')
  }
}

/** How long opening waits for the backfill of a database that is new to us; a large one goes on in the background. */
const OPENING_MS = 2_000

async function within (ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([work, new Promise((resolve) => { timer = setTimeout(resolve, ms) })])
  clearTimeout(timer)
}

function checkOptions (options: OpenOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['database', "is missing: give an object that has it, { database: './orchestrator.db' }"])
  }
  checkKnown('', options, KNOWN_OPTIONS)
  if (options.database === undefined) throw timelineError('AGENT_TIMELINE_NO_DATABASE')
  for (const name of ['migrate', 'create', 'closeOnSignal'] as const) {
    if (options[name] !== undefined) checkBoolean(name, options[name])
  }
  if (options.onUnavailable !== undefined) checkOneOf('onUnavailable', options.onUnavailable, ['throw', 'warn'])
  if (options.logger !== undefined) checkMethods('logger', options.logger, ['error', 'warn', 'info', 'debug'])
  if (options.taskEvents !== undefined) {
    checkMethods('taskEvents', options.taskEvents, ['isPresent', 'hasPending', 'read'])
  }
  for (const name of ['taskExists', 'mapResult', 'mapActivity'] as const) {
    if (options[name] !== undefined) checkFunction(name, options[name])
  }
  if (options.redact !== undefined && options.redact !== false) checkKnown('redact.', options.redact, ['patterns', 'keyNames'])
  const bounds = {
    activityLogRetention: [0, 36_500],
    maxDatabaseBytes: [1024 * 1024, Number.MAX_SAFE_INTEGER],
    runnerHeartbeatIntervalMs: [100, 60_000],
    ownerLeaseMs: [1_000, 7 * 86_400_000]
  } as const
  for (const [name, [min, max]] of Object.entries(bounds)) {
    const value = options[name as keyof typeof bounds]
    if (value !== undefined) checkInteger(name, value, min, max)
  }
}

/** Of 1973: a number below is one of seconds. */
const FIRST_MS = 1e11

function checkTaskEvent (
  event: { type: string, actor: string, message?: string, timestamp?: unknown }
): { type: `task.${string}` } {
  const isType = typeof event.type === 'string' && /^task\.\w{1,64}$/.test(event.type)
  if (!isType) throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['type is task. and a word'])
  if (typeof event.actor !== 'string') throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['actor is a text'])
  if (typeof (event.message ?? '') !== 'string') throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['message is a text'])
  const { timestamp } = event
  const isTime = (timestamp ?? undefined) === undefined || parseTime(timestamp) !== undefined
  if (!isTime || (typeof timestamp === 'number' && timestamp < FIRST_MS)) {
    throw timelineError('AGENT_TIMELINE_INVALID_EVENT', ['timestamp is a Date, a time in ISO-8601, or milliseconds'])
  }
  return { type: event.type as `task.${string}` }
}

function checkPage (query: { after?: number, before?: number | 'end', limit?: number }): void {
  checkObject('query', query)
  if (query.after !== undefined && query.before !== undefined) {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', ['after', 'give after or before, not both'])
  }
  for (const name of ['after', 'before'] as const) {
    const value = query[name]
    if (value !== 'end') checkNumber(name, value)
  }
  if (query.limit !== undefined) checkLimit(query.limit, MAX_PAGE_LIMIT)
}

/** That of an event, if it is given. */
function checkNumber (name: string, seq: unknown): void {
  if (seq === undefined || (Number.isSafeInteger(seq) && Number(seq) >= 0)) return
  throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', [name, 'it is a whole number from 0'])
}

function checkLimit (limit: number, max: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > max) throw timelineError('AGENT_TIMELINE_INVALID_LIMIT', [max])
}

function withTaskExists (reader: TimelineReader, taskExists: NonNullable<OpenOptions['taskExists']>): TimelineReader {
  return {
    ...reader,
    getTask: async (taskId) => await taskExists(taskId) ? await reader.getTask(taskId) ?? { id: taskId } : undefined
  }
}
