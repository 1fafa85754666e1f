import { randomBytes } from 'node:crypto'
import { timelineError, type TimelineError } from './errors.js'
import { createTimeline } from './api.js'
import type { TextCap } from './host/host.js'
import { hostOpener } from './host/open-host.js'
import { createAuditSource } from './host/task-events.js'
import { cleanText } from './intake/clean-text.js'
import { resolveRecord } from './intake/record-options.js'
import { createRedactor } from './intake/redact.js'
import { countActivity } from './live/activity-counts.js'
import { createAdviceKeeper, type AdviceKeeper } from './live/advice-keeper.js'
import { createHealthMonitor, type HealthMonitor } from './live/health-monitor.js'
import { createHub, type Hub } from './live/hub.js'
import { listTasks } from './live/list-tasks.js'
import { startNotices } from './live/notices.js'
import { createSummaries, type Summaries } from './live/summaries.js'
import { ReadTrouble } from './live/read-trouble.js'
import { createStoredMemory } from './live/run-memory.js'
import { createRunningByScope } from './live/running-by-scope.js'
import { RunningTasks } from './live/running-tasks.js'
import { withHealth } from './live/with-health.js'
import { currentOwner } from './liveness/owner.js'
import { createProcessLook } from './liveness/process-sign.js'
import { createSafeLogger, processLogger, type Logger } from './logger.js'
import { startMaintenance } from './maintenance.js'
import { noMeter, type Meter } from './meter.js'
import type { TimelineStatus } from './model/answers.js'
import { checkOptions, type OpenOptions } from './open-options.js'
import { resolveCaps } from './options.js'
import { closeOnSignals } from './recorder/close-on-signals.js'
import { createRecorder } from './recorder/recorder.js'
import { createWriter } from './recorder/writer.js'
import type { AnswerReader } from './store/answers.js'
import type { NoticeChannel, NoticeStore } from './store/notices.js'
import type { LogReader } from './store/port.js'
import type { TaskListReader } from './store/task-list.js'
import { withScope } from './store/scoped-reader.js'
import { openStore, type OpeningLimits } from './store/engines.js'
import { kindOf } from './store/store-error.js'
import type { TaskScope } from './store/task-scope.js'
import { createTroubles } from './store/troubles.js'
import { systemClock } from './time/clock.js'
import { clearTimeout, setTimeout } from './time/timers.js'
import type { Timeline } from './timeline.js'

/** A timeline with the parts that serve it to others. */
export interface TimelineCore {
  readonly timeline: Timeline
  readonly reader: LogReader
  readonly answers: AnswerReader
  readonly summaries: Summaries
  readonly tasks: TaskListReader
  /** Which tasks are seen; undefined for all. */
  readonly scope?: TaskScope
  readonly hub: Hub
  readonly running: RunningTasks
  readonly health: HealthMonitor
  readonly advice: Pick<AdviceKeeper, 'report'>
  /** Whether the database can be read. */
  readonly trouble: ReadTrouble
  /** The same for those who may see some tasks; `timeline` sees all. */
  within (scope: TaskScope): TimelineCore
  /** How the timeline is doing in this process. */
  status (): Promise<TimelineStatus>
  close (): Promise<void>
}

/**
 * Opens a database and puts reader, writer, hub and upkeep together.
 *
 * @param outerMeter told of what happens; counts nothing by default
 * @param project what its notices call it, where there are several
 */
