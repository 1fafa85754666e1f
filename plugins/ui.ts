import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyError, FastifyInstance, FastifyReply, FastifySchema, RouteHandlerMethod } from 'fastify'
import { timelineError } from '../lib/errors.js'
import { addRoute } from './scope.js'

export interface UiOptions {
  /** Where pages and assets live. */
  readonly uiPrefix: string
  readonly apiPrefix: string
  /** Without pages only client.js is served. */
  readonly hasPages: boolean
  /** The built client; for tests. */
  readonly folder?: string
}

/** Pages are no part of an API description. */
const HIDDEN = { hide: true } as FastifySchema
const OPTION = 'ui.routePrefix'
const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
  "base-uri 'none'", "frame-ancestors 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'"
].join('; ')

/** Seen from dist/plugins, or from the sources when they are run as they are. */
const CLIENT_FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../dist/client' : '../client', import.meta.url)
)

/** The built client: the module that defines the element, and two pages around it. */
export async function ui (scope: FastifyInstance, options: UiOptions): Promise<void> {
  const { uiPrefix, hasPages, folder = CLIENT_FOLDER } = options
  if (!existsSync(`${folder}/client.js`)) {
    scope.log.warn('The browser client is not built, so its pages are off')
    return
  }
  if (hasPages) await pages(scope, options, folder)
  try {
    await scope.register(fastifyStatic, {
      root: folder,
      prefix: `${uiPrefix}/`,
      decorateReply: false,
      // A route per file: nothing else can be reached, and unknown paths stay the host's.
      wildcard: false,
      index: false,
      globIgnore: hasPages ? ['**/*.d.ts', '**/*.map', 'pages/*.html'] : ['!(client.js)', '*/*/**']
    })
  } catch (err) {
    if ((err as FastifyError).code !== 'FST_ERR_DUPLICATED_ROUTE') throw err
    throw timelineError('AGENT_TIMELINE_ROUTE_COLLISION', [`${scope.prefix}${uiPrefix}/`, OPTION], err)
  }
}

async function pages (
  scope: FastifyInstance, { uiPrefix: prefix, apiPrefix }: UiOptions, folder: string
): Promise<void> {
  const [index, task] = await Promise.all([readPage(folder, 'index'), readPage(folder, 'task')])
  // Relative, so that the pages also work behind a proxy that puts them elsewhere.
  const toRoot = '../'.repeat(prefix.split('/').length - 1)
  const api = (toRoot + apiPrefix.slice(1)).replace(/\/$/, '')
  const pageOf = (html: string, up: string): string => fill(html, { api: up + api, base: up === '' ? './' : up })
  const indexPage = pageOf(index, '')
  const taskPage = pageOf(task, '../')

  // Relative addresses need the slash at the end.
  const sendIndex: RouteHandlerMethod = async (request, reply) => {
    const query = request.url.indexOf('?')
    const path = query === -1 ? request.url : request.url.slice(0, query)
    if (path.endsWith('/')) return sendPage(reply, indexPage)
    return reply.redirect(`./${prefix.slice(prefix.lastIndexOf('/') + 1)}/` + request.url.slice(path.length))
  }
  const urls = ignoresTrailingSlash(scope) ? [`${prefix}/`] : [prefix, `${prefix}/`]
  for (const url of urls) addRoute(scope, OPTION, { url, schema: HIDDEN, handler: sendIndex })
  addRoute(scope, OPTION, {
    url: `${prefix}/tasks/:id`,
    schema: HIDDEN,
    handler: async (_request, reply) => sendPage(reply, taskPage)
  })
}

/** Then both addresses are one route. */
function ignoresTrailingSlash ({ initialConfig }: FastifyInstance): boolean {
  const { ignoreTrailingSlash, routerOptions } = initialConfig as {
    ignoreTrailingSlash?: boolean, routerOptions?: { ignoreTrailingSlash?: boolean }
  }
  return ignoreTrailingSlash === true || routerOptions?.ignoreTrailingSlash === true
}

async function readPage (folder: string, name: string): Promise<string> {
  return readFile(`${folder}/pages/${name}.html`, 'utf8')
}

function sendPage (reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header('content-security-policy', POLICY)
    .type('text/html; charset=utf-8')
    .send(html)
}

/** Replaces `{{name}}`, escaped for text and for attributes in quotes. */
function fill (html: string, values: Readonly<Record<string, string>>): string {
  return html.replace(/\{\{(\w+)\}\}/g, (_match, name: string) => escapeHtml(values[name] ?? ''))
}

function escapeHtml (text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
