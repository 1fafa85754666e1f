import type { FastifyInstance } from 'fastify'
import { timelineError } from '../../lib/errors.js'
import type { Projects } from '../projects.js'
import { parseFilter, parseInvocationId, parsePage, projectOf, type Query } from './requests.js'
import { invocationListRoute, invocationRoute } from './schemas.js'
import { addRoute } from './add-route.js'
import { JSON_RATE_LIMIT } from './timeline-routes.js'

/** `GET /invocations/:id` and `GET /invocations`. */
export function invocationRoutes (scope: FastifyInstance, projects: Projects): void {
  addRoute(scope, 'routePrefix', {
    url: '/invocations/:id',
    description: invocationRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const id = parseInvocationId((request.params as { id: string }).id)
      const query = parsePage(request.query as Query)
      const { reader } = await projects.find(projectOf(request), request)
      const invocation = await reader.getInvocation(id, query)
      if (invocation === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_INVOCATION')
      return { success: true, invocation }
    }
  })

  addRoute(scope, 'routePrefix', {
    url: '/invocations',
    description: invocationListRoute,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request) => {
      const filter = parseFilter(request.query as Query)
      const { reader } = await projects.find(projectOf(request), request)
      return { success: true, ...await reader.listInvocations(filter) }
    }
  })
}
