import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { isTimelineError, publicSentence, timelineError, type TimelineError } from '../lib/errors.js'
import type { HostCheck } from './allowed-hosts.js'
import { describeRoute } from './routes/describe-route.js'
import { GUARD_HOOKS, type GuardHooks } from './plugin-options.js'
import type { RouteDescription } from './routes/schemas.js'

/** What stands before everything that is served. */
export interface Guards {
  readonly hooks: GuardHooks
  readonly checkHost: HostCheck
}

/** Puts our headers, then the guards before everything in the scope, and our own answers to errors behind it. */
export function prepareScope (scope: FastifyInstance, { hooks, checkHost }: Guards): void {
  scope.addHook('onRequest', async (request, reply) => {
    // Before all other hooks of the scope, so that whatever a host sets is what is sent. Assets have their own caching.
    const { cacheControl = 'no-store' } = request.routeOptions.config as Pick<OwnRoute, 'cacheControl'>
    if (!reply.hasHeader('x-content-type-options')) reply.header('x-content-type-options', 'nosniff')
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', cacheControl)
    checkHost(request)
  })
  for (const name of GUARD_HOOKS) {
    for (const hook of [hooks[name]].flat()) {
      if (hook !== undefined) scope.addHook(name as 'onRequest', hook as Parameters<typeof scope.addHook>[1] & (() => void))
    }
  }
  scope.setErrorHandler(answerError)
}

/** What our routes throw, as JSON; all other errors, those of the host's hooks for one, are the host's to answer. */
function answerError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<never> | undefined {
  // Not thrown: Fastify would send what is thrown here and is no Error, an object for one, as if it were an answer.
  if (!isTimelineError(error)) return Promise.reject(error)
  if (error.statusCode >= 500) request.log.error({ err: error, code: error.code }, 'A timeline request failed')
  if (error.statusCode === 429 || error.statusCode === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
  reply.code(error.statusCode).type('application/json; charset=utf-8').send(toAnswer(error))
  return undefined
}

const RETRY_AFTER_SECONDS = 5

function toAnswer (error: TimelineError): object {
  const { code, statusCode } = error
  return { success: false, code, error: publicSentence(error), statusCode }
}

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
