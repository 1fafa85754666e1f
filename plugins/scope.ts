import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isTimelineError, publicSentence, type TimelineError } from '../lib/errors.js'
import type { HostCheck } from './allowed-hosts.js'
import { GUARD_HOOKS, type GuardHooks } from './plugin-options.js'

/** What stands before everything that is served. */
export interface Guards {
  readonly hooks: GuardHooks
  readonly checkHost: HostCheck
}

/** Puts our headers, then the guards before everything in the scope, and our own answers to errors behind it. */
export function prepareScope (scope: FastifyInstance, { hooks, checkHost }: Guards): void {
  scope.addHook('onRequest', async (request, reply) => {
    // Before all other hooks of the scope, so that whatever a host sets is what is sent. Assets have their own caching.
    const { cacheControl = 'no-store' } = request.routeOptions.config as { readonly cacheControl?: string }
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
