import { oneLine } from './caps.js'
import { object, string, type JsonObject } from './json.js'

/** Members of a tool's input that say best what it works on, best first. */
const TARGETS = [
  'file_path', 'filePath', 'notebook_path', 'absolute_path', 'url', 'query', 'pattern', 'path', 'dir_path', 'description',
  'title', 'subject', 'name', 'skill', 'prompt', 'text'
]
/** A longer value does not say in one line what a call works on. */
const MAX_VALUE_CHARS = 60

/** `exec: <command>` on one line. */
export function execMessage (command: string): string {
  return oneLine(`exec: ${command.trim()}`)
}

/** `<tool>: <target>` on one line; only the tool where its input names no target. */
export function toolMessage (tool: string, input: unknown): string {
  const members = object(input)
  const key = TARGETS.find((name) => string(members[name]) !== undefined)
  const target = key === undefined ? shortJson(members) : string(members[key])!
  return target === '' ? tool : `${tool}: ${oneLine(target)}`
}

function shortJson (members: JsonObject): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(members).slice(0, 4)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      const shown = oneLine(String(value))
      parts.push(`${name}=${shown.length > MAX_VALUE_CHARS ? '…' : shown}`)
    }
  }
  return parts.join(' ')
}
