import type { AddressInfo } from 'node:net'
import type { FastifyInstance, FastifySchema } from 'fastify'
import fp from 'fastify-plugin'
import { openCore } from '../lib/open-core.js'
import { timelineError, type TimelineError } from '../lib/errors.js'
import type { Timeline } from '../lib/timeline.js'
import { isLoopback } from './allowed-hosts.js'
import { exportRoutes } from './routes/export-routes.js'
import { invocationRoutes } from './routes/invocation-routes.js'
import { taskRoutes } from './routes/task-routes.js'
import { metricsRoute } from './metrics/metrics-route.js'
import { createMetrics } from './metrics/metrics.js'
import { OpenStreams } from './stream/open-streams.js'
import { DEFAULT_UI_PREFIX, resolveOptions, type AgentTimelineOptions, type ResolvedOptions } from './plugin-options.js'
import { Projects } from './projects.js'
import { prepareScope } from './scope.js'
import { streamRoutes } from './stream/stream-routes.js'
import { timelineRoutes } from './routes/timeline-routes.js'
import { ui } from './ui/ui.js'

export type {
  AgentTimelineOptions, GuardHook, GuardHooks, MonitoringOptions, ProjectResolver
} from './plugin-options.js'
export type { TaskAccess, TasksOf } from './tasks-of.js'
export type { DatabaseSource } from '../lib/store/engines.js'
export type { Timeline } from '../lib/timeline.js'
export type * from '../lib/model/activity.js'
export type * from '../lib/model/answers.js'
export type * from '../lib/model/events.js'
export type * from '../lib/model/failure.js'
export type { ErrorCode, TimelineError } from '../lib/errors.js'
export type { HostTaskEvent, HostTaskEvents, TaskEventSource } from '../lib/host/task-events.js'

/** What the plugin adds to the application. */
export interface AgentTimeline {
  /**
   * The recorder of the database, or of a project's.
   *
   * It is closed with the application.
   *
   * @throws AGENT_TIMELINE_UNKNOWN_PROJECT
   */
  for (project?: string): Promise<Timeline>
}

declare module 'fastify' {
  interface FastifyInstance {
    agentTimeline: AgentTimeline
  }
}

/**
 * Serves what agents do while they do it: `GET /api/tasks/:id/timeline`, `/api/tasks/:id/stream`,
 * `/api/stream` and `/api/invocations`, and the pages at `/timeline/`.
 *
 * @throws at registration: AGENT_TIMELINE_UNKNOWN_OPTION, _INVALID_OPTION, _NO_DATABASE, _ROUTE_COLLISION,
 * _ALREADY_REGISTERED, and what the database is refused for
 */
async function agentTimeline (fastify: FastifyInstance, options: AgentTimelineOptions): Promise<void> {
  if (fastify.hasDecorator('agentTimeline')) throw timelineError('AGENT_TIMELINE_ALREADY_REGISTERED')
  const resolved = resolveOptions(options)
  const { apiPrefix, uiPrefix, monitoring, core, projects: resolve } = resolved
  if ('prefix' in options) fastify.log.warn('The option prefix does nothing for this plugin: use routePrefix')
  const streams = new OpenStreams(monitoring)
  const metrics = resolved.metrics ? await createMetrics(streams, resolved.projectNames) : undefined
  const patienceMs = openingPatienceMs(fastify)
  const projects = new Projects(resolve, (database, create, project, signal) => {
    // A request is answered with what is wrong now, and the next one tries again.
    const onUnavailable = create ? core.onUnavailable : 'throw'
    const open = { ...core, database, create, logger: fastify.log, ...(onUnavailable && { onUnavailable }) }
    // Of a function any number of names may mean one database.
    const name = project !== undefined && resolved.projectNames.includes(project) ? project : undefined
    return openCore(open, metrics?.meterFor(project), { patienceMs, signal }, name)
  }, options.tasksOf)

  fastify.decorate('agentTimeline', {
    for: async (project) => (await projects.find(project)).timeline
  })
  // onClose would never begin: the server waits for open streams first.
  fastify.addHook('preClose', async () => streams.endAll())
  fastify.addHook('onClose', async () => projects.close())
  if (core.onNotice !== undefined || core.webhook !== undefined) {
    fastify.addHook('onReady', async () => {
      const opening = openAll(fastify, projects, resolved)
      // One that is locked may take longer than an application may take to boot.
      if (core.onUnavailable === 'throw') await opening
    })
  }
  if (!resolved.hasHooks) warnWhenPublic(fastify)

  await fastify.register(async (scope) => {
    prepareScope(scope, resolved)
    await scope.register(async (api) => {
      if (options.openapi === false) {
        api.addHook('onRoute', (route) => { route.schema = { ...route.schema, hide: true } as FastifySchema })
      }
      if (metrics !== undefined) metricsRoute(api, metrics, options.tasksOf)
      timelineRoutes(api, projects)
      invocationRoutes(api, projects)
      taskRoutes(api, projects)
      exportRoutes(api, projects)
      streamRoutes(api, { projects, streams, monitoring })
    }, { prefix: apiPrefix })
    await scope.register(ui, {
      uiPrefix: uiPrefix ?? DEFAULT_UI_PREFIX, apiPrefix, hasPages: uiPrefix !== undefined
    })
  })

  // A database that cannot be used is told now, not at the first request.
  if (options.database !== undefined) await projects.find(undefined)
}

/** What happens in a database is noticed while it is open: those that are known are opened before anybody asks. */
async function openAll (
  fastify: FastifyInstance, projects: Projects, { projectNames, core }: ResolvedOptions
): Promise<void> {
  await Promise.all(projectNames.map(async (project) => {
    try {
      await projects.find(project)
    } catch (err) {
      // One that cannot be used keeps no other from being shown.
      if (core.onUnavailable === 'throw') throw err
      const { code } = err as TimelineError
      if (code === 'AGENT_TIMELINE_CLOSED') return
      fastify.log.warn({ code, err, project }, 'nothing is noticed in a project until its database can be opened and is asked for')
    }
  }))
}

/**
 * For a lock, at each step of opening: a database that stays locked is told with its code before Fastify gives the
 * plugin up, and a request that needs it is answered.
 */
function openingPatienceMs ({ initialConfig }: FastifyInstance): number {
  const { pluginTimeout = 10_000 } = initialConfig
  return pluginTimeout === 0 ? MAX_OPENING_PATIENCE_MS : Math.max(1_000, pluginTimeout - OTHER_OPENING_MS)
}

const MAX_OPENING_PATIENCE_MS = 60_000
/** What else may wait for a lock when a database is opened: its journal mode, up to five seconds. */
const OTHER_OPENING_MS = 6_000

/** Prompts and outputs are for those who may see the code. */
function warnWhenPublic (fastify: FastifyInstance): void {
  fastify.addHook('onListen', async () => {
    const isPublic = fastify.addresses().some(isBeyondLoopback)
    if (isPublic) {
      fastify.log.warn('The agent timeline is reachable from other machines and has no hooks: its prompts are public')
    }
  })
}

function isBeyondLoopback (address: AddressInfo | string): boolean {
  if (typeof address === 'string') return false
  return !isLoopback(address.address)
}

/**
 * The plugin, for any Fastify 5: also for one under another name beside a Fastify 4, whose types are not those that
 * `fastify` has here.
 */
export type AgentTimelinePlugin = (fastify: any, options: AgentTimelineOptions) => Promise<void>

export default fp(agentTimeline, { fastify: '5.x', name: 'fastify-agent-timeline' }) as AgentTimelinePlugin
