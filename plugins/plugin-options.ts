import { resolve as resolvePath } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { checkSettings, type OpenOptions } from '../lib/open-options.js'
import { timelineError } from '../lib/errors.js'
import type { TaskEventSource } from '../lib/host/task-events.js'
import { checkBoolean, checkFunction, checkInteger, checkKnown } from '../lib/options.js'
import type { RecordOptions } from '../lib/intake/record-options.js'
import type { RedactOptions } from '../lib/intake/redact.js'
import type { DatabaseSource } from '../lib/store/engines.js'
import { createHostCheck, type HostCheck } from './allowed-hosts.js'
import type { TasksOf } from './tasks-of.js'

/**
 * Decides which database a request's `?project=` means; undefined where there is none or the request may not see it.
 *
 * `request` is absent when the application itself asks, through `app.agentTimeline.for(project)`.
 */
export type ProjectResolver = (
  project: string | undefined, request: FastifyRequest | undefined
) => DatabaseSource | undefined | Promise<DatabaseSource | undefined>

/** A hook of Fastify's, async or with `done`. */
export type GuardHook =
  (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => unknown

type OneOrMany<T> = T | readonly T[]

/** Hooks for everything that the plugin serves: API, stream, pages and assets; the host's routes are left alone. */
export interface GuardHooks {
  readonly onRequest?: OneOrMany<GuardHook>
  readonly preValidation?: OneOrMany<GuardHook>
  readonly preHandler?: OneOrMany<GuardHook>
}

export interface MonitoringOptions {
  /** Default true; false answers the stream with 404 AGENT_TIMELINE_STREAMING_DISABLED, and our client polls. */
  readonly enableLiveStreaming?: boolean
  /** Days that activities are kept; 7 by default, 0 for ever. */
  readonly activityLogRetention?: number
  /** Seconds between pings, 30 by default; a viewer that takes nothing for twice as long is disconnected. */
  readonly streamHeartbeatInterval?: number
  /** Open streams over all projects, 100 by default; more are answered with 429. */
  readonly maxConcurrentStreams?: number
  /**
   * Open streams per client address (IPv6: per /64 network); 0 by default, no limit of its own, because behind a proxy
   * that Fastify's `trustProxy` does not name all viewers have the proxy's address. More are answered with 429.
   */
  readonly maxStreamsPerAddress?: number
}

export interface AgentTimelineOptions {
  /** The one database; `?project=` is ignored then. Either this or `projects`. */
  readonly database?: DatabaseSource
  /** Which databases there are, by the name that `?project=` gives; nothing else is ever opened. */
  readonly projects?: Readonly<Record<string, DatabaseSource>> | ProjectResolver
  /** Add what a database lacks. By default only a new, empty one is set up, and others are refused. */
  readonly migrate?: boolean
  /** Where the API lives; `/api` by default. */
  readonly routePrefix?: string
  /** Where the pages live, `/timeline` by default; false switches them off, except for client.js. */
  readonly ui?: { readonly routePrefix?: string } | false
  /** Who may look: without hooks, everybody who reaches the server. */
  readonly hooks?: GuardHooks
  /** Which tasks of a database that several tenants share a request may see; all by default. */
  readonly tasksOf?: TasksOf
  readonly monitoring?: MonitoringOptions
  /**
   * Names that may stand in `Host`; others are answered with 421. A name is exact, `*.example.com` means those below
   * it, `.example.com` both; addresses, `localhost` and `*.localhost` are always allowed. By default only these are, on
   * connections over loopback, where there are no `hooks`; false allows every name.
   */
  readonly allowedHosts?: readonly string[] | false
  /** Added to the default redaction; false switches it off. */
  readonly redact?: RedactOptions | false
  /** What may be stored of the texts of a run. Default: all. */
  readonly record?: RecordOptions
  /** Count, and serve `GET <routePrefix>/timeline/metrics` for Prometheus. Default false. */
  readonly metrics?: boolean
  /** Default true. `false` hides the routes from @fastify/swagger. */
  readonly openapi?: boolean
  /** Says whether a task exists, where the database has no task table. */
  readonly taskExists?: OpenOptions['taskExists']
  /** Where the host keeps its tasks' changes; its `audit` table by default. */
  readonly taskEvents?: TaskEventSource
  /** How much of what an agent says is kept. */
  readonly caps?: OpenOptions['caps']
  /** What a million tokens of a model cost in USD, by its name: for agents that do not tell their cost. */
  readonly prices?: OpenOptions['prices']
  /** What runs that this process records may cost in USD, each, or together for a task; more makes a notice. */
  readonly budgetUsd?: OpenOptions['budgetUsd']
  /** Above so many bytes in use the oldest activities of ended runs go; none by default. */
  readonly maxDatabaseBytes?: number
  /** How often this process says that it lives, and looks for runs of the dead, in milliseconds; 2,000 by default. */
  readonly runnerHeartbeatIntervalMs?: number
  /** Milliseconds after which a run without a sign is given up where its process cannot be seen; 10 min by default. */
  readonly ownerLeaseMs?: number
  /** Reads what your own provider returns, for invocations that this process records. */
  readonly mapResult?: OpenOptions['mapResult']
  /** Reads your own activities, for invocations that this process records. */
  readonly mapActivity?: OpenOptions['mapActivity']
  /** Called once for each change of a run, or of a task on which nothing runs; by one process at a time. */
  readonly onNotice?: OpenOptions['onNotice']
  /** Where the same is posted to, as CloudEvents. */
  readonly webhook?: OpenOptions['webhook']
  /** The address of the pages, for links in notices: `https://example.com/timeline`. */
  readonly publicUrl?: OpenOptions['publicUrl']
  /**
   * What a database means that cannot be used when it is opened. Default `'throw'`: it is refused at registration.
   * `'warn'`: the application boots, requests are answered with 503 until the database can be used, runs go on.
   */
  readonly onUnavailable?: OpenOptions['onUnavailable']
}

export const DEFAULT_UI_PREFIX = '/timeline'
const DEFAULT_API_PREFIX = '/api'
const DEFAULT_MONITORING: Required<MonitoringOptions> = {
  enableLiveStreaming: true,
  activityLogRetention: 7,
  streamHeartbeatInterval: 30,
  maxConcurrentStreams: 100,
  maxStreamsPerAddress: 0
}
/** Handed on as they are. */
const CORE_OPTIONS = [
  'migrate', 'redact', 'record', 'taskExists', 'taskEvents', 'caps', 'prices', 'budgetUsd', 'maxDatabaseBytes', 'runnerHeartbeatIntervalMs',
  'ownerLeaseMs', 'mapResult', 'mapActivity', 'onUnavailable', 'onNotice', 'webhook', 'publicUrl'
] as const
const OPTIONS = [
  'database', 'projects', 'routePrefix', 'ui', 'hooks', 'allowedHosts', 'tasksOf', 'monitoring', 'metrics', 'openapi',
  ...CORE_OPTIONS
]
/** Fastify's own, of every `register`; the two for logging have no effect on a plugin that is not encapsulated. */
const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers']
export const GUARD_HOOKS = ['onRequest', 'preValidation', 'preHandler'] as const

/** The options with their defaults filled in. */
export interface ResolvedOptions {
  readonly projects: ProjectResolver
  readonly core: Omit<OpenOptions, 'database' | 'logger' | 'create'>
  readonly apiPrefix: string
  /** Undefined where there are no pages. */
  readonly uiPrefix: string | undefined
  readonly hooks: GuardHooks
  /** Whether anybody is asked who they are. */
  readonly hasHooks: boolean
  readonly checkHost: HostCheck
  readonly monitoring: Required<MonitoringOptions>
  readonly metrics: boolean
  /** The projects that the options name; empty where a function finds them, or there is one database. */
  readonly projectNames: readonly string[]
}

/**
 * Checks what `register` was given and fills in the defaults.
 *
 * @throws AGENT_TIMELINE_UNKNOWN_OPTION, AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_NO_DATABASE
 */
export function resolveOptions (options: AgentTimelineOptions): ResolvedOptions {
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !REGISTER_OPTIONS.includes(name)))
  checkKnown('', own, OPTIONS)
  const { metrics } = options
  if (metrics !== undefined) checkBoolean('metrics', metrics)
  if (options.openapi !== undefined) checkBoolean('openapi', options.openapi)
  if (options.tasksOf !== undefined) checkFunction('tasksOf', options.tasksOf)
  const monitoring = resolveMonitoring(options.monitoring)
  const core = {
    ...Object.fromEntries(CORE_OPTIONS.flatMap((name) => options[name] === undefined ? [] : [[name, options[name]]])),
    activityLogRetention: monitoring.activityLogRetention
  }
  const projects = resolveProjects(options)
  // With projects, what is wrong would else be told to each request.
  checkSettings(core, databasesOf(options))
  const hooks = resolveHooks(options.hooks)
  const hasHooks = Object.values(hooks).flat().some((hook) => hook !== undefined)
  return {
    projects,
    core,
    apiPrefix: resolvePrefix('routePrefix', options.routePrefix === undefined ? DEFAULT_API_PREFIX : options.routePrefix),
    uiPrefix: resolveUiPrefix(options.ui),
    hooks,
    hasHooks,
    // Whoever lets in by a login need not care under which name.
    checkHost: createHostCheck(options.allowedHosts === undefined && hasHooks ? false : options.allowedHosts),
    monitoring,
    metrics: metrics ?? false,
    projectNames: typeof options.projects === 'object' ? Object.keys(options.projects) : []
  }
}

