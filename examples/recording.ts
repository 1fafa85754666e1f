import { createReadStream, statSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** The CLIs whose recordings can be played. */
export const AGENTS = ['claude', 'codex', 'gemini'] as const

export interface Recording {
  readonly name: typeof AGENTS[number]
  readonly model: string | undefined
}

/**
 * Which CLI a recording is of, and its model: told by its first lines.
 *
 * @throws a sentence where it is none
 */
export async function recognise (file: string): Promise<Recording> {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw new Error(`There is no recording ${file}`)
  let found: Recording | undefined
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { type = '', subtype, model } = parse(line, file)
    if (type === 'init') return { name: 'gemini', model }
    if (type.startsWith('thread.')) return { name: 'codex', model }
    if (!CLAUDE_TYPES.includes(type)) continue
    // What the CLI does before it tells its model: hooks, for one.
    found ??= { name: 'claude', model: undefined }
    if (type !== 'system') return found
    if (subtype === 'init') return { name: 'claude', model }
  }
  if (found === undefined) throw new Error(`${file} is no recording of ${AGENTS.join(', ')}`)
  return found
}

const CLAUDE_TYPES = ['system', 'assistant', 'user', 'result']

function parse (line: string, file: string): { type?: string, subtype?: string, model?: string } {
  try {
    return Object(JSON.parse(line))
  } catch {
    throw new Error(`${file} is no recording: each of its lines has to be JSON`)
  }
}
