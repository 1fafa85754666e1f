import type { ActivityLog } from './activity-log.js'
import type { JsonObject } from './json.js'
import type { Line } from './process/lines.js'
import { readJsonLine } from './read-json-line.js'

/**
 * Makes a line parser of an event parser. What is no JSON object is a notice: programs around the CLI print it, and a
 * run that is killed ends inside a line.
 */
export function jsonLines<State> (
  event: (event: JsonObject, state: State, log: ActivityLog) => void
): (line: Line, state: State, log: ActivityLog) => void {
  return (line, state, log) => {
    for (const part of readJsonLine(line)) {
      if (typeof part === 'string') tellText(part, line, log)
      else event(part, state, log)
    }
  }
}

/** A text that is no event, as a notice. */
export function tellText (text: string, { truncated, partial }: Pick<Line, 'truncated' | 'partial'>, log: ActivityLog): void {
  if (truncated) {
    log.progress('notice', 'A line that is longer than the cap was skipped.', { begins: text })
  } else if (partial && text.trimStart().startsWith('{')) {
    log.progress('notice', 'The output ended inside a line.', { begins: text })
  } else if (text.trim() !== '') log.progress('notice', text, { what: 'text' })
}