function databasesOf ({ database, projects }: AgentTimelineOptions): readonly DatabaseSource[] {
  if (database !== undefined) return [database]
  return typeof projects === 'object' ? Object.values(projects) : []
}

function resolveProjects ({ database, projects }: AgentTimelineOptions): ProjectResolver {
  if ((database === undefined) === (projects === undefined)) throw timelineError('AGENT_TIMELINE_NO_DATABASE')
  if (database !== undefined) {
    checkSource('database', database)
    const source = toAbsolute(database)
    return () => source
  }
  if (typeof projects === 'function') return projects as ProjectResolver
  if (typeof projects !== 'object' || projects === null || Array.isArray(projects)) {
    throw invalid('projects', 'is an object of databases by project, or a function that finds one')
  }
  for (const [name, source] of Object.entries(projects)) checkSource(`projects[${JSON.stringify(name)}]`, source)
  const sources = new Map(Object.entries(projects).map(([name, source]) => [name, toAbsolute(source)]))
  return (project) => project === undefined ? undefined : sources.get(project)
}

/** A path as it is meant now: the working directory may be another one later. Everything else stays as it is. */
export function toAbsolute (source: DatabaseSource): DatabaseSource {
  if (typeof source !== 'string' || source === ':memory:' || /^\w{2,}:/.test(source)) return source
  return resolvePath(source)
}

