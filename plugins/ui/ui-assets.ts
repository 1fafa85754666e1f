import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyError, FastifyInstance } from 'fastify'
import { timelineError } from '../../lib/errors.js'
import { packageFolder } from './package-folder.js'
import { addRoute } from '../routes/add-route.js'

export const UI_OPTION = 'ui.routePrefix'

/** The built client, wherever it is. */
export interface ClientAssets {
  /** The markup of a page. */
  page (name: 'index' | 'task'): Promise<string>
  /** Adds the routes of everything that pages load; without pages only those of `client.js` and its parts. */
  addRoutes (scope: FastifyInstance, uiPrefix: string, hasPages: boolean): Promise<void>
}

/**
 * Finds the built client: its files where the package is installed, else, in a host's bundle, the module that holds
 * them as texts.
 *
 * @param folder the files, for tests
 * @returns undefined when there is none, as in sources that were not built
 */
export async function findAssets (folder = builtFolder()): Promise<ClientAssets | undefined> {
  if (folder !== undefined && existsSync(`${folder}/client.js`)) return fromFolder(folder)
  try {
    // Only here: an installed package does not keep the texts in memory.
    const { ASSETS } = await import('../../client/assets.js')
    return fromTexts(ASSETS)
  } catch {
    return undefined
  }
}

function builtFolder (): string | undefined {
  const root = packageFolder()
  return root === undefined ? undefined : `${root}dist/client`
}

function fromFolder (folder: string): ClientAssets {
  return {
    page: async (name) => readFile(`${folder}/pages/${name}.html`, 'utf8'),
    async addRoutes (scope, uiPrefix, hasPages) {
      try {
        await scope.register(fastifyStatic, {
          root: folder,
          prefix: `${uiPrefix}/`,
          decorateReply: false,
          // A route per file: nothing else can be reached, and unknown paths stay the host's.
          wildcard: false,
          index: false,
          globIgnore: hasPages
            ? ['**/*.d.ts', '**/*.map', 'pages/*.html', 'assets.js', '*.txt']
            : ['!(client.js)', '!(parts)/*', '*/*/*/**']
        })
      } catch (err) {
        if ((err as FastifyError).code !== 'FST_ERR_DUPLICATED_ROUTE') throw err
        throw timelineError('AGENT_TIMELINE_ROUTE_COLLISION', [`${scope.prefix}${uiPrefix}/`, UI_OPTION], err)
      }
    }
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8'
}

/** Answers as the files would be answered: kept by browsers, and asked for again each time. */
export function fromTexts (texts: Readonly<Record<string, string>>): ClientAssets {
  return {
    page: async (name) => texts[`pages/${name}.html`] ?? '',
    async addRoutes (scope, uiPrefix, hasPages) {
      for (const [name, text] of Object.entries(texts)) {
        const type = TYPES[extname(name)]
        if (type === undefined || !(hasPages || name === 'client.js' || name.startsWith('parts/'))) continue
        const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
        addRoute(scope, UI_OPTION, {
          url: `${uiPrefix}/${name}`,
          handler: async (request, reply) => {
            reply.header('etag', etag).header('cache-control', 'public, max-age=0')
            const isKnown = request.headers['if-none-match']?.includes(etag) === true
            return isKnown ? reply.code(304).send() : reply.type(type).send(text)
          }
        })
      }
    }
  }
}
