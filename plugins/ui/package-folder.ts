import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Where this package lies as files, with a slash at its end; undefined in a bundle, whose neighbours are not ours. */
export function packageFolder (): string | undefined {
  // Not inside `new URL`: bundlers take that for a file which they are to copy. In a CommonJS bundle it is undefined.
  const here = import.meta.url as string | undefined
  if (here?.startsWith('file:') !== true) return undefined
  const folder = fileURLToPath(new URL(here.endsWith('.ts') ? '../../' : '../../../', here))
  return nameOf(folder) === 'fastify-agent-timeline' ? folder : undefined
}

function nameOf (folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as { name?: unknown }).name
  } catch {
    return undefined
  }
}
