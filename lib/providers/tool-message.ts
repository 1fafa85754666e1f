import { oneLine } from './caps.js'
import { object, string, type JsonObject } from './json.js'

/** Members of a tool's input that say best what it works on, best first. */
const TARGETS = [
  'file_path', 'filePath', 'notebook_path', 'absolute_path', 'url', 'query', 'pattern', 'path', 'dir_path', 'description',
  'title', 'subject', 'name', 'skill', 'prompt', 'text'
]
const TARGET_CHARS = 200

/** `exec: <command>` on one line. */
export function execMessage (command: string): string {
  return oneLine(`exec: ${command.trim()}`)
}

/** `<tool>: <target>` on one line; only the tool where its input names no target. */
export function toolMessage (tool: string, input: unknown): string {
  const members = object(input)
  const key = TARGETS.find((name) => string(members[name]) !== undefined)
  const target = key === undefined ? shortJson(members) : string(members[key])!
  return target === '' ? tool : `${tool}: ${oneLine(target, TARGET_CHARS)}`
}

function shortJson (members: JsonObject): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(members).slice(0, 4)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      parts.push(`${name}=${oneLine(String(value), 60)}`)
    }
  }
  return parts.join(' ')
}
