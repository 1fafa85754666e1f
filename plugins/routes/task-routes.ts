import type { FastifyInstance } from 'fastify'
import { timelineError } from '../../lib/errors.js'
import { listTasks } from '../../lib/live/list-tasks.js'
import { overviewOf } from '../../lib/live/overview.js'
import { reportUsage } from '../../lib/live/report-usage.js'
import { summarise } from '../../lib/live/summarise.js'
import { checkTaskId } from '../../lib/options.js'
import { systemClock } from '../../lib/time/clock.js'
import type { Projects } from '../projects.js'
import { checkSeesAll } from '../tasks-of.js'
import { addRoute } from './add-route.js'
import {
  parseCallQuery, parseRange, parseSeqParameter, parseTaskFilter, parseUsageQuery, projectOf, type Query
} from './requests.js'
import { callRoute, callsRoute, overviewRoute, statusRoute, summaryRoute, taskListRoute, usageRoute, verdictReportRoute } from './answer-schemas.js'
import { getTask, JSON_RATE_LIMIT } from './timeline-routes.js'

/**
 * `GET /timeline/usage`, `/timeline/verdict-report`, `/timeline/status`; `GET /timeline/tasks`, worst first;
 * `GET /timeline/tasks/:id/summary`, `/overview`, `/calls`, `/calls/:seq`: answers from what is kept of a task.
 */
export function taskRoutes (scope: FastifyInstance, projects: Projects): void {
  addRoute(scope, 'routePrefix', {
    url: '/timeline/usage',
    description: usageRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const query = parseUsageQuery(request.query as Query)
      const { reader, answers, scope: seen } = await projects.find(projectOf(request), request)
      checkSeesAll(seen)
      return { success: true, usage: await reportUsage(reader, answers, query) }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/verdict-report',
    description: verdictReportRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const core = await projects.find(projectOf(request), request)
      checkSeesAll(core.scope)
      return { success: true, report: await core.advice.report() }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/status',
    description: statusRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const core = await projects.find(projectOf(request), request)
      checkSeesAll(core.scope)
      return { success: true, status: await core.status() }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/tasks',
    description: taskListRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const filter = parseTaskFilter(request.query as Query)
      const { tasks, health, scope: seen } = await projects.find(projectOf(request), request)
      return { success: true, ...await listTasks({ tasks, health, scope: seen, now: systemClock }, filter) }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/tasks/:id/summary',
    description: summaryRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const taskId = checkTaskId((request.params as { id: string }).id)
      const { reader, answers } = await projects.find(projectOf(request), request)
      return { success: true, summary: await summarise(reader, answers, taskId, systemClock) }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/tasks/:id/overview',
    description: overviewRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const taskId = checkTaskId((request.params as { id: string }).id)
      const range = parseRange(request.query as Query)
      const core = await projects.find(projectOf(request), request)
      await getTask(core, taskId)
      return { success: true, overview: await overviewOf(core.answers, taskId, range, systemClock) }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/tasks/:id/calls',
    description: callsRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const taskId = checkTaskId((request.params as { id: string }).id)
      const query = parseCallQuery(request.query as Query)
      const core = await projects.find(projectOf(request), request)
      await getTask(core, taskId)
      return { success: true, ...await core.answers.calls(taskId, query) }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/tasks/:id/calls/:seq',
    description: callRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const { id, seq } = request.params as { id: string, seq: string }
      const taskId = checkTaskId(id)
      const start = parseSeqParameter(seq)
      const core = await projects.find(projectOf(request), request)
      await getTask(core, taskId)
      const call = await core.answers.call(taskId, start, core.scope)
      if (call === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_CALL')
      return { success: true, call }
    }
  })
}
