import type { FastifyError, FastifyInstance, RouteOptions } from 'fastify'
import { isTimelineError, timelineError } from '../../lib/errors.js'
import { describeRoute } from './describe-route.js'
import type { RouteDescription } from './schemas.js'

/** A route of ours; one without a description is no part of an API's documents. */
export interface OwnRoute extends Pick<RouteOptions, 'url' | 'handler' | 'exposeHeadRoute'> {
  readonly description?: RouteDescription
  /** Default: no cache keeps what agents do. */
  readonly cacheControl?: string
  /** Applied where the host uses @fastify/rate-limit. */
  readonly rateLimit?: { readonly max: number, readonly timeWindow: string }
}

/**
 * Adds a route whose unexpected errors are coded, so that the host's error handler never has to explain them.
 *
 * Fastify checks nothing of a request: requests.ts does, with an answer of our own for each mistake and without the
 * host's settings of the validator.
 *
 * @param option the option that moves the route elsewhere
 * @throws AGENT_TIMELINE_ROUTE_COLLISION when the host has that route already
 */
export function addRoute (
  scope: FastifyInstance, option: string, { description, cacheControl, rateLimit, handler, ...route }: OwnRoute
): void {
  try {
    scope.route({
      ...route,
      method: 'GET',
      handler: codeErrors(handler),
      config: {
        swaggerTransform: description === undefined ? false : describeRoute(description),
        ...(cacheControl === undefined ? {} : { cacheControl }),
        ...(rateLimit === undefined ? {} : { rateLimit })
      },
      // A host's onRoute hook may change it, for this route of this server.
      schema: description === undefined ? { hide: true } : headOf(description)
    } as RouteOptions)
  } catch (err) {
    if ((err as FastifyError).code !== 'FST_ERR_DUPLICATED_ROUTE') throw err
    throw timelineError('AGENT_TIMELINE_ROUTE_COLLISION', [scope.prefix + route.url, option], err)
  }
}

function headOf ({ operationId, summary }: RouteDescription): object {
  return { tags: ['agent timeline'], operationId, summary }
}

function codeErrors (handler: RouteOptions['handler']): RouteOptions['handler'] {
  return async function (this: FastifyInstance, request, reply) {
    try {
      return await handler.call(this, request, reply)
    } catch (err) {
      // A resolver of projects may refuse in the host's own way.
      const isCoded = isTimelineError(err) || Number((err as FastifyError)?.statusCode) < 500
      throw isCoded ? err : timelineError('AGENT_TIMELINE_INTERNAL', [], err)
    }
  }
}