function checkSource (name: string, source: unknown): void {
  const isSource = typeof source === 'string' ? source !== '' : typeof source === 'object' && source !== null
  if (!isSource) throw invalid(name, 'is a path, a handle of better-sqlite3 or node:sqlite, a postgres:// address, a Pool of pg, or a Kysely')
}

function resolveMonitoring (given: MonitoringOptions = {}): Required<MonitoringOptions> {
  checkKnown('monitoring.', given, Object.keys(DEFAULT_MONITORING))
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const monitoring = { ...DEFAULT_MONITORING, ...set }
  checkBoolean('monitoring.enableLiveStreaming', monitoring.enableLiveStreaming)
  checkDays('monitoring.activityLogRetention', monitoring.activityLogRetention, 36_500)
  checkSeconds('monitoring.streamHeartbeatInterval', monitoring.streamHeartbeatInterval, 0.1, 3600)
  checkInteger('monitoring.maxConcurrentStreams', monitoring.maxConcurrentStreams, 1, 1_000_000)
  checkInteger('monitoring.maxStreamsPerAddress', monitoring.maxStreamsPerAddress, 0, 1_000_000)
  return monitoring
}

function resolveUiPrefix (ui: AgentTimelineOptions['ui'] = {}): string | undefined {
  if (ui === false) return undefined
  checkKnown('ui.', ui, ['routePrefix'])
  const prefix = resolvePrefix('ui.routePrefix', ui.routePrefix ?? DEFAULT_UI_PREFIX)
  if (prefix === '') throw invalid('ui.routePrefix', 'is a path below the root, for example /timeline')
  return prefix
}

function resolvePrefix (name: string, prefix: unknown): string {
  if (typeof prefix === 'string' && /^(\/[\w.~-]+)*\/?$/.test(prefix)) return prefix.replace(/\/$/, '')
  throw invalid(name, 'is a path that begins with a slash, for example /api')
}

function resolveHooks (hooks: GuardHooks = {}): GuardHooks {
  checkKnown('hooks.', hooks, GUARD_HOOKS)
  for (const [name, given] of Object.entries(hooks)) {
    for (const hook of [given].flat()) if (hook !== undefined) checkFunction(`hooks.${name}`, hook)
  }
  return hooks
}

function checkDays (name: string, value: unknown, max: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return
  throw invalid(name, `is a whole number of days from 0 to ${max}, 0 for ever`)
}

function checkSeconds (name: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && value >= min && value <= max) return
  throw invalid(name, `is a number of seconds from ${min} to ${max}`)
}

function invalid (name: string, problem: string): Error {
  return timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, problem])
}
