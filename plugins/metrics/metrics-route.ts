import type { FastifyInstance } from 'fastify'
import type { Metrics } from './metrics.js'
import { metricsRoute as description } from '../routes/schemas.js'
import { addRoute } from '../routes/add-route.js'
import { checkSeesAll, scopeOf, type TasksOf } from '../tasks-of.js'
import { JSON_RATE_LIMIT } from '../routes/timeline-routes.js'

/**
 * `GET /timeline/metrics`: Prometheus text, for those who may see all tasks.
 *
 * It also counts the streams that are refused, by whatever on the way to them; to be called before their routes are
 * added.
 */
export function metricsRoute (scope: FastifyInstance, metrics: Metrics, tasksOf: TasksOf | undefined): void {
  scope.addHook('onError', async (request, _reply, error) => {
    if (request.routeOptions.url?.endsWith('/stream') === true) metrics.streamRefused(error)
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/metrics',
    description,
    rateLimit: JSON_RATE_LIMIT,
    handler: async (request, reply) => {
      checkSeesAll(await scopeOf(tasksOf, request))
      reply.header('cache-control', 'no-store').type(metrics.contentType)
      return metrics.text()
    }
  })
}
