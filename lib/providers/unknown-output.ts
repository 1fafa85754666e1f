import type { ActivityLog } from './activity-log.js'
import { string, type JsonObject } from './json.js'

/** Structured output that no format knows. */
export interface UnknownOutput {
  /** It was said that nobody knows it. */
  readonly isKnown: boolean
  /** Says it, once, and keeps the lines as they are, up to a cap. */
  take (lines: ReadonlyArray<{ readonly event: JsonObject, readonly raw: string }>, log: ActivityLog): void
}

/** Of the lines themselves, in characters; the answer of the run keeps the end of all. */
const MAX_RAW_CHARACTERS = 65_536

export function createUnknownOutput (): UnknownOutput {
  let count = 0
  let characters = 0

  function keep (raw: string, log: ActivityLog): void {
    count++
    characters += raw.length + 1
    if (characters <= MAX_RAW_CHARACTERS) log.output(`${raw}\n`, { kind: 'raw' })
    // Beyond the cap it is still told that lines come, at the 1st, 2nd, 4th…
    else if ((count & (count - 1)) === 0) log.progress('raw', `${count} lines so far; these are not kept.`, { count })
  }

  return {
    get isKnown () { return count > 0 },
    take (lines, log) {
      if (count === 0) {
        const types = [...new Set(lines.map(({ event }) => string(event.type) ?? '').filter((type) => type !== ''))]
        log.progress('unknown_format', 'This program prints JSON of a format that is not known here: its lines are kept as they ' +
          'are, and its exit code tells whether it succeeded.', {
          types: types.slice(0, 10), raw: lines.map(({ raw }) => raw).join('\n')
        })
      }
      for (const { raw } of lines) keep(raw, log)
    }
  }
}
