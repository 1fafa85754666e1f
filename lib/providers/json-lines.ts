import type { ActivityLog } from './activity-log.js'
import { cutText } from './caps.js'
import type { JsonObject } from './json.js'
import type { Line } from './lines.js'

/**
 * Makes a line parser of an event parser. Lines that are no JSON objects are notices: programs around the CLI print
 * them, and a run that is killed ends inside a line.
 */
export function jsonLines<State> (
  event: (event: JsonObject, state: State, log: ActivityLog) => void
): (line: Line, state: State, log: ActivityLog) => void {
  return ({ text, truncated, partial }, state, log) => {
    if (text.trim() === '') return
    if (truncated) {
      log.progress('notice', 'A line that is longer than the cap was skipped.', { begins: cutText(text, 200).value })
      return
    }
    const value = parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) event(value as JsonObject, state, log)
    else if (partial) log.progress('notice', 'The output ended inside a line.', { begins: cutText(text, 200).value })
    else log.progress('notice', text, { what: 'text' })
  }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
