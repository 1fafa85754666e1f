import type { FastifySchema } from 'fastify'
import { openapi30, openapi31, swagger2, type Dialect } from './dialects.js'
import { ERRORS, type ErrorStatus, type RouteDescription } from './schemas.js'
import { sharedSchemas } from './shared-schemas.js'

/** What @fastify/swagger hands to a route's `swaggerTransform`: the document so far, of either kind. */
interface SwaggerContext {
  readonly schema: FastifySchema & { readonly hide?: boolean }
  readonly url: string
  readonly openapiObject?: { readonly openapi?: string, components?: { schemas?: object } }
  readonly swaggerObject?: { definitions?: object }
}

/** Statuses that every route may answer with. */
const COMMON_ERRORS: readonly ErrorStatus[] = [421, 500]
const RETRY_AFTER = { 'Retry-After': { type: 'integer', description: 'seconds' } }

/**
 * Writes a route into a document of @fastify/swagger, as `config.swaggerTransform`, when the document is asked for:
 * only then it is known which kind it is.
 *
 * Fastify itself is given none of these schemas: compilers of the host, those of a type provider for one, can refuse
 * or strip nothing by them. For the same reason they do not pass through the host's own `transform`.
 *
 * @returns the transform; what the host has added to the route's schema stays
 */
export function describeRoute (
  description: RouteDescription
): (context: SwaggerContext) => { readonly schema: object, readonly url: string } {
  return ({ schema, url, openapiObject, swaggerObject }) => {
    if (schema.hide === true) return { schema, url }
    const dialect = addSharedSchemas(openapiObject, swaggerObject)
    const { response, ...described } = write(description, dialect)
    return { schema: { ...described, ...schema, response: { ...response, ...schema.response as object } }, url }
  }
}

function addSharedSchemas (
  openapi: SwaggerContext['openapiObject'], swagger: SwaggerContext['swaggerObject']
): Dialect {
  if (openapi === undefined) {
    const document = swagger as NonNullable<typeof swagger>
    document.definitions = { ...document.definitions, ...sharedSchemas(swagger2) }
    return swagger2
  }
  const dialect = openapi.openapi?.startsWith('3.0') === true ? openapi30 : openapi31
  const schemas = { ...openapi.components?.schemas, ...sharedSchemas(dialect) }
  openapi.components = { ...openapi.components, schemas }
  return dialect
}

function write (
  { params, querystring, headers, answer, otherFormats = [], errors }: RouteDescription, dialect: Dialect
) {
  const answers = answer(dialect)
  return {
    produces: [...Object.keys(answers.content), ...otherFormats],
    ...(params === undefined ? {} : { params: { type: 'object', required: Object.keys(params), properties: params } }),
    ...(querystring === undefined ? {} : { querystring: { type: 'object', properties: querystring } }),
    ...(headers === undefined ? {} : { headers: { type: 'object', properties: headers } }),
    response: {
      200: dialect.answer(answers),
      ...Object.fromEntries([...errors, ...COMMON_ERRORS].map((status) => [status, dialect.answer({
        description: ERRORS[status],
        ...(status === 429 || status === 503 ? { headers: RETRY_AFTER } : {}),
        content: { 'application/json': dialect.ref('AgentTimelineError') }
      })]))
    }
  }
}
