import type { FastifyInstance, FastifyReply, RouteHandlerMethod } from 'fastify'
import { addRoute } from '../routes/add-route.js'
import { UI_OPTION, findAssets, type ClientAssets } from './ui-assets.js'

export interface UiOptions {
  /** Where pages and assets live. */
  readonly uiPrefix: string
  readonly apiPrefix: string
  /** Without pages only client.js and its parts are served. */
  readonly hasPages: boolean
  /** The built client; for tests. */
  readonly folder?: string
}

const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
  "base-uri 'none'", "frame-ancestors 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'"
].join('; ')

/** The built client: the module that defines the element, and two pages around it. */
export async function ui (scope: FastifyInstance, options: UiOptions): Promise<void> {
  const { uiPrefix, hasPages, folder } = options
  const assets = await findAssets(folder)
  if (assets === undefined) {
    scope.log.warn('The browser client is not built, so its pages are off')
    return
  }
  if (hasPages) await pages(scope, options, assets)
  await assets.addRoutes(scope, uiPrefix, hasPages)
}

async function pages (
  scope: FastifyInstance, { uiPrefix: prefix, apiPrefix }: UiOptions, assets: ClientAssets
): Promise<void> {
  const [index, task] = await Promise.all([assets.page('index'), assets.page('task')])
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
  for (const url of urls) addRoute(scope, UI_OPTION, { url, cacheControl: PAGE_CACHING, handler: sendIndex })
  addRoute(scope, UI_OPTION, {
    url: `${prefix}/tasks/:id`,
    cacheControl: PAGE_CACHING,
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

/**
 * A page holds nothing but addresses. With `no-store` Chromium would not keep it for the way back, because its answers
 * from the API have that, too.
 */
const PAGE_CACHING = 'private, no-cache'

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
