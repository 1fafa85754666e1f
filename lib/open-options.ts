import { timelineError } from './errors.js'
import type { TaskEventSource } from './host/task-events.js'
import { resolveRecord, type RecordOptions } from './intake/record-options.js'
import { createRedactor, type RedactOptions } from './intake/redact.js'
import { checkWebhook, type WebhookOptions } from './live/webhook.js'
import type { Logger } from './logger.js'
import type { Notice } from './model/notice.js'
import {
  checkBoolean, checkFunction, checkInteger, checkKnown, checkMethods, checkOneOf, resolveCaps, type Caps
} from './options.js'
import { checkBudget, type BudgetUsd } from './model/budget.js'
import { checkPrices, type Prices } from './model/prices.js'
import type { RecorderOptions } from './recorder/recorder.js'
import { isPostgresSource, type DatabaseSource } from './store/engines.js'

/** Options of `openTimeline`. */
export interface OpenOptions {
  /**
   * Path of an SQLite file, or an open handle: a better-sqlite3 `Database`, a `DatabaseSync` of `node:sqlite`, or a
   * `Kysely` on one. Or PostgreSQL, for many machines: a `postgres://` address, a `Pool` of `pg`, or a `Kysely`.
   *
   * Where the process has the file open itself, pass its handle: two SQLite libraries on one file of one process lose
   * data.
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
  /**
   * What a million tokens of a model cost in USD, by the model's name: for agents that do not tell their cost. Applied
   * when a run is recorded; what was recorded before keeps the cost that it has.
   */
  readonly prices?: Prices
  /**
   * What runs may cost in USD where their start says nothing of it: a number for each run, `{ invocation, task }` also
   * for all runs of a task together. A notice is made when they cost more; nothing is ended. Default: no limit.
   */
  readonly budgetUsd?: BudgetUsd
  /** Days that activities are kept, 0 for ever. Default 0: it is the plugin's `monitoring` that decides, 7 there. */
  readonly activityLogRetention?: number
  /** Above so many bytes in use the oldest activities of ended runs go. None by default. For SQLite only. */
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
   * Called once for each change: a run that is stuck, goes round in circles, waits for a person, went on, has ended. Of
   * several processes on a database one at a time calls it. Default: nothing is noticed.
   */
  readonly onNotice?: (notice: Notice) => void
  /** Where the same is posted to, as CloudEvents. Default: nowhere. */
  readonly webhook?: WebhookOptions
  /** The address of the pages, for links in notices: `https://example.com/timeline`. Default: no links. */
  readonly publicUrl?: string
  /**
   * What a database means that cannot be used when it is opened. Default `'throw'`: it is refused. `'warn'`: it is
   * logged, and tried again until it can be used; runs go on, and what they report waits in memory within `queueBytes`.
   */
  readonly onUnavailable?: 'throw' | 'warn'
}

const KNOWN_OPTIONS = [
  'database', 'migrate', 'create', 'closeOnSignal', 'logger', 'redact', 'record', 'caps', 'prices', 'budgetUsd',
  'activityLogRetention',
  'maxDatabaseBytes', 'runnerHeartbeatIntervalMs', 'ownerLeaseMs', 'taskEvents', 'taskExists', 'mapResult', 'mapActivity',
  'onUnavailable', 'onNotice', 'webhook', 'publicUrl'
]

/** @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION, AGENT_TIMELINE_NO_DATABASE */
export function checkOptions (options: OpenOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['database', "is missing: give an object that has it, { database: './orchestrator.db' }"])
  }
  checkKnown('', options, KNOWN_OPTIONS)
  if (options.database === undefined) throw timelineError('AGENT_TIMELINE_NO_DATABASE')
  for (const name of ['create', 'closeOnSignal'] as const) {
    if (options[name] !== undefined) checkBoolean(name, options[name])
  }
  if (options.logger !== undefined) checkMethods('logger', options.logger, ['error', 'warn', 'info', 'debug'])
  checkSettings(options, [options.database])
}

/**
 * Checks all that holds for each of several databases.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION
 */
export function checkSettings (
  options: Omit<OpenOptions, 'database' | 'create' | 'closeOnSignal' | 'logger'>, databases: readonly DatabaseSource[]
): void {
  if (options.maxDatabaseBytes !== undefined && databases.some(isPostgresSource)) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['maxDatabaseBytes', 'is for SQLite: on PostgreSQL limit the days, by activityLogRetention'])
  }
  if (options.migrate !== undefined) checkBoolean('migrate', options.migrate)
  if (options.onUnavailable !== undefined) checkOneOf('onUnavailable', options.onUnavailable, ['throw', 'warn'])
  if (options.taskEvents !== undefined) {
    checkMethods('taskEvents', options.taskEvents, ['isPresent', 'hasPending', 'read'])
  }
  if (options.prices !== undefined) checkPrices(options.prices)
  checkBudget(options.budgetUsd)
  for (const name of ['taskExists', 'mapResult', 'mapActivity', 'onNotice'] as const) {
    if (options[name] !== undefined) checkFunction(name, options[name])
  }
  if (options.redact !== undefined && options.redact !== false) checkKnown('redact.', options.redact, ['patterns', 'keyNames'])
  createRedactor(options.redact)
  resolveRecord(options.record)
  resolveCaps(options.caps)
  if (options.webhook !== undefined) checkWebhook(options.webhook)
  if (options.publicUrl !== undefined && !/^https?:$/.test(URL.canParse(options.publicUrl) ? new URL(options.publicUrl).protocol : '')) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['publicUrl', 'is an http or https address'])
  }
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
