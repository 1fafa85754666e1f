import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { timelineError } from '../../lib/errors.js'
import { checkFormat } from '../../lib/providers/checks.js'
import type { OutputFormat } from '../../lib/providers/format.js'

/**
 * The formats that modules of a user's own bring: each default export is one, or a list of them.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION where a module cannot be loaded or brings none
 */
export async function loadFormats (files: readonly string[]): Promise<OutputFormat[]> {
  const loaded = await Promise.all(files.map(async (file) => {
    try {
      return await import(pathToFileURL(resolve(file)).href) as { default?: unknown }
    } catch (error) {
      throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['--format-module', `cannot be loaded: ${String(error)}`], error)
    }
  }))
  const brought = loaded.flatMap(({ default: one }) => Array.isArray(one) ? one as unknown[] : [one])
  return brought.map((format: unknown) => {
    checkFormat('--format-module', format)
    return format
  })
}