export async function openCore (
  options: OpenOptions, outerMeter: Meter = noMeter, opening: OpeningLimits = {}, project?: string
): Promise<TimelineCore> {
  checkOptions(options)
  const { counts, meter } = countActivity(outerMeter)
  const now = systemClock
  const logger = createSafeLogger(options.logger ?? processLogger)
  const caps = resolveCaps(options.caps)
  const redactor = createRedactor(options.redact)
  const clean = (text: string, cap: TextCap = 'messageBytes') => cleanText(redactor, text, caps[cap])
  const troubles = createTroubles(logger, meter)
  const writerId = randomBytes(8).toString('hex')
  const { mapResult, mapActivity, prices, budgetUsd, taskExists, activityLogRetention = 0, maxDatabaseBytes } = options
  let isReleased = false
  const notify = (taskIds: readonly string[]): void => { if (!isReleased) store.bus.ring(taskIds) }

  const store = await openStore({
    database: options.database,
    migrate: options.migrate ?? false,
    create: options.create ?? true,
    isAwaited: options.onUnavailable === 'warn',
    openHost: hostOpener({ taskEvents: options.taskEvents ?? createAuditSource(now), now, clean }),
    writerId,
    owner: JSON.stringify(currentOwner()),
    activitiesPerInvocation: caps.activitiesPerInvocation,
    logger,
    meter,
    now,
    opening,
    onTrouble: troubles.tell,
    onUsable (path) {
      troubles.over()
      logger.info({ path }, 'the database can be used now')
      writer.look()
    },
    onImported: notify,
    onImportError: warnOnceEach(logger)
  })

  const writer = createWriter({
    log: store.writer,
    writerId,
    path: store.path,
    caps,
    redactor,
    prices,
    logger,
    troubles,
    meter,
    now,
    onReplaced: () => recorder.noteReplaced(),
    onCommit (taskIds) {
      maintenance.batchCommitted()
      notify(taskIds)
    }
  })
  const ending = new AbortController()
  const recorder = createRecorder({
    writer,
    caps,
    redactor,
    record: resolveRecord(options.record),
    prices,
    budgetUsd,
    logger,
    now,
    onRun: () => maintenance.runBegins(),
    signal: ending.signal,
    mapResult,
    mapActivity
  })

  const trouble = new ReadTrouble(now)
  const advice = createAdviceKeeper({ store: store.advice, meter, logger, now })
  const health = createHealthMonitor({
    readRunning: store.runningRows,
    memory: createStoredMemory({ history: store.calls, advice: store.advice, now }),
    lookAt: createProcessLook(writerId),
    advice,
    bus: store.bus,
    now,
    trouble
  })
  const known = taskExists === undefined ? store.reader : withTaskExists(store.reader, taskExists)
  const reader = withHealth(known, health)
  const hub = createHub({ reader, bus: store.bus, logger, meter, trouble })
  const running = new RunningTasks({ reader, hub, logger })
  const summaries = createSummaries({ reader, answers: store.answers, health, bus: store.bus, hub, now })
  const runningByScope = createRunningByScope({ hub, logger })
  const maintenance = startMaintenance({
    store: store.upkeep,
    recorder,
    writerId,
    troubles,
    logger,
    meter,
    now,
    onCommit: notify,
    onReopened: writer.look,
    activityLogRetention,
    maxDatabaseBytes,
    heartbeatIntervalMs: options.runnerHeartbeatIntervalMs ?? 2_000,
    ownerLeaseMs: options.ownerLeaseMs ?? 600_000
  })
  const { onNotice, webhook, publicUrl } = options
  const stopNotices = onNotice === undefined && webhook === undefined
    ? async () => {}
    : startNotices({
      onNotice,
      webhook,
      publicUrl,
      project,
      store: store.notices,
      reader,
      health,
      idleTasks: async () => (await listTasks({ tasks: store.tasks, health, now }, { state: 'not_running', limit: 1_000 })).tasks,
      logger,
      now
    })
  const detach = meter.attach(() => ({
    queueBytes: writer.queueBytes, heartbeats: maintenance.heartbeats, verdicts: () => health.counts()
  }))

  async function deleteTask (taskId: string): Promise<void> {
    if (isReleased) throw timelineError('AGENT_TIMELINE_CLOSED')
    await store.upkeep.deleteTask(taskId)
    notify([taskId])
  }

  async function close (): Promise<void> {
    hub.close()
    running.close()
    runningByScope.close()
    summaries.close()
    health.close()
    await stopNotices()
    await advice.close()
    await maintenance.stop()
    try {
      recorder.abandon()
      await writer.close()
    } catch (error) {
      if (kindOf(error) !== 'lasting') {
        logger.error({ err: error },
          'the timeline was closed before everything was written; it is tried further while the process lives')
      }
    } finally {
      isReleased = true
      detach()
      await store.close(writer.drained())
      stopListening()
    }
  }

  const { answers, tasks } = store
  const timeline = createTimeline({
    recorder, writer, reader, answers, tasks, health, advice, hub, now, clean, deleteTask, close
  })
  const stopListening = options.closeOnSignal === true
    ? closeOnSignals({ recorder, abort: () => ending.abort(), close: timeline.close })
    : () => {}

  await within(OPENING_MS, maintenance.opened)
  const core: TimelineCore = {
    timeline,
    reader,
    answers,
    summaries,
    tasks,
    hub,
    running,
    health,
    advice,
    trouble,
    within (scope) {
      const scoped = withScope(reader, scope)
      return { ...core, reader: scoped, scope, get running () { return runningByScope.find(scope, scoped) } }
    },
    async status () {
      const { deliveryLagMs, ...counted } = counts
      const databaseBytes = await answers.databaseBytes()
      const ways = { callback: onNotice !== undefined, webhook: webhook !== undefined }
      const lastNotice = await readLastNotice(store.notices, ways)
      return {
        ...(databaseBytes === 0 ? {} : { databaseBytes }),
        queueBytes: writer.queueBytes,
        ...counted,
        ...(deliveryLagMs === undefined ? {} : { deliveryLagMs }),
        ...(lastNotice === undefined ? {} : { lastNotice }),
        ...(trouble.current === undefined ? {} : { trouble: trouble.current })
      }
    },
    close: timeline.close
  }
  return core
}

async function readLastNotice (
  notices: NoticeStore, ways: Readonly<Record<NoticeChannel, boolean>>
): Promise<TimelineStatus['lastNotice']> {
  const last = await notices.last()
  if (last === undefined) return undefined
  const { kind, taskId, invocationId, data, told } = last
  const { at } = JSON.parse(data) as { readonly at: string }
  const wanted = (['callback', 'webhook'] as const).filter((way) => ways[way])
  const isTold = told.length > 0 && wanted.every((way) => told.includes(way))
  return { kind, at, taskId, ...(invocationId === undefined ? {} : { invocationId }), isTold }
}

function warnOnceEach (logger: Logger): (error: TimelineError) => void {
  const warned = new Set<string>()
  return (error) => {
    const { code, message } = error
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

function withTaskExists (reader: LogReader, taskExists: NonNullable<OpenOptions['taskExists']>): LogReader {
  return {
    ...reader,
    getTask: async (taskId) => await taskExists(taskId) ? await reader.getTask(taskId) ?? { id: taskId } : undefined
  }
}
