import type { FastifyInstance } from 'fastify'
import type { Metrics } from './metrics.js'
import { metricsSchema } from './schemas.js'
import { addRoute } from './scope.js'
import { JSON_RATE_LIMIT } from './timeline-routes.js'

/**
 * `GET /timeline/metrics`: Prometheus text.
 *
 * It also counts the streams that are refused, by whatever on the way to them; to be called before their routes are
 * added.
 */
export function metricsRoute (scope: FastifyInstance, metrics: Metrics): void {
  scope.addHook('onError', async (request, _reply, error) => {
    if (request.routeOptions.url?.endsWith('/stream') === true) metrics.streamRefused(error)
  })

  addRoute(scope, 'routePrefix', {
    url: '/timeline/metrics',
    schema: metricsSchema,
    config: { rateLimit: JSON_RATE_LIMIT },
    handler: async (_request, reply) => {
      reply.header('cache-control', 'no-store').type(metrics.contentType)
      return metrics.text()
    }
  })
}
